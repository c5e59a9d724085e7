"""Which of several processes this one is, as torchrun tells it in the environment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import torch

from neural_style import _checks
from neural_style.hardware import available_devices

WAIT_SECONDS = 0.5
ENDED = "neural_style/ended"  # a counter in torchrun's store

Item = TypeVar("Item")


@dataclass(frozen=True)
class Place:
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

        >>> Place(rank=1, world=3).share("abcdefgh")
        ['b', 'e', 'h']
        """
        return list(items[self.rank :: self.world])


def place() -> Place:
    """Return this process's place, from RANK, WORLD_SIZE and LOCAL_RANK; without them it is alone.

    Raises:
        ValueError: if one is no whole number, or RANK is not below WORLD_SIZE.
    """
    rank, world = _whole("RANK", 0), _whole("WORLD_SIZE", 1)
    if rank >= world:
        advice = "Start with torchrun, which sets both."
        raise ValueError(_checks.message("RANK", f"be below WORLD_SIZE, which is {world}", rank, advice))
    return Place(rank, world, _whole("LOCAL_RANK", rank))


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal()):
        advice = "Start with torchrun, or take it out of the environment."
        raise ValueError(_checks.message(name, "be a whole number of at least 0", repr(text), advice))
    return int(text)


def rank_device(name: str, here: Place) -> str:
    """Return the name of this process's device: of several GPUs each process of a machine takes the next.

    Args:
        name: ``"auto"`` or one of torch's names. A GPU that is named with its number is all processes'.
        here: this process's place.
    """
    available = available_devices()
    kind = available[0] if name == "auto" else name
    counts = {"cuda": torch.cuda.device_count, "xpu": torch.xpu.device_count}
    if here.world == 1 or kind not in counts or kind not in available:
        return name
    return f"{kind}:{here.local_rank % counts[kind]()}"


@contextmanager
def ending_together(here: Place) -> Iterator[None]:
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
