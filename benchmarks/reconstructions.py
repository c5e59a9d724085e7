"""How much of a photograph does each layer keep?

    python benchmarks/reconstructions.py --photos PHOTO [PHOTO …]

reconstructs every photograph from one layer at a time, from noise at 256 px, and measures the peak
signal-to-noise ratio of the result in dB, larger for nearer. ``--smoke`` tries it within seconds on a picture
of ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from cases import Case, collect, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark, seeded_picture
from neural_style import load_image, reconstruct_content
from neural_style.images.resizing import fit_within, resize, size_of

SIZES, SMOKE_SIZES = [256], [64]
ITERATIONS, SMOKE_ITERATIONS = 300, 3
LAYERS = ["relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"]


def measure_layer(photo: Tensor, layer: str, size: int, arguments: argparse.Namespace) -> Record:
    """Return the peak signal-to-noise ratio of a reconstruction of a photograph (1, 3, H, W)."""
    target = resize(photo, fit_within(size_of(photo), size))
    result = reconstruct_content(
        target,
        layer,
        size=None,
        iterations=SMOKE_ITERATIONS if arguments.smoke else ITERATIONS,
        seed=arguments.seed,
        weights=weights_of(arguments),
        device=arguments.device,
        precision=arguments.precision,
    )
    ratio = peak_signal_noise_ratio(target.numpy(), result.cpu().numpy(), data_range=1.0)
    return {"signal_to_noise": float(ratio)}


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every layer of every photograph at every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    photos = {Path(name).stem: load_image(name).unsqueeze(0) for name in arguments.photos}
    cases = [
        Case(
            f"{name}, {size} px, {layer}",
            {"photo": name, "longer_side": size, "layer": layer},
            partial(measure_layer, photo, layer, size, arguments),
        )
        for name, photo in (photos or {"drawn": seeded_picture((192, 256), arguments.seed)}).items()
        for size in sizes
        for layer in LAYERS
    ]
    for results in collect(cases, lambda result: f"{result['signal_to_noise']:.1f} dB"):
        yield {"settings": settings_of(arguments), "results": results}


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "reconstructions",
        "Peak signal-to-noise ratio of reconstructions by layer.",
        precision="of the network",
        smoke="a tiny size, a few evaluations",
    )
    parser.add_argument("--photos", nargs="+", metavar="PHOTO", default=[], help="a drawn picture if left out")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("reconstructions", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
