"""The paper's normalised network: the mean activations of VGG-19's filters, measured and kept in the package.

They belong to one set of weights, the original VGG-19 of Simonyan and Zisserman. A network is recognised as the
original by its filters' norms, which are kept beside the means, whatever file or package it came from.

`benchmarks/activation_means.py` measured them, with average pooling and zeros around the picture as the paper
works, on 192 crops of 52 photographs that pip packages bundle, in place of ImageNet's validation set. Between
the two halves of the photographs the means differ by 3 to 12 % (median over the filters of a layer) up to
conv5_1, the deepest layer of styles, and for nine filters in ten by less than 33 %; deeper layers differ more
(43 % in conv5_4). No mean is near 0: the smallest, in conv4_1, is 1.5 % of its layer's median.
"""

from functools import cache
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks
from neural_style.network.features import VGG19Features
from neural_style.network.vgg19 import convolutions

FILE = "vgg19_means.npy"
# The relative error that a filter's norm may have. Weights of eight bits err by up to 1 %; weights that were
# trained again, or normalised already, by far more in almost every filter.
TOLERANCE = 0.05


def normalize_as_in_the_paper(network: VGG19Features) -> None:
    """Rescale the original VGG-19's filters by the stored means; leave other weights alone.

    The network, in float32 as it was made, is changed in place. A warning says if the weights are not the
    original ones, unless they are narrow or self-taught and plainly others.
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
    """Return whether a network's filters have the original's norms, given by convolution, (N_l,)."""
    return all(
        norm.shape == norms[name].shape and bool(((norm / norms[name] - 1).abs() < TOLERANCE).all())
        for name, norm in filter_norms(network).items()
    )


def filter_norms(network: VGG19Features) -> dict[str, Tensor]:
    """Return the length of every filter, (N_l,), by the name of the convolution, float32, on the CPU."""
    parameters = network.weights.parameters
    return {
        layer.name: parameters[f"features.{layer.index}.weight"].flatten(1).norm(dim=1)
        for layer in convolutions(network.layers[-1])
    }


@cache
def kept() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the stored means and norms of the original's filters, (N_l,) by the name of the convolution."""
    with resources.files("neural_style.network").joinpath("data", FILE).open("rb") as file:
        both = torch.from_numpy(np.load(file, allow_pickle=False))
    sizes, names = [layer.out_channels for layer in convolutions()], [layer.name for layer in convolutions()]
    means, norms = (dict(zip(names, row.split(sizes), strict=True)) for row in both)
    return means, norms
