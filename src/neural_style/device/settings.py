"""What a run changes in the process and puts back: torch's settings on CUDA."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


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
    """Have torch set for long work on a device while open, and as it was before after it.

    On CUDA convolutions are tuned by trying, and float32 is multiplied as such,
    not as TF32, which rounds factors to ten bits: for that there is bfloat16, which is faster still. From torch
    2.9 on, what is put back is the precision that was in effect, whichever setting it came from.
    """
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
