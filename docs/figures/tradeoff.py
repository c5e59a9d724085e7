"""Figure 4, and that of the arXiv version: content against style, with growing sets of style layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from figures.distances import in_words, is_monotone, measure_of
from figures.figure import Figure, Result
from figures.inputs import Inputs
from figures.pictures import labelled_sheet
from figures.reconstructions import STYLE_LAYERS, TINTED, after_rectifier

# The content loss is a sum over positions: at half the size, the same ratio weighs it a quarter as much.
SIZE, ITERATIONS = 224, 250
RATIOS = (3e-8, 1e-7, 3e-7, 1e-6, 1e-5, 1e-3)  # the last is the paper's own
SMALL, SMALL_ITERATIONS = 160, 120
FEWER_RATIOS = (1e-7, 3e-7, 1e-6, 1e-5)


def weighed(inputs: Inputs, ratio: float, pixels: int, iterations: int, **options: Any) -> Tensor:
    """Return the photograph after the painting by the paper's equations at a ratio α/β."""
    photograph, painting = inputs.content[1], inputs.style[1]
    chosen: dict[str, Any] = {"preset": "paper", "content_weight": ratio, **options}
    return inputs.run(photograph, painting, pixels, iterations, **chosen)


def sweep(inputs: Inputs) -> Result:
    """One ratio α/β after another."""
    measure = measure_of(inputs, inputs.content[1], inputs.style[1], SIZE)
    panels, measured = [], {}
    for ratio in RATIOS:
        result = weighed(inputs, ratio, SIZE, ITERATIONS)
        measured[f"{ratio:.0e}"] = measure(result)
        panels.append((f"ratio {ratio:.0e}", result))
    contents, distances = (
        [values[name] for values in measured.values()] for name in ("content_distance", "style_distance")
    )
    falls, rises = is_monotone(contents, falling=True), is_monotone(distances)
    return Result(
        labelled_sheet(panels, columns=3, height=260),
        'StyleTransfer(preset="paper", content_weight=…)',
        f"{inputs.schedule(SIZE, ITERATIONS)} from faint white noise, seed 0",
        f"As α/β rises, the content distance {'falls' if falls else 'does not always fall'}: "
        f"{in_words(contents)}; and the style distance {'rises' if rises else 'does not always rise'}: "
        f"{in_words(distances)}.",
        (inputs.content[0], inputs.style[0]),
        {"by_ratio": measured, "monotone": falls and rises},
    )


def grid(inputs: Inputs) -> Result:
    """Growing sets of style layers, one a row, against ratios α/β, one a column."""
    measure = measure_of(inputs, inputs.content[1], inputs.style[1], SMALL)
    panels, measured, falling = [], {}, 0
    for count, layer in enumerate(STYLE_LAYERS, start=1):
        row, layers = {}, after_rectifier(*STYLE_LAYERS[:count])
        for ratio in FEWER_RATIOS:
            start: dict[str, Any] = {"schedule": {"init": TINTED}}
            result = weighed(inputs, ratio, SMALL, SMALL_ITERATIONS, style_layers=layers, **start)
            row[f"{ratio:.0e}"] = measure(result)
            panels.append((f"to {layer}, ratio {ratio:.0e}", result))
        measured[layer] = row
        falling += is_monotone([values["content_distance"] for values in row.values()], falling=True)
    return Result(
        labelled_sheet(panels, columns=len(FEWER_RATIOS), height=190),
        f'StyleTransfer(preset="paper", style_layers=…, content_weight=…).run(…, init={TINTED})',
        f"{inputs.schedule(SMALL, SMALL_ITERATIONS)}, seed 0",
        f"The content distance falls from column to column in {falling} of {len(measured)} rows.",
        (inputs.content[0], inputs.style[0]),
        {"by_last_layer": measured, "falling_rows": falling},
    )


FIGURES = (
    Figure(
        "alpha-beta",
        "Figure 4, content against style",
        "The paper shows α/β from 10⁻⁴ to 10⁻¹. With most weight on the style, the picture is a texture of "
        "the painting, with hardly anything of the photograph. With most weight on the content, the photograph "
        "is plainly there, and the style is not as well matched. The trade between the two is smooth.",
        "It agrees, at other values of α/β. First there is a night sky with stars and swirls, and hardly "
        "anything of the town; then tower, houses and bank appear in strokes; at last the photograph, with "
        "specks of colour. That last picture has the ratio which the paper names for its others, 10⁻³.",
        sweep,
    ),
    Figure(
        "style-layers",
        "Figure 3 of the arXiv version, growing sets of style layers against α/β",
        "The local structures taken from the painting grow in size and complexity as higher layers are added, "
        "from the first row to the last. From column to column the content weighs more (10⁻⁵ to 10⁻² there).",
        "It agrees where the style weighs enough, at the lowest ratios: a checkered grain in the first rows, "
        "strokes in the fourth, stars and swirls in the last. At the highest ratio the rows hardly differ.",
        grid,
    ),
)
