"""What a caller sees of a run: its progress, and how it is stopped."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from neural_style import _checks
from neural_style.evaluation.bounded import BoundedObjective
from neural_style.evaluation.stripes import StripedObjective
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
        image: the current picture, shape (1, 3, H, W), unclamped; the optimiser's own, so copy it to keep it.
            Over ranks, the first one's rows of it.
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


Callback = Callable[[Progress], object]


class ProgressReporter:
    """Turns an optimiser's steps into the run's progress, and keeps the last picture at hand.

    Args:
        callback: called after each evaluation; returning True stops the run.

    Attributes:
        image: the picture of the last step, shape (1, 3, H, W); None before a level's first.
        stopped: whether the callback has asked for the end.
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

    def after_step(self, objective: BoundedObjective | StripedObjective, step: Step) -> bool:
        """Report a step of the optimiser on this level's objective; return whether it was the last."""
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
