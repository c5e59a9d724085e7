"""What counts as roughness: the differences of neighbouring pixels that a total variation sums."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

EDGE = 0.1  # of the range: where the isotropic form goes over from squares to lengths

Parts = list[tuple[float, Tensor]]  # weights, and values whose mean counts with them


def squares(image: Tensor, rows: int, columns: int) -> Parts:
    """Return (x_{i,j+1} − x_{i,j})² and (x_{i+1,j} − x_{i,j})²: the four neighbours, squared (L2).

    Args:
        image: shape (B, C, H, W).
        rows: H, or H − 1 where the last row is there to be compared with only.
        columns: likewise.
    """
    across = image[..., :rows, 1:] - image[..., :rows, :-1]
    down = image[..., 1:, :columns] - image[..., :-1, :columns]
    return [(1.0, across.square()), (1.0, down.square())]


def nine_point(image: Tensor, rows: int, columns: int) -> Parts:
    """Return the squares with all eight neighbours: half the four's, a quarter of both diagonals'.

    On a smooth picture they come to the same as `squares`; fine forms count alike in every direction, where the
    four neighbours see a chequerboard twice as rough as stripes.
    """
    falling = image[..., 1:, 1:] - image[..., :-1, :-1]
    rising = image[..., 1:, :-1] - image[..., :-1, 1:]
    (_, across), (_, down) = squares(image, rows, columns)
    return [(0.5, across), (0.5, down), (0.25, falling.square()), (0.25, rising.square())]


def isotropic(image: Tensor, rows: int, columns: int) -> Parts:
    """Return √(dx² + dy² + ε²) − ε: the gradient's length (L1), rounded below ε.

    An edge counts by its height and not by its square, so that it may stay one while the grain on either side
    goes. Below ε = 0.1 differences count by their squares after all: the smaller ε, the more of a style's fine
    texture is gathered in single bright dots, which cost the least. Beyond the last row and column nothing
    differs.

    Reference: Rudin, Osher & Fatemi, "Nonlinear total variation based noise removal algorithms" (1992), with
    the rounding of Charbonnier et al. (1994).
    """
    across = image[..., :rows, 1:] - image[..., :rows, :-1]
    down = image[..., 1:, :columns] - image[..., :-1, :columns]
    across, down = F.pad(across, (0, columns - across.shape[-1])), F.pad(down, (0, 0, 0, rows - down.shape[-2]))
    length = (across.square() + down.square() + EDGE**2).sqrt()
    return [(1.0, length - EDGE)]


VARIATIONS: dict[str, Callable[[Tensor, int, int], Parts]] = {
    "squares": squares,
    "nine-point": nine_point,
    "isotropic": isotropic,
}


def differences(image: Tensor, kind: str, *, next_row: bool = False, next_column: bool = False) -> Parts:
    """Return the weighted parts of a kind of variation, of a picture or of a tile of it.

    Args:
        image: shape (B, C, H, W).
        kind: a name of `VARIATIONS`.
        next_row: whether the last row is the next tile's, there to be compared with only.
        next_column: whether the last column is.
    """
    return VARIATIONS[kind](image, image.shape[-2] - next_row, image.shape[-1] - next_column)
