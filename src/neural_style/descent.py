"""Coarse to fine: the loop over levels that carries the picture from one size to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from torch import Tensor

from neural_style.optimizers import Optimizer
from neural_style.pyramid import Level
from neural_style.resizing import resize
from neural_style.steps import Step, StepCallback, asks_to_stop


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


class Evaluated(Protocol):
    """What the descent needs of an objective."""

    @property
    def terms_by_name(self) -> dict[str, Tensor]:
        """The loss's parts. See `Objective.terms_by_name`."""

    def minimized_by(
        self,
        optimizer: Optimizer,
        image: Tensor,
        steps: int,
        callback: StepCallback,
    ) -> Tensor:
        """Return the picture that an optimiser makes of another. See `Optimizer.minimize`."""

    def agreed(self, stopped: bool) -> bool:
        """Return whether all processes of the run end it; a `KeyboardInterrupt` elsewhere is raised here."""


class RunInterrupted(KeyboardInterrupt):
    """Raised on Ctrl-C, so that the work done is not lost.

    Attributes:
        image: the picture so far, in the form that `StyleTransfer.run` returns.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__("interrupted; the picture so far is in this exception's attribute image")
        self.image = image


def descend(
    start: Tensor,
    plan: Sequence[Level],
    objective_at: Callable[[Level], Evaluated],
    optimizer: Optimizer,
    callback: Callback | None = None,
    content: Tensor | None = None,
    wraps: bool = False,
) -> Tensor:
    """Return the picture optimised level by level, shape (1, 3, H, W) of the last level's size, in [0, 1].

    Args:
        start: shape (1, 3, H', W'), of any size.
        plan: the levels, coarse to fine.
        objective_at: level → its objective. One at a time is kept.
        optimizer: what minimises it.
        callback: called after each evaluation; returning True ends the descent with the picture so far.
        content: shape (1, 3, H'', W''), of any size: a finer level then starts with the content's own detail
            beside what the coarser ones have changed; None starts it with the enlarged picture alone.
        wraps: whether the picture tiles the plane.

    Raises:
        RunInterrupted: on Ctrl-C.
    """
    watch, carried = _Watch(plan, callback, start), partial(_carried, content=content, wraps=wraps)
    image = start
    try:
        for level in plan:
            watch.objective = None  # the coarser level's targets are given back before the finer one's are made
            image = carried(image, level.size)
            objective = watch.enter(level, objective_at(level), image)
            image = objective.minimized_by(optimizer, image, level.iterations, watch.after_step)
            watch.image = image
            watch.stopped = objective.agreed(watch.stopped)
            del objective
            if watch.stopped:
                break
    except KeyboardInterrupt:
        raise RunInterrupted(_finished(carried(watch.image.detach().clone(), plan[-1].size))) from None
    return _finished(carried(image.detach().clone(), plan[-1].size))


def _carried(image: Tensor, size: tuple[int, int], *, content: Tensor | None, wraps: bool) -> Tensor:
    """Return a coarser level's picture at a finer one's size: enlarged, with the content's detail beside it.

    The detail is what reducing the content to the coarser size has lost. An enlarged picture has none, and many
    evaluations would go into drawing it anew. The photograph itself need not tile the plane: its own jump from
    border to border is no detail, so that only the picture is enlarged across it.
    """
    before = (image.shape[-2], image.shape[-1])
    if content is None or before == size:
        return resize(image, size, clamp=False, wraps=wraps)
    detail = resize(content, size) - resize(resize(content, before), size, clamp=False)
    return resize(image, size, clamp=False, wraps=wraps).add_(detail)


class _Watch:
    """Turns an optimiser's steps into the run's progress, and keeps the last picture at hand."""

    def __init__(self, plan: Sequence[Level], callback: Callback | None, start: Tensor) -> None:
        self.plan, self.callback, self.image = plan, callback, start
        self.objective: Evaluated | None = None
        self.stopped = False
        self.number = 0
        self.work_before, self.work_in_level = 0, 0  # in the units of `Level.work`, as done and not as planned

    def enter(self, level: Level, objective: Evaluated, image: Tensor) -> Evaluated:
        self.work_before, self.work_in_level = self.work_before + self.work_in_level, 0
        self.number += 1
        self.level, self.objective, self.image = level, objective, image
        return objective

    def after_step(self, step: Step) -> bool:
        self.image = step.image
        self.work_in_level = self.level.work * step.number // step.steps
        if self.callback is not None and self.objective is not None:
            to_come = sum(level.work for level in self.plan[self.number :])
            progress = Progress(
                level=self.number,
                levels=len(self.plan),
                size=self.level.size,
                step=step.number,
                steps=step.steps,
                fraction=(self.work_before + self.work_in_level)
                / (self.work_before + self.level.work + to_come),
                loss=step.loss,
                terms=self.objective.terms_by_name,
                image=step.image,
            )
            self.stopped = asks_to_stop(self.callback(progress))
        return self.stopped


def _finished(image: Tensor) -> Tensor:
    """Return a picture in the form that a run returns."""
    return image.clamp(0, 1).contiguous()
