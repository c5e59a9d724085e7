"""torch's own L-BFGS as an optimiser of this package, for comparison: most other implementations use it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.optimizers.base import (
    Best,
    Optimizer,
    StepCallback,
    StepMonitor,
    ValueAndGrad,
    check_common,
)


@dataclass(frozen=True)
class TorchLBFGS(Optimizer):
    """torch's own L-BFGS, in pixels and without a line search; returns the best picture evaluated.

    The last of its updates is not evaluated, so that one step returns the start. The loss is divided by its
    first value: torch's thresholds are absolute, and with small weights they would leave the start as it is.

    Attributes:
        history: pairs of past steps kept, 24 bytes a pixel for each pair.
        learning_rate: see `LBFGS`.
        tolerance: see `LBFGS`.
    """

    history: int = 100
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
    ) -> Tensor:
        """Return the picture with the lowest loss of those evaluated. See `Optimizer.minimize`."""
        generated = image.detach().clone()
        best, monitor = Best(generated), StepMonitor(steps, callback, self.tolerance)
        optimizer = torch.optim.LBFGS(
            [generated],
            lr=self.learning_rate,
            max_iter=steps,
            max_eval=steps,
            history_size=self.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
        )
        scale = torch.ones((), dtype=generated.dtype, device=generated.device)

        def closure() -> Tensor:
            nonlocal scale
            loss, gradient = value_and_grad(generated)
            if monitor.number == 0:
                scale = 1 / loss.abs().clamp(min=torch.finfo(loss.dtype).tiny)
            generated.grad = gradient * scale
            best.offer(generated, loss)
            monitor.after_evaluation(generated, loss)
            return loss * scale

        with monitor.running(lambda: best.image):
            optimizer.step(closure)  # type: ignore[no-untyped-call]
        return best.image
