"""What a run changes in the process and puts back: torch's settings on CUDA, and the C library's on a CPU.

glibc, Linux's usual C library, maps every block of more than 32 MB anew and unmaps it once it is free. The
system clears each page before its first use, and an evaluation on a CPU, whose tensors are as large and live
for milliseconds, spends a seventh of its time on that. While a run lasts the process keeps what is free
instead. That works in a process's main thread; in others glibc maps large blocks all the same.

Reference: mallopt(3) and malloc_trim(3) of the Linux manual.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4  # as malloc.h numbers them
KEEPING = {TRIM_THRESHOLD: -1, MMAP_MAX: 0}  # never give back, never map
# Where glibc's own rule ends up in a process with large blocks. It cannot be asked what it was before, and any
# of these switches the rule off: without a threshold, all but small blocks would be mapped anew each time.
USUAL = {TRIM_THRESHOLD: 64 * 2**20, MMAP_THRESHOLD: 32 * 2**20, MMAP_MAX: 65_536}
CHOSEN_BY_USER = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")  # of the environment


class SharedSetting:
    """Runs `change` when its first holder comes and what `change` returned when its last one leaves.

    Args:
        change: makes the change, and returns the function that undoes it.
    """

    def __init__(self, change: Callable[[], Callable[[], object]]) -> None:
        self._change = change
        self._lock = threading.Lock()
        self.holders = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the setting while open, from any thread and as often as wanted."""
        with self._lock:
            if self.holders == 0:
                self._undo = self._change()
            self.holders += 1
        try:
            yield
        finally:
            with self._lock:
                self.holders -= 1
                if self.holders == 0:
                    self._undo()


def set_up(device: torch.device) -> AbstractContextManager[None]:
    """Have torch and the C library set for long work on a device while open, and as they were found after it.

    On a CPU freed memory is kept. On CUDA convolutions are tuned by trying, and float32 is multiplied as such,
    not as TF32, which rounds factors to ten bits: for that there is bfloat16, which is faster still. From torch
    2.9 on, what is put back is the precision that was in effect, whichever setting it came from.
    """
    if device.type == "cpu":
        return blocks_kept()
    return _TUNED.held() if device.type == "cuda" else nullcontext()


def _tune() -> Callable[[], object]:
    settings = _cuda_settings()
    before = [getattr(holder, name) for holder, name, _value in settings]
    for holder, name, value in settings:
        setattr(holder, name, value)

    def undo() -> None:
        for (holder, name, _value), found in zip(settings, before, strict=True):
            setattr(holder, name, found)

    return undo


_TUNED = SharedSetting(_tune)


def _cuda_settings() -> list[tuple[Any, str, Any]]:
    """Return what a run sets of torch on CUDA: holder, attribute, value."""
    matmul: Any = torch.backends.cuda.matmul
    cudnn: Any = torch.backends.cudnn
    tuned = (cudnn, "benchmark", True)
    if hasattr(matmul, "fp32_precision"):
        return [tuned, (matmul, "fp32_precision", "ieee"), (cudnn.conv, "fp32_precision", "ieee")]
    return [tuned, (matmul, "allow_tf32", False), (cudnn, "allow_tf32", False)]  # before torch 2.9


def blocks_kept() -> AbstractContextManager[None]:
    """Keep freed memory within the process while open, on Linux with glibc; elsewhere do nothing.

    When the last holder leaves, glibc gives large blocks back again, and what is free goes to the system at
    once. Where the environment chooses glibc's settings, they stay as they are.
    """
    return _KEPT.held()


def give_back_freed() -> None:
    """Give freed memory to the system now, wherever in the heap it lies: blocks of other sizes come next.

    In the gaps that blocks of one size leave, larger ones find no room, and a heap that only grows takes twice
    what is in use.
    """
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _keep() -> Callable[[], object]:
    mallopt, trim = _function("mallopt"), _function("malloc_trim")
    if mallopt is None or trim is None or any(name in os.environ for name in CHOSEN_BY_USER):
        return lambda: None
    for option, value in KEEPING.items():
        mallopt(option, value)

    def undo() -> None:
        for option, value in USUAL.items():
            mallopt(option, value)
        trim(0)

    return undo


def _function(name: str) -> Callable[..., int] | None:
    """Return a function of the C library, or None where there is none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


_KEPT = SharedSetting(_keep)
