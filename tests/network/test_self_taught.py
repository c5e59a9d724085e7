"""Filters learned from pictures: the mathematics of each step, and the guards for degenerate pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style.network.self_taught import (
    leading_eigenpairs,
    learn_convolution,
    learn_filters,
    sample_patches,
    spherical_kmeans,
    whitening,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth_picture(height: int = 48, width: int = 64, seed: int = 0) -> Tensor:
    """Return a picture with structure at several scales, roughly of zero mean and unit variance."""
    generator, picture = seeded(seed), torch.zeros(1, 3, height, width)
    for side in (3, 6, 12, 24):
        noise = torch.randn(1, 3, side, side, generator=generator)
        picture = picture + F.interpolate(noise, size=(height, width), mode="bicubic")
    return picture / picture.std()


def test_patches_are_the_convolutions_own_windows() -> None:
    features = torch.randn(1, 2, 5, 7, generator=seeded())
    patches = sample_patches([features], 35, seeded(1))
    windows = F.unfold(F.pad(features, (1, 1, 1, 1), mode="replicate"), 3)[0].T  # (35, 18)
    chosen = torch.randperm(35, generator=seeded(1))
    assert torch.equal(patches, windows[chosen])


def test_patches_are_drawn_without_replacement_and_alike_from_every_picture() -> None:
    maps = [torch.arange(100.0).view(1, 1, 10, 10), 1000 + torch.arange(30.0).view(1, 1, 5, 6)]
    centres = sample_patches(maps, 100, seeded())[:, 4]
    assert len(centres) == 50 + 30
    assert len(set(centres.tolist())) == 80


def test_whitening_divides_by_the_regularised_eigenvalues_of_numpys_covariance() -> None:
    centred = torch.randn(300, 12, generator=seeded()) * torch.linspace(0.1, 3, 12)
    centred = centred - centred.mean(0)
    values, vectors = np.linalg.eigh(np.cov(centred.numpy(), rowvar=False, bias=True))
    expected = vectors[:, -5:] / np.sqrt(values[-5:] + 0.01 * values[-1] + 1e-4)
    found = whitening(centred, 5, 0.01, seeded()).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)


@pytest.mark.parametrize(("count", "dimension", "error"), [(900, 100, 1e-3), (80, 700, 1e-3), (700, 800, 2e-2)])
def test_leading_eigenpairs_are_those_of_numpys_covariance(count: int, dimension: int, error: float) -> None:
    """Exact by the covariance, exact by the Gram matrix, and randomised, on a decaying spectrum."""
    centred = torch.randn(count, dimension, generator=seeded()) * 0.97 ** torch.arange(dimension)
    centred = centred - centred.mean(0)
    expected = np.linalg.eigvalsh(np.cov(centred.numpy(), rowvar=False, bias=True))[-20:]
    values, vectors = leading_eigenpairs(centred, 20, seeded(1))
    np.testing.assert_allclose(values.numpy(), expected, rtol=error)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(20), atol=1e-3, rtol=0)
    residual = centred.T @ (centred @ vectors) / count - vectors * values
    assert residual.norm() < max(1e-2, 5 * error) * values.norm()


def test_kmeans_finds_a_planted_mixture_of_directions() -> None:
    truth = F.normalize(torch.randn(4, 16, generator=seeded(3)), dim=1)
    scale = 1 + torch.rand(400, 1, generator=seeded(4))
    points = scale * (truth.repeat(100, 1) + 0.05 * torch.randn(400, 16, generator=seeded(5)))
    cosines = spherical_kmeans(points, 12, 10, seeded(0)) @ truth.T  # (12, 4)
    assert cosines.max(0).values.min() > 0.99  # every direction is found
    assert cosines.max(1).values.min() > 0.9  # and nothing between them


def test_kmeans_fills_up_with_random_directions_and_keeps_empty_clusters() -> None:
    points = torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.1]])
    centroids = spherical_kmeans(points, 6, 2, seeded())
    torch.testing.assert_close(centroids.norm(dim=1), torch.ones(6))
    cosines = F.normalize(points, dim=1) @ centroids.T
    assert cosines[0].max() > 0.999
    assert cosines[1].max() > 0.999


def test_a_learned_convolution_responds_with_mean_zero_and_variance_one() -> None:
    features = smooth_picture()
    weight, bias = learn_convolution([features], 32, seeded(), first=True)
    response = F.conv2d(F.pad(features, (1, 1, 1, 1), mode="replicate"), weight, bias)[0].flatten(1)
    torch.testing.assert_close(response.mean(1), torch.zeros(32), atol=0.15, rtol=0)
    torch.testing.assert_close(response.std(1), torch.ones(32), atol=0.15, rtol=0)


def test_the_last_six_filters_of_the_first_convolution_let_colour_pass() -> None:
    weight, _ = learn_convolution([smooth_picture()], 16, seeded(), first=True)
    for channel in range(3):
        plus, minus = weight[10 + channel], weight[13 + channel]
        assert plus[channel].std() < 1e-6
        assert plus[channel].min() > 0
        assert plus.abs().sum() == pytest.approx(plus[channel].sum().item())
        torch.testing.assert_close(plus, -minus)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_a_constant_picture_teaches_orthogonal_filters(value: float) -> None:
    filters = learn_filters([torch.full((1, 3, 32, 32), value)], [[8, 8], [16]], seeded())
    for weight, bias in filters:
        assert bool(torch.isfinite(weight).all())
        assert bool((bias == 0).all())
    rows = filters[0][0].flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(8), atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [(16, 16), (16, 128), (2, 2), (1, 40)])
def test_tiny_and_narrow_pictures_teach_finite_filters(size: tuple[int, int]) -> None:
    picture = torch.randn(1, 3, *size, generator=seeded())
    for parameters in learn_filters([picture], [[8, 8], [16], [16], [32], [32]], seeded()):
        assert all(bool(torch.isfinite(values).all()) for values in parameters)
