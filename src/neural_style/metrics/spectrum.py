"""Regular patterns that a spectrum shows: grids, dots and honeycombs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import luma
from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import pair, picture
from neural_style.metrics.pixel_noise import flattest

POOLED = (2, 4, 8, 16)  # pixels: periods of the network's grids
WINDOW = 64  # pixels: side of the windows whose spectra may show cells
OCTAVES = range(3, 13)  # first frequencies, in cycles per window
_NEIGHBOURS = 6  # frequencies to either side of a peak; those next to it are left out


def grid_peaks(image: ImageSource, periods: Sequence[int] = POOLED) -> dict[int, float]:
    """Return by period how strongly a grid shows: about 1 where there is none, larger for stronger.

    The value is the power of the luminance's spectrum along rows at 1 / period cycles per pixel, relative to
    the median of the six frequencies to either side; or that along columns, if it is larger.

    Args:
        image: the picture, of any kind that `load_image` takes.
        periods: of the grids, in pixels, at least 2.

    Raises:
        OSError, TypeError, ValueError: if an argument is invalid, or the picture is smaller than two common
            multiples of all periods.
    """
    plane = luma(picture("image", image))[0, 0]
    peaks = {_checks.whole_number("periods", period, minimum=2): 0.0 for period in periods}
    whole = math.lcm(*peaks)
    if whole * 2 > min(plane.shape):
        rule, advice = f"have sides of at least {2 * whole} pixels for such periods", "Measure a larger one."
        size = f"{plane.shape[0]}×{plane.shape[1]}"
        raise ValueError(_checks.message("image", rule, size, advice))
    for lines in (plane, plane.T):
        length = lines.shape[1] // whole * whole  # so that every period falls on a frequency
        window = torch.hann_window(length, periodic=True, dtype=lines.dtype, device="cpu").to(lines.device)
        centred = lines[:, :length] - lines[:, :length].mean(1, keepdim=True)
        power = torch.fft.rfft(centred * window).abs().square().mean(0)
        for period in periods:
            place = length // period
            near = [
                number
                for number in range(place - _NEIGHBOURS - 1, place + _NEIGHBOURS + 2)
                if abs(number - place) > 1 and 0 < number < len(power)
            ]
            around = power[near].median().clamp(min=torch.finfo(power.dtype).tiny)
            peaks[period] = max(peaks[period], (power[place] / around).item())
    return peaks


def cells(image: ImageSource, content: ImageSource) -> float:
    """Return how strongly dots or a honeycomb show where the content is flat; larger is stronger.

    The power spectrum P of photographs, and of most paintings, falls to a quarter or less from octave to
    octave; cells of one size hold it up. The value is the largest log₂ P(2f) / P(f) over the octaves that begin
    at periods of 21 to 5 pixels. P is the mean spectrum of the luminance in windows of 64×64 pixels, in the
    fifth of them in which the content's smoothed luminance varies least. A plain sky has about −2, a sky of
    brush strokes −1, dots of one size 0 or more; white noise has 0 too. Compare with the value of the painting
    itself.

    Args:
        image: the picture, of any kind that `load_image` takes.
        content: the photograph that the picture was made from, or the painting itself; of the same size.

    Raises:
        OSError, TypeError, ValueError: if the two cannot be compared, or are smaller than a window.
    """
    image, content = pair(image, content, WINDOW)
    step = WINDOW // 4
    windows = luma(image)[0, 0].unfold(0, WINDOW, step).unfold(1, WINDOW, step)  # (h, w, 64, 64)
    power, frequencies = _spectrum(windows[flattest(content, WINDOW, step)[0, 0]])
    rings, floor = (frequencies * WINDOW).round(), torch.finfo(power.dtype).tiny
    by_ring = [power[abs(rings - ring) <= 1].mean().clamp(min=floor) for ring in range(2 * OCTAVES[-1] + 1)]
    return max((by_ring[2 * ring] / by_ring[ring]).log2().item() for ring in OCTAVES)


def _spectrum(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean power spectrum (H, W) of planes (…, H, W), and the frequencies in cycles per pixel."""
    height, width = planes.shape[-2:]
    window = torch.outer(
        *(torch.hann_window(side, dtype=planes.dtype, device="cpu") for side in (height, width))
    )
    centred = planes.reshape(-1, height, width)
    centred = (centred - centred.mean((1, 2), keepdim=True)) * window.to(planes.device)
    power = torch.fft.fft2(centred).abs().square().mean(0)
    down, across = (torch.fft.fftfreq(side, dtype=planes.dtype, device="cpu") for side in (height, width))
    return power, (down.unsqueeze(1).square() + across.square()).sqrt().to(planes.device)
