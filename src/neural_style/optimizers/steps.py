"""What goes on from step to step, whatever the method: progress reported, the best picture kept, the end found.

A *step* is one evaluation of the loss and its gradient, and the update made of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks
from neural_style.optimizers.limited_memory import SLICE

WINDOW = 10  # steps between two looks at whether the loss still falls

Reduce = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Step:
    """What a callback is given after each evaluation.

    Attributes:
        number: from 1.
        steps: how many there will be.
        loss: a scalar on the device. Reading it with `.item()` makes a GPU wait: do so rarely.
        image: the picture that has this loss; the optimiser's own, so copy it to keep it: `LBFGS` writes the
            one before into it where the step is taken back.
    """

    number: int
    steps: int
    loss: Tensor
    image: Tensor


StepCallback = Callable[[Step], object]


class StoppedError(Exception):
    """Ends an optimiser's own loop; never leaves `minimize`."""


def asks_to_stop(returned: object) -> bool:
    """Return whether a callback's answer ends the run: True does, None and False do not.

    Raises:
        TypeError: if it is anything else, such as a tensor that compares a loss.
    """
    if returned is None or isinstance(returned, bool | np.bool_):
        return bool(returned)
    got, advice = type(returned).__name__, "Compare numbers, such as loss.item()."
    raise TypeError(_checks.message("the callback", "return True, False or None", got, advice))


def no_reduction(part: Tensor) -> Tensor:
    """Return the sum over all ranks, of which there is one."""
    return part


class Best:
    """The picture of the lowest loss so far, chosen on the device: it costs no wait for a number."""

    def __init__(self, image: Tensor) -> None:
        self.image = image.clone()
        self.loss = torch.full((), torch.inf, dtype=image.dtype, device=image.device)

    def offer(self, image: Tensor, loss: Tensor) -> None:
        """Take a picture in where its loss is lower."""
        better = loss < self.loss  # false for NaN
        torch.where(better, image, self.image, out=self.image)
        self.loss = torch.where(better, loss, self.loss)


class StepMonitor:
    """Counts evaluations, calls back, and ends the run: at the last step, on request, on a flat or bad loss."""

    def __init__(self, steps: int, callback: StepCallback | None, tolerance: float | None) -> None:
        self.steps = _checks.whole_number("steps", steps, minimum=1)
        self.callback, self.tolerance = callback, tolerance
        self.number = 0
        self.loss = torch.zeros((), device="cpu")
        self.lowest: Tensor | None = None
        self.lowest_before = math.inf

    def after_evaluation(self, image: Tensor, loss: Tensor) -> None:
        """Count an evaluation, and tell of it.

        Raises:
            StoppedError: if the callback asks for the end, or the loss is flat.
            FloatingPointError: if the first loss is not finite.
        """
        self.number += 1
        self.loss = loss
        if self.number == 1:
            check_finite("the loss", loss)  # found out at the first evaluation of a level, not after its last
        if self.callback is not None and asks_to_stop(
            self.callback(Step(self.number, self.steps, loss, image))
        ):
            raise StoppedError
        if self.tolerance is not None:
            self.lowest = loss if self.lowest is None else torch.fmin(self.lowest, loss)
            if self.number % WINDOW == 0:
                lowest = self.lowest.item()  # waits for the device, once in ten steps
                if self.lowest_before - lowest <= self.tolerance * abs(lowest):
                    raise StoppedError
                self.lowest_before = lowest

    def warn_about_rejected_steps(self, setbacks: Tensor, done: str) -> None:
        """Warn of evaluations that gave nothing finite, if there were any, and of what was done about them."""
        if setbacks > 0:
            lost = f"{setbacks.item()} of {self.number} evaluations gave no finite loss or gradient"
            _checks.warn(f"{lost} and were {done}.", RuntimeWarning)


def all_finite(values: Tensor, all_reduce: Reduce = no_reduction) -> Tensor:
    """Return whether every value is a number and finite, on the device, without a mask of the whole."""
    finite = torch.stack([part.isfinite().all() for part in torch.split(values.flatten(), SLICE)]).all()
    return all_reduce((~finite).float()) == 0


def check_finite(name: str, values: Tensor, all_reduce: Reduce = no_reduction) -> None:
    """Check a loss or a gradient, at the start or the end: reading it makes a GPU wait.

    Raises:
        FloatingPointError: if any of it is NaN or infinite.
    """
    if not all_finite(values, all_reduce):
        rule, advice = "be finite", "Use precision='float32' or smaller weights."
        raise FloatingPointError(_checks.message(name, rule, "NaN or infinity", advice))
