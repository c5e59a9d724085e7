"""The L-BFGS direction against the two loops of its textbook, in NumPy and float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from neural_style.optimizers import limited_memory
from neural_style.optimizers.limited_memory import LimitedMemory

Array = NDArray[np.float64]
CURVATURE = torch.linspace(0.5, 20, 30)


def two_loops(pairs: list[tuple[Array, Array]], gradient: Array) -> Array:
    """Return −H g by Nocedal & Wright, "Numerical Optimization" (2006), algorithm 7.4."""
    q, weights = gradient.copy(), []
    for step, change in reversed(pairs):
        weights.append(step @ q / (step @ change))
        q -= weights[-1] * change
    if pairs:
        step, change = pairs[-1]
        q *= step @ change / (change @ change)
    for (step, change), weight in zip(pairs, reversed(weights), strict=True):
        q += step * (weight - change @ q / (step @ change))
    return -q


def walk(
    count: int, negative: frozenset[int] = frozenset()
) -> tuple[LimitedMemory, list[tuple[Array, Array]], Array]:
    """Return a memory of four pairs after `count`, all positive pairs in float64, and the last gradient."""
    generator = torch.Generator().manual_seed(count)
    memory = LimitedMemory(4, torch.empty(30))
    pairs: list[tuple[Array, Array]] = []
    gradient = torch.randn(30, generator=generator)
    for number in range(count):
        step = torch.randn(30, generator=generator)
        change = CURVATURE * step * (-1 if number in negative else 1)
        gradient = torch.randn(30, generator=generator)
        memory.remember(step, change, gradient)
        if number not in negative:
            pairs.append((step.double().numpy(), change.double().numpy()))
    return memory, pairs, gradient.double().numpy()


@pytest.mark.parametrize("count", [1, 3, 4, 5, 11])
def test_the_direction_is_that_of_the_two_loops(count: int) -> None:
    memory, pairs, gradient = walk(count)
    expected = two_loops(pairs[-4:], gradient)
    np.testing.assert_allclose(memory.direction().numpy(), expected, rtol=1e-3, atol=1e-5)


def test_one_pair_too_many_would_be_noticed() -> None:
    """The reference rejects what a slip in the ring of pairs would give."""
    memory, pairs, gradient = walk(11)
    found = memory.direction().numpy()
    for wrong in (pairs[-5:], pairs[-3:], pairs[-4:][::-1], pairs[-5:-1]):
        assert not np.allclose(found, two_loops(wrong, gradient), rtol=1e-2)


@pytest.mark.parametrize("negative", [{0}, {3}, {5, 6}, {10}])
def test_pairs_of_negative_curvature_are_left_out(negative: set[int]) -> None:
    memory, pairs, gradient = walk(11, frozenset(negative))
    np.testing.assert_allclose(
        memory.direction().numpy(), two_loops(pairs[-4:], gradient), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_pairs_that_are_not_finite_are_left_out(bad: float) -> None:
    memory, pairs, gradient = walk(6)
    memory.remember(torch.full((30,), bad), torch.full((30,), bad), torch.from_numpy(gradient).float())
    np.testing.assert_allclose(
        memory.direction().numpy(), two_loops(pairs[-4:], gradient), rtol=1e-3, atol=1e-5
    )


def test_without_a_pair_the_direction_is_that_of_steepest_descent() -> None:
    memory, gradient = LimitedMemory(4, torch.empty(30)), torch.ones(30)
    memory.remember(-gradient, gradient, gradient)
    assert torch.equal(memory.direction(), -gradient)


def test_the_table_holds_the_inner_products_of_the_vectors() -> None:
    memory, _, _ = walk(7)
    products: Tensor = memory.vectors @ memory.vectors.T
    torch.testing.assert_close(memory.table.float(), products, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("length", [1, 7, 29, 30])
def test_the_direction_does_not_depend_on_the_slices(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    whole, pairs, gradient = walk(11)
    monkeypatch.setattr(limited_memory, "SLICE", length)
    memory, _, _ = walk(11)
    assert torch.equal(memory.vectors, whole.vectors)
    np.testing.assert_allclose(
        memory.direction().numpy(), two_loops(pairs[-4:], gradient), rtol=1e-3, atol=1e-5
    )


class Made(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers the numbers of values of all tensors that are made, views left out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: list[int] = []

    def __torch_dispatch__(
        self,
        function: Any,
        _types: Any,
        arguments: tuple[Any, ...] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        made = function(*arguments, **(options or {}))
        given = {value.untyped_storage().data_ptr() for value in arguments if isinstance(value, Tensor)}
        if isinstance(made, Tensor) and made.untyped_storage().data_ptr() not in given:
            self.sizes.append(made.numel())
        return made


def test_no_copy_is_longer_than_three_slices_but_the_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_memory, "SLICE", 100)
    step, change, gradient = torch.rand(3, 5000, generator=torch.Generator().manual_seed(0))
    memory = LimitedMemory(4, step)
    with Made() as made:
        memory.remember(step, change, gradient)
    assert max(made.sizes) <= 300
    with Made() as made:
        memory.direction()
    assert sorted(made.sizes)[-1] == 5000
    assert sorted(made.sizes)[-2] <= 100
