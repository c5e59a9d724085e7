"""Measuring a result: its noise, its border, its spectrum, how much of the photograph is left.

All take image tensors of shape (1, 3, H, W), RGB in [0, 1], and return plain numbers. Noise is compared at
equal style distance only: blur has none.

Reference:
    Immerkær, "Fast Noise Variance Estimation" (1996); Donoho & Johnstone, "Ideal Spatial Adaptation by Wavelet
    Shrinkage" (1994), for the wavelets' median; Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment:
    From Error Visibility to Structural Similarity" (2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial, reduce
from operator import add

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import luma

BLOCK = 16  # pixels: side of the blocks of which the flattest are looked at
FLATTEST = 0.2  # share of them
POOLED = (2, 4, 8, 16)  # pixels: periods of the network's grids

WINDOW = 64  # pixels: side of the windows whose spectra are looked at for cells
OCTAVES = range(3, 13)  # first frequencies, in cycles per window
MARGIN = 16  # pixels of the border
_SECOND = (1.0, -2.0, 1.0)  # second difference; down and across, Immerkær's mask: blind to planes and edges
_DAUBECHIES = (-0.12940952255092145, -0.22414386804185735, 0.836516303737469, -0.48296291314469025)  # db2, high
_MAD = 0.6744897501960817  # of a standard normal
_NEIGHBOURS = 6  # bins to either side of a peak, the next one left out


def noise(image: Tensor) -> float:
    """Return the standard deviation of the luminance's pixel noise in the flattest parts, by Immerkær's mask.

    σ = √(π/2) / 6 times the mean size of Y convolved with N, over the 20 % of blocks of 16×16 pixels in which
    the smoothed luminance varies least: where there is nothing to see, what is seen is noise. 0.01 is two and a
    half levels of 255.

    >>> grain = 0.5 + 0.02 * torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    >>> round(noise(grain.expand(1, 3, -1, -1)), 2)
    0.02
    """
    return _noise_of(luma(_checked(image)), _flat_blocks(image))


def chroma_noise(image: Tensor) -> float:
    """Return the same of the colour differences R − Y' and B − Y': the mean of both."""
    chroma = (_checked(image) - luma(image))[:, ::2]
    flat = _flat_blocks(image)
    return sum(_noise_of(chroma[:, channel : channel + 1], flat) for channel in range(2)) / 2


def wavelet_noise(image: Tensor) -> float:
    """Return the luminance's noise over the whole picture: the median of its finest diagonal wavelets / 0.6745.

    Daubechies' wavelet of two vanishing moments. Textures count as noise, unlike in `noise`.
    """
    diagonal = _filtered(luma(_checked(image)), _DAUBECHIES)[..., ::2, ::2]
    return diagonal.abs().median().item() / _MAD


def fine_energy(image: Tensor) -> float:
    """Return the share of the luminance's energy, without its mean, above a quarter of a cycle per pixel."""
    power, frequencies = _spectrum(luma(_checked(image)))
    power = power.clone()
    power[0, 0] = 0
    return (power[frequencies > 0.25].sum() / power.sum().clamp(min=torch.finfo(power.dtype).tiny)).item()


def grid_peaks(image: Tensor, periods: Sequence[int] = POOLED) -> dict[int, float]:
    """Return how the power at each grid's frequency compares with its neighbours': 1 where there is no grid.

    The larger of the ratios across and down, of the row-wise (column-wise) power spectrum of the luminance at
    1 / period cycles per pixel to the median of the six frequencies to either side.

    Args:
        image: see the module.
        periods: in pixels, at least 2.

    Raises:
        TypeError, ValueError: if a period is invalid, or the picture is smaller than two of each.
    """
    picture = luma(_checked(image))[0, 0]
    found = {_checks.whole_number("periods", period, minimum=2): 0.0 for period in periods}
    whole = math.lcm(*found)
    if whole * 2 > min(picture.shape):
        rule, advice = f"have sides of at least {2 * whole} pixels for such periods", "Measure a larger one."
        size = f"{picture.shape[0]}×{picture.shape[1]}"
        raise ValueError(_checks.message("image", rule, size, advice))
    for lines in (picture, picture.T):
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
            found[period] = max(found[period], (power[place] / around).item())
    return found


def cells(image: Tensor, content: Tensor) -> float:
    """Return how strongly dots or a honeycomb show where the content is flat; compare with the painting's own.

    The power spectrum of photographs, and of most paintings, falls by two bits or more from octave to octave;
    cells of one size hold it up. This is the least fall, log₂ P(2f) / P(f), over the octaves that begin at
    periods of 21 to 5 pixels, in the mean spectrum of the luminance of those windows of 64×64 pixels, the
    flattest fifth, in which the content's smoothed luminance varies least. About −2 is a plain sky and −1 one
    of strokes; from 0 on there are dots of one size. White noise has 0 too.

    Args:
        image: see the module.
        content: of the same shape: the photograph that it was made from, or the painting itself.

    Raises:
        TypeError, ValueError: if the two cannot be compared, or are smaller than a window.
    """
    _check_alike(image, content)
    if min(image.shape[-2:]) < WINDOW:
        size = f"{image.shape[-2]}×{image.shape[-1]}"
        rule = f"have sides of at least {WINDOW} pixels"
        raise ValueError(_checks.message("image", rule, size, "Measure a larger one."))
    step = WINDOW // 4
    windows = luma(image)[0, 0].unfold(0, WINDOW, step).unfold(1, WINDOW, step)  # (h, w, 64, 64)
    power, frequencies = _spectrum(windows[_flattest(content, WINDOW, step)[0, 0]])
    rings, floor = (frequencies * WINDOW).round(), torch.finfo(power.dtype).tiny
    by_ring = [power[abs(rings - ring) <= 1].mean().clamp(min=floor) for ring in range(2 * OCTAVES[-1] + 1)]
    return max((by_ring[2 * ring] / by_ring[ring]).log2().item() for ring in OCTAVES)


