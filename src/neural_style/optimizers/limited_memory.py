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

SLICE = 2**22  # values of a vector worked on at once, or of all where they are to be widened: for small copies


class LimitedMemory:
    """The last pairs of a descent, and the direction they give.

    Args:
        pairs: m, how many are kept.
        like: a picture or any tensor; the vectors have its number of values.
        offload: whether the vectors live, and are multiplied, in the CPU's memory and not on the tensor's
            device. For each direction four vectors pass between the two, where reading them all there would
            take 4m + 2; the CPU reads its own memory faster than that.
        storage: dtype of the vectors; None takes the tensor's. With a narrower one H is that of the rounded
            pairs, exactly, and the newest gradient is kept in the tensor's beside.
        all_reduce: for vectors of which each rank has a part, what adds up a small tensor over the ranks.

    Attributes:
        vectors: shape (2m + 1, n): the steps, the changes of the gradient, and the gradient; 4 (2m + 1) bytes
            a value in float32. Rows of zeros where there is no pair yet.
        gradient: the newest one, shape (n,), where the vectors are; their last row itself if that is exact.
        table: shape (2m + 1, 2m + 1): the inner products of the rows, float64 where the device has it.
    """

    def __init__(
        self,
        pairs: int,
        like: Tensor,
        *,
        offload: bool = False,
        storage: torch.dtype | None = None,
        all_reduce: Callable[[Tensor], Tensor] = lambda part: part,
    ) -> None:
        self.pairs, self.all_reduce = pairs, all_reduce
        self.device, self.dtype = like.device, like.dtype
        home = torch.device("cpu") if offload else like.device
        self.vectors = torch.zeros(2 * pairs + 1, like.numel(), dtype=storage or like.dtype, device=home)
        exact = self.vectors.dtype == like.dtype
        self.gradient = self.vectors[-1] if exact else torch.zeros(like.numel(), dtype=like.dtype, device=home)
        self.slice = SLICE if exact else max(1, SLICE // len(self.vectors))
        wide = torch.float32 if like.device.type == "mps" else torch.float64
        self.table = torch.zeros(2 * pairs + 1, 2 * pairs + 1, dtype=wide, device=home)
        self.order = torch.arange(pairs, device=home)  # rows of the steps, oldest first

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
            curvature += self._rounded(step[part]) @ self._rounded(change[part])
        curvature = self.all_reduce(curvature)
        accepted = ((curvature > 0) & curvature.isfinite()).to(self.order.device)  # waits only for another
        slot = self.order[:1]
        rows = torch.cat([slot, slot + self.pairs, torch.full_like(slot, 2 * self.pairs)])
        products = torch.zeros_like(self.table[:, :3])  # (2m + 1, 3)
        for part in self._slices():
            vectors = self.vectors[:, part]  # a view
            for row, newest in zip(torch.split(rows[:2], 1), (step, change), strict=True):
                old = vectors.index_select(0, row)
                vectors.index_copy_(0, row, torch.where(accepted, newest[part].to(old), old))
            self.gradient[part] = gradient[part]
            vectors[-1] = self.gradient[part]
            wide = vectors.to(self.dtype)  # a view still, where they are stored as such
            products += wide @ wide.index_select(0, rows).T
        products = self.all_reduce(products.to(self.device)).to(self.table)
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
        combination = combination.to(self.dtype)
        direction = torch.empty(self.vectors.shape[1], dtype=self.dtype, device=self.device)
        for part in self._slices():
            direction[part] = combination @ self.vectors[:, part].to(self.dtype)
        return direction.neg_()

    def _rounded(self, values: Tensor) -> Tensor:
        """Return what the vectors' dtype keeps of some values, in their own."""
        return values.to(self.vectors.dtype).to(values.dtype)

    def _slices(self) -> Iterator[slice]:
        """Yield parts of the vectors that are worked on at once."""
        for start in range(0, self.vectors.shape[1], self.slice):
            yield slice(start, start + self.slice)
