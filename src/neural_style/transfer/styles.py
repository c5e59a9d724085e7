"""What a run's style is made of: pictures, each with its share, its strokes' size and its place."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import Colors, grey_like, match_colors, recolored
from neural_style.images.io import ImageSource, read
from neural_style.images.masks import along_edges, to_mask
from neural_style.network.vgg19 import check_layers

LARGEST_SCALE = 8


@dataclass(frozen=True)
class Style:
    """A style picture, and what it is for.

    >>> from neural_style import StyleTransfer, random_weights
    >>> photo, sky, wall = torch.rand(3, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    >>> upper = torch.linspace(1, 0, 32).round().unsqueeze(1).expand(32, 48)
    >>> transfer = StyleTransfer(weights=random_weights(width=0.25))
    >>> styles = [Style(sky, region=upper), Style(wall, region=1 - upper)]
    >>> transfer.run(photo, styles, size=48, iterations=1).shape
    torch.Size([3, 32, 48])

    Args:
        image: the picture: a path, a `PIL.Image`, an array or a tensor, see `StyleTransfer.run`.
        weight: its share in the style, relative to those of the other pictures of the same region. Larger takes
            more of it.
        scale: of its strokes, relative to what they are without: 2 is twice as bold; from ⅛ to 8.
        layers: names of the layers whose style it gives, of those that have a weight. Early ones have its fine
            strokes, late ones its forms. None for all; but in the default preset, unless its style layers were
            chosen, a picture of less than ¾ of the result's longer side goes without the layers that see more
            than the whole of it, and has so much less of the style's weight.
        region: where in the content picture it is the style: a mask. None for everywhere. Where no style is,
            the content stays.
        mask: which part of the style picture counts: a mask. None for all of it.

    A mask is a grey picture, white where it applies, as a path, a `PIL.Image` or a uint8 array; or an array or
    tensor (H, W), (1, H, W) or (1, 1, H, W) of floats in [0, 1] or bools. Grey applies in part.
    """

    image: ImageSource
    weight: float = 1.0
    scale: float = 1.0
    layers: str | Iterable[str] | None = None
    region: ImageSource | None = None
    mask: ImageSource | None = None


StyleSource = ImageSource | Style


@dataclass(frozen=True)
class LoadedStyle:
    """A style picture that is read and checked.

    Attributes:
        image: shape (1, 3, H', W'), at its own size; RGB in [0, 1], unless it was recoloured.
        weight, scale, layers: see `Style`.
        region: shape (1, 1, H, W), of the content's size; None for everywhere. Styles of one region share it.
        mask: shape (1, 1, H', W'); None for all of the picture.
        name: what messages call it: ``"style"``, or ``"style 2"`` where there are several.
    """

    image: Tensor
    weight: float = 1.0
    scale: float = 1.0
    layers: frozenset[str] | None = None
    region: Tensor | None = None
    mask: Tensor | None = None
    name: str = "style"


def load_styles(
    style: StyleSource | Sequence[StyleSource],
    content: Tensor,
    own: tuple[int, int] | None = None,
    *,
    style_layers: Iterable[str],
    enough: Callable[[tuple[int, int], float], tuple[int, int]] = lambda own, _scale: own,
    style_weights: Sequence[float] | None = None,
    regions: Sequence[ImageSource | None] | None = None,
) -> list[LoadedStyle]:
    """Return a run's style pictures, read, checked, and on the content's device; see `StyleTransfer.run`.

    Args:
        style: one, or several.
        content: shape (1, 3, H, W).
        own: (height, width) of the content before it was reduced, which masks of it have; None if it was not.
        style_layers: names of those that have a weight.
        enough: gives the size that suffices, for a picture's own and the scale of its strokes.
        style_weights: one for each style, in place of its own.
        regions: likewise.
    """
    sources = sources_of(style)
    if not sources:
        advice = "Give one, or a list."
        raise ValueError(_checks.message("style", "be at least one picture", "none", advice))
    styles = [source if isinstance(source, Style) else Style(source) for source in sources]
    given: list[tuple[str, str, Any]]  # in place of the styles' own
    given = [("style_weights", "weight", style_weights), ("regions", "region", regions)]
    for argument, name, values in given:
        if values is not None:
            _check_one_each(argument, values, styles)
            styles = [replace(style, **{name: value}) for style, value in zip(styles, values, strict=True)]
    names, loaded = list(style_layers), list[LoadedStyle]()
    for number, source in enumerate(styles, 1):
        name = "style" if len(styles) == 1 else f"style {number}"
        picture = _load(source, name, names, enough, content.device)
        if source.region is not None:
            region = to_mask(source.region, f"{name}'s region", content, own)
            picture = replace(picture, region=_shared(region, loaded))
        loaded.append(picture)
    weights = [style.weight for style in loaded]
    _checks.weights("the styles' weights" if style_weights is None else "style_weights", weights)
    alone = len({id(style.region) for style in loaded}) == len(loaded)
    if style_weights is not None and alone and min(weights) > 0:  # a weight of 0 leaves its style out
        _checks.warn("style_weights has no effect: every style has a region of its own.")
    return [style for style in loaded if style.weight > 0]


def sources_of(style: StyleSource | Sequence[StyleSource]) -> list[StyleSource]:
    """Return one style, or several, as a list."""
    return [style] if isinstance(style, str) or not isinstance(style, Sequence) else list(style)


def matched_to_styles(content: Tensor, styles: Sequence[LoadedStyle]) -> Tensor:
    """Return a content picture with the styles' colours, each region with those of its own, by `match_colors`.

    Between regions the colours change along the content's edges, or softly where there are none: the content
    loss would keep every line that they leave.
    """
    regions = list({id(style.region): style.region for style in styles}.values())
    matched, covered = torch.zeros_like(content), torch.zeros_like(content[:, :1])
    for region in regions:
        wanted = colors_of([style for style in styles if style.region is region])
        if len(regions) == 1 and region is None:
            return match_colors(content, wanted)
        share = torch.ones_like(covered) if region is None else along_edges(region, content)
        matched += share * match_colors(content, wanted, mask=region)
        covered += share
    return matched / covered.clamp(min=1) + content * (1 - covered).clamp(min=0)


def colors_of(styles: Sequence[LoadedStyle]) -> Colors:
    """Return the colours of the styles, of the parts that count, mixed by their weights."""
    parts = [Colors.of(style.image, style.mask) for style in styles]
    return Colors.mixed(parts, [style.weight for style in styles])


def in_colors_of(content: Tensor, styles: Sequence[LoadedStyle]) -> list[LoadedStyle]:
    """Return styles with the content's colours, by `recolored`: of each style's region where it has one."""
    return [
        replace(style, image=recolored(style.image, Colors.of(content, style.region), mask=style.mask))
        for style in styles
    ]


def in_grey_of(content: Tensor, styles: Sequence[LoadedStyle]) -> list[LoadedStyle]:
    """Return styles in grey, with the mean and deviation of the content's luma, each of its own region."""
    return [
        replace(style, image=grey_like(style.image, content, mask=style.mask, region=style.region))
        for style in styles
    ]


def _check_one_each(argument: str, values: Sequence[object], styles: Sequence[Style]) -> None:
    """Check that there are as many values as styles."""
    listed = values.ndim == 1 if isinstance(values, np.ndarray) else isinstance(values, Sequence)
    if isinstance(values, str) or not listed:
        got, advice = type(values).__name__, "Write [...], one for each style."
        raise TypeError(_checks.message(argument, "be a list", got, advice))
    if len(values) != len(styles):
        count = f"{len(styles)} style{'' if len(styles) == 1 else 's'}"
        advice = f"There {'is' if len(styles) == 1 else 'are'} {count}."
        raise ValueError(_checks.message(argument, "be one for each style", len(values), advice))


def _shared(region: Tensor, earlier: Sequence[LoadedStyle]) -> Tensor:
    """Return a region, or the very tensor of an earlier style whose region is equal."""
    others = [style.region for style in earlier if style.region is not None]
    return next((other for other in others if torch.equal(other, region)), region)


def _load(
    style: Style,
    name: str,
    style_layers: Sequence[str],
    enough: Callable[[tuple[int, int], float], tuple[int, int]],
    device: torch.device,
) -> LoadedStyle:
    """Return a style that is read and checked, without its region; messages call it by its name."""
    scale = check_scale(f"{name}'s scale", style.scale)
    image, own = read(style.image, name, lambda own: enough(own, scale))
    image = image.to(device)
    weight = _checks.number(f"{name}'s weight", style.weight)
    layers = None
    if style.layers is not None:
        names = [style.layers] if isinstance(style.layers, str) else style.layers
        layers = frozenset(check_layers(f"{name}'s layers", names))
        if not layers & set(style_layers):
            rule, advice = f"be among those with a weight: {', '.join(style_layers)}", "Give one of them."
            raise ValueError(_checks.message(f"{name}'s layers", rule, ", ".join(sorted(layers)), advice))
    mask = None if style.mask is None else to_mask(style.mask, f"{name}'s mask", image, own)
    return LoadedStyle(image, weight, scale, layers, mask=mask, name=name)


def check_scale(argument: str, value: object) -> float:
    """Return a style's scale as a float."""
    scale = _checks.number(argument, value)
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        rule = f"lie between 1/{LARGEST_SCALE} and {LARGEST_SCALE}"
        raise ValueError(_checks.message(argument, rule, f"{scale:g}", "1 leaves the strokes as they are."))
    return scale
