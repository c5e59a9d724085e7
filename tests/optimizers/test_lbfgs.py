"""L-BFGS: its direction against the two loops of its textbook, and its steps on a known function."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

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


@pytest.mark.parametrize(
    ("count", "negative"),
    [(1, {}), (3, {}), (4, {}), (5, {}), (11, {}), (11, {0}), (11, {3}), (11, {5, 6}), (11, {10})],
)
def test_the_direction_is_that_of_the_two_loops_which_leave_out_what_is_no_positive_curvature(
    count: int, negative: set[int]
) -> None:
    memory, pairs, gradient = walk(count, frozenset(negative))
    for bad in (None, torch.nan, torch.inf):
        if bad is not None:
            memory.remember(torch.full((30,), bad), torch.full((30,), bad), torch.from_numpy(gradient).float())
        direction = memory.direction().numpy()
        np.testing.assert_allclose(direction, two_loops(pairs[-4:], gradient), rtol=1e-3, atol=1e-5)


def test_without_a_pair_the_direction_is_that_of_steepest_descent() -> None:
    memory, gradient = LimitedMemory(4, torch.empty(30)), torch.ones(30)
    memory.remember(-gradient, gradient, gradient)
    assert torch.equal(memory.direction(), -gradient)


@pytest.mark.parametrize("length", [1, 7, 29, 30])
def test_the_direction_does_not_depend_on_the_slices(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    whole, _, _ = walk(11)
    monkeypatch.setattr(lbfgs, "SLICE", length)
    memory, _, _ = walk(11)
    torch.testing.assert_close(memory.direction(), whole.direction(), rtol=1e-3, atol=1e-5)


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


def steep(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the bowl, which is three times as high beyond a cliff."""
    loss, gradient = bowl(image)
    return torch.where(image.max() > 0.505, 3 * loss, loss), gradient


@pytest.mark.filterwarnings("ignore:.*evaluations gave no finite")
@pytest.mark.parametrize("function", [bowl, walled, steep])
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


def test_lbfgs_has_no_first_step_without_a_finite_gradient() -> None:
    with pytest.raises(FloatingPointError, match=r"^the first gradient must"):
        LBFGS().minimize(start(), bowl_with_a_bad_gradient(1), 30)
