"""How long until our transfer reaches the losses of the textbook's loop after 100 and after 500 evaluations?

    python benchmarks/time_to_loss.py --pairs PHOTO PAINTING [PHOTO PAINTING …]

Both minimise the same loss with the same weights, the textbook's loop from the photograph and ours from the
recoloured one, which is the content of both. They work in one process and in turn, each on a clock of its own:
after some evaluations of ours, coarse to fine, the textbook's loop (`textbook.py`) goes on by some, so that a
machine that grows slower or faster does so for both. Ours ends once its loss at the full size is as low as the
textbook's has become. Both losses are those of one function, evaluated in float32 even where ours works in half
precision. The record goes to ``benchmarks/results/time_to_loss-<machine>.json``.
``--smoke`` tries it within seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from cases import Case, collect, error_text, pairs_of, settings_of, weights_of
from curves import speedups
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import Progress, StyleTransfer
from neural_style.device.hardware import choose_device, choose_dtype
from neural_style.device.settings import set_up
from neural_style.images.color import match_colors
from neural_style.images.resizing import fit_within, resize
from neural_style.transfer.levels import plan_levels
from neural_style.transfer.presets import PRESETS
from textbook import EVALUATIONS, History, TextbookLoss, TextbookRun, finite, lowest

SIZES = [512]
SMOKE_SIZES = [64]
SMOKE_EVALUATIONS = 12
MOST_STEPS = 300  # at the full size, should the loss be slow to reach
PACE = 1.6  # evaluations of the textbook's loop for the work of one of ours: it lasts as long as ours can
MILESTONES = (10, 20, 50, 100, 200, 300, 400, 500)


def measure_pair(content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace) -> Record:
    """Return how long both took to the textbook's last loss; or, where it fails, the error."""
    device = choose_device(arguments.device)
    evaluations = SMOKE_EVALUATIONS if arguments.smoke else arguments.evaluations
    record: Record = {"longer_side": size}
    try:
        weights = weights_of(arguments)
        layers = PRESETS["default"].style_layers  # given by name, all are kept at the finest level too
        chosen = partial(StyleTransfer, weights=weights, device=device, style_layers=layers)
        transfer = chosen(precision=arguments.precision)
        exact = chosen(precision="float32")
        objective = exact.objective(content, style, size=size)
        start = resize(content, fit_within(_sides(content), size)).to(device)
        reduced = style if max(_sides(style)) <= size else resize(style, fit_within(_sides(style), size))
        recolored = resize(match_colors(content, style), _sides(start)).to(device)
        loss = TextbookLoss(weights, recolored, reduced.to(device), objective.terms)
        book = TextbookRun(loss, start, evaluations)

        def in_float32(image: Tensor) -> float:
            return objective.value_and_grad(image)[0].item()

        check = None if choose_dtype(arguments.precision, device) == torch.float32 else in_float32
        record |= {"height": start.shape[-2], "width": start.shape[-1]}
        with set_up():
            record["ours"] = measure_ours(transfer, content, style, size, book, check)
            record["textbook"] = _of_textbook(book)
            if record["textbook"]["loss"] is None:
                raise FloatingPointError("no loss of the textbook's loop is finite")
            record["textbook"]["loss_by_our_function"] = in_float32(book.best)
    except Exception as error:  # whatever fails here, memory above all, the others are still measured
        return {**record, "error": error_text(error)}
    return record


def _sides(image: Tensor) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]


def _advance(book: TextbookRun, evaluations: float) -> None:
    """Go on with the textbook's loop until it has evaluated so often, or is done."""
    while not book.done and len(book.history.losses) < evaluations:
        book.step()


