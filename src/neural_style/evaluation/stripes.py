"""One picture over many processes: each has some of its rows, and of the optimiser's memory as much.

What passes between them in an evaluation is 80 rows of the picture and of the gradient, between neighbours,
and the sums of features, 0.6 million numbers at full width; in a step of L-BFGS the small table of inner
products. Levels with too few rows for all ranks are evaluated by the first of them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.device.ranks import Ranks
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.share import Share, Whole
from neural_style.evaluation.tiles import Grid, Tile, add_halo_back, stripes_in, with_halo
from neural_style.losses.sums import Sums
from neural_style.optimizers import LBFGS, Adam, Optimizer
from neural_style.optimizers.base import Step, StepCallback, asks_to_stop

STYLE_TILE = 512  # pixels: side of the tiles in which the style picture is dealt out, the same on every rank


class CallbackError(RuntimeError):
    """Raised on the ranks that wait for one whose callback, or loss, has failed."""


class Stripes:
    """A `Share`: the picture in stripes of rows, one a rank, in the order of the ranks.

    Args:
        ranks: those that share the picture, at least two.
        halo: rows of a neighbour that a tile reads; every stripe has as many.
        alignment: what the stripes' first rows are multiples of.
        wraps: whether the picture tiles the plane.
    """

    def __init__(self, ranks: Ranks, *, halo: int, alignment: int, wraps: bool) -> None:
        self.ranks, self.halo, self.alignment, self.wraps = ranks, halo, alignment, wraps
        self._counts: dict[tuple[float, ...], list[float]] = {}

    def bounds(self, height: int) -> list[int]:
        """Return where each rank's rows begin, and the height."""
        units, world = -(-height // self.alignment), self.ranks.world
        return [self.alignment * (units * rank // world) for rank in range(world)] + [height]

    def rows(self, height: int) -> range:
        """Return this rank's rows. See `Share.rows`."""
        bounds = self.bounds(height)
        return range(bounds[self.ranks.rank], bounds[self.ranks.rank + 1])

    def style_tile_side(self, tile: int | None) -> int | None:  # noqa: ARG002  # a rank's own would deal otherwise
        """Return the side of the tiles that a style picture is dealt out in. See `Share.style_tile_side`."""
        return STYLE_TILE

    def own_style_tiles(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return this rank's tiles, or one of no weight. See `Share.own_style_tiles`."""
        mine = [(tile, 1.0) for tile in tiles[self.ranks.rank :: self.ranks.world]]
        return mine or [(tiles[0], 0.0)]

    def with_halo(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return this rank's rows with the neighbours' around them. See `Share.with_halo`."""
        top, bottom = picture[..., : self.halo, :], picture[..., -self.halo :, :]
        from_below, from_above = self.ranks.exchange_halos(top, bottom, wraps=self.wraps)
        parts = [part for part in (from_above, picture, from_below) if part is not None]
        stacked = torch.cat(parts, dim=-2)
        return with_halo(stacked, (range(stacked.shape[-2]), grid.read[1]))

    def add_halo_back(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of this rank's rows, with what the neighbours' tiles add.

        See `Share.add_halo_back`.
        """
        height = gradient.shape[-2]
        gradient = add_halo_back(gradient, (range(height), grid.read[1]), (height, grid.size[1]))
        own, read = self.rows(grid.size[0]), grid.read[0]
        of_own = gradient[..., own.start - read.start : own.stop - read.start, :].clone()
        up, down = gradient[..., : self.halo, :], gradient[..., -self.halo :, :]
        from_below, from_above = self.ranks.exchange_halos(up, down, wraps=self.wraps)
        if from_above is not None:
            of_own[..., : self.halo, :] += from_above
        if from_below is not None:
            of_own[..., -self.halo :, :] += from_below
        return of_own

    def all_reduce(self, sums: Sums) -> Sums:
        """Return the sums over all ranks, by one message. See `Share.all_reduce`."""
        tensors = sums.tensors
        flat = self.ranks.all_reduce(torch.cat([tensor.flatten() for tensor in tensors]))
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        values = [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]
        return sums.replaced(values, self._total_counts(sums.counts))

    def broadcast_loss(self, loss: Tensor) -> Tensor:
        """Return the first rank's loss. See `Share.broadcast_loss`."""
        return self.ranks.broadcast(loss)

    def _total_counts(self, counts: list[float]) -> list[float]:
        """Return the counts over all ranks, which are asked for once: they do not change with the picture."""
        key = tuple(counts)
        if key not in self._counts:
            self._counts[key] = [sum(column) for column in zip(*self.ranks.all_gather(counts), strict=True)]
        return self._counts[key]


class StripedObjective:
    """A level's objective over ranks, and the descent of the whole picture on it.

    Args:
        make: share → the objective of this rank's rows, where it has some.
        ranks: all that make the picture.
        size: (height, width) of the level.
        halo: see `Stripes`.
        alignment: see `Stripes`.
        wraps: see `Stripes`.
    """

    def __init__(
        self,
        make: Callable[[Share], Objective],
        ranks: Ranks,
        size: tuple[int, int],
        *,
        halo: int,
        alignment: int,
        wraps: bool,
    ) -> None:
        self.everyone, self.size = ranks, size
        self.members = ranks.first(stripes_in(size[0], ranks.world, halo))
        self.stripes = Stripes(self.members, halo=halo, alignment=alignment, wraps=wraps)
        self._make, self._objective = make, cast("Objective | None", None)
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

        The first rank's callback is asked, after each evaluation, and its `Step` holds the first rank's rows.
        Ctrl-C ends the descent on all ranks after an evaluation; `stops` then raises it.
        """
        with _interrupts_noted() as noted:
            result, failure = image, None
            try:
                if self.members.belongs:
                    result = self._minimized(optimizer, image, steps, callback, noted)
            except Exception as error:
                # An error that all members meet at once is passed on to the other ranks. After any other this
                # process ends, and torchrun ends the others.
                if not isinstance(error, CallbackError | FloatingPointError):
                    raise
                failure = error
            state = torch.tensor([float(noted.is_set()), float(failure is not None)], device=image.device)
            interrupted, failed = self.everyone.all_reduce(state).tolist()
            if failed > 0:
                elsewhere = CallbackError("the run failed on the first rank")
                raise (failure and failure.__cause__) or failure or elsewhere
            self._interrupted = interrupted > 0
            return self.everyone.broadcast(result)

    def stops(self, stopped: bool) -> bool:
        """Return whether the first rank's callback has ended the run.

        Raises:
            KeyboardInterrupt: if somebody pressed Ctrl-C at one of the ranks.
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

        def asked(step: Step) -> bool:
            stops, failure = False, None
            try:
                stops = (members.rank == 0 and asks_to_stop(callback(step))) or noted.is_set()
            except Exception as error:  # the others have to know, or they would wait
                failure = error
            state = torch.tensor([float(stops), float(failure is not None)], device=image.device)
            stopped, failed = members.all_reduce(state).tolist()
            if failed > 0:
                raise CallbackError("the callback failed on the first rank") from failure
            return bool(stopped > 0)

        if members.world == 1:
            self._objective = self._make(Whole())
            return optimizer.minimize(image, self._objective.value_and_grad, steps, asked)
        self._objective = self._make(self.stripes)
        rows = self.stripes.rows(self.size[0])
        own = image[..., rows.start : rows.stop, :].contiguous()
        result = cast("LBFGS | Adam", optimizer).minimize(
            own, self._objective.value_and_grad, steps, asked, all_reduce=members.all_reduce
        )
        return members.gathered(result, self.stripes.bounds(self.size[0]))


def check_ranks(ranks: Ranks, height: int, halo: int) -> None:
    """Check that every rank has rows of the result.

    Raises:
        ValueError: if there are too many.
    """
    most = stripes_in(height, ranks.world, halo)
    if most < ranks.world:
        rule = f"be at most {most} for {height} rows, {halo} for each"
        raise ValueError(_checks.message("the number of ranks", rule, ranks.world, "Start fewer."))


def check_optimizer(optimizer: Optimizer) -> None:
    """Check that an optimiser works over ranks.

    Raises:
        TypeError: if it is another than `LBFGS` or `Adam`.
    """
    if not isinstance(optimizer, LBFGS | Adam):
        got, advice = type(optimizer).__name__, "Others know only their own rank's rows."
        raise TypeError(_checks.message("optimizer", "be LBFGS or Adam over ranks", got, advice))


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
