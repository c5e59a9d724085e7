"""What "auto" means for device and precision, on machines that this one is not."""

from __future__ import annotations

import pytest
import torch

from neural_style.device import hardware
from neural_style.device.hardware import available_devices, choose_device, choose_dtype


def pretend(patch: pytest.MonkeyPatch, *types: str) -> None:
    """Make torch report these types of device, one of each."""
    patch.setattr(torch.cuda, "is_available", lambda: "cuda" in types)
    patch.setattr(torch.backends.mps, "is_available", lambda: "mps" in types)
    patch.setattr(torch.xpu, "is_available", lambda: "xpu" in types)
    patch.setattr(torch.cuda, "device_count", lambda: 1)
    patch.setattr(torch.xpu, "device_count", lambda: 1)


@pytest.mark.parametrize("types", [("cuda", "mps", "xpu"), ("mps", "xpu"), ("xpu",), ()])
def test_auto_takes_the_best_device(monkeypatch: pytest.MonkeyPatch, types: tuple[str, ...]) -> None:
    pretend(monkeypatch, *types)
    assert available_devices() == [*types, "cpu"]
    assert choose_device("auto").type == [*types, "cpu"][0]


@pytest.mark.parametrize("name", ["cuda:1", "mps", "gpu", "meta", "cpu:x"])
def test_a_device_may_be_named_or_given_unless_the_machine_lacks_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pretend(monkeypatch, "cuda")
    assert choose_device("cuda:0") == torch.device("cuda", 0)
    assert choose_device(torch.device("cpu")) == torch.device("cpu")
    with pytest.raises(ValueError, match=r"^device must .* 'auto', 'cuda', 'cpu'"):
        choose_device(name)


@pytest.mark.parametrize(
    ("capability", "auto", "float16"), [((8, 0), "bfloat16", True), ((7, 5), "float32", True),
                                        ((6, 1), "float32", False)]
)  # fmt: skip
def test_precision_on_cuda_follows_its_capability(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], auto: str, float16: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert choose_dtype("auto", torch.device("cuda")) == getattr(torch, auto)
    assert hardware.multiplies("float16", torch.device("cuda")) == float16


@pytest.mark.parametrize(
    ("present", "auto"),
    [
        ({"avx2": True, "avx512_bf16": False, "l1d_cache_size": 1}, "float32"),
        ({"avx512_bf16": True}, "bfloat16"),
        ({"bf16": True}, "bfloat16"),
        ({"fp16_arith": True}, "float32"),
    ],
)
def test_precision_on_a_cpu_follows_its_instructions(
    monkeypatch: pytest.MonkeyPatch, present: dict[str, object], auto: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: present, raising=False)
    assert choose_dtype("auto", torch.device("cpu")) == getattr(torch, auto)


def test_other_devices_get_float32_unless_asked() -> None:
    assert choose_dtype("auto", torch.device("mps")) == torch.float32
    assert choose_dtype("float32", torch.device("cuda")) == torch.float32


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_precision_that_the_device_lacks_is_refused(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    monkeypatch.setattr(hardware, "_instructions", set)
    with pytest.raises(ValueError, match=f"^precision must .*'{precision}' on cpu"):
        choose_dtype(precision, torch.device("cpu"))
    monkeypatch.setattr(hardware, "_instructions", lambda: hardware.INSTRUCTIONS[precision])
    assert choose_dtype(precision, torch.device("cpu")) == getattr(torch, precision)
