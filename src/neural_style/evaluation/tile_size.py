"""What fits into memory: tiles as large as possible, and where even they are not enough, less of what is kept.

The result is the same whatever the plan, to rounding; only a shorter history of L-BFGS costs evaluations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from neural_style import _checks
from neural_style.evaluation.costs import FLOAT32, MemoryModel
from neural_style.evaluation.tiles import TileGeometry
from neural_style.images.resizing import fit_within

SHARE = 0.9  # of the free memory: an estimate is no measurement
COMFORTABLE = 512  # pixels of a tile: below, more than half of what it reads is halo
LARGEST = 4096  # pixels of a tile: a larger one saves no time worth the memory
PAIR_BYTES = 2 * 3 * FLOAT32  # a pixel: a step and the change of the gradient along it
WHOLE = 8  # whole pictures that every rank has: the photograph, the start, the result brought together
MOST_VALUES = 2**31 - 1  # of a tensor that every kernel can index
FEWER_PAIRS = (20, 10, 5, 3)  # of the history, where as many as were wanted do not fit

Kept = tuple[bool, int]  # whether the content's features are kept, and the pairs of the history


@dataclass(frozen=True)
class MemoryPlan:
    """How a level is evaluated so that it fits.

    Attributes:
        tile: longest side of a tile in pixels; None evaluates the picture at once.
        keep_targets: whether the content's features are kept, or computed anew in every evaluation.
        pairs: of L-BFGS's history.
        bytes: of the device's memory at the peak.
    """

    tile: int | None
    keep_targets: bool
    pairs: int
    bytes: int


def plan_memory(
    size: tuple[int, int],
    model: MemoryModel,
    *,
    tile: int | str | None = "auto",
    pairs: int = 0,
    ranks: int = 1,
    free: int | None = None,
) -> MemoryPlan:
    """Return how a picture is evaluated in the free memory, as fast as possible.

    Args:
        size: (height, width) of the picture.
        model: estimates the memory of an evaluation.
        tile: ``"auto"``; or the longest side of a tile; or None, for the picture at once whatever is free.
        pairs: wanted of L-BFGS's history; 0 for an optimiser without.
        ranks: over how many ranks the picture is spread.
        free: bytes that every rank has; None where that is not known, and then taken to be enough.

    Raises:
        ValueError: if even the smallest tiles and the shortest history do not fit.
    """
    planner = _Planner(model, TileGeometry.of(model.layers[-1]), tile, pairs, ranks, free)
    plan = planner.plan(size)
    if plan is None:
        largest = _largest(
            range(1, max(size)), lambda longer: planner.plan(fit_within(size, longer)) is not None
        )
        height, width = fit_within(size, largest) if largest else (0, 0)
        rule = f"fit into the {(free or 0) / 1e9:.1f} GB of memory that are free"
        advice = f"The largest that would is {height}×{width}." if largest else "Free some."
        raise ValueError(_checks.message("the result", rule, f"{size[0]}×{size[1]}", advice))
    return plan


@dataclass(frozen=True)
class _Planner:
    """The arguments of `plan_memory`, but for the size."""

    model: MemoryModel
    geometry: TileGeometry
    tile: int | str | None
    pairs: int
    ranks: int
    free: int | None

    def plan(self, size: tuple[int, int]) -> MemoryPlan | None:
        """Return how a picture is evaluated, or None where it does not fit."""
        if self.tile is None or isinstance(self.tile, int):
            plans = [self._plan_with(size, self.tile, kept) for kept in self._choices()]
            if self.tile is None:  # tried even where it does not fit
                return next((plan for plan in plans if self._has_room(plan)), plans[-1])
            return next((plan for plan in plans if self._has_room(plan)), None)
        alignment = self.geometry.alignment
        longest = max(self.geometry.stripe_size(size, self.ranks))
        for smallest in (COMFORTABLE, alignment):
            for kept in self._choices():
                if self._fits(size, None, kept):
                    return self._plan_with(size, None, kept)
                sides = range(smallest, min(longest, LARGEST + alignment), alignment)
                side = _largest(sides, lambda side: self._fits(size, side, kept))  # noqa: B023  # called at once
                if side is not None:
                    return self._plan_with(size, side, kept)
        return None

    def _choices(self) -> Iterator[Kept]:
        """Yield what may be kept, the fastest first."""
        yield True, self.pairs
        yield False, self.pairs
        for fewer in FEWER_PAIRS:
            if fewer < self.pairs:
                yield False, fewer

    def _plan_with(self, size: tuple[int, int], tile: int | None, kept: Kept) -> MemoryPlan:
        """Return the plan of an evaluation in tiles of a side, which may not fit."""
        keep_targets, pairs = kept
        whole = FLOAT32 * 3 * size[0] * size[1] * (WHOLE if self.ranks > 1 else 0)
        own = self.geometry.stripe_size(size, self.ranks)
        memory = whole + self.model.picture_bytes(own) + pairs * PAIR_BYTES * own[0] * own[1]
        memory += self.model.evaluation_bytes(self.geometry.window_size(own, tile))
        memory += self.model.target_bytes(own) if keep_targets else 0
        return MemoryPlan(tile, keep_targets, pairs, memory)

    def _has_room(self, plan: MemoryPlan) -> bool:
        """Return whether the memory of a plan is free."""
        return self.free is None or plan.bytes <= SHARE * self.free

    def _fits(self, size: tuple[int, int], tile: int | None, kept: Kept) -> bool:
        """Return whether there is memory for tiles of a side, and every kernel can index their features."""
        window = self.geometry.window_size(self.geometry.stripe_size(size, self.ranks), tile)
        indexable = self.model.largest_values(window) <= MOST_VALUES
        return indexable and self._has_room(self._plan_with(size, tile, kept))


def _largest(numbers: range, fits: Callable[[int], bool]) -> int | None:
    """Return the last of some numbers that fits, where all before it do; None where the first does not."""
    count = bisect_left(numbers, True, key=lambda number: not fits(number))
    return numbers[count - 1] if count else None
