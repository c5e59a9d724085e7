"""One level's loss: targets computed once, then value and gradient of any picture of the level's size.

A picture of any size is evaluated in bounded memory, tile by tile, and exactly: everything in the loss is a
function of sums over positions. In a first pass, without gradients, the sums of the tiles are added up; the
loss is differentiated with respect to the sums, which is little work; in a second pass each tile is run again,
and the gradient with respect to the sums is propagated back to its pixels and halo. Where one tile holds the
picture one pass is enough.
"""

from collections.abc import Hashable, Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.evaluation.regions import Guidance, Guide, Part, on_grids
from neural_style.evaluation.share import Share
from neural_style.evaluation.tiles import Tile, TileGeometry, with_halo
from neural_style.images.resizing import size_of
from neural_style.losses.equations import style_loss, total_loss, weighted_sum
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
        style_image: shape (1, 3, H', W'), of any size; or a `Guide` for every style picture.
        terms: what is summed.
        tile: longest side, in pixels, of the tiles that are evaluated one after another; None evaluates the
            picture at once. The numbers are the same to rounding. What is held at a time is that of a tile.
        keep_targets: whether the content's features are kept, in the network's precision, or computed anew in
            every evaluation, tile by tile and twice, by the network up to the content layers.
        share: which rows of the picture this process evaluates; None for all. The pictures given here are whole
            in any case; those that are evaluated, and their gradients, have these rows only.

    Attributes:
        terms_by_name: after an evaluation, the unweighted parts as scalars on the device: ``content``,
            ``style``, ``total variation``, and each layer's, such as ``style relu1_1``. For reporting.
        warm_up: how many first evaluations take longer than the later ones, the same for all of a class.

    Raises:
        ValueError: if a picture is a batch of several, or a mask of another size; if `tile` is no positive
            multiple of 16 (32 with pool5), or the network's padding is circular and a picture that is cut has
            other sides.
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
        self.geometry = TileGeometry.of(network.layers[-1], network.padding)
        self.tile = self.geometry.check(tile)
        self.share = Share() if share is None else share
        self.terms_by_name: dict[str, Tensor] = {}
        # A part of no weight is not computed.
        compared = terms.content_weight > 0
        self._content_layers = check_layers("content_layers", terms.content_layers) if compared else []
        self._style_layers = list(terms.style_layers) if terms.style_weight > 0 else []
        _checks.image_tensor("content_image", content_image)
        with torch.inference_mode(False), torch.no_grad():
            own_rows = self.share.rows(content_image.shape[-2])
            self.grid = self.geometry.grid(size_of(content_image), self.tile, own_rows)
            self._content = with_halo(content_image, self.grid.read) if self._content_layers else None
            self._targets: dict[Tile, dict[str, Tensor]] = {}
            if keep_targets:
                self._targets = {tile: self._content_target(tile) for tile in self.grid.tiles}
                self._content = None
            guides = [Guide(style_image)] if isinstance(style_image, Tensor) else style_image
            if not all(isinstance(guide, Guide) for guide in guides):
                got = ", ".join(type(guide).__name__ for guide in guides)
                raise TypeError(_checks.message("style_image", "be a tensor, or a list of Guide", got))
            for guide in guides:
                guide.check(self.grid.size)
            self.guidance = Guidance(guides, self._style_layers, network.padding)
            needed = [*self._content_layers, *(part.layer for part in self.guidance.parts)]
            self._layers = check_layers("layers", needed or network.layers)
            self.target_moments = self._style_targets()

    def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss, a scalar, and its gradient with respect to `image`, of its shape; both float32.

        Args:
            image: shape (1, 3, H, W) of the content, float32, on the network's device. It is not changed.

        Raises:
            ValueError: if the image has another shape.
        """
        height, width = self.grid.size
        expected = (1, 3, len(self.share.rows(height)), width)
        if tuple(image.shape) != expected:
            raise ValueError(_checks.message("image", f"have shape {expected}", tuple(image.shape)))
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(image.device.type, enabled=False),
        ):
            picture = self.share.with_halo(image.detach(), self.grid)
            *others, last = self.grid.tiles
            sums_in_turn = (self._sums(self.grid.window(picture, tile), tile) for tile in others)
            other_sums = [reduce(add, sums_in_turn)] if others else []
            # The first pass of the last tile serves as its second.
            window, last_sums = self._sums_with_history(picture, last)
            total = self.share.all_reduce(reduce(add, [*other_sums, last_sums.detached()]))
            loss, slopes = self._loss_and_slopes(total)
            scale = self._scale(loss, image)
            slopes = [slope if slope is None or scale is None else slope * scale for slope in slopes]
            gradient = torch.zeros_like(picture) if others else None
            gradient = self._with_gradient_of(last, window, last_sums, slopes, gradient)
            for tile in others:
                window, sums = self._sums_with_history(picture, tile)
                gradient = self._with_gradient_of(tile, window, sums, slopes, gradient)
            gradient = self.share.add_halo_back(gradient, self.grid)
        return self.share.broadcast_loss(loss), gradient if scale is None else gradient / scale

    def _sums(self, window: Tensor, tile: Tile) -> Sums:
        """Return the sums of a tile, computed from what it reads."""
        target = self._content_target(tile)
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

    def _sums_with_history(self, picture: Tensor, tile: Tile) -> tuple[Tensor, Sums]:
        """Return what a tile reads, and its sums as differentiable functions of that."""
        window = self.grid.window(picture, tile).clone().requires_grad_(True)
        with torch.enable_grad():
            return window, self._sums(window, tile)

    def _loss_and_slopes(self, total: Sums) -> tuple[Tensor, list[Tensor | None]]:
        """Return the loss and its slope along every sum; None where it does not depend on one."""
        leaves = [tensor.requires_grad_(True) for tensor in total.tensors]
        with torch.enable_grad():
            loss = self._loss(total.replaced(leaves))
        return loss.detach(), list(torch.autograd.grad(loss, leaves, allow_unused=True))

    def _loss(self, sums: Sums) -> Tensor:
        """Return α L_content + β L_style + weighted variation, and keep the parts in `terms_by_name`."""
        terms = self.terms
        contents = {name: terms.content_loss(sums.discrepancies[name]) for name in self._content_layers}
        styles: dict[str, Tensor] = {}
        for part, target in self.target_moments.items():
            moments = sums.moments[part]
            layer_loss = self.guidance.share(part, moments.count) * terms.style_loss(moments, target)
            styles[part.layer] = styles[part.layer] + layer_loss if part.layer in styles else layer_loss
        variation = sums.variation.mean
        zero = torch.zeros_like(variation)
        content = weighted_sum(contents, terms.content_layers) if contents else zero
        weights = {name: terms.style_layers[name] for name in styles}
        style = style_loss(styles, weights) if styles else zero
        self.terms_by_name = {
            "content": content.detach(),
            "style": style.detach(),
            "total variation": variation.detach(),
            **{f"content {name}": value.detach() for name, value in contents.items()},
            **{f"style {name}": value.detach() for name, value in styles.items()},
        }
        weighted = total_loss(content, style, terms.content_weight, terms.style_weight)
        return weighted + terms.variation_weight * variation

    def _with_gradient_of(
        self,
        tile: Tile,
        window: Tensor,
        sums: Sums,
        slopes: list[Tensor | None],
        gradient: Tensor | None,
    ) -> Tensor:
        """Return the picture's gradient with a tile's added; the tile's own where it is the only one."""
        pairs = zip(sums.tensors, slopes, strict=True)
        used = [(part, slope) for part, slope in pairs if slope is not None and part.requires_grad]
        parts, along = zip(*used, strict=True)
        (window_gradient,) = torch.autograd.grad(parts, window, along)
        if gradient is None:
            return window_gradient
        self.grid.window(gradient, tile).add_(window_gradient)
        return gradient

    def _scale(self, loss: Tensor, image: Tensor) -> Tensor | None:
        """Return the factor of the gradient on its way through a float16 network, or None for other networks.

        float16 has nothing between 0 and 6·10⁻⁸, and a share of the loss per value of the picture is as small.
        Times their number it is near 1, whatever the loss's own scale.
        """
        if self.network.dtype != torch.float16:
            return None
        values = image.shape[1] * self.grid.size[0] * self.grid.size[1]  # of the whole picture
        return torch.where(loss > 0, values / loss, 1).clamp(max=LARGEST_SCALE)

    def _content_target(self, tile: Tile) -> dict[str, Tensor]:
        """Return the content's features that a tile owns, by name."""
        if self._content is None:
            return self._targets.get(tile, {})
        tile = tile.narrowed(TileGeometry.of(self._content_layers[-1]).halo)  # they are in network order
        with torch.no_grad():
            features = self.network(self.grid.window(self._content, tile), self._content_layers)
            # A copy, so that the rest of the features is freed.
            return {name: tile.owned(features[name], _stride(name)).clone() for name in self._content_layers}

    def _style_targets(self) -> dict[Part, Moments]:
        """Return the target moments part by part: those of its style pictures, mixed."""
        if not self.guidance.parts:
            return {}
        guides, own = self.guidance.guides, dict[Hashable, Moments]()
        for number, guide in enumerate(guides):
            own |= {(name, number): moments for name, moments in self._style_moments(guide).items()}
        zero = Variation.of(guides[0].image[..., :1, :1], self.terms.variation)
        total = self.share.all_reduce(Sums(own, {}, zero)).moments
        return {
            part: Moments.mixed(
                [total[part.layer, number] for number in self.guidance.serving(part)],
                [guides[number].weight for number in self.guidance.serving(part)],
            )
            for part in self.guidance.parts
        }

    def _style_moments(self, guide: Guide) -> dict[str, Moments]:
        """Return the moments of a style picture, summed over this process's tiles of it, by layer."""
        layers = [name for name in self._style_layers if guide.serves(name)]
        side = self.share.style_tile_side(self._style_tile(guide.image))
        grid = self.geometry.grid(size_of(guide.image), side)
        picture = with_halo(guide.image, grid.read)
        masks = {} if guide.mask is None else on_grids(guide.mask, layers, self.network.padding)
        moments: dict[str, Moments] = {}
        for tile, weight in self.share.own_style_tiles(grid.tiles) if layers else []:
            features = self.network(grid.window(picture, tile), layers)
            for name in layers:
                mask = tile.placed(masks[name], _stride(name)) if name in masks else None
                own = Moments.of(tile.owned(features[name], _stride(name)), mask) * weight
                moments[name] = moments[name] + own if name in moments else own
        return moments

    def _style_tile(self, image: Tensor) -> int | None:
        """Return the side of the tiles of a style picture: the result's, if it is larger than the result."""
        side = max(self.grid.size)
        if self.tile is not None or max(image.shape[-2:]) <= side:
            return self.tile
        alignment = self.geometry.alignment
        return -(-side // alignment) * alignment


def _stride(layer: str) -> int:
    return layer_table()[layer].stride
