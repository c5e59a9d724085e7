"""The table of VGG-19's layers, in network order, and arguments that name layers.

The names are the paper's: ``conv4_2`` is the second convolution of the fourth block, ``relu4_2`` its
rectifier, ``pool4`` the pooling that ends the block. The indices are those of torchvision's
`vgg19().features`, with which the tests compare the table. torchvision itself is not imported here: it takes as
long to import as everything else.

Reference:
    Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from neural_style import _checks

# Table 1, configuration E: each block's convolutions and channels.
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))

LayerChoice = str | Iterable[str] | Mapping[str, float]


@dataclass(frozen=True)
class Layer:
    """One layer of VGG-19's convolutional part.

    Attributes:
        name: the paper's name, such as ``relu4_2``.
        kind: ``conv``, ``relu`` or ``pool``.
        index: the position in torchvision's `vgg19().features`, and so in the names of its state dict.
        in_channels: the number of input channels at full width.
        out_channels: the number of output channels at full width.
        stride: the side of one position of the layer's output, in pixels of the image.
    """

    name: str
    kind: str
    index: int
    in_channels: int
    out_channels: int
    stride: int

    def channels(self, width: float) -> tuple[int, int]:
        """Return how many channels enter and leave at a share of the full width; a picture keeps its 3."""
        enter = self.in_channels if self.index == 0 else round(self.in_channels * width)
        return enter, round(self.out_channels * width)

    def positions(self, size: tuple[int, int]) -> int:
        """Return the number of positions for a picture of (height, width)."""
        return (size[0] // self.stride) * (size[1] // self.stride)


@cache
def layer_table() -> dict[str, Layer]:
    """Return the 37 layers by name, in network order.

    >>> [layer.out_channels for layer in layer_table().values() if layer.kind == "pool"]
    [64, 128, 256, 512, 512]
    """
    layers: list[Layer] = []

    def add(name: str, channels: int, stride: int) -> None:
        in_channels = layers[-1].out_channels if layers else 3
        layers.append(Layer(name, name[:4], len(layers), in_channels, channels, stride))

    for block, (num_convolutions, channels) in enumerate(BLOCKS, 1):
        stride = 2 ** (block - 1)
        for place in range(1, num_convolutions + 1):
            add(f"conv{block}_{place}", channels, stride)
            add(f"relu{block}_{place}", channels, stride)
        add(f"pool{block}", channels, 2 * stride)
    return {layer.name: layer for layer in layers}


def check_layers(argument: str, names: Iterable[str]) -> list[str]:
    """Return `names` without repeats, in network order.

    Raises:
        TypeError: if `names` is one text, or no list.
        ValueError: if one is no layer of VGG-19, or there is none.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(_checks.message(argument, "be a list of names, such as ['relu4_2']", repr(names)))
    table, wanted = layer_table(), list(names)
    for name in wanted:
        if not isinstance(name, str) or name not in table:
            advice = _checks.did_you_mean(name, table)
            advice = advice or "They are conv1_1 … conv5_4, relu1_1 … relu5_4 and pool1 … pool5."
            raise ValueError(_checks.message(argument, "be names of VGG-19 layers", repr(name), advice))
    if not wanted:
        raise ValueError(_checks.message(argument, "be names of VGG-19 layers", "none"))
    return [name for name in table if name in wanted]


def layer_weights(argument: str, layers: LayerChoice) -> dict[str, float]:
    """Return weights by layer name, in network order; names alone share a weight of 1.

    >>> layer_weights("style_layers", ["relu2_1", "relu1_1"])
    {'relu1_1': 0.5, 'relu2_1': 0.5}
    """
    names = check_layers(argument, [layers] if isinstance(layers, str) else layers)
    if not isinstance(layers, Mapping):
        return dict.fromkeys(names, 1 / len(names))
    return {name: _checks.number(f"{argument}[{name!r}]", layers[name]) for name in names}


def truncated(deepest: str) -> list[Layer]:
    """Return the layers from the first to `deepest`, both included."""
    layers = list(layer_table().values())
    return layers[: layer_table()[deepest].index + 1]


def reach(deepest: str) -> int:
    """Return how many pixels a position of a layer sees beyond its own square of the image, on each side.

    >>> reach("relu5_1")
    70
    """
    return sum(layer.stride for layer in convolutions(deepest))  # a position each


def receptive_field(layer: str) -> int:
    """Return the side of the square of the image that one position of a layer sees, in pixels.

    >>> receptive_field("relu4_1"), receptive_field("relu5_1")
    (68, 156)
    """
    return layer_table()[layer].stride + 2 * reach(layer)


def convolutions(deepest: str = "pool5") -> list[Layer]:
    """Return the convolutions of a network that ends with a layer, in order; the last one ends all 16."""
    return [layer for layer in truncated(deepest) if layer.kind == "conv"]
