"""Colour statistics: giving one picture the colours of another.

Reference:
    Pitié & Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer"
    (CVMP 2007).
"""

from __future__ import annotations

import torch
from torch import Tensor

_NOISE = 1e-3  # added to each variance: a grey picture has no colours that a map could spread


def match_colors(image: Tensor, target: Tensor) -> Tensor:
    """Return `image` with the mean and covariance that RGB has in `target`, by the linear map that moves least.

    x ↦ T (x − µ) + µ', T = Σ^{-½} (Σ^{½} Σ' Σ^{½})^{½} Σ^{-½}, with µ, Σ the mean and covariance over the
    image's pixels and µ', Σ' over the target's, each covariance with 10⁻³ added to its diagonal. Of all linear
    maps between the two it changes colours least, so that blue stays the bluest. What leaves [0, 1] is cut off.

    Args:
        image: shape (1, 3, H, W), RGB in [0, 1].
        target: shape (1, 3, H', W'), RGB in [0, 1].

    Returns:
        Tensor of the image's shape, in [0, 1], float32.

    >>> grey = torch.full((1, 3, 4, 4), 0.5)
    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    >>> match_colors(grey, red)[0, :, 0, 0]
    tensor([1., 0., 0.])
    """
    pixels = image[0].flatten(1)  # (3, M)
    mean, covariance = _statistics(image)
    target_mean, target_covariance = _statistics(target)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    transform = inverse @ _power(root @ target_covariance @ root, 0.5) @ inverse  # (3, 3)
    shift = target_mean - transform @ mean  # (3, 1)
    matched = transform.float().to(pixels) @ pixels + shift.float().to(pixels)
    return matched.reshape(image.shape).clamp(0, 1)


def _statistics(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (3, 1) and covariance (3, 3) of a picture's pixels, float64 on the CPU."""
    pixels = image[0].flatten(1)
    mean = pixels.mean(1, keepdim=True)
    centred = pixels - mean
    covariance = (centred @ centred.T / pixels.shape[1]).cpu().double()  # in this order: MPS has no float64
    return mean.cpu().double(), covariance + _NOISE * torch.eye(3, dtype=torch.float64, device="cpu")


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric positive definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = (vectors * values**exponent) @ vectors.T
    return power
