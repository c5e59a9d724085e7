"""The style statistics: by hand, against NumPy's loops and SciPy's square root, and by their gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

import reference
from features import array, normal
from neural_style.losses.other_statistics import STATISTICS, wasserstein_loss
from neural_style.losses.sums import Moments
from neural_style.losses.terms import StyleLoss

NAMES = tuple(STATISTICS)


def skewed(*shape: int, seed: int) -> Tensor:
    """Features with a mean, and channels that respond together and unlike strongly."""
    values = normal(*shape, seed=seed)
    mixed = torch.einsum("kc,bchw->bkhw", normal(shape[1], shape[1], seed=seed + 100), values)
    return mixed + torch.arange(shape[1], dtype=torch.float64).view(1, -1, 1, 1) / 2


def mean_and_covariance(features: Tensor) -> tuple[reference.Array, reference.Array]:
    return array(features).mean((1, 2)), reference.covariance(array(features))


def in_numpy_mean_deviation(features: Tensor, target: Tensor) -> float:
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    deviation, wanted_deviation = np.sqrt(np.diag(covariance)), np.sqrt(np.diag(wanted))
    apart = sum((mean - wanted_mean) ** 2) + sum((deviation - wanted_deviation) ** 2)
    return float(apart / (sum(wanted_mean**2) + sum(wanted_deviation**2)))


def in_numpy_wasserstein(features: Tensor, target: Tensor) -> float:
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(features), mean_and_covariance(target)
    half = scipy.linalg.sqrtm(wanted)
    shared = scipy.linalg.sqrtm(half @ covariance @ half).real
    apart = ((mean - wanted_mean) ** 2).sum() + np.trace(covariance + wanted - 2 * shared)
    return float(apart / ((wanted_mean**2).sum() + np.trace(wanted)))


REFERENCES: dict[str, Callable[[Tensor, Tensor], float]] = {
    "gram": lambda features, target: reference.relative_style_loss(array(features), array(target)),
    "mean-deviation": in_numpy_mean_deviation,
    "covariance": lambda features, target: reference.relative_covariance_loss(array(features), array(target)),
    "wasserstein": in_numpy_wasserstein,
}


def of(statistic: StyleLoss, features: Tensor, target: Tensor) -> Tensor:
    return statistic(Moments.of(features), Moments.of(target))


@pytest.mark.parametrize("name", NAMES)
def test_a_statistic_is_its_definition(name: str) -> None:
    features, target = skewed(1, 4, 5, 6, seed=0), skewed(1, 4, 7, 3, seed=10)
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


@pytest.mark.parametrize("name", NAMES)
def test_a_statistic_is_zero_on_itself_and_blind_to_where_and_how_large_responses_are(name: str) -> None:
    features, target = skewed(1, 5, 6, 6, seed=7), skewed(1, 5, 6, 6, seed=8)
    assert of(STATISTICS[name], target, target).item() == pytest.approx(0, abs=1e-7)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].view_as(features)
    value = of(STATISTICS[name], features, target)
    torch.testing.assert_close(of(STATISTICS[name], 1e3 * shuffled, 1e3 * target), value, rtol=1e-6, atol=0)


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
        return of(wasserstein_loss, features, target).item() * energy

    assert apart(one, other) == pytest.approx(apart(other, one), rel=1e-9)
    assert apart(one + 3, one) == pytest.approx(4 * 9, rel=1e-6)


def test_features_that_are_no_numbers_give_a_loss_that_is_none() -> None:
    leaf = torch.full((1, 3, 4, 4), torch.nan, requires_grad=True)
    loss = of(wasserstein_loss, leaf, skewed(1, 3, 4, 4, seed=21).float())
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert loss.isnan()
    assert gradient.isnan().all()


def test_the_slope_of_float32_moments_is_that_of_float64() -> None:
    features, target = skewed(1, 8, 12, 12, seed=17), skewed(1, 8, 12, 12, seed=18)
    slopes = []
    for dtype in (torch.float32, torch.float64):
        leaf = features.to(dtype).requires_grad_(True)
        loss = of(wasserstein_loss, leaf, target.to(dtype))
        slopes.append(torch.autograd.grad(loss, leaf)[0].double())
    assert (slopes[0] - slopes[1]).norm() < 1e-3 * slopes[1].norm()
