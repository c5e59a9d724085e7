"""The style statistics: by hand, against NumPy's loops and SciPy's square root, and by their gradients."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor

from neural_style.losses import statistics as style_statistics
from neural_style.losses.statistics import STATISTICS, Mixture, StyleLoss, matrix_root, mixture
from neural_style.losses.sums import Moments

Array = NDArray[np.float64]
NAMES = tuple(STATISTICS)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def skewed(*shape: int, seed: int) -> Tensor:
    """Features with a mean, and channels that respond together and unlike strongly."""
    values = normal(*shape, seed=seed)
    mixed = torch.einsum("kc,bchw->bkhw", normal(shape[1], shape[1], seed=seed + 100), values)
    return mixed + torch.arange(shape[1], dtype=torch.float64).view(1, -1, 1, 1) / 2


# -- the witnesses --------------------------------------------------------------------------------------


def mean_and_covariance(features: Tensor) -> tuple[Array, Array]:
    """The definitions as loops over positions."""
    columns = [column.numpy() for column in features[0].flatten(1).T]
    mean = np.zeros_like(columns[0])
    for column in columns:
        mean += column / len(columns)
    covariance = np.zeros((len(mean), len(mean)))
    for column in columns:
        for i in range(len(mean)):
            for j in range(len(mean)):
                covariance[i, j] += (column[i] - mean[i]) * (column[j] - mean[j]) / len(columns)
    return mean, covariance


def reference_mean_deviation(features: Tensor, target: Tensor) -> float:
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    deviation, wanted_deviation = np.sqrt(np.diag(covariance)), np.sqrt(np.diag(wanted))
    apart = sum((mean - wanted_mean) ** 2) + sum((deviation - wanted_deviation) ** 2)
    return float(apart / (sum(wanted_mean**2) + sum(wanted_deviation**2)))


def reference_covariance(features: Tensor, target: Tensor) -> float:
    (_, covariance), (_, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    return float(((covariance - wanted) ** 2).sum() / (wanted**2).sum())


def reference_wasserstein(features: Tensor, target: Tensor) -> float:
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    half = scipy.linalg.sqrtm(wanted)
    shared = scipy.linalg.sqrtm(half @ covariance @ half).real
    apart = ((mean - wanted_mean) ** 2).sum() + np.trace(covariance + wanted - 2 * shared)
    return float(apart / ((wanted_mean**2).sum() + np.trace(wanted)))


def reference_gram(features: Tensor, target: Tensor) -> float:
    gram, wanted = (f[0].flatten(1).numpy() for f in (features, target))
    gram, wanted = gram @ gram.T / gram.shape[1], wanted @ wanted.T / wanted.shape[1]
    return float(((gram - wanted) ** 2).sum() / (wanted**2).sum())


REFERENCES: dict[str, Callable[[Tensor, Tensor], float]] = {
    "gram": reference_gram,
    "mean-deviation": reference_mean_deviation,
    "covariance": reference_covariance,
    "wasserstein": reference_wasserstein,
}


def of(statistic: StyleLoss, features: Tensor, target: Tensor) -> Tensor:
    return statistic(Moments.of(features), Moments.of(target))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_statistic_is_its_definition(name: str, seed: int) -> None:
    features, target = skewed(1, 4, 5, 6, seed=seed), skewed(1, 4, 7, 3, seed=seed + 10)
    value = of(STATISTICS[name], features, target).item()
    assert value == pytest.approx(REFERENCES[name](features, target), rel=1e-5)
    assert value > 0.01


@pytest.mark.parametrize(
    ("name", "expected"),
    # Channels 1, -1 and -1, 1: mean 0, variance 1, correlation -1. The target's 3, 1 and 2, 0: means 2 and 1,
    # variance 1, correlation 1.
    [
        ("gram", ((1 - 5) ** 2 + 2 * (-1 - 3) ** 2 + (1 - 2) ** 2) / (25 + 2 * 9 + 4)),
        ("mean-deviation", (2**2 + 1**2) / (5 + 2)),
        ("covariance", 2 * (-1 - 1) ** 2 / 4),
        ("wasserstein", (2**2 + 1**2 + 2 + 2 - 2 * 0) / (5 + 2)),
    ],
)
def test_a_case_by_hand(name: str, expected: float) -> None:
    features = torch.tensor([[[[1.0, -1.0]], [[-1.0, 1.0]]]], dtype=torch.float64)
    target = torch.tensor([[[[3.0, 1.0]], [[2.0, 0.0]]]], dtype=torch.float64)
    assert of(STATISTICS[name], features, target).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_that_of_finite_differences(name: str) -> None:
    target = Moments.of(skewed(1, 3, 5, 5, seed=3))

    def loss(features: Tensor) -> Tensor:
        return STATISTICS[name](Moments.of(features), target)

    assert torch.autograd.gradcheck(loss, skewed(1, 3, 4, 4, seed=4).requires_grad_(True), rtol=1e-4)


# -- known mistakes -------------------------------------------------------------------------------------


def with_unbiased_deviation(features: Tensor, target: Tensor) -> float:
    (mean, deviation), (wanted_mean, wanted) = (
        (f[0].flatten(1).mean(1), f[0].flatten(1).std(1)) for f in (features, target)
    )
    apart = (mean - wanted_mean).square().sum() + (deviation - wanted).square().sum()
    return float(apart / (wanted_mean.square().sum() + wanted.square().sum()))


def with_variances(features: Tensor, target: Tensor) -> float:
    (mean, spread), (wanted_mean, wanted) = (
        (f[0].flatten(1).mean(1), f[0].flatten(1).var(1, correction=0)) for f in (features, target)
    )
    apart = (mean - wanted_mean).square().sum() + (spread - wanted).square().sum()
    return float(apart / (wanted_mean.square().sum() + wanted.square().sum()))


def as_if_they_commuted(features: Tensor, target: Tensor) -> float:
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    shared = scipy.linalg.sqrtm(covariance) @ scipy.linalg.sqrtm(wanted)
    apart = ((mean - wanted_mean) ** 2).sum() + np.trace(covariance + wanted - 2 * shared)
    return float(apart / ((wanted_mean**2).sum() + np.trace(wanted)))


def without_the_root(features: Tensor, target: Tensor) -> float:
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    apart = ((mean - wanted_mean) ** 2).sum() + np.trace(covariance + wanted - 2 * covariance @ wanted)
    return float(apart / ((wanted_mean**2).sum() + np.trace(wanted)))


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("mean-deviation", with_unbiased_deviation),
        ("mean-deviation", with_variances),
        ("covariance", reference_gram),
        ("gram", reference_covariance),
        ("wasserstein", as_if_they_commuted),
        ("wasserstein", without_the_root),
        ("wasserstein", reference_mean_deviation),
    ],
)
def test_known_mistakes_are_told_apart(name: str, mistake: Callable[[Tensor, Tensor], float]) -> None:
    features, target = skewed(1, 4, 3, 4, seed=5), skewed(1, 4, 4, 5, seed=6)
    assert of(STATISTICS[name], features, target).item() != pytest.approx(mistake(features, target), rel=1e-3)


# -- properties -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_statistic_is_zero_on_itself_and_blind_to_where(name: str) -> None:
    features, target = skewed(1, 5, 6, 6, seed=7), skewed(1, 5, 6, 6, seed=8)
    assert of(STATISTICS[name], target, target).item() == pytest.approx(0, abs=1e-7)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].view_as(features)
    value = of(STATISTICS[name], features, target)
    torch.testing.assert_close(of(STATISTICS[name], shuffled, target), value, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_statistic_does_not_depend_on_the_size_of_responses(name: str) -> None:
    features, target = skewed(1, 4, 5, 5, seed=9), skewed(1, 4, 5, 5, seed=10)
    value = of(STATISTICS[name], features, target)
    torch.testing.assert_close(of(STATISTICS[name], 1e3 * features, 1e3 * target), value, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["gram", "mean-deviation", "wasserstein"])
def test_a_black_picture_is_at_one(name: str) -> None:
    target = skewed(1, 4, 5, 5, seed=11)
    assert of(STATISTICS[name], torch.zeros_like(target), target).item() == pytest.approx(1, rel=1e-2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_flat_and_few_features_have_finite_slopes(name: str, dtype: torch.dtype) -> None:
    cases = [
        (torch.ones(1, 6, 2, 2), skewed(1, 6, 9, 9, seed=12)),  # no variance where the style has some
        (skewed(1, 6, 1, 3, seed=13), skewed(1, 6, 9, 9, seed=12)),  # fewer positions than channels
        (skewed(1, 6, 9, 9, seed=12), torch.ones(1, 6, 2, 2)),
        (torch.zeros(1, 6, 2, 2), torch.zeros(1, 6, 2, 2)),
    ]
    for features, target in cases:
        leaf = features.to(dtype).requires_grad_(True)
        loss = of(STATISTICS[name], leaf, target.to(dtype))
        (gradient,) = torch.autograd.grad(loss, leaf)
        assert loss.dtype == gradient.dtype == dtype
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_the_gaussians_distance_is_symmetric_and_that_of_a_shift_its_length() -> None:
    one, other = skewed(1, 4, 6, 6, seed=14), skewed(1, 4, 6, 6, seed=15)

    def apart(features: Tensor, target: Tensor) -> float:
        energy = target.square().sum(1).mean().item()
        return of(style_statistics.wasserstein_loss, features, target).item() * energy

    assert apart(one, other) == pytest.approx(apart(other, one), rel=1e-9)
    assert apart(one + 3, one) == pytest.approx(4 * 9, rel=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 40])
def test_the_root_is_scipys(channels: int) -> None:
    factor = normal(channels, channels, seed=16)
    matrix = factor @ factor.T
    root = matrix_root(matrix)
    expected = torch.from_numpy(scipy.linalg.sqrtm(matrix.numpy()).real)
    torch.testing.assert_close(root, expected, rtol=0, atol=1e-8 * root.max().item())
    torch.testing.assert_close(root @ root, matrix)


def test_features_that_are_no_numbers_give_a_loss_that_is_none() -> None:
    leaf = torch.full((1, 3, 4, 4), torch.nan, requires_grad=True)
    loss = of(style_statistics.wasserstein_loss, leaf, skewed(1, 3, 4, 4, seed=21).float())
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert loss.isnan()
    assert gradient.isnan().all()


def test_a_root_takes_what_rounding_made_negative_for_zero() -> None:
    assert matrix_root(torch.diag(torch.tensor([4.0, -1e-9]))).tolist() == [[2.0, 0.0], [0.0, 0.0]]


def test_the_slope_of_float32_moments_is_that_of_float64() -> None:
    features, target = skewed(1, 8, 12, 12, seed=17), skewed(1, 8, 12, 12, seed=18)
    slopes = []
    for dtype in (torch.float32, torch.float64):
        leaf = features.to(dtype).requires_grad_(True)
        loss = of(style_statistics.wasserstein_loss, leaf, target.to(dtype))
        slopes.append(torch.autograd.grad(loss, leaf)[0].double())
    assert (slopes[0] - slopes[1]).norm() < 1e-3 * slopes[1].norm()


# -- choices --------------------------------------------------------------------------------------------


def test_a_mixture_is_the_weighted_sum() -> None:
    features, target = skewed(1, 4, 5, 5, seed=19), skewed(1, 4, 5, 5, seed=20)
    mixed = mixture("statistic", {"gram": 0.5, "wasserstein": 2, "covariance": 0})
    parts = [of(STATISTICS[name], features, target) for name in ("gram", "wasserstein")]
    torch.testing.assert_close(of(mixed, features, target), 0.5 * parts[0] + 2 * parts[1])
    assert mixed.decomposes
    assert not mixture("statistic", "gram").decomposes
    assert mixture("statistic", "gram") == Mixture({"gram": 1.0})


@pytest.mark.parametrize(
    ("choice", "error", "text"),
    [
        (
            "gramm",
            ValueError,
            "statistic must be one of 'gram', 'mean-deviation', 'covariance', 'wasserstein'; got 'gramm'. "
            "Did you mean 'gram'?",
        ),
        ({"gram": -1}, ValueError, "statistic['gram'] must be a finite number of at least 0; got -1"),
        ({"gram": 0}, ValueError, "statistic must have weights that sum to more than 0; got {'gram': 0}. "),
        ({}, ValueError, "statistic must have weights that sum to more than 0; got {}. "),
        (["gram"], TypeError, "statistic must be a name or weights by name; got list. There are 'gram', "),
    ],
)
def test_a_wrong_choice_is_told(choice: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match="^" + re.escape(text)):
        mixture("statistic", choice)
