"""Figure 3: one photograph in the styles of several paintings."""

from __future__ import annotations

from figures.distances import measure_of, rounded
from figures.figure import Figure, Made
from figures.inputs import Inputs
from figures.pictures import inset, labelled_sheet

SIZE = 384


def styles(inputs: Inputs) -> Made:
    """The photograph, and the photograph after each painting."""
    name, photograph = inputs.content
    size, panels, measured = inputs.size(SIZE), [("photograph", photograph)], {}
    for style, painting in inputs.styles.items():
        iterations = inputs.iterations(0) or None  # the default's, but for a trial
        result = inputs.transfer().run(photograph, painting, size=size, iterations=iterations).cpu()
        measured[style] = rounded(measure_of(inputs, photograph, painting, size)(result))
        panels.append((style.replace("_", " "), inset(result, painting)))
    contents = [found["content_distance"] for found in measured.values()]
    distances = [found["style_distance"] for found in measured.values()]
    return Made(
        labelled_sheet(panels, columns=3, height=270),
        f"StyleTransfer(), the default, {SIZE} px, 25 iterations a level, seed 0",
        f"The content distances are {min(contents):.2f} to {max(contents):.2f}, the style distances "
        f"{min(distances):.3f} to {max(distances):.3f}.",
        (name, *inputs.styles),
        measured,
    )


FIGURES = (
    Figure(
        "styles",
        "Figure 3, one photograph in several styles",
        "The global arrangement of the photograph is kept, while colours and local structures are the painting's: "
        "the photograph appears in its style.",
        "",
        styles,
    ),
)
