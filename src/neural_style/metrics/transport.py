"""Optimal transport along lines: how far two samples of numbers are apart.

Reference:
    Rabin, Peyré, Delon & Bernot, "Wasserstein Barycenter and Its Application to Texture Mixing" (SSVM 2011).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate


def squared_wasserstein(samples: Tensor, others: Tensor) -> Tensor:
    """Return the squared 2-Wasserstein distance of two samples, line by line: ∫ (F⁻¹(t) − G⁻¹(t))² dt.

    F⁻¹ and G⁻¹ are the quantile functions: the sorted numbers. The smaller sample's are interpolated, linearly,
    at the places of the larger one's.

    Args:
        samples: shape (K, N): N numbers on each of K lines; on the CPU.
        others: shape (K, M).

    Returns:
        Tensor of shape (K,), float64, at least 0.

    >>> squared_wasserstein(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[5.0, 4.0, 6.0]]))
    tensor([9.], dtype=torch.float64)
    """
    count = max(samples.shape[1], others.shape[1])
    return (_quantiles(samples, count) - _quantiles(others, count)).double().square().mean(1)


def _quantiles(samples: Tensor, count: int) -> Tensor:
    """Return the quantiles of samples (K, N) at (i + ½) / count, shape (K, count)."""
    ordered = torch.from_numpy(np.sort(samples.numpy(), axis=1))  # several times as fast as torch's
    if samples.shape[1] == count:
        return ordered
    return interpolate(ordered.unsqueeze(0), count, mode="linear", align_corners=False)[0]


def random_directions(dimensions: int, count: int, seed: int) -> Tensor:
    """Return unit vectors at random, in groups of orthonormal ones, shape (count, dimensions), float64."""
    generator = torch.Generator().manual_seed(seed)
    groups = []
    for start in range(0, count, dimensions):
        size = min(dimensions, count - start)
        normal = torch.randn(dimensions, size, generator=generator, dtype=torch.float64, device="cpu")
        groups.append(torch.linalg.qr(normal).Q.T)
    return torch.cat(groups)
