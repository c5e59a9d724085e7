"""How much memory does a run take, by resolution, and how well is it told before?

    python benchmarks/memory.py

Each size runs in a process of its own: the peak of a process never falls. On a CPU the peak is that of the
resident memory beyond what Python and torch take once they are loaded; on a GPU, that of the allocated memory.
The run has few steps and one level; its estimate is made for the same. ``--smoke`` tries it within seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from measurement import (
    RESULTS,
    Record,
    common_parser,
    error_text,
    run_benchmark,
    seeded_picture,
)
from neural_style import StyleTransfer
from neural_style.hardware import choose_device

SIZES = [256, 384, 512, 768, 1024, 1280]
SMOKE_SIZES = [48, 64]
SMOKE_WIDTH = 0.25
STEPS = 4

if sys.platform != "win32":
    import resource


def peak(device: torch.device) -> int:
    """Return the most bytes held so far: on a CPU by this process, on a GPU by torch.

    Raises:
        ValueError: if nobody keeps count of the device's memory.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type != "cpu" or sys.platform == "win32":
        rule = "be one whose peak of memory is kept: CUDA, or a CPU outside Windows"
        raise ValueError(f"device must {rule}; got {device.type} on {sys.platform}. Measure there.")
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return resident if sys.platform == "darwin" else 1024 * resident


def measure_size(size: int, arguments: argparse.Namespace, width: float) -> Record:
    """Return the peak of a run and what was told before, in bytes; for a fresh process."""
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    sides = (3 * size // 4, size)
    content, style = (seeded_picture(sides, arguments.seed + number) for number in range(2))
    before = peak(device)
    transfer = StyleTransfer(weights="self-taught", width=width, device=device, precision=arguments.precision)
    told = transfer.estimate(sides, iterations=STEPS, levels=1).bytes
    transfer.run(content, style, size=size, iterations=STEPS, levels=1, seed=arguments.seed)
    taken = max(peak(device) - before, 1)
    return {
        "height": sides[0],
        "width": sides[1],
        "estimated_bytes": told,
        "measured_bytes": taken,
        "measured_bytes_per_pixel": taken / (sides[0] * sides[1]),
        "estimated_over_measured": told / taken,
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    width = SMOKE_WIDTH if arguments.smoke else 1.0
    results: list[Record] = []
    record: Record = {
        "settings": {
            "channel_width": width,
            "seed": arguments.seed,
            "precision": arguments.precision,
            "steps": STEPS,
        },
        "results": results,
    }
    for size in sizes:
        result: Record = {"longer_side": size}
        try:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
                result |= processes.submit(measure_size, size, arguments, width).result()
        except Exception as error:  # whatever fails here, memory above all, the others are still measured
            result["error"] = error_text(error)
        results.append(result)
        print(f"{size} px: {_outcome(result)}", flush=True)
        yield record


def _outcome(result: Record) -> str:
    """Return a result in a few words."""
    if "error" in result:
        return f"failed, {result['error']}"
    measured, told = result["measured_bytes"] / 1e6, result["estimated_bytes"] / 1e6
    return f"{measured:.0f} MB, told {told:.0f} MB: {result['estimated_over_measured']:.2f}"


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    return common_parser(
        "memory",
        "Peak memory of a run by resolution.",
        precision="of the network",
        smoke="tiny sizes and a narrow network",
    )


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("memory", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
