"""One level's loss: targets computed once, then value and gradient of any picture of the level's size.

A picture of any size is evaluated in bounded memory, tile by tile, and exactly: everything in the loss is a
function of sums over positions. In a first pass, without gradients, the sums of the tiles are added up; the
loss is differentiated with respect to the sums, which is little work; in a second pass each tile is run again,
and its own sums, each times the loss's slope along it, are differentiated with respect to its pixels and their
halo. Where one tile holds the picture one pass is enough.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.evaluation.regions import Guidance, Guide, Part, on_grids
from neural_style.evaluation.share import Share, Whole
from neural_style.evaluation.tiles import Grid, Tile, alignment_of, check_tile, grid_of, halo_of, with_halo
from neural_style.images.resizing import size_of
from neural_style.losses import style_loss, total_loss, weighted_sum
from neural_style.losses.sums import Discrepancy, Moments, Sums, Variation
from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features
from neural_style.network.vgg19 import check_layers, layer_table

LARGEST_SCALE = 1e30  # far from float32's own end


class Objective:
    """L(x) = α L_content + β L_style + variation, of a picture x of one size.

    Args:
        network: returns at least the layers that `terms` names.
        content_image: shape (1, 3, H, W), RGB in [0, 1]; the generated picture has the same.
        style_image: shape (1, 3, H', W'), of any size; or several, with what each is for.
        terms: what is summed.
        tile: longest side, in pixels, of the tiles that are evaluated one after another; None evaluates the
            picture at once. The numbers are the same to rounding. What is held at a time is that of a tile.
        keep_targets: whether the content's features are kept, in the network's precision, or computed anew in
            every evaluation, tile by tile and twice, by the network up to the content layers.
        share: which rows of the picture this process evaluates; None for all. The pictures given here are whole
            all the same, while those to be evaluated, and their gradients, are of these rows.

    Attributes:
        terms_by_name: after an evaluation, the unweighted parts as scalars on the device: ``content``,
            ``style``, ``total variation``, and each layer's, such as ``style relu1_1``. For reporting.
        warm_up: of the class: evaluations until the next takes as long as all later ones.

    Raises:
        ValueError: if the content is a batch of several; if `tile` is no positive multiple of 16 (32 with
            pool5), or the network's padding is circular and a picture that is cut has other sides.
    """

    warm_up = 1

    def __init__(
        self,
        network: VGG19Features,
        content_image: Tensor,
        style_image: Tensor | Sequence[Guide],
        terms: Terms,
        *,
        tile: int | None = None,
        keep_targets: bool = True,
        share: Share | None = None,
    ) -> None:
        self.network, self.terms = network, terms
        self.tile = check_tile(tile, network.layers[-1])
        self.share: Share = Whole() if share is None else share
        self.terms_by_name: dict[str, Tensor] = {}
        # A part of no weight is not computed.
        compared = terms.content_weight > 0
        self._content_layers = check_layers("content_layers", terms.content_layers) if compared else []
        self._style_layers = list(terms.style_layers) if terms.style_weight > 0 else []
        if content_image.ndim != 4 or content_image.shape[0] != 1:
            rule, advice = "have shape (1, 3, H, W)", "Make an objective for each picture."
            raise ValueError(_checks.message("content_image", rule, tuple(content_image.shape), advice))
        with torch.inference_mode(False), torch.no_grad():
            self.grid = self._grid(content_image, self.tile, self.share.rows(content_image.shape[-2]))
            self._content = with_halo(content_image, self.grid.read) if self._content_layers else None
            self._targets: dict[Tile, dict[str, Tensor]] = {}
            if keep_targets:
                self._targets = {piece: self._target(piece) for piece in self.grid.tiles}
                self._content = None
            guides = [Guide(style_image)] if isinstance(style_image, Tensor) else style_image
            self.guidance = Guidance(guides, self._style_layers, network.padding)
            asked_for = [*self._content_layers, *(part.layer for part in self.guidance.parts)]
            self._layers = check_layers("layers", asked_for or network.layers)
            self.target_moments = self._target_moments()

    def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss, a scalar, and its gradient with respect to `image`, of its shape; both float32.

        Args:
            image: shape (1, 3, H, W), float32, on the network's device. It is not changed.
        """
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(image.device.type, enabled=False),
        ):
            picture = self.share.with_halo(image.detach(), self.grid)
            *others, last = self.grid.tiles
            sums = (self._sums(self.grid.window(picture, tile), tile) for tile in others)
            of_others = [reduce(add, sums)] if others else []
            # The first pass of the last tile serves as its second.
            window, of_last = self._with_history(picture, last)
            total = self.share.all_reduce(reduce(add, [*of_others, of_last.detached()]))
            loss, slopes = self._slopes(total)
            scale = self._scale(loss, image)
            slopes = [slope if slope is None or scale is None else slope * scale for slope in slopes]
            gradient = torch.zeros_like(picture) if others else None
            gradient = self._added(gradient, last, window, of_last, slopes)
            for tile in others:
                window, again = self._with_history(picture, tile)
                gradient = self._added(gradient, tile, window, again, slopes)
            gradient = self.share.add_halo_back(gradient, self.grid)
        return self.share.broadcast_loss(loss), gradient if scale is None else gradient / scale

    def _scale(self, loss: Tensor, image: Tensor) -> Tensor | None:
        """Return what the gradient is to be multiplied by on its way through a float16 network, or None.

        float16 has nothing between 0 and 6·10⁻⁸, and a share of the loss per value of the picture is as small.
        Times their number it is near 1, whatever the loss's own scale.
        """
        if self.network.dtype != torch.float16:
            return None
        values = image.shape[1] * self.grid.size[0] * self.grid.size[1]  # of the whole, the same on every rank
        return torch.where(loss > 0, values / loss, 1).clamp(max=LARGEST_SCALE)

    def _grid(self, image: Tensor, tile: int | None, rows: range | None = None) -> Grid:
        """Return how a picture is cut, or some rows of it."""
        deepest = self.network.layers[-1]
        return grid_of(
            size_of(image),
            tile,
            halo=halo_of(deepest),
            alignment=alignment_of(deepest),
            wraps=self.network.padding == "circular",
            rows=rows,
        )

    def _target(self, tile: Tile) -> dict[str, Tensor]:
        """Return the content's features that a tile owns, by name."""
        if self._content is None:
            return self._targets.get(tile, {})
        tile = tile.narrowed(halo_of(self._content_layers[-1]))  # they are in network order
        with torch.no_grad():
            features = self.network(self.grid.window(self._content, tile), self._content_layers)
            # A part of its own, so that what surrounds it is given back.
            return {name: tile.owned(features[name], _stride(name)).clone() for name in self._content_layers}

    def _target_moments(self) -> dict[Part, Moments]:
        """Return the moments that are asked for, part by part: those of its style pictures, mixed."""
        if not self.guidance.parts:
            return {}
        guides, found = self.guidance.guides, dict[Hashable, Moments]()
        for number, guide in enumerate(guides):
            found |= {(name, number): one for name, one in self._moments(guide).items()}
        nothing = Variation.of(guides[0].image[..., :1, :1], self.terms.variation)
        total = self.share.all_reduce(Sums(found, {}, nothing)).moments
        return {
            part: Moments.mixed(
                [total[part.layer, number] for number in self.guidance.serving(part)],
                [guides[number].weight for number in self.guidance.serving(part)],
            )
            for part in self.guidance.parts
        }

    def _moments(self, guide: Guide) -> dict[str, Moments]:
        """Return the moments of a style picture, or of this process's tiles of it, summed, by layer."""
        layers = [name for name in self._style_layers if guide.serves(name)]
        grid = self._grid(guide.image, self.share.style_tile_side(self._style_tile(guide.image)))
        picture = with_halo(guide.image, grid.read)
        masks = {} if guide.mask is None else on_grids(guide.mask, layers, self.network.padding)
        moments: dict[str, Moments] = {}
        for tile, weight in self.share.own_style_tiles(grid.tiles) if layers else []:
            features = self.network(grid.window(picture, tile), layers)
            for name in layers:
                mask = tile.placed(masks[name], _stride(name)) if name in masks else None
                of_tile = Moments.of(tile.owned(features[name], _stride(name)), mask) * weight
                moments[name] = moments[name] + of_tile if name in moments else of_tile
        return moments

    def _style_tile(self, image: Tensor) -> int | None:
        """Return the side of the tiles of a style picture: where it is larger than the result, as large."""
        side = max(self.grid.size)
        if self.tile is not None or max(image.shape[-2:]) <= side:
            return self.tile
        alignment = alignment_of(self.network.layers[-1])
        return -(-side // alignment) * alignment

    def _sums(self, window: Tensor, tile: Tile) -> Sums:
        """Return the sums that a tile contributes, computed from what it reads."""
        target = self._target(tile)
        features = self.network(window, self._layers)

        def owned(name: str) -> Tensor:
            return tile.owned(features[name], _stride(name))

        pixels, next_row, next_column = self.grid.neighboured(window, tile)
        return Sums(
            {
                part: Moments.of(owned(part.layer), *self.guidance.owned(tile, part))
                for part in self.guidance.parts
            },
            {name: Discrepancy.of(owned(name), target[name]) for name in self._content_layers},
            Variation.of(pixels, self.terms.variation, next_row=next_row, next_column=next_column),
        )

    def _with_history(self, picture: Tensor, tile: Tile) -> tuple[Tensor, Sums]:
        """Return what a tile reads, and its sums as functions of that."""
        window = self.grid.window(picture, tile).clone().requires_grad_(True)
        with torch.enable_grad():
            return window, self._sums(window, tile)

    def _slopes(self, total: Sums) -> tuple[Tensor, list[Tensor | None]]:
        """Return the loss, and its slope along each of the sums; None where it does not depend on one."""
        leaves = [tensor.requires_grad_(True) for tensor in total.tensors]
        with torch.enable_grad():
            loss = self._loss(total.replaced(leaves))
        return loss.detach(), list(torch.autograd.grad(loss, leaves, allow_unused=True))

    def _added(
        self,
        gradient: Tensor | None,
        tile: Tile,
        window: Tensor,
        sums: Sums,
        slopes: list[Tensor | None],
    ) -> Tensor:
        """Return the picture's gradient with a tile's added; the tile's own where it is the only one."""
        pairs = zip(sums.tensors, slopes, strict=True)  # not those of the content alone
        moved = [(part, slope) for part, slope in pairs if slope is not None and part.requires_grad]
        parts, along = zip(*moved, strict=True)
        (of_window,) = torch.autograd.grad(parts, window, along)
        if gradient is None:
            return of_window
        self.grid.window(gradient, tile).add_(of_window)
        return gradient

    def _loss(self, sums: Sums) -> Tensor:
        """Return α L_content + β L_style + weighted variation, and remember the parts."""
        terms = self.terms
        contents = {name: terms.content_loss(sums.discrepancies[name]) for name in self._content_layers}
        styles: dict[str, Tensor] = {}
        for part, target in self.target_moments.items():
            of_part = sums.moments[part]
            share = self.guidance.share(part, of_part.count)
            value = share * terms.style_loss(of_part, target)
            styles[part.layer] = styles[part.layer] + value if part.layer in styles else value
        variation = sums.variation.mean
        nothing = torch.zeros_like(variation)
        content = weighted_sum(contents, terms.content_layers) if contents else nothing
        weights = {name: terms.style_layers[name] for name in styles}
        style = style_loss(styles, weights) if styles else nothing
        self.terms_by_name = {
            "content": content.detach(),
            "style": style.detach(),
            "total variation": variation.detach(),
            **{f"content {name}": value.detach() for name, value in contents.items()},
            **{f"style {name}": value.detach() for name, value in styles.items()},
        }
        weighted = total_loss(content, style, terms.content_weight, terms.style_weight)
        return weighted + terms.variation_weight * variation


def _stride(layer: str) -> int:
    return layer_table()[layer].stride
