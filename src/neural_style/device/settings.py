"""What a run holds of torch's global switches, and puts back: precision, algorithms, denormal numbers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

_lock = threading.Lock()
_holders = {"every device": 0, "CUDA": 0}
_undo: dict[str, Callable[[], None]] = {}


@contextmanager
def set_up(device: torch.device | None = None) -> Iterator[None]:
    """Hold the switches that decide a run's bits while open.

    float32 is multiplied as such, not as TF32 or bfloat16, which round factors to ten or seven bits: the
    network's own precision is for that, and faster still. oneDNN is on, as torch has it. On CUDA cuDNN tries
    which of its algorithms is fastest. Several runs may overlap, also in threads: the first one sets, and the
    last one puts everything back.

    Args:
        device: of the run; one on the CPU leaves cuDNN's switches alone. None holds those of every device.
    """
    kinds = [kind for kind in _holders if kind != "CUDA" or device is None or device.type == "cuda"]
    with _lock:
        for kind in kinds:
            if _holders[kind] == 0:
                _undo[kind] = _change_settings(kind)
            _holders[kind] += 1
    try:
        yield
    finally:
        with _lock:
            for kind in reversed(kinds):
                _holders[kind] -= 1
                if _holders[kind] == 0:
                    _undo.pop(kind)()


@contextmanager
def own_state(device: torch.device) -> Iterator[None]:
    """Work as `set_up` says, without gradients, inference mode or autocast, and with denormal numbers.

    Deterministic algorithms and anomaly detection stay as the caller has them, for they change no bit, and so
    does the number of threads, which changes the last ones. Default device and dtype are not asked for.
    """
    autocast = torch.autocast(device.type, enabled=False)
    with set_up(device), _with_denormals(), torch.inference_mode(False), torch.no_grad(), autocast:
        yield


@contextmanager
def _with_denormals() -> Iterator[None]:
    """Keep numbers below the smallest normal one, which `torch.set_flush_denormal` of this thread makes 0."""
    flushes = 1e-310 * torch.ones((), dtype=torch.float64, device="cpu") == 0
    if flushes:  # torch does not say it
        torch.set_flush_denormal(False)
    try:
        yield
    finally:
        if flushes:
            torch.set_flush_denormal(True)


def _change_settings(kind: str) -> Callable[[], None]:
    """Change the settings of a kind, and return what puts them back.

    torch 2.9 has new settings of precision beside the old ones, and refuses to read an old one where the two
    disagree. So both are set, the old ones first, since they write to the new ones too. If an old
    setting cannot be read, only the new one is put back.
    """
    cudnn: Any = torch.backends.cudnn
    matmul: Any = torch.backends.cuda.matmul
    mkldnn: Any = torch.backends.mkldnn
    on_cuda, new = kind == "CUDA", hasattr(matmul, "fp32_precision")
    settings: list[tuple[Any, str, Any]] = [(mkldnn, "enabled", True)]
    holders: list[Any] = [matmul, mkldnn.matmul, mkldnn.conv, mkldnn.rnn] if new else []
    if on_cuda:
        settings = [(cudnn, "benchmark", True), (cudnn, "allow_tf32", False)]
        holders = [cudnn.conv, cudnn.rnn] if new else []
    settings += [(holder, "fp32_precision", "ieee") for holder in holders]
    before: list[tuple[Any, str, Any]] = []
    precision = None
    with suppress(RuntimeError):
        precision = None if on_cuda else torch.get_float32_matmul_precision()
    for holder, name, _value in settings:
        with suppress(RuntimeError):
            before.append((holder, name, getattr(holder, name)))
    if not on_cuda:
        torch.set_float32_matmul_precision("highest")
    for holder, name, value in settings:
        setattr(holder, name, value)

    def undo() -> None:
        if precision is not None:
            torch.set_float32_matmul_precision(precision)
        for holder, name, value in before:
            setattr(holder, name, value)

    return undo
