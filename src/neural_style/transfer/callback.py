"""What a caller sees of a run: its progress, how it is stopped, and the interrupt that loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from torch import Tensor

from neural_style import _checks
from neural_style.optimizers.base import Step, asks_to_stop
from neural_style.transfer.levels import Level


@dataclass(frozen=True)
class Progress:
    """What a callback is given after each evaluation.

    Attributes:
        level: from 1, the coarsest.
        levels: how many there are.
        size: (height, width) of this level in pixels.
        step: from 1, within the level.
        steps: how many this level has.
        fraction: share of the whole run's work done, 0 … 1; elapsed time / fraction estimates the whole.
        loss: a scalar on the device. Reading it with `.item()` makes a GPU wait: do so rarely.
        terms: the loss's parts by name, see `Objective.terms_by_name`; without those of layers that the level
            leaves out.
        image: the current picture, shape (1, 3, H, W), not cut off at 0 and 1, see `picture`; the optimiser's
            own, so copy it to keep it. Over ranks, the first one's rows of it.
    """

    level: int
    levels: int
    size: tuple[int, int]
    step: int
    steps: int
    fraction: float
    loss: Tensor
    terms: dict[str, Tensor]
    image: Tensor

    def picture(self) -> Tensor:
        """Return the current picture as `save_image` takes it: a copy, shape (3, H, W), cut off at 0 and 1.

        What the run does at its very end is not done to it: with ``color="content"`` it has no colours yet, and
        where no style is, the content is not put back.
        """
        return self.image[0].clamp(0, 1)


Callback = Callable[[Progress], object]


class RunInterrupted(KeyboardInterrupt):
    """Raised on Ctrl-C, so that the work done is not lost.

    Attributes:
        image: the picture so far, in the form that `StyleTransfer.run` returns.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__("interrupted; the picture so far is in this exception's attribute image")
        self.image = image


class HasTerms(Protocol):
    """What the reporter needs of an objective."""

    @property
    def terms_by_name(self) -> dict[str, Tensor]:
        """The loss's parts. See `Objective.terms_by_name`."""


class ProgressReporter:
    """Turns an optimiser's steps into the run's progress, and keeps the last picture at hand.

    Args:
        callback: called after each evaluation; returning True stops the run.

    Attributes:
        image: the picture of the last step, shape (1, 3, H, W); None before a level's first.
        stopped: whether the callback has asked for the end.

    Raises:
        TypeError: if the callback cannot be called.
    """

    def __init__(self, callback: Callback | None) -> None:
        if callback is not None and not callable(callback):
            got, advice = type(callback).__name__, "Give a function of one Progress."
            raise TypeError(_checks.message("callback", "be callable", got, advice))
        self.callback, self.stopped = callback, False
        self.image: Tensor | None = None

    def levels(self, levels: Sequence[Level]) -> Iterator[Level]:
        """Yield the levels of a run, coarse to fine, until it is stopped."""
        done = 0  # in the units of `Level.work`, as done and not as planned
        for number, level in enumerate(levels, 1):
            self._number, self._levels, self._level = number, levels, level
            self._done, self._done_in_level, self.image = done, 0, None
            yield level
            done += self._done_in_level
            if self.stopped:
                return

    def reports_on(self, objective: HasTerms) -> Callable[[Step], bool]:
        """Return the optimiser's callback for this level's objective."""
        return partial(self._after_step, objective)

    def _after_step(self, objective: HasTerms, step: Step) -> bool:
        self.image = step.image
        level, done = self._level, self._level.work * step.number // step.steps
        self._done_in_level = done
        if self.callback is not None:
            planned = self._done + level.work + sum(later.work for later in self._levels[self._number :])
            progress = Progress(
                level=self._number,
                levels=len(self._levels),
                size=level.size,
                step=step.number,
                steps=step.steps,
                fraction=(self._done + done) / planned,
                loss=step.loss,
                terms=objective.terms_by_name,
                image=step.image,
            )
            self.stopped = asks_to_stop(self.callback(progress))
        return self.stopped
