"""The pictures that a run works on: read, on the device, and in the colours to work in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style.color import grey, with_chroma
from neural_style.guidance import union
from neural_style.image_io import ImageSource, to_image_tensor
from neural_style.presets import Settings
from neural_style.resizing import resize
from neural_style.styles import (
    LoadedStyle,
    StyleSource,
    in_colors_of,
    in_grey_of,
    load_styles,
    matched_to_styles,
)


def load_pictures(
    content: ImageSource,
    style: StyleSource | Sequence[StyleSource],
    settings: Settings,
    device: torch.device,
    *,
    style_weights: Sequence[float] | None = None,
    regions: Sequence[ImageSource | None] | None = None,
) -> tuple[Tensor, list[LoadedStyle], Tensor]:
    """Return the content (1, 3, H, W) in the colours to work in, the styles, and the content in its own.

    Args:
        content: see `StyleTransfer.run`.
        style: likewise.
        settings: what decides the colours, and which layers have a style.
        device: where they go.
        style_weights: see `StyleTransfer.run`.
        regions: likewise.

    Raises:
        TypeError, ValueError, OSError: if a picture, a mask or a number is invalid.
    """
    original = to_image_tensor(content, "content").to(device)
    names = [name for name, weight in settings.style_layers.items() if weight > 0]
    styles = load_styles(style, original, style_layers=names, style_weights=style_weights, regions=regions)
    if settings.color == "content":
        return grey(original), in_grey_of(original, styles), original
    if settings.color == "match":
        styles = in_colors_of(original, styles, settings.color_map)
    content_image = original
    if settings.color == "style" and settings.match_colors and settings.match_share > 0:
        content_image = original.lerp(matched_to_styles(original, styles), settings.match_share)
    return content_image, styles, original


def finished(image: Tensor, original: Tensor, styles: Sequence[LoadedStyle], *, keep_chroma: bool) -> Tensor:
    """Return a result with the content's chroma where it is kept, and the content where no style is.

    Args:
        image: shape (1, 3, H, W), in [0, 1].
        original: the content in its own colours, shape (1, 3, H', W').
        styles: with their regions.
        keep_chroma: whether the content's is.
    """
    size = (image.shape[-2], image.shape[-1])
    covered = union(each.region for each in styles)
    if covered is None:
        return with_chroma(image, resize(original, size)) if keep_chroma else image
    content = resize(original, size)
    image = with_chroma(image, content) if keep_chroma else image
    return content.lerp(image, resize(covered, size))
