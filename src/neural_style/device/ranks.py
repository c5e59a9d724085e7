"""The processes of a run that torchrun starts: which one this is, and the messages between them."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.device.hardware import available_devices, device_count

WAIT_SECONDS = 0.5
LOST = re.compile(r"connection (closed|reset)|timed? ?out|broken pipe|NCCL", re.IGNORECASE)  # another rank
ENDED = "neural_style/ended"  # a counter in torchrun's store

T = TypeVar("T")


@dataclass(frozen=True)
class Process:
    """One process among several.

    Attributes:
        rank: from 0, among all processes.
        world: how many processes there are.
        local_rank: from 0, among those of this machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0


def place() -> Process:
    """Return which process this is, from RANK, WORLD_SIZE and LOCAL_RANK; without them it is alone.

    Raises:
        ValueError: if one is not a whole number, or RANK is not below WORLD_SIZE.
    """
    rank, world = _whole("RANK", 0), _whole("WORLD_SIZE", 1)
    if rank >= world:
        advice = "Start with torchrun, which sets both."
        raise ValueError(_checks.message("RANK", f"be below WORLD_SIZE, which is {world}", rank, advice))
    return Process(rank, world, _whole("LOCAL_RANK", rank))


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal()):
        advice = "Start with torchrun, or take it out of the environment."
        raise ValueError(_checks.message(name, "be a whole number of at least 0", repr(text), advice))
    return int(text)


def rank_device(name: str, here: Process, *, apart: bool = False) -> str:
    """Return the name of this process's device: the processes of a machine take its GPUs in turn.

    Args:
        name: ``"auto"`` or one of torch's names. A GPU that is named with its number is the same for all.
        here: this process.
        apart: whether every process needs a GPU of its own, as where they make one picture together.

    Raises:
        ValueError: if `apart` and there are more processes than GPUs.
    """
    available = available_devices()
    device_type = available[0] if name == "auto" else name
    if here.world == 1 or device_type not in ("cuda", "xpu") or device_type not in available:
        return name
    count = device_count(device_type)
    if apart and here.local_rank >= count:
        rule, advice = f"be at most {count}, one for each {device_type.upper()} device", "Start fewer."
        raise ValueError(_checks.message("the number of ranks on this machine", rule, "more", advice))
    return f"{device_type}:{here.local_rank % count}"


