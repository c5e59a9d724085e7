"""Grids and cells of pictures that have them."""

from __future__ import annotations

import math

import pytest
import torch

from drawn import grain
from neural_style import metrics


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
    for period in (3, 6, 8, 10):
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


def test_what_does_not_fit_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^periods must be"):
        metrics.grid_peaks(grain(0.1), [1])
    with pytest.raises(ValueError, match=r"^image must have sides of at least 200"):
        metrics.grid_peaks(grain(0.1), [100])
    with pytest.raises(ValueError, match=r"^image must have sides of at least 64"):
        metrics.cells(torch.zeros(1, 3, 48, 80), torch.zeros(1, 3, 48, 80))
