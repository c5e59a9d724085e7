"""How long does one evaluation, a loss and its gradient, take at each resolution and in each precision?

    python benchmarks/iterations.py

measures the default objective at six sizes and writes ``benchmarks/results/iterations-<machine>.json``;
``python benchmarks/tables.py`` then makes the documentation's table from it. ``--smoke`` tries everything on
pictures of 64 pixels within seconds and writes a record only where ``--output`` says.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch

from cases import Case, channel_width, collect, weights_name, weights_of
from measurement import (
    RESULTS,
    Record,
    common_parser,
    measure_gemm,
    run_benchmark,
    seeded_picture,
    summarize,
    synchronizer,
    time_calls,
)
from neural_style import StyleTransfer
from neural_style.device.hardware import PRECISIONS, Precision, choose_device, choose_dtype, multiplies
from neural_style.device.settings import set_up
from neural_style.evaluation.costs import evaluation_flops
from neural_style.evaluation.cuda_graph import RecordedObjective

SIZES = [128, 256, 384, 512, 768, 1024]  # longer side in pixels
SMOKE_SIZES = [64, 96]
WARM_UP = RecordedObjective.warm_up


def measure_size(
    transfer: StyleTransfer, longer_side: int, *, gflops: float, seed: int, repeats: int
) -> Record:
    """Return the times of one evaluation at a size, with the loss.

    Args:
        transfer: holds the network, its precision and its device.
        longer_side: of a 4:3 picture, in pixels.
        gflops: rate of the yardstick.
        seed: of the pictures.
        repeats: number of samples.

    Raises:
        FloatingPointError: if the loss is no finite number.
    """
    size = (longer_side * 3 // 4, longer_side)
    content, style, image = (seeded_picture(size, seed + i).to(transfer.device) for i in range(3))
    objective = transfer.objective(content, style)
    with set_up():  # as a run is
        samples = time_calls(
            lambda: objective.value_and_grad(image),
            synchronize=synchronizer(transfer.device),
            repeats=repeats,
            warm_up=WARM_UP,
        )
    loss = objective.value_and_grad(image)[0].item()
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss}")
    settings, width = transfer.settings, transfer.network.width
    flops = evaluation_flops(size, layers=settings.layers, style_layers=settings.style_layers, width=width)
    timing = summarize(samples)
    megapixels, rate = size[0] * size[1] / 1e6, flops / timing["median_seconds"] / 1e9
    return {
        **timing,
        "loss": loss,
        "megapixels": megapixels,
        "seconds_per_megapixel": timing["median_seconds"] / megapixels,
        "flops": flops,
        "gflops": rate,
        "fraction_of_gemm": rate / gflops,
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every precision at every size."""
    device = choose_device(arguments.device)
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    weights = weights_of(arguments)
    side = 256 if arguments.smoke else 2048 if device.type == "cpu" else 8192
    yardsticks: Record = {}
    settings = {
        "preset": "default",
        "weights": weights_name(arguments),
        "channel_width": channel_width(arguments),
        "sizes": sizes,
        "seed": arguments.seed,
        "repeats": arguments.repeats,
        "warm_up": WARM_UP,
    }

    def cases() -> Iterator[Case]:
        for precision in precisions(arguments.precision, device):
            dtype = choose_dtype(precision, device)
            yardsticks[precision] = gemm = measure_gemm(device, dtype, side, repeats=arguments.repeats)
            print(f"{precision}: a GEMM of side {side} reaches {gemm['gflops']:.0f} GFLOP/s", flush=True)
            transfer = StyleTransfer(weights=weights, device=device, precision=precision)
            options = {"gflops": gemm["gflops"], "seed": arguments.seed, "repeats": arguments.repeats}
            for size in sizes:
                known = {"precision": precision, "longer_side": size, "height": size * 3 // 4, "width": size}
                work = partial(measure_size, transfer, size, **options)
                yield Case(f"{precision}, {size} px", known, work)

    for results in collect(cases(), _in_words):
        yield {"settings": settings, "gemm": yardsticks, "results": results}


def precisions(asked: Precision, device: torch.device) -> list[Precision]:
    """Return the precision asked for, or all that the device multiplies natively."""
    if asked != "auto":
        return [asked]
    return [precision for precision in PRECISIONS if precision != "auto" and multiplies(precision, device)]


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    return (
        f"{result['median_seconds']:.3g} s (IQR {result['iqr_seconds']:.2g} s), "
        f"{result['gflops']:.0f} GFLOP/s, loss {result['loss']:.6g}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "iterations",
        "Time one evaluation by resolution and precision.",
        precision="auto: all that the device multiplies natively",
        smoke="two tiny sizes, a quarter of the channels",
    )
    parser.add_argument("--repeats", type=int, default=9, help="samples at each size, at least 5")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("iterations", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