def measure_ours(
    transfer: StyleTransfer,
    content: Tensor,
    style: Tensor,
    size: int,
    book: TextbookRun,
    in_float32: Callable[[Tensor], float] | None = None,
) -> Record:
    """Return how long our default takes until its loss at the full size is at most the textbook's last.

    The levels are the default's; the last goes on until it is there. The record also has the loss after the
    default's number of iterations.

    Args:
        transfer: ours.
        content: shape (1, 3, H, W), RGB in [0, 1].
        style: shape (1, 3, H', W').
        size: longer side in pixels.
        book: the textbook's run, which goes on in between, off our clock.
        in_float32: picture → loss, where ours works in half precision: this loss decides, and its time does
            not count.
    """
    plan = plan_levels(fit_within(_sides(content), size))
    iterations = [*(level.iterations for level in plan[:-1]), MOST_STEPS]
    history, done, not_ours = History(), 0.0, 0.0  # evaluations at the full size; seconds off our clock
    default: Record = {}
    full = plan[-1].size[0] * plan[-1].size[1]

    def watch(progress: Progress) -> bool:
        nonlocal done, not_ours
        done += progress.size[0] * progress.size[1] / full
        loss = progress.loss.item()  # waits for the device
        now = time.perf_counter()
        if progress.level == progress.levels:
            history.seconds.append(now - began - not_ours)
            history.losses.append(loss if in_float32 is None else in_float32(progress.image))
            if progress.step == plan[-1].iterations:
                default.update(loss=history.lowest, seconds=history.seconds[-1], full_size_evaluations=done)
        _advance(book, PACE * done)
        not_ours += time.perf_counter() - now
        there = book.done and history.lowest <= book.history.lowest
        return there and len(history.losses) >= plan[-1].iterations

    began = time.perf_counter()
    transfer.run(content, style, size=size, iterations=iterations, callback=watch)
    _advance(book, math.inf)  # should ours have ended first
    coarse, target = done - len(history.losses), book.history.lowest
    first = next((i for i, loss in enumerate(history.losses) if loss <= target), None)
    reached = {} if first is None else {
        "seconds": history.seconds[first],
        "full_size_evaluations": coarse + first + 1,
        "loss": history.losses[first],
    }  # fmt: skip
    return {
        "levels": [{"size": level.size, "iterations": level.iterations} for level in plan],
        "default": default,
        "reached": first is not None,
        **reached,
        "losses_at_full_size": history.recorded,
        "seconds_at_full_size": history.seconds,
    }


def _of_textbook(book: TextbookRun) -> Record:
    """Return the record of the textbook's run."""
    history = book.history
    return {
        "evaluations": len(history.losses),
        "seconds": history.seconds[-1],
        "loss": finite(history.lowest),
        "milestones": {
            str(n): {"loss": finite(lowest(history.losses[:n])), "seconds": history.seconds[n - 1]}
            for n in MILESTONES
            if n <= len(history.losses)
        },
        "losses": history.recorded,
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every pair at every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    cases = [
        Case(f"{name}, {size} px", {"pair": name}, partial(measure_pair, content, style, size, arguments))
        for name, content, style in pairs_of(arguments)
        for size in sizes
    ]
    for results in collect(cases, _in_words):
        yield {"settings": settings_of(arguments), "results": results}


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    theirs, ours = result["textbook"], result["ours"]
    textbook = (
        f"textbook {theirs['evaluations']} evaluations, {theirs['seconds']:.0f} s, loss {theirs['loss']:.4f}"
    )
    sooner = ", ".join(f"{ratio:.1f} at {number}" for number, ratio in speedups(result).items())
    last = f"{ours['full_size_evaluations']:.1f} evaluations" if ours["reached"] else "not there"
    return f"{textbook}; ours {last}; times faster by the textbook's evaluations: {sooner}"


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "time_to_loss",
        "Time to the loss of the textbook's loop.",
        precision="of ours",
        smoke="a tiny size, a few evaluations",
    )
    parser.add_argument("--pairs", nargs="+", metavar="PICTURE", default=[], help="photo, painting, photo, …")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of the textbook's loop")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("time_to_loss", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
