"""What loss do optimisers and schedules reach after 10, 20, 40 and 60 evaluations of the full size?

    python benchmarks/evaluations.py --pairs PHOTO PAINTING [PHOTO PAINTING …]

All minimise the default's loss with all of its style layers, from the recoloured photograph. An evaluation at
half the size counts a quarter. Losses at coarser levels are of smaller pictures and are not compared.
``--smoke`` tries it within seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

from torch import Tensor

from cases import add_pair_arguments, cases_of_pairs, collect, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import LBFGS, Optimizer, Progress, StyleTransfer
from neural_style.transfer.levels import plan_levels
from neural_style.transfer.presets import PRESETS
from torch_lbfgs import TorchLBFGS

SIZES, SMOKE_SIZES = [256, 512, 1024], [64]
MARKS, SMOKE_MARKS = (10, 20, 40, 60), (2, 4)  # evaluations of the full size

# Each is the default with one thing changed.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "one level, torch's L-BFGS": {"optimizer": TorchLBFGS(), "one_level": True},
    "one level": {"one_level": True},
    "coarse to fine, without kept detail": {"keep_detail": False},
    "coarse to fine, the default": {},
    "history of 5": {"optimizer": LBFGS(history=5)},
    "history of 60": {"optimizer": LBFGS(history=60)},
    "first step a quarter as long": {"first_step": 1 / 4},
    "first step four times as long": {"first_step": 4.0},
}


class Pair(NamedTuple):
    """A pair at a size."""

    name: str
    content: Tensor
    style: Tensor
    size: int
    arguments: argparse.Namespace

    def measure(
        self,
        *,
        optimizer: Optimizer | None = None,
        one_level: bool = False,
        keep_detail: bool = True,
        first_step: float = 1.0,
    ) -> Record:
        """Return the lowest loss at the full size after each number of evaluations.

        A number that the coarser levels have used up has no loss. The options are those of `SETTINGS`; the
        first step is relative to the default's.
        """
        smoke = self.arguments.smoke
        marks = SMOKE_MARKS if smoke else MARKS
        coarser = [1] if smoke else [level.iterations for level in plan_levels((self.size, self.size))[:-1]]
        counts = [*([] if one_level else coarser), 2 * marks[-1]]  # the run is stopped before that
        losses: dict[str, float] = {}
        lowest, done = math.inf, 0.0

        def watch(progress: Progress) -> bool:
            nonlocal lowest, done
            done += 4.0 ** (progress.level - progress.levels)
            if progress.level == progress.levels:
                lowest = min(lowest, progress.loss.item())
                losses.update({f"after_{mark}": lowest for mark in marks if done <= mark})
            return done >= marks[-1]

        transfer = StyleTransfer(
            weights=weights_of(self.arguments),
            device=self.arguments.device,
            precision=self.arguments.precision,
            style_layers=PRESETS["default"].style_layers,  # layers that are named stay at the finest level too
            optimizer=optimizer,
        )
        transfer.settings = replace(transfer.settings, keep_detail=keep_detail)
        module = sys.modules[LBFGS.__module__]
        length = first_step * vars(module)["FIRST_STEP"]
        with mock.patch.object(module, "FIRST_STEP", length):
            transfer.run(self.content, self.style, size=self.size, iterations=counts, callback=watch)
        return losses


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every setting of every pair at every size."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    works = [(name, {"setting": name}, partial(Pair.measure, **options)) for name, options in SETTINGS.items()]
    for results in collect(cases_of_pairs(arguments, sizes, Pair, works), str):
        yield {"settings": settings_of(arguments), "results": results}


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "evaluations",
        "Loss per evaluation of the full size.",
        precision="of the runs",
        smoke="a tiny size, a few evaluations",
    )
    add_pair_arguments(parser)
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("evaluations", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
