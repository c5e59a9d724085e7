"""The texture that users call: its pixels, its arguments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from neural_style import save_image
from neural_style.images.io import ImageSource
from neural_style.quilting import synthesize


def picture(*size: int, seed: int = 0) -> Tensor:
    """Return a picture of 256 levels, as a file has them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, *size), generator=generator).float() / 255


@pytest.mark.parametrize(("height", "width"), [(40, 31), (5, 60), (1, 1)])
def test_a_texture_has_the_size_asked_for_and_the_pictures_pixels(
    height: int, width: int, device: torch.device
) -> None:
    source = picture(20, 26)
    before = source.clone()
    texture = synthesize(source, height, width, 9, device=device)
    assert texture.shape == (3, height, width)
    assert (texture.dtype, texture.device.type) == (torch.float32, device.type)
    assert texture.is_contiguous()
    assert not texture.requires_grad
    colours = {tuple(pixel) for pixel in source.flatten(1).T.tolist()}
    assert {tuple(pixel) for pixel in texture.flatten(1).T.tolist()} <= colours
    assert torch.equal(source, before)


def test_with_a_block_as_large_as_the_picture_it_is_the_picture() -> None:
    source = picture(24, 24)
    assert torch.equal(synthesize(source, 24, 24, 24), source)
    assert torch.equal(synthesize(source, 10, 24, 24), source[:, :10])


def test_a_picture_of_one_colour_becomes_one() -> None:
    assert torch.equal(synthesize(torch.full((3, 12, 12), 0.3), 30, 20, 6), torch.full((3, 30, 20), 0.3))


def test_whatever_a_transfer_reads_is_read(tmp_path: Path) -> None:
    source = picture(16, 16)
    save_image(source, tmp_path / "texture.png")
    levels = source.mul(255).round().byte().movedim(0, -1).numpy()
    sources: list[ImageSource] = [
        tmp_path / "texture.png",
        str(tmp_path / "texture.png"),
        Image.fromarray(levels),
        levels,
        source,
    ]
    sources.append(source.unsqueeze(0))
    first, *others = (synthesize(one, 20, 20, 6) for one in sources)
    assert all(torch.equal(first, other) for other in others)


def test_the_seed_decides_and_no_global_state_does() -> None:
    source, state = picture(20, 20), torch.get_rng_state()
    first = synthesize(source, 30, 30, 8, seed=3)
    torch.manual_seed(7)
    again, other = synthesize(source, 30, 30, 8, seed=3), synthesize(source, 30, 30, 8, seed=4)
    torch.set_rng_state(state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("options", [{"overlap": 4}, {"tolerance": 3.0}])
def test_an_option_changes_the_result(options: dict[str, float]) -> None:
    source = picture(20, 20)
    assert not torch.equal(synthesize(source, 30, 30, 8, **options), synthesize(source, 30, 30, 8))  # type: ignore[arg-type]


def test_the_overlap_is_a_sixth_of_a_block() -> None:
    source = picture(20, 20)
    assert torch.equal(synthesize(source, 30, 30, 12), synthesize(source, 30, 30, 12, overlap=2))
    assert torch.equal(synthesize(source, 30, 30, 2), synthesize(source, 30, 30, 2, overlap=1))


def test_progress_counts_every_block() -> None:
    counts_seen: list[tuple[int, int]] = []
    synthesize(picture(20, 20), 30, 30, 8, callback=lambda *counts: counts_seen.append(counts))
    assert {total for _, total in counts_seen} == {25}
    done = [count for count, _ in counts_seen]
    assert done == sorted(set(done))
    assert done[-1] == 25


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"block_size": 17}, ValueError, "block_size must be at most the shorter side of the texture, 16"),
        ({"block_size": 1}, ValueError, "block_size must"),
        ({"block_size": 0}, ValueError, "block_size must"),
        ({"block_size": 6.0}, TypeError, "block_size must"),
        ({"overlap": 4}, ValueError, "overlap must be at most half a block, 3"),
        ({"overlap": 0}, ValueError, "overlap must"),
        ({"overlap": True}, TypeError, "overlap must"),
        ({"height": 0}, ValueError, "height must"),
        ({"width": -1}, ValueError, "width must"),
        ({"tolerance": -0.1}, ValueError, "tolerance must"),
        ({"tolerance": float("nan")}, ValueError, "tolerance must"),
        ({"seed": -1}, ValueError, "seed must"),
        ({"device": "nowhere"}, ValueError, "device must"),
        ({"texture": np.zeros((16, 16, 3))}, TypeError, "texture must"),
        ({"texture": torch.full((3, 16, 16), 2.0)}, ValueError, "texture values must"),
        ({"texture": torch.zeros(3, 0, 16)}, ValueError, "texture must"),
        ({"texture": "missing.png"}, FileNotFoundError, "texture"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], error: type[Exception], named: str) -> None:
    chosen = {"texture": picture(20, 16), "height": 30, "width": 30, "block_size": 7, **arguments}
    with pytest.raises(error, match=named):
        synthesize(**chosen)  # type: ignore[arg-type]
