"""Drawn pictures whose noise, strokes and forms are known."""

from __future__ import annotations

import math

import scipy.ndimage
import torch
from torch import Tensor


def grain(deviation: float, seed: int = 0, size: tuple[int, int] = (192, 256)) -> Tensor:
    """Grey noise about 0.5, shape (1, 3, H, W)."""
    noise = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(seed))
    return (0.5 + deviation * noise).clamp(0, 1).expand(-1, 3, -1, -1)


def slopes(size: tuple[int, int] = (192, 256)) -> Tensor:
    """A flat sky above stripes, shape (1, 3, H, W)."""
    y = torch.linspace(0, 1, size[0]).view(1, 1, -1, 1)
    stripes = 0.3 * torch.sin(torch.arange(size[1]) / 3).view(1, 1, 1, -1) * (y > 0.5)
    return (0.4 + 0.2 * y + stripes).clamp(0, 1).expand(-1, 3, *size)


def strokes(length: int, angle: float, seed: int, size: tuple[int, int] = (96, 128)) -> Tensor:
    """A canvas covered with strokes three pixels wide in random colours, shape (1, 3, H, W).

    Args:
        length: of the strokes, in pixels.
        angle: their mean direction, in radians from the horizontal.
        seed: of places and colours.
        size: (height, width).
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    canvas = torch.full((3, height, width), 0.5)
    count = 3 * height * width // (3 * length)
    for place in torch.rand(count, 6, generator=generator):
        down, across = y - place[0] * height, x - place[1] * width
        turn = angle + 0.4 * (place[2].item() - 0.5)
        along = across * math.cos(turn) + down * math.sin(turn)
        aside = down * math.cos(turn) - across * math.sin(turn)
        inside = (along.abs() < length / 2) & (aside.abs() < 1.5)
        canvas[:, inside] = 0.2 + 0.6 * place[3:].unsqueeze(1)
    return canvas.unsqueeze(0)


def shuffled(image: Tensor, side: int, seed: int = 0) -> Tensor:
    """Blocks of a picture in another order, shape (1, 3, H, W); its sides are multiples of the blocks'."""
    rows, columns = image.shape[-2] // side, image.shape[-1] // side
    blocks = image.unfold(2, side, side).unfold(3, side, side).reshape(3, -1, side, side)
    order = torch.randperm(rows * columns, generator=torch.Generator().manual_seed(seed))
    grid = blocks[:, order].view(3, rows, columns, side, side)
    return grid.permute(0, 1, 3, 2, 4).reshape(1, 3, rows * side, columns * side)


def blurred(image: Tensor, spread: float) -> Tensor:
    """A picture behind a Gaussian of a deviation in pixels, shape (1, 3, H, W)."""
    return torch.from_numpy(scipy.ndimage.gaussian_filter(image.numpy(), (0, 0, spread, spread)))
