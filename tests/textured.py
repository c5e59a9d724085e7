"""Two textures, and a photograph whose west is a region."""

from __future__ import annotations

import torch
from torch import Tensor

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = torch.rand(3, 96, 112, generator=torch.Generator().manual_seed(1))
WEST = (torch.arange(112) < 56).float().expand(96, 112)


def stripes(down: int, across: int, color: tuple[float, float, float], size: int = 96) -> Tensor:
    """Return a texture, shape (3, H, W): waves of one colour, so many down and across."""
    y, x = torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")
    wave = 0.5 + 0.5 * torch.sin(2 * torch.pi * (down * y + across * x))
    return torch.tensor(color).view(3, 1, 1) * wave


RED, BLUE = stripes(3, 9, (0.9, 0.3, 0.1)), stripes(11, 1, (0.1, 0.4, 0.9))
