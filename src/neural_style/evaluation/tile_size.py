"""What fits into memory: tiles as large as possible, and where even they are not enough, less of what is kept.

The result is the same whatever the plan, to rounding; only a shorter history of L-BFGS costs evaluations.
"""

from bisect import bisect_left
from collections.abc import Callable
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


@dataclass(frozen=True)
class MemoryPlanner:
    """Plans how pictures are evaluated in the free memory, as fast as possible.

    Attributes:
        model: estimates the memory of an evaluation.
        tile: ``"auto"``; or the longest side of a tile; or None, for the picture at once whatever is free.
        ranks: over how many ranks the picture is spread.
        free: bytes that every rank has; None where that is not known, and then taken to be enough.
    """

    model: MemoryModel
    tile: int | str | None = "auto"
    ranks: int = 1
    free: int | None = None

    @property
    def geometry(self) -> TileGeometry:
        """What the network asks of tiles."""
        return TileGeometry.of(self.model.layers[-1])

    def plan(self, size: tuple[int, int], pairs: int = 0) -> MemoryPlan:
        """Return how a picture of (height, width) is evaluated.

        Args:
            size: of the picture.
            pairs: wanted of L-BFGS's history; 0 for an optimiser without.

        Raises:
            ValueError: if even the smallest tiles and the shortest history do not fit.
        """
        plan = self._fastest(size, pairs)
        if plan is not None:
            return plan
        sizes = range(1, max(size))
        largest = _largest(sizes, lambda longer: self._fastest(fit_within(size, longer), pairs) is not None)
        height, width = fit_within(size, largest) if largest else (0, 0)
        rule = f"fit into the {(self.free or 0) / 1e9:.1f} GB of memory that are free"
        advice = f"The largest that would is {height}×{width}." if largest else "Free some."
        raise ValueError(_checks.message("the result", rule, f"{size[0]}×{size[1]}", advice))

    def _fastest(self, size: tuple[int, int], pairs: int) -> MemoryPlan | None:
        """Return how a picture is evaluated, or None where it does not fit."""
        fewer = [(False, count) for count in FEWER_PAIRS if count < pairs]
        choices: list[Kept] = [(True, pairs), (False, pairs), *fewer]  # the fastest first
        if self.tile is None or isinstance(self.tile, int):
            plans = [self._plan_with(size, self.tile, kept) for kept in choices]
            otherwise = plans[-1] if self.tile is None else None  # at once even where it does not fit
            return next((plan for plan in plans if self._has_room(plan)), otherwise)
        alignment = self.geometry.alignment
        longest = max(self.geometry.stripe_size(size, self.ranks))
        for smallest in (COMFORTABLE, alignment):
            for kept in choices:
                if self._fits(size, None, kept):
                    return self._plan_with(size, None, kept)
                sides = range(smallest, min(longest, LARGEST + alignment), alignment)
                side = _largest(sides, lambda side: self._fits(size, side, kept))  # noqa: B023  # called at once
                if side is not None:
                    return self._plan_with(size, side, kept)
        return None

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
