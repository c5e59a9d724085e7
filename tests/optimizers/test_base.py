"""What every optimiser promises, on a function with a known minimum; then torch's L-BFGS and Adam alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bowl import MINIMUM, bowl, bowl_with_a_bad_gradient, start
from neural_style.optimizers.adam import Adam
from neural_style.optimizers.base import Optimizer, RunInterrupted, Step
from neural_style.optimizers.lbfgs import LBFGS
from torch_lbfgs import TorchLBFGS

OPTIMIZERS: tuple[Optimizer, ...] = (LBFGS(), TorchLBFGS(), Adam())
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
reporting_optimizers = pytest.mark.parametrize("optimizer", [LBFGS(), Adam()], ids=lambda o: type(o).__name__)


@every_optimizer
def test_the_known_minimum_is_found(optimizer: Optimizer) -> None:
    result = optimizer.minimize(start(), bowl, 400)
    torch.testing.assert_close(result, MINIMUM, atol=2e-3, rtol=0)


@every_optimizer
def test_the_start_is_not_changed(optimizer: Optimizer) -> None:
    begin = start()
    optimizer.minimize(begin, bowl, 5)
    assert torch.equal(begin, start())
    assert not begin.requires_grad


@every_optimizer
def test_the_callback_sees_every_evaluation_and_can_end_the_run(optimizer: Optimizer) -> None:
    steps: list[Step] = []

    def callback(step: Step) -> bool:
        steps.append(step)
        return step.number == 3

    result = optimizer.minimize(start(), bowl, 50, callback)
    assert [(step.number, step.steps) for step in steps] == [(1, 50), (2, 50), (3, 50)]
    assert steps[0].loss > bowl(result)[0]


@every_optimizer
@pytest.mark.parametrize("last", [1, 4])
def test_an_interrupt_holds_the_picture_that_a_stop_returns(optimizer: Optimizer, last: int) -> None:
    losses = (5.0, 1.0, 7.0, 9.0)

    def rising(image: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tensor(losses[len(seen)]), image + len(seen)

    def stop(step: Step) -> bool:
        seen.append(step.number)
        return step.number == last

    def interrupt(step: Step) -> None:
        if stop(step):
            raise KeyboardInterrupt

    seen: list[int] = []
    stopped = optimizer.minimize(start(), rising, 9, stop)
    seen.clear()
    with pytest.raises(RunInterrupted) as caught:
        optimizer.minimize(start(), rising, 9, interrupt)
    assert torch.equal(caught.value.image, stopped)


def test_a_callback_may_answer_with_numpys_true_but_not_with_a_tensor() -> None:
    steps: list[int] = []

    def callback(step: Step) -> object:
        steps.append(step.number)
        return np.bool_(step.number == 2)

    Adam().minimize(start(), bowl, 5, callback)
    assert steps == [1, 2]
    with pytest.raises(TypeError, match=r"^the callback must"):
        Adam().minimize(start(), bowl, 5, lambda step: step.loss < 1)


@every_optimizer
def test_no_steps_are_refused(optimizer: Optimizer) -> None:
    with pytest.raises(ValueError, match=r"^steps must"):
        optimizer.minimize(start(), bowl, 0)


@pytest.mark.parametrize(
    ("method", "options", "error"),
    [
        (LBFGS, {"history": 0}, ValueError),
        (LBFGS, {"history": 2.5}, TypeError),
        (TorchLBFGS, {"history": 0}, ValueError),
        (LBFGS, {"learning_rate": 0}, ValueError),
        (Adam, {"average": 1.0}, ValueError),
        (Adam, {"tolerance": -1}, ValueError),
    ],
)
def test_invalid_options_are_refused(
    method: type[Any], options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"^{next(iter(options))} must"):
        method(**options)


@pytest.mark.parametrize("method", [LBFGS, TorchLBFGS, Adam])
def test_a_flat_loss_ends_the_run_only_with_a_tolerance(method: type[Any]) -> None:
    def counted(tolerance: float | None, offset: float, steps: int) -> int:
        seen: list[int] = []

        def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
            loss, gradient = bowl(image)
            return loss + offset, gradient

        method(tolerance=tolerance).minimize(
            start(), value_and_grad, steps, lambda step: seen.append(step.number)
        )
        return len(seen)

    assert counted(1e9, 100.0, 60) == 20  # at the second check
    assert counted(1e-3, 100.0, 200) < 200
    if method is not TorchLBFGS:  # which ends by itself at the minimum
        assert counted(None, 100.0, 60) == 60


def test_a_loss_that_is_zero_throughout_counts_as_flat() -> None:
    steps: list[int] = []
    Adam(tolerance=1e-3).minimize(
        start(),
        lambda image: (torch.zeros(()), torch.full_like(image, 1e-9)),
        60,
        lambda step: steps.append(step.number),
    )
    assert len(steps) == 20


@every_optimizer
def test_a_first_loss_that_is_not_finite_is_an_error(optimizer: Optimizer) -> None:
    with pytest.raises(FloatingPointError, match=r"^the loss must"):
        optimizer.minimize(start(), lambda image: (torch.tensor(torch.nan), image), 3)


@reporting_optimizers
def test_a_last_loss_that_is_not_finite_does_not_cost_the_picture(optimizer: Optimizer) -> None:
    evaluations = 0

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal evaluations
        evaluations += 1
        loss, gradient = bowl(image)
        return (loss, gradient) if evaluations < 20 else (loss * torch.nan, gradient)

    with pytest.warns(RuntimeWarning, match=r"^1 of 20 evaluations"):
        result = optimizer.minimize(start(), value_and_grad, 20)
    assert bowl(result)[0] < 0.9 * bowl(start())[0]


@pytest.mark.parametrize("bad", [5, 30])
@reporting_optimizers
def test_a_gradient_that_is_not_finite_is_reported_and_does_no_harm(optimizer: Optimizer, bad: int) -> None:
    with pytest.warns(RuntimeWarning, match=r"^1 of 30 evaluations"):
        result = optimizer.minimize(start(), bowl_with_a_bad_gradient(bad), 30)
    assert bowl(result)[0] < 0.1 * bowl(start())[0]


@pytest.mark.parametrize("method", [LBFGS, TorchLBFGS])
@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_lbfgs_does_not_depend_on_the_losss_scale(method: type[Optimizer], factor: float) -> None:
    def scaled(image: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = bowl(image)
        return factor * loss, factor * gradient

    plain, other = (method().minimize(start(), function, 15) for function in (bowl, scaled))
    torch.testing.assert_close(other, plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("method", [LBFGS, TorchLBFGS])
def test_lbfgs_started_at_the_minimum_returns_it(method: type[Optimizer]) -> None:
    assert torch.equal(method().minimize(MINIMUM, bowl, 5), MINIMUM)


@pytest.mark.parametrize("method", [LBFGS, TorchLBFGS])
def test_lbfgs_returns_the_best_picture_evaluated_not_the_last(method: type[Optimizer]) -> None:
    losses = iter([5.0, 1.0, 7.0, 9.0])
    pictures: list[Tensor] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        pictures.append(image.clone())
        return torch.tensor(next(losses)), image + len(pictures)

    result = method().minimize(start(), value_and_grad, 4)
    assert torch.equal(result, pictures[1])


# torch's L-BFGS ------------------------------------------------------------------------------------------


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


# Adam ----------------------------------------------------------------------------------------------------


def test_adam_stays_in_the_box() -> None:
    seen: list[Tensor] = []

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(image.clone())
        return (image - 3).square().sum(), 2 * (image - 3)

    result = Adam(learning_rate=0.3).minimize(start() * 4 - 1, value_and_grad, 20)
    for image in [*seen, result]:
        assert image.min() >= 0
        assert image.max() <= 1 + 1e-6


def test_adam_returns_the_bias_corrected_average_of_its_iterates() -> None:
    def iterates(steps: int) -> Tensor:
        return Adam(average=0.0).minimize(start(), bowl, steps)

    expected = (0.5 * (0.5 * iterates(1)) + 0.5 * iterates(2)) / (1 - 0.5**2)
    torch.testing.assert_close(Adam(average=0.5).minimize(start(), bowl, 2), expected)


def test_adam_does_not_return_the_start_as_if_it_were_a_result() -> None:
    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        return image.square().sum(), torch.full_like(image, torch.nan)

    with pytest.raises(FloatingPointError, match=r"^the gradient must"):
        Adam().minimize(start(), value_and_grad, 5)
