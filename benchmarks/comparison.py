"""Which program comes nearest to the painting at the same nearness to the photograph, and in which time?

    python benchmarks/comparison.py --pairs PHOTO PAINTING [PHOTO PAINTING …] --pictures FOLDER

Four programs make a picture of every pair: our default, and once more without total variation; image quilting,
the method before the paper; the textbook's loop, which is the paper's loss with Gram matrices at one scale,
from the photograph, by torch's L-BFGS in float32, and once more for as long as our default took; and pastiche
with its own defaults. Of the first `--sweep` pairs ours is made at several strengths, and the textbook's loop
with several content weights. Every picture is measured by `neural_style.metrics`, which no program optimises.
A clock counts from the reduced pictures to the result, without the loading of the network's file. With
``--pictures`` the results are kept, a sheet of each pair, and one of all pairs. ``--smoke`` tries it within
seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from cases import Case, add_pair_arguments, cases_of_pairs, collect, keep_picture, settings_of, weights_of
from curves import UNSMOOTHED
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import StyleTransfer, load_image, metrics, quilting, save_image
from neural_style.cli.demo import sheet
from neural_style.device.hardware import choose_device
from neural_style.device.settings import set_up
from neural_style.images.resizing import fit_within, resize, size_of
from peers import pastiche_artist, picture_of, save_pair
from textbook import TextbookLoss, TextbookRun, gram

SIZES, SMOKE_SIZES = [256], [96]
EVALUATIONS, SMOKE_EVALUATIONS = 100, 3  # of the textbook's loop and of pastiche
STRENGTHS = (0.15, 0.3, 0.5, 0.7, 0.85)
CONTENT_WEIGHTS = (0.02, 0.1, 0.5, 2.5)
TEXTBOOK_WEIGHT = 0.1  # the textbook's content weight beside the other programs
SHEET_WIDTH, SHEET_GAP = 1280, 6  # pixels, of the sheet of all pairs


class Pair:
    """A pair at a size, and what each program makes of it."""

    seconds: float  # that our default took

    def __init__(
        self, name: str, content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace
    ) -> None:
        self.name, self.size, self.arguments = name, size, arguments
        self.device, self.weights = choose_device(arguments.device), weights_of(arguments)
        self.content = resize(content, fit_within(size_of(content), size))
        self.style = resize(style, fit_within(size_of(style), size))
        self.evaluations = SMOKE_EVALUATIONS if arguments.smoke else arguments.evaluations
        self.pictures = [self.content, self.style]

    def quilt(self) -> Record:
        """Return how image quilting does."""
        began = time.perf_counter()
        result = quilting.transfer_texture(self.style, self.content, size=self.size, device=self.device)
        return self.measured(result, began, "quilting")

    def textbook(
        self, content_weight: float = TEXTBOOK_WEIGHT, *, at_our_time: bool = False, kept: bool = True
    ) -> Record:
        """Return how the textbook's loop does, with so many evaluations or in the seconds of our default."""
        options: dict[str, Any] = {"weights": self.weights, "device": self.device, "precision": "float32"}
        terms = StyleTransfer(**options, statistic="gram").objective(self.content, self.style).terms
        chosen = dataclasses.replace(terms, content_weight=content_weight, variation_weight=0.0)
        content, style = self.content.to(self.device), self.style.to(self.device)
        began = time.perf_counter()
        with set_up():
            run = TextbookRun(
                TextbookLoss(self.weights, content, style, chosen, gram), content, self.evaluations
            )
            while not (run.done or (at_our_time and time.perf_counter() - began >= self.seconds)):
                run.step()
        result = self.measured(run.best[0].clamp(0, 1), began, "textbook" if kept else None)
        return {"evaluations": len(run.history.losses), **result}

    def pastiche(self) -> Record:
        """Return how pastiche does."""
        with TemporaryDirectory() as folder:
            files = save_pair(Path(folder), self.content, self.style)
            artist = pastiche_artist(files, size_of(self.content), self.device)
        began = time.perf_counter()
        for _ in range(self.evaluations):
            artist.draw()
        return self.measured(picture_of(artist), began, "pastiche")

    def ours(self, *, kept: bool = True, **options: Any) -> Record:
        """Return how our default does, with these options of `StyleTransfer` in place of its own."""
        machine = {"device": self.arguments.device, "precision": self.arguments.precision}
        transfer = StyleTransfer(weights=self.weights, **machine, **options)
        steps = 2 if self.arguments.smoke else None
        began = time.perf_counter()
        result = transfer.run(self.content[0], self.style[0], size=self.size, iterations=steps)
        record = self.measured(result, began, "ours" if kept else None)
        if kept:
            self.seconds = record["seconds"]
        return record

    def measured(self, result: Tensor, began: float, name: str | None) -> Record:
        """Return the seconds and the measures of a result (3, H, W); ``--pictures`` keeps it under its name."""
        seconds, image = time.perf_counter() - began, result.cpu().unsqueeze(0)
        if name is not None:
            self.pictures.append(image)
            keep_picture(self.arguments, image, f"{self.name}, {self.size}, {name}")
            keep_picture(self.arguments, sheet(self.pictures), f"{self.name}, {self.size}, sheet")
        return {"seconds": seconds, **measures(image, self.content, self.style)}


