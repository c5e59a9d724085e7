"""Image tensors at other sizes. Sizes are (height, width)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from neural_style._checks import whole_number

_STEEPEST = 32  # reduction in one step: beyond 47, CUDA's antialiasing runs out of shared memory


def resize(image: Tensor, size: tuple[int, int], *, clamp: bool = True) -> Tensor:
    """Return an image at another size, antialiased bicubic; the same tensor where it has that size already.

    Args:
        image: shape (B, 3, H, W), float.
        size: (height, width) in pixels.
        clamp: whether to cut off at 0 and 1 what the interpolation overshoots at edges. Without, a picture in
            optimisation, which may lie outside, passes from one size to the next.

    >>> resize(torch.zeros(1, 3, 8, 6), (4, 3)).shape
    torch.Size([1, 3, 4, 3])
    """
    height, width = image.shape[-2:]
    if (height, width) == size:
        return image
    if height > _STEEPEST * size[0] or width > _STEEPEST * size[1]:
        image = resize(image, (min(height, _STEEPEST * size[0]), min(width, _STEEPEST * size[1])), clamp=clamp)
    resized = interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp_(0, 1) if clamp else resized


def fit_within(size: tuple[int, int], longer_side: int) -> tuple[int, int]:
    """Return `size`, (height, width), scaled to a longer side of so many pixels, each side at least 1.

    >>> fit_within((768, 1024), 512)
    (384, 512)
    """
    ratio = whole_number("longer_side", longer_side, minimum=1) / max(size)
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))
