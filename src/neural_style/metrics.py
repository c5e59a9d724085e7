"""Measuring a result: its noise, its border, its spectrum, how much of the photograph is left.

All functions take image tensors of shape (1, 3, H, W), RGB in [0, 1], with sides of at least 32 pixels, and
return plain numbers. They raise TypeError or ValueError for others. Compare noise at equal style distance only:
blur has none.

Reference:
    Immerkær, "Fast Noise Variance Estimation" (1996); Donoho & Johnstone, "Ideal Spatial Adaptation by Wavelet
    Shrinkage" (1994), for the wavelets' median; Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment:
    From Error Visibility to Structural Similarity" (2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import luma

BLOCK = 16  # pixels: side of the blocks whose noise is measured
FLATTEST = 0.2  # share of the blocks, or windows, that count as flat
POOLED = (2, 4, 8, 16)  # pixels: periods of the network's grids

WINDOW = 64  # pixels: side of the windows whose spectra may show cells
OCTAVES = range(3, 13)  # first frequencies, in cycles per window
MARGIN = 16  # pixels: width of the border
_SECOND = (1.0, -2.0, 1.0)  # second difference; down and across, Immerkær's mask: blind to planes and edges
_DAUBECHIES = (-0.12940952255092145, -0.22414386804185735, 0.836516303737469, -0.48296291314469025)  # high-pass
_MAD = 0.6744897501960817  # median of the size of a standard normal variable
_NEIGHBOURS = 6  # frequencies to either side of a peak; those next to it are left out


def noise(image: Tensor) -> float:
    """Return the standard deviation σ of the luminance's pixel noise in the flattest parts of a picture.

    σ = √(π/2) / 6 times the mean size of Y convolved with Immerkær's mask N, over the 20 % of blocks of 16×16
    pixels in which the smoothed luminance varies least. Larger is noisier; 0.01 is two and a half levels of
    255.

    >>> grain = 0.5 + 0.02 * torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    >>> round(noise(grain.expand(1, 3, -1, -1)), 2)
    0.02
    """
    return _noise_of(luma(_checked(image)), _flattest(image, BLOCK, BLOCK))


def chroma_noise(image: Tensor) -> float:
    """Return the mean of σ, as in `noise`, of the colour differences R − Y' and B − Y'."""
    chroma = (_checked(image) - luma(image))[:, ::2]
    flat = _flattest(image, BLOCK, BLOCK)
    return sum(_noise_of(chroma[:, channel : channel + 1], flat) for channel in range(2)) / 2


def wavelet_noise(image: Tensor) -> float:
    """Return σ of the luminance's noise over the whole picture: the median size of d, divided by 0.6745.

    d are the diagonal coefficients of the finest level, for Daubechies' wavelet with two vanishing moments.
    Texture counts as noise here.
    """
    diagonal = _filtered(luma(_checked(image)), _DAUBECHIES)[..., ::2, ::2]
    return diagonal.abs().median().item() / _MAD


def fine_energy(image: Tensor) -> float:
    """Return the share of the luminance's energy above 1/4 cycle per pixel, 0 … 1; the mean does not count."""
    power, frequencies = _spectrum(luma(_checked(image)))
    power = power.clone()
    power[0, 0] = 0
    return (power[frequencies > 0.25].sum() / power.sum().clamp(min=torch.finfo(power.dtype).tiny)).item()


def grid_peaks(image: Tensor, periods: Sequence[int] = POOLED) -> dict[int, float]:
    """Return by period how strongly a grid shows: about 1 where there is none, larger for stronger.

    The value is the power of the luminance's spectrum along rows at 1 / period cycles per pixel, relative to
    the median of the six frequencies to either side; or that along columns, if it is larger.

    Args:
        image: see the module.
        periods: of the grids, in pixels, at least 2.

    Raises:
        TypeError, ValueError: if a period is invalid, or the picture is smaller than two common multiples of
        all.
    """
    picture = luma(_checked(image))[0, 0]
    peaks = {_checks.whole_number("periods", period, minimum=2): 0.0 for period in periods}
    whole = math.lcm(*peaks)
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
            peaks[period] = max(peaks[period], (power[place] / around).item())
    return peaks


