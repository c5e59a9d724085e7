"""Winograd's convolution: by hand, against NumPy's loops in float64, and its gradient by differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from neural_style.network import winograd
from neural_style.network.winograd import convolve, pays, transformed


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def correlated(features: Tensor, weight: Tensor) -> np.ndarray:
    """Return the definition, in loops: Σ over channels and taps of feature times tap."""
    x, w = features.double().numpy(), weight.double().numpy()
    batch, channels, height, width = x.shape
    result = np.zeros((batch, w.shape[0], height - 2, width - 2))
    for row in range(3):
        for column in range(3):
            for channel in range(channels):
                part = x[:, channel, row : row + height - 2, column : column + width - 2]
                taps = w[:, channel, row, column]
                result += part[:, None] * taps[None, :, None, None]
    return result


@pytest.mark.parametrize("shape", [(1, 3, 6, 6), (2, 4, 11, 15), (1, 5, 3, 3), (3, 2, 7, 22)])
def test_it_is_the_definition_for_any_size_and_batch(shape: tuple[int, ...]) -> None:
    features, weight, bias = drawn(*shape), drawn(6, shape[1], 3, 3, seed=1), drawn(6, seed=2)
    result = convolve(features, transformed(weight), bias)
    expected = correlated(features, weight) + bias.numpy()[None, :, None, None]
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-12)


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


def test_its_gradients_are_those_of_differences() -> None:
    features = drawn(1, 2, 7, 9).requires_grad_()
    filters = transformed(drawn(3, 2, 3, 3, seed=1))
    assert gradcheck(lambda x: convolve(x, filters), (features,))
    assert gradgradcheck(lambda x: convolve(x, filters).square(), (features,))


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


def test_the_result_lies_channels_last() -> None:
    result = convolve(drawn(1, 3, 10, 14), transformed(drawn(5, 3, 3, 3)))
    assert result.is_contiguous(memory_format=torch.channels_last)


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