def measures(image: Tensor, content: Tensor, style: Tensor) -> Record:
    """Return all measures of a picture, by name; shapes (1, 3, H, W), of which the style's may differ."""
    return {
        "style_distance": metrics.style_distance(image, style),
        "held_out_style_distance": metrics.held_out_style_distance(image, style),
        "color_distance": metrics.color_distance(image, style),
        "similarity": metrics.similarity(image, content),
        "multiscale_similarity": metrics.multiscale_similarity(image, content),
        "gradient_similarity": metrics.gradient_similarity(image, content),
        "noise": metrics.noise(image),
        "strongest_grid_peak": max(metrics.grid_peaks(image).values()),
        "cells": metrics.cells(image, content),
        "border": metrics.border_ratio(image),
        "copy_rate": metrics.copy_rate(image, style),
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    unsmoothed: dict[str, Any] = {"variation_weight": 0.0}
    in_our_time = partial(Pair.textbook, at_our_time=True, kept=False)
    programs: list[Any] = [
        ("ours", {"program": "ours"}, Pair.ours),
        (UNSMOOTHED, {"program": UNSMOOTHED}, partial(Pair.ours, kept=False, **unsmoothed)),
        ("quilting", {"program": "quilting"}, Pair.quilt),
        ("textbook in our time", {"program": "textbook, in our time"}, in_our_time),
        ("textbook", {"program": "textbook"}, Pair.textbook),
        ("pastiche", {"program": "pastiche"}, Pair.pastiche),
    ]
    sweep: list[Any] = []
    for weight in CONTENT_WEIGHTS:
        work = partial(Pair.textbook, content_weight=weight, kept=False)
        sweep.append((f"textbook, α {weight:g}", {"program": "textbook", "content_weight": weight}, work))
    for name, options in (("ours", {}), (UNSMOOTHED, unsmoothed)):
        for strength in STRENGTHS:
            swept = partial(Pair.ours, kept=False, strength=strength, **options)
            sweep.append((f"{name}, strength {strength:g}", {"program": name, "strength": strength}, swept))
    number_swept = arguments.sweep * len(sizes) * len(sweep)
    cases: list[Case] = [
        *cases_of_pairs(arguments, sizes, Pair, programs),
        *islice(cases_of_pairs(arguments, sizes, Pair, sweep), number_swept),
    ]
    settings = {**settings_of(arguments), "evaluations": arguments.evaluations}
    for results in collect(cases, _in_words):
        yield {"settings": settings, "results": results}
    if arguments.pictures is not None:
        save_image(all_pairs(arguments.pictures), arguments.pictures / "pairs.jpg")


def all_pairs(folder: Path) -> Tensor:
    """Return the sheets of a folder below each other, shape (1, 3, H, 1280)."""
    sheets = [load_image(path).unsqueeze(0) for path in sorted(folder.glob("*, sheet.png"))]
    rows = [resize(one, fit_within(size_of(one), SHEET_WIDTH)) for one in sheets]
    return torch.cat([pad(row, (0, 0, 0, SHEET_GAP), value=1.0) for row in rows], dim=2)


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    return (
        f"{result['seconds']:.0f} s, style distance {result['style_distance']:.4f} and "
        f"{result['held_out_style_distance']:.3f}, gradients {result['gradient_similarity']:.3f}, "
        f"copied {result['copy_rate']:.0%}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "comparison",
        "Our pictures beside those of the methods before, by measures that nobody optimises.",
        precision="of ours",
        smoke="a tiny size, a few evaluations",
    )
    add_pair_arguments(parser)
    parser.add_argument(
        "--evaluations", type=int, default=EVALUATIONS, help="of the textbook's loop and pastiche"
    )
    parser.add_argument("--sweep", type=int, default=2, help="pairs, from the first, with curves")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("comparison", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
