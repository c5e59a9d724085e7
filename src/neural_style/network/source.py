"""Weights that are made rather than loaded, and the argument ``weights`` that names any of them."""

import os
from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import ImageSource, to_image_tensor
from neural_style.images.resizing import resize, size_of
from neural_style.network.self_taught import learn_filters, random_orthogonal
from neural_style.network.vgg19 import Layer, check_layers, convolutions
from neural_style.network.weights import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Convention,
    Weights,
    check_convention,
    load_weights,
)

WIDTHS = (1.0, 0.5, 0.25)


def resolve_weights(
    weights: str | os.PathLike[str] | Weights,
    *,
    convention: Convention | None = None,
    deepest: str = "relu5_4",
    seed: int = 0,
) -> Weights:
    """Return the weights that a name, a path or `Weights` stand for, by `load_weights` or `random_weights`."""
    if isinstance(weights, Weights) or (isinstance(weights, str) and weights == "random"):
        check_convention(convention, of_file=False)
        return weights if isinstance(weights, Weights) else random_weights(deepest=deepest, seed=seed)
    return load_weights(weights, convention=convention)


def learn_weights(
    images: Sequence[ImageSource], *, deepest: str = "relu5_1", width: float = 1.0, seed: int = 0
) -> Weights:
    """Return filters learned from pictures alone, in seconds, by the method of `network.self_taught`.

    They are learned from the pictures at full and at half size: filters of two scales draw bolder strokes.
    Used as ``weights``, they bring the settings of the preset ``"self-taught"``. `Weights.save` keeps them.

    Args:
        images: one or more pictures, such as the paintings of a style, each a tensor of shape (3, H, W) or
            (1, 3, H, W), RGB in [0, 1], or another source, see `images.io.to_image_tensor`. They are best of
            the size at which they are used.
        deepest: the name of the last layer to learn.
        width: 1, ½ or ¼ of VGG-19's channels. Narrower is faster, about with the square, and weaker.
        seed: same seed, same bits on the CPU.

    Raises:
        TypeError, ValueError, OSError: if a picture, the width or the seed is invalid.

    >>> picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> learn_weights([picture], deepest="relu2_1", width=0.25).width
    0.25
    """
    if isinstance(images, str | Tensor) or not isinstance(images, Sequence) or not images:
        got = "none" if isinstance(images, Sequence) and not images else type(images).__name__
        raise TypeError(_checks.message("images", "be a list of pictures", got, "Write [image]."))
    pictures = [to_image_tensor(image, "images") for image in images]
    generator = torch.Generator(device="cpu").manual_seed(_checks.seed(seed))
    statistics = torch.tensor([IMAGENET_MEAN, IMAGENET_STD], dtype=torch.float32, device="cpu")
    mean, std = statistics.view(2, 1, 3, 1, 1)
    blocks: dict[int, list[int]] = {}
    for layer in _convolutions_to(deepest, width):
        blocks.setdefault(layer.stride, []).append(layer.channels(width)[1])
    with torch.inference_mode(False), torch.no_grad():
        halves = [(max(1, height // 2), max(1, width // 2)) for height, width in map(size_of, pictures)]
        scaled = [
            version
            for picture, half in zip(pictures, halves, strict=True)
            for version in (picture, resize(picture, half))
        ]
        normalised = [(picture - mean.to(picture)) / std.to(picture) for picture in scaled]
        filters = learn_filters(normalised, list(blocks.values()), generator)
    return _named([(weight.cpu(), bias.cpu()) for weight, bias in filters], self_taught=True)


def random_weights(*, deepest: str = "relu5_4", width: float = 1.0, seed: int = 0) -> Weights:
    """Return random orthogonal filters with zero bias: a baseline that knows only colour and grain.

    Args:
        deepest: the name of the last layer that the network has.
        width: 1, ½ or ¼ of VGG-19's channels.
        seed: same seed, same bits on the CPU.

    Raises:
        TypeError, ValueError: if an argument is invalid.

    >>> random_weights(width=0.25).parameters["features.2.weight"].shape
    torch.Size([16, 16, 3, 3])
    """
    generator = torch.Generator(device="cpu").manual_seed(_checks.seed(seed))
    filters = []
    for layer in _convolutions_to(deepest, width):
        inputs, outputs = layer.channels(width)
        weight = random_orthogonal(outputs, 9 * inputs, generator).reshape(outputs, inputs, 3, 3)
        filters.append((weight, torch.zeros(outputs, dtype=torch.float32, device="cpu")))
    return _named(filters)


def _convolutions_to(deepest: str, width: float) -> list[Layer]:
    """Return the convolutions of a network that ends with a layer, if that and the width can be had."""
    if width not in WIDTHS:
        raise ValueError(_checks.message("width", f"be one of {', '.join(f'{w:g}' for w in WIDTHS)}", width))
    return convolutions(*check_layers("deepest", [deepest]))


def _named(filters: Sequence[tuple[Tensor, Tensor]], *, self_taught: bool = False) -> Weights:
    """Return filters in network order under torchvision's names."""
    parameters = {}
    for layer, (weight, bias) in zip(convolutions(), filters, strict=False):
        parameters[f"features.{layer.index}.weight"] = weight
        parameters[f"features.{layer.index}.bias"] = bias
    return Weights(parameters, self_taught=self_taught)
