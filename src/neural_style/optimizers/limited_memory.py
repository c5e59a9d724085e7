"""The L-BFGS direction from a small table of inner products: no loop over the history, no wait for the host.

With the last m steps s_i and changes of the gradient y_i as the columns of S and Y, the inverse Hessian that
L-BFGS's two loops apply is, in closed form,

    H = γ I + [S  γY] [ R⁻ᵀ (D + γ YᵀY) R⁻¹   −R⁻ᵀ ] [ Sᵀ  ]
                      [       −R⁻¹              0  ] [ γYᵀ ]

where R is the upper triangle of SᵀY, D its diagonal and γ = s·y / y·y of the newest pair. So −H g is a
combination of s_i, y_i and g whose 2m + 1 coefficients follow from their inner products alone: the table is
(2m + 1)², and the long vectors are read twice a step, once for the new products and once for the combination.
For a picture that is spread over ranks each needs only its share of the products summed.

Reference:
    Byrd, Nocedal & Schnabel, "Representations of quasi-Newton matrices and their use in limited memory
    methods" (1994), eq. 3.13; Chen, Wang & Zhou, "Large-scale L-BFGS using MapReduce" (2014) for the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

SLICE = 2**22  # values of a vector worked on at once, so that copies are small


class LimitedMemory:
    """The last pairs of a descent, and the direction they give.

    Args:
        pairs: m, how many are kept.
        like: a picture or any tensor; the vectors have its number of values, its dtype and its device.
        all_reduce: adds up a small tensor over the ranks, where every rank has a part of the vectors.

    Attributes:
        vectors: shape (2m + 1, n): the steps, the changes of the gradient, and the gradient; 4 (2m + 1) bytes
            a value in float32. Rows of zeros where there is no pair yet.
        gradient: the newest one, shape (n,): their last row.
        table: shape (2m + 1, 2m + 1): the inner products of the rows, float64 where the device has it.
    """

    def __init__(
        self, pairs: int, like: Tensor, *, all_reduce: Callable[[Tensor], Tensor] = lambda part: part
    ) -> None:
        self.pairs, self.all_reduce = pairs, all_reduce
        self.vectors = torch.zeros(2 * pairs + 1, like.numel(), dtype=like.dtype, device=like.device)
        self.gradient = self.vectors[-1]
        wide = torch.float32 if like.device.type == "mps" else torch.float64
        self.table = torch.zeros(2 * pairs + 1, 2 * pairs + 1, dtype=wide, device=like.device)
        self.order = torch.arange(pairs, device=like.device)  # rows of the steps, oldest first

    def remember(self, step: Tensor, change: Tensor, gradient: Tensor) -> None:
        """Take in the newest gradient, and the pair that led to it in the place of the oldest.

        A pair of no positive curvature, s·y ≤ 0 or not finite, is left out: H would not be positive definite.

        Args:
            step: s, the change of the variables, shape (n,).
            change: y, the change of the gradient along it, shape (n,).
            gradient: g where the next direction starts, shape (n,), and none of the memory's own rows.
        """
        curvature = torch.zeros((), dtype=step.dtype, device=step.device)
        for part in self._slices():
            curvature += step[part] @ change[part]
        curvature = self.all_reduce(curvature)
        accepted = (curvature > 0) & curvature.isfinite()
        slot = self.order[:1]
        rows = torch.cat([slot, slot + self.pairs, torch.full_like(slot, 2 * self.pairs)])
        products = torch.zeros_like(self.table[:, :3])  # (2m + 1, 3)
        for part in self._slices():
            vectors = self.vectors[:, part]  # a view
            for row, newest in zip(torch.split(rows[:2], 1), (step, change), strict=True):
                old = vectors.index_select(0, row)
                vectors.index_copy_(0, row, torch.where(accepted, newest[part], old))
            vectors[-1] = gradient[part]
            products += vectors @ vectors.index_select(0, rows).T
        products = self.all_reduce(products)
        self.table.index_copy_(1, rows, products)
        self.table.index_copy_(0, rows, products.T.contiguous())
        self.order = torch.where(accepted, self.order.roll(-1), self.order)

    def direction(self) -> Tensor:
        """Return −H g, shape (n,); with no pair yet, γ is 1 and it is −g."""
        m = self.pairs
        rows = torch.cat([self.order, self.order + m, torch.full_like(self.order[:1], 2 * m)])
        table = self.table.index_select(0, rows).index_select(1, rows)  # oldest pair first
        steps, changes = slice(0, m), slice(m, 2 * m)
        curvature = table[steps, changes].diagonal()  # s·y, D
        kept = (curvature > 0).to(table)
        newest, length = curvature[-1], table[2 * m - 1, 2 * m - 1]
        gamma = torch.where(newest > 0, newest / torch.where(length > 0, length, 1), 1)
        # Rows without a pair are zero; a 1 on the diagonal keeps R regular and multiplies nothing.
        upper = table[steps, changes].triu() + torch.diag(1 - kept)
        inner = torch.diag(curvature) + gamma * table[changes, changes]
        along_steps, along_changes = table[steps, 2 * m :], gamma * table[changes, 2 * m :]  # Sᵀg, γYᵀg
        solved = torch.linalg.solve_triangular(upper, along_steps, upper=True)  # R⁻¹ Sᵀg
        of_steps = torch.linalg.solve_triangular(upper.T, inner @ solved - along_changes, upper=False)
        coefficients = torch.cat([of_steps, -gamma * solved, gamma.view(1, 1)])[:, 0]
        combination = torch.zeros_like(coefficients).index_copy(0, rows, coefficients)
        combination = combination.to(self.vectors)
        direction = torch.empty_like(self.gradient)
        for part in self._slices():
            direction[part] = combination @ self.vectors[:, part]
        return direction.neg_()

    def _slices(self) -> Iterator[slice]:
        """Yield parts of the vectors that are worked on at once."""
        for start in range(0, self.vectors.shape[1], SLICE):
            yield slice(start, start + SLICE)
