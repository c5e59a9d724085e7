"""The loss against time, of the textbook's loop and of ours: the numbers, and a picture in SVG.

The picture is written by hand, so that nothing has to be installed for it. Both axes are logarithmic: the same
horizontal distance is the same factor in time, wherever it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from xml.sax.saxutils import escape

import numpy as np

from measurement import Record

WIDTH, HEIGHT, COLUMNS = 320, 240, 3  # of a panel; panels side by side
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 24, 38  # margins of a panel
COLORS = {"textbook": "#b4482d", "ours": "#1f5f99"}

Curve = list[tuple[float, float]]  # (seconds, lowest loss so far)


def curves_of(result: Record) -> dict[str, Curve]:
    """Return both curves of a result of `time_to_loss.py`.

    Of the textbook's loop only some evaluations' seconds are recorded; those between are interpolated.
    """
    theirs, ours = result["textbook"], result["ours"]
    known = {int(number): milestone["seconds"] for number, milestone in theirs["milestones"].items()}
    known[theirs["evaluations"]] = theirs["seconds"]
    numbers = [0, *sorted(known)]
    evaluated = np.arange(1, theirs["evaluations"] + 1)
    seconds = np.interp(evaluated, numbers, [0, *(known[number] for number in numbers[1:])])
    return {
        "textbook": _lowest_so_far(seconds.tolist(), theirs["losses"]),
        "ours": _lowest_so_far(ours["seconds_at_full_size"], ours["losses_at_full_size"]),
    }


def _lowest_so_far(seconds: Iterable[float], losses: Iterable[float | None]) -> Curve:
    """Return the curve of the lowest loss; losses that were not finite are left out."""
    finite = [(second, loss) for second, loss in zip(seconds, losses, strict=True) if loss is not None]
    lowest = accumulate((loss for _, loss in finite), min)
    return [(second, loss) for (second, _), loss in zip(finite, lowest, strict=True)]


def speedups(result: Record) -> dict[int, float]:
    """Return how many times sooner ours has the textbook's loss, by the number of the textbook's evaluations.

    A loss that ours has not reached is left out.
    """
    theirs, ours = result["textbook"], curves_of(result)["ours"]
    milestones = {int(number): milestone for number, milestone in theirs["milestones"].items()}
    milestones[theirs["evaluations"]] = theirs
    ratios = {}
    for number, milestone in sorted(milestones.items()):
        target = -math.inf if milestone["loss"] is None else milestone["loss"]
        reached = (seconds for seconds, loss in ours if loss <= target)
        if (seconds := next(reached, None)) is not None:
            ratios[number] = milestone["seconds"] / seconds
    return ratios


def draw(results: Sequence[Record]) -> str:
    """Return an SVG picture with a panel for each result."""
    columns = min(COLUMNS, len(results))
    width, height = columns * WIDTH, math.ceil(len(results) / columns) * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, result in enumerate(results):
        row, column = divmod(number, columns)
        parts += [f'<g transform="translate({column * WIDTH} {row * HEIGHT})">', *_panel(result), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(result: Record) -> list[str]:
    """Return one panel: axes, both curves, their names."""
    curves = curves_of(result)
    points = [point for curve in curves.values() for point in curve]
    across = _Axis([seconds for seconds, _ in points], LEFT, WIDTH - RIGHT)
    down = _Axis([loss for _, loss in points], HEIGHT - BOTTOM, TOP)
    title = f"{result['pair'].replace('_', ' ')}, {result['width']} × {result['height']}"
    parts = [f'<text x="{LEFT}" y="15" font-weight="bold">{escape(title)}</text>']
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">seconds</text>')
    parts.append('<text x="4" y="15">loss</text>')
    for value in across.ticks:
        x = across.place(value)
        parts.append(f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{value:g}</text>')
    for value in down.ticks:
        y = down.place(value)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 4}" text-anchor="end">{value:g}</text>')
    for number, (name, curve) in enumerate(curves.items()):
        line = "L".join(f"{across.place(seconds)} {down.place(loss)}" for seconds, loss in curve)
        parts.append(f'<path d="M{line}" fill="none" stroke="{COLORS[name]}" stroke-width="2"/>')
        y = TOP + 14 + 15 * number
        end = WIDTH - RIGHT - 6
        parts.append(f'<text x="{end}" y="{y}" text-anchor="end" fill="{COLORS[name]}">{name}</text>')
    return parts


class _Axis:
    """A logarithmic axis from one pixel to another, with ticks at 1, 2 and 5 of every power of ten."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self.low, self.high = math.log10(min(values)), math.log10(max(values)) + 1e-9
        self.first, self.last = first, last
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        candidates = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        self.ticks = [value for value in candidates if self.low <= math.log10(value) <= self.high]

    def place(self, value: float) -> float:
        """Return a value's pixel."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.first + share * (self.last - self.first), 1)
