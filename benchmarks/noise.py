"""How much noise, and how many cells in flat parts, do the settings leave, and at which style distance?

    python benchmarks/noise.py --pairs PHOTO PAINTING [PHOTO PAINTING …]

The textbook's setting (max pooling, zero padding, no total variation, one scale, from noise) runs a given
number of evaluations, and so does each variation of it; the default and its variations run by their own
schedule, on the same pair with the same weights. The style distance is one function for all, the default's in
float32; beside it is that of the textbook's own network. Blur has no noise either: only settings that come as
near to the style compare. Noise is that of `neural_style.metrics`, relative to the noisier of the two inputs at
the same size, and cells, a honeycomb or dots in flat skies, are its `cells`. ``--smoke`` tries it within
seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from cases import add_pair_arguments, cases_of_pairs, collect, keep_picture, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import Progress, StyleTransfer
from neural_style.device.hardware import choose_device
from neural_style.evaluation.objective import Objective
from neural_style.images.resizing import fit_within, resize, size_of
from neural_style.metrics import border_ratio, cells, grid_peaks, noise, similarity

SIZES = [256]
SMOKE_SIZES = [96]
EVALUATIONS, SMOKE_EVALUATIONS = 200, 2

TEXTBOOK_NAME = "textbook"
TEXTBOOK: Mapping[str, Any] = {
    "pooling": "max",
    "padding": "zeros",
    "variation_weight": 0.0,
    "levels": 1,
    "init": "noise",
    "content_weight": 0.1,  # from noise the default's is larger
}
# Each with one choice of the default's, and the default with one other choice.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    TEXTBOOK_NAME: TEXTBOOK,
    "textbook, average pooling": {**TEXTBOOK, "pooling": "average"},
    "textbook, total variation": {**TEXTBOOK, "variation_weight": None},
    "textbook, from the photograph": {**TEXTBOOK, "init": "content"},
    "textbook, coarse to fine": {**TEXTBOOK, "levels": None},
    "default": {},
    "default, max pooling": {"pooling": "max"},
    "default, zero padding": {"padding": "zeros"},
    "default, no total variation": {"variation_weight": 0.0},
    "default, squared variation": {"variation": "squares"},
    "default, Gram": {"statistic": "gram"},
    "default, Wasserstein": {"statistic": "wasserstein"},
}
OF_RUN = ("levels", "init")


class Pair:
    """A pair at a size: its weights and its style distances."""

    def __init__(
        self, name: str, content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace
    ) -> None:
        self.name, self.content, self.style, self.size = name, content, style, size
        self.arguments = arguments
        self.device = choose_device(arguments.device)
        self.weights = weights_of(arguments)
        self.judges = {
            "style_distance": self._judge(),
            "style_distance_of_textbook": self._judge(pooling="max", padding="zeros"),
        }

    def _judge(self, **options: Any) -> Objective:
        plain = {"weights": self.weights, "device": self.device, "precision": "float32", **options}
        judge = StyleTransfer(**plain, content_weight=0.0, variation_weight=0.0)
        return judge.objective(self.content, self.style, size=self.size)

    def style_distances(self, image: Tensor) -> Record:
        """Return the style distances of a picture of the full size, by name."""
        picture = image.clamp(0, 1)
        return {name: judge.value_and_grad(picture)[0].item() for name, judge in self.judges.items()}

    def measure(self, called: str, setting: Mapping[str, Any]) -> Record:
        """Return the noise that a setting leaves, and its style distances."""
        counted = 0

        def count(_progress: Progress) -> None:
            nonlocal counted
            counted += 1

        of_run = {name: setting[name] for name in OF_RUN if name in setting}
        options = {name: value for name, value in setting.items() if name not in OF_RUN}
        transfer = StyleTransfer(
            weights=self.weights, device=self.device, precision=self.arguments.precision, **options
        )
        one_level = self.arguments.smoke or "levels" in setting
        most = SMOKE_EVALUATIONS if self.arguments.smoke else self.arguments.evaluations
        result = transfer.run(
            self.content,
            self.style,
            size=self.size,
            iterations=most if one_level else None,
            seed=self.arguments.seed,
            callback=count,
            **of_run,
        )
        distances = self.style_distances(result)
        keep_picture(self.arguments, result, f"{self.name}, {self.size}, {called}")
        return {"evaluations": counted, **distances, **self._measures(result)}

    def _measures(self, result: Tensor) -> Record:
        """Return the measures of a result, noise relative to the noisier input's."""
        content = resize(self.content, size_of(result)).to(result)
        sides = size_of(self.style)
        reduced = self.style if max(sides) <= self.size else resize(self.style, fit_within(sides, self.size))
        inputs = [content, reduced.to(result)]
        own, of_inputs = noise(result), max(noise(picture) for picture in inputs)
        peaks, of_content = grid_peaks(result), grid_peaks(content)
        return {
            "noise": own,
            "noise_of_inputs": of_inputs,
            "relative_noise": own / of_inputs,
            "grid_peaks": peaks,
            "grid_peaks_of_content": of_content,
            "relative_grid_peak": max(peak / of_content[period] for period, peak in peaks.items()),
            "cells": cells(result, content),
            "relative_border": border_ratio(result) / border_ratio(content),
            "similarity": similarity(result, content),
        }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every setting of every pair at every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)

    works = [
        (called, {"setting": called}, partial(Pair.measure, called=called, setting=setting))
        for called, setting in SETTINGS.items()
    ]
    for results in collect(cases_of_pairs(arguments, sizes, Pair, works), _in_words):
        yield {"settings": settings_of(arguments), "results": results}


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    return (
        f"{result['evaluations']} evaluations, style distance {result['style_distance']:.4f}, noise "
        f"{result['relative_noise']:.2f} of the inputs', border {result['relative_border']:.2f}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "noise",
        "Noise by setting, at equal style distance.",
        precision="of the runs",
        smoke="a tiny size, a few evaluations",
    )
    add_pair_arguments(parser)
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of the textbook's setting")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("noise", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
