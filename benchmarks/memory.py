"""How much memory and time does a run take, by resolution, and how well are both estimated before?

    python benchmarks/memory.py

The runs are whole ones as they come, and a preview. Each has a process of its own: the peak of a process never
falls. On a CPU the peak is that of the resident memory beyond what Python and torch take once they are loaded;
on a GPU, that of the allocated memory. With ``--input-megapixels 1 12 48`` the runs are previews of JPEG files
of these sizes, whose reading is counted. ``--smoke`` tries it within seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from cases import Case, collect, in_fresh_process, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark, seeded_picture, synchronizer
from neural_style import StyleTransfer
from neural_style.device.hardware import choose_device
from neural_style.images.io import to_pil
from neural_style.transfer.levels import PREVIEW_SIZE

SIZES = [256, 512, 1024]
SMOKE_SIZES = [48, 64]

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


def measure_size(size: int, arguments: argparse.Namespace, preview: bool, photo: Path | None = None) -> Record:
    """Return a run's peak in bytes, its seconds, and what was estimated before; for a fresh process."""
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    sides = (3 * size // 4, size)
    content, style = (seeded_picture(sides, arguments.seed + number) for number in range(2))
    before = peak(device)
    transfer = StyleTransfer(weights=weights_of(arguments), device=device, precision=arguments.precision)
    own = sides
    if photo is not None:
        with Image.open(photo) as picture:
            own = (picture.height, picture.width)
    estimate = transfer.estimate(sides, preview=preview, content=own)
    began = time.perf_counter()
    losses: list[Tensor] = []  # read at the end, not to make a GPU wait
    options = {"size": size, "preview": preview, "seed": arguments.seed}
    transfer.run(photo or content, style, **options, callback=lambda progress: losses.append(progress.loss))
    synchronizer(device)()
    seconds = time.perf_counter() - began
    taken = max(peak(device) - before, 1)
    return {
        "height": sides[0],
        "width": sides[1],
        "estimated_bytes": estimate.bytes,
        "measured_bytes": taken,
        "measured_bytes_per_pixel": taken / (sides[0] * sides[1]),
        "estimated_over_measured": estimate.bytes / taken,
        "estimated_seconds": estimate.seconds,
        "measured_seconds": seconds,
        "estimated_over_measured_seconds": estimate.seconds / seconds,
        "evaluations": len(losses),
        "loss": losses[-1].item(),
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: a preview, then every size."""
    if arguments.input_megapixels:
        yield from measure_inputs(arguments)
        return
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    runs = [(min(*sizes, PREVIEW_SIZE), True), *((size, False) for size in sizes)]
    cases = [
        Case(
            f"{size} px{', a preview' if preview else ''}",
            {"longer_side": size, "preview": preview},
            partial(in_fresh_process, measure_size, size, arguments, preview),
        )
        for size, preview in runs
    ]
    for results in collect(cases, _in_words):
        yield {"settings": settings_of(arguments), "results": results}


def measure_inputs(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every preview of a photograph of so many megapixels."""
    size = min(*(arguments.sizes or SIZES), PREVIEW_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        cases = []
        for megapixels in arguments.input_megapixels:
            photo = Path(folder) / f"{megapixels:g}.jpg"
            in_fresh_process(draw, photo, megapixels, arguments.seed)  # whose memory the next do not inherit
            work = partial(in_fresh_process, measure_size, size, arguments, True, photo)
            title = f"{size} px, a preview of {megapixels:g} megapixels"
            about = {"longer_side": size, "preview": True, "input_megapixels": megapixels}
            cases.append(Case(title, about, work))
        for results in collect(cases, _in_words):
            yield {"settings": settings_of(arguments), "results": results}


def draw(photo: Path, megapixels: float, seed: int) -> Record:
    """Write a JPEG of 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    to_pil(seeded_picture((96, 128), seed)).resize((4 * height // 3, height)).save(photo, quality=90)
    return {}


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    measured, estimated = result["measured_bytes"] / 1e6, result["estimated_bytes"] / 1e6
    seconds = f"{result['measured_seconds']:.1f} s, estimated {result['estimated_seconds']:.1f}"
    return (
        f"{measured:.0f} MB, estimated {estimated:.0f}: {result['estimated_over_measured']:.2f}; "
        f"{seconds}: {result['estimated_over_measured_seconds']:.2f}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "memory",
        "Peak memory and time of a run by resolution.",
        precision="of the network",
        smoke="tiny sizes and a narrow network",
    )
    text = "measure previews of JPEG files of these sizes"
    parser.add_argument("--input-megapixels", type=float, nargs="+", metavar="MP", help=text)
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("memory", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
