"""Where to compute, and in which precision: what ``"auto"`` means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import torch

from neural_style import _checks

Precision = Literal["auto", "float32", "bfloat16"]

PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16")

MEMORY_LISTING = Path("/proc/meminfo")  # Linux's


def available_devices() -> list[str]:
    """Return the kinds of device that torch finds here, best first: of CUDA, MPS, XPU and the CPU."""
    found = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "xpu": torch.xpu.is_available(),
        "cpu": True,
    }
    return [name for name, present in found.items() if present]


def choose_device(name: str | torch.device) -> torch.device:
    """Return the device meant: ``"auto"`` takes the best there is.

    Raises:
        ValueError: if torch knows no such device, or finds none of that kind here.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = torch.device("meta")  # which is never available
    counts = {"cuda": torch.cuda.device_count, "xpu": torch.xpu.device_count}
    count = counts.get(device.type, lambda: 1)()
    if device.type not in available or (device.index or 0) >= count:
        listed = ", ".join(repr(kind) for kind in ["auto", *available])
        rule = "name a device that torch finds here"
        raise ValueError(_checks.message("device", rule, repr(str(name)), f"Here there are {listed}."))
    return device


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the dtype of the network: ``"auto"`` takes bfloat16 where the hardware multiplies it natively.

    That is CUDA from compute capability 8.0 on and a CPU with AVX512-BF16 or AMX. Elsewhere bfloat16 is
    emulated, on a CPU a hundred times slower than float32.
    """
    _checks.choice("precision", precision, PRECISIONS)
    if precision == "auto":
        return torch.bfloat16 if _multiplies_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def available_memory(device: torch.device) -> int | None:
    """Return how many bytes of memory are free, or None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu" or not MEMORY_LISTING.exists():
        return None
    text = MEMORY_LISTING.read_text(encoding="utf-8")
    found = re.search(r"^MemAvailable:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether the device has bfloat16 multiplication of its own."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        # torch has no public question for this; where a version lacks these, float32 is the safe answer.
        questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(bool(getattr(torch.cpu, question, bool)()) for question in questions)
    return False
