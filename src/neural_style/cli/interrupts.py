"""Signals that ask the process to end are interrupts, as Ctrl-C is: the picture so far is kept."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130  # the exit status after Ctrl-C: 128 and the signal's number
ONCE_SECONDS = 1.0  # in which a signal that comes again is the same one: `timeout` sends it twice


@contextmanager
def ending_as_interrupts() -> Iterator[Callable[[int], int]]:
    """Raise `KeyboardInterrupt` on SIGTERM, and where the terminal is closed on SIGHUP, while open.

    The handlers that were there are put back. Signals that the process ignores, as under nohup, or handles in a
    way of its own, and those of threads other than the main one, stay as they are.

    Yields:
        A function from an exit status to the one to end with: after such a signal that of an interrupt becomes
        the signal's own, such as 143 for SIGTERM.
    """
    raised: dict[int, float] = {}

    def interrupt(number: int, _frame: object) -> None:
        now = time.monotonic()
        if now - raised.get(number, -ONCE_SECONDS) >= ONCE_SECONDS:
            raised[number] = now
            raise KeyboardInterrupt

    def status(plain: int) -> int:
        return 128 + next(iter(raised)) if raised and plain == INTERRUPTED else plain

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names]
    in_main = threading.current_thread() is threading.main_thread()
    held = [number for number in numbers if in_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in held:
        signal.signal(number, interrupt)
    try:
        yield status
    finally:
        for number in held:
            signal.signal(number, signal.SIG_DFL)
