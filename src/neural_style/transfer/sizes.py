"""Which sizes a run works at: of the result, of its levels, and of the style picture at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from neural_style import _checks
from neural_style.evaluation.tiles import alignment_of
from neural_style.images.resizing import fit_within
from neural_style.network.vgg19 import layer_table
from neural_style.transfer.levels import (
    LEFT_TO_COARSER,
    Level,
    from_noise,
    nearest,
    plan_levels,
    previewed,
    previewed_levels,
)
from neural_style.transfer.presets import Settings

SMALL = 0.75  # of a level's longer side: below, a style picture is much smaller


@dataclass(frozen=True)
class Sizes:
    """The rules of some settings. A picture that tiles the plane has sides on every layer's grid.

    Attributes:
        settings: what decides them.
    """

    settings: Settings

    @property
    def deepest(self) -> str:
        """The deepest layer."""
        return self.settings.layers[-1]

    @property
    def minimum(self) -> int:
        """The smallest side, in pixels, that has a position in the deepest layer."""
        return layer_table()[self.deepest].stride

    @property
    def multiple(self) -> int:
        """What every side is a multiple of, in pixels."""
        return alignment_of(self.deepest) if self.settings.padding == "circular" else 1

    def check(self, argument: str, size: tuple[int, int], advice: str) -> None:
        """Check that a picture of (height, width) is large enough for the network.

        Raises:
            ValueError: if it is not.
        """
        if min(size) < self.minimum:
            rule = f"have sides of at least {self.minimum} pixels for {self.deepest}"
            raise ValueError(_checks.message(argument, rule, f"{size[0]}×{size[1]}", advice))

    def result(self, own: tuple[int, int], size: int | None, *, preview: bool = False) -> tuple[int, int]:
        """Return (height, width) of the result of a content of size `own`, and warn where it closes elsewhere.

        Raises:
            ValueError, TypeError: if `size` is invalid, or the result is too small for the network.
        """
        target = own if size is None else fit_within(own, _checks.whole_number("size", size, minimum=1))
        target = previewed(target) if preview else target
        self.check("the result", target, "Give a larger size.")
        closed = nearest(target, self.multiple)
        if closed != target:
            text = f"A picture that tiles the plane has sides that are multiples of {self.multiple} pixels"
            change = f"{target[0]}×{target[1]} became {closed[0]}×{closed[1]}"
            _checks.warn(f"{text}: {change}.")
        return closed

    def plan(
        self,
        target: tuple[int, int],
        iterations: int | Sequence[int] | None,
        levels: int | None,
        *,
        preview: bool = False,
        noise: bool = False,
    ) -> list[Level]:
        """Return the levels; what is left out is the preset's, a preview's or a start's from noise."""
        of_preset = self.settings.iterations
        chosen = iterations
        if iterations is None and of_preset is not None:
            chosen = of_preset if levels is None else of_preset[-1]
        plan = plan_levels(
            target,
            iterations=chosen,
            levels=levels,
            scales=self.settings.scales,
            minimum=self.minimum,
            multiple=self.multiple,
        )
        if self.settings.is_content:
            return plan[-1:]  # any enlargement would lose something
        if iterations is None:
            plan = previewed_levels(plan) if preview else plan
            plan = from_noise(plan) if noise and of_preset is None else plan
        if self.settings.omit_layers and len(plan) > 1:
            plan[-1] = replace(plan[-1], without=frozenset([LEFT_TO_COARSER]))
        return plan


def sides_of(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of a size that is both, or the side of a square.

    Raises:
        TypeError, ValueError: if it is neither.
    """
    sides = size if isinstance(size, tuple) else (size, size)
    if len(sides) != 2:
        raise ValueError(
            _checks.message("size", "be a number or (height, width)", size, "Give one side, or both.")
        )
    height, width = (_checks.whole_number("size", side, minimum=1) for side in sides)
    return height, width
