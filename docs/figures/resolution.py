"""Several scales against one at high resolution; not a figure of the paper."""

from __future__ import annotations

from figures.distances import measure_of, rounded
from figures.figure import Figure, Made
from figures.inputs import Inputs
from figures.pictures import cut, labelled_sheet
from neural_style.images.resizing import fit_within, resize, size_of

SIZE, COARSE = 768, 192
# 25 iterations at 192, at 384 and at 768 px take as long as 30 at 768 px: the last of 25 go without relu5_1.
ITERATIONS = 30


def scales(inputs: Inputs) -> Made:
    """The default's levels, and one level with as much work: each whole, and a part of it at full size."""
    (content, photograph), (style, painting) = inputs.content, inputs.style
    size, coarse = inputs.size(SIZE), inputs.size(COARSE)
    fine, small = (measure_of(inputs, photograph, painting, side) for side in (size, coarse))
    panels, parts, measured = [], [], {}
    for label, levels, count in ((f"{COARSE}, {SIZE // 2}, {SIZE} px", None, 0), (f"{SIZE} px alone", 1, ITERATIONS)):
        result = inputs.transfer().run(
            photograph, painting, size=size, levels=levels, iterations=inputs.iterations(count) or None
        ).cpu()
        reduced = resize(result.unsqueeze(0), fit_within(size_of(result.unsqueeze(0)), coarse))[0]
        measured[label] = rounded(
            {**fine(result), "style_distance_reduced": small(reduced)["style_distance"]}
        )
        panels.append((label, result))
        parts.append((f"{label}, a part", cut(result, 0.05, 0.1, 0.45)))
    several, one = measured.values()
    return Made(
        labelled_sheet([*panels, *parts], columns=2, height=320),
        f"StyleTransfer(), the default, {SIZE} px, 25 iterations a level, seed 0; against levels=1 and {ITERATIONS} "
        "iterations, which take about as long",
        f"Style distance at {SIZE} px: {several['style_distance']:.3f} with several scales, "
        f"{one['style_distance']:.3f} with one; of the results reduced to {COARSE} px, where the large forms are "
        f"judged: {several['style_distance_reduced']:.3f} and {one['style_distance_reduced']:.3f}.",
        (content, style),
        measured,
    )


FIGURES = (
    Figure(
        "scales",
        "Several scales against one at high resolution",
        "This is no figure of the paper, which works at one scale, at about 512 px, and names resolution as its "
        "limit: time grows with the pixels. The layers see the same number of pixels at every size, so that at a "
        "high resolution one scale finds only small structures.",
        "",
        scales,
    ),
)
