"""A small photograph and painting, a short run of them, and what it reports."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neural_style import Progress, StyleTransfer


def picture(height: int = 40, width: int = 56, seed: int = 0) -> Tensor:
    """Return a smooth picture, shape (3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 5, generator=generator)
    fine = torch.rand(1, 3, height, width, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return (0.8 * smooth + 0.2 * fine)[0]


CONTENT, STYLE = picture(seed=1), picture(48, 48, seed=2)

PIXELS = (CONTENT.permute(1, 2, 0) * 255).to(torch.uint8).numpy()


def run(transfer: StyleTransfer, **options: Any) -> Tensor:
    """Return a result of three iterations at one level, where nothing else is asked for."""
    chosen = {"content": CONTENT, "style": STYLE, "size": 56, "iterations": 3, "levels": 1}
    return transfer.run(**{**chosen, **options})


def progress_of(transfer: StyleTransfer, **options: Any) -> list[Progress]:
    """Return what a run reports."""
    seen: list[Progress] = []
    run(transfer, callback=seen.append, **options)
    return seen
