"""Which sizes a run works at, and how many iterations at each: coarse to fine.

A style's large structures are found where they are small and cheap, and only refined where they are large:
relu5_1 sees 156 pixels whatever the picture's size, and a step costs in proportion to the pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from neural_style import _checks
from neural_style.evaluation.tiles import TileGeometry
from neural_style.images.resizing import fit_within
from neural_style.network.vgg19 import layer_table
from neural_style.transfer.presets import Settings
from neural_style.transfer.starts import is_noise

DEFAULT_SIZE = 512  # longer side of a result in pixels
# Longer side of the coarsest level, at least: at 80 pixels relu5_1 copies the painting's composition.
SMALLEST = 128
MOST_LEVELS = 16
ITERATIONS = 25  # of each level
# A preview: of at most this longer side, with so many iterations at its finest level, and at each coarser one,
# where large forms are found.
PREVIEW_SIZE = 256
PREVIEW_FINEST, PREVIEW_COARSER = 10, 20
# The deepest style layer is left to the coarser levels, where it has found the large forms: at the finest of
# several it takes a sixth of the time, and is not missed.
LEFT_TO_COARSER = "relu5_1"

# From noise, every form has to be found at the coarsest level: with what suffices from the photograph, the
# result is grey and without a thing in it.
FROM_NOISE = 200


@dataclass(frozen=True)
class Level:
    """One scale of the pyramid.

    Attributes:
        size: (height, width) in pixels.
        iterations: optimiser steps at this size.
        without: names of style layers that are left out at this size.
    """

    size: tuple[int, int]
    iterations: int
    without: frozenset[str] = frozenset()

    @property
    def work(self) -> int:
        """The cost of the level in pixel evaluations: an evaluation's time grows with the pixels."""
        return self.size[0] * self.size[1] * self.iterations


@dataclass(frozen=True)
class Sizes:
    """The sizes that some settings allow. A picture that tiles the plane has sides on every layer's grid."""

    settings: Settings

    @property
    def minimum(self) -> int:
        """The smallest side, in pixels, that has a position in the deepest layer."""
        return layer_table()[self.settings.layers[-1]].stride

    @property
    def multiple(self) -> int:
        """What every side is a multiple of, in pixels."""
        wraps = self.settings.padding == "circular"
        return TileGeometry.of(self.settings.layers[-1]).alignment if wraps else 1

    def check(self, argument: str, size: tuple[int, int], advice: str) -> None:
        """Check that a picture of (height, width) is large enough for the network."""
        if min(size) < self.minimum:
            rule = f"have sides of at least {self.minimum} pixels for {self.settings.layers[-1]}"
            raise ValueError(_checks.message(argument, rule, f"{size[0]}×{size[1]}", advice))

    def result(self, own: tuple[int, int], size: int | None, *, preview: bool = False) -> tuple[int, int]:
        """Return (height, width) of the result of a content of size `own`.

        A warning says if it is rounded so that the picture tiles the plane.

        Raises:
            ValueError, TypeError: if `size` is invalid, or the result is too small for the network.
        """
        target = previewed(fit_within(own, size)) if preview else fit_within(own, size)
        self.check("the result", target, "Give a larger size.")
        closed = nearest(target, self.multiple)
        if closed != target:
            text = f"A picture that tiles the plane has sides that are multiples of {self.multiple} pixels"
            change = f"{target[0]}×{target[1]} became {closed[0]}×{closed[1]}"
            _checks.warn(f"{text}: {change}.")
        return closed

    def plan(
        self,
        target: tuple[int, int],
        iterations: int | Sequence[int] | None,
        levels: int | None,
        *,
        preview: bool = False,
    ) -> list[Level]:
        """Return the levels of a result of (height, width), coarse to fine; see `StyleTransfer.run`."""
        of_preset = self.settings.iterations
        chosen = iterations
        if iterations is None and of_preset is not None:
            chosen = of_preset if levels is None else of_preset[-1]
        plan = plan_levels(
            target,
            iterations=chosen,
            levels=levels,
            scales=self.settings.scales,
            minimum=self.minimum,
            multiple=self.multiple,
        )
        if iterations is None:
            if preview:
                coarser = [replace(level, iterations=PREVIEW_COARSER) for level in plan[:-1]]
                finest = PREVIEW_FINEST if coarser else PREVIEW_COARSER
                plan = [*coarser, replace(plan[-1], iterations=finest)]
            if is_noise(self.settings.init) and of_preset is None:
                plan[0] = replace(plan[0], iterations=FROM_NOISE)
        if self.settings.omit_layers and len(plan) > 1:
            plan[-1] = replace(plan[-1], without=frozenset([LEFT_TO_COARSER]))
        return plan


