"""A run under any of torch's global switches has the same bits, and leaves the switch as it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import Style, StyleTransfer, learn_weights, synthesize_texture
from neural_style.images.masks import color_regions

_generator = torch.Generator().manual_seed(0)
PIXELS = torch.randint(256, (40, 56, 3), generator=_generator, dtype=torch.uint8).numpy()
STYLE = torch.rand(3, 48, 48, generator=_generator)
mkldnn: Any = torch.backends.mkldnn
everything: Any = torch.backends


def flushes_denormals() -> bool:
    return bool(torch.ones((), dtype=torch.float64, device="cpu") * 1e-310 == 0)


def matmul_precision() -> str | None:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # as where only the newer settings are set
        return None


def set_tensor_type() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated
        torch.set_default_tensor_type(torch.DoubleTensor)


def entered(context: Any) -> Callable[[], object]:
    """Return what enters a mode, to be left by the fixture."""

    def enter() -> None:
        _entered.append(context)
        context.__enter__()

    return enter


_entered: list[Any] = []
SWITCHES: dict[str, Callable[[], object]] = {
    "default device": lambda: torch.set_default_device("meta"),
    "default dtype float64": lambda: torch.set_default_dtype(torch.float64),
    "default dtype bfloat16": lambda: torch.set_default_dtype(torch.bfloat16),
    "default tensor type": set_tensor_type,
    "no gradients": lambda: torch.set_grad_enabled(False),
    "inference": entered(torch.inference_mode()),
    "autocast": entered(torch.autocast("cpu", torch.bfloat16)),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "deterministic, warn only": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "without oneDNN": lambda: setattr(mkldnn, "enabled", False),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "no denormals": lambda: torch.set_flush_denormal(True),
    "a seed": lambda: torch.manual_seed(7),
}
if hasattr(mkldnn, "matmul"):  # torch 2.9 and later
    SWITCHES |= {
        "bfloat16 for all": lambda: setattr(everything, "fp32_precision", "bf16"),
        "bfloat16 for oneDNN": lambda: setattr(mkldnn.matmul, "fp32_precision", "bf16"),
    }


def state() -> list[object]:
    """Return every switch."""
    precisions = [everything, mkldnn.matmul, mkldnn.conv, mkldnn.rnn] if hasattr(mkldnn, "matmul") else []
    return [
        torch.empty(0).device,  # get_default_device fails in torch 2.8 once a device was set and unset
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        matmul_precision(),
        mkldnn.enabled,
        torch.is_anomaly_enabled(),
        flushes_denormals(),
        torch.get_num_threads(),
        torch.initial_seed(),
        *(holder.fp32_precision for holder in precisions),
    ]


@pytest.fixture(autouse=True)
def torchs_defaults() -> Iterator[None]:
    """Put torch's defaults back after a test."""
    seed = torch.initial_seed()
    yield
    while _entered:
        _entered.pop().__exit__(None, None, None)
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")
    torch.autograd.set_detect_anomaly(False)
    torch.set_flush_denormal(False)
    torch.manual_seed(seed)
    mkldnn.enabled = True
    if hasattr(mkldnn, "matmul"):
        for holder in (everything, mkldnn.matmul):
            holder.fp32_precision = "none"


@cache
def transfer(precision: Any) -> StyleTransfer:
    return StyleTransfer(weights=RANDOM, device="cpu", precision=precision)


def run(made: StyleTransfer) -> Tensor:
    return made.run(PIXELS, STYLE, size=56, iterations=3, levels=2, init={"content": 1, "colored-noise": 0.1})


@cache
def expected(precision: str) -> Tensor:
    return run(transfer(precision))


@pytest.mark.parametrize("precision", ["float32", "auto"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_run_under_any_switch_has_the_same_bits_and_leaves_it(switch: str, precision: Any) -> None:
    wanted, usual = expected(precision), state()
    SWITCHES[switch]()
    before = state()
    assert before != usual
    image = run(transfer(precision))
    assert state() == before
    made_under = run(StyleTransfer(weights=RANDOM, device="cpu", precision=precision))
    assert state() == before
    assert image.dtype == torch.float32
    assert not image.is_inference()
    assert image.numpy().tobytes() == made_under.numpy().tobytes() == wanted.numpy().tobytes()


@cache
def learned() -> bytes:
    weights = learn_weights([STYLE], deepest="relu2_2", width=0.25)
    return b"".join(value.numpy().tobytes() for value in weights.parameters.values())


@pytest.mark.parametrize("switch", SWITCHES)
def test_filters_learned_under_any_switch_have_the_same_bits(switch: str) -> None:
    wanted = learned()
    SWITCHES[switch]()
    before = state()
    assert learned.__wrapped__() == wanted
    assert state() == before


@pytest.mark.parametrize("switch", ["default device", "default dtype bfloat16", "inference", "medium"])
def test_a_texture_in_parts_under_a_switch_has_the_same_bits(switch: str) -> None:
    halves = torch.linspace(0, 1, 48, device="cpu").round().expand(3, 48, 48)

    def texture() -> Tensor:
        [(_, left), (_, _)] = color_regions(halves)
        style = Style(STYLE, mask=left)
        return synthesize_texture(style, (32, 48), iterations=1, weights=RANDOM, device="cpu")

    wanted = texture()
    SWITCHES[switch]()
    assert texture().numpy().tobytes() == wanted.numpy().tobytes()


def test_a_callback_sees_the_number_of_threads_that_the_caller_set() -> None:
    threads, seen = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        transfer("auto").run(
            PIXELS, STYLE, size=32, iterations=1, callback=lambda _: seen.append(torch.get_num_threads())
        )
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert set(seen) == {1}
