"""The minimum-error boundary cut: where a new block replaces what it overlaps, by dynamic programming.

Reference:
    Efros & Freeman, "Image Quilting for Texture Synthesis and Transfer" (SIGGRAPH 2001), section 2.1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad


def new_pixels(errors: Tensor, overlap: int, *, left: bool, top: bool) -> Tensor:
    """Return which pixels of a new block replace the old ones: those beyond the cut of least error.

    With an overlap on the left the cut runs from top to bottom, with one at the top from left to right. With
    both, a path from the bottom and one from the right meet at the pixel of the corner that makes their sum
    least. The cut's own pixels are new.

    Args:
        errors: squared differences of new and old pixels, shape (N, b, b). Only the overlaps are read.
        overlap: width of the overlaps in pixels.
        left: whether the block overlaps what lies to its left.
        top: whether it overlaps what lies above it.

    Returns:
        Bool tensor of shape (N, b, b).

    >>> errors = torch.tensor([[[9.0, 1, 0], [1, 9, 0], [9, 1, 0]]])
    >>> new_pixels(errors, 2, left=True, top=False).int()
    tensor([[[0, 1, 1],
             [1, 1, 1],
             [0, 1, 1]]], dtype=torch.int32)
    """
    count, block = errors.shape[:2]
    columns = rows = torch.zeros(count, block, dtype=torch.long, device=errors.device)  # (N, b): the first
    strips = [errors[:, :, :overlap], errors[:, :overlap].mT]  # (N, b, o)
    if left and top:
        down, across = (path_costs(strip) for strip in strips)
        corner = down[:, :overlap] + across[:, :overlap].mT - errors[:, :overlap, :overlap]
        best = corner.flatten(1).argmin(1)
        row, column = best // overlap, best % overlap
        columns, rows = follow(down, row, column), follow(across, column, row)
    elif left:
        columns = minimum_cut(strips[0])
    elif top:
        rows = minimum_cut(strips[1])
    index = torch.arange(block, device=errors.device)
    return (index >= columns.unsqueeze(2)) & (index.unsqueeze(1) >= rows.unsqueeze(1))


def minimum_cut(errors: Tensor) -> Tensor:
    """Return the path of least error from top to bottom, a column for each row.

    From row to row it moves by at most one column. It is found from the bottom up:
    C(i, j) = e(i, j) + min(C(i + 1, j − 1), C(i + 1, j), C(i + 1, j + 1)).

    Args:
        errors: e, shape (N, h, w).

    Returns:
        Tensor of whole numbers from 0 to w − 1, shape (N, h).

    >>> minimum_cut(torch.tensor([[[9.0, 1, 0], [1, 9, 5], [9, 1, 7]]]))
    tensor([[1, 0, 1]])
    """
    costs = path_costs(errors)
    column = costs[:, 0].argmin(1)
    return follow(costs, torch.zeros_like(column), column)


def path_costs(errors: Tensor) -> Tensor:
    """Return C, the least error of a path from each pixel to the bottom, shape (N, h, w). See `minimum_cut`."""
    costs = list(errors.unbind(1))
    for row in reversed(range(len(costs) - 1)):
        costs[row] = costs[row] + pad(costs[row + 1], (1, 1), value=math.inf).unfold(1, 3, 1).amin(2)
    return torch.stack(costs, 1)


def follow(costs: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return the path of least error from a pixel to the bottom, and straight up from it, shape (N, h).

    Args:
        costs: C, shape (N, h, w).
        row: of the pixel, shape (N,).
        column: of the pixel, shape (N,).
    """
    near = torch.arange(3, device=costs.device)
    path = [column]
    for here, below in enumerate(costs.unbind(1)[1:]):
        nearest = pad(below, (1, 1), value=math.inf).gather(1, column.unsqueeze(1) + near)  # (N, 3)
        column = torch.where(row <= here, column + nearest.argmin(1) - 1, column)
        path.append(column)
    return torch.stack(path, 1)
