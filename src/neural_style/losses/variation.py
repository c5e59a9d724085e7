"""Total variation: functions of neighbouring pixels whose means add up to a picture's roughness."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

EDGE = 0.1  # ε, for pixels in [0, 1]: differences below it count by their squares, above by their length


def squares(image: Tensor, rows: int, columns: int) -> list[Tensor]:
    """Return (x_{i,j+1} − x_{i,j})² and (x_{i+1,j} − x_{i,j})², the squared (L2) form.

    Args:
        image: shape (B, C, H, W).
        rows: H, or H − 1 where the last row only serves the row before it as its neighbour.
        columns: W, or W − 1 where the last column only serves the column before it.
    """
    across = image[..., :rows, 1:] - image[..., :rows, :-1]
    down = image[..., 1:, :columns] - image[..., :-1, :columns]
    return [across.square(), down.square()]


def isotropic(image: Tensor, rows: int, columns: int) -> list[Tensor]:
    """Return √(dx² + dy² + ε²) − ε, the length of the gradient (L1), rounded below ε = 0.1.

    An edge counts by its height and not by its square, so that it may stay while the grain on either side goes.
    Differences below ε count by their squares: with a smaller ε more of a style's fine texture is gathered in
    single bright dots, which cost the least. Beyond the last row and column the differences are 0.

    The arguments are those of `squares`.

    Reference: Rudin, Osher & Fatemi, "Nonlinear total variation based noise removal algorithms" (1992), with
    the rounding of Charbonnier et al. (1994).
    """
    across = image[..., :rows, 1:] - image[..., :rows, :-1]
    down = image[..., 1:, :columns] - image[..., :-1, :columns]
    across, down = F.pad(across, (0, columns - across.shape[-1])), F.pad(down, (0, 0, 0, rows - down.shape[-2]))
    return [(across.square() + down.square() + EDGE**2).sqrt() - EDGE]


VARIATIONS: dict[str, Callable[[Tensor, int, int], list[Tensor]]] = {"squares": squares, "isotropic": isotropic}
