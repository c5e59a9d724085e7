"""What is free is what the system lists, on a made-up one; every allocator's words are known."""

from __future__ import annotations

import errno
import gc
import os
import weakref
from pathlib import Path

import pytest
import torch

from neural_style.device import memory
from neural_style.device.memory import available_memory, give_back, ran_out

CPU = torch.device("cpu")


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Linux of 2,048,000 free bytes whose process is in no control group."""
    monkeypatch.setattr(memory, "MEMORY_LISTING", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUP_LISTING", tmp_path / "groups")
    monkeypatch.setattr(memory, "GROUP_TREE", tmp_path / "tree")
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:   2000 kB\n", encoding="utf-8")
    return tmp_path


def write_group(folder: Path, names: tuple[str, str, str], limit: str, usage: int, cached: int | None) -> None:
    """Make a control group's files as the kernel writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(limit, encoding="utf-8")
    (folder / names[1]).write_text(f"{usage}\n", encoding="utf-8")
    if cached is not None:
        text = f"cache 7\nunevictable 5\ntotal_rss 3\n{names[2]} {cached}\nactive_file 11\n"
        (folder / "memory.stat").write_text(text, encoding="utf-8")


def test_free_memory_is_what_linux_lists(system: Path) -> None:
    assert available_memory(CPU) == 2_048_000
    (system / "meminfo").write_text("MemTotal: 9 kB\n", encoding="utf-8")
    assert available_memory(CPU) is None


def test_free_memory_is_unknown_where_nothing_tells(system: Path) -> None:
    (system / "meminfo").unlink()
    assert available_memory(CPU) is None
    assert available_memory(torch.device("meta")) is None


@pytest.mark.parametrize(
    ("limit", "cached", "left"),
    [
        ("1000000", None, 600_000),
        ("1000000", 30_000, 630_000),
        ("1000", 0, 0),  # beyond its limit
        ("max", 0, 2_048_000),
        ("9223372036854771712", 0, 2_048_000),  # version 1's own for none
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_a_control_groups_limit_less_its_usage_is_free_and_its_cached_files_too(
    system: Path, version: int, limit: str, cached: int | None, left: int
) -> None:
    listing = {1: "9:cpu,cpuacct:/job\n4:memory:/job\n0::/\n", 2: "0::/job\n"}[version]
    (system / "groups").write_text(listing, encoding="utf-8")
    folder = {1: system / "tree" / "memory" / "job", 2: system / "tree" / "job"}[version]
    names = {1: memory.MEMORY_ONLY, 2: memory.UNIFIED}[version]
    write_group(folder, names, f"{limit}\n", 400_000, cached)
    assert available_memory(CPU) == left


@pytest.mark.parametrize("tightest", ["a", "a/b", "a/b/c"])
def test_the_tightest_of_a_control_group_and_those_above_it_counts(system: Path, tightest: str) -> None:
    (system / "groups").write_text("0::/a/b/c\n", encoding="utf-8")
    for name in ("a", "a/b", "a/b/c", "a/b/c/below", "beside"):
        limit = "500000\n" if name == tightest else "900000\n" if name.startswith("a/b/c/") else "max\n"
        limit = "1\n" if name in ("beside", "a/b/c/below") else limit
        write_group(system / "tree" / name, memory.UNIFIED, limit, 100_000, 0)
    assert available_memory(CPU) == 400_000


def test_a_containers_own_group_counts_where_the_listing_names_the_hosts(system: Path) -> None:
    (system / "groups").write_text("4:memory:/docker/0a1b\n", encoding="utf-8")
    write_group(system / "tree" / "memory", memory.MEMORY_ONLY, "700000\n", 100_000, 0)
    assert available_memory(CPU) == 600_000


@pytest.mark.parametrize("name", ["cuda", "xpu"])
def test_what_torch_holds_unused_on_a_gpu_is_free(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    backend = {"cuda": torch.cuda, "xpu": torch.xpu}[name]
    monkeypatch.setattr(backend, "mem_get_info", lambda _device: (5_000, 9_000), raising=False)
    monkeypatch.setattr(backend, "memory_reserved", lambda _device: 3_000)
    monkeypatch.setattr(backend, "memory_allocated", lambda _device: 1_000)
    assert available_memory(torch.device(name)) == 7_000


RAN_OUT = (
    MemoryError(),
    torch.OutOfMemoryError("no room"),
    OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    RuntimeError("alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 40000000000 bytes."),
    RuntimeError("std::bad_alloc"),
    RuntimeError("unable to mmap 548 bytes from file </vgg19.pth>: Cannot allocate memory (12)"),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("FIND was unable to find an engine to execute this computation"),
    RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    RuntimeError("Invalid buffer size: 24.00 GiB"),
    RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
    RuntimeError("Native API failed. Native API returns: -5 (PI_ERROR_OUT_OF_RESOURCES)"),
)


@pytest.mark.parametrize("error", RAN_OUT, ids=str)
def test_an_error_of_memory_is_known_by_its_class_or_its_words(error: BaseException) -> None:
    assert ran_out(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("size must be smaller; got 9000. The device is out of memory."),  # a caller's own
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    ],
    ids=str,
)
def test_other_errors_are_none_of_memory(error: BaseException) -> None:
    assert not ran_out(error)


class Ring:
    """An object that refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_giving_back_collects_garbage() -> None:
    gc.disable()
    try:
        ring = weakref.ref(Ring())
        give_back(CPU)
        assert ring() is None
    finally:
        gc.enable()
