"""Which style is asked for where: several style pictures, parts of them, and regions of the generated picture.

A region, or a part of a style picture, is a mask: a weight in [0, 1] for every pixel. On a layer's grid it
weighs each position by how much of what that position sees lies within: every convolution spreads the mask as
evenly over 3×3 positions as its filters reach, every pooling averages it. Where masks meet, both styles'
moments count the positions between them in part, so that no line shows.

Reference:
    Gatys, Ecker, Bethge, Hertzmann & Shechtman, "Controlling Perceptual Factors in Neural Style Transfer"
    (CVPR 2017), section 4 on spatial and 6 on scale control. To spread the mask as the filters see, rather than
    to count the positions that lie wholly inside, is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from neural_style.evaluation.tiles import Tile
from neural_style.network.vgg19 import layer_table, truncated


@dataclass(frozen=True)
class Guide:
    """A style picture at the size that it serves a level at.

    Attributes:
        image: shape (1, 3, h, w).
        weight: its share in the style of its region, relative to those of the others.
        layers: names of the layers whose style it gives; None for all.
        mask: which of its pixels count, shape (1, 1, h, w) in [0, 1]; None for all.
        region: where the generated picture takes its style, shape (1, 1, H, W) in [0, 1]; None for everywhere.
            Guides of one region hold the same tensor.
    """

    image: Tensor
    weight: float = 1.0
    layers: frozenset[str] | None = None
    mask: Tensor | None = None
    region: Tensor | None = None

    def serves(self, layer: str) -> bool:
        """Return whether it gives the style of a layer."""
        return self.layers is None or layer in self.layers


class Part(NamedTuple):
    """The style of one layer within one region."""

    layer: str
    region: int


class Guidance:
    """What is asked of the style, part by part, for pictures of one size.

    Args:
        guides: the style pictures.
        layers: names of the style layers.
        padding: of the network.

    Attributes:
        guides: the style pictures.
        parts: every layer within every region that a guide gives a style.
    """

    def __init__(self, guides: Sequence[Guide], layers: Iterable[str], padding: str) -> None:
        self.guides = guides
        regions: list[Tensor | None] = []
        self._region: list[int] = []  # of each guide
        for guide in guides:
            known = [number for number, region in enumerate(regions) if region is guide.region]
            if not known:
                known = [len(regions)]
                regions.append(guide.region)
            self._region.append(known[0])
        numbers = range(len(regions))
        parts = [Part(layer, number) for layer in layers for number in numbers]
        self.parts = [part for part in parts if self.serving(part)]
        names = list(dict.fromkeys(part.layer for part in self.parts))
        grids = [{} if region is None else on_grids(region, names, padding) for region in regions]
        self._weights = {part: grids[part.region].get(part.layer) for part in self.parts}
        self._owned: dict[tuple[Tile, Part], tuple[Tensor | None, float | None]] = {}

    def serving(self, part: Part) -> list[int]:
        """Return the numbers of the guides that give a part's style."""
        return [
            number
            for number, guide in enumerate(self.guides)
            if self._region[number] == part.region and guide.serves(part.layer)
        ]

    def owned(self, tile: Tile, part: Part) -> tuple[Tensor | None, float | None]:
        """Return the weights of a part at the positions that a tile owns, and their sum; None where all count.

        The sum is found once: reading it makes a GPU wait.
        """
        key = (tile, part)
        if key not in self._owned:
            weights = self._weights[part]
            if weights is not None:
                weights = tile.placed(weights, layer_table()[part.layer].stride)
            self._owned[key] = weights, None if weights is None else float(weights.sum())
        return self._owned[key]

    def share(self, part: Part, count: float) -> float:
        """Return the share of all positions that a part has: its style weighs as much.

        Args:
            part: which.
            count: Σ of its weights over the picture.
        """
        weights = self._weights[part]
        return 1.0 if weights is None else count / weights.numel()


def on_grids(mask: Tensor, layers: Iterable[str], padding: str) -> dict[str, Tensor]:
    """Return a mask on the grid of each layer, by name: shape (1, 1, h, w), in [0, 1].

    Args:
        mask: shape (1, 1, H, W), in [0, 1].
        layers: their names.
        padding: of the network: ``"circular"`` spreads the mask across its borders.

    >>> import torch
    >>> half = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 4, 4)
    >>> on_grids(half, ["conv1_1"], "reflect")["conv1_1"][0, 0, 0]
    tensor([0.0000, 0.3333, 0.6667, 1.0000])
    """
    names, found = set(layers), {}
    around = "circular" if padding == "circular" else "replicate"
    for layer in truncated(max(names, key=lambda name: layer_table()[name].index)) if names else []:
        if layer.kind == "conv":
            mask = F.avg_pool2d(F.pad(mask, (1, 1, 1, 1), mode=around), 3, stride=1)
        elif layer.kind == "pool":
            mask = F.avg_pool2d(mask, 2)
        if layer.name in names:
            found[layer.name] = mask
    return found
