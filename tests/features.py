"""Features drawn by a seed, and how near a tensor is to NumPy's array."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import reference

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}  # relative to the largest value expected
DTYPES = list(TOLERANCE)
N, H, W = 5, 4, 7  # H ≠ W, and H · W ≠ N, so that no transposition goes unseen


def normal(
    *shape: int, seed: int, dtype: torch.dtype = torch.float64, device: str | torch.device = "cpu"
) -> Tensor:
    """Normal deviates, about half of them negative, made on the CPU and then moved."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(device=device, dtype=dtype)


def array(tensor: Tensor) -> reference.Array:
    """A batch of one as the float64 array (N, H, W) that the reference takes."""
    assert len(tensor) == 1
    return tensor[0].detach().double().cpu().numpy()


def matches(actual: Tensor, expected: float | reference.Array, tolerance: float) -> bool:
    """Whether shape and values agree, the values to `tolerance` of the largest expected one."""
    wanted = np.asarray(expected, dtype=np.float64)
    got = actual.detach().double().cpu().numpy()
    return got.shape == wanted.shape and bool(np.abs(got - wanted).max() <= tolerance * np.abs(wanted).max())
