"""Likenesses to a photograph, against their formulas written out."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
import scipy.ndimage
import torch
from numpy.typing import NDArray
from torch import Tensor

from drawn import blurred, grain, slopes, strokes
from neural_style import metrics

Array = NDArray[np.float64]
Measure = Callable[[Tensor, Tensor], float]
MEASURES: tuple[Measure, ...] = (metrics.similarity, metrics.multiscale_similarity, metrics.gradient_similarity)


def pair(size: tuple[int, int], seed: int) -> tuple[Tensor, Tensor]:
    """Two pictures that are alike in part."""
    generator = torch.Generator().manual_seed(seed)
    one, noise = torch.rand(2, 1, 3, *size, generator=generator)
    return one, 0.6 * one + 0.4 * noise


def luminance(image: Tensor) -> Array:
    return np.tensordot([0.299, 0.587, 0.114], image[0].double().numpy(), 1)


def window_means(x: Array, y: Array) -> tuple[float, float]:
    """Return the means of SSIM and of its contrast and structure, window by window."""
    bell = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    window = np.outer(bell, bell) / bell.sum() ** 2
    whole, structure = [], []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            both = (window * (a - mean_a) * (b - mean_b)).sum()
            structure.append((2 * both + 9e-4) / (var_a + var_b + 9e-4))
            light = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
            whole.append(light * structure[-1])
    return float(np.mean(whole)), float(np.mean(structure))


@pytest.mark.parametrize("measure", MEASURES)
def test_likeness_is_one_for_the_same_and_falls_with_noise(measure: Measure) -> None:
    picture = slopes()
    assert measure(picture, picture) == pytest.approx(1)
    alike = [measure((picture + grain(d, 6) - 0.5).clamp(0, 1), picture) for d in (0.01, 0.05, 0.2)]
    assert alike == sorted(alike, reverse=True)
    assert alike[2] < 0.7 < alike[0]


def test_similarity_is_the_mean_of_its_formula_over_windows() -> None:
    one, other = pair((32, 34), 7)
    expected, _ = window_means(luminance(one), luminance(other))
    assert metrics.similarity(one, other) == pytest.approx(expected, rel=1e-9)


def halved(plane: Array) -> Array:
    """Return a plane averaged over 2×2 pixels; an odd side's last pixels are doubled, as the authors do it."""
    even = np.pad(plane, [(0, side % 2) for side in plane.shape], mode="symmetric")
    means: Array = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean((1, 3))
    return means


def test_multiscale_similarity_is_the_product_of_its_formula_over_scales() -> None:
    one, other = pair((45, 48), 8)
    x, y = luminance(one), luminance(other)
    weights, expected = (0.0448, 0.2856, 0.3001), 1.0
    for weight in weights:
        whole, structure = window_means(x, y)
        last = weight == weights[-1]
        expected *= (whole if last else structure) ** (weight * 1.0001 / sum(weights))
        x, y = halved(x), halved(y)
    assert metrics.multiscale_similarity(one, other) == pytest.approx(expected, rel=1e-9)


def test_multiscale_similarity_is_that_of_another_library() -> None:
    one, noise = torch.rand(2, 1, 1, 176, 192, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    other = 0.6 * one + 0.4 * noise
    # piq 0.8.0: piq.multi_scale_ssim(one, other, data_range=1.0).item()
    expected = 0.8285382398560239
    found = metrics.multiscale_similarity(one.expand(-1, 3, -1, -1), other.expand(-1, 3, -1, -1))
    assert found == pytest.approx(expected, abs=2e-6)


def test_gradient_similarity_is_the_mean_of_its_map() -> None:
    one, other = pair((40, 48), 9)
    lengths = []
    for picture in (one, other):
        plane = halved(luminance(picture))
        across, down = (scipy.ndimage.prewitt(plane, axis) / 3 for axis in (1, 0))
        lengths.append(np.hypot(across, down)[1:-1, 1:-1])
    m, n = lengths
    expected = ((2 * m * n + 170 / 255**2) / (m**2 + n**2 + 170 / 255**2)).mean()
    assert metrics.gradient_similarity(one, other) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_blur_makes_a_picture_less_like_itself(measure: Measure) -> None:
    picture = strokes(20, 0.5, 1)
    assert measure(blurred(picture, 2), picture) < measure(blurred(picture, 1), picture) < 0.98


def test_similarity_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(ImportError, match=r"neural-style-gatys\[metrics\]"):
        metrics.similarity(grain(0.1), grain(0.1))


@pytest.mark.parametrize("measure", MEASURES)
def test_pictures_of_two_sizes_are_refused(measure: Measure) -> None:
    with pytest.raises(ValueError, match=r"^content must have the image's size, 64×64"):
        measure(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 80))