def plan_levels(
    size: tuple[int, int],
    *,
    iterations: int | Sequence[int] | None = None,
    levels: int | None = None,
    scales: Sequence[float] | None = None,
    minimum: int = 16,
    multiple: int = 1,
) -> list[Level]:
    """Return the levels, coarse to fine, the last of the size asked for.

    Args:
        size: (height, width) of the result.
        iterations: of each level; or one number for each, coarse to fine. None takes 25.
        levels: how many sizes, each half the next, whatever `scales` says. None takes as many as there are
            counts; where there is one or none, it halves from the result's size while the longer side stays at
            128 pixels or more.
        scales: the levels' sizes relative to the result's instead, coarse to fine, the last 1.
        minimum: the network's smallest side. Of `scales` and of halves down to 128 pixels, levels below it are
            left out; such as were asked for by number are refused.
        multiple: what every level's sides are brought to multiples of.

    >>> [(level.size, level.iterations) for level in plan_levels((384, 512))]
    [((96, 128), 25), ((192, 256), 25), ((384, 512), 25)]
    """
    counts = _counts(iterations)
    if levels is not None:
        _checks.whole_number("levels", levels, minimum=1, maximum=MOST_LEVELS)
        ratios = _asked_for("levels", levels, size, minimum)
    elif counts is not None and scales is None:
        ratios = _asked_for("iterations", len(counts), size, minimum)
    else:
        count = 1 + max(0, math.floor(math.log2(max(size) / SMALLEST)))
        ratios = _halvings(count) if scales is None else list(scales)
    if counts is None:
        each = ITERATIONS if iterations is None else iterations
        counts = [_checks.whole_number("iterations", each, minimum=1)] * len(ratios)
    if len(counts) != len(ratios):
        rule = f"have one count for each of {len(ratios)} levels"
        raise ValueError(_checks.message("iterations", rule, len(counts), "Give one number or as many."))
    sizes = [nearest(_scaled(size, ratio), multiple) for ratio in ratios]
    plan = [Level(side, count) for side, count in zip(sizes, counts, strict=True)]
    return [level for level in plan[:-1] if min(level.size) >= minimum] + plan[-1:]


def previewed(size: tuple[int, int]) -> tuple[int, int]:
    """Return a result's (height, width), reduced to a preview's where it is larger.

    >>> previewed((384, 512)), previewed((90, 120))
    ((192, 256), (90, 120))
    """
    return fit_within(size, PREVIEW_SIZE) if max(size) > PREVIEW_SIZE else size


def nearest(size: tuple[float, float], multiple: int) -> tuple[int, int]:
    """Return (height, width) with each side brought to the nearest multiple, at least one of it.

    >>> nearest((90, 300), 16)
    (96, 304)
    """
    return max(1, round(size[0] / multiple)) * multiple, max(1, round(size[1] / multiple)) * multiple


def _counts(iterations: int | Sequence[int] | None) -> list[int] | None:
    """Return the iterations of every level, or None where they were not given level by level."""
    if not isinstance(iterations, Sequence) or isinstance(iterations, str):
        return None
    if not 1 <= len(iterations) <= MOST_LEVELS:
        rule, advice = f"hold 1 to {MOST_LEVELS} counts", "Give one for each level, or one number."
        raise ValueError(_checks.message("iterations", rule, len(iterations), advice))
    return [_checks.whole_number("iterations", count, minimum=1) for count in iterations]


def _asked_for(argument: str, count: int, size: tuple[int, int], minimum: int) -> list[float]:
    """Return 1 and its halves, coarse to fine, as many as were asked for."""
    ratios = _halvings(count)
    height, width = _scaled(size, ratios[0])
    if count > 1 and min(height, width) < minimum:
        most = next(n for n in range(count, 0, -1) if n == 1 or min(_scaled(size, 0.5 ** (n - 1))) >= minimum)
        rule = f"keep every level's sides at {minimum} pixels or more"
        got = f"{count} levels, the coarsest {height}×{width}"
        raise ValueError(_checks.message(argument, rule, got, f"Give at most {most}, or a larger size."))
    return ratios


def _halvings(count: int) -> list[float]:
    """Return 1 and its halves, coarse to fine."""
    return [0.5**i for i in reversed(range(count))]


def _scaled(size: tuple[int, int], ratio: float) -> tuple[int, int]:
    """Return (height, width) times a ratio, in whole pixels."""
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def sides_of(size: int | tuple[int, int], argument: str = "size") -> tuple[int, int]:
    """Return (height, width) of a size that is both, or the side of a square."""
    sides = size if isinstance(size, tuple) else (size, size)
    if len(sides) != 2:
        rule, advice = "be a number or (height, width)", "Give one side, or both."
        raise ValueError(_checks.message(argument, rule, size, advice))
    height, width = (_checks.whole_number(argument, side, minimum=1) for side in sides)
    return height, width
