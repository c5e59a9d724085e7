"""An evaluation that runs out of memory goes on in smaller tiles."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from neural_style import _checks
from neural_style.device.memory import give_back, ran_out
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.tile_size import MemoryPlan
from neural_style.optimizers.base import Optimizer, StepCallback


class BoundedObjective:
    """An `Objective` that halves its tiles where memory runs out, and goes on from the same picture.

    Args:
        make: plan → the objective. Called when it is first needed.
        plan: how it is evaluated at first; after a failure the content's features are not kept either.
        size: (height, width) of the picture.
        alignment: the sides of tiles are multiples of it.
    """

    def __init__(
        self, make: Callable[[MemoryPlan], Objective], plan: MemoryPlan, size: tuple[int, int], alignment: int
    ) -> None:
        self._make, self._plan, self._size, self._alignment = make, plan, size, alignment
        self._objective: Objective | None = None

    @property
    def terms_by_name(self) -> dict[str, Tensor]:
        """The loss's parts. See `Objective.terms_by_name`."""
        return {} if self._objective is None else self._objective.terms_by_name

    def minimize(
        self,
        optimizer: Optimizer,
        image: Tensor,
        steps: int,
        callback: StepCallback,
    ) -> Tensor:
        """Return the picture that an optimiser makes of another, float32. See `Optimizer.minimize`.

        Raises:
            TypeError, ValueError: if the optimiser returns something else.
        """
        result = optimizer.minimize(image, self.value_and_grad, steps, callback)
        if not isinstance(result, Tensor):
            raise TypeError(_checks.message("the optimizer's result", "be a tensor", type(result).__name__))
        if result.shape != image.shape:
            rule = f"have the picture's shape {tuple(image.shape)}"
            raise ValueError(_checks.message("the optimizer's result", rule, tuple(result.shape)))
        return result.float()

    def stops(self, stopped: bool) -> bool:
        """Return `stopped`: there is no other process to ask."""
        return stopped

    def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and its gradient. See `Objective.value_and_grad`.

        Raises:
            MemoryError, torch.OutOfMemoryError, RuntimeError: if the smallest tiles do not fit either.
        """
        while (result := self._attempt(image)) is None:
            # Here nothing refers to the failed attempt any more.
            give_back(image.device)
        return result

    def _attempt(self, image: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the loss and its gradient, or None where memory ran out and the tiles have been halved."""
        try:
            if self._objective is None:
                self._objective = self._make(self._plan)
            return self._objective.value_and_grad(image)
        except (MemoryError, RuntimeError, OSError) as error:
            if not ran_out(error):
                raise
            longest = min(self._plan.tile or max(self._size), max(self._size))
            half = longest // 2 // self._alignment * self._alignment
            if half < self._alignment:
                raise
        self._plan, self._objective = replace(self._plan, tile=half, keep_targets=False), None
        text = f"Out of memory. The run goes on from the same picture, in tiles of {half} pixels."
        _checks.warn(text, RuntimeWarning)
        return None
