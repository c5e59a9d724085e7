"""Which sizes a run works at: of the result, of its levels, and of the style picture at each of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from neural_style import _checks
from neural_style.grid import alignment_of
from neural_style.guidance import Guide
from neural_style.presets import Settings
from neural_style.pyramid import (
    LEFT_TO_COARSER,
    Level,
    from_noise,
    nearest,
    plan_levels,
    previewed,
    previewed_levels,
)
from neural_style.resizing import fit_within, resize
from neural_style.styles import LoadedStyle
from neural_style.vgg19 import layer_table, receptive_field

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
            warnings.warn(f"{text}: {change}.", UserWarning, stacklevel=4)
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

    def style_at(self, style: Tensor, size: tuple[int, int], scale: float = 1.0) -> Tensor:
        """Return the style picture for a level of (height, width): of its longer side, but not enlarged to it.

        A long narrow picture stays large enough for the network. In the paper it takes the level's very size.

        Args:
            style: shape (1, 3, H, W).
            size: of the level.
            scale: how much larger than that its strokes are to be: for it, a picture is enlarged too.
        """
        if self.settings.stretch_style:
            stretched = (self._scaled(size[0], scale), self._scaled(size[1], scale))
            return resize(style, nearest(stretched, self.multiple), clamp=False)
        height, width = style.shape[-2:]
        smallest = self.minimum / min(height, width)
        ratio = max(min(1.0, max(max(size) / max(height, width), smallest)) * scale, smallest)
        # What a recolouring has put outside [0, 1] stays there.
        return resize(style, nearest((height * ratio, width * ratio), self.multiple), clamp=False)

    def guides(self, styles: Sequence[LoadedStyle], level: Level) -> list[Guide]:
        """Return the style pictures, with their masks, as they serve a level.

        A layer that sees more than the whole of a picture much smaller than the level knows nothing of its
        strokes, and would set the picture down as a thing: it is left out for it, as are those that the level
        goes without, unless the style has its own layers.
        """
        size = level.size
        regions = {id(each.region): resize(each.region, size) for each in styles if each.region is not None}
        guides = []
        for each in styles:
            image = self.style_at(each.image, size, each.scale)
            guide = each.guide(image, lambda region: regions[id(region)])
            longest = max(image.shape[-2:])
            if self.settings.omit_layers and guide.layers is None:
                kept = {
                    name for name, weight in self.settings.style_layers.items() if weight > 0
                } - level.without
                if longest < SMALL * max(size):
                    kept = {name for name in kept if receptive_field(name) <= longest}
                guide = replace(guide, layers=frozenset(kept) or None)
            guides.append(guide)
        return guides

    def _scaled(self, side: int, scale: float) -> int:
        return max(self.minimum, round(side * scale))


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
