"""One picture over many processes, of which every one has some of its rows and of the optimiser's history.

In an evaluation neighbours exchange 80 rows of the picture and of the gradient, and all of them the sums of
features, 0.6 million numbers at full width; in a step of L-BFGS the small table of inner products. Levels with
too few rows for all ranks are evaluated by the first of them.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from neural_style.device.ranks import Ranks
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.share import Share, Stripes
from neural_style.evaluation.tiles import TileGeometry
from neural_style.optimizers.base import Optimizer, Step, StepCallback, asks_to_stop


class CallbackError(RuntimeError):
    """Raised on the ranks that would wait for one whose callback or loss has failed."""


class StripedObjective:
    """A level's objective over ranks, and the descent of the whole picture on it.

    Args:
        make: share → the objective of this rank's rows. Not called on ranks without rows.
        ranks: all that make the picture.
        size: (height, width) of the level.
        geometry: of the tiles.
    """

    def __init__(
        self,
        make: Callable[[Share], Objective],
        ranks: Ranks,
        size: tuple[int, int],
        geometry: TileGeometry,
    ) -> None:
        self.everyone, self.size = ranks, size
        self.members = ranks.first(geometry.stripes_in(size[0], ranks.world))
        self.stripes = Stripes(self.members, geometry)
        self._make = make
        self._objective: Objective | None = None
        self._interrupted = False

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
        """Return the whole picture optimised, the same on every rank. See `BoundedObjective.minimize`.

        Only the first rank's callback is called, and its `Step` holds the first rank's rows. Ctrl-C at any rank
        ends the descent on all of them after an evaluation; `stops` then raises it.
        """
        with _interrupts_noted() as noted:
            result, failure = image, None
            try:
                if self.members.belongs:
                    result = self._minimized(optimizer, image, steps, callback, noted)
            except Exception as error:
                # An error that all members raise at once is passed on to the other ranks. After any other error
                # this process ends, and torchrun ends the others.
                if not isinstance(error, CallbackError | FloatingPointError):
                    raise
                failure = error
            state = torch.tensor([float(noted.is_set()), float(failure is not None)], device=image.device)
            interrupted, failed = self.everyone.all_reduce(state).tolist()
            if failed > 0:
                if failure is None:
                    raise CallbackError("the run failed on the first rank")
                raise failure.__cause__ or failure
            self._interrupted = interrupted > 0
            return self.everyone.broadcast(result)

    def stops(self, stopped: bool) -> bool:
        """Return whether the first rank's callback has ended the run.

        Raises:
            KeyboardInterrupt: after Ctrl-C at one of the ranks.
        """
        if self._interrupted:
            raise KeyboardInterrupt
        return bool(self.everyone.all_gather(stopped)[0])

    def _minimized(
        self,
        optimizer: Optimizer,
        image: Tensor,
        steps: int,
        callback: StepCallback,
        noted: threading.Event,
    ) -> Tensor:
        """Return the whole picture, optimised by the ranks that have some of its rows."""
        members = self.members

        def together(step: Step) -> bool:
            stops, failure = False, None
            try:
                stops = (members.rank == 0 and asks_to_stop(callback(step))) or noted.is_set()
            except KeyboardInterrupt:  # raised by the callback
                stops = True
                noted.set()
            except Exception as error:  # the other ranks need to know, or they would wait
                failure = error
            state = torch.tensor([float(stops), float(failure is not None)], device=image.device)
            stopped, failed = members.all_reduce(state).tolist()
            if failed > 0:
                raise CallbackError("the callback failed on the first rank") from failure
            return bool(stopped > 0)

        if members.world == 1:
            self._objective = self._make(Share())
            return optimizer.minimize(image, self._objective.value_and_grad, steps, together)
        self._objective = self._make(self.stripes)
        rows = self.stripes.rows(self.size[0])
        own = image[..., rows.start : rows.stop, :].contiguous()
        minimize: Callable[..., Tensor] = optimizer.minimize  # of one that works over ranks
        value_and_grad = self._objective.value_and_grad
        result = minimize(own, value_and_grad, steps, together, all_reduce=members.all_reduce)
        return members.gathered(result, self.stripes.bounds(self.size[0]))


@contextmanager
def _interrupts_noted() -> Iterator[threading.Event]:
    """Note Ctrl-C instead of raising it in the midst of a message, where this is the main thread."""
    noted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, lambda *_arguments: noted.set())
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
