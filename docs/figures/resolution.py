"""Several scales against one at high resolution; not a figure of the paper."""

from __future__ import annotations

from typing import Any

from figures.distances import measure_of
from figures.figure import Figure, Result
from figures.inputs import Inputs
from figures.pictures import cut, labelled_sheet
from figures.reconstructions import STYLE_LAYERS, after_rectifier
from neural_style.images.resizing import fit_within, resize, size_of

SIZE, COARSE = 768, 192
# 25 iterations at 192, at 384 and at 768 px take as long as 33 at 768 px.
ITERATIONS = 33
# Named, all are kept at the finest of several levels too: both ways minimise the same loss.
LAYERS = after_rectifier(*STYLE_LAYERS)


def scales(inputs: Inputs) -> Result:
    """The default's levels, and one level with as much work: each whole, and a part of it at full size."""
    (content, photograph), (style, painting) = inputs.content, inputs.style
    fine, coarse = (measure_of(inputs, photograph, painting, pixels) for pixels in (SIZE, COARSE))
    ways: dict[str, tuple[int | None, dict[str, Any]]] = {
        f"{COARSE}, {SIZE // 2} and {SIZE} px": (None, {}),
        f"{SIZE} px alone": (ITERATIONS, {"levels": 1}),
    }
    panels, parts, measured = [], [], {}
    for label, (iterations, schedule) in ways.items():
        result = inputs.run(photograph, painting, SIZE, iterations, schedule=schedule, style_layers=LAYERS)
        image = result.unsqueeze(0)
        reduced = resize(image, fit_within(size_of(image), inputs.size(COARSE)))[0]
        measured[label] = {**fine(result), "style_distance_reduced": coarse(reduced)["style_distance"]}
        panels.append((label, result))
        parts.append((f"{label}, a part", cut(result, 0.05, 0.1, 0.45)))
    at_size, reduced_to = (
        [values[name] for values in measured.values()] for name in ("style_distance", "style_distance_reduced")
    )
    return Result(
        labelled_sheet([*panels, *parts], columns=2, height=320),
        "StyleTransfer(style_layers=…)",
        f"the default with all five layers at every level, {inputs.schedule(SIZE)}, seed 0; against levels=1 "
        f"and {inputs.iterations(ITERATIONS)} iterations, which take about as long",
        f"The style distance at {inputs.size(SIZE)} px is {at_size[0]:.3g} with several scales and "
        f"{at_size[1]:.3g} with one. Reduced to {inputs.size(COARSE)} px, where the large forms are judged, "
        f"it is {reduced_to[0]:.3g} and {reduced_to[1]:.3g}.",
        (content, style),
        measured,
    )


FIGURES = (
    Figure(
        "scales",
        "Several scales against one at high resolution",
        "The paper has no such figure. It works at one scale, at about 512 px, and names resolution as "
        "its limit: time grows with the pixels. The layers see the same number of pixels at every size, so "
        "that at a high resolution one scale should find only small structures.",
        "With several scales the strokes are broader and join into larger forms; with one they are finer.",
        scales,
    ),
)
