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


# -- to_mask --------------------------------------------------------------------------------------------


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
    ids=["floats", "bools", "3-d", "4-d", "doubles", "flipped bool array", "uint8 array", "PIL"],
)
def test_a_mask_may_be_any_grey_picture(source: Any) -> None:
    torch.testing.assert_close(to_mask(source, "mask", PICTURE), WEST.reshape(1, 1, 96, 112))


def test_a_mask_is_a_copy() -> None:
    source = WEST.clone()
    to_mask(source, "mask", PICTURE).zero_()
    assert torch.equal(source, WEST)


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


def test_a_mask_is_called_faint_by_its_values_before_it_is_resized() -> None:
    dot = torch.zeros(960, 1120)
    dot[480, 560] = 1.0
    with pytest.warns(UserWarning, match="it is resized"):
        assert to_mask(dot, "mask", PICTURE).amax() < 0.02


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (torch.ones(96, 96), ValueError, "sky must have its picture's aspect"),
        (torch.zeros(96, 112), ValueError, "sky must be more than 0"),
        (WEST.byte().numpy(), ValueError, "sky must be 0.02 of white"),
        (torch.ones(3, 96, 112), ValueError, "sky must have shape"),
        (2 * torch.ones(96, 112), ValueError, "sky values must lie in"),
        (torch.ones(96, 112, dtype=torch.uint8), TypeError, "sky must be a tensor of floats or bools"),
        ((255 * torch.stack([WEST, 1 - WEST, WEST], 2)).byte().numpy(), ValueError, "sky must be a grey"),
        ("nowhere.png", FileNotFoundError, "sky must be a file"),
    ],
    ids=["aspect", "black", "faint", "channels", "too large", "whole numbers", "colours", "no file"],
)
def test_what_is_no_mask_is_refused(source: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=f"^{text}"):
        to_mask(source, "sky", PICTURE)


# -- union ----------------------------------------------------------------------------------------------


def test_the_union_of_masks_counts_each_once_and_ends_at_one() -> None:
    west, half = WEST.reshape(1, 1, 96, 112), torch.full((1, 1, 96, 112), 0.5)
    found = union([half, half, west])
    assert found is not None
    assert torch.unique(found).tolist() == [0.5, 1.0]
    assert union([west, None]) is union([]) is None


# -- along_edges ----------------------------------------------------------------------------------------


def test_a_masks_border_goes_to_the_pictures_edge_and_is_soft_where_there_is_none() -> None:
    west = (torch.arange(256) < 128).float().expand(1, 1, 96, 256)
    edge = (0.3 + 0.4 * (torch.arange(256) >= 130)).expand(1, 3, 96, 256)  # 2 pixels further
    found = along_edges(west, edge)[0, 0, 48]
    assert found.diff().argmin() == 129
    assert found[129] - found[130] > 0.4
    flat = along_edges(west, torch.full((1, 3, 96, 256), 0.5))[0, 0, 48]
    assert flat.diff().amax() <= 1e-6
    assert flat.diff().abs().amax() < 0.15
    torch.testing.assert_close(flat[[112, 143]], torch.tensor([1.0, 0.0]))


def test_a_masks_border_is_brought_to_the_edge_at_the_pictures_own_size() -> None:
    west = (torch.arange(1536) < 768).float().expand(1, 1, 24, 1536)
    edge = (0.3 + 0.4 * (torch.arange(1536) >= 773)).expand(1, 3, 24, 1536)
    found = along_edges(west, edge)[0, 0, 12]
    assert found.diff().argmin() == 772
    assert found[772] - found[773] > 0.4


@pytest.mark.parametrize("size", [(96, 112), (40, 1200)])
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


# -- color_regions --------------------------------------------------------------------------------------


def test_a_map_is_taken_apart_by_its_colours(tmp_path: Path) -> None:
    save_image(MAP, tmp_path / "map.png")
    (blue, west), (red, east) = color_regions(tmp_path / "map.png")
    assert (blue.tolist(), red.tolist()) == ([0, 0, 1], [1, 0, 0])
    assert torch.equal(west, (torch.arange(400) < 300).float().expand(1, 1, 400, 400))
    assert torch.equal(west + east, torch.ones(1, 1, 400, 400))
    with pytest.raises(FileNotFoundError, match=r"^map must be a file"):
        color_regions("none.png")


def test_the_soft_edges_of_a_map_go_to_the_nearest_colour() -> None:
    picture = MAP.clone()
    picture[:, 10, 5] = torch.tensor([0.9, 0.0, 0.1])
    _blue, (_red, east) = color_regions(picture)
    assert east[0, 0, 10, 5] == 1


def test_colours_that_are_nearly_one_are_one() -> None:
    noise = 0.008 * torch.rand(3, 400, 400, generator=torch.Generator().manual_seed(1))
    assert len(color_regions(0.9 * MAP + noise)) == 2
