"""The README's Python runs as it is written, on small pictures and with few iterations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import neural_style
from narrow import RANDOM
from neural_style import StyleTransfer, save_image

README = Path(__file__).parent.parent / "README.md"


class Quick(StyleTransfer):
    """A transfer with random weights, of pictures of at most 48 pixels, in one iteration."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"weights": RANDOM, **options})

    def run(self, content: Any, style: Any, **options: Any) -> torch.Tensor:
        return super().run(content, style, **{**options, "size": 48, "iterations": 1, "levels": 1})


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(neural_style, "StyleTransfer", Quick)
    for name, seed in (("photo.jpg", 0), ("painting.jpg", 1)):
        save_image(torch.rand(3, 40, 48, generator=torch.Generator().manual_seed(seed)), name)
    variables: dict[str, Any] = {}
    for block in blocks:
        exec(block, variables)
    assert neural_style.load_image("out.png").shape == (3, 40, 48)
