"""What "auto" means for device and precision, on machines that this one is not."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
import torch

from neural_style.device import hardware, settings
from neural_style.device.hardware import (
    available_devices,
    choose_device,
    choose_dtype,
    multiplies,
)
from neural_style.device.settings import set_up


def pretend(patch: pytest.MonkeyPatch, *kinds: str) -> None:
    """Make torch find these kinds of device, one of each."""
    patch.setattr(torch.cuda, "is_available", lambda: "cuda" in kinds)
    patch.setattr(torch.backends.mps, "is_available", lambda: "mps" in kinds)
    patch.setattr(torch.xpu, "is_available", lambda: "xpu" in kinds)
    patch.setattr(torch.cuda, "device_count", lambda: 1)
    patch.setattr(torch.xpu, "device_count", lambda: 1)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(("cuda", "mps", "xpu"), "cuda"), (("mps", "xpu"), "mps"), (("xpu",), "xpu"), ((), "cpu")],
)
def test_auto_takes_the_best_device(
    monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], expected: str
) -> None:
    pretend(monkeypatch, *kinds)
    assert available_devices() == [*kinds, "cpu"]
    assert choose_device("auto").type == expected
    assert choose_device("cpu").type == "cpu"


def test_a_device_may_be_named_or_given(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "cuda")
    assert choose_device("cuda:0") == torch.device("cuda", 0)
    assert choose_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:1", "mps", "gpu", "meta", "cpu:x"])
def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend(monkeypatch, "cuda")
    text = (
        f"device must name a device that torch finds here; got {name!r}. Here there are 'auto', 'cuda', 'cpu'."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        choose_device(name)


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((9, 0), torch.bfloat16),
        ((8, 0), torch.bfloat16),
        ((7, 5), torch.float32),
    ],
)
def test_auto_precision_on_cuda_asks_for_its_capability(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert choose_dtype("auto", torch.device("cuda")) == expected


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({}, torch.float32),
        ({"avx2": True, "avx512_bf16": False, "l1d_cache_size": 1}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),
        ({"fp16_arith": True}, torch.float32),
    ],
)
def test_auto_precision_on_a_cpu_asks_for_its_instructions(
    monkeypatch: pytest.MonkeyPatch, present: dict[str, object], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: present, raising=False)
    assert choose_dtype("auto", torch.device("cpu")) == expected


@pytest.mark.parametrize("avx512", [False, True])
@pytest.mark.parametrize("amx", [False, True])
def test_auto_precision_on_a_cpu_asks_an_older_torch_too(
    monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_fp16_supported", raising=False)
    expected = torch.bfloat16 if avx512 or amx else torch.float32
    assert choose_dtype("auto", torch.device("cpu")) == expected


def test_other_devices_get_float32_unless_asked() -> None:
    assert choose_dtype("auto", torch.device("mps")) == torch.float32
    assert choose_dtype("float32", torch.device("mps")) == torch.float32
    assert choose_dtype("float32", torch.device("cuda")) == torch.float32


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_precision_that_the_device_lacks_is_refused(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    monkeypatch.setattr(hardware, "_instructions", set)
    text = (
        f"precision must be one that the device multiplies; got {precision!r} on cpu. "
        "Use 'float32', or 'auto' for the best there is."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        choose_dtype(precision, torch.device("cpu"))
    monkeypatch.setattr(hardware, "_instructions", lambda: hardware.INSTRUCTIONS[precision])
    assert choose_dtype(precision, torch.device("cpu")) == getattr(torch, precision)


def test_an_unknown_precision_is_refused() -> None:
    text = "precision must be one of 'auto', 'float32', 'bfloat16', 'float16'; got 'half'"
    with pytest.raises(ValueError, match=text):
        choose_dtype("half", torch.device("cpu"))


def test_long_work_on_cuda_is_tuned_and_exact_and_leaves_the_settings_as_they_were() -> None:
    def found() -> list[object]:
        return [getattr(holder, name) for holder, name, _value in settings._cuda_settings()]

    before, inside = found(), []

    def overlap() -> None:
        """Let a second run begin within the first and end after it."""
        with ExitStack() as second:
            with set_up(torch.device("cuda")):
                second.enter_context(set_up(torch.device("cuda")))
            inside.extend(found())
            raise KeyError

    with pytest.raises(KeyError):
        overlap()
    assert inside in ([True, "ieee", "ieee"], [True, False, False])  # from torch 2.9 on, and before
    assert found() == before != inside


@pytest.mark.parametrize(("capability", "float16"), [((9, 0), True), ((7, 0), True), ((6, 1), False)])
def test_float16_on_cuda_has_to_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], float16: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert multiplies("float16", torch.device("cuda")) == float16


def test_nothing_is_set_for_other_devices() -> None:
    before = torch.backends.cudnn.benchmark
    with set_up(torch.device("meta")):
        assert torch.backends.cudnn.benchmark == before