def border_ratio(image: Tensor, margin: int = MARGIN) -> float:
    """Return the roughness of the outermost pixels relative to that of the rest: 1 where there is no frame.

    Mean squared differences of neighbours, across and down.

    Args:
        image: see the module.
        margin: width of the border in pixels.
    """
    height, width = _checked(image).shape[-2:]
    margin = _checks.whole_number("margin", margin, minimum=1, maximum=(min(height, width) - 2) // 2)
    across = (image[..., :-1, 1:] - image[..., :-1, :-1]).square().mean(1)
    down = (image[..., 1:, :-1] - image[..., :-1, :-1]).square().mean(1)
    roughness = (across + down)[0]  # (H - 1, W - 1)
    inside = torch.zeros_like(roughness, dtype=torch.bool)
    inside[margin : height - 1 - margin, margin : width - 1 - margin] = True
    floor = torch.finfo(roughness.dtype).tiny
    return (roughness[~inside].mean() / roughness[inside].mean().clamp(min=floor)).item()


def signal_to_noise(image: Tensor, other: Tensor) -> float:
    """Return the peak signal-to-noise ratio −10 log₁₀ mean (x − y)², in decibels; larger is nearer."""
    _check_alike(image, other)
    error = (image - other).square().mean().item()
    return math.inf if error == 0 else -10 * math.log10(error)


def similarity(image: Tensor, other: Tensor) -> float:
    """Return the mean structural similarity (SSIM) of the luminances: 1 for the same picture.

    With the authors' window, a Gaussian of 1.5 pixels over 11×11, and constants K₁ = 0.01, K₂ = 0.03.

    >>> picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> round(similarity(picture, picture), 6)
    1.0
    """
    _check_alike(image, other)
    x, y = luma(_checked(image)), luma(other)
    bell = [math.exp(-(offset**2) / (2 * 1.5**2)) for offset in range(-5, 6)]
    smoothed = partial(_filtered, taps=[tap / sum(bell) for tap in bell])
    mean_x, mean_y = smoothed(x), smoothed(y)
    var_x, var_y = smoothed(x * x) - mean_x**2, smoothed(y * y) - mean_y**2
    covariance = smoothed(x * y) - mean_x * mean_y
    k1, k2 = 0.01**2, 0.03**2
    alike = (2 * mean_x * mean_y + k1) / (mean_x**2 + mean_y**2 + k1)
    return (alike * (2 * covariance + k2) / (var_x + var_y + k2)).mean().item()


def _noise_of(plane: Tensor, flat: Tensor) -> float:
    """Return Immerkær's σ of a plane (1, 1, H, W) over the blocks that are flat."""
    responses = _filtered(F.pad(plane, (1, 1, 1, 1), mode="reflect"), _SECOND).abs()
    blocks = F.avg_pool2d(responses, BLOCK)
    return (math.sqrt(math.pi / 2) / 6 * blocks[flat].mean()).item()


def _filtered(plane: Tensor, taps: Sequence[float]) -> Tensor:
    """Return a plane (1, 1, H, W) filtered down and across, where the taps have room.

    Not by a convolution, which a GPU would round to TF32.
    """
    for side in (-2, -1):
        length = plane.shape[side] - len(taps) + 1
        shifted = (tap * plane.narrow(side, start, length) for start, tap in enumerate(taps))
        plane = reduce(add, shifted)
    return plane


def _flat_blocks(image: Tensor) -> Tensor:
    """Return which blocks, (1, 1, h, w), are among the flattest."""
    return _flattest(image, BLOCK, BLOCK)


def _flattest(image: Tensor, side: int, step: int) -> Tensor:
    """Return in which windows, (1, 1, h, w), the smoothed luminance varies least."""
    smooth = F.avg_pool2d(F.pad(luma(image), (3, 3, 3, 3), mode="reflect"), 7, stride=1)
    mean, squares = F.avg_pool2d(smooth, side, step), F.avg_pool2d(smooth.square(), side, step)
    variance = squares - mean.square()
    count = max(1, round(FLATTEST * variance.numel()))
    return variance <= variance.flatten().kthvalue(count).values


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


def _checked(image: Tensor) -> Tensor:
    """Return a picture that is one and large enough.

    Raises:
        TypeError, ValueError: if it is not.
    """
    _checks.image_tensor("image", image)
    if min(image.shape[-2:]) < 2 * BLOCK:
        size = f"{image.shape[-2]}×{image.shape[-1]}"
        rule = f"have sides of at least {2 * BLOCK} pixels"
        raise ValueError(_checks.message("image", rule, size, "Measure a larger one."))
    return image


def _check_alike(image: Tensor, other: Tensor) -> None:
    """Check that two pictures can be compared.

    Raises:
        TypeError, ValueError: if they cannot.
    """
    if _checked(image).shape != _checked(other).shape:
        rule = f"have the first's shape {tuple(image.shape)}"
        raise ValueError(_checks.message("the other image", rule, tuple(other.shape), "Resize one of them."))
