"""The pictures of a run: read, in the colours to work in, and brought to the size of each level."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from neural_style.evaluation.regions import Guide
from neural_style.images.color import grey, with_chroma
from neural_style.images.io import ImageSource, to_image_tensor
from neural_style.images.masks import union
from neural_style.images.resizing import resize, size_of
from neural_style.network.vgg19 import receptive_field
from neural_style.transfer.levels import Level, Sizes, nearest
from neural_style.transfer.presets import Settings
from neural_style.transfer.starts import starting_picture
from neural_style.transfer.styles import (
    LoadedStyle,
    StyleSource,
    colors_of,
    in_colors_of,
    in_grey_of,
    load_styles,
    matched_to_styles,
)

SMALL = 0.75  # of a level's longer side: below, a style picture is much smaller


@dataclass(frozen=True)
class Inputs:
    """The pictures of a run, at any size that it works at.

    Attributes:
        content: the content in the colours to work in, shape (1, 3, H, W).
        original: the content in its own colours, shape (1, 3, H, W).
        styles: the style pictures.
        settings: of the run.
        batched: whether the content came with a batch dimension; the result then has one.
    """

    content: Tensor
    original: Tensor
    styles: Sequence[LoadedStyle]
    settings: Settings
    batched: bool

    @property
    def regions(self) -> dict[int, Tensor]:
        """The regions that have styles of their own, by their identity."""
        return {id(style.region): style.region for style in self.styles if style.region is not None}

    def at(self, level: Level) -> tuple[Tensor, list[Guide]]:
        """Return the content, shape (1, 3, h, w), and the styles at a level's size."""
        return resize(self.content, level.size), self.guides(level)

    def start(self, size: tuple[int, int], seed: int) -> Tensor:
        """Return the picture that the first level, of (height, width), starts from. See `starting_picture`."""
        colors = partial(colors_of, self.styles)
        return starting_picture(self.settings.init, self.content, self.styles[0].image, size, seed, colors)

    def guides(self, level: Level) -> list[Guide]:
        """Return the style pictures with their masks, as a level compares with them.

        If a style picture is much smaller than the level, layers whose receptive field exceeds it are left out:
        they would copy it whole. So are the layers that the level goes without, unless the style names its own.
        """
        settings, guides = self.settings, []
        resized = {key: resize(region, level.size) for key, region in self.regions.items()}
        for style in self.styles:
            image = self.style_at(style.image, level.size, style.scale)
            mask = None if style.mask is None else resize(style.mask, size_of(image))
            longest, layers = max(size_of(image)), style.layers
            if settings.omit_layers and layers is None:
                kept = {name for name, weight in settings.style_layers.items() if weight > 0} - level.without
                if longest < SMALL * max(level.size):
                    kept = {name for name in kept if receptive_field(name) <= longest}
                layers = frozenset(kept) or None
            guides.append(Guide(image, style.weight, layers, mask, resized.get(id(style.region))))
        return guides

    def style_at(self, style: Tensor, size: tuple[int, int], scale: float = 1.0) -> Tensor:
        """Return a style picture for a level of (height, width): of its longer side, but not enlarged to it.

        A long narrow picture stays large enough for the network. In the paper it takes the level's very size.
        For strokes that are larger than that by a scale, a picture is enlarged too.
        """
        sizes = Sizes(self.settings)
        height: float
        width: float
        if self.settings.stretch_style:
            height, width = (max(sizes.minimum, round(side * scale)) for side in size)
        else:
            own = size_of(style)
            least = sizes.minimum / min(own)
            ratio = max(min(1.0, max(max(size) / max(own), least)) * scale, least)
            height, width = own[0] * ratio, own[1] * ratio
        # What a recolouring has put outside [0, 1] stays there.
        return resize(style, nearest((height, width), sizes.multiple), clamp=False)

    def carry(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Return a level's picture at the next one's size: enlarged, with the content's detail beside it.

        The detail is what reducing the content to the coarser size has lost. An enlarged picture has none, and
        many evaluations would go into drawing it anew. The photograph itself need not tile the plane: its own
        jump from border to border is no detail, so that only the picture is enlarged across it.
        """
        before, wraps = size_of(image), self.settings.padding == "circular"
        enlarged = resize(image, size, clamp=False, wraps=wraps)
        if not self.settings.keep_detail or before == size:
            return enlarged
        lost = resize(self.content, size) - resize(resize(self.content, before), size, clamp=False)
        return enlarged.add_(lost)

    def parts(self) -> dict[str, object]:
        """Return what the caller gave, by name: what every process that works on the picture has to have."""
        parts: dict[str, object] = {"content": self.original}  # recoloured, it would differ where a style does
        for style in self.styles:
            numbers = (style.weight, style.scale, sorted(style.layers or ()))
            parts |= {style.name: style.image, f"{style.name} weight, scale, layers": numbers}
            parts |= {f"{style.name} mask": style.mask, f"{style.name} region": style.region}
        return parts

    def finish(self, image: Tensor) -> Tensor:
        """Return a picture as a run does: in [0, 1], the content where no style is, its chroma if kept."""
        size, keeps_chroma = size_of(image), self.settings.color == "content"
        image = image.clamp(0, 1).contiguous()
        covered = union(style.region for style in self.styles)
        if keeps_chroma or covered is not None:
            content = resize(self.original, size)
            image = with_chroma(image, content) if keeps_chroma else image
            image = image if covered is None else content.lerp(image, resize(covered, size))
        return image if self.batched else image[0]


def load_inputs(
    content: ImageSource,
    style: StyleSource | Sequence[StyleSource],
    settings: Settings,
    device: torch.device,
    *,
    style_weights: Sequence[float] | None = None,
    regions: Sequence[ImageSource | None] | None = None,
) -> Inputs:
    """Return the pictures of a run, read, checked and in the colours to work in; see `StyleTransfer.run`."""
    original = to_image_tensor(content, "content").to(device)
    names = [name for name, weight in settings.style_layers.items() if weight > 0]
    styles = load_styles(style, original, style_layers=names, style_weights=style_weights, regions=regions)
    image = original
    if settings.color == "content":
        image, styles = grey(original), in_grey_of(original, styles)
    elif settings.color == "match":
        styles = in_colors_of(original, styles)
    elif settings.match_colors and settings.match_share > 0:
        image = original.lerp(matched_to_styles(original, styles), settings.match_share)
    for loaded in styles:
        Sizes(settings).check(loaded.name, size_of(loaded.image), "Give a larger picture.")
    return Inputs(image, original, styles, settings, getattr(content, "ndim", 3) == 4)
