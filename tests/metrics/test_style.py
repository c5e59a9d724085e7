"""Style distances: what they are where it can be worked out, and in which order they put pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import torch
from skimage import data
from torch import Tensor

from drawn import blurred, shuffled, strokes
from neural_style import metrics
from neural_style.metrics.held_out import CHANNELS, KERNELS, random_filters, responses
from neural_style.metrics.style import laplacian_bands
from neural_style.metrics.transport import random_directions, squared_wasserstein

Measure = Callable[[Tensor, Tensor], float]
MEASURES: tuple[Measure, ...] = (metrics.style_distance, metrics.held_out_style_distance)
PAINTING = strokes(24, 0.5, 1)


def photographed(name: str) -> Tensor:
    """Return a picture that scikit-image brings, at half its size, (1, 3, 128, 160)."""
    pixels = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1).float() / 255
    return torch.nn.functional.avg_pool2d(pixels[:, 20:276, 80:400], 2).unsqueeze(0)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_style_is_no_distance_from_itself_and_one_from_a_single_colour(measure: Measure) -> None:
    assert measure(PAINTING, PAINTING) == pytest.approx(0, abs=1e-6)
    assert measure(torch.full((1, 3, 96, 80), 0.3), PAINTING) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("measure", MEASURES)
def test_half_the_contrast_is_half_the_distance_and_brightness_none(measure: Measure) -> None:
    assert measure(0.5 * PAINTING, PAINTING) == pytest.approx(0.5, abs=1e-4)
    assert measure(PAINTING + 0.1, PAINTING) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_same_strokes_are_near_and_all_else_is_far(measure: Measure) -> None:
    style = PAINTING
    alike = [strokes(24, 0.5, 2), strokes(24, 0.5, 3, (128, 80)), shuffled(style, 32)]
    others = {
        "blurred a little": blurred(style, 0.7),
        "blurred": blurred(style, 1.5),
        "blurred, of the same strokes": blurred(alike[0], 0.7),
        "photograph": photographed("chelsea"),
        "another": photographed("coffee"),
        "white noise": torch.rand(style.shape, generator=torch.Generator().manual_seed(4)),
        "dots": strokes(3, 0.5, 5),
    }
    nearest = max(measure(picture, style) for picture in alike)
    for name, picture in others.items():
        assert measure(picture, style) > 1.25 * nearest, name
    assert measure(others["blurred"], style) > 1.5 * measure(others["blurred a little"], style)


def test_features_know_the_direction_of_strokes() -> None:
    measure = metrics.held_out_style_distance
    assert measure(strokes(24, 2.07, 2), PAINTING) > 1.5 * measure(strokes(24, 0.5, 2), PAINTING)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_seed_decides_the_number_but_hardly_changes_it(measure: Callable[..., float]) -> None:
    other = strokes(8, 0.2, 6)
    numbers = [measure(other, PAINTING, seed=seed) for seed in (0, 1)]
    assert measure(other, PAINTING) == numbers[0] != numbers[1]
    assert max(numbers) < 1.25 * min(numbers)


def test_transport_is_the_cheapest_assignment() -> None:
    generator = torch.Generator().manual_seed(5)
    own, others = torch.randn(2, 4, 30, generator=generator, dtype=torch.float64)
    expected = []
    for one, other in zip(own.numpy(), others.numpy(), strict=True):
        costs = (one[:, None] - other[None]) ** 2
        expected.append(costs[scipy.optimize.linear_sum_assignment(costs)].mean())
    np.testing.assert_allclose(squared_wasserstein(own, others), expected)


def test_transport_between_samples_of_two_sizes_is_that_of_what_they_were_drawn_from() -> None:
    generator = torch.Generator().manual_seed(6)
    own = torch.randn(1, 20000, generator=generator)
    others = 1 + 3 * torch.randn(1, 30000, generator=generator)
    assert squared_wasserstein(own, others).item() == pytest.approx(1 + (3 - 1) ** 2, rel=0.05)
    assert squared_wasserstein(own, others) == squared_wasserstein(others, own)


def test_directions_are_orthonormal_in_groups() -> None:
    lines = random_directions(3, 6, 0)
    for basis in (lines[:3], lines[3:]):
        torch.testing.assert_close(basis @ basis.T, torch.eye(3, dtype=torch.float64))
    assert not torch.equal(lines[:3], lines[3:])


def test_style_distance_is_its_formula_patch_by_patch() -> None:
    image, style = strokes(8, 0.3, 7, (32, 40)), strokes(8, 1.0, 8, (32, 33))
    (bands,) = laplacian_bands(image, style, "")
    lines = random_directions(147, 64, 0).numpy()
    projected = []
    for band in bands:
        plane = band[0].numpy()
        places = [(y, x) for y in range(plane.shape[1] - 6) for x in range(plane.shape[2] - 6)]
        patches = np.array([plane[:, y : y + 7, x : x + 7].ravel() for y, x in places])
        projected.append(np.sort(lines @ patches.T, axis=1))  # (64, M)
    own, wanted = projected
    places = (np.arange(own.shape[1]) + 0.5) / own.shape[1]
    sample = (np.arange(wanted.shape[1]) + 0.5) / wanted.shape[1]
    drawn = np.array([np.interp(places, sample, line) for line in wanted])
    expected = np.sqrt(((own - drawn) ** 2).mean() / (wanted**2).mean())
    assert metrics.style_distance(image, style) == pytest.approx(expected, rel=1e-4)


def test_held_out_style_distance_is_its_formula_with_the_square_roots_of_scipy() -> None:
    image, style = strokes(8, 0.3, 7, (40, 48)), strokes(8, 1.0, 8, (36, 60))
    (bands,) = laplacian_bands(image, style, "")
    expected = []
    for own, wanted in zip(*(responses(band, random_filters(0)) for band in bands), strict=True):
        samples = [layer[0].flatten(1).double().numpy() for layer in (own, wanted)]
        (mean, covariance), (center, spread) = ((one.mean(1), np.cov(one, bias=True)) for one in samples)
        root = scipy.linalg.sqrtm(spread)
        shared = scipy.linalg.sqrtm(root @ covariance @ root).real
        moved = ((mean - center) ** 2).sum() + np.trace(covariance + spread - 2 * shared)
        expected.append(np.sqrt(moved / ((center**2).sum() + np.trace(spread))))
    assert metrics.held_out_style_distance(image, style) == pytest.approx(np.mean(expected), rel=1e-4)


def test_the_held_out_filters_are_orthonormal_and_see_no_even_colour() -> None:
    filters = random_filters(0)
    for layer, side, channels in zip(filters, KERNELS, CHANNELS, strict=True):
        assert layer.shape[0] == channels
        assert layer.shape[2:] == (side, side)
        torch.testing.assert_close(layer.sum((2, 3)), torch.zeros(layer.shape[:2]), atol=1e-5, rtol=0)
        rows = layer.flatten(1)
        torch.testing.assert_close(rows @ rows.T, torch.eye(channels), atol=1e-5, rtol=0)
    of_one_color = list(responses(torch.full((1, 3, 48, 48), 0.7), filters))
    assert all(response.abs().max() < 1e-5 for response in of_one_color)
    assert [tuple(response.shape) for response in of_one_color] == [(1, 48, 44, 44), (1, 64, 16, 16)]  # halved


@pytest.mark.parametrize("measure", MEASURES)
def test_a_style_distance_says_what_to_install(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.transform", None)
    with pytest.raises(ImportError, match=r"neural-style-gatys\[metrics\]"):
        measure(PAINTING, PAINTING)


@pytest.mark.parametrize("distance", MEASURES)
def test_a_style_of_one_colour_is_refused(distance: Measure) -> None:
    blue = torch.tensor([0.1, 0.2, 0.9]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    with pytest.raises(ValueError, match=r"^style must have more than one colour"):
        distance(strokes(8, 0.5, 1), blue)
