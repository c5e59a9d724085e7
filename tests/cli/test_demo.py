"""The bundled pictures and the sheet."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import torch

from neural_style import cli, load_image
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


def test_the_demo_writes_its_picture_and_the_sheet_beside_it(
    capsys: pytest.CaptureFixture[str], recorder: Any
) -> None:
    Path("here").mkdir()
    assert cli.main(["demo", "--size", "64", "--seed", "4", "-o", "here/cat.png"]) == 0
    assert {path.name for path in Path("here").iterdir()} == {"cat.png", "cat-sheet.png"}
    picture, row = load_image("here/cat.png"), load_image("here/cat-sheet.png")
    assert max(picture.shape[-2:]) == 64
    assert torch.equal(row[..., -picture.shape[-1] :], picture)
    assert recorder.made == [{}]
    assert recorder.ran[0]["seed"] == 4
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert cli.main(["demo", "--size", "original", "--quiet"]) == 0
    assert recorder.ran[1]["size"] is None
