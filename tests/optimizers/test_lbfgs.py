"""L-BFGS: its direction against the two loops of its textbook, and its steps on a known function."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bowl import MINIMUM, bowl, bowl_with_a_bad_gradient, start
from neural_style.optimizers import lbfgs
from neural_style.optimizers.adam import Adam
from neural_style.optimizers.base import Optimizer, Step, ValueAndGrad
from neural_style.optimizers.lbfgs import FIRST_STEP, LBFGS, LimitedMemory
from torch_lbfgs import TorchLBFGS

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
    monkeypatch.setattr(lbfgs, "SLICE", length)
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
    monkeypatch.setattr(lbfgs, "SLICE", 100)
    step, change, gradient = torch.rand(3, 5000, generator=torch.Generator().manual_seed(0))
    memory = LimitedMemory(4, step)
    with Made() as made:
        memory.remember(step, change, gradient)
    assert max(made.sizes) <= 300
    with Made() as made:
        memory.direction()
    assert sorted(made.sizes)[-1] == 5000
    assert sorted(made.sizes)[-2] <= 100


# The descent ---------------------------------------------------------------------------------------------


def evaluations(optimizer: Optimizer, function: ValueAndGrad, loss: float) -> int:
    """Return how many evaluations an optimiser needs until the loss is below a number."""
    count: list[int] = []

    def stop(step: Step) -> bool:
        count.append(step.number)
        return bool(step.loss < loss)

    optimizer.minimize(start(), function, 200, stop)
    return count[-1]


def test_lbfgs_needs_no_more_evaluations_than_torchs_to_the_minimum() -> None:
    ours, theirs = (evaluations(method(history=8), bowl, 1e-10) for method in (LBFGS, TorchLBFGS))
    assert ours <= theirs < 60


def plain_lbfgs(function: ValueAndGrad, steps: int) -> list[Tensor]:
    """Return the pictures that L-BFGS evaluates, by the same formulas with every tensor made anew."""
    pictures, memory = [start()], LimitedMemory(LBFGS().pairs(steps), start())
    generated = start()
    loss, gradient = function(generated)
    step = -gradient
    step = step * (FIRST_STEP / step.square().mean().sqrt())
    while len(pictures) < steps:
        trial = generated + step
        pictures.append(trial)
        trial_loss, trial_gradient = function(trial)
        good = trial_loss.isfinite() & trial_gradient.isfinite().all() & (trial_loss <= 2 * loss.abs())
        changed = trial_gradient - gradient
        generated, gradient = torch.where(good, trial, generated), torch.where(good, trial_gradient, gradient)
        loss = torch.where(good, trial_loss, loss)
        memory.remember(step.flatten(), changed.flatten(), gradient.flatten())
        step = torch.where(good, memory.direction().view_as(step), step / 4)
    return pictures


def walled(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the bowl, which has no finite loss or gradient beyond a wall."""
    loss, gradient = bowl(image)
    bad = image.max() > 0.7
    return torch.where(bad, torch.nan, loss), torch.where(bad, torch.nan, gradient)


@pytest.mark.filterwarnings("ignore:.*evaluations gave no finite")
@pytest.mark.parametrize("function", [bowl, walled])
def test_lbfgs_walks_bit_by_bit_as_with_every_tensor_made_anew(function: ValueAndGrad) -> None:
    seen: list[Tensor] = []
    LBFGS().minimize(start(), function, 40, lambda step: seen.append(step.image.clone()))
    assert (seen[1] - seen[0]).square().mean().sqrt().item() == pytest.approx(FIRST_STEP, rel=1e-4)
    plain = plain_lbfgs(function, 40)
    assert all(torch.equal(ours, other) for ours, other in zip(seen, plain, strict=True))


def test_an_evaluation_of_lbfgs_finds_five_pictures_the_start_among_them_and_the_history() -> None:
    values = 3 * 37 * 37  # no other tensor has as many
    counts: list[int] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        storages = [x.untyped_storage() for x in gc.get_objects() if issubclass(type(x), Tensor)]
        counts.append(len({storage.data_ptr() for storage in storages if storage.nbytes() == 4 * values}))
        return (image - 0.3).square().sum(), 2 * (image - 0.3)

    LBFGS().minimize(torch.full((1, 3, 37, 37), 0.5), value_and_grad, 8)
    assert max(counts) == 5


def test_lbfgs_takes_a_gradient_that_still_hangs_on_its_graph() -> None:
    def attached(image: Tensor) -> tuple[Tensor, Tensor]:
        leaf = image.detach().clone().requires_grad_()
        loss, _ = bowl(leaf)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        return loss.detach(), gradient

    torch.testing.assert_close(LBFGS().minimize(start(), attached, 60), MINIMUM, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("optimizer", "steps", "expected"),
    [
        (LBFGS(), 1, 1),
        (LBFGS(), 12, 11),
        (LBFGS(), 500, 20),
        (LBFGS(history=5), 30, 5),
        (Adam(), 500, 0),
    ],
)
def test_the_history_is_no_longer_than_the_steps(optimizer: Optimizer, steps: int, expected: int) -> None:
    assert optimizer.pairs(steps) == expected


def test_a_step_to_more_than_twice_the_loss_is_rejected_and_a_quarter_of_it_tried() -> None:
    seen: list[Tensor] = []

    def cliff(image: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = bowl(image)
        return (loss * 3 if len(seen) == 1 else loss), gradient

    LBFGS().minimize(start(), cliff, 3, lambda step: seen.append(step.image.clone()))
    torch.testing.assert_close(seen[2] - seen[0], (seen[1] - seen[0]) / 4)


def test_lbfgs_steps_back_from_a_loss_that_is_not_finite_and_says_so() -> None:
    """Beyond a wall the loss and its gradient are NaN: it goes on, on this side of it."""
    seen: list[Tensor] = []
    with pytest.warns(RuntimeWarning, match="of 40 evaluations gave no finite loss or gradient"):
        result = LBFGS().minimize(start(), walled, 40, lambda step: seen.append(step.image))
    assert all(torch.isfinite(image).all() for image in seen)
    assert bowl(result)[0] < 0.5 * bowl(start())[0]


def test_lbfgs_has_no_first_step_without_a_finite_gradient() -> None:
    with pytest.raises(FloatingPointError, match=r"^the first gradient must"):
        LBFGS().minimize(start(), bowl_with_a_bad_gradient(1), 30)
