"""Figure 3: one photograph in the styles of several paintings."""

from __future__ import annotations

from figures.distances import measure_of, span
from figures.figure import Figure, Result
from figures.inputs import Inputs
from figures.pictures import inset, labelled_sheet, title

SIZE = 384


def styles(inputs: Inputs) -> Result:
    """The photograph, and the photograph after each painting."""
    content, photograph = inputs.content
    panels, measured = [("photograph", photograph)], {}
    for style, painting in inputs.styles.items():
        result = inputs.run(photograph, painting, SIZE)
        measured[style] = measure_of(inputs, photograph, painting, SIZE)(result)
        panels.append((title(style), inset(result, painting)))
    contents, distances = (
        [values[name] for values in measured.values()] for name in ("content_distance", "style_distance")
    )
    return Result(
        labelled_sheet(panels, columns=3, height=270),
        "StyleTransfer()",
        f"the default, {inputs.schedule(SIZE)}, seed 0",
        f"The content distances are {span(contents)}, the style distances {span(distances)}.",
        (content, *inputs.styles),
        measured,
    )


FIGURES = (
    Figure(
        "styles",
        "Figure 3, one photograph in several styles",
        "The global arrangement of the photograph is kept, while colours and local structures are the "
        "painting's: the photograph appears in its style.",
        "It agrees: tower and houses stand where they stood in each, in the painting's palette and strokes. "
        "The settings are the default's, not the paper's; the photograph gets the painting's colours first.",
        styles,
    ),
)
