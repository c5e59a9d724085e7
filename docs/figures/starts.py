"""Figure 6: the start's influence on the result."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from figures.distances import measure_of, rounded, span
from figures.figure import Figure, Result
from figures.inputs import Inputs
from figures.pictures import labelled_sheet
from neural_style.metrics import gradient_similarity

SIZE, ITERATIONS = 192, 200
RATIO = 5e-7
NOISES = 4


def starts(inputs: Inputs) -> Result:
    """From the photograph, from the painting, and from several samples of white noise."""
    (content, photograph), (style, painting) = inputs.content, inputs.style
    measure = measure_of(inputs, photograph, painting, SIZE)
    runs = [("from the photograph", "content", 0), ("from the painting", "style", 0)]
    runs += [(f"from noise, seed {seed}", "noise", seed) for seed in range(NOISES)]
    options: dict[str, Any] = {"preset": "paper", "content_weight": RATIO}
    panels, measured = [], {}
    for label, init, seed in runs:
        schedule = {"init": init, "seed": seed}
        result = inputs.run(photograph, painting, SIZE, ITERATIONS, schedule=schedule, **options)
        measured[label] = measure(result)
        panels.append((label, result))
    noises = [picture.unsqueeze(0) for _label, picture in panels[-NOISES:]]
    alike = [gradient_similarity(one, other) for one, other in combinations(noises, 2)]
    contents, edges = ([values[name] for values in measured.values()] for name in ("content_distance", "edges"))
    return Result(
        labelled_sheet(panels, columns=3, height=240),
        f'StyleTransfer(preset="paper", content_weight={RATIO:g}).run(…, init=…, seed=…)',
        f"{inputs.schedule(SIZE, ITERATIONS)}, seeds 0 to {NOISES - 1}",
        f"The content distance is {contents[0]:.2g} from the photograph, {contents[1]:.2g} from the painting "
        f"and {span(contents[2:])} from noise; the similarity of edges to the photograph's is {edges[0]:.2g}, "
        f"{edges[1]:.2g} and {span(edges[2:])}, and that of two results from noise to each other "
        f"{span(alike)}.",
        (content, style),
        {"by_start": measured, "edges_alike": rounded({str(i): value for i, value in enumerate(alike)})},
    )


FIGURES = (
    Figure(
        "starts",
        "Figure 6, the start",
        "Starts from the photograph, from the painting and from four samples of white noise do not have a "
        "strong effect on the outcome. The first two bias it somewhat towards the spatial structure of their "
        "picture; only noise gives any number of new pictures.",
        "It agrees: all six are of one kind, and differ in where swirls and stars are. That from the painting "
        "keeps the painting's moon and swirl in their places, and has the smallest style distance, 0.30 "
        "against 0.34 to 0.37.",
        starts,
    ),
)
