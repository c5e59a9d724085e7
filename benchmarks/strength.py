"""What does a strength do, and does it do the same at every size?

    python benchmarks/strength.py --pairs PHOTO PAINTING [PHOTO PAINTING …]

runs the default at nine strengths from 0.1 to 0.9 and at every size. The content distance, from the photograph
in its own colours, and the style distance are the default's: 0 for the same picture, whatever its size. The
similarity is `metrics.similarity`. ``--smoke`` tries it within seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from cases import add_pair_arguments, cases_of_pairs, collect, keep_picture, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import StyleTransfer
from neural_style.images.resizing import resize, size_of
from neural_style.metrics import similarity

SIZES, SMOKE_SIZES = [256, 512], [48, 64]
STRENGTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
SMOKE_STRENGTHS = [0.2, 0.5, 0.8]


class Pair:
    """A pair at a size, with the network's weights and the loss that measures every result."""

    def __init__(
        self, name: str, content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace
    ) -> None:
        self.name, self.content, self.style, self.size = name, content, style, size
        self.arguments = arguments
        self.weights = weights_of(arguments)
        options: dict[str, Any] = {"device": arguments.device, "precision": "float32", "match_colors": False}
        self.objective = StyleTransfer(weights=self.weights, **options).objective(content, style, size=size)

    def measure(self, strength: float) -> Record:
        """Return the distances and the similarity of the result of a strength."""
        transfer = StyleTransfer(
            weights=self.weights,
            device=self.arguments.device,
            precision=self.arguments.precision,
            strength=strength,
        )
        steps = 2 if self.arguments.smoke else None
        seed = self.arguments.seed
        result = transfer.run(self.content, self.style, size=self.size, iterations=steps, seed=seed)
        keep_picture(self.arguments, result, f"{self.name}, {self.size}, {strength:g}")
        self.objective.value_and_grad(result)
        losses = self.objective.terms_by_name
        return {
            "content_distance": losses["content"].item(),
            "style_distance": losses["style"].item(),
            "similarity": similarity(result, resize(self.content, size_of(result)).to(result)),
        }


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every strength of every pair at every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    works = [
        (f"{strength:g}", {"strength": strength}, partial(Pair.measure, strength=strength))
        for strength in (SMOKE_STRENGTHS if arguments.smoke else STRENGTHS)
    ]
    for results in collect(cases_of_pairs(arguments, sizes, Pair, works), _in_words):
        yield {"settings": settings_of(arguments), "results": results}


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    return (
        f"content distance {result['content_distance']:.3f}, style distance {result['style_distance']:.3f}, "
        f"similarity {result['similarity']:.3f}"
    )


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "strength",
        "What a strength does, by size.",
        precision="of the runs",
        smoke="tiny sizes, two evaluations",
    )
    add_pair_arguments(parser)
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("strength", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
