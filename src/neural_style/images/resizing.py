"""Image tensors at other sizes. Sizes are (height, width)."""

import math

from torch import Tensor
from torch.nn.functional import interpolate, pad

from neural_style._checks import whole_number

_SUPPORT = 3  # pixels of the coarser picture that the filter reads to either side, and one to spare
_STEEPEST = 32  # reduction in one step: beyond 47, CUDA's antialiasing runs out of shared memory


def size_of(image: Tensor) -> tuple[int, int]:
    """Return (height, width) of a picture."""
    return image.shape[-2], image.shape[-1]


def resize(image: Tensor, size: tuple[int, int], *, clamp: bool = True, wraps: bool = False) -> Tensor:
    """Return an image at another size, antialiased bicubic; the same tensor where it has that size already.

    Args:
        image: shape (B, 3, H, W), float.
        size: (height, width) in pixels.
        clamp: whether to cut off at 0 and 1 what the interpolation overshoots at edges. Without, a picture in
            optimisation, which may lie outside, passes from one size to the next.
        wraps: whether each border sees the opposite one, so that a picture that tiles the plane stays one.

    >>> import torch
    >>> resize(torch.zeros(1, 3, 8, 6), (4, 3)).shape
    torch.Size([1, 3, 4, 3])
    """
    height, width = image.shape[-2:]
    if (height, width) == size:
        return image
    if height > _STEEPEST * size[0] or width > _STEEPEST * size[1]:
        step = (min(height, _STEEPEST * size[0]), min(width, _STEEPEST * size[1]))
        image = resize(image, step, clamp=clamp, wraps=wraps)
    if wraps:
        return _wrapped(image, size, clamp=clamp)
    resized = interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp_(0, 1) if clamp else resized


def _wrapped(image: Tensor, size: tuple[int, int], *, clamp: bool) -> Tensor:
    """Resize a picture that tiles the plane, with as much of its copies around it as the filter reads."""
    (above, top), (aside, left) = (_margin(*sides) for sides in zip(image.shape[-2:], size, strict=True))
    extended = pad(image, (aside, aside, above, above), mode="circular")
    height, width = size
    resized = resize(extended, (height + 2 * top, width + 2 * left), clamp=clamp)
    return resized[..., top : top + height, left : left + width].contiguous()


def _margin(before: int, after: int) -> tuple[int, int]:
    """Return a margin in pixels, before and after, of the same ratio as the sides, that the filter lies within.

    Sides on the grid of a pyramid share large divisors, so that it is narrow. Where they do not, it is at most
    a whole copy.
    """
    unit = math.gcd(before, after)
    reach = _SUPPORT * max(1.0, before / after)  # in pixels of before
    count = min(math.ceil(reach / (before // unit)), unit)
    return count * before // unit, count * after // unit


def fit_within(size: tuple[int, int], longer_side: int | None) -> tuple[int, int]:
    """Return (height, width) scaled to a longer side of so many pixels, each side at least 1; None keeps them.

    >>> fit_within((768, 1024), 512)
    (384, 512)
    """
    if longer_side is None:
        return size
    ratio = whole_number("size", longer_side, minimum=1) / max(size)
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))
