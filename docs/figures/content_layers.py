"""Figure 5: a low content layer against a high one."""

from __future__ import annotations

from figures.distances import measure_of, rounded
from figures.figure import Figure, Made
from figures.inputs import Inputs
from figures.pictures import inset, labelled_sheet
from figures.reconstructions import after_rectifier

SIZE = 320
LAYERS = ("conv2_2", "conv4_2")


def content_layers(inputs: Inputs) -> Made:
    """Pairs of a photograph and a painting, by row: the photograph, conv2_2's result, conv4_2's."""
    size, panels, measured = inputs.size(SIZE), [], {}
    pairs = list(zip(inputs.contents.items(), inputs.styles.items(), strict=False))
    for (content, photograph), (style, painting) in pairs:
        measure = measure_of(inputs, photograph, painting, size)
        panels.append((content, inset(photograph, painting)))
        for layer in LAYERS:
            transfer = inputs.transfer(content_layers=after_rectifier(layer))
            iterations = inputs.iterations(0) or None  # the default's, but for a trial
            result = transfer.run(photograph, painting, size=size, iterations=iterations).cpu()
            found = rounded(measure(result))
            measured.setdefault(f"{content} x {style}", {})[layer] = found
            panels.append((f"{layer}, edges {found['edges']:.2f}", result))
    keeps = sum(by_layer[LAYERS[0]]["edges"] > by_layer[LAYERS[1]]["edges"] for by_layer in measured.values())
    edges = "; ".join(
        f"{by_layer[LAYERS[0]]['edges']:.2f} against {by_layer[LAYERS[1]]['edges']:.2f}"
        for by_layer in measured.values()
    )
    return Made(
        labelled_sheet(panels, columns=3, height=230),
        f"StyleTransfer(content_layers=…), else the default, {SIZE} px, 25 iterations a level, seed 0",
        f"{LAYERS[0]} keeps more of the photograph's edges than {LAYERS[1]} in {keeps} of {len(pairs)} pairs: by "
        f"gradient-magnitude similarity, 1 for all of them, {edges}.",
        tuple(name for pair in pairs for name, _picture in pair),
        {**measured, "keeps_more": keeps, "pairs": len(pairs)},
    )


FIGURES = (
    Figure(
        "content-layers",
        "Figure 5, content from a low layer and from a high one",
        "With the content in conv2_2 much of the photograph's fine structure is preserved, as if the painting's "
        "texture were simply blended over it. With conv4_2 texture and content merge: the photograph's content is "
        "displayed in the style of the painting.",
        "",
        content_layers,
    ),
)
