"""Where to compute, and in which precision: what ``"auto"`` means."""

from contextlib import suppress
from typing import Literal, get_args

import torch

from neural_style import _checks

Precision = Literal["auto", "float32", "bfloat16", "float16"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# What multiplies natively: CUDA from a compute capability on, a CPU with one of these instructions.
CAPABILITIES = {"bfloat16": (8, 0), "float16": (7, 0)}
INSTRUCTIONS = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16", "fp16_arith"},
}


def available_devices() -> list[str]:
    """Return the types of device that this machine has, best first: of CUDA, MPS, XPU and the CPU."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "xpu": torch.xpu.is_available(),
        "cpu": True,
    }
    return [name for name, present in available.items() if present]


def device_count(device_type: str) -> int:
    """Return how many devices of a type this machine has; 1 for the CPU and MPS."""
    return int(getattr(torch, device_type).device_count()) if device_type in ("cuda", "xpu") else 1


def choose_device(name: str | torch.device) -> torch.device:
    """Return a device by its name: ``"auto"`` takes the best that this machine has.

    Raises:
        ValueError: if this machine has no such device.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    with suppress(RuntimeError, TypeError):  # torch's, of a name that it does not know
        device = torch.device(name)
        if device.type in available and (device.index or 0) < device_count(device.type):
            return device
    rule = f"be a device of this machine, {', '.join(map(repr, ['auto', *available]))}"
    raise ValueError(_checks.message("device", rule, repr(str(name)), "Choose one of them."))


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the dtype of the network: ``"auto"`` takes bfloat16 where the hardware multiplies it natively.

    That is CUDA from compute capability 8.0 on and a CPU with AVX512-BF16, AMX or ARM's BF16. Elsewhere it
    takes float32. ``"float16"`` is for CUDA devices from 7.0 on that have nothing better.

    Raises:
        ValueError: if there is no such precision, or the device does not multiply it natively: emulated, it is
            a hundred times slower than float32 on a CPU.
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
    """Return whether a device multiplies ``"float32"``, ``"bfloat16"`` or ``"float16"`` natively."""
    if precision == "float32":
        return True
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= CAPABILITIES[precision]
    if device.type == "cpu":
        return not INSTRUCTIONS[precision].isdisjoint(_instructions())
    try:  # torch does not say it of MPS and XPU
        one = torch.ones(2, 2, dtype=DTYPES[precision], device=device)
        return bool((one @ one).sum() == 8)
    except (RuntimeError, TypeError):
        return False


def _instructions() -> set[str]:
    """Return the instructions that this CPU has, by torch's names."""
    if hasattr(torch.cpu, "get_capabilities"):
        return {name for name, present in torch.cpu.get_capabilities().items() if present is True}
    # An older torch has private functions for it, for Intel's and AMD's processors only.
    functions = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported",
                 "amx_fp16": "_is_amx_fp16_supported"}  # fmt: skip
    return {name for name, function in functions.items() if getattr(torch.cpu, function, bool)()}
