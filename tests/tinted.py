"""A photograph and a painting of soft forms in tints of their own, and what a short run makes of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from narrow import transfer


def picture(height: int, width: int, seed: int, tint: tuple[float, float, float] = (1, 1, 1)) -> Tensor:
    """Return soft forms of one tint, shape (3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)[0]
    grain = 0.1 * torch.rand(3, height, width, generator=generator)
    return (torch.tensor(tint).view(3, 1, 1) * smooth * 0.9 + grain).clamp(0, 1)


CONTENT, STYLE = picture(64, 80, 1, (0.9, 0.8, 0.5)), picture(96, 72, 2, (0.3, 0.5, 1.0))


def made(
    style: Any = STYLE, content: Tensor = CONTENT, run: dict[str, Any] | None = None, **options: Any
) -> Tensor:
    chosen = {"size": None, "iterations": 12, "levels": 1, **(run or {})}
    return transfer(**options).run(content, style, **chosen)


def batch(image: Tensor) -> Tensor:
    return image.unsqueeze(0)
