"""The correspondence maps of a transfer: what of two pictures is to agree, here their blurred luminance."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from neural_style.images.color import luma


def correspondence_maps(source: Tensor, target: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """Return the blurred luminance of source and target, the target's with the source's distribution.

    The paper takes blurred luminance as it is. Here the target's is first mapped so that its values are
    distributed as the source's: a dark photograph then finds its light places in a dark painting too.

    Args:
        source: shape (3, H, W).
        target: shape (3, h, w).
        radius: standard deviation of the blur in pixels; 0 does not blur.

    Returns:
        Tensors of shapes (1, H, W) and (1, h, w), in [0, 1].
    """
    maps = [blurred(luma(image.unsqueeze(0))[0], radius) for image in (source, target)]
    return maps[0], match_histogram(maps[1], maps[0])


def blurred(plane: Tensor, radius: float) -> Tensor:
    """Return a plane (1, H, W) blurred by a Gaussian, which reads copies of the border's pixels beyond it.

    >>> blurred(torch.eye(3).view(1, 3, 3), 0.5)[0, 1]
    tensor([0.1791, 0.6415, 0.1791])
    """
    reach = math.ceil(3 * radius)
    if reach == 0:
        return plane
    offsets = torch.arange(-reach, reach + 1, dtype=plane.dtype, device=plane.device)
    kernel = torch.exp(-(offsets**2) / (2 * radius**2))
    kernel = (kernel / kernel.sum()).view(1, 1, -1)
    for _direction in range(2):
        rows = pad(plane, (reach, reach), mode="replicate").movedim(0, 1)  # (H, 1, W)
        plane = conv1d(rows, kernel).movedim(1, 0).mT
    return plane


def match_histogram(plane: Tensor, reference: Tensor) -> Tensor:
    """Return a plane whose values are mapped, in their order, to those of another: histogram matching.

    A value that is larger than a share p of its plane becomes the reference's quantile p. Equal values stay
    equal: they take the middle of their share.

    >>> match_histogram(torch.tensor([[[3.0, 1.0, 2.0]]]), torch.tensor([[[0.0, 0.5, 1.0]]]))
    tensor([[[1.0000, 0.0000, 0.5000]]])
    """
    values, ordered = plane.flatten().contiguous(), plane.flatten().sort().values
    below = torch.searchsorted(ordered, values) + torch.searchsorted(ordered, values, right=True)
    wanted = reference.flatten().sort().values
    share = (below.float() - 1) / (2 * max(1, len(values) - 1))  # in [0, 1]
    at = share * (len(wanted) - 1)
    lower = at.long().clamp(max=len(wanted) - 1)
    upper = (lower + 1).clamp(max=len(wanted) - 1)
    return torch.lerp(wanted[lower], wanted[upper], at - lower).view_as(plane)