def sharing(device: torch.device) -> int:
    """Return how many of torchrun's processes on this machine share a device's memory, including this one."""
    return max(1, -(-_whole("LOCAL_WORLD_SIZE", 1) // max(device_count(device.type), 1)))


@contextmanager
def ending_together(here: Process) -> Iterator[None]:
    """Wait for torchrun's other processes before this one ends: torchrun stops all when one ends with an error.

    After an exception, and where torchrun has not started the processes, it does not wait.
    """
    if here.world == 1 or not started_by_torchrun():
        yield
        return
    from torch.distributed.rendezvous import rendezvous  # not every torch has it

    store, _rank, _world = next(rendezvous("env://"))
    yield
    with suppress(RuntimeError):  # the process that keeps the store has ended, so all had come
        store.add(ENDED, 1)
        while store.add(ENDED, 0) < here.world:
            time.sleep(WAIT_SECONDS)


class Ranks:
    """The processes that make one picture together, by `torch.distributed`.

    Every method has to be called by all of them, in the same order.

    Args:
        world: how many of the process group's first ranks it has; None for all.
        timeout: how long a rank waits for another.
    """

    def __init__(self, world: int | None = None, timeout: timedelta | None = None) -> None:
        self.rank, whole = dist.get_rank(), dist.get_world_size()
        self.world = whole if world is None else world
        self._group: Any = None
        if self.world < whole:
            self._group = dist.new_group(list(range(self.world)), timeout=timeout)
        self._timeout, self._parts = timeout, {self.world: self}

    @property
    def belongs(self) -> bool:
        """Whether this process is one of them."""
        return self.rank < self.world

    def first(self, count: int) -> Ranks:
        """Return the first `count` of them. It is called by all; the others do not belong."""
        if count not in self._parts:
            self._parts[count] = Ranks(count, self._timeout)
        return self._parts[count]

    def all_reduce(self, values: Tensor) -> Tensor:
        """Return the sum over all ranks, the same bits on each."""
        result = values.clone()
        dist.all_reduce(result, group=self._group)
        return result

    def broadcast(self, values: Tensor) -> Tensor:
        """Return rank 0's values; the others give a tensor of their shape and dtype."""
        result = values.clone(memory_format=torch.contiguous_format)
        dist.broadcast(result.view(-1).view(torch.uint8), src=0, group=self._group)  # bytes: of any dtype
        return result

    def all_gather(self, value: T) -> list[T]:
        """Return the values of all ranks in their order: any object that can be pickled."""
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value, group=self._group)
        return values

    def gathered(self, rows: Tensor, bounds: Sequence[int]) -> Tensor:
        """Return the whole picture on every rank, of their rows, (B, C, h, W), which begin at `bounds`."""
        heights = [stop - start for start, stop in pairwise(bounds)]
        padded = F.pad(rows, (0, 0, 0, max(heights) - rows.shape[-2])).contiguous()  # all of one shape
        parts = [torch.empty_like(padded) for _ in heights]
        dist.all_gather(parts, padded, group=self._group)
        return torch.cat([part[..., :height, :] for part, height in zip(parts, heights, strict=True)], dim=-2)

    def exchange_halos(self, up: Tensor, down: Tensor, *, wraps: bool) -> tuple[Tensor | None, Tensor | None]:
        """Give rows to the neighbours above and below, and return theirs.

        Args:
            up: rows for the rank above, of the shape of its rows for this one.
            down: rows for the rank below, of the shape of its rows for this one.
            wraps: whether the first and the last rank are neighbours.

        Returns:
            The rows from below and those from above; None where there is no neighbour.
        """
        above, below = (self.rank - 1) % self.world, (self.rank + 1) % self.world
        has_above, has_below = wraps or self.rank > 0, wraps or self.rank < self.world - 1
        from_below = torch.empty_like(down, memory_format=torch.contiguous_format) if has_below else None
        from_above = torch.empty_like(up, memory_format=torch.contiguous_format) if has_above else None
        # This order also serves two ranks that are neighbours on both sides.
        messages: list[tuple[Any, Tensor, int]] = [(dist.isend, up.contiguous(), above)] if has_above else []
        messages += [(dist.isend, down.contiguous(), below)] if has_below else []
        messages += [] if from_below is None else [(dist.irecv, from_below, below)]
        messages += [] if from_above is None else [(dist.irecv, from_above, above)]
        operations = [dist.P2POp(send, values, peer, group=self._group) for send, values, peer in messages]
        for pending in dist.batch_isend_irecv(operations):
            pending.wait()
        return from_below, from_above


def _fingerprint(part: object) -> str:
    """Return a short text that is the same for equal tensors, lists of equal tensors, or equal `str`."""
    if isinstance(part, list):
        return " ".join(_fingerprint(item) for item in part)
    if isinstance(part, Tensor):
        sides = "×".join(str(side) for side in part.shape[-2:])
        values = part.detach().cpu().contiguous().view(torch.uint8).numpy()  # bytes: of any dtype
        return f"{sides}, {hashlib.sha256(values.data).hexdigest()[:16]}"
    return str(part)


@contextmanager
def preparing(ranks: Ranks | None) -> Iterator[dict[str, object]]:
    """Yield a dictionary for what has to be the same on all ranks; on leaving, the ranks compare theirs.

    No message may pass between ranks inside. An error inside is raised where it happened, and the other ranks,
    which would wait for this one in vain, raise an error that names it. One process alone compares nothing.

    Raises:
        ValueError: on every rank, if entries differ or another rank fails.
    """
    shared: dict[str, object] = {}
    if ranks is None:
        yield shared
        return
    failure: Exception | None = None
    try:
        yield shared
    except Exception as error:
        failure = error
    text = None if failure is None else f"{type(failure).__name__}: {failure}"
    reports = ranks.all_gather((text, {name: _fingerprint(part) for name, part in shared.items()}))
    if failure is not None:
        raise failure
    for rank, (text, theirs) in enumerate(reports):
        if text is not None:
            raise ValueError(f"rank {rank} failed while preparing the run: {text}")
        for name, mine in reports[0][1].items():
            if theirs.get(name) != mine:
                got = f"{mine} on rank 0 and {theirs.get(name)} on rank {rank}"
                rule, advice = "be the same on every rank", "Start all with the same arguments and files."
                raise ValueError(_checks.message(name, rule, got, advice))


@contextmanager
def joined(here: Process, seconds: float) -> Iterator[Ranks | None]:
    """Join the other processes of the run while open; None where there is only one.

    Args:
        here: this process.
        seconds: how long a rank waits for another before it gives up.

    Warns:
        UserWarning: if torchrun has not started the processes, since this one may be the only one.

    Raises:
        ValueError: if the environment does not say where the processes meet.
        ConnectionError: if another rank has ended, or does not answer in time.
    """
    if here.world == 1:
        yield None
        return
    if "MASTER_ADDR" not in os.environ:
        rule, advice = f"be set where WORLD_SIZE is {here.world}", "Start with torchrun, or unset WORLD_SIZE."
        raise ValueError(_checks.message("MASTER_ADDR", rule, "none", advice))
    if not started_by_torchrun():
        text = f"WORLD_SIZE is {here.world}, and torchrun has not started this process."
        _checks.warn(f"{text} It waits up to {seconds:g} s for the others; unset WORLD_SIZE to work alone.")
    if torch.cuda.is_available():
        torch.cuda.set_device(here.local_rank % torch.cuda.device_count())
    timeout = timedelta(seconds=seconds)
    try:
        dist.init_process_group(timeout=timeout)
        yield Ranks(timeout=timeout)
    except RuntimeError as error:
        if LOST.search(str(error)) is None:
            raise
        reason = str(error).partition("\n")[0]
        rule, got = f"answer within {seconds:g} s", f"none from one: {reason}"
        raise ConnectionError(_checks.message("every rank", rule, got, "See what the others say.")) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def started_by_torchrun() -> bool:
    """Return whether torchrun has started this process."""
    return dist.is_available() and dist.is_torchelastic_launched()
