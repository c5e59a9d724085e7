"""The README's Python runs as it stands there, on small pictures and a narrow network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import neural_style
from narrow import RANDOM
from neural_style import StyleTransfer, load_image, save_image

README = Path(__file__).parents[1] / "README.md"


class Small(StyleTransfer):
    """The same transfer, in one iteration at an eighth of the size."""

    def __init__(self, **options: Any) -> None:
        super().__init__(weights=RANDOM, device="cpu", **options)

    def run(self, *pictures: Any, size: int | None = 512, **options: Any) -> Tensor:
        """Return the small picture."""
        assert size is not None
        return super().run(*pictures, size=size // 8, iterations=1, levels=1, **options)


@pytest.mark.filterwarnings("ignore:.*normalised network:UserWarning")  # the narrow one is not the paper's
def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    generator = torch.Generator().manual_seed(0)
    for name in ("photo", "painting"):
        save_image(torch.rand(3, 96, 128, generator=generator), tmp_path / f"{name}.jpg")
    monkeypatch.setattr(neural_style, "StyleTransfer", Small)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    assert load_image("out.png").shape == names["image"].shape == (3, 48, 64)
    assert names["larger"].shape == (3, 96, 128)
    assert not torch.equal(names["gentle"], names["gram"])
