"""What fits into memory: tiles as large as can be, and where even they are not enough, less of what is kept.

The result is the same whatever the choice, to rounding; only a shorter history of L-BFGS costs evaluations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from neural_style import _checks
from neural_style.evaluation.costs import FLOAT32, MemoryModel
from neural_style.evaluation.tiles import equal_windows, stripe_read
from neural_style.images.resizing import fit_within

SHARE = 0.9  # of what is free: an estimate is no measurement
COMFORTABLE = 512  # pixels of a tile: below, more than half of what it reads is halo
LARGEST = 4096  # beyond, a larger tile saves nothing that shows
PAIR_BYTES = 2 * 3 * FLOAT32  # a pixel: a step and the change of the gradient along it
WHOLE = 8  # whole pictures that every rank has: the photograph, the start, the result brought together
MOST_VALUES = 2**31 - 1  # of a tensor that every kernel can index
FEWER_PAIRS = (20, 10, 5, 3)  # of the history, where as many as were wanted do not fit

Choice = tuple[bool, int]  # whether targets are kept, and the pairs of the history


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


def fit(
    size: tuple[int, int],
    needs: MemoryModel,
    *,
    halo: int,
    alignment: int,
    tile: int | str | None = "auto",
    pairs: int = 0,
    stripes: int = 1,
    free: int | None = None,
) -> MemoryPlan:
    """Return how a picture is evaluated in the memory that is free, as fast as can be.

    Args:
        size: (height, width) of the picture.
        needs: of the network.
        halo: what a tile reads beyond what it owns, in pixels.
        alignment: what the sides of tiles are multiples of.
        tile: ``"auto"``; or the longest side of a tile; or None, for the picture at once whatever is free.
        pairs: wanted of L-BFGS's history; 0 for an optimiser without.
        stripes: over how many ranks' memory the picture is spread.
        free: bytes for each; None where it is not known, and then taken for enough.

    Raises:
        ValueError: if even the smallest tiles and the shortest history do not fit.
    """
    choices = list(_choices(pairs))
    fitted = partial(
        _fit,
        needs=needs,
        halo=halo,
        alignment=alignment,
        tile=tile,
        choices=choices,
        stripes=stripes,
        free=free,
    )
    found = fitted(size)
    if found is None:

        def fits(longer: int) -> bool:
            return fitted(fit_within(size, longer)) is not None

        largest = _largest(range(1, max(size)), fits)
        height, width = fit_within(size, largest) if largest else (0, 0)
        rule = f"fit into the {(free or 0) / 1e9:.1f} GB of memory that are free"
        advice = f"The largest that would is {height}×{width}." if largest else "Free some."
        raise ValueError(_checks.message("the result", rule, f"{size[0]}×{size[1]}", advice))
    return found


def window_of(size: tuple[int, int], tile: int | None, *, halo: int, alignment: int) -> tuple[int, int]:
    """Return (height, width) of what the largest tile of a picture reads, at most."""

    def longest(side: int) -> int:
        if tile is None or side <= tile:
            return side
        equal = equal_windows(side, tile, halo=halo, alignment=alignment)
        # A side that is shared by ranks, or tiles the plane, is read in other lengths: this bounds all.
        bound = tile + (2 * halo if equal is None else halo + alignment)
        return min(side, bound)

    return longest(size[0]), longest(size[1])


def _fit(
    size: tuple[int, int],
    *,
    needs: MemoryModel,
    halo: int,
    alignment: int,
    tile: int | str | None,
    choices: Sequence[Choice],
    stripes: int,
    free: int | None,
) -> MemoryPlan | None:
    """Return how a picture is evaluated, or None where it does not fit."""
    whole = FLOAT32 * 3 * size[0] * size[1] * (WHOLE if stripes > 1 else 0)
    size = stripe_read(size, stripes, halo=halo, alignment=alignment)

    def at(side: int | None, choice: Choice) -> MemoryPlan:
        keep, kept_pairs = choice
        memory = needs.evaluation_bytes(window_of(size, side, halo=halo, alignment=alignment))
        memory += needs.target_bytes(size) if keep else 0
        memory += whole + needs.picture_bytes(size) + kept_pairs * PAIR_BYTES * size[0] * size[1]
        return MemoryPlan(side, keep, kept_pairs, memory)

    def fits(found: MemoryPlan) -> bool:
        window = window_of(size, found.tile, halo=halo, alignment=alignment)
        asked_for = tile != "auto"
        enough = free is None or found.bytes <= SHARE * free
        return enough and (asked_for or needs.largest_values(window) <= MOST_VALUES)

    if tile is None or isinstance(tile, int):
        candidates = [at(tile, choice) for choice in choices]
        last = candidates[-1] if tile is None else None  # asked for the picture at once, it is tried
        return next((found for found in candidates if fits(found)), last)
    for smallest in (COMFORTABLE, alignment):
        for choice in choices:
            if fits(at(None, choice)):
                return at(None, choice)
            sides = range(smallest, min(max(size), LARGEST + alignment), alignment)
            side = _largest(sides, lambda side: fits(at(side, choice)))  # noqa: B023  # called at once
            if side is not None:
                return at(side, choice)
    return None


def _choices(pairs: int) -> Iterator[Choice]:
    """Yield whether targets are kept, and the pairs of the history: fastest first."""
    yield True, pairs
    yield False, pairs
    for fewer in FEWER_PAIRS:
        if fewer < pairs:
            yield False, fewer


def _largest(numbers: range, fits: Callable[[int], bool]) -> int | None:
    """Return the last of some numbers that fits, where all before it do; None where the first does not."""
    count = bisect_left(numbers, True, key=lambda number: not fits(number))
    return numbers[count - 1] if count else None
