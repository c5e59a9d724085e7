"""What every benchmark shares: the timing, the pictures, the description of the machine, the record's file.

A speed without its circumstances cannot be compared with another. So every record keeps the raw samples, the
commit, the versions, the machine and its load; and the loss stands beside the time, so that a run that is fast
and wrong shows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

import neural_style
from neural_style.device.hardware import PRECISIONS, choose_device

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"

FEWEST_SAMPLES = 5  # below, a median and its spread say nothing

Record = dict[str, Any]


# ---------------------------------------------------------------------------------------------------------
# Timing
# ---------------------------------------------------------------------------------------------------------


def synchronizer(device: torch.device) -> Callable[[], None]:
    """Return what waits until the device has done all that was asked of it; the CPU needs no waiting."""
    if device.type == "cpu":
        return lambda: None
    return lambda: torch.accelerator.synchronize(device)


def time_calls(
    work: Callable[[], object],
    *,
    synchronize: Callable[[], None],
    repeats: int,
    warm_up: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Return the seconds of each of `repeats` calls, after `warm_up` calls that are not counted.

    Synchronised on both sides of each call: without the first wait a sample would pay for the work queued
    before it, without the second it would measure how fast work is queued.

    Raises:
        ValueError: if there are fewer than five repeats.
    """
    if repeats < FEWEST_SAMPLES:
        raise ValueError(f"repeats must be at least {FEWEST_SAMPLES}; got {repeats}. Give more.")
    for _ in range(warm_up):
        work()
    samples = []
    for _ in range(repeats):
        synchronize()
        start = clock()
        work()
        synchronize()
        samples.append(clock() - start)
    return samples


def summarize(samples: Sequence[float]) -> Record:
    """Return the median, the interquartile range and the raw samples, all in seconds."""
    first, median, third = statistics.quantiles(samples, n=4, method="inclusive")
    return {"median_seconds": median, "iqr_seconds": third - first, "samples_seconds": list(samples)}


def measure_gemm(device: torch.device, dtype: torch.dtype, side: int, *, repeats: int) -> Record:
    """Return the rate of multiplying two square matrices, the yardstick for what the device can do.

    Args:
        device: where to multiply.
        dtype: of both matrices.
        side: of both matrices.
        repeats: number of samples.
    """
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.rand(side, side, generator=generator).to(device, dtype) for _ in range(2))
    samples = time_calls(lambda: left @ right, synchronize=synchronizer(device), repeats=repeats, warm_up=2)
    timing = summarize(samples)
    return {"side": side, "gflops": 2 * side**3 / timing["median_seconds"] / 1e9, **timing}


# ---------------------------------------------------------------------------------------------------------
# Pictures
# ---------------------------------------------------------------------------------------------------------


def seeded_picture(size: tuple[int, int], seed: int) -> Tensor:
    """Return smooth noise at several scales, shape (1, 3, H, W), RGB in [0, 1].

    Large forms and small, as photographs have them, without a photograph to be found first.

    Args:
        size: (height, width) in pixels.
        seed: same seed, same picture.
    """
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 3, *size)
    for cells in (2, 4, 8, 16, 32, 64):
        coarse = torch.rand(1, 3, min(cells, size[0]), min(cells, size[1]), generator=generator)
        smooth = F.interpolate(coarse, size, mode="bilinear", align_corners=False)
        picture += smooth / cells**0.5  # larger forms have more contrast, as natural pictures have
    lowest, highest = picture.amin(), picture.amax()
    return (picture - lowest) / (highest - lowest)


# ---------------------------------------------------------------------------------------------------------
# Circumstances
# ---------------------------------------------------------------------------------------------------------


