"""Which sizes, and how many iterations at each: coarse to fine.

A style's large structures are found where they are small and cheap, and only refined where they are large:
relu5_1 sees 156 pixels whatever the picture's size, and a step costs in proportion to the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neural_style import _checks

# Longer side of the coarsest level, at least: at 80 pixels relu5_1 copies the painting's composition.
SMALLEST = 128
MOST_LEVELS = 16
FINEST_ITERATIONS = 30
# A preview: of at most this longer side, with so many iterations at its finest level.
PREVIEW_SIZE = 256
PREVIEW_ITERATIONS = 20
# Each coarser level's iterations relative to the finest's. More of them draw the painting's own composition,
# its empty sky or its hill, over the photograph's houses.
COARSER = 2 / 3


@dataclass(frozen=True)
class Level:
    """One scale of the pyramid.

    Attributes:
        size: (height, width) in pixels.
        iterations: optimiser steps at this size.
    """

    size: tuple[int, int]
    iterations: int

    @property
    def work(self) -> int:
        """The cost of the level in pixel evaluations: an evaluation's time grows with the pixels."""
        return self.size[0] * self.size[1] * self.iterations


def plan_levels(
    size: tuple[int, int],
    *,
    iterations: int | Sequence[int] | None = None,
    scales: Sequence[float] | None = None,
    minimum: int = 16,
) -> list[Level]:
    """Return the levels, coarse to fine, the last of the size asked for.

    Args:
        size: (height, width) of the result.
        iterations: of the finest level, each coarser one taking two thirds of it; or of every level, coarse to
            fine. None takes 30.
        scales: the levels' sizes relative to the result's, coarse to fine, the last 1. None halves from the
            result's size while the longer side stays at 128 pixels or more.
        minimum: the network's smallest side; levels below are left out.

    >>> [(level.size, level.iterations) for level in plan_levels((384, 512))]
    [((96, 128), 20), ((192, 256), 20), ((384, 512), 30)]
    """
    ratios = _halvings(max(size)) if scales is None else list(scales)
    if isinstance(iterations, Sequence) and not isinstance(iterations, str):
        if not 1 <= len(iterations) <= MOST_LEVELS:
            rule, advice = f"hold 1 to {MOST_LEVELS} counts", "Give one for each level, or one number."
            raise ValueError(_checks.message("iterations", rule, len(iterations), advice))
        if scales is None:
            ratios = [0.5 ** (len(iterations) - 1 - i) for i in range(len(iterations))]
        counts = list(iterations)
        if len(counts) != len(ratios):
            rule = f"have one count for each of {len(ratios)} levels"
            raise ValueError(_checks.message("iterations", rule, len(counts), "Give one number or as many."))
    else:
        finest = FINEST_ITERATIONS if iterations is None else iterations
        _checks.whole_number("iterations", finest, minimum=1)
        counts = [max(1, round(finest * COARSER))] * (len(ratios) - 1) + [finest]
    levels = []
    for ratio, count in zip(ratios, counts, strict=True):
        _checks.whole_number("iterations", count, minimum=1)
        height, width = (max(1, round(side * ratio)) for side in size)
        if min(height, width) >= minimum or ratio == ratios[-1]:
            levels.append(Level((height, width), count))
    return levels


def _halvings(longer_side: int) -> list[float]:
    """Return 1 and its halves while the longer side stays large enough, coarse to fine."""
    count = 1
    while longer_side / 2**count >= SMALLEST:
        count += 1
    return [0.5**i for i in reversed(range(count))]
