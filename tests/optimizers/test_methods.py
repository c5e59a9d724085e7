"""Optimisers on functions with a known minimum, with torch's own as a second witness."""

from __future__ import annotations

import gc
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style.optimizers import (
    FIRST_STEP,
    LBFGS,
    Adam,
    Optimizer,
    TorchLBFGS,
    ValueAndGrad,
)
from neural_style.optimizers.limited_memory import LimitedMemory
from neural_style.optimizers.steps import Step

CURVATURE = torch.linspace(1, 50, 12).view(1, 3, 2, 2)
MINIMUM = torch.linspace(0.1, 0.9, 12).view(1, 3, 2, 2)
OPTIMIZERS: tuple[Optimizer, ...] = (LBFGS(), TorchLBFGS(), Adam(learning_rate=0.02))


def bowl(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return ½ Σ c (x − m)² and its gradient c (x − m): the minimum is m."""
    difference = image - MINIMUM
    return 0.5 * (CURVATURE * difference.square()).sum(), CURVATURE * difference


def start() -> Tensor:
    return torch.full((1, 3, 2, 2), 0.5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_the_known_minimum_is_found(optimizer: Optimizer) -> None:
    found = optimizer.minimize(start(), bowl, 400)
    torch.testing.assert_close(found, MINIMUM, atol=2e-3, rtol=0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_the_start_is_not_changed(optimizer: Optimizer) -> None:
    begin = start()
    optimizer.minimize(begin, bowl, 5)
    assert torch.equal(begin, start())
    assert not begin.requires_grad


def test_torchs_lbfgs_takes_its_own_steps_on_the_loss_relative_to_its_first_value() -> None:
    seen: list[Tensor] = []
    TorchLBFGS(history=5).minimize(start(), bowl, 12, lambda step: seen.append(step.image.clone()))
    theirs: list[Tensor] = []
    x = start()
    optimizer = torch.optim.LBFGS([x], lr=1, max_iter=12, history_size=5, tolerance_grad=0, tolerance_change=0)
    scale = 1 / bowl(x)[0]

    def closure() -> Tensor:
        loss, gradient = bowl(x)
        x.grad = gradient * scale
        theirs.append(x.clone())
        return loss * scale

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    assert len(seen) == 12
    assert all(torch.equal(ours, other) for ours, other in zip(seen, theirs, strict=False))


def evaluations(optimizer: Optimizer, function: ValueAndGrad, loss: float) -> int:
    """Return how many evaluations an optimiser needs until the loss is below a number."""
    count: list[int] = []

    def stop(step: Step) -> bool:
        count.append(step.number)
        return bool(step.loss < loss)

    optimizer.minimize(start(), function, 200, stop)
    return count[-1]


def test_lbfgs_needs_no_more_evaluations_than_torchs_to_the_minimum() -> None:
    ours, theirs = (evaluations(kind(history=8), bowl, 1e-10) for kind in (LBFGS, TorchLBFGS))
    assert ours <= theirs < 60


def test_lbfgs_first_step_moves_the_picture_by_two_grey_levels() -> None:
    seen: list[Tensor] = []
    LBFGS().minimize(start(), bowl, 2, lambda step: seen.append(step.image))
    assert (seen[1] - seen[0]).square().mean().sqrt().item() == pytest.approx(FIRST_STEP, rel=1e-4)


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
    plain = plain_lbfgs(function, 40)
    assert all(torch.equal(ours, other) for ours, other in zip(seen, plain, strict=True))


def test_an_evaluation_of_lbfgs_finds_five_pictures_the_start_among_them_and_the_history() -> None:
    values = 3 * 37 * 37  # as of no other tensor
    found: list[int] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        storages = [x.untyped_storage() for x in gc.get_objects() if issubclass(type(x), Tensor)]
        found.append(len({storage.data_ptr() for storage in storages if storage.nbytes() == 4 * values}))
        return (image - 0.3).square().sum(), 2 * (image - 0.3)

    LBFGS().minimize(torch.full((1, 3, 37, 37), 0.5), value_and_grad, 8)
    assert max(found) == 5


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
        (LBFGS(), 30, 20),
        (LBFGS(), 500, 20),
        (LBFGS(history=5), 30, 5),
        (TorchLBFGS(), 30, 29),
        (TorchLBFGS(), 500, 100),
    ],
)
def test_the_history_is_no_longer_than_the_steps(
    optimizer: LBFGS | TorchLBFGS, steps: int, expected: int
) -> None:
    assert optimizer.pairs(steps) == expected


def test_lbfgs_takes_a_step_to_twice_the_loss_back_and_tries_a_quarter_of_it() -> None:
    seen: list[Tensor] = []

    def cliff(image: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = bowl(image)
        return (loss * 3 if len(seen) == 1 else loss), gradient

    LBFGS().minimize(start(), cliff, 3, lambda step: seen.append(step.image.clone()))
    torch.testing.assert_close(seen[2] - seen[0], (seen[1] - seen[0]) / 4)


@pytest.mark.parametrize("kind", [LBFGS, TorchLBFGS])
@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_lbfgs_does_not_depend_on_the_losss_scale(kind: type[Optimizer], factor: float) -> None:
    def scaled(image: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = bowl(image)
        return factor * loss, factor * gradient

    plain, other = (kind().minimize(start(), function, 15) for function in (bowl, scaled))
    torch.testing.assert_close(other, plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", [LBFGS, TorchLBFGS])
def test_lbfgs_started_at_the_minimum_returns_it(kind: type[Optimizer]) -> None:
    assert torch.equal(kind().minimize(MINIMUM, bowl, 5), MINIMUM)


@pytest.mark.parametrize("returned", [True, np.True_])
def test_a_callback_may_answer_with_numpys_true(returned: object) -> None:
    steps: list[int] = []

    def callback(step: Step) -> object:
        steps.append(step.number)
        return returned

    Adam().minimize(start(), bowl, 5, callback)
    assert steps == [1]


def test_a_callback_that_answers_with_a_tensor_is_refused() -> None:
    text = "the callback must return True, False or None; got Tensor. Compare numbers, such as loss.item()."
    with pytest.raises(TypeError, match=re.escape(text)):
        Adam().minimize(start(), bowl, 5, lambda step: step.loss < 1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_no_steps_are_refused(optimizer: Optimizer) -> None:
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        optimizer.minimize(start(), bowl, 0)


@pytest.mark.parametrize("kind", [LBFGS, TorchLBFGS])
def test_lbfgs_returns_the_best_picture_evaluated_not_the_last(kind: type[Optimizer]) -> None:
    losses = iter([5.0, 1.0, 7.0, 9.0])
    pictures: list[Tensor] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        pictures.append(image.clone())
        return torch.tensor(next(losses)), image + len(pictures)

    found = kind().minimize(start(), value_and_grad, 4)
    assert torch.equal(found, pictures[1])


def test_torchs_lbfgs_keeps_the_best_picture_when_the_loss_becomes_nan() -> None:
    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = bowl(image)
        bad = image.max() > 0.55
        return torch.where(bad, torch.nan, loss), gradient

    found = TorchLBFGS().minimize(start(), value_and_grad, 10)
    assert torch.equal(found, start())


def test_lbfgs_steps_back_from_a_loss_that_is_not_finite_and_says_so() -> None:
    """Beyond a wall the loss and its gradient are NaN: it goes on, on this side of it."""
    seen: list[Tensor] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = bowl(image)
        bad = image.max() > 0.7
        return torch.where(bad, torch.nan, loss), torch.where(bad, torch.nan, gradient)

    text = (
        r"\d+ of 40 evaluations gave no finite loss or gradient and were stepped back from. "
        "The result is the best of the"
    )
    with pytest.warns(RuntimeWarning, match=text):
        found = LBFGS().minimize(start(), value_and_grad, 40, lambda step: seen.append(step.image))
    assert all(torch.isfinite(image).all() for image in seen)
    assert bowl(found)[0] < 0.5 * bowl(start())[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_a_loss_that_is_never_finite_is_an_error(optimizer: Optimizer) -> None:
    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tensor(torch.nan), torch.full_like(image, torch.nan)

    with pytest.raises(
        FloatingPointError,
        match=re.escape("the loss must be finite; got NaN or infinity. Use precision='float32'"),
    ):
        optimizer.minimize(start(), value_and_grad, 3)


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam()], ids=lambda o: type(o).__name__)
def test_a_last_loss_that_is_not_finite_does_not_cost_the_picture(optimizer: Optimizer) -> None:
    evaluations = 0

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal evaluations
        evaluations += 1
        loss, gradient = bowl(image)
        return (loss, gradient) if evaluations < 20 else (loss * torch.nan, gradient)

    with pytest.warns(RuntimeWarning, match="1 of 20 evaluations gave no finite loss"):
        found = optimizer.minimize(start(), value_and_grad, 20)
    assert bowl(found)[0] < 0.9 * bowl(start())[0]


def test_adam_stays_in_the_box() -> None:
    seen: list[Tensor] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(image.clone())
        return (image - 3).square().sum(), 2 * (image - 3)

    found = Adam(learning_rate=0.3).minimize(start() * 4 - 1, value_and_grad, 20)
    for image in [*seen, found]:
        assert image.min() >= 0
        assert image.max() <= 1 + 1e-6


def test_adam_returns_the_bias_corrected_average_of_its_iterates() -> None:
    def iterates(steps: int) -> Tensor:
        return Adam(average=0.0).minimize(start(), bowl, steps)

    expected = (0.5 * (0.5 * iterates(1)) + 0.5 * iterates(2)) / (1 - 0.5**2)
    torch.testing.assert_close(Adam(average=0.5).minimize(start(), bowl, 2), expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_the_callback_sees_every_evaluation_and_can_end_the_run(optimizer: Optimizer) -> None:
    steps: list[Step] = []

    def callback(step: Step) -> bool:
        steps.append(step)
        return step.number == 3

    found = optimizer.minimize(start(), bowl, 50, callback)
    assert [(step.number, step.steps) for step in steps] == [(1, 50), (2, 50), (3, 50)]
    assert steps[0].loss > bowl(found)[0]


def test_adam_stopped_at_once_returns_its_start() -> None:
    assert torch.equal(Adam().minimize(start(), bowl, 5, lambda _step: True), start())


@pytest.mark.parametrize("name", ["LBFGS", "Adam"])
def test_a_flat_loss_ends_the_run_only_if_asked(name: str) -> None:
    kind = {"LBFGS": LBFGS, "Adam": Adam}[name]
    counts = []
    for tolerance in (None, 1e-3):
        steps: list[int] = []

        def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
            loss, gradient = bowl(image)
            return loss + 100, gradient

        kind(tolerance=tolerance).minimize(
            start(),
            value_and_grad,
            60,
            lambda step, steps=steps: steps.append(step.number),
        )
        counts.append(len(steps))
    assert counts[1] < counts[0] == 60


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: LBFGS(history=0), ValueError, "history must be at least 1; got 0. Give 1 or more."),
        (lambda: LBFGS(learning_rate=0), ValueError, "learning_rate must be more than 0; got 0. "),
        (lambda: Adam(average=1.0), ValueError, "average must be at least 0 and less than 1; got 1.0. "),
        (lambda: Adam(tolerance=-1), ValueError, "tolerance must be a finite number of at least 0; got -1. "),
        (lambda: LBFGS(history=2.5), TypeError, "history must be a whole number; got 2.5 of type float. "),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_refused(make: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("name", ["LBFGS", "Torch", "Adam"])
def test_a_loss_that_never_falls_ends_at_the_second_look(name: str) -> None:
    steps: list[int] = []
    optimizers = {
        "LBFGS": LBFGS(tolerance=1e-3),
        "Torch": TorchLBFGS(tolerance=1e-3),
        "Adam": Adam(tolerance=1e-3),
    }
    optimizers[name].minimize(
        start(),
        lambda image: (torch.zeros((), device="cpu"), torch.full_like(image, 1e-9)),
        60,
        lambda step: steps.append(step.number),
    )
    assert len(steps) == 20


def bowl_with_a_bad_gradient(at: int) -> ValueAndGrad:
    """Return the bowl, whose gradient is infinite at one evaluation, counted from 1."""
    calls = 0

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        loss, gradient = bowl(image)
        return (loss, gradient) if calls != at else (loss, torch.full_like(gradient, torch.inf))

    return value_and_grad


@pytest.mark.parametrize("bad", [5, 30])
@pytest.mark.parametrize("optimizer", [LBFGS(), Adam()], ids=lambda o: type(o).__name__)
def test_a_gradient_that_is_not_finite_is_told_and_does_no_harm(optimizer: Optimizer, bad: int) -> None:
    with pytest.warns(RuntimeWarning, match="1 of 30 evaluations gave no finite loss or gradient and were "):
        result = optimizer.minimize(start(), bowl_with_a_bad_gradient(bad), 30)
    assert bowl(result)[0] < 0.1 * bowl(start())[0]


def test_adam_does_not_return_the_start_as_if_it_were_a_result() -> None:
    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        return image.square().sum(), torch.full_like(image, torch.nan)

    with pytest.raises(FloatingPointError, match=r"^the gradient must be finite; got NaN or infinity\. Use "):
        Adam().minimize(start(), value_and_grad, 5)


def test_lbfgs_has_no_first_step_without_a_finite_gradient() -> None:
    with pytest.raises(FloatingPointError, match=r"^the first gradient must be finite; got NaN or infinity"):
        LBFGS().minimize(start(), bowl_with_a_bad_gradient(1), 30)
