"""Figure 4, and that of the arXiv version: content against style, with growing sets of style layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from figures.distances import is_monotone, measure_of, rounded
from figures.figure import Figure, Made
from figures.inputs import Inputs
from figures.pictures import labelled_sheet
from figures.reconstructions import STYLE_LAYERS, after_rectifier

SIZE, ITERATIONS = 224, 200
RATIOS = (1e-8, 1e-7, 3e-7, 1e-6, 1e-5, 1e-4)
SMALL, SMALL_ITERATIONS = 160, 120
FEWER_RATIOS = (1e-7, 1e-6, 1e-5, 1e-4)


def weighed(inputs: Inputs, ratio: float, size: int, iterations: int, layers: Sequence[str]) -> Tensor:
    """Return the photograph after the painting by the paper's equations at a ratio α/β."""
    transfer = inputs.transfer(
        preset="paper", content_weight=ratio, style_layers=after_rectifier(*layers)
    )
    photograph, painting = inputs.content[1], inputs.style[1]
    return transfer.run(
        photograph, painting, size=inputs.size(size), iterations=inputs.iterations(iterations)
    ).cpu()


def sweep(inputs: Inputs) -> Made:
    """One ratio α/β after another."""
    measure = measure_of(inputs, inputs.content[1], inputs.style[1], inputs.size(SIZE))
    panels, measured = [], {}
    for ratio in RATIOS:
        result = weighed(inputs, ratio, SIZE, ITERATIONS, STYLE_LAYERS)
        measured[f"{ratio:.0e}"] = rounded(measure(result))
        panels.append((f"ratio {ratio:.0e}", result))
    contents = [found["content_distance"] for found in measured.values()]
    distances = [found["style_distance"] for found in measured.values()]
    monotone = is_monotone(contents, falling=True) and is_monotone(distances)
    return Made(
        labelled_sheet(panels, columns=3, height=260),
        f'StyleTransfer(preset="paper", content_weight=…), {SIZE} px, {ITERATIONS} iterations from white noise, '
        "seed 0",
        f"Content distances by rising α/β: {in_words(contents)}; style distances: {in_words(distances)}. "
        f"Both are {'monotone' if monotone else 'not monotone'}.",
        (inputs.content[0], inputs.style[0]),
        {**measured, "monotone": monotone},
    )


def in_words(values: Sequence[float]) -> str:
    """Return numbers in a row."""
    return ", ".join(f"{value:.3g}" for value in values)


def grid(inputs: Inputs) -> Made:
    """Growing sets of style layers, one a row, against ratios α/β, one a column."""
    measure = measure_of(inputs, inputs.content[1], inputs.style[1], inputs.size(SMALL))
    panels, measured = [], {}
    for count in range(1, len(STYLE_LAYERS) + 1):
        layers = STYLE_LAYERS[:count]
        for ratio in FEWER_RATIOS:
            result = weighed(inputs, ratio, SMALL, SMALL_ITERATIONS, layers)
            measured[f"to {layers[-1]}, {ratio:.0e}"] = rounded(measure(result))
            panels.append((f"to {layers[-1]}, ratio {ratio:.0e}", result))
    contents = [found["content_distance"] for found in measured.values()]
    columns = len(FEWER_RATIOS)
    rows = [contents[start : start + columns] for start in range(0, len(contents), columns)]
    falling = sum(is_monotone(row, falling=True) for row in rows)
    return Made(
        labelled_sheet(panels, columns=columns, height=190),
        f'StyleTransfer(preset="paper", style_layers=…, content_weight=…), {SMALL} px, {SMALL_ITERATIONS} '
        "iterations from white noise, seed 0",
        f"In {falling} of {len(rows)} rows the content distance falls from column to column.",
        (inputs.content[0], inputs.style[0]),
        measured,
    )


FIGURES = (
    Figure(
        "alpha-beta",
        "Figure 4, content against style",
        "The paper shows α/β from 10⁻⁴ to 10⁻¹. With most weight on the style, the picture is a texture of the "
        "painting in which hardly any of the photograph is left; with most weight on the content, the photograph "
        "is clearly there, but the style is not as well matched. Between them the trade is smooth.",
        "",
        sweep,
    ),
    Figure(
        "style-layers",
        "Figure 3 of the arXiv version, growing sets of style layers against α/β",
        "The local structures taken from the painting grow in size and complexity as higher layers are added, "
        "from the first row to the last; from column to column the weight of the content grows (10⁻⁵ to 10⁻² "
        "there).",
        "",
        grid,
    ),
)
