"""Resizing: against Pillow's filter, in steps, and across the borders of a picture that tiles the plane."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from images.cells import RGB, unit
from images.writers import png
from neural_style.images import resizing
from neural_style.images.io import read, to_image_tensor
from neural_style.images.resizing import fit_within, resize


def test_an_image_of_the_right_size_comes_back_itself() -> None:
    image = torch.rand(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    assert resize(image, (8, 6)) is image


def test_resizing_is_that_of_pillow(device: torch.device) -> None:
    """Pillow's bicubic filter, which antialiases too, is a second witness, on floats."""
    plane = torch.rand(40, 30, generator=torch.Generator().manual_seed(0))
    for size in [(20, 15), (13, 17), (80, 60)]:
        witness = Image.fromarray(plane.numpy()).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        image = resize(plane.to(device).expand(1, 3, -1, -1), size, clamp=False)
        assert torch.allclose(image[0, 1].cpu(), torch.from_numpy(np.array(witness)), atol=1e-5)


def test_clamping_cuts_off_what_overshoots_at_an_edge() -> None:
    edge = torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 1
    free, kept = resize(edge, (16, 16), clamp=False), resize(edge, (16, 16))
    assert free.max() > 1
    assert free.min() < 0
    assert torch.equal(kept, free.clamp(0, 1))


@pytest.mark.parametrize("size", [(2, 2), (3, 80), (1, 1)])
def test_a_steep_reduction_goes_in_steps_and_keeps_the_brightness(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratios: list[float] = []

    def watched(image: Tensor, *, size: tuple[int, int], **options: object) -> Tensor:
        ratios.append(max(image.shape[-2] / size[0], image.shape[-1] / size[1]))
        return interpolate(image, size=size, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(resizing, "interpolate", watched)
    image = torch.rand(1, 3, 150, 160, generator=torch.Generator().manual_seed(0))
    reduced = resize(image, size)
    assert reduced.shape[-2:] == size
    assert max(ratios) <= 32
    assert reduced.mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("before", "after"),
    [((48, 64), (96, 160)), ((96, 160), (48, 80)), ((32, 48), (16, 16)), ((160, 96), (4, 3))],
)
def test_a_picture_that_tiles_the_plane_is_resized_across_its_borders(
    before: tuple[int, int], after: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = torch.rand(1, 3, *before, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    units = [math.gcd(*sides) for sides in zip(before, after, strict=True)]
    here, there = ([side // unit for side, unit in zip(size, units, strict=True)] for size in (before, after))
    for steepest in (32, 8):
        monkeypatch.setattr(resizing, "_STEEPEST", steepest)
        resized = resize(image, after, clamp=False, wraps=True)
        rolled = resize(image.roll(here, (2, 3)), after, clamp=False, wraps=True)
        torch.testing.assert_close(rolled, resized.roll(there, (2, 3)), rtol=0, atol=1e-12)
        inside = resize(image, after, clamp=False)
        assert not torch.allclose(inside, resized, atol=1e-3)
        middle = [slice(side // 4 + 1, -(side // 4) - 1) for side in after]
        if min(after) > 16:
            torch.testing.assert_close(inside[:, :, *middle], resized[:, :, *middle], rtol=0, atol=1e-12)


def test_sides_without_a_common_divisor_wrap_too() -> None:
    wave = torch.sin(torch.arange(37, dtype=torch.float64) * 2 * math.pi / 37).expand(1, 3, 31, 37) / 4 + 0.5
    resized = resize(wave, (64, 53), wraps=True)
    expected = (
        torch.sin((torch.arange(53, dtype=torch.float64) + 0.5) * 2 * math.pi / 53 - math.pi / 37) / 4 + 0.5
    )
    torch.testing.assert_close(resized, expected.expand(1, 3, 64, 53), rtol=0, atol=1e-3)


def test_a_size_fits_the_longer_side_exactly_and_keeps_its_aspect() -> None:
    assert fit_within((768, 1024), 512) == (384, 512)
    assert fit_within((1024, 768), 512) == (512, 384)
    assert fit_within((667, 1000), 100) == (67, 100)
    assert fit_within((2, 1000), 100) == (1, 100)
    assert all(max(fit_within((7, own), side)) == side for own in range(7, 200) for side in range(1, 200))
    with pytest.raises(ValueError, match="size must be"):
        fit_within((4, 4), 0)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_reduced_picture_is_that_of_the_whole_resized(orientation: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (90, 120, 4), dtype=np.uint8)
    picture = Image.open(io.BytesIO(png(levels, 8, 6)))
    picture.getexif()[0x0112] = orientation
    with pytest.warns(UserWarning, match="transparent parts"):
        whole = to_image_tensor(picture)
    with pytest.warns(UserWarning, match="transparent parts"):
        reduced, own = read(picture, "image", lambda own: fit_within(own, 20))
    assert own == tuple(whole.shape[-2:])
    assert max(reduced.shape[-2:]) == 80
    np.testing.assert_allclose(reduced, resize(whole, (reduced.shape[-2], reduced.shape[-1])), atol=1e-5)


def test_a_jpeg_that_its_decoder_halves_has_its_own_size_and_colours(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    large = Image.fromarray(RGB).resize((24 * 40, 16 * 40), Image.Resampling.NEAREST)
    large.getexif()[0x0112] = 6
    large.save(path, quality=95, exif=large.getexif())
    reduced, own = read(path, "image", lambda own: fit_within(own, 24))
    assert own == (960, 640)
    assert reduced.shape[-2:] == (96, 64)
    centres = reduced[0, :, 16::32, 16::32].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(centres, np.rot90(unit(RGB)[4::8, 4::8], -1), atol=3 / 255)
