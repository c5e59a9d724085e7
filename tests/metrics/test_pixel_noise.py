"""Noise of pictures whose noise is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from drawn import grain, slopes
from neural_style import metrics


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.08])
def test_noise_is_the_grains_deviation_also_beside_texture(deviation: float) -> None:
    for picture in (grain(deviation), (slopes() + grain(deviation, 1) - 0.5).clamp(0, 1)):
        assert metrics.noise(picture) == pytest.approx(deviation, rel=0.12)
    assert metrics.noise(slopes()) < 1e-3


def test_noise_is_immerkaers_definition_in_the_flattest_block() -> None:
    image = 0.02 * torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    image[..., 16:, :] += torch.linspace(0, 0.4, 16).unsqueeze(1)  # what is flat is above,
    image[..., :16, 16:] += torch.linspace(0, 0.4, 16)  # and to the left
    padded = np.pad(image[0, 0].numpy(), 1, mode="reflect")
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    total = sum(abs((padded[i : i + 3, j : j + 3] * mask).sum()) for i in range(16) for j in range(16))
    expected = math.sqrt(math.pi / 2) / 6 * total / 256
    assert metrics.noise(image.expand(-1, 3, -1, -1)) == pytest.approx(expected, rel=1e-5)
