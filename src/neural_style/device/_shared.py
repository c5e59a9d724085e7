"""A setting of the whole process, changed while anyone needs it: by the first, and back by the last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
