"""How much noise do the settings leave, at equal style distance?

    python benchmarks/noise.py --pairs PHOTO PAINTING [PHOTO PAINTING …]

The textbook's setting (max pooling, zero padding, no total variation, one scale, from noise, in pixels) runs a
given number of evaluations; then each other setting, on the same pair with the same filters, until its style
distance is as low, or for as many. The style distance is one function for all: the default's, in float32. Noise
is that of `neural_style.metrics`, relative to the noisier of the two inputs at the same size. ``--smoke`` tries
it within seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from cases import Case, channel_width, collect, pairs_of, settings_of
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import Progress, StyleTransfer
from neural_style.hardware import choose_device
from neural_style.metrics import border_ratio, chroma_noise, fine_energy, grid_peaks, noise, similarity
from neural_style.objective import Objective
from neural_style.resizing import fit_within, resize

SIZES = [256]
SMOKE_SIZES = [64]
EVALUATIONS, SMOKE_EVALUATIONS = 200, 4
EVERY = 5  # evaluations between two looks at the style distance

TEXTBOOK: Mapping[str, Any] = {
    "pooling": "max",
    "padding": "zeros",
    "variation_weight": 0.0,
    "precondition": False,
    "levels": 1,
    "init": "noise",
}
# Each with one choice of the default's, and the default with one choice of the textbook's.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "textbook": TEXTBOOK,
    "textbook, average pooling": {**TEXTBOOK, "pooling": "average"},
    "textbook, reflected borders": {**TEXTBOOK, "padding": "reflect"},
    "textbook, total variation": {**TEXTBOOK, "variation_weight": None},
    "textbook, coarse to fine": {**TEXTBOOK, "levels": None},
    "textbook, preconditioned": {**TEXTBOOK, "precondition": True},
    "default": {},
    "default, max pooling": {"pooling": "max"},
    "default, no total variation": {"variation_weight": 0.0},
    "default, Wasserstein": {"statistic": "wasserstein"},
    "default, mean and deviation beside": {"statistic": {"gram": 1.0, "mean-deviation": 0.5}},
}
OF_RUN = ("levels", "init")


class Pair:
    """A pair at a size: its filters, its style distance, and the distance that the textbook's reached."""

    def __init__(self, content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace) -> None:
        self.content, self.style, self.size, self.arguments = content, style, size, arguments
        self.device = choose_device(arguments.device)
        learner = StyleTransfer(weights="self-taught", width=channel_width(arguments), device=self.device)
        self.weights = learner.learn(style, size=size, seed=arguments.seed)
        plain: dict[str, Any] = {"weights": self.weights, "device": self.device, "precision": "float32"}
        judge = StyleTransfer(**plain, content_weight=0.0, variation_weight=0.0)
        self.objective: Objective = judge.objective(content, style, size=size)
        self.target: float | None = None

    def style_distance(self, image: Tensor) -> float:
        """Return the default's style distance of a picture of the full size."""
        return self.objective.value_and_grad(image.clamp(0, 1))[0].item()

    def measure(self, setting: Mapping[str, Any]) -> Record:
        """Return the noise that a setting leaves, and its style distance."""
        most = SMOKE_EVALUATIONS if self.arguments.smoke else self.arguments.evaluations
        counted = 0

        def watch(progress: Progress) -> bool:
            nonlocal counted
            counted += 1
            if progress.level < progress.levels or progress.step % EVERY or self.target is None:
                return False
            return self.style_distance(progress.image) <= self.target

        of_run = {name: setting[name] for name in OF_RUN if name in setting}
        options = {name: value for name, value in setting.items() if name not in OF_RUN}
        transfer = StyleTransfer(
            weights=self.weights, device=self.device, precision=self.arguments.precision, **options
        )
        result = transfer.run(
            self.content,
            self.style,
            size=self.size,
            iterations=most,
            seed=self.arguments.seed,
            callback=watch,
            **of_run,
        )
        distance = self.style_distance(result)
        if self.target is None:
            self.target = distance
        return {"evaluations": counted, "style_distance": distance, **self._measures(result)}

    def _measures(self, result: Tensor) -> Record:
        """Return the measures of a result, those of noise relative to the noisier input's."""
        content = resize(self.content, (result.shape[-2], result.shape[-1])).to(result)
        sides = (self.style.shape[-2], self.style.shape[-1])
        reduced = self.style if max(sides) <= self.size else resize(self.style, fit_within(sides, self.size))
        inputs = [content, reduced.to(result)]
        most, most_color = (max(measure(each) for each in inputs) for measure in (noise, chroma_noise))
        return {
            "noise": noise(result),
            "noise_of_inputs": most,
            "relative_noise": noise(result) / most,
            "relative_chroma_noise": chroma_noise(result) / most_color,
            "fine_energy": fine_energy(result),
            "grid_peak": max(grid_peaks(result).values()),
            "border_ratio": border_ratio(result),
            "border_ratio_of_content": border_ratio(content),
            "similarity": similarity(result, content),
        }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every setting of every pair at every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)

    def cases() -> Iterator[Case]:
        for name, content, style in pairs_of(arguments):
            for size in sizes:
                pair = Pair(content, style, size, arguments)
                for called, setting in SETTINGS.items():
                    known = {"pair": name, "longer_side": size, "setting": called}
                    yield Case(f"{name}, {size} px, {called}", known, partial(pair.measure, setting))

    for results in collect(cases(), _told):
        yield {"settings": settings_of(arguments), "results": results}


def _told(result: Record) -> str:
    """Return a result in a few words."""
    return (
        f"{result['evaluations']} evaluations, style distance {result['style_distance']:.4f}, noise "
        f"{result['relative_noise']:.2f} of the inputs', of colour {result['relative_chroma_noise']:.2f}, "
        f"grid {result['grid_peak']:.2f}, border {result['border_ratio']:.2f}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "noise",
        "Noise by setting, at equal style distance.",
        precision="of the runs",
        smoke="a tiny size, a few evaluations",
    )
    parser.add_argument("--pairs", nargs="+", metavar="PICTURE", default=[], help="photo, painting, photo, …")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS, help="of the textbook's setting")
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("noise", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
