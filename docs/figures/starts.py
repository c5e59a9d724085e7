"""Figure 6: the start's influence on the result."""

from __future__ import annotations

from itertools import combinations

from figures.distances import gradient_similarity, measure_of, rounded
from figures.figure import Figure, Made
from figures.inputs import Inputs
from figures.pictures import labelled_sheet

SIZE, ITERATIONS = 192, 250
RATIO = 3e-7
NOISES = 4


def starts(inputs: Inputs) -> Made:
    """From the photograph, from the painting, and from several kinds of white noise."""
    (content, photograph), (style, painting) = inputs.content, inputs.style
    size = inputs.size(SIZE)
    measure = measure_of(inputs, photograph, painting, size)
    transfer = inputs.transfer(preset="paper", content_weight=RATIO)
    runs = [("from the photograph", "content", 0), ("from the painting", "style", 0)]
    runs += [(f"from noise, seed {seed}", "noise", seed) for seed in range(NOISES)]
    panels, measured = [], {}
    for label, init, seed in runs:
        iterations = inputs.iterations(ITERATIONS)
        result = transfer.run(photograph, painting, size=size, iterations=iterations, init=init, seed=seed).cpu()
        measured[label] = rounded(measure(result))
        panels.append((label, result))
    noises = [picture.unsqueeze(0) for label, picture in panels if "noise" in label]
    alike = [gradient_similarity(one, other) for one, other in combinations(noises, 2)]
    contents = [found["content_distance"] for found in measured.values()]
    return Made(
        labelled_sheet(panels, columns=3, height=240),
        f'StyleTransfer(preset="paper", content_weight={RATIO:g}), {SIZE} px, {ITERATIONS} iterations, seeds 0 '
        f"to {NOISES - 1}",
        f"The content distance is {contents[0]:.2f} from the photograph, {contents[1]:.2f} from the painting, "
        f"{min(contents[2:]):.2f} to {max(contents[2:]):.2f} from noise. Two results from noise have a "
        f"gradient-magnitude similarity of {min(alike):.2f} to {max(alike):.2f}.",
        (content, style),
        {**measured, "noises_alike": [float(f"{value:.4g}") for value in alike]},
    )


FIGURES = (
    Figure(
        "starts",
        "Figure 6, the start",
        "Starts from the photograph, from the painting and from four kinds of white noise do not seem to have a "
        "strong effect on the outcome. The former two bias it somewhat towards the spatial structure of their "
        "picture; only noise gives any number of new pictures.",
        "",
        starts,
    ),
)
