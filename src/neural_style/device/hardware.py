"""Where to compute, and in which precision: what ``"auto"`` means."""

from __future__ import annotations

from typing import Literal

import torch

from neural_style import _checks

Precision = Literal["auto", "float32", "bfloat16", "float16"]

PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16", "float16")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# What multiplies natively: on CUDA from a compute capability on, on a CPU with one of some instructions.
CAPABILITIES = {"bfloat16": (8, 0), "float16": (7, 0)}
INSTRUCTIONS = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16", "fp16_arith"},
}


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

    That is CUDA from compute capability 8.0 on and a CPU with AVX512-BF16, AMX or ARM's BF16. Elsewhere it
    takes float32. float16 is there to be asked for, on CUDA devices from 7.0 on that have nothing better.

    Raises:
        ValueError: if there is no such precision, or the device does not multiply it: emulated, it is a hundred
            times slower than float32 on a CPU.
    """
    _checks.choice("precision", precision, PRECISIONS)
    if precision == "auto":
        known = device.type in ("cuda", "cpu") and multiplies("bfloat16", device)
        return torch.bfloat16 if known else torch.float32
    if not multiplies(precision, device):
        rule, advice = "be one that the device multiplies", "Use 'float32', or 'auto' for the best there is."
        raise ValueError(_checks.message("precision", rule, f"{precision!r} on {device}", advice))
    return DTYPES[precision]


def multiplies(precision: str, device: torch.device) -> bool:
    """Return whether a device multiplies ``"float32"``, ``"bfloat16"`` or ``"float16"`` by itself."""
    if precision == "float32":
        return True
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= CAPABILITIES[precision]
    if device.type == "cpu":
        return not INSTRUCTIONS[precision].isdisjoint(_instructions())
    try:  # MPS and XPU have no question for it
        one = torch.ones(2, 2, dtype=DTYPES[precision], device=device)
        return bool((one @ one).sum() == 8)
    except (RuntimeError, TypeError):
        return False


def _instructions() -> set[str]:
    """Return what a CPU can do, by torch's names."""
    if hasattr(torch.cpu, "get_capabilities"):
        return {name for name, present in torch.cpu.get_capabilities().items() if present is True}
    # An older torch has no public question, and knows of Intel's and AMD's processors only.
    questions = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported",
                 "amx_fp16": "_is_amx_fp16_supported"}  # fmt: skip
    return {name for name, question in questions.items() if getattr(torch.cpu, question, bool)()}
