"""The loss that each preset ends with on small pictures: a change of any equation or schedule moves it."""

from __future__ import annotations

import pytest
import torch

from narrow import RANDOM
from neural_style import StyleTransfer
from neural_style.transfer.presets import PRESETS

# After two levels of eight evaluations in float32, with random weights of a quarter of the width.
GOLDEN = {"default": 0.3192, "paper": 0.01009, "authors": 0.1744, "self-taught": 0.1063}


def waves(periods: tuple[float, float, float], height: int, width: int) -> torch.Tensor:
    """Return a picture of slanted waves, shape (3, H, W), with a period in pixels for each channel."""
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    return torch.stack([0.5 + 0.4 * torch.sin((rows + 2 * columns) / period) for period in periods])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_ends_with_its_loss(preset: str) -> None:
    losses: list[float] = []
    transfer = StyleTransfer(weights=RANDOM, preset=preset, device="cpu", precision="float32")
    transfer.run(
        waves((5, 7, 9), 48, 64),
        waves((2, 3, 4), 64, 56),
        size=64,
        levels=2,
        iterations=8,
        init="content",
        callback=lambda progress: losses.append(progress.loss.item()),
    )
    assert losses[-1] == pytest.approx(GOLDEN[preset], rel=0.01)
