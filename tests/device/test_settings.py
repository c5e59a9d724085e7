"""What a run holds of torch's switches is exact, readable and put back. None of it needs a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import torch

from neural_style.device.settings import own_state, set_up

cudnn: Any = torch.backends.cudnn
matmul: Any = torch.backends.cuda.matmul
mkldnn: Any = torch.backends.mkldnn
everything: Any = torch.backends
NEW = hasattr(matmul, "fp32_precision")  # torch 2.9 and later
USERS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "allow_tf32": lambda: setattr(matmul, "allow_tf32", True),
    "no convolutions": lambda: setattr(cudnn, "allow_tf32", False),
    "no oneDNN": lambda: setattr(mkldnn, "enabled", False),
}
if NEW:
    USERS |= {
        "new matmul": lambda: setattr(matmul, "fp32_precision", "tf32"),
        "new convolutions": lambda: setattr(cudnn.conv, "fp32_precision", "ieee"),
        "all": lambda: setattr(everything, "fp32_precision", "tf32"),
        "mkldnn": lambda: setattr(mkldnn.matmul, "fp32_precision", "bf16"),
        "mkldnn's convolutions": lambda: setattr(mkldnn.conv, "fp32_precision", "bf16"),
    }


def state() -> list[object]:
    """Return every setting, or None where torch refuses to read it."""
    read: list[Callable[[], object]] = [
        lambda: cudnn.benchmark,
        lambda: matmul.allow_tf32,
        lambda: cudnn.allow_tf32,
        lambda: mkldnn.enabled,
        torch.get_float32_matmul_precision,
    ]
    if NEW:
        holders = (everything, matmul, cudnn, cudnn.conv, cudnn.rnn, mkldnn.matmul, mkldnn.conv, mkldnn.rnn)
        read += [lambda holder=holder: holder.fp32_precision for holder in holders]  # type: ignore[misc]
    values: list[object] = []
    for one in read:
        try:
            values.append(one())
        except RuntimeError:
            values.append(None)
    return values


@pytest.fixture(autouse=True)
def torchs_defaults() -> Iterator[None]:
    """Put torch's defaults back after a test."""
    yield
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = mkldnn.enabled = True
    torch.set_flush_denormal(False)
    if NEW:
        for holder in (everything, matmul, mkldnn.matmul, mkldnn.conv):
            holder.fp32_precision = "none"


@pytest.mark.parametrize("user", USERS)
def test_float32_is_exact_and_the_callers_settings_are_put_back(user: str) -> None:
    USERS[user]()
    before = state()
    with set_up():
        inside = state()
    assert inside[:5] == [True, False, False, True, "highest"]  # which a callback may read
    if NEW:
        assert inside[6] == inside[8] == inside[10] == inside[11] == "ieee"
    assert state() == before != inside


def test_the_last_of_overlapping_runs_puts_the_settings_back() -> None:
    before = state()

    def overlap() -> None:
        with ExitStack() as second:
            with set_up():
                second.enter_context(set_up())
            assert state() != before
            raise KeyError

    with pytest.raises(KeyError):
        overlap()
    assert state() == before


def test_a_run_on_the_cpu_leaves_cudnn_alone_and_one_on_cuda_beside_it_does_not() -> None:
    def cudnns() -> list[object]:
        return [cudnn.benchmark, cudnn.allow_tf32, *([cudnn.conv.fp32_precision] if NEW else [])]

    before, everything_before = cudnns(), state()
    with ExitStack() as outer:
        with own_state(torch.device("cpu")):
            assert cudnns() == before
            assert torch.get_float32_matmul_precision() == "highest"
            outer.enter_context(set_up(torch.device("cuda")))
            assert cudnns()[:2] == [True, False] != before[:2]
        assert cudnns()[:2] == [True, False]
    assert state() == everything_before


def test_denormal_numbers_are_kept_while_the_callers_thread_flushes_them() -> None:
    small = torch.full((3,), 1e-310, dtype=torch.float64)
    torch.set_flush_denormal(True)
    assert (small * 1 == 0).all()
    with own_state(torch.device("cpu")):
        assert (small * 1 != 0).all()
    assert (small * 1 == 0).all()
