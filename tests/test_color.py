"""One picture with the colours of another: its statistics against NumPy's, and pictures without colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style.color import match_colors


def picture(mean: float, deviation: float, seed: int) -> Tensor:
    """Return a picture with correlated channels that stays clear of 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.eye(3) + 0.3 * torch.rand(3, 3, generator=generator)
    pixels = mixing @ (torch.rand(3, 40 * 50, generator=generator) - 0.5) * deviation + mean
    return pixels.reshape(1, 3, 40, 50)


def statistics(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    pixels = image[0].flatten(1).double().numpy()
    return pixels.mean(1), np.cov(pixels, bias=True)


def test_the_result_has_the_targets_mean_and_covariance() -> None:
    image, target = picture(0.4, 0.3, 1), picture(0.5, 0.4, 2)
    mean, covariance = statistics(match_colors(image, target))
    target_mean, target_covariance = statistics(target)
    np.testing.assert_allclose(mean, target_mean, atol=1e-5)
    np.testing.assert_allclose(covariance, target_covariance, atol=2e-3)


def test_a_picture_keeps_its_own_colours_and_the_inputs_are_untouched() -> None:
    image = picture(0.5, 0.4, 3)
    before = image.clone()
    torch.testing.assert_close(match_colors(image, image), image, atol=1e-5, rtol=0)
    assert torch.equal(image, before)


def test_the_map_is_symmetric_and_positive_so_that_no_hue_is_turned_over() -> None:
    image, target = picture(0.5, 0.2, 4), picture(0.5, 0.3, 5)
    pixels = [match_colors(image, target)[0].flatten(1).double(), image[0].flatten(1).double()]
    moved, own = (p - p.mean(1, keepdim=True) for p in pixels)
    transform = moved @ torch.linalg.pinv(own)
    torch.testing.assert_close(transform, transform.T, atol=1e-4, rtol=0)
    assert torch.linalg.eigvalsh(transform).min() > 0


@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_a_constant_picture_becomes_the_targets_mean(grey: float) -> None:
    target = picture(0.5, 0.4, 6)
    result = match_colors(torch.full((1, 3, 8, 8), grey), target)
    expected = target.mean((2, 3), keepdim=True).expand_as(result)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_a_grey_picture_stays_on_a_line_of_colours() -> None:
    shades = torch.linspace(0.2, 0.8, 64).reshape(1, 1, 8, 8).expand(1, 3, 8, 8)
    pixels = match_colors(shades, picture(0.5, 0.3, 7))[0].flatten(1)
    singular = torch.linalg.svdvals(pixels - pixels.mean(1, keepdim=True))
    assert singular[1] < 1e-4 * singular[0]


def test_colours_stay_in_the_box() -> None:
    result = match_colors(picture(0.5, 0.2, 8), torch.rand(1, 3, 9, 9).round())
    assert result.min() >= 0
    assert result.max() <= 1
