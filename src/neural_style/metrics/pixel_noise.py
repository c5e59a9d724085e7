"""Pixel noise, measured where a picture is flat.

Reference:
    Immerkær, "Fast Noise Variance Estimation" (1996).
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from neural_style.images.color import luma
from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import picture

BLOCK = 16  # pixels: side of the blocks whose noise is measured
FLATTEST = 0.2  # share of the blocks, or windows, that count as flat


def noise(image: ImageSource) -> float:
    """Return the standard deviation σ of the luminance's pixel noise in the flattest parts of a picture.

    σ = √(π/2) / 6 times the mean size of Y convolved with Immerkær's mask N, over the 20 % of blocks of 16×16
    pixels in which the smoothed luminance varies least. Larger is noisier; 0.01 is two and a half levels of
    255.

    >>> import torch
    >>> grain = 0.5 + 0.02 * torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    >>> round(noise(grain.expand(1, 3, -1, -1)), 2)
    0.02
    """
    image = picture("image", image)
    padded = F.pad(luma(image), (1, 1, 1, 1), mode="reflect")
    blocks = F.avg_pool2d(_twice_differenced(padded).abs(), BLOCK)
    return (math.sqrt(math.pi / 2) / 6 * blocks[flattest(image, BLOCK, BLOCK)].mean()).item()


def flattest(image: Tensor, side: int, step: int) -> Tensor:
    """Return in which windows of a side, a step apart, the smoothed luminance varies least, (1, 1, h, w)."""
    smooth = F.avg_pool2d(F.pad(luma(image), (3, 3, 3, 3), mode="reflect"), 7, stride=1)
    mean, squares = F.avg_pool2d(smooth, side, step), F.avg_pool2d(smooth.square(), side, step)
    variance = squares - mean.square()
    count = max(1, round(FLATTEST * variance.numel()))
    return variance <= variance.flatten().kthvalue(count).values


def _twice_differenced(plane: Tensor) -> Tensor:
    """Return the second difference, down, of that across: Immerkær's mask, which is blind to planes and edges.

    A convolution would be rounded to TF32 on a GPU, these sums are not.
    """
    for side in (-2, -1):
        plane = plane.diff(dim=side).diff(dim=side)
    return plane
