"""What every optimiser shares: the interface, progress callbacks, the best picture, and when a run ends.

A *step* is one evaluation of the loss and its gradient, and the update made of it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks

WINDOW = 10  # steps between two checks whether the loss still falls
SLICE = 2**22  # values of a picture worked on at once, so that copies are small

ValueAndGrad = Callable[[Tensor], tuple[Tensor, Tensor]]
Reduce = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Step:
    """What a callback is given after each evaluation.

    Attributes:
        number: from 1.
        steps: how many there will be.
        loss: a scalar on the device. Reading it with `.item()` makes a GPU wait: do so rarely.
        image: the picture that has this loss. It is the optimiser's own, so copy it to keep it: `LBFGS` writes
            the previous picture into it where the step is rejected.
    """

    number: int
    steps: int
    loss: Tensor
    image: Tensor


StepCallback = Callable[[Step], object]


class Optimizer(ABC):
    """What `StyleTransfer` needs of an optimiser; pass any object of such a class.

    Attributes:
        over_ranks: whether `minimize` takes ``all_reduce`` and works where every rank has some of the rows.
    """

    over_ranks: ClassVar[bool] = False

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
            steps: number of evaluations, at least 1.
            callback: called after each evaluation; returning True ends the run.
        """

    def pairs(self, steps: int) -> int:  # noqa: ARG002
        """Return how many pairs of pictures it keeps in a run of so many steps, for the plan of the memory."""
        return 0


class StoppedError(Exception):
    """Ends an optimiser's own loop; never leaves `minimize`."""


class RunInterrupted(KeyboardInterrupt):
    """Raised on Ctrl-C, so that the work done is not lost.

    Attributes:
        image: the picture so far, in the form that the run would have returned it, had its callback ended it.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__("interrupted; the picture so far is in this exception's attribute image")
        self.image = image


class Best:
    """The picture of the lowest loss so far, chosen on the device, so that a GPU need not wait."""

    def __init__(self, image: Tensor) -> None:
        self.image = image.clone()
        self.loss = torch.full((), torch.inf, dtype=image.dtype, device=image.device)

    def offer(self, image: Tensor, loss: Tensor) -> None:
        """Take a picture if its loss is lower."""
        better = loss < self.loss  # false for NaN
        torch.where(better, image, self.image, out=self.image)
        self.loss = torch.where(better, loss, self.loss)


class StepMonitor:
    """Counts evaluations, calls back, and ends the run: on request, or when the loss no longer falls."""

    def __init__(self, steps: int, callback: StepCallback | None, tolerance: float | None) -> None:
        self.steps = _checks.whole_number("steps", steps, minimum=1)
        self.callback, self.tolerance = callback, tolerance
        self.number = 0
        self.lowest: Tensor | None = None
        self.lowest_before = math.inf

    @contextmanager
    def running(self, result: Callable[[], Tensor]) -> Iterator[None]:
        """Run an optimiser's loop until it ends or is stopped; on Ctrl-C raise `RunInterrupted`."""
        try:
            yield
        except StoppedError:
            pass
        except KeyboardInterrupt:
            raise RunInterrupted(result()) from None

    def after_evaluation(self, image: Tensor, loss: Tensor) -> None:
        """Count an evaluation, and call back.

        Raises:
            StoppedError: if the callback ends the run, or the loss no longer falls.
            FloatingPointError: if the first loss is not finite.
        """
        self.number += 1
        if self.number == 1:
            check_finite("the loss", loss)
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

    def warn_about_rejected_steps(self, rejected: Tensor, what_was_done: str) -> None:
        """Warn of evaluations whose loss or gradient was not finite, if there were any."""
        if rejected > 0:
            count = f"{rejected.item()} of {self.number} evaluations"
            _checks.warn(f"{count} gave no finite loss or gradient and were {what_was_done}.", RuntimeWarning)


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
    """Return a sum over ranks where there is only one."""
    return part


def all_finite(values: Tensor, all_reduce: Reduce = no_reduction) -> Tensor:
    """Return whether every value is finite, on the device, without a mask of the whole."""
    finite = torch.stack([part.isfinite().all() for part in torch.split(values.flatten(), SLICE)]).all()
    return all_reduce((~finite).float()) == 0


def check_finite(name: str, values: Tensor, all_reduce: Reduce = no_reduction) -> None:
    """Check that a loss or a gradient is finite. It makes a GPU wait: call it at the start or the end only."""
    if not all_finite(values, all_reduce):
        rule, advice = "be finite", "Use precision='float32' or smaller weights."
        raise FloatingPointError(_checks.message(name, rule, "NaN or infinity", advice))


def check_common(learning_rate: float, tolerance: float | None) -> None:
    """Check the options that all optimisers share."""
    if _checks.number("learning_rate", learning_rate) == 0:
        raise ValueError(_checks.message("learning_rate", "be more than 0", 0, "Leave it out for the default."))
    if tolerance is not None:
        _checks.number("tolerance", tolerance)