def cells(image: Tensor, content: Tensor) -> float:
    """Return how strongly dots or a honeycomb show where the content is flat; larger is stronger.

    The power spectrum P of photographs, and of most paintings, falls to a quarter or less from octave to
    octave; cells of one size hold it up. The value is the largest log₂ P(2f) / P(f) over the octaves that begin
    at periods of 21 to 5 pixels. P is the mean spectrum of the luminance in windows of 64×64 pixels, in the
    fifth of them in which the content's smoothed luminance varies least. A plain sky has about −2, a sky of
    brush strokes −1, dots of one size 0 or more; white noise has 0 too. Compare with the value of the painting
    itself.

    Args:
        image: see the module.
        content: the photograph that the picture was made from, or the painting itself; of the same shape.

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

    Roughness is the mean squared difference of neighbours, across and down.

    Args:
        image: see the module.
        margin: width of the border in pixels, from 1.
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
    """Return the mean structural similarity (SSIM) of the luminances: 1 for the same picture, less for others.

    With the authors' window, a Gaussian of 1.5 pixels over 11×11, and constants K₁ = 0.01, K₂ = 0.03.

    Raises:
        ImportError: if scikit-image is not installed.
        TypeError, ValueError: if the two cannot be compared.
    """
    _check_alike(image, other)
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        text = "similarity needs scikit-image: pip install 'neural-style-gatys[metrics]'"
        raise ImportError(text) from error
    x, y = (luma(picture)[0, 0].double().cpu().numpy() for picture in (image, other))
    return float(
        structural_similarity(x, y, gaussian_weights=True, use_sample_covariance=False, data_range=1.0)
    )


def _noise_of(plane: Tensor, flat: Tensor) -> float:
    """Return Immerkær's σ of a plane (1, 1, H, W) over the blocks that `flat` (1, 1, h, w) selects."""
    responses = _filtered(F.pad(plane, (1, 1, 1, 1), mode="reflect"), _SECOND).abs()
    blocks = F.avg_pool2d(responses, BLOCK)
    return (math.sqrt(math.pi / 2) / 6 * blocks[flat].mean()).item()


def _filtered(plane: Tensor, taps: Sequence[float]) -> Tensor:
    """Return a plane (1, 1, H, W) filtered down and across, only where the whole filter lies inside.

    A convolution would be rounded to TF32 on a GPU, these sums are not.
    """
    for side in (-2, -1):
        length = plane.shape[side] - len(taps) + 1
        shifted = (tap * plane.narrow(side, start, length) for start, tap in enumerate(taps))
        plane = reduce(add, shifted)
    return plane


def _flattest(image: Tensor, side: int, step: int) -> Tensor:
    """Return in which windows of a side, a step apart, the smoothed luminance varies least, (1, 1, h, w)."""
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
    """Return the picture.

    Raises:
        TypeError, ValueError: if it is no picture, or has a side of less than 32 pixels.
    """
    _checks.image_tensor("image", image)
    if min(image.shape[-2:]) < 2 * BLOCK:
        size = f"{image.shape[-2]}×{image.shape[-1]}"
        rule = f"have sides of at least {2 * BLOCK} pixels"
        raise ValueError(_checks.message("image", rule, size, "Measure a larger one."))
    return image


def _check_alike(image: Tensor, other: Tensor) -> None:
    """Raise TypeError or ValueError unless both are pictures, of the same shape."""
    if _checked(image).shape != _checked(other).shape:
        rule = f"have the first's shape {tuple(image.shape)}"
        raise ValueError(_checks.message("the other image", rule, tuple(other.shape), "Resize one of them."))
