"""Which of several processes this one is, as torchrun tells it, and what they tell each other."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.device.hardware import available_devices

WAIT_SECONDS = 0.5
LOST = re.compile(r"connection (closed|reset)|timed? ?out|broken pipe|NCCL", re.IGNORECASE)  # another rank
ENDED = "neural_style/ended"  # a counter in torchrun's store

Item = TypeVar("Item")
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

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Return the items of this process: those whose index, modulo the number of processes, is its rank.

        >>> Process(rank=1, world=3).share("abcdefgh")
        ['b', 'e', 'h']
        """
        return list(items[self.rank :: self.world])


def place() -> Process:
    """Return this process's place, from RANK, WORLD_SIZE and LOCAL_RANK; without them it is alone.

    Raises:
        ValueError: if one is no whole number, or RANK is not below WORLD_SIZE.
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
    """Return the name of this process's device: of several GPUs each process of a machine takes the next.

    Args:
        name: ``"auto"`` or one of torch's names. A GPU that is named with its number is all processes'.
        here: this process's place.
        apart: whether no two processes may have the same GPU, as where they make one picture together.

    Raises:
        ValueError: if there are more processes than GPUs that have to be apart.
    """
    available = available_devices()
    kind = available[0] if name == "auto" else name
    counts = {"cuda": torch.cuda.device_count, "xpu": torch.xpu.device_count}
    if here.world == 1 or kind not in counts or kind not in available:
        return name
    count = counts[kind]()
    if apart and here.local_rank >= count:
        rule, advice = f"be at most {count}, one for each {kind.upper()} device", "Start fewer."
        raise ValueError(_checks.message("the number of ranks on this machine", rule, "more", advice))
    return f"{kind}:{here.local_rank % count}"


def sharing(device: torch.device) -> int:
    """Return how many processes of torchrun's on this machine share a device's memory, this one among them."""
    counts = {"cuda": torch.cuda.device_count, "xpu": torch.xpu.device_count}
    devices = counts[device.type]() if device.type in counts else 1
    return max(1, -(-_whole("LOCAL_WORLD_SIZE", 1) // max(devices, 1)))


@contextmanager
def ending_together(here: Process) -> Iterator[None]:
    """Let no process of torchrun's end before the others: once one ends with an error, it stops the rest.

    After an exception, and where torchrun has not started the processes, none is waited for.
    """
    launched = torch.distributed.is_available() and torch.distributed.is_torchelastic_launched()
    if here.world == 1 or not launched:
        yield
        return
    from torch.distributed.rendezvous import rendezvous  # not every torch has it

    store, _rank, _world = next(rendezvous("env://"))
    yield
    with suppress(RuntimeError):  # whoever keeps the store has gone, and so all had come
        store.add(ENDED, 1)
        while store.add(ENDED, 0) < here.world:
            time.sleep(WAIT_SECONDS)


class Ranks:
    """The processes that make one picture together, by `torch.distributed`.

    Every method is to be called by all of them, in the same order.

    Args:
        world: how many of the process group's first ranks belong to it; None for all.
        timeout: how long one waits for another.

    Attributes:
        rank: this process's, from 0.
        world: how many there are.
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
        """Return the first so many of them; the others may ask too, and do not belong."""
        if count not in self._parts:
            self._parts[count] = Ranks(count, self._timeout)
        return self._parts[count]

    def all_reduce(self, values: Tensor) -> Tensor:
        """Return the sum over all ranks, the same bits on each."""
        result = values.clone()
        dist.all_reduce(result, group=self._group)
        return result

    def broadcast(self, values: Tensor) -> Tensor:
        """Return what rank 0 gives; the others give a tensor of its shape and dtype."""
        result = values.clone(memory_format=torch.contiguous_format)
        dist.broadcast(result.view(-1).view(torch.uint8), src=0, group=self._group)  # bytes: of any dtype
        return result

    def all_gather(self, value: T) -> list[T]:
        """Return what every rank gives, by rank: any object that can be pickled."""
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value, group=self._group)
        return found

    def gathered(self, rows: Tensor, bounds: Sequence[int]) -> Tensor:
        """Return the whole picture on every rank, (B, C, H, W), from the rows of each.

        Args:
            rows: this rank's.
            bounds: where each rank's rows begin, and the height.
        """
        heights = [stop - start for start, stop in pairwise(bounds)]
        padded = F.pad(rows, (0, 0, 0, max(heights) - rows.shape[-2])).contiguous()  # all of one shape
        parts = [torch.empty_like(padded) for _ in heights]
        dist.all_gather(parts, padded, group=self._group)
        return torch.cat([part[..., :height, :] for part, height in zip(parts, heights, strict=True)], dim=-2)

    def exchange_halos(self, up: Tensor, down: Tensor, *, wraps: bool) -> tuple[Tensor | None, Tensor | None]:
        """Give rows to the neighbours above and below, and return what those below and above give.

        Args:
            up: for the rank above, of the shape of what it gives.
            down: for the rank below, likewise.
            wraps: whether the first and the last are neighbours.

        Returns:
            From below and from above; None where there is no neighbour.
        """
        above, below = (self.rank - 1) % self.world, (self.rank + 1) % self.world
        has_above, has_below = wraps or self.rank > 0, wraps or self.rank < self.world - 1
        from_below = torch.empty_like(down, memory_format=torch.contiguous_format) if has_below else None
        from_above = torch.empty_like(up, memory_format=torch.contiguous_format) if has_above else None
        # In this order two ranks that are each other's both neighbours understand each other too.
        messages: list[tuple[Any, Tensor, int]] = [(dist.isend, up.contiguous(), above)] if has_above else []
        messages += [(dist.isend, down.contiguous(), below)] if has_below else []
        messages += [] if from_below is None else [(dist.irecv, from_below, below)]
        messages += [] if from_above is None else [(dist.irecv, from_above, above)]
        operations = [dist.P2POp(send, values, peer, group=self._group) for send, values, peer in messages]
        for pending in dist.batch_isend_irecv(operations):
            pending.wait()
        return from_below, from_above

    @contextmanager
    def preparing(self) -> Iterator[dict[str, object]]:
        """Yield a dictionary for what has to be the same on all ranks; on leaving, the ranks compare theirs.

        No message may pass between ranks inside. An error inside is raised where it happened, and reported to
        the other ranks, which would wait for this one in vain.

        Raises:
            ValueError: on every rank, where some entries differ, or the preparations of another rank fail.
        """
        shared: dict[str, object] = {}
        failure: Exception | None = None
        try:
            yield shared
        except Exception as error:
            failure = error
        text = None if failure is None else f"{type(failure).__name__}: {failure}"
        reports = self.all_gather((text, {name: _fingerprint(part) for name, part in shared.items()}))
        if failure is not None:
            raise failure
        for rank, (text, theirs) in enumerate(reports):
            if text is not None:
                rule, got = "all have input that is right", f"on rank {rank} {text.rstrip('.')}"
                raise ValueError(_checks.message("the ranks", rule, got, "See there."))
            for name, mine in reports[0][1].items():
                if theirs.get(name) != mine:
                    got = f"{mine} on rank 0 and {theirs.get(name)} on rank {rank}"
                    rule, advice = "be the same on every rank", "Start all with the same arguments and files."
                    raise ValueError(_checks.message(name, rule, got, advice))


