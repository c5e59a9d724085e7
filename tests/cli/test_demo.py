"""The bundled pictures and the sheet."""

from __future__ import annotations

from importlib import resources

import torch

from neural_style.cli.demo import sheet
from neural_style.images.resizing import resize


def test_the_bundled_pictures_are_small_files_with_their_provenance() -> None:
    folder = resources.files("neural_style.cli") / "demo_pictures"
    about = (folder / "README.md").read_text("utf-8")
    for name in ("photograph.jpg", "painting.jpg"):
        assert len((folder / name).read_bytes()) < 150_000
        assert f"`{name}`" in about
    assert "CC0" in about


def test_a_sheet_gives_every_picture_the_height_and_the_device_of_the_last(device: torch.device) -> None:
    tall, narrow = (
        torch.rand(1, 3, 40, 20, generator=torch.Generator().manual_seed(0)),
        torch.zeros(1, 3, 100, 1),
    )
    last = torch.zeros(1, 3, 20, 30, device=device)
    row = sheet([tall, narrow, last], gap=2)
    assert row.shape == (1, 3, 20, 10 + 2 + 1 + 2 + 30)
    assert row.device.type == device.type
    assert torch.equal(row[..., :10].cpu(), resize(tall, (20, 10)))
    assert bool((row[..., 10:12] == 1).all())
    assert torch.equal(row[..., -30:], last)
