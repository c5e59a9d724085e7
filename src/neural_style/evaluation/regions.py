"""Several style pictures, parts of them, and regions of the generated picture: which style applies where.

A region, or a part of a style picture, is a mask: a weight in [0, 1] for every pixel. On a layer's grid the
weight of a position is the fraction of its receptive field that lies inside the mask: every convolution spreads
the mask evenly over the 3×3 positions of its filters, every pooling averages it. Where masks meet, both styles'
moments count the positions between them in part, so that no line shows.

Reference:
    Gatys, Ecker, Bethge, Hertzmann & Shechtman, "Controlling Perceptual Factors in Neural Style Transfer"
    (CVPR 2017), section 4 on spatial and 6 on scale control. To spread the mask as the filters see, rather than
    to count the positions that lie wholly inside, is our own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.evaluation.tiles import Tile
from neural_style.images.resizing import size_of
from neural_style.network.vgg19 import layer_table, truncated


@dataclass(frozen=True)
class Guide:
    """A style picture at the size in which a level compares with it.

    Attributes:
        image: shape (1, 3, h, w).
        weight: its share in the style of its region, relative to those of the others.
        layers: names of the layers that it is the style of; None for all.
        mask: which of its pixels count, shape (1, 1, h, w) in [0, 1]; None for all.
        region: where the generated picture takes this style, shape (1, 1, H, W) in [0, 1]; None for everywhere.
            Guides of the same region hold the same tensor.
    """

    image: Tensor
    weight: float = 1.0
    layers: frozenset[str] | None = None
    mask: Tensor | None = None
    region: Tensor | None = None

    def check(self, size: tuple[int, int]) -> None:
        """Check that it is one picture, with a mask of its size, and a region of (height, width) `size`."""
        _checks.image_tensor("style_image", self.image)
        masks = {"mask": (self.mask, size_of(self.image)), "region": (self.region, size)}
        for name, (mask, (height, width)) in masks.items():
            if mask is not None and mask.shape != (1, 1, height, width):
                rule = f"have shape (1, 1, {height}, {width})"
                raise ValueError(_checks.message(f"a guide's {name}", rule, tuple(mask.shape)))

    def serves(self, layer: str) -> bool:
        """Return whether it is the style of a layer."""
        return self.layers is None or layer in self.layers


class Part(NamedTuple):
    """The style of one layer within one region."""

    layer: str
    region: int


class Guidance:
    """The style pictures of a level, and the weights of their regions on every layer's grid.

    Attributes:
        parts: every layer within every region that has a style.
    """

    def __init__(self, guides: Sequence[Guide], layers: Iterable[str], padding: str) -> None:
        self.guides = guides
        regions = list({id(guide.region): guide.region for guide in guides}.values())
        numbers = {id(region): number for number, region in enumerate(regions)}
        self._region = [numbers[id(guide.region)] for guide in guides]
        parts = [Part(layer, number) for layer in layers for number in range(len(regions))]
        self.parts = [part for part in parts if self.serving(part)]
        names = list(dict.fromkeys(part.layer for part in self.parts))
        grids = [{} if region is None else on_grids(region, names, padding) for region in regions]
        self._weights = {part: grids[part.region].get(part.layer) for part in self.parts}
        self._owned: dict[tuple[Tile, Part], tuple[Tensor | None, float | None]] = {}

    def serving(self, part: Part) -> list[int]:
        """Return the numbers of the guides that are a part's styles."""
        return [
            number
            for number, guide in enumerate(self.guides)
            if self._region[number] == part.region and guide.serves(part.layer)
        ]

    def owned(self, tile: Tile, part: Part) -> tuple[Tensor | None, float | None]:
        """Return the weights of a part at the positions that a tile owns, and their sum; None where all count.

        They are kept: reading the sum makes a GPU wait.
        """
        key = (tile, part)
        if key not in self._owned:
            weights = self._weights[part]
            if weights is not None:
                weights = tile.placed(weights, layer_table()[part.layer].stride)
            self._owned[key] = weights, None if weights is None else float(weights.sum())
        return self._owned[key]

    def share(self, part: Part, count: float) -> float:
        """Return a part's share of all positions, by which its style is weighted, from Σ of its weights."""
        weights = self._weights[part]
        return 1.0 if weights is None else count / weights.numel()


def on_grids(mask: Tensor, layers: Iterable[str], padding: str) -> dict[str, Tensor]:
    """Return a mask (1, 1, H, W) in [0, 1] on the grid of each layer, by name: shape (1, 1, h, w), in [0, 1].

    A network's padding that is ``"circular"`` spreads the mask across its borders.

    >>> import torch
    >>> half = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 4, 4)
    >>> on_grids(half, ["conv1_1"], "reflect")["conv1_1"][0, 0, 0]
    tensor([0.0000, 0.3333, 0.6667, 1.0000])
    """
    names, masks = set(layers), {}
    around = "circular" if padding == "circular" else "replicate"
    for layer in truncated(max(names, key=lambda name: layer_table()[name].index)) if names else []:
        if layer.kind == "conv":
            mask = F.avg_pool2d(F.pad(mask, (1, 1, 1, 1), mode=around), 3, stride=1)
        elif layer.kind == "pool":
            mask = F.avg_pool2d(mask, 2)
        if layer.name in names:
            masks[layer.name] = mask
    return masks
