"""Which program comes nearest to the painting at the same nearness to the photograph, and in which time?

    python benchmarks/comparison.py --pairs PHOTO PAINTING [PHOTO PAINTING …] --pictures FOLDER

Four programs make a picture of every pair: our default, and once more without total variation; image quilting,
the method before the paper; the textbook's loop, which is the paper's loss with Gram matrices at one scale,
from the photograph, by torch's L-BFGS in float32, and once more for as long as our default took; and pastiche
with its own defaults. Of the first `--sweep` pairs ours is made at several strengths, and the textbook's loop
with several content weights. Every picture is measured by `neural_style.metrics`, which no program optimises.
A clock counts from the reduced pictures to the result, without the loading of the network's file. With
``--pictures`` the results are kept, and a sheet of each pair. ``--smoke`` tries it within seconds on pictures
of ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor

from cases import Case, add_pair_arguments, cases_of_pairs, collect, keep_picture, settings_of, weights_of
from curves import UNSMOOTHED
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import StyleTransfer, metrics, quilting, save_image
from neural_style.device.hardware import choose_device
from neural_style.device.settings import set_up
from neural_style.images.resizing import fit_within, resize, size_of
from peers import beside, pastiche_artist, picture_of
from textbook import TextbookLoss, TextbookRun, gram

SIZES, SMOKE_SIZES = [256], [96]
EVALUATIONS, SMOKE_EVALUATIONS = 100, 3  # of the textbook's loop and of pastiche
STRENGTHS = (0.15, 0.3, 0.5, 0.7, 0.85)
CONTENT_WEIGHTS = (0.02, 0.1, 0.5, 2.5)
TEXTBOOK_WEIGHT = 0.1  # the textbook's content weight beside the other programs


class Pair:
    """A pair at a size, and what each program makes of it."""

    def __init__(
        self, name: str, content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace
    ) -> None:
        self.name, self.size, self.arguments = name, size, arguments
        self.device, self.weights = choose_device(arguments.device), weights_of(arguments)
        self.content = resize(content, fit_within(size_of(content), size))
        self.style = resize(style, fit_within(size_of(style), size))
        folder = Path(tempfile.mkdtemp())
        self.files = {"content": folder / "content.png", "style": folder / "style.png"}
        save_image(self.content[0], self.files["content"])
        save_image(self.style[0], self.files["style"])
        self.evaluations = SMOKE_EVALUATIONS if arguments.smoke else arguments.evaluations
        self.made = [self.content[0], self.style[0]]
        self.seconds = 0.0  # that our default took

    def quilted(self) -> Record:
        """Return how image quilting does."""
        began = time.perf_counter()
        result = quilting.transfer_texture(self.style, self.content, size=self.size, device=self.device)
        return self.measured(result, began, "quilting")

    def textbook(
        self, content_weight: float = TEXTBOOK_WEIGHT, *, at_our_time: bool = False, kept: bool = True
    ) -> Record:
        """Return how the textbook's loop does."""
        options: dict[str, Any] = {"weights": self.weights, "device": self.device, "precision": "float32"}
        terms = StyleTransfer(**options, statistic="gram").objective(self.content, self.style).terms
        chosen = dataclasses.replace(terms, content_weight=content_weight, variation_weight=0.0)
        content, style = self.content.to(self.device), self.style.to(self.device)
        began = time.perf_counter()
        with set_up(self.device):
            run = TextbookRun(
                TextbookLoss(self.weights, content, style, chosen, gram), content, self.evaluations
            )
            while not (run.done or (at_our_time and time.perf_counter() - began >= self.seconds)):
                run.step()
        found = self.measured(run.best[0].clamp(0, 1), began, "textbook" if kept else None)
        return {"evaluations": len(run.history.losses), **found}

    def pastiche(self) -> Record:
        """Return how pastiche does."""
        artist = pastiche_artist(self.files, size_of(self.content), self.device)
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
        found = self.measured(result, began, "ours" if kept else None)
        self.seconds = self.seconds or found["seconds"]
        return found

    def measured(self, result: Tensor, began: float, name: str | None) -> Record:
        """Return what a result took and measures; one with a name is kept, beside the others."""
        seconds = time.perf_counter() - began
        if name is not None:
            self.made.append(result.cpu())
            keep_picture(self.arguments, result, f"{self.name}, {self.size}, {name}")
            keep_picture(self.arguments, beside(self.made), f"{self.name}, {self.size}, sheet")
        return {
            "seconds": seconds,
            **measures(result.cpu().unsqueeze(0), self.content, self.style),
        }


def measures(image: Tensor, content: Tensor, style: Tensor) -> Record:
    """Return all measures of a picture, by name: shapes (1, 3, H, W), the style's may differ."""
    return {
        "style_distance": metrics.style_distance(image, style),
        "held_out_style_distance": metrics.held_out_style_distance(image, style),
        "color_distance": metrics.color_distance(image, style),
        "multiscale_similarity": metrics.multiscale_similarity(image, content),
        "gradient_similarity": metrics.gradient_similarity(image, content),
        "noise": metrics.noise(image),
        "cells": metrics.cells(image, content),
        "border": metrics.border_ratio(image),
        "copy_rate": metrics.copy_rate(image, style),
    }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    alone, smooth = partial(Pair.ours, kept=False), {"variation_weight": 0.0}
    programs: list[Any] = [
        ("ours", {"program": "ours"}, Pair.ours),
        ("ours, unsmoothed", {"program": UNSMOOTHED}, partial(alone, **smooth)),
        ("quilting", {"program": "quilting"}, Pair.quilted),
        (
            "textbook in our time",
            {"program": "textbook, in our time"},
            partial(Pair.textbook, at_our_time=True, kept=False),
        ),
        ("textbook", {"program": "textbook"}, Pair.textbook),
        ("pastiche", {"program": "pastiche"}, Pair.pastiche),
    ]
    sweep: list[Any] = [
        *(
            (
                f"textbook, α {weight:g}",
                {"program": "textbook", "content_weight": weight},
                partial(Pair.textbook, content_weight=weight, kept=False),
            )
            for weight in CONTENT_WEIGHTS
        ),
        *(
            (
                f"{name}, strength {strength:g}",
                {"program": name, "strength": strength},
                partial(alone, strength=strength, **options),
            )
            for name, options in (("ours", {}), (UNSMOOTHED, smooth))
            for strength in STRENGTHS
        ),
    ]
    swept = arguments.sweep * len(sizes) * len(sweep)
    cases: list[Case] = [
        *cases_of_pairs(arguments, sizes, Pair, programs),
        *islice(cases_of_pairs(arguments, sizes, Pair, sweep), swept),
    ]
    settings = {**settings_of(arguments), "evaluations": arguments.evaluations}
    for results in collect(cases, _in_words):
        yield {"settings": settings, "results": results}


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
