"""Ranks that are threads of one process: the messages of torch.distributed, by a blackboard and a barrier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from neural_style.device.ranks import Ranks

T = TypeVar("T")
PATIENCE = 60.0  # seconds until a rank that waits for another gives up


class ThreadRanks(Ranks):
    """One of several ranks; `Ranks` with every message written on a blackboard that all can read."""

    def __init__(self, rank: int, world: int, board: Board) -> None:
        self.rank, self.world, self._board = rank, world, board

    def first(self, count: int) -> ThreadRanks:
        return ThreadRanks(self.rank, count, self._board.of(count))

    def all_gather(self, value: T) -> list[T]:
        return self._board.exchange(self.rank, value)

    def all_reduce(self, values: Tensor) -> Tensor:
        return torch.stack(self.all_gather(values.clone())).sum(0)

    def broadcast(self, values: Tensor) -> Tensor:
        return self.all_gather(values.clone())[0].clone()

    def gathered(self, rows: Tensor, bounds: Sequence[int]) -> Tensor:
        assert rows.shape[-2] == bounds[self.rank + 1] - bounds[self.rank]
        return torch.cat(self.all_gather(rows.clone()), dim=-2)

    def exchange_halos(self, up: Tensor, down: Tensor, *, wraps: bool) -> tuple[Tensor | None, Tensor | None]:
        given = self.all_gather((up.clone(), down.clone()))
        above, below = (self.rank - 1) % self.world, (self.rank + 1) % self.world
        from_below = given[below][0] if wraps or self.rank < self.world - 1 else None
        return from_below, given[above][1] if wraps or self.rank > 0 else None


class Board:
    """What the ranks of a group have written, read by all once all have come."""

    def __init__(self, world: int) -> None:
        self.barrier = threading.Barrier(world, timeout=PATIENCE)
        self.written: list[Any] = [None] * world
        self._parts: dict[int, Board] = {world: self}
        self._lock = threading.Lock()

    def of(self, world: int) -> Board:
        with self._lock:
            return self._parts.setdefault(world, Board(world))

    def exchange(self, rank: int, value: T) -> list[T]:
        self.written[rank] = value
        self.barrier.wait()
        values = list(self.written)
        self.barrier.wait()
        return values


def on_ranks(world: int, work: Callable[[ThreadRanks], T]) -> list[T]:
    """Return the results of some work on all ranks; the first exception is raised."""
    board = Board(world)
    results: list[Any] = [None] * world
    failures: list[BaseException | None] = [None] * world

    own_threads = torch.get_num_threads()

    def run(rank: int) -> None:
        torch.set_num_threads(1)  # the ranks are enough for the processor
        try:
            results[rank] = work(ThreadRanks(rank, world, board))
        except BaseException as error:
            failures[rank] = error
            if not isinstance(error, ValueError):  # which the ranks raise together
                board.barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    torch.set_num_threads(own_threads)
    errors = [error for error in failures if error is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return results
