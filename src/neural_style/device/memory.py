"""How much memory a device has left, whether an error means that it ran out, and how to free what is unused."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import torch

# Linux's
MEMORY_LISTING = Path("/proc/meminfo")
GROUP_LISTING = Path("/proc/self/cgroup")
GROUP_TREE = Path("/sys/fs/cgroup")

# The files of a control group: its limit, its usage, and the entry of memory.stat that counts the cached files
# in it, which the system drops before a process runs out of memory.
UNIFIED = ("memory.max", "memory.current", "inactive_file")  # version 2
MEMORY_ONLY = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")  # version 1

RAN_OUT = re.compile(  # the messages of the CPU's, CUDA's, MPS' and XPU's allocators and their libraries
    r"out of memory|out_of_(device_|host_)?memory|out_of_resources|not enough memory|can(no|')t allocate memory"
    r"|alloc(ation)?_failed|bad_alloc|invalid buffer size"
    r"|unable to find an engine|unable to find a valid cudnn algorithm",  # cuDNN's, without room for any
    re.IGNORECASE,
)


def available_memory(device: torch.device) -> int | None:
    """Return how many bytes are free now, or None where the system does not say.

    On a GPU that includes what torch's allocator holds unused. On the CPU, on Linux, it is what the system can
    give without swapping, or less where a control group of the process, such as a container's or a batch job's,
    has a limit. Cached files count as free.
    """
    if device.type in ("cuda", "xpu"):
        backend = getattr(torch, device.type)
        unused = backend.memory_reserved(device) - backend.memory_allocated(device)
        return int(backend.mem_get_info(device)[0] + unused)
    if device.type == "mps":
        return max(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory(), 0)
    kilobytes = _number("MemAvailable:", MEMORY_LISTING) if device.type == "cpu" else None
    return None if kilobytes is None else min([kilobytes * 1024, *_left_by_groups()])


def ran_out(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on any device.

    Few of these errors have a class of their own, so that the text decides. cuDNN then finds no engine for a
    convolution, which may have other reasons too.

    >>> ran_out(RuntimeError("MPS backend out of memory (MPS allocated: 17.2 GB)"))
    True
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and RAN_OUT.search(str(error)) is not None


def give_back(device: torch.device) -> None:
    """Collect garbage, and give what torch's allocator holds unused back to the system."""
    gc.collect()
    if device.type in ("cuda", "mps", "xpu"):
        getattr(torch, device.type).empty_cache()


def _left_by_groups() -> Iterator[int]:
    """Yield how many bytes every control group of this process that has a limit leaves it.

    In a container the listing may name a folder of the host's, while the tree's root is the container's own
    group: folders that do not exist are skipped.
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
    match = re.search(rf"^{name}\s*(\d+)\b", _text(listing), re.MULTILINE)
    return int(match[1]) if match else None


def _text(path: Path) -> str:
    """Return the text of one of the system's files, or none where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
