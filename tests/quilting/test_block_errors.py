"""Squared errors by FFT: by hand, against plain loops, and against a convolution."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from neural_style.quilting.block_errors import BlockErrors


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def by_fft(source: Tensor, weights: Tensor, blocks: Tensor) -> Tensor:
    errors = BlockErrors(source, weights.shape[-1])
    constant = (weights * blocks.square()).sum((1, 2, 3))
    return errors.errors(errors.energy(weights), weights * blocks, constant)


def by_loops(source: Tensor, weights: Tensor, blocks: Tensor) -> np.ndarray:
    """Return Σ w (S(p) − T)² as it is defined, in float64."""
    s, w, t = (values.double().cpu().numpy() for values in (source, weights, blocks))
    side = w.shape[-1]
    height, width = s.shape[1] - side + 1, s.shape[2] - side + 1
    errors = np.zeros((len(t), height, width))
    for n, y, x in itertools.product(range(len(t)), range(height), range(width)):
        errors[n, y, x] = (w * (s[:, y : y + side, x : x + side] - t[n]) ** 2).sum()
    return errors


def test_errors_that_are_worked_out_by_hand() -> None:
    source = torch.tensor([[[1.0, 2, 0], [0, 1, 3]]])
    weights = torch.tensor([[[1.0, 1], [0, 2]]])
    block = torch.tensor([[[[1.0, 0], [5, 1]]]])
    expected = torch.tensor([[[4.0, 9.0]]])  # 0 + 4 + 2 · 0, and 1 + 0 + 2 · 4
    torch.testing.assert_close(by_fft(source, weights, block), expected)


@pytest.mark.parametrize(("height", "width", "side"), [(9, 12, 3), (11, 7, 7), (13, 17, 4), (6, 6, 6)])
def test_errors_are_those_of_plain_loops(height: int, width: int, side: int, device: torch.device) -> None:
    source, weights, blocks = random(3, height, width), random(3, side, side), random(5, 3, side, side, seed=1)
    errors = by_fft(source.to(device), weights.to(device), blocks.to(device))
    assert errors.shape == (5, height - side + 1, width - side + 1)
    np.testing.assert_allclose(errors.cpu().numpy(), by_loops(source, weights, blocks), rtol=1e-4, atol=1e-5)


def test_errors_are_those_of_a_convolution_in_a_larger_picture() -> None:
    source, weights, blocks = random(3, 97, 61) - 0.5, random(3, 12, 12), random(40, 3, 12, 12, seed=1) - 0.5
    s, w, t = source.double().unsqueeze(0), weights.double(), blocks.double()
    constant = (w * t.square()).sum((1, 2, 3)).view(1, -1, 1, 1)
    direct = conv2d(s.square(), w.unsqueeze(0)) - 2 * conv2d(s, w * t) + constant
    torch.testing.assert_close(by_fft(source, weights, blocks).double(), direct[0], rtol=1e-4, atol=1e-4)


def test_errors_of_many_blocks_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    source, weights, blocks = random(3, 20, 30), random(3, 6, 6), random(9, 3, 6, 6, seed=1)
    together = by_fft(source, weights, blocks)
    monkeypatch.setattr("neural_style.quilting.block_errors._CPU_CHUNK", 4 * 3 * 20 * 16)
    torch.testing.assert_close(by_fft(source, weights, blocks), together)
    apart = torch.cat([by_fft(source, weights, block.unsqueeze(0)) for block in blocks])
    torch.testing.assert_close(apart, together)


def test_a_block_of_the_source_has_no_error_where_it_is_and_none_is_negative() -> None:
    source = 0.9 + 0.1 * random(3, 40, 40)
    blocks = torch.stack([source[:, y : y + 8, x : x + 8] for y, x in ((0, 0), (5, 31), (32, 32))])
    errors = by_fft(source, torch.ones(3, 8, 8), blocks)
    assert errors.min() >= 0
    assert [int(one.argmin()) for one in errors] == [0, 5 * 33 + 31, 32 * 33 + 32]
    assert errors.flatten(1).amin(1).max() < 1e-3
