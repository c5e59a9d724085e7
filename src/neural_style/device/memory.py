"""How much memory a device has left, whether an error says that it ran out, and giving back what is unused."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import torch

# Linux's
MEMORY_LISTING = Path("/proc/meminfo")
GROUP_LISTING = Path("/proc/self/cgroup")
GROUP_TREE = Path("/sys/fs/cgroup")

# What a control group's files are called: its limit, its usage, and the entry of memory.stat that counts the
# cached files among it, which the system drops before a process goes without.
UNIFIED = ("memory.max", "memory.current", "inactive_file")  # version 2
MEMORY_ONLY = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")  # version 1

RAN_OUT = re.compile(  # in the words of the CPU's, CUDA's, MPS' and XPU's allocators and their libraries
    r"out of memory|out_of_(device_|host_)?memory|out_of_resources|not enough memory|can(no|')t allocate memory"
    r"|alloc(ation)?_failed|bad_alloc|invalid buffer size"
    r"|unable to find an engine|unable to find a valid cudnn algorithm",  # cuDNN's, without room for any
    re.IGNORECASE,
)


def available_memory(device: torch.device) -> int | None:
    """Return how many bytes could be had now, or None where the system does not tell.

    On a GPU that is what is free and what torch's allocator holds unused. On the CPU, on Linux, it is what the
    system can give without swapping, or less where a control group of the process, such as a container's or a
    batch job's, leaves less. A group's cached files count as free, as the system's do.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return max(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory(), 0)
    if device.type == "xpu" and hasattr(torch.xpu, "mem_get_info"):
        unused = torch.xpu.memory_reserved(device) - torch.xpu.memory_allocated(device)
        return int(torch.xpu.mem_get_info(device)[0]) + unused
    found = _number("MemAvailable:", MEMORY_LISTING) if device.type == "cpu" else None
    return None if found is None else min([found * 1024, *_left_by_groups()])


def ran_out(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on whichever device.

    Few kinds of them have a class of their own, so that the text decides. cuDNN says of a convolution that it
    finds no engine for it, which may have other reasons too.

    >>> ran_out(RuntimeError("MPS backend out of memory (MPS allocated: 17.2 GB)"))
    True
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and RAN_OUT.search(str(error)) is not None


def give_back(device: torch.device) -> None:
    """Collect what nothing refers to any more, and give what torch's allocator holds unused to the system."""
    gc.collect()
    caches: dict[str, Callable[[], object]] = {
        "cuda": torch.cuda.empty_cache,
        "mps": torch.mps.empty_cache,
        "xpu": torch.xpu.empty_cache,
    }
    if device.type in caches:
        caches[device.type]()


def _left_by_groups() -> Iterator[int]:
    """Yield what the process's control groups leave it, each that has a limit, up to the tree's root.

    In a container the listing may name a folder of the host's, while the tree's root is the container's own
    group: folders that are not there are passed over.
    """
    for line in _text(GROUP_LISTING).splitlines():
        _hierarchy, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = GROUP_TREE, UNIFIED
        elif "memory" in controllers.split(","):
            root, names = GROUP_TREE / "memory", MEMORY_ONLY
        else:
            continue
        group = PurePosixPath(path)
        for folder in (root / one.relative_to("/") for one in (group, *group.parents)):
            limit, usage = (_number("", folder / name) for name in names[:2])
            if limit is not None and usage is not None:  # "max" is no number
                cached = _number(names[2], folder / "memory.stat") or 0
                yield max(limit - usage + cached, 0)


def _number(name: str, listing: Path) -> int | None:
    """Return the number in the line of a file that begins with a name, or None where there is none."""
    found = re.search(rf"^{name}\s*(\d+)\b", _text(listing), re.MULTILINE)
    return int(found[1]) if found else None


def _text(path: Path) -> str:
    """Return what is in one of the system's files; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
