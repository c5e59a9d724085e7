"""Colour distance, where it can be worked out."""

from __future__ import annotations

import pytest
import skimage.color
import torch
from torch import Tensor

from drawn import shuffled, strokes
from neural_style import metrics


def from_lab(colors: Tensor) -> Tensor:
    """Return a picture (1, 3, H, W) of colours (3, H, W) in CIELAB."""
    return torch.from_numpy(skimage.color.lab2rgb(colors.numpy(), channel_axis=0)).unsqueeze(0)


def greyish(size: tuple[int, int], seed: int) -> Tensor:
    """Return colours in CIELAB that stay in sRGB when they are shifted a little, (3, H, W)."""
    uniform = torch.rand(3, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.tensor([45.0, -10.0, -10.0]).view(3, 1, 1) + uniform * 20


def test_a_shift_in_cielab_is_its_length_in_delta_e() -> None:
    colors = greyish((40, 48), 1)
    shift = torch.tensor([6.0, -3.0, 2.0], dtype=torch.float64).view(3, 1, 1)
    assert metrics.color_distance(from_lab(colors + shift), from_lab(colors)) == pytest.approx(7, abs=1e-3)


def test_two_single_colours_are_their_delta_e_apart() -> None:
    one, other = torch.tensor([0.8, 0.3, 0.1]), torch.tensor([0.2, 0.4, 0.9])
    pictures = (color.view(1, 3, 1, 1).expand(1, 3, 32, 40) for color in (one, other))
    labs = (skimage.color.rgb2lab(color.double().numpy()) for color in (one, other))
    assert metrics.color_distance(*pictures) == pytest.approx(skimage.color.deltaE_cie76(*labs), rel=1e-5)


def test_a_spread_about_the_mean_costs_as_much_as_colours_move() -> None:
    colors = greyish((64, 64), 2)
    mean = colors.mean((1, 2), keepdim=True)
    moved = (0.5 * (colors - mean)).square().sum(0).mean().sqrt().item()
    wider = from_lab(mean + 1.5 * (colors - mean))
    assert metrics.color_distance(wider, from_lab(colors)) == pytest.approx(moved, rel=1e-3)


def test_places_do_not_count() -> None:
    painting = strokes(24, 0.5, 1)
    assert metrics.color_distance(shuffled(painting, 32), painting) == pytest.approx(0, abs=1e-6)
    assert metrics.color_distance(strokes(24, 0.5, 2, (96, 112)), painting) < 8
    assert metrics.color_distance(painting.mean(1, keepdim=True).expand(-1, 3, -1, -1), painting) > 10
