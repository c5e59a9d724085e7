"""Networks of a quarter of VGG-19's channels, made once for all tests: a sixteenth of the work."""

from __future__ import annotations

from typing import Any

import torch

from neural_style import StyleTransfer, Weights
from neural_style.network.source import learn_weights, random_weights

_PICTURE = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
RANDOM = random_weights(width=0.25)
TAUGHT = learn_weights([_PICTURE], width=0.25)
PLAIN: dict[str, Any] = {"weights": RANDOM, "device": "cpu", "precision": "float32"}


def transfer(**options: Any) -> StyleTransfer:
    """Return a transfer on the CPU, of narrow random filters and in float32 unless others are asked for."""
    return StyleTransfer(**PLAIN | options)


def equal(first: Weights, second: Weights) -> bool:
    """Return whether two sets of weights have the same parameters, bit by bit."""
    return first.parameters.keys() == second.parameters.keys() and all(
        torch.equal(value, second.parameters[name]) for name, value in first.parameters.items()
    )
