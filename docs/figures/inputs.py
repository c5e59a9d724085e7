"""What every figure starts from: photographs, paintings, the network, and how much work there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from figures.pictures import drawn, find
from neural_style import StyleTransfer, random_weights
from neural_style.network.weights import Weights, load_weights
from neural_style.transfer.levels import ITERATIONS

# The first photograph, and the first painting, are those of the figures that have one of each.
CONTENTS, STYLES = (
    ("tuebingen", "chelsea", "coffee", "astronaut"),
    ("starry_night", "olive_trees", "cafe_terrace", "great_wave", "rectangles"),
)
FREE_CONTENTS, FREE_STYLES = (
    ("coffee", "chelsea", "astronaut"),
    ("night", "immunohistochemistry", "rectangles", "hubble_deep_field"),
)

TRIAL_SIZE, TRIAL_ITERATIONS = 48, 2


@dataclass(frozen=True)
class Inputs:
    """What a figure is made from.

    Attributes:
        contents: photographs (3, H, W) by name; the first is the one of most figures.
        styles: paintings, likewise.
        weights: of the network.
        trial: whether sizes and iterations are cut to almost nothing.
    """

    contents: Mapping[str, Tensor]
    styles: Mapping[str, Tensor]
    weights: Weights
    trial: bool = False

    @property
    def content(self) -> tuple[str, Tensor]:
        """The first photograph, with its name."""
        return next(iter(self.contents.items()))

    @property
    def style(self) -> tuple[str, Tensor]:
        """The first painting, with its name."""
        return next(iter(self.styles.items()))

    def size(self, pixels: int) -> int:
        """Return a longer side in pixels, or that of a trial."""
        return TRIAL_SIZE if self.trial else pixels

    def iterations(self, count: int | None) -> int | None:
        """Return a number of iterations, None for the default's, or that of a trial."""
        return TRIAL_ITERATIONS if self.trial else count

    def schedule(self, pixels: int, count: int | None = None) -> str:
        """Return a size and a number of iterations in words, for a caption."""
        chosen = self.iterations(count)
        iterations = f"{ITERATIONS} iterations a level" if chosen is None else f"{chosen} iterations"
        return f"{self.size(pixels)} px, {iterations}"

    def run(
        self,
        photograph: Tensor,
        painting: Tensor,
        pixels: int,
        iterations: int | None = None,
        *,
        schedule: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Tensor:
        """Return a transfer's result (3, H, W).

        Args:
            photograph: (3, H, W).
            painting: likewise.
            pixels: longer side of the result.
            iterations: of each level; None for the default's.
            schedule: further arguments of `StyleTransfer.run`.
            options: of `StyleTransfer`.
        """
        size, count = self.size(pixels), self.iterations(iterations)
        transfer = StyleTransfer(weights=self.weights, **options)
        return transfer.run(photograph, painting, size=size, iterations=count, **(schedule or {})).cpu()

    @cached_property
    def reference(self) -> StyleTransfer:
        """The default in float32, with the photograph in its own colours: its losses measure every picture."""
        return StyleTransfer(weights=self.weights, precision="float32", match_colors=False)


def load_inputs(folder: Path | None, *, trial: bool = False) -> Inputs:
    """Return the inputs of the paper's photograph and paintings in a folder, or of free pictures without one.

    Args:
        folder: holds the pictures of `CONTENTS` and `STYLES` that are not scikit-image's or drawn.
        trial: whether drawn pictures, a narrow random network and almost no iterations do.
    """
    if trial:
        contents = {f"drawn {seed}": drawn(seed) for seed in (1, 2)}
        styles = {f"drawn {seed}": drawn(seed) for seed in (3, 4)}
        return Inputs(contents, styles, random_weights(width=0.25), trial=True)
    photographs, paintings = (CONTENTS, STYLES) if folder else (FREE_CONTENTS, FREE_STYLES)
    contents = {name: find(folder, name) for name in photographs}
    styles = {name: find(folder, name) for name in paintings}
    return Inputs(contents, styles, load_weights("vgg19"))
