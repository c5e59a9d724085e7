"""Objectives of small pictures, whole and in tiles, for the tests of tiles and of ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neural_style.evaluation.objective import Objective
from neural_style.network.features import Padding, Pooling, VGG19Features
from neural_style.network.source import random_weights
from neural_style.transfer.presets import Settings, choose_settings


@dataclass(frozen=True)
class Case:
    """A picture, and how it is cut."""

    size: tuple[int, int]
    tile: int
    padding: Padding
    pooling: Pooling

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]} in {self.tile}, {self.padding}, {self.pooling}"


def picture(size: tuple[int, int], seed: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network_of(settings: Settings, width: float = 0.25) -> VGG19Features:
    return VGG19Features(
        random_weights(width=width, deepest=settings.layers[-1]),
        settings.layers,
        pooling=settings.pooling,  # type: ignore[arg-type]
        padding=settings.padding,  # type: ignore[arg-type]
    ).double()


def both(
    case: Case, preset: str = "default", style_size: tuple[int, int] = (192, 240), **options: Any
) -> tuple[Objective, Callable[..., Objective], Tensor]:
    """Return a case's objective as a whole, what makes its tiled ones, and a picture to evaluate."""
    options = {"padding": case.padding, "pooling": case.pooling, **options}
    settings = choose_settings(preset, self_taught=False, **options)
    network, content, style = network_of(settings), picture(case.size, 1), picture(style_size, 2)

    def tiled(**choices: Any) -> Objective:
        return Objective(network, content, style, settings, **{"tile": case.tile, **choices})

    return tiled(tile=None), tiled, picture(case.size, 3)


def difference(one: Tensor, other: Tensor) -> float:
    """Return the relative difference of two gradients, a number."""
    return float((one - other).norm() / other.norm())