def _fingerprint(part: object) -> str:
    """Return a short text that two objects share where they are the same: of tensors, or that `str` shows."""
    if isinstance(part, Tensor):
        sides = "×".join(str(side) for side in part.shape[-2:])
        values = part.detach().cpu().contiguous().view(torch.uint8).numpy()  # bytes: of any dtype
        return f"{sides}, {hashlib.sha256(values.data).hexdigest()[:16]}"
    return str(part)


def preparing(ranks: Ranks | None) -> AbstractContextManager[dict[str, object]]:
    """Return `Ranks.preparing`, or for one process alone a dictionary that nobody compares."""
    return nullcontext({}) if ranks is None else ranks.preparing()


@contextmanager
def joined(here: Process, seconds: float) -> Iterator[Ranks | None]:
    """Join the processes that torchrun has started, while open; None where there is but one.

    Args:
        here: this process's place.
        seconds: how long a rank waits for another before it gives up.

    Raises:
        ConnectionError: if another rank has ended, or is silent for longer.
    """
    if here.world == 1:
        yield None
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(here.local_rank % torch.cuda.device_count())
    timeout = timedelta(seconds=seconds)
    dist.init_process_group(timeout=timeout)
    try:
        yield Ranks(timeout=timeout)
    except RuntimeError as error:
        if LOST.search(str(error)) is None:
            raise
        reason = str(error).partition("\n")[0]
        rule, advice = f"answer within {seconds:g} s", "See what the others say."
        raise ConnectionError(
            _checks.message("every rank", rule, f"none from one: {reason}", advice)
        ) from error
    finally:
        dist.destroy_process_group()
