"""A function of a small picture with a known minimum, for the optimisers."""

from __future__ import annotations

import torch
from torch import Tensor

from neural_style.optimizers.base import ValueAndGrad

CURVATURE = torch.linspace(1, 50, 12).view(1, 3, 2, 2)
MINIMUM = torch.linspace(0.1, 0.9, 12).view(1, 3, 2, 2)


def bowl(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return ½ Σ c (x − m)² and its gradient c (x − m): the minimum is m."""
    difference = image - MINIMUM
    return 0.5 * (CURVATURE * difference.square()).sum(), CURVATURE * difference


def start() -> Tensor:
    return torch.full((1, 3, 2, 2), 0.5)


def bowl_with_a_bad_gradient(at: int) -> ValueAndGrad:
    """Return the bowl, whose gradient is infinite at one evaluation, counted from 1."""
    calls = 0

    def value_and_grad(image: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        loss, gradient = bowl(image)
        return (loss, gradient) if calls != at else (loss, torch.full_like(gradient, torch.inf))

    return value_and_grad
