"""How much of a photograph is left: likenesses of luminance, 1 for the same picture.

Reference:
    Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity"
    (2004); Wang, Simoncelli & Bovik, "Multiscale Structural Similarity for Image Quality Assessment" (2003);
    Xue, Zhang, Mou & Bovik, "Gradient Magnitude Similarity Deviation" (2014).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style.images.color import luma
from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import library, pair

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of MS-SSIM, from the finest
WINDOW, SPREAD = 11, 1.5  # pixels: side of SSIM's window, and its Gaussian's deviation
C1, C2 = 0.01**2, 0.03**2  # of SSIM
GRADIENT_FLOOR = 170 / 255**2  # c of the gradient magnitude similarity


def similarity(image: ImageSource, content: ImageSource) -> float:
    """Return the mean structural similarity (SSIM) of the luminances: 1 for the same picture, less for others.

    With the authors' window, a Gaussian of 1.5 pixels over 11×11, and constants K₁ = 0.01, K₂ = 0.03.

    Args:
        image: the picture, of any kind that `load_image` takes.
        content: the photograph, of the same size.

    Raises:
        ImportError: if scikit-image is not installed.
        OSError, TypeError, ValueError: if the two cannot be compared.

    >>> picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> round(similarity(picture, picture), 3)
    1.0
    """
    metrics = library("skimage.metrics", "similarity")
    x, y = (plane[0, 0].numpy() for plane in _luminances(image, content))
    return float(
        metrics.structural_similarity(x, y, gaussian_weights=True, use_sample_covariance=False, data_range=1.0)
    )


def multiscale_similarity(image: ImageSource, content: ImageSource) -> float:
    """Return the multiscale structural similarity (MS-SSIM) of the luminances: 1 for the same, 0 at the least.

    Πⱼ c̄ⱼ^wⱼ · (mean of l c)^w_M, with c = (2 σ_xy + C₂) / (σ_x² + σ_y² + C₂), contrast and structure, and
    l = (2 µ_x µ_y + C₁) / (µ_x² + µ_y² + C₁), luminance, over windows as `similarity` has. Scale j is the
    picture averaged over blocks of 2^(j−1) pixels, and w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333. A negative
    mean counts as 0.

    Where the shorter side is less than 161 pixels, the coarsest scales, which a window does not fit into, are
    left out, and the other weights enlarged to the same sum: compare such numbers at the same size only.

    Args:
        image: the picture, of any kind that `load_image` takes.
        content: the photograph, of the same size.

    Raises:
        OSError, TypeError, ValueError: if the two cannot be compared.

    >>> picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> round(multiscale_similarity(picture, picture), 3)
    1.0
    """
    x, y = _luminances(image, content)
    means = []
    for _scale in SCALE_WEIGHTS:
        if min(x.shape[-2:]) < WINDOW:
            break
        luminance, structure = _ssim_maps(x, y)
        means.append(structure.mean())
        last = (luminance * structure).mean()
        x, y = (F.avg_pool2d(plane, 2, ceil_mode=True) for plane in (x, y))
    values = torch.stack([*means[:-1], last]).clamp(min=0)
    weights = torch.tensor(SCALE_WEIGHTS, dtype=values.dtype, device="cpu")
    used = weights[: len(means)]
    return (values ** (used * weights.sum() / used.sum())).prod().item()


def gradient_similarity(image: ImageSource, content: ImageSource) -> float:
    """Return the mean gradient magnitude similarity of the luminances: 1 for the same edges, else less.

    The mean of (2 m n + c) / (m² + n² + c) over the pixels, with m and n the lengths of Prewitt's gradients of
    the two luminances, averaged over blocks of 2×2 pixels, and c = 170 / 255². Colours, and edges' directions,
    do not count.

    The authors go on to the map's deviation; its mean is in their paper too. They pad the pictures with zeros,
    whose edge is not the picture's: here only pixels with all neighbours count.

    Args:
        image: the picture, of any kind that `load_image` takes.
        content: the photograph, of the same size.

    Raises:
        OSError, TypeError, ValueError: if the two cannot be compared.

    >>> picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> round(gradient_similarity(picture, 1 - picture), 3)  # the same edges, the other way round
    1.0
    """
    one, other = (_gradient_magnitude(F.avg_pool2d(plane, 2)) for plane in _luminances(image, content))
    likeness = (2 * one * other + GRADIENT_FLOOR) / (one.square() + other.square() + GRADIENT_FLOOR)
    return likeness.mean().item()


def _luminances(image: ImageSource, content: ImageSource) -> list[Tensor]:
    """Return the luminances of two pictures of the same size, (1, 1, H, W), float64 on the CPU."""
    return [luma(picture.cpu().double()) for picture in pair(image, content)]


def _ssim_maps(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps of luminance l and of contrast and structure c, where whole windows lie inside."""
    offsets = torch.arange(WINDOW, dtype=x.dtype, device="cpu") - WINDOW // 2
    bell = (-offsets.square() / (2 * SPREAD**2)).exp()
    bell = bell / bell.sum()

    def windowed(plane: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(plane, bell.view(1, 1, -1, 1)), bell.view(1, 1, 1, -1))

    mean_x, mean_y = windowed(x), windowed(y)
    variances = windowed(x.square()) - mean_x.square() + windowed(y.square()) - mean_y.square()
    covariance = windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    return luminance, (2 * covariance + C2) / (variances + C2)


def _gradient_magnitude(plane: Tensor) -> Tensor:
    """Return the length of Prewitt's gradient of a plane (1, 1, H, W), (1, 1, H - 2, W - 2)."""
    across = torch.tensor([1.0, 0.0, -1.0], dtype=plane.dtype, device="cpu").expand(1, 1, 3, 3) / 3
    return (F.conv2d(plane, across).square() + F.conv2d(plane, across.mT).square()).sqrt()
