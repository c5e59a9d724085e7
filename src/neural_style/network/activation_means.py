"""The paper's normalised network: the mean activations of VGG-19's filters, measured and kept in the package.

They belong to one set of weights, the original VGG-19 of Simonyan and Zisserman. Which weights a network has is
known by its filters' norms, which are kept beside the means: whatever file or package they came from.

`benchmarks/activation_means.py` measured them, with average pooling and zeros around the picture as the paper
works, on 192 crops of 52 photographs that pip packages bundle, in place of ImageNet's validation set. Between
the two halves of the photographs the median filter's mean differs by 3 to 12 % up to conv5_1, the deepest that
styles use, and nine in ten by less than 33 %; it is less well known beyond (43 % in conv5_4). No filter's is
near 0: the least is 1.5 % of its layer's median, in conv4_1.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks
from neural_style.network.features import VGG19Features
from neural_style.network.vgg19 import convolutions, layer_table

FILE = "vgg19_means.npy"
# By how much a filter's norm may be off, relative: weights kept in eight bits are off by up to 1 %; those
# that were trained anew, or normalised already, by far more in almost every filter.
TOLERANCE = 0.05


def normalize_as_in_the_paper(network: VGG19Features) -> None:
    """Rescale the original VGG-19's filters by the means that are kept; warn that others are left alone.

    Args:
        network: changed in place; in float32, as it was made.

    Warns:
        UserWarning: if the weights are not the original ones. Those of a narrow or self-taught network are
            plainly not, and nothing is said.
    """
    means, norms = kept()
    if is_original(network, norms):
        network.normalize_activations(means)
    elif network.width == 1.0 and not network.self_taught:
        text = (
            "The paper's normalised network is the original VGG-19 (weights='vgg19'): other weights are used "
            "as they are. VGG19Features.normalize_activations normalises any, with pictures to measure on."
        )
        _checks.warn(text)


def is_original(network: VGG19Features, norms: dict[str, Tensor]) -> bool:
    """Return whether a network's filters have the norms of the original ones, (N_l,) by convolution's name."""
    found = filter_norms(network)
    return all(
        norm.shape == norms[name].shape and bool(((norm / norms[name] - 1).abs() < TOLERANCE).all())
        for name, norm in found.items()
    )


def filter_norms(network: VGG19Features) -> dict[str, Tensor]:
    """Return the length of every filter, (N_l,), by the name of the convolution, float32, on the CPU."""
    parameters = network.weights.parameters
    return {
        layer.name: parameters[f"features.{layer.index}.weight"].flatten(1).norm(dim=1)
        for layer in convolutions()
        if layer.index <= layer_table()[network.layers[-1]].index
    }


@cache
def kept() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the means and the filters' norms that are kept, (N_l,) by the name of the convolution."""
    with resources.files("neural_style.network").joinpath(FILE).open("rb") as file:
        both = torch.from_numpy(np.load(file, allow_pickle=False))
    sizes, names = [layer.out_channels for layer in convolutions()], [layer.name for layer in convolutions()]
    means, norms = (dict(zip(names, row.split(sizes), strict=True)) for row in both)
    return means, norms
