"""A folder to work in, and a `StyleTransfer` that records what it is asked for instead of working."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import Estimate, save_image
from neural_style.cli import console
from neural_style.images.io import to_image_tensor
from neural_style.images.resizing import fit_within, size_of
from neural_style.transfer import StyleTransfer


@pytest.fixture(scope="session")
def narrow_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of narrow weights."""
    path = tmp_path_factory.mktemp("weights") / "narrow.pth"
    RANDOM.save(path)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, narrow_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with photo.png (32×24), art.png and art2.png (40×40) and the weights narrow.pth."""
    monkeypatch.chdir(tmp_path)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    generator = torch.Generator().manual_seed(0)
    for name, size in (("photo", (24, 32)), ("art", (40, 40)), ("art2", (40, 40))):
        save_image(torch.rand(3, *size, generator=generator), f"{name}.png")
    Path("narrow.pth").symlink_to(narrow_file)
    return tmp_path


@dataclass
class Recorder:
    """What `StyleTransfer` is made with, asked to estimate and to run; an error, if there is one, ends it."""

    made: list[dict[str, Any]] = field(default_factory=list)
    estimated: list[dict[str, Any]] = field(default_factory=list)
    ran: list[dict[str, Any]] = field(default_factory=list)
    unavailable: Exception | None = None


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Put a `StyleTransfer` in place that records, talks as torch does, and returns noise at once."""
    record = Recorder()

    @functools.wraps(StyleTransfer.__init__)
    def init(self: StyleTransfer, **options: Any) -> None:
        record.made.append(options)
        self.device = torch.device("cpu")
        if options.get("weights") == "torchvision":
            sys.stderr.write("Downloading: torch's own words\n")
        if record.unavailable is not None:
            raise record.unavailable

    @functools.wraps(StyleTransfer.run)
    def run(_self: StyleTransfer, content: Any, style: Any, **options: Any) -> Tensor:
        record.ran.append({**options, "content": content, "style": style})
        own = size_of(to_image_tensor(content))
        size = own if options["size"] is None else fit_within(own, options["size"])
        return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))

    def estimate(_self: StyleTransfer, size: tuple[int, int], **schedule: Any) -> Estimate:
        record.estimated.append({"size": size, **schedule})
        return Estimate(seconds=75, bytes=3_000_000_000, flops=1)

    monkeypatch.setattr(StyleTransfer, "__init__", init)
    monkeypatch.setattr(StyleTransfer, "run", run)
    monkeypatch.setattr(StyleTransfer, "estimate", estimate)
    monkeypatch.setattr(console, "available_memory", lambda _device: None)
    return record
