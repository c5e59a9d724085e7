"""The measures on pictures whose noise, grid and border are known."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style import metrics


def grain(deviation: float, seed: int = 0, size: tuple[int, int] = (192, 256)) -> Tensor:
    noise = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(seed))
    return (0.5 + deviation * noise).expand(-1, 3, -1, -1)


def slopes(size: tuple[int, int] = (192, 256)) -> Tensor:
    """A flat sky above stripes, shape (1, 3, H, W)."""
    y = torch.linspace(0, 1, size[0]).view(1, 1, -1, 1)
    stripes = 0.3 * torch.sin(torch.arange(size[1]) / 3).view(1, 1, 1, -1) * (y > 0.5)
    return (0.4 + 0.2 * y + stripes).expand(-1, 3, *size)


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.08])
def test_noise_is_the_grains_deviation_also_beside_texture(deviation: float) -> None:
    for picture in (grain(deviation), slopes() + grain(deviation, 1) - 0.5):
        assert metrics.noise(picture) == pytest.approx(deviation, rel=0.12)
    assert metrics.noise(slopes()) < 1e-3
    assert metrics.wavelet_noise(grain(deviation)) == pytest.approx(deviation, rel=0.03)


def test_noise_is_immerkaers_definition_in_the_flattest_block() -> None:
    image = 0.02 * torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    image[..., 16:, :] += torch.linspace(0, 1, 16).unsqueeze(1)  # what is flat is above,
    image[..., :16, 16:] += torch.linspace(0, 1, 16)  # and to the left
    padded = np.pad(image[0, 0].numpy(), 1, mode="reflect")
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    total = sum(abs((padded[i : i + 3, j : j + 3] * mask).sum()) for i in range(16) for j in range(16))
    expected = math.sqrt(math.pi / 2) / 6 * total / 256
    assert metrics.noise(image.expand(-1, 3, -1, -1)) == pytest.approx(expected, rel=1e-9)


def test_noise_of_colour_is_none_in_a_grey_picture() -> None:
    assert metrics.chroma_noise(grain(0.05)) < 1e-6
    colored = 0.5 + 0.05 * torch.randn(1, 3, 192, 256, generator=torch.Generator().manual_seed(3))
    assert metrics.chroma_noise(colored) > 0.02


def test_fine_energy_is_that_of_frequencies_above_a_quarter() -> None:
    x = torch.arange(256.0)
    coarse, fine = (torch.sin(2 * math.pi * f * x).expand(1, 3, 256, 256) / 4 + 0.5 for f in (0.23, 0.27))
    assert metrics.fine_energy(coarse) < 0.01
    assert metrics.fine_energy(fine) > 0.98
    assert metrics.fine_energy((coarse + fine) / 2) == pytest.approx(0.5, abs=0.02)
    assert metrics.fine_energy(torch.full((1, 3, 64, 64), 0.5)) == 0


@pytest.mark.parametrize("period", [2, 4, 8, 16])
@pytest.mark.parametrize("side", [2, 3])
def test_a_grid_shows_as_a_peak_at_its_own_frequency(period: int, side: int) -> None:
    places = torch.arange(256)
    lines = 0.06 * (places % period == 0).float()
    picture = grain(0.02, 4, (256, 256)) + (lines.view(1, 1, -1, 1) if side == 2 else lines)
    peaks = metrics.grid_peaks(picture)
    assert peaks[period] > 3
    clean = metrics.grid_peaks(grain(0.02, 4, (256, 256)))
    assert max(clean.values()) < 1.7


def test_cells_hold_up_the_spectrum_where_the_content_is_flat() -> None:
    size = (256, 256)
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    flat, grainy = torch.full((1, 3, *size), 0.5), grain(0.05, 6, size)
    # Half the power in every octave: as in a photograph, and rougher than most.
    frequency = (torch.fft.fftfreq(256)[:, None] ** 2 + torch.fft.fftfreq(256) ** 2).sqrt().clamp(min=1 / 256)
    falling = 0.5 + torch.fft.ifft2(torch.fft.fft2(grainy - 0.5) / frequency).real / 20
    assert metrics.cells(falling, flat) == pytest.approx(-2, abs=0.3)
    assert metrics.cells(grainy, flat) == pytest.approx(0, abs=0.3)
    for period in (6, 8, 10):
        waves = (
            torch.cos(2 * math.pi / period * (x * math.cos(a) + y * math.sin(a))) for a in (0, 2.0944, 4.1888)
        )
        honeycomb = falling + 0.02 * sum(waves)
        assert metrics.cells(honeycomb, flat) > 0.5
    # Below, where the content is not flat, they do not count.
    below = torch.where(y > 128, honeycomb, falling)
    busy = torch.where(y > 100, grain(2.0, 8, size), flat)
    assert metrics.cells(below, busy) < -1
    assert metrics.cells(below, busy.flip(2)) > 0.5


def test_a_frame_shows_in_the_border() -> None:
    plain = grain(0.02, 5)
    assert metrics.border_ratio(plain) == pytest.approx(1, abs=0.05)
    framed = plain.clone()
    framed[..., :, :2] += 0.2
    assert metrics.border_ratio(framed) > 1.25


def test_likeness_is_one_for_the_same_and_falls_with_noise() -> None:
    picture = slopes()
    assert metrics.similarity(picture, picture) == pytest.approx(1)
    alike = [metrics.similarity(picture, picture + grain(level, 6) - 0.5) for level in (0.01, 0.05, 0.2)]
    assert alike == sorted(alike, reverse=True)
    assert alike[2] < 0.3
    assert metrics.signal_to_noise(picture, picture) == math.inf
    assert metrics.signal_to_noise(picture, picture + 0.1) == pytest.approx(20, abs=1e-3)


def test_similarity_is_the_formula_at_one_place() -> None:
    one, other = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    offsets = np.arange(-5, 6)
    bell = np.exp(-(offsets**2) / 4.5)
    window = np.outer(bell, bell) / bell.sum() ** 2
    weights = np.array([0.299, 0.587, 0.114]).reshape(3, 1, 1)
    x, y = ((each[0].numpy() * weights).sum(0) for each in (one, other))
    values = []
    for i in range(22):
        for j in range(22):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            both = (window * (a - mean_a) * (b - mean_b)).sum()
            values.append(
                (2 * mean_a * mean_b + 1e-4)
                * (2 * both + 9e-4)
                / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4))
            )
    assert metrics.similarity(one, other) == pytest.approx(np.mean(values), rel=1e-9)


def test_similarity_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(ImportError, match=r"neural-style-gatys\[metrics\]"):
        metrics.similarity(grain(0.1), grain(0.1))


@pytest.mark.parametrize(
    ("image", "error", "text"),
    [
        ("a.png", TypeError, "image must be a tensor of floats"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError, "image must be a tensor of floats"),
        (torch.zeros(3, 64, 64), ValueError, "image must have shape"),
        (torch.zeros(1, 3, 16, 64), ValueError, "image must have sides of at least 32"),
    ],
    ids=["text", "bytes", "3-d", "small"],
)
def test_what_cannot_be_measured_is_refused(image: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=f"^{text}"):
        metrics.noise(image)


def test_what_does_not_fit_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^periods must be"):
        metrics.grid_peaks(grain(0.1), [1])
    with pytest.raises(ValueError, match=r"^image must have sides of at least 200"):
        metrics.grid_peaks(grain(0.1), [100])
    with pytest.raises(ValueError, match=r"^image must have sides of at least 64"):
        metrics.cells(torch.zeros(1, 3, 48, 80), torch.zeros(1, 3, 48, 80))
    with pytest.raises(ValueError, match=r"^the other image must have the first's shape"):
        metrics.similarity(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 80))
