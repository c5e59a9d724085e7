"""A picture and a `value_and_grad` in, a better picture out. Nothing here knows of style.

A *step* is one evaluation of the loss and its gradient, and the update made of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks

ValueAndGrad = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Step:
    """What a callback is told after each evaluation.

    Attributes:
        number: from 1.
        steps: how many there will be.
        loss: a scalar on the device. Reading it with `.item()` makes a GPU wait: do so rarely.
        image: the picture that has this loss; the optimiser's own, so copy it to keep it.
    """

    number: int
    steps: int
    loss: Tensor
    image: Tensor


StepCallback = Callable[[Step], object]


class _StoppedError(Exception):
    """Ends a torch optimiser's own loop; never leaves this module."""


class Optimizer(ABC):
    """What `StyleTransfer` needs of an optimiser; pass any object of such a class."""

    @abstractmethod
    def minimize(
        self, image: Tensor, value_and_grad: ValueAndGrad, steps: int, callback: StepCallback | None = None
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
    """torch's L-BFGS with a short history and unit steps, as everyone's; returns the best picture evaluated.

    The last of its updates is not evaluated, so that one step returns the start. The loss is taken relative to
    its first value: torch's own thresholds are absolute, and small weights would leave the start as it is.

    Attributes:
        history: pairs of past steps kept, 24 bytes a pixel each. 20 does as well as torch's 100.
        learning_rate: length of a step relative to the quasi-Newton one.
        tolerance: None asks for every step; else stop where the loss fell by less than this share of itself
            over ten steps.

    Reference: Liu & Nocedal, "On the limited memory BFGS method" (1989); the paper uses L-BFGS throughout.
    """

    history: int = 20
    learning_rate: float = 1.0
    tolerance: float | None = None

    def __post_init__(self) -> None:
        _checks.whole_number("history", self.history, minimum=1)
        _check_common(self.learning_rate, self.tolerance)

    def minimize(
        self, image: Tensor, value_and_grad: ValueAndGrad, steps: int, callback: StepCallback | None = None
    ) -> Tensor:
        """Return the picture with the lowest loss of those evaluated. See `Optimizer.minimize`."""
        generated = image.detach().clone()
        best = _Best(generated)
        watch = _Watch(steps, callback, self.tolerance)
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

        with suppress(_StoppedError):
            optimizer.step(closure)  # type: ignore[no-untyped-call]
        _check_finite(best.loss)
        return best.image


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam within the box [0, 1], returning an average of the iterates, which is free of Adam's haze.

    Attributes:
        learning_rate: of values in [0, 1]; 0.02 is about five of 255 levels.
        average: decay of the exponential average over iterates, 0 … 1; 0 returns the last one.
        tolerance: as of `LBFGS`.

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
        self, image: Tensor, value_and_grad: ValueAndGrad, steps: int, callback: StepCallback | None = None
    ) -> Tensor:
        """Return the averaged iterate, in [0, 1]. See `Optimizer.minimize`."""
        generated = image.detach().clone().clamp_(0, 1)
        average, weight = torch.zeros_like(generated), 0.0
        watch = _Watch(steps, callback, self.tolerance)
        optimizer = torch.optim.Adam([generated], lr=self.learning_rate)
        with suppress(_StoppedError):
            for _ in range(steps):
                loss, generated.grad = value_and_grad(generated)
                watch.after_evaluation(generated, loss)
                optimizer.step()
                generated.clamp_(0, 1)
                average.lerp_(generated, 1 - self.average)
                weight += (1 - self.average) * (1 - weight)
        _check_finite(watch.loss)
        return average / weight if weight > 0 else generated


def asks_to_stop(returned: object) -> bool:
    """Return whether a callback's answer ends the run: True does, None and False do not.

    Raises:
        TypeError: if it is anything else, such as a tensor that compares a loss.
    """
    if returned is None or isinstance(returned, bool | np.bool_):
        return bool(returned)
    got, advice = type(returned).__name__, "Compare numbers, such as loss.item()."
    raise TypeError(_checks.message("the callback", "return True, False or None", got, advice))


class _Best:
    """The picture of the lowest loss so far, chosen on the device: it costs no wait for a number."""

    def __init__(self, image: Tensor) -> None:
        self.image = image.clone()
        self.loss = torch.full((), torch.inf, dtype=image.dtype, device=image.device)

    def offer(self, image: Tensor, loss: Tensor) -> None:
        better = loss < self.loss  # false for NaN
        self.image = torch.where(better, image, self.image)
        self.loss = torch.where(better, loss, self.loss)


class _Watch:
    """Counts evaluations, calls back, and ends the run: at the last step, on request, on a flat or bad loss."""

    def __init__(self, steps: int, callback: StepCallback | None, tolerance: float | None) -> None:
        self.steps = _checks.whole_number("steps", steps, minimum=1)
        self.callback, self.tolerance = callback, tolerance
        self.number = 0
        self.loss = torch.zeros((), device="cpu")
        self.losses: list[float] = []

    def after_evaluation(self, image: Tensor, loss: Tensor) -> None:
        self.number += 1
        self.loss = loss
        if self.number == 1:
            _check_finite(loss)  # found out at the first evaluation of a level, not after its last
        if self.callback is not None and asks_to_stop(
            self.callback(Step(self.number, self.steps, loss, image))
        ):
            raise _StoppedError
        if self.tolerance is not None:
            self.losses.append(loss.item())
            if len(self.losses) > 10 and self.losses[-11] - self.losses[-1] < self.tolerance * self.losses[-1]:
                raise _StoppedError


def _check_common(learning_rate: float, tolerance: float | None) -> None:
    """Check what both optimisers are given."""
    if _checks.number("learning_rate", learning_rate) == 0:
        raise ValueError(_checks.message("learning_rate", "be more than 0", 0, "Leave it out for the default."))
    if tolerance is not None:
        _checks.number("tolerance", tolerance)


def _check_finite(loss: Tensor) -> None:
    """Check a loss, once at the end: reading it makes a GPU wait.

    Raises:
        FloatingPointError: if it is NaN or infinite.
    """
    if not bool(torch.isfinite(loss)):
        rule, advice = "be finite", "Use precision='float32' or smaller weights."
        raise FloatingPointError(_checks.message("the loss", rule, "NaN or infinity", advice))
