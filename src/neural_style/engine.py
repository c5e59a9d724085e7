"""How the levels of a run are evaluated on this device: at once or in tiles, in the memory that there is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.bounded import BoundedObjective
from neural_style.budget import Fit, fit
from neural_style.costs import Needs
from neural_style.features import VGG19Features
from neural_style.grid import alignment_of, check_tile, halo_of
from neural_style.memory import available_memory
from neural_style.objective import Objective, Terms
from neural_style.optimizers import LBFGS, Optimizer, TorchLBFGS
from neural_style.pyramid import Level


@dataclass(frozen=True)
class Engine:
    """What decides how objectives are evaluated.

    Attributes:
        device: where.
        kind: the class of those of a picture at once; tiles are large enough to need no recording.
        tile_size: ``"auto"``, the longest side of a tile in pixels, or None for the picture at once.
    """

    device: torch.device
    kind: type[Objective]
    tile_size: int | str | None = "auto"

    def check(self, deepest: str) -> None:
        """Check that its tiles suit a network that ends with a layer.

        Raises:
            TypeError, ValueError: if `tile_size` breaks its rule.
        """
        if isinstance(self.tile_size, str):
            if self.tile_size != "auto":
                rule, advice = (
                    f"be 'auto', None or a multiple of {alignment_of(deepest)}",
                    "Leave it out for 'auto'.",
                )
                raise ValueError(_checks.message("tile_size", rule, repr(self.tile_size), advice))
        else:
            check_tile(self.tile_size, deepest)

    def fits(self, plan: Sequence[Level], needs: Needs, optimizer: Optimizer) -> dict[tuple[int, int], Fit]:
        """Return how each level is evaluated, by its size, in the memory that is free now.

        Raises:
            ValueError: if a level does not fit.
        """
        deepest = needs.layers[-1]
        fitted = partial(
            fit,
            needs=needs,
            halo=halo_of(deepest),
            alignment=alignment_of(deepest),
            tile=self.tile_size,
            free=available_memory(self.device),
        )
        offloads = self.device.type != "cpu" and isinstance(optimizer, LBFGS)
        return {
            level.size: fitted(level.size, pairs=pairs_of(optimizer, level), offloads=offloads)
            for level in reversed(plan)  # a refusal speaks of the result
        }

    def objective(
        self,
        network: VGG19Features,
        pictures: Callable[[], tuple[Tensor, Tensor]],
        terms: Terms,
        size: tuple[int, int],
        found: Fit,
    ) -> BoundedObjective:
        """Return a level's objective, which is made when it is first evaluated.

        Args:
            network: as of `Objective`.
            pictures: → the content and the style picture of the level.
            terms: as of `Objective`.
            size: (height, width) of the level.
            found: how it is evaluated.
        """

        def make(tile: int | None, keep_targets: bool) -> Objective:
            content_image, style_image = pictures()
            return self.alone(network, content_image, style_image, terms, tile, keep_targets=keep_targets)

        return BoundedObjective(
            make,
            size,
            alignment=alignment_of(network.layers[-1]),
            tile=found.tile,
            keep_targets=found.keep_targets,
        )

    def alone(
        self,
        network: VGG19Features,
        content_image: Tensor,
        style_image: Tensor,
        terms: Terms,
        tile: int | None,
        *,
        keep_targets: bool,
    ) -> Objective:
        """Return an objective in tiles of a side, or of the picture at once where that is None."""
        kind = self.kind if tile is None else Objective
        return kind(network, content_image, style_image, terms, tile=tile, keep_targets=keep_targets)


def pairs_of(optimizer: Optimizer, level: Level) -> int:
    """Return the pairs of steps that an optimiser keeps at a level."""
    return optimizer.pairs(level.iterations) if isinstance(optimizer, LBFGS | TorchLBFGS) else 0


def fitted_optimizer(optimizer: Optimizer, found: Fit, level: Level) -> Optimizer:
    """Return an optimiser with a history that fits, and warn where that is shorter than it would have been."""
    if not isinstance(optimizer, LBFGS | TorchLBFGS):
        return optimizer
    wanted = optimizer.pairs(level.iterations)
    if found.pairs < wanted:
        text = f"A history of {wanted} pairs does not fit into memory. The run goes on with {found.pairs}."
        warnings.warn(f"{text} It may take more iterations.", UserWarning, stacklevel=3)
        optimizer = replace(optimizer, history=found.pairs)
    if found.offloaded and isinstance(optimizer, LBFGS):
        optimizer = replace(optimizer, offload=True)
    return optimizer
