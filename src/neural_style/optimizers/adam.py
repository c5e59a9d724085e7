"""Adam within the box [0, 1], with an average of its iterates."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.optimizers.base import (
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


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam within the box [0, 1], returning an average of the iterates, which is free of Adam's haze.

    A gradient that is not finite is replaced by zero: in Adam's moments it would stay for good.

    Attributes:
        learning_rate: of values in [0, 1]; 0.02 is about five of 255 levels.
        average: decay of the exponential average over iterates, 0 … 1; 0 returns the last one.
        tolerance: see `LBFGS`.

    Reference: Kingma & Ba, "Adam" (2015), section 7.2 for the average and its bias correction.
    """

    over_ranks: ClassVar[bool] = True

    learning_rate: float = 0.02
    average: float = 0.9
    tolerance: float | None = None

    def __post_init__(self) -> None:
        check_common(self.learning_rate, self.tolerance)
        if not 0 <= _checks.number("average", self.average) < 1:
            rule = "be at least 0 and less than 1"
            raise ValueError(_checks.message("average", rule, self.average, "Try 0.9, or 0 for no average."))

    def minimize(
        self,
        image: Tensor,
        value_and_grad: ValueAndGrad,
        steps: int,
        callback: StepCallback | None = None,
        *,
        all_reduce: Reduce = no_reduction,
    ) -> Tensor:
        """Return the averaged iterate, in [0, 1]. See `LBFGS.minimize`."""
        generated = image.detach().clone().clamp_(0, 1)
        average, weight = torch.zeros_like(generated), 0.0
        monitor = StepMonitor(steps, callback, self.tolerance)
        optimizer = torch.optim.Adam([generated], lr=self.learning_rate)
        rejected = torch.zeros((), dtype=torch.int64, device=generated.device)
        with monitor.running(lambda: average / weight if weight > 0 else generated):
            for _ in range(steps):
                loss, gradient = value_and_grad(generated)
                monitor.after_evaluation(generated, loss)
                finite = all_finite(gradient, all_reduce)  # on the device
                rejected += ~(finite & loss.isfinite())
                generated.grad = torch.where(finite, gradient, 0)
                optimizer.step()
                generated.clamp_(0, 1)
                average.lerp_(generated, 1 - self.average)
                weight += (1 - self.average) * (1 - weight)
        if rejected == monitor.number:  # the start would come back as if it were a result
            check_finite("the gradient", gradient, all_reduce)
        monitor.warn_about_rejected_steps(rejected, "passed over")
        return average / weight if weight > 0 else generated
