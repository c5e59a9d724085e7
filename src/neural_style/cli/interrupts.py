"""Signals that ask the process to end are interrupts, as Ctrl-C is: the picture so far is kept."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130  # the exit status after Ctrl-C: 128 and the signal's number
ONCE_SECONDS = 1.0  # in which further signals are the same: `timeout` sends two, a closing session both


class _Interrupter:
    """Raises `KeyboardInterrupt` on a signal, unless another has just come, and keeps its number."""

    def __init__(self) -> None:
        self.number, self._at = 0, -math.inf

    def __call__(self, number: int, _frame: object) -> None:
        now = time.monotonic()
        if now - self._at >= ONCE_SECONDS:
            self.number, self._at = number, now
            raise KeyboardInterrupt


@contextmanager
def ending_as_interrupts(*, alone: bool = True) -> Iterator[Callable[[int], int]]:
    """Raise `KeyboardInterrupt` on SIGTERM, and where the terminal is closed on SIGHUP, while open.

    The handlers that were there are put back. Signals that the process ignores, as under nohup, or handles in a
    way of its own, and those of threads other than the main one, stay as they are.

    Args:
        alone: whether the process is the only one of its run. Of several, which wait for one another, none is
            kept from ending: whoever started them ends the others.

    Yields:
        A function from an exit status to the one to end with: after such a signal that of an interrupt becomes
        the signal's own, such as 143 for SIGTERM.
    """
    interrupt = _Interrupter()

    def status(plain: int) -> int:
        return 128 + interrupt.number if interrupt.number and plain == INTERRUPTED else plain

    before = {number: signal.getsignal(number) for number in _ending()}
    for number in (number for number, handler in before.items() if alone and handler is signal.SIG_DFL):
        signal.signal(number, interrupt)
    try:
        yield status
    finally:
        for number, handler in before.items():
            if handler is not None:  # as one that was not set from Python is
                signal.signal(number, handler)


def ignore_further() -> None:
    """Ignore the signals that are interrupts, Ctrl-C's too, until the end of `ending_as_interrupts`."""
    for number in _ending():
        handler = signal.getsignal(number)
        if isinstance(handler, _Interrupter) or handler is signal.default_int_handler:
            signal.signal(number, signal.SIG_IGN)


def _ending() -> list[int]:
    """Return the signals that ask to end, as far as this thread may handle them and the system has them."""
    in_main = threading.current_thread() is threading.main_thread()
    names = [name for name in ("SIGTERM", "SIGHUP", "SIGINT") if in_main and hasattr(signal, name)]
    return [int(getattr(signal, name)) for name in names]
