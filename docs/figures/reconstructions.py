"""Figure 1: what single layers keep of a photograph, and what growing sets of layers keep of a painting."""

from __future__ import annotations

from typing import Any

from skimage.metrics import peak_signal_noise_ratio

from figures.distances import in_words, rounded
from figures.figure import Figure, Result
from figures.inputs import Inputs
from figures.pictures import labelled_sheet
from neural_style import reconstruct_content, synthesize_texture
from neural_style.images.resizing import fit_within, resize, size_of
from neural_style.metrics import gradient_similarity

CONTENT_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
# Of noise: with a share of the painting's colours, for white noise as faint as the other figures' is still grey
# after 100 iterations where conv5_1 is left out. All of the colours would leave speckle.
TINTED: dict[str, float] = {"noise": 0.7, "colored-noise": 0.3}
SIZE = 224
CONTENT_ITERATIONS, STYLE_ITERATIONS = 200, 200


def after_rectifier(*names: str) -> list[str]:
    """Return our names of the layers that the paper means: its conv… are responses after the rectifier."""
    return [name.replace("conv", "relu") for name in names]


def content_reconstructions(inputs: Inputs) -> Result:
    """The photograph from one layer at a time."""
    name, photograph = inputs.content
    sides = fit_within(size_of(photograph.unsqueeze(0)), inputs.size(SIZE))
    target = resize(photograph.unsqueeze(0), sides)
    options: dict[str, Any] = {"preset": "paper", "weights": inputs.weights, "size": None}
    options["iterations"] = inputs.iterations(CONTENT_ITERATIONS)
    panels, measured = [("photograph", target[0])], {}
    for layer in CONTENT_LAYERS:
        result = reconstruct_content(target, *after_rectifier(layer), **options).cpu()
        edges = gradient_similarity(result, target)
        ratio = float(peak_signal_noise_ratio(target.numpy(), result.numpy(), data_range=1.0))
        measured[layer] = rounded({"signal_to_noise": ratio, "edges": edges})
        panels.append((layer, result[0]))
    ratios = in_words([values["signal_to_noise"] for values in measured.values()])
    edges_left = in_words([values["edges"] for values in measured.values()])
    return Result(
        labelled_sheet(panels, columns=3, height=260),
        'reconstruct_content(photograph, layer, preset="paper")',
        f"{inputs.schedule(SIZE, CONTENT_ITERATIONS)} from faint white noise, seed 0",
        f"From layer to layer the peak signal-to-noise ratio, larger for nearer, is {ratios} dB, and the "
        f"gradient-magnitude similarity, 1 for the same edges, {edges_left}.",
        (name,),
        measured,
    )


def style_reconstructions(inputs: Inputs) -> Result:
    """The painting from growing sets of layers, without its motif."""
    name, painting = inputs.style
    sides = fit_within(size_of(painting.unsqueeze(0)), inputs.size(SIZE))
    target = resize(painting.unsqueeze(0), sides)[0]
    options: dict[str, Any] = {"preset": "paper", "weights": inputs.weights, "init": TINTED}
    options["iterations"] = inputs.iterations(STYLE_ITERATIONS)
    objective = inputs.reference.objective(target, target)
    panels, measured = [("painting", target)], {}
    for count, layer in enumerate(STYLE_LAYERS, start=1):
        layers = after_rectifier(*STYLE_LAYERS[:count])
        result = synthesize_texture(painting, sides, style_layers=layers, **options).cpu()
        label = layer if count == 1 else f"{STYLE_LAYERS[0]} ... {layer}"
        objective.value_and_grad(result.unsqueeze(0))
        measured[label] = objective.terms_by_name["style"].item()
        panels.append((label, result))
    return Result(
        labelled_sheet(panels, columns=3, height=260),
        f'synthesize_texture(painting, style_layers=…, preset="paper", init={TINTED})',
        f"{inputs.schedule(SIZE, STYLE_ITERATIONS)}, seed 0",
        f"The style distance over all five layers is, as they are added, {in_words(list(measured.values()))}.",
        (name,),
        rounded(measured),
    )


FIGURES = (
    Figure(
        "content-reconstructions",
        "Figure 1, content reconstructions",
        "From conv1_2, conv2_2 and conv3_2 the reconstruction is almost perfect. In conv4_2 and conv5_2 "
        "detailed pixel information is lost, while the high-level content is preserved.",
        "It agrees. conv1_2 and conv2_2 are the photograph; conv3_2 bends its lines a little, and so is less "
        "than perfect here. conv4_2 keeps houses, tower and bank in their places, with windows broken up, and "
        "puts coloured spots on the plain sky. In conv5_2 there is little more than where the buildings are.",
        content_reconstructions,
    ),
    Figure(
        "style-reconstructions",
        "Figure 1, style reconstructions",
        "From conv1_1 alone to all of conv1_1 … conv5_1, the pictures match the painting's style on an "
        "increasing scale, while the global arrangement of the scene is discarded.",
        "It agrees: blots in the painting's colours first, then ever larger strokes, at last stars and swirls. "
        "The arrangement is gone: the moon is at the lower right, the cypress at the top. "
        "The style distance compares covariances, while the Gram matrices of the layers in use are what is "
        "minimised, so that it need not fall with every layer.",
        style_reconstructions,
    ),
)
