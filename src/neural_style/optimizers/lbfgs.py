"""L-BFGS with the direction from a small table of inner products: no loop over the history, no wait for a GPU.

With the last m steps s_i and changes of the gradient y_i as the columns of S and Y, the inverse Hessian that
L-BFGS's two loops apply is, in closed form,

    H = γ I + [S  γY] [ R⁻ᵀ (D + γ YᵀY) R⁻¹   −R⁻ᵀ ] [ Sᵀ  ]
                      [       −R⁻¹              0  ] [ γYᵀ ]

where R is the upper triangle of SᵀY, D its diagonal and γ = s·y / y·y of the newest pair. So −H g is a
combination of s_i, y_i and g whose 2m + 1 coefficients follow from their inner products alone: the table is
(2m + 1)², and the long vectors are read twice a step, once for the new products and once for the combination.
Where ranks share a picture, each has its own part of the vectors, and only the products are summed over them.

Reference:
    Liu & Nocedal, "On the limited memory BFGS method" (1989); Byrd, Nocedal & Schnabel, "Representations of
    quasi-Newton matrices and their use in limited memory methods" (1994), eq. 3.13; Chen, Wang & Zhou,
    "Large-scale L-BFGS using MapReduce" (2014) for the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.optimizers.base import (
    SLICE,
    Best,
    Optimizer,
    Reduce,
    StepCallback,
    StepMonitor,
    ValueAndGrad,
    all_finite,
    check_common,
    check_finite,
    no_reduction,
)

FIRST_STEP = 2 / 255  # root mean square change of the picture


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS with unit steps, one evaluation for each; returns the best picture. No step waits for the device.

    The first step moves the picture by two grey levels (root mean square): without a history no other scale is
    known. A step to a loss or gradient that is not finite, or to more than twice the last loss, is rejected,
    and the next one is a quarter as long; pairs without positive curvature are left out. The scale of the
    loss does not matter, as long as float32 can hold the squares of its gradients' norms.

    Attributes:
        history: pairs of past steps kept, 24 bytes a pixel for each pair. After 200 steps on VGG-19 the loss
            with 60 is within 0.4 % of that with 20.
        learning_rate: length of a step relative to the quasi-Newton one.
        tolerance: stop when the lowest loss has fallen by no more than this share of itself within ten steps;
            checked, and waited for, every ten steps. None takes every step.
    """

    over_ranks: ClassVar[bool] = True

    history: int = 20
    learning_rate: float = 1.0
    tolerance: float | None = None

    def __post_init__(self) -> None:
        _checks.whole_number("history", self.history, minimum=1)
        check_common(self.learning_rate, self.tolerance)

    def pairs(self, steps: int) -> int:
        """Return how many pairs are kept in a run of so many steps, at least 1."""
        return max(1, min(self.history, steps - 1))

    def minimize(
        self,
        image: Tensor,
        value_and_grad: ValueAndGrad,
        steps: int,
        callback: StepCallback | None = None,
        *,
        all_reduce: Reduce = no_reduction,
    ) -> Tensor:
        """Return the picture with the lowest loss of those evaluated. See `Optimizer.minimize`.

        Where ranks share the picture, each gives its part of it, and `all_reduce` adds up a small tensor.
        """
        generated = image.detach().clone()
        best, monitor = Best(generated), StepMonitor(steps, callback, self.tolerance)
        memory = LimitedMemory(self.pairs(steps), generated, all_reduce=all_reduce)
        rejected = torch.zeros((), dtype=torch.int64, device=generated.device)
        with monitor.running(lambda: best.image):
            loss, gradient = value_and_grad(generated)
            best.offer(generated, loss)
            monitor.after_evaluation(generated, loss)
            step = self._first_step(memory, gradient.detach())
            del gradient  # an evaluation finds four pictures and the history in memory, no more
            while monitor.number < steps:
                trial = generated + step
                trial_loss, gradient = value_and_grad(trial)
                best.offer(trial, trial_loss)
                monitor.after_evaluation(trial, trial_loss)
                finite = trial_loss.isfinite() & all_finite(gradient, all_reduce)
                accepted = finite & (trial_loss <= 2 * loss.abs())  # on the device
                rejected += ~finite
                generated = torch.where(accepted, trial, generated, out=trial)
                loss = torch.where(accepted, trial_loss, loss)
                self._next_step(step, memory, gradient.detach(), accepted)
                del trial, gradient
        monitor.warn_about_rejected_steps(rejected, "stepped back from. The result is the best of the others")
        return best.image

    def _first_step(self, memory: LimitedMemory, gradient: Tensor) -> Tensor:
        """Return a step of steepest descent, and remember the gradient that it starts from."""
        all_reduce = memory.all_reduce
        check_finite("the first gradient", gradient, all_reduce)
        memory.gradient.copy_(gradient.flatten())
        step = -gradient
        count = torch.full((), float(step.numel()), dtype=step.dtype, device=step.device)
        length = (all_reduce(step.square().sum()) / all_reduce(count)).sqrt()
        return step.mul_(torch.where(length > 0, FIRST_STEP / length, 0))

    def _next_step(self, step: Tensor, memory: LimitedMemory, gradient: Tensor, accepted: Tensor) -> None:
        """Write the next step in the place of the last one: the quasi-Newton one, or a quarter of the last."""
        gradient = gradient.flatten()
        change = gradient - memory.gradient
        memory.remember(step.flatten(), change, torch.where(accepted, gradient, memory.gradient))
        del gradient, change
        direction = memory.direction().view_as(step).mul_(self.learning_rate)
        torch.where(accepted, direction, step.div_(4), out=step)


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

    def __init__(self, pairs: int, like: Tensor, *, all_reduce: Reduce = no_reduction) -> None:
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
