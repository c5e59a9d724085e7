"""Large blocks of memory kept for the next evaluation, where the C library would give each back at once.

glibc, Linux's usual C library, maps every block of more than 32 MB anew and unmaps it once it is free. The
system clears each page before its first use, and an evaluation on a CPU, whose tensors are as large and live
for milliseconds, spends a sixth of its time on that. While a run lasts the process keeps what is free instead.

Reference: mallopt(3) and malloc_trim(3) of the Linux manual.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # as malloc.h numbers them
DEFAULTS = {TRIM_THRESHOLD: 128 * 1024, MMAP_MAX: 65_536}
KEEPING = {TRIM_THRESHOLD: -1, MMAP_MAX: 0}  # never give back, never map
CHOSEN_BY_USER = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")  # of the environment

_lock = threading.Lock()
_holders = 0


@contextmanager
def blocks_kept() -> Iterator[None]:
    """Keep freed memory within the process while open, on Linux with glibc; elsewhere do nothing.

    When the last holder leaves, glibc's defaults are set again and what is free is given back to the system.
    Where the environment chooses glibc's settings, they stay as they are.
    """
    global _holders  # the setting is the process's
    with _lock:
        _holders += 1
        if _holders == 1:
            _set(KEEPING)
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                _set(DEFAULTS)
                give_back()


def give_back() -> None:
    """Return the memory that is free to the system, where the C library can."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _set(options: dict[int, int]) -> None:
    """Set options of the C library's allocator, where it has them and nobody has chosen them."""
    mallopt = _function("mallopt")
    if mallopt is not None and not any(name in os.environ for name in CHOSEN_BY_USER):
        for option, value in options.items():
            mallopt(option, value)


def _function(name: str) -> Callable[..., int] | None:
    """Return a function of the C library, or None where there is none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
