"""How do time and memory of an evaluation grow with the picture, at once and in tiles?

    python benchmarks/resolution.py

evaluates the default objective once for each size, in a process of its own: the peak of a process never falls.
Beside the peak stands what is left of it without the arrays of the picture's own size: the photograph, the
picture, its gradient. ``--smoke`` tries everything on small pictures within seconds.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from functools import partial

import torch

from cases import Case, channel_width, collect, in_fresh_process, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark, seeded_picture, synchronizer
from memory import peak
from neural_style.device.hardware import choose_device, choose_dtype
from neural_style.device.settings import set_up
from neural_style.evaluation.objective import Objective
from neural_style.network.features import VGG19Features
from neural_style.transfer.presets import PRESETS

CASES = [(1.0, None), (4.0, None), (4.0, 1024), (16.0, 1024), (64.0, 1024), (100.0, 1024)]  # megapixels, tile
SMOKE_CASES = [(0.02, None), (0.06, 96)]
STYLE = (1080, 1440)  # (height, width): paintings are not enlarged with the result
IMAGES = 3  # of the picture's own size: the photograph, the picture, the gradient
ONCE_FROM = 8.0  # megapixels, from which an evaluation is timed once and not warmed up
REPEATS = 3


def measure_case(megapixels: float, tile: int | None, arguments: argparse.Namespace) -> Record:
    """Return an evaluation's time and peak in bytes; for a fresh process.

    Args:
        megapixels: of the picture, which is 4:3.
        tile: side of the tiles in pixels; None evaluates it at once.
        arguments: the command line's.
    """
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    size = (round(math.sqrt(megapixels * 0.75e6)), round(math.sqrt(megapixels / 0.75e-6)))
    settings, width = PRESETS["default"], channel_width(arguments)
    network = VGG19Features(weights_of(arguments), settings.layers).to(device)
    network.set_precision(choose_dtype(arguments.precision, device))
    before = peak(device)
    content, image = (seeded_picture(size, arguments.seed + number).to(device) for number in range(2))
    style = seeded_picture(STYLE if width == 1 else (96, 128), arguments.seed + 2).to(device)
    synchronize, repeats = synchronizer(device), 1 if megapixels >= ONCE_FROM else REPEATS
    samples = []
    with set_up(device):
        objective = Objective(network, content, style, settings, tile=tile, keep_targets=tile is None)
        for _ in range(repeats + (repeats > 1)):
            synchronize()
            began = time.perf_counter()
            loss, gradient = objective.value_and_grad(image)
            synchronize()
            samples.append(time.perf_counter() - began)
    seconds, taken = sorted(samples[-repeats:])[repeats // 2], peak(device) - before
    pixels = size[0] * size[1]
    images = IMAGES * image.element_size() * 3 * pixels
    return {
        "height": size[0],
        "width": size[1],
        "tiles": len(objective.grid.tiles),
        "seconds": seconds,
        "samples_seconds": samples[-repeats:],
        "seconds_per_megapixel": seconds / pixels * 1e6,
        "measured_bytes": taken,
        "image_bytes": images,
        "bytes_beside_images": taken - images,
        "loss": loss.item(),
        "gradient_norm": gradient.norm().item(),
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result."""
    sizes: Sequence[tuple[float, int | None]] = SMOKE_CASES if arguments.smoke else CASES
    cases = [
        Case(
            f"{megapixels:g} MP, {'at once' if tile is None else f'in tiles of {tile}'}",
            {"megapixels": megapixels, "tile": tile},
            partial(in_fresh_process, measure_case, megapixels, tile, arguments),
        )
        for megapixels, tile in sizes
        if arguments.megapixels is None or megapixels in arguments.megapixels
    ]
    for results in collect(cases, _in_words):
        yield {"settings": settings_of(arguments), "results": results}


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    memory, beside = result["measured_bytes"] / 1e6, result["bytes_beside_images"] / 1e6
    return (
        f"{result['seconds']:.1f} s, {result['seconds_per_megapixel']:.2f} s/MP; "
        f"{memory:.0f} MB, {beside:.0f} beside the images; loss {result['loss']:.6g}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "resolution",
        "Time and peak memory of an evaluation by megapixels, at once and in tiles.",
        precision="of the network",
        smoke="tiny pictures and a narrow network",
    )
    parser.add_argument("--megapixels", type=float, nargs="+", metavar="MP", help="only these of the sizes")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("resolution", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
