"""A picture and a `value_and_grad` in, a better picture out. Nothing here knows of style."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.optimizers.limited_memory import LimitedMemory
from neural_style.optimizers.steps import (
    Best,
    Reduce,
    StepCallback,
    StepMonitor,
    StoppedError,
    all_finite,
    check_finite,
    no_reduction,
)

FIRST_STEP = 2 / 255  # root mean square change of the picture

ValueAndGrad = Callable[[Tensor], tuple[Tensor, Tensor]]


class Optimizer(ABC):
    """What `StyleTransfer` needs of an optimiser; pass any object of such a class."""

    @abstractmethod
    def minimize(
        self,
        image: Tensor,
        value_and_grad: ValueAndGrad,
        steps: int,
        callback: StepCallback | None = None,
    ) -> Tensor:
        """Return a picture of lower loss than `image`, which is not changed.

        Args:
            image: the start, float32.
            value_and_grad: picture → (scalar loss, gradient of the picture's shape).
            steps: how many, at least 1.
            callback: called after each evaluation; returning True ends the run with what is best so far.
        """


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS with unit steps, one evaluation each; returns the best picture. No step waits for the device.

    The first step moves the picture by two grey levels (root mean square): with no history there is no scale
    to know better by. A step to a loss or gradient that is not finite, or to more than twice the last loss, is
    taken back, and the next is a quarter as long; pairs of no positive curvature are left out. The loss's own
    scale does not matter, as long as float32 can hold the squares of its gradients' norms.

    Attributes:
        history: pairs of past steps kept, 24 bytes a pixel each in float32. After 200 steps on VGG-19 the loss
            with 60 is within 0.4 % of that with 20.
        learning_rate: length of a step relative to the quasi-Newton one.
        tolerance: None asks for every step; else, looking (and waiting) every ten steps, stop where the lowest
            loss fell by no more than this share of itself since the last look.

    Reference: Liu & Nocedal, "On the limited memory BFGS method" (1989); the direction is computed in
    `neural_style.optimizers.limited_memory`.
    """

    history: int = 20
    learning_rate: float = 1.0
    tolerance: float | None = None

    def __post_init__(self) -> None:
        _checks.whole_number("history", self.history, minimum=1)
        _check_common(self.learning_rate, self.tolerance)

    def pairs(self, steps: int) -> int:
        """Return how many pairs a level of so many steps keeps, at least 1."""
        return max(1, min(self.history, steps - 1))

    def minimize(
        self,
        image: Tensor,
        value_and_grad: ValueAndGrad,
        steps: int,
        callback: StepCallback | None = None,
        *,
        all_reduce: Reduce = no_reduction,
    ) -> Tensor:
        """Return the picture with the lowest loss of those evaluated. See `Optimizer.minimize`.

        Where each of several ranks has a part of the picture, `all_reduce` adds up a small tensor over them.
        """
        generated = image.detach().clone()
        best = Best(generated)
        watch = StepMonitor(steps, callback, self.tolerance)
        memory = LimitedMemory(self.pairs(steps), generated, all_reduce=all_reduce)
        setbacks = torch.zeros((), dtype=torch.int64, device=generated.device)
        with suppress(StoppedError):
            loss, gradient = value_and_grad(generated)
            best.offer(generated, loss)
            watch.after_evaluation(generated, loss)
            gradient = gradient.detach()
            check_finite("the first gradient", gradient, all_reduce)
            memory.gradient.copy_(gradient.flatten())
            step = -gradient
            step *= _ratio(FIRST_STEP, _root_mean_square(step, all_reduce))
            del gradient  # an evaluation needs the memory: it finds four pictures and the history, no more
            while watch.number < steps:
                trial = generated + step
                trial_loss, trial_gradient = value_and_grad(trial)
                best.offer(trial, trial_loss)
                watch.after_evaluation(trial, trial_loss)
                trial_gradient = trial_gradient.detach().flatten()
                finite = trial_loss.isfinite() & all_finite(trial_gradient, all_reduce)
                good = finite & (trial_loss <= 2 * loss.abs())  # on the device
                setbacks += ~finite
                generated = torch.where(good, trial, generated, out=trial)
                loss = torch.where(good, trial_loss, loss)
                changed = trial_gradient - memory.gradient
                gradient = torch.where(good, trial_gradient, memory.gradient)
                memory.remember(step.flatten(), changed, gradient)
                del trial, trial_gradient, changed, gradient
                direction = memory.direction().view_as(step).mul_(self.learning_rate)
                torch.where(good, direction, step.div_(4), out=step)
                del direction
        watch.warn_about_rejected_steps(setbacks, "stepped back from. The result is the best of the others")
        return best.image


@dataclass(frozen=True)
class TorchLBFGS(Optimizer):
    """torch's own L-BFGS, in pixels and without a line search; returns the best picture evaluated.

    What everyone uses, for comparison. The last of its updates is not evaluated, so that one step returns the
    start. The loss is taken relative to its first value: torch's own thresholds are absolute, and small weights
    would leave the start as it is.

    Attributes:
        history: pairs of past steps kept, 24 bytes a pixel each.
        learning_rate: see `LBFGS`.
        tolerance: see `LBFGS`.
    """

    history: int = 100
    learning_rate: float = 1.0
    tolerance: float | None = None

    def __post_init__(self) -> None:
        _checks.whole_number("history", self.history, minimum=1)
        _check_common(self.learning_rate, self.tolerance)

    def pairs(self, steps: int) -> int:
        """Return how many pairs a level of so many steps keeps, at least 1."""
        return max(1, min(self.history, steps - 1))

    def minimize(
        self,
        image: Tensor,
        value_and_grad: ValueAndGrad,
        steps: int,
        callback: StepCallback | None = None,
    ) -> Tensor:
        """Return the picture with the lowest loss of those evaluated. See `Optimizer.minimize`."""
        generated = image.detach().clone()
        best = Best(generated)
        watch = StepMonitor(steps, callback, self.tolerance)
        optimizer = torch.optim.LBFGS(
            [generated],
            lr=self.learning_rate,
            max_iter=steps,
            max_eval=steps,
            history_size=self.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
        )

        scale = torch.ones((), dtype=generated.dtype, device=generated.device)

        def closure() -> Tensor:
            nonlocal scale
            loss, gradient = value_and_grad(generated)
            if watch.number == 0:
                scale = 1 / loss.abs().clamp(min=torch.finfo(loss.dtype).tiny)
            generated.grad = gradient * scale
            best.offer(generated, loss)
            watch.after_evaluation(generated, loss)
            return loss * scale

        with suppress(StoppedError):
            optimizer.step(closure)  # type: ignore[no-untyped-call]
        return best.image


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam within the box [0, 1], returning an average of the iterates, which is free of Adam's haze.

    A gradient that is not finite counts as zero, for its moments would never forget it.

    Attributes:
        learning_rate: of values in [0, 1]; 0.02 is about five of 255 levels.
        average: decay of the exponential average over iterates, 0 … 1; 0 returns the last one.
        tolerance: see `LBFGS`.

    Reference: Kingma & Ba, "Adam" (2015), section 7.2 for the average and its bias correction.
    """

    learning_rate: float = 0.02
    average: float = 0.9
    tolerance: float | None = None

    def __post_init__(self) -> None:
        _check_common(self.learning_rate, self.tolerance)
        if not 0 <= _checks.number("average", self.average) < 1:
            rule = "be at least 0 and less than 1"
            raise ValueError(_checks.message("average", rule, self.average, "Try 0.9, or 0 for no average."))

    def minimize(
        self,
        image: Tensor,
        value_and_grad: ValueAndGrad,
        steps: int,
        callback: StepCallback | None = None,
        *,
        all_reduce: Reduce = no_reduction,
    ) -> Tensor:
        """Return the averaged iterate, in [0, 1]. See `LBFGS.minimize`."""
        generated = image.detach().clone().clamp_(0, 1)
        average, weight = torch.zeros_like(generated), 0.0
        watch = StepMonitor(steps, callback, self.tolerance)
        optimizer = torch.optim.Adam([generated], lr=self.learning_rate)
        setbacks = torch.zeros((), dtype=torch.int64, device=generated.device)
        with suppress(StoppedError):
            for _ in range(steps):
                loss, gradient = value_and_grad(generated)
                watch.after_evaluation(generated, loss)
                finite = all_finite(gradient, all_reduce)  # on the device
                setbacks += ~(finite & loss.isfinite())
                generated.grad = torch.where(finite, gradient, 0)
                optimizer.step()
                generated.clamp_(0, 1)
                average.lerp_(generated, 1 - self.average)
                weight += (1 - self.average) * (1 - weight)
        if setbacks == watch.number:  # the start would come back as if it were a result
            check_finite("the gradient", gradient, all_reduce)
        watch.warn_about_rejected_steps(setbacks, "passed over")
        return average / weight if weight > 0 else generated


def _root_mean_square(values: Tensor, all_reduce: Reduce) -> Tensor:
    squares = values.square().sum()
    count = torch.full((), float(values.numel()), dtype=values.dtype, device=values.device)
    return (all_reduce(squares) / all_reduce(count)).sqrt()


def _ratio(length: float, of: Tensor) -> Tensor:
    """Return length / of, or 0 where there is nothing to scale."""
    return torch.where(of > 0, length / of, 0)


def _check_common(learning_rate: float, tolerance: float | None) -> None:
    """Check what both optimisers are given."""
    if _checks.number("learning_rate", learning_rate) == 0:
        raise ValueError(_checks.message("learning_rate", "be more than 0", 0, "Leave it out for the default."))
    if tolerance is not None:
        _checks.number("tolerance", tolerance)
