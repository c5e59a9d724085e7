"""A frame that a network's padding leaves."""

from __future__ import annotations

import torch

from neural_style import _checks
from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import SMALLEST, picture

MARGIN = 16  # pixels: width of the border


def border_ratio(image: ImageSource, margin: int = MARGIN) -> float:
    """Return the roughness of the outermost pixels relative to that of the rest: 1 where there is no frame.

    Roughness is the mean squared difference of neighbours, across and down.

    Args:
        image: the picture, of any kind that `load_image` takes.
        margin: width of the border in pixels, from 1. The sides have at least two margins and 2 pixels.

    Raises:
        OSError, TypeError, ValueError: if an argument is invalid.
    """
    margin = _checks.whole_number("margin", margin, minimum=1)
    image = picture("image", image, max(SMALLEST, 2 * margin + 2))
    height, width = image.shape[-2:]
    across = (image[..., :-1, 1:] - image[..., :-1, :-1]).square().mean(1)
    down = (image[..., 1:, :-1] - image[..., :-1, :-1]).square().mean(1)
    roughness = (across + down)[0]  # (H - 1, W - 1)
    inside = torch.zeros_like(roughness, dtype=torch.bool)
    inside[margin : height - 1 - margin, margin : width - 1 - margin] = True
    floor = torch.finfo(roughness.dtype).tiny
    return (roughness[~inside].mean() / roughness[inside].mean().clamp(min=floor)).item()
