"""Winograd's convolution in parts, in single precision, and where it pays; test_convolution has its numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neural_style.network import winograd
from neural_style.network.winograd import convolve, pays, transformed


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_tiles_may_be_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Forward, 2 of 5 rows of tiles at a time leave one over; backward, 4 of 6 leave two.
    features, filters = drawn(2, 3, 22, 14).requires_grad_(), transformed(drawn(5, 3, 3, 3, seed=1))

    def derivatives() -> tuple[Tensor, ...]:
        result = convolve(features, filters)
        (first,) = torch.autograd.grad(result.pow(3).sum(), features, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), features)
        return result, first, second

    whole = derivatives()
    for at_a_time in (8, 16):
        monkeypatch.setattr(winograd, "AT_A_TIME", at_a_time)
        for part, expected in zip(derivatives(), whole, strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-12, atol=1e-12)


def test_it_is_exact_to_single_precision() -> None:
    features, weight = drawn(1, 256, 18, 22, dtype=torch.float32), drawn(128, 256, 3, 3, seed=1).float() / 48
    features.requires_grad_()
    result = convolve(features, transformed(weight))
    wide = features.detach().double().requires_grad_()
    exact = torch.nn.functional.conv2d(wide, weight.double())
    assert (result - exact).norm() / exact.norm() < 2e-6
    (gradient,) = torch.autograd.grad(result.square().sum(), features)
    (expected,) = torch.autograd.grad(exact.square().sum(), wide)
    assert (gradient - expected).norm() / expected.norm() < 4e-6


@pytest.mark.parametrize(
    ("features", "weight", "expected"),
    [
        (torch.empty(1, 128, 50, 66), torch.empty(256, 128, 3, 3), True),
        (torch.empty(1, 64, 50, 66), torch.empty(128, 64, 3, 3), False),  # narrow
        (torch.empty(1, 128, 26, 26), torch.empty(256, 128, 3, 3), False),  # few tiles
        (torch.empty(1, 256, 26, 26), torch.empty(256, 256, 3, 3), True),  # but of more channels
        (torch.empty(1, 128, 50, 66, dtype=torch.bfloat16), torch.empty(256, 128, 3, 3), False),
        (torch.empty(1, 128, 50, 66, device="meta"), torch.empty(256, 128, 3, 3), False),
    ],
)
def test_it_is_for_wide_layers_in_float32_on_a_cpu(features: Tensor, weight: Tensor, expected: bool) -> None:
    assert pays(features, weight) is expected
