"""What a run costs, counted: operations and bytes by picture size."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features
from neural_style.network.vgg19 import Layer, truncated
from neural_style.network.winograd import FEWEST_CHANNELS, TILE

FLOAT32 = 4  # bytes
PICTURES = 17  # of the picture's size in float32 that an optimiser and an objective hold beside the history
PASSING = 4  # responses of the largest layer that exist for a moment only
IN_PIECES = 3  # more such responses on a CPU, for free memory that is in pieces: measured
WIDE = 2  # arrays of the first layer's size that stay float32 in half precision: its response and its gradient
SCRATCH = 150_000_000  # bytes that torch's kernels hold on to: measured


def evaluation_flops(
    size: tuple[int, int], *, layers: Sequence[str], style_layers: Iterable[str], width: float = 1.0
) -> int:
    """Return how many floating-point operations one evaluation needs; a multiplication and an addition are two.

    A convolution of C into K channels at H · W positions takes 2 · K · C · 9 · H · W; its gradient with respect
    to what enters takes as many, and none is needed for the weights, which are frozen. A Gram matrix of N
    channels at M positions takes 2 · N² · M, and its gradient as many. Rectifiers, pooling, padding and the
    losses are left out: together they are below one per cent.

    Args:
        size: (height, width) of the picture.
        layers: names of all layers that are compared, in network order; the network ends with the last.
        style_layers: names of those whose Gram matrices are compared.
        width: share of VGG-19's channels.

    >>> evaluation_flops((1000, 1000), layers=["relu5_1"], style_layers=[]) // 10**9
    1444
    """
    forward = 0
    gram_layers = set(style_layers)
    for layer in truncated(layers[-1]):
        positions, (in_channels, out_channels) = layer.positions(size), layer.channels(width)
        if layer.kind == "conv":
            forward += 2 * out_channels * in_channels * 9 * positions
        if layer.name in gram_layers:
            forward += 2 * out_channels**2 * positions
    return 2 * forward  # the gradient of each product takes as many operations as the product


@dataclass(frozen=True)
class MemoryModel:
    """Estimates the memory of an evaluation, beside what torch itself takes.

    Attributes:
        layers, style_layers, width: see `evaluation_flops`.
        content_layers: names of those compared position by position.
        bytes_per_value: of the network's activations, 4 in float32 and 2 in bfloat16.
        device: type of device. On a CPU wide layers in float32 are convolved by Winograd's algorithm.
        regions: number of regions that have styles of their own, whose weighted features are kept too.
    """

    layers: Sequence[str]
    style_layers: Collection[str]
    content_layers: Collection[str]
    width: float = 1.0
    bytes_per_value: int = FLOAT32
    device: str = "cpu"
    regions: int = 0

    @classmethod
    def of(cls, network: VGG19Features, terms: Terms, regions: int = 0) -> Self:
        """Return the model of a network on its device, and of the layers that have a weight."""
        return cls(
            layers=network.layers,
            style_layers=terms.style_layers.keys() if terms.style_weight > 0 else (),
            content_layers=terms.content_layers.keys() if terms.content_weight > 0 else (),
            width=network.width,
            bytes_per_value=network.dtype.itemsize,
            device=network.mean.device.type,
            regions=regions,
        )

    def evaluation_bytes(self, size: tuple[int, int]) -> int:
        """Return about how many bytes an evaluation of a picture or tile of (height, width) takes at its peak.

        The peak is early in the backward pass. Then memory holds the rectified response of every convolution,
        and four more of the largest one: what enters, what leaves, and torch's rearrangements; on a CPU three
        more for memory that is free but in pieces; in half precision the first response and its gradient in
        float32; and three copies of the weights: as given, in the network's precision, and turned for the
        gradient, or instead of these transformed to four times their size.
        """
        activations = largest = weights = forms = weighted = 0
        transformed = self.device == "cpu" and self.bytes_per_value == FLOAT32
        passing = PASSING + (IN_PIECES if self.device == "cpu" else 0)
        layers = truncated(self.layers[-1])
        for layer in layers:
            responses, (in_channels, out_channels) = self._responses(layer, size), layer.channels(self.width)
            if layer.kind == "conv":
                activations += responses
                largest = max(largest, responses)
                weights += 9 * in_channels * out_channels
                as_winograd = transformed and min(in_channels, out_channels) >= FEWEST_CHANNELS
                forms += (TILE * TILE if as_winograd else 9) * in_channels * out_channels
            weighted += responses * (layer.name in self.style_layers) * self.regions
        values = activations + weighted + weights + forms + passing * largest
        wide = WIDE * self._responses(layers[0], size) if self.bytes_per_value < FLOAT32 else 0
        return self.bytes_per_value * values + FLOAT32 * (weights + wide) + SCRATCH

    def target_bytes(self, size: tuple[int, int]) -> int:
        """Return how many bytes the content's features of a picture of (height, width) take."""
        layers = [layer for layer in truncated(self.layers[-1]) if layer.name in self.content_layers]
        return self.bytes_per_value * sum(self._responses(layer, size) for layer in layers)

    def picture_bytes(self, size: tuple[int, int]) -> int:
        """Return how many bytes the pictures that an objective and an optimiser hold take."""
        return FLOAT32 * 3 * size[0] * size[1] * PICTURES

    def largest_values(self, size: tuple[int, int]) -> int:
        """Return how many values the largest response to a picture, or tile, of (height, width) has."""
        return max(self._responses(layer, size) for layer in truncated(self.layers[-1]))

    def _responses(self, layer: Layer, size: tuple[int, int]) -> int:
        return layer.channels(self.width)[1] * layer.positions(size)
