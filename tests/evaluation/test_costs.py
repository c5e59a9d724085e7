"""Counts of operations and bytes, against torch's own and against counting by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from neural_style import VGG19Features
from neural_style.evaluation.costs import IN_PIECES, PICTURES, SCRATCH, MemoryModel, evaluation_flops
from neural_style.network.source import random_weights


def noise(size: tuple[int, int]) -> torch.Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))


def test_operations_of_one_layer_are_those_counted_by_hand() -> None:
    # conv1_1 at 10 × 12 positions: 64 filters of 3 · 9 factors; a Gram matrix: 64 · 64 sums over 120 positions.
    convolution, gram = 2 * 64 * 3 * 9 * 120, 2 * 64 * 64 * 120
    counted = evaluation_flops((10, 12), layers=["relu1_1"], style_layers=["relu1_1"])
    assert counted == 2 * (convolution + gram)


@pytest.mark.parametrize("size", [(48, 64), (50, 71)])
def test_operations_of_the_convolutions_are_those_that_torch_counts(size: tuple[int, int]) -> None:
    network = VGG19Features(random_weights(width=0.25))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(noise(size))
    forward = sum(
        flops for call, flops in counter.get_flop_counts()["Global"].items() if "convolution" in str(call)
    )
    counted = evaluation_flops(size, layers=network.layers, style_layers=[], width=0.25)
    assert counted == 2 * forward > 0  # the gradient's as many


def test_bytes_of_one_layer_are_those_counted_by_hand() -> None:
    # conv1_1 at 10 × 12 positions: 3 channels enter, 64 leave, four more such responses for a moment and three
    # in pieces; 64 · 27 weights, as the network has them and turned; a content of 64 channels.
    # In half precision the first response and its gradient are there in float32 too.
    network = 4 * (64 * 120 + 7 * 64 * 120 + 2 * 64 * 27 + 64 * 120)
    given, vectors = 4 * 64 * 27, 4 * 3 * 120 * PICTURES
    first = ["relu1_1"]

    def needed(**options: Any) -> int:
        needs = MemoryModel(layers=first, style_layers=first, content_layers=first, **options)
        size = (10, 12)
        return needs.evaluation_bytes(size) + needs.target_bytes(size) + needs.picture_bytes(size)

    assert needed() == network + given + vectors + SCRATCH
    wide = 2 * 4 * 64 * 120
    assert needed(bytes_per_value=2) == network // 2 + wide + given + vectors  # no scratch on a CPU
    pieces = 4 * IN_PIECES * 64 * 120
    assert (
        needed(bytes_per_value=2, device="cuda") == (network - pieces) // 2 + wide + given + vectors + SCRATCH
    )


def test_on_a_cpu_wide_layers_filters_count_four_times_and_pieces_of_memory() -> None:
    needs = partial(MemoryModel, layers=["relu2_2"], style_layers=[], content_layers=[])

    def needed(**options: Any) -> int:
        return needs(**options).evaluation_bytes((40, 40))

    # of conv1_1, 1_2, 2_1 and 2_2 only the last has 128 channels on both sides
    plain = 4 * (36 - 9) * 128 * 128 + 4 * IN_PIECES * 64 * 40 * 40
    assert needed() - needed(device="mps") == plain
    half = needed(bytes_per_value=2) - (needed(bytes_per_value=2, device="mps") - SCRATCH)
    assert half == 2 * IN_PIECES * 64 * 40 * 40
