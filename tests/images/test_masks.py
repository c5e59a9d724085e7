"""Masks: from any grey picture, along a picture's edges, from a map in colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from neural_style import save_image
from neural_style.images.color import luma
from neural_style.images.masks import along_edges, color_regions, to_mask, union

PICTURE = torch.zeros(1, 3, 96, 112)
WEST = (torch.arange(112) < 56).float().expand(96, 112)
BLUE, RED = (torch.tensor(color).view(3, 1, 1) for color in ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]))
MAP = torch.where(torch.arange(400) < 300, BLUE, RED).expand(3, 400, 400)


@pytest.mark.parametrize(
    "source",
    [
        WEST,
        WEST.bool(),
        WEST.unsqueeze(0),
        WEST.reshape(1, 1, 96, 112),
        WEST.double().numpy(),
        WEST.bool().numpy()[::-1],
        (255 * WEST).byte().numpy(),
        Image.fromarray((255 * WEST).byte().numpy()),
    ],
)
def test_a_mask_may_be_any_grey_picture_and_is_a_copy(source: Any) -> None:
    mask = to_mask(source, "mask", PICTURE)
    torch.testing.assert_close(mask, WEST.reshape(1, 1, 96, 112))
    mask.zero_()
    torch.testing.assert_close(to_mask(source, "mask", PICTURE), WEST.reshape(1, 1, 96, 112))


def test_a_mask_of_another_size_is_resized_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "west.png"
    save_image(WEST[::2, ::2].expand(3, 48, 56), path)
    with pytest.warns(UserWarning, match="^sky has 48×56 pixels"):
        mask = to_mask(path, "sky", PICTURE)
    assert mask.shape == (1, 1, 96, 112)
    assert (mask - WEST).abs().mean() < 0.02


def test_a_mask_that_is_white_throughout_is_warned_of() -> None:
    hidden = Image.new("RGBA", (112, 96), (255, 255, 255, 0))  # white paint on what is transparent
    hidden.putpixel((50, 50), (255, 255, 255, 255))
    with pytest.warns(UserWarning, match="^sky is white throughout"), pytest.warns(match="flattened"):
        assert to_mask(hidden, "sky", PICTURE).amin() == 1


def test_a_large_mask_that_is_white_throughout_is_warned_of() -> None:
    white = Image.new("L", (3000, 2571), 255)  # reduced while it is read, which rounds
    with pytest.warns(UserWarning, match="^sky is white throughout"), pytest.warns(match="resized"):
        to_mask(white, "sky", PICTURE)
    to_mask(Image.new("L", (112, 96), 254), "sky", PICTURE)  # without a warning, which would be an error


def test_a_mask_is_called_faint_by_its_values_before_it_is_resized() -> None:
    dot = torch.zeros(960, 1120)
    dot[480, 560] = 1.0
    with pytest.warns(UserWarning, match="it is resized"):
        assert to_mask(dot, "mask", PICTURE).amax() < 0.02


@pytest.mark.parametrize(
    ("source", "error", "named"),
    [
        (torch.ones(96, 96), ValueError, "sky"),
        (torch.zeros(96, 112), ValueError, "sky"),
        (WEST.byte().numpy(), ValueError, "sky"),
        (torch.ones(3, 96, 112), ValueError, "sky"),
        (2 * torch.ones(96, 112), ValueError, "sky values"),
        (torch.ones(96, 112, dtype=torch.uint8), TypeError, "sky"),
        ((255 * torch.stack([WEST, 1 - WEST, WEST], 2)).byte().numpy(), ValueError, "sky"),
        ("nowhere.png", FileNotFoundError, "sky"),
    ],
)
def test_what_is_no_mask_is_refused(source: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=f"^{named} must "):
        to_mask(source, "sky", PICTURE)


def test_the_union_of_masks_counts_each_once_and_ends_at_one() -> None:
    west, half = WEST.reshape(1, 1, 96, 112), torch.full((1, 1, 96, 112), 0.5)
    both = union([half, half, west])
    assert both is not None
    assert torch.unique(both).tolist() == [0.5, 1.0]
    assert union([west, None]) is union([]) is None


def test_a_masks_border_goes_to_the_pictures_edge_and_is_soft_where_there_is_none() -> None:
    west = (torch.arange(256) < 128).float().expand(1, 1, 96, 256)
    edge = (0.3 + 0.4 * (torch.arange(256) >= 130)).expand(1, 3, 96, 256)  # 2 pixels further
    row = along_edges(west, edge)[0, 0, 48]
    assert row.diff().argmin() == 129
    assert row[129] - row[130] > 0.4
    flat = along_edges(west, torch.full((1, 3, 96, 256), 0.5))[0, 0, 48]
    assert flat.diff().amax() <= 1e-6
    assert flat.diff().abs().amax() < 0.15
    torch.testing.assert_close(flat[[112, 143]], torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize("size", [(96, 112), (24, 1536)])
def test_masks_that_sum_to_one_do_so_along_edges(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    picture, mask = torch.rand(1, 3, *size, generator=generator), torch.rand(1, 1, *size, generator=generator)
    both = along_edges(mask, picture) + along_edges(1 - mask, picture)
    torch.testing.assert_close(both, torch.ones(1, 1, *size), atol=1e-4, rtol=0)
    ones = along_edges(torch.ones(1, 1, *size), picture)
    torch.testing.assert_close(ones, torch.ones(1, 1, *size), atol=1e-4, rtol=0)


def test_along_edges_is_the_guided_filter_of_its_paper() -> None:
    generator = torch.Generator().manual_seed(0)
    picture, mask = torch.rand(1, 3, 40, 70, generator=generator), torch.rand(1, 1, 40, 70, generator=generator)
    radius, guide, p = 1, luma(picture)[0, 0].double().numpy(), mask[0, 0].double().numpy()  # 70 / 64

    def means(plane: Any) -> Any:
        padded = np.pad(plane, radius, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
        return windows.mean((-2, -1))

    slope = (means(guide * p) - means(guide) * means(p)) / (means(guide**2) - means(guide) ** 2 + 0.01**2)
    intercept = means(p) - slope * means(guide)
    wanted = (means(slope) * guide + means(intercept)).clip(0, 1)
    np.testing.assert_allclose(along_edges(mask, picture)[0, 0].numpy(), wanted, atol=2e-4)


def test_a_map_is_taken_apart_by_its_colours(tmp_path: Path) -> None:
    save_image(MAP, tmp_path / "map.png")
    (blue, west), (red, east) = color_regions(tmp_path / "map.png")
    assert (blue.tolist(), red.tolist()) == ([0, 0, 1], [1, 0, 0])
    assert torch.equal(west, (torch.arange(400) < 300).float().expand(1, 1, 400, 400))
    assert torch.equal(west + east, torch.ones(1, 1, 400, 400))
    with pytest.raises(FileNotFoundError, match=r"^map must be a file"):
        color_regions("none.png")


def test_the_soft_edges_of_a_map_go_to_the_nearest_colour_and_colours_nearly_one_are_one() -> None:
    picture = MAP.clone()
    picture[:, 10, 5] = torch.tensor([0.9, 0.0, 0.1])
    noise = 0.008 * torch.rand(3, 400, 400, generator=torch.Generator().manual_seed(1))
    for source in (picture, 0.9 * picture + noise):
        _blue, (_red, east) = color_regions(source)
        assert east[0, 0, 10, 5] == 1