def load_average() -> list[float] | None:
    """Return the load averages over 1, 5 and 15 minutes, where the system keeps them."""
    return [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None


def describe_circumstances(device: torch.device, load_before: list[float] | None) -> Record:
    """Return all that a reader needs in order to judge a time, or to measure it again.

    Args:
        device: where the work ran.
        load_before: `load_average` from before the work.
    """
    cuda = device.type == "cuda"
    # Only what can change the numbers: an edited page or a new result does not make a measurement dirty.
    changes = _git("status", "--porcelain", "--", "src", "pyproject.toml", "benchmarks/*.py")
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if changes is None else bool(changes),
        "measured_the_checkout": Path(neural_style.__file__).is_relative_to(REPOSITORY / "src"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": str(torchvision.__version__),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "device_name": device_name(device),
        "cuda": torch.version.cuda if cuda else None,
        "load_average_before": load_before,
        "load_average_after": load_average(),
    }


def cpu_model() -> str:
    """Return the processor's name."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", listing.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_model() if device.type == "cpu" else f"{device.type} {platform.machine()}"


def machine_name(device: torch.device) -> str:
    """Return a name for files, such as ``cpu-amd-epyc-2threads`` or ``nvidia-h100-80gb-hbm3``."""
    slug = re.sub(r"[^a-z0-9]+", "-", device_name(device).lower()).strip("-")
    return f"cpu-{slug}-{torch.get_num_threads()}threads" if device.type == "cpu" else slug


def reproducing_command(script: str, parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """Return the command that measures the same again; where its output went does not belong to it."""
    words = ["python", f"benchmarks/{script}.py"]
    for name, value in vars(arguments).items():
        if name != "output" and value != parser.get_default(name):
            words.append(f"--{name.replace('_', '-')}")
            if value is not True:
                words.extend(str(part) for part in (value if isinstance(value, list) else [value]))
    return shlex.join(words)


def _git(*words: str) -> str | None:
    """Return what git says about this checkout, or None where there is no git or no checkout."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(REPOSITORY), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


# ---------------------------------------------------------------------------------------------------------
# The record's file
# ---------------------------------------------------------------------------------------------------------


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON with sorted keys, so that two of them can be compared line by line."""
    text = json.dumps(record, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def common_parser(script: str, description: str, *, precision: str, smoke: str) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has.

    Args:
        script: the benchmark's name.
        description: what it measures.
        precision: what the precision is of, for the help.
        smoke: what a smoke run is, for the help.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help=precision)
    parser.add_argument("--sizes", type=int, nargs="+", metavar="PX", help="longer sides in pixels")
    parser.add_argument("--threads", type=int, help="of the CPU; torch's own number if left out")
    parser.add_argument("--seed", type=int, default=0, help="of drawn pictures and the noise")
    parser.add_argument("--smoke", action="store_true", help=smoke)
    output = f"default: benchmarks/results/{script}-<machine>.json"
    parser.add_argument("--output", type=Path, help=output)
    return parser


def run_benchmark(
    script: str,
    parser: argparse.ArgumentParser,
    words: Sequence[str] | None,
    measure: Callable[[argparse.Namespace], Iterable[Record]],
    results: Path,
) -> None:
    """Measure what a command line asks for, and write the record.

    Args:
        script: the benchmark's name, and its record's.
        parser: understands at least ``--device``, ``--threads``, ``--smoke`` and ``--output``.
        words: the command line; None takes the process's own.
        measure: the parsed options → settings and results, once and again as they grow. Each time the record is
            written with the circumstances, so that an interrupt loses no result that is there.
        results: folder of a full run's record. A smoke run is written only where ``--output`` says.
    """
    arguments = parser.parse_args(words)
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    output: Path | None = arguments.output
    if output is None and not arguments.smoke:
        output = results / f"{script}-{machine_name(choose_device(arguments.device))}.json"
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)  # before the work, so that no result is lost for it
    device, load_before = choose_device(arguments.device), load_average()
    for measured in measure(arguments):
        if output is not None:
            record = {
                "benchmark": script,
                "command": reproducing_command(script, parser, arguments),
                "smoke": arguments.smoke,
                "circumstances": describe_circumstances(device, load_before),
                **measured,
            }
            write_record(output, record)
    print("A smoke run is written only where --output says." if output is None else f"Wrote {output}")
