"""What a run changes in the process and puts back: how torch tunes and multiplies on CUDA."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

_lock = threading.Lock()
_holders = 0
_undo: Callable[[], None]


@contextmanager
def set_up(device: torch.device) -> Iterator[None]:
    """Set torch for long work on a device while open; on other devices than CUDA nothing is set.

    On CUDA cuDNN tries which of its algorithms is fastest, and float32 is multiplied as such, not as TF32,
    which rounds factors to ten bits: bfloat16 is for that, and faster still. Several runs may overlap, also in
    threads: the first one sets, and the last one puts everything back.
    """
    global _holders, _undo
    if device.type != "cuda":
        yield
        return
    with _lock:
        if _holders == 0:
            _undo = _change_settings()
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                _undo()


@contextmanager
def own_state(device: torch.device) -> Iterator[None]:
    """Work as `set_up` says, without gradients, inference mode or autocast, whatever the caller has set."""
    autocast = torch.autocast(device.type, enabled=False)
    with set_up(device), torch.inference_mode(False), torch.no_grad(), autocast:
        yield


def _change_settings() -> Callable[[], None]:
    """Change the settings, and return what puts them back.

    torch 2.9 has new settings of precision beside the old ones, and refuses to read an old one where the two
    disagree. So both are set, the old ones first, since they write to the new ones too. If an old
    setting cannot be read, only the new one is put back.
    """
    cudnn: Any = torch.backends.cudnn
    matmul: Any = torch.backends.cuda.matmul
    settings: list[tuple[Any, str, Any]] = [(cudnn, "benchmark", True), (cudnn, "allow_tf32", False)]
    if hasattr(matmul, "fp32_precision"):
        mkldnn: Any = torch.backends.mkldnn
        new = (matmul, cudnn.conv, cudnn.rnn, mkldnn.matmul)
        settings += [(holder, "fp32_precision", "ieee") for holder in new]
    before: list[tuple[Any, str, Any]] = []
    precision = None
    with suppress(RuntimeError):
        precision = torch.get_float32_matmul_precision()
    for holder, name, _value in settings:
        with suppress(RuntimeError):
            before.append((holder, name, getattr(holder, name)))
    torch.set_float32_matmul_precision("highest")
    for holder, name, value in settings:
        setattr(holder, name, value)

    def undo() -> None:
        if precision is not None:
            torch.set_float32_matmul_precision(precision)
        for holder, name, value in before:
            setattr(holder, name, value)

    return undo
