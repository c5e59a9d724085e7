"""Freed memory stays with the process while a run lasts, and goes back to the system after it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from neural_style import StyleTransfer
from neural_style.device import allocation
from neural_style.device.allocation import CHOSEN_BY_USER, KEEPING, USUAL, blocks_kept
from neural_style.network.source import random_weights

BLOCK = 96 * 2**20  # bytes; more than glibc ever keeps by itself


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[object, ...]]]:
    """What the C library is asked for, in order; it is not asked in truth."""
    asked: list[tuple[object, ...]] = []
    for name in CHOSEN_BY_USER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(allocation, "_function", lambda name: lambda *given: asked.append((name, *given)))
    yield asked
    assert allocation._KEPT.holders == 0


SET = [("mallopt", *option) for option in KEEPING.items()]
RESTORED = [*(("mallopt", *option) for option in USUAL.items()), ("malloc_trim", 0)]


def test_settings_change_with_the_first_holder_and_return_with_the_last(
    calls: list[tuple[object, ...]],
) -> None:
    with blocks_kept():
        with blocks_kept():
            assert calls == SET
        assert calls == SET
    assert calls == SET + RESTORED


def test_freed_memory_is_given_back_within_a_run_too(calls: list[tuple[object, ...]]) -> None:
    with blocks_kept():
        allocation.give_back_freed()
    assert calls == [*SET, ("malloc_trim", 0), *RESTORED]


def test_where_the_c_library_has_nothing_to_trim_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "_function", lambda _name: None)
    allocation.give_back_freed()


def test_an_error_restores_the_settings(calls: list[tuple[object, ...]]) -> None:
    with pytest.raises(KeyError), blocks_kept():
        raise KeyError
    assert calls == SET + RESTORED


@pytest.mark.parametrize("name", CHOSEN_BY_USER)
def test_what_the_environment_chooses_stays(
    name: str, calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    with blocks_kept():
        pass
    assert calls == []


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neural_style.device.allocation.sys.platform", "darwin")
    assert allocation._function("malloc_trim") is None
    with blocks_kept():
        assert torch.ones(3, device="cpu").sum() == 3


def test_a_c_library_without_the_function_is_left_alone() -> None:
    assert allocation._function("no_such_function_of_any_library") is None


def test_a_run_keeps_blocks_on_a_cpu_and_restores(calls: list[tuple[object, ...]]) -> None:
    transfer = StyleTransfer(weights=random_weights(deepest="relu5_1", width=0.25, seed=0), device="cpu")
    picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0), device="cpu")
    transfer.run(picture, picture, size=32, iterations=1)
    assert calls == SET + RESTORED


needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in CHOSEN_BY_USER),
    reason="needs glibc with its own settings",
)

FAULTS_AFTER = """
import resource, torch
from neural_style.device.allocation import blocks_kept
with blocks_kept():
    pass
def fill():
    torch.empty(4 * 2**20, dtype=torch.float32, device="cpu").fill_(1)  # 16 MB
for _ in range(10):  # the heap may grow first
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@needs_glibc
def test_after_it_blocks_of_a_few_megabytes_are_reused_as_glibc_does_by_itself() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS_AFTER], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 5 * 4096  # of 20 · 4096 pages, if each were mapped anew


RESIDENT = f"""
import os, pathlib, torch
from neural_style.device.allocation import blocks_kept
def resident():
    pages = pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
def filled_and_freed():
    block = torch.ones({BLOCK // 4}, dtype=torch.float32, device="cpu")
    del block
    return resident()
before = filled_and_freed()
with blocks_kept():
    inside = filled_and_freed()
print(before, inside, resident())
"""


@needs_glibc
def test_resident_memory_stays_and_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", RESIDENT], capture_output=True, text=True, check=True)
    before, inside, after = map(int, done.stdout.split())
    assert inside > before + BLOCK // 2
    assert after < inside - BLOCK // 2
