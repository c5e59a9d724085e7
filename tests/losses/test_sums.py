"""Moments: by hand, against NumPy, weighed, mixed, and in half precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import reference
from features import DTYPES, TOLERANCE, H, N, W, array, matches, normal
from neural_style.losses.sums import Moments


def test_the_moments_by_hand(device: torch.device) -> None:
    features = torch.tensor([[[[1.0, 2.0, 0.0]], [[0.0, 1.0, 3.0]]]], device=device)
    moments = Moments.of(features)
    assert moments.count == 3
    assert moments.first.tolist() == [[3.0, 4.0]]  # 1 + 2 + 0, 0 + 1 + 3
    gram = [[5.0, 2.0], [2.0, 10.0]]  # 1 + 4 + 0, 0 + 2 + 0, 0 + 1 + 9
    assert moments.second[0].tolist() == gram
    # G / 3, (3, 4) / 3, and G / 3 − (3, 4)(3, 4)ᵀ / 9 = [15−9 6−12; 6−12 30−16] / 9
    torch.testing.assert_close(moments.normalized_gram.cpu()[0], torch.tensor(gram) / 3)
    torch.testing.assert_close(moments.mean.cpu()[0], torch.tensor([1.0, 4 / 3]))
    torch.testing.assert_close(moments.covariance.cpu()[0], torch.tensor([[6.0, -6.0], [-6.0, 14.0]]) / 9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_and_covariance_are_numpys(dtype: torch.dtype, device: torch.device) -> None:
    features = 1 + normal(1, N, H, W, seed=3, dtype=dtype, device=device)  # a mean that is worth subtracting
    moments = Moments.of(features)
    rows = array(features).reshape(N, H * W)
    assert matches(moments.mean[0], rows.mean(axis=1), TOLERANCE[dtype])
    assert matches(moments.covariance[0], np.cov(rows, bias=True), TOLERANCE[dtype])
    assert matches(moments.normalized_gram[0], reference.gram(array(features)) / (H * W), TOLERANCE[dtype])


def test_weighed_moments_are_sums_over_positions_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    moments = Moments.of(features, torch.tensor([[[[0.25, 1.0]]]]))
    assert moments.count == 1.25
    assert moments.first.tolist() == [[2.25, 4.75]]
    torch.testing.assert_close(moments.second, torch.tensor([[[4.25, 8.75], [8.75, 18.25]]]))


def test_the_gradient_of_weighed_moments_is_that_of_finite_differences() -> None:
    features = torch.randn(1, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    weights = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))

    def loss(values: Tensor) -> Tensor:
        moments = Moments.of(values, weights)
        return moments.second.square().sum() + moments.first.square().sum()

    assert torch.autograd.gradcheck(loss, features.requires_grad_(True))


def test_mixed_moments_are_those_of_a_picture_with_so_much_of_each() -> None:
    one, other = (torch.rand(1, 4, 5, 5, generator=torch.Generator().manual_seed(n)) for n in (5, 6))
    mixed = Moments.mixed([Moments.of(one), Moments.of(other)], [3, 1])
    both = Moments.of(torch.cat([one, one, one, other], dim=3))
    torch.testing.assert_close(mixed.normalized_gram, both.normalized_gram)
    torch.testing.assert_close(mixed.mean, both.mean)
    alone = Moments.of(one)
    assert Moments.mixed([alone], [7]) is alone


def test_the_gradient_of_bfloat16_features_moments_is_that_of_the_same_numbers_in_float32(
    device: torch.device,
) -> None:
    values = normal(2, N, 90, 120, seed=91, dtype=torch.bfloat16, device=device)  # more than AT_A_TIME
    gradients = []
    for features in (values.clone(), values.float()):
        features.requires_grad_(True)
        moments = Moments.of(features)
        (gradient,) = torch.autograd.grad(moments.covariance.square().sum() + moments.mean.sum(), features)
        assert gradient.dtype == features.dtype
        gradients.append(gradient.float())
    assert (gradients[0] - gradients[1]).norm() < 0.01 * gradients[1].norm()


def test_a_constant_mask_changes_no_moments_of_bfloat16_features(device: torch.device) -> None:
    features = normal(2, N, 90, 120, seed=91, dtype=torch.bfloat16, device=device).relu()
    mask = torch.full((1, 1, 90, 120), 0.3, device=device)
    plain, masked = Moments.of(features), Moments.of(features, mask)
    assert masked.count == pytest.approx(0.3 * plain.count, rel=1e-5)
    torch.testing.assert_close(masked.covariance, plain.covariance, rtol=1e-4, atol=1e-4)


def test_moments_are_float32_under_autocast() -> None:
    features = torch.rand(1, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    expected = Moments.of(features).second
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(Moments.of(features).second, expected)
