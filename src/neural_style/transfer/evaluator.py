"""How the levels of a run are evaluated on this device: at once or in tiles, in the memory that there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.device.memory import available_memory
from neural_style.device.ranks import Ranks, sharing
from neural_style.evaluation.bounded import BoundedObjective
from neural_style.evaluation.budget import MemoryPlan, plan_memory
from neural_style.evaluation.costs import MemoryModel
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.regions import Guide
from neural_style.evaluation.share import Share
from neural_style.evaluation.stripes import StripedObjective, check_ranks
from neural_style.evaluation.tiles import TileGeometry
from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features
from neural_style.optimizers import LBFGS, Optimizer, TorchLBFGS
from neural_style.transfer.levels import Level


@dataclass(frozen=True)
class Evaluator:
    """Plans tiles that fit into memory, and builds the objective of each level.

    Attributes:
        device: where.
        objective_class: of objectives that evaluate a picture at once; tiles are large enough to need no
            recording.
        tile_size: ``"auto"``, the longest side of a tile in pixels, or None for the picture at once.
        ranks: the processes that make the picture together; None for this one alone.
    """

    device: torch.device
    objective_class: type[Objective]
    tile_size: int | str | None = "auto"
    ranks: Ranks | None = None

    def check(self, deepest: str) -> None:
        """Check that its tiles suit a network that ends with a layer.

        Raises:
            TypeError, ValueError: if `tile_size` is invalid.
        """
        geometry = TileGeometry.of(deepest)
        if not isinstance(self.tile_size, str):
            geometry.check(self.tile_size)
        elif self.tile_size != "auto":
            rule, advice = f"be 'auto', None or a multiple of {geometry.alignment}", "Leave it out for 'auto'."
            raise ValueError(_checks.message("tile_size", rule, repr(self.tile_size), advice))

    def plan_memory(
        self, levels: Sequence[Level], model: MemoryModel, optimizer: Optimizer
    ) -> dict[tuple[int, int], MemoryPlan]:
        """Return how each level is evaluated, by its size, in the memory that is free now.

        Raises:
            ValueError: if a level does not fit, or has too few rows for the ranks.
        """
        if self.ranks is not None:
            check_ranks(self.ranks, levels[-1].size[0], TileGeometry.of(model.layers[-1]))
        free = available_memory(self.device)
        free = None if free is None else free // sharing(self.device)
        ranks = 1 if self.ranks is None else self.ranks.world
        return {
            level.size: plan_memory(
                level.size, model, tile=self.tile_size, pairs=pairs_of(optimizer, level), ranks=ranks, free=free
            )
            for level in reversed(levels)  # an error names the size of the result
        }

    def fitted(self, optimizer: Optimizer, plan: MemoryPlan, level: Level) -> Optimizer:
        """Return an optimiser whose history fits into every rank's memory.

        Warns:
            UserWarning: where that is shorter than it would have been.
        """
        if not isinstance(optimizer, LBFGS | TorchLBFGS):
            return optimizer
        pairs = plan.pairs if self.ranks is None else min(self.ranks.all_gather(plan.pairs))
        wanted = optimizer.pairs(level.iterations)
        if pairs < wanted:
            text = f"A history of {wanted} pairs does not fit into memory. The run goes on with {pairs}."
            _checks.warn(f"{text} It may take more iterations.")
            optimizer = replace(optimizer, history=pairs)
        return optimizer

    def objective(
        self,
        network: VGG19Features,
        pictures: Callable[[], tuple[Tensor, Sequence[Guide]]],
        terms: Terms,
        size: tuple[int, int],
        plan: MemoryPlan,
    ) -> BoundedObjective | StripedObjective:
        """Return a level's objective, which is made when it is first evaluated.

        Args:
            network: see `Objective`.
            pictures: → the content and the style pictures of the level.
            terms: see `Objective`.
            size: (height, width) of the level.
            plan: how it is evaluated.
        """

        def make(tile: int | None, keep_targets: bool, share: Share | None = None) -> Objective:
            objective_class = self.objective_class if tile is None and share is None else Objective
            options = {"tile": tile, "keep_targets": keep_targets, "share": share}
            return objective_class(network, *pictures(), terms, **options)  # type: ignore[arg-type]

        tile, keep_targets = plan.tile, plan.keep_targets
        geometry = TileGeometry.of(network.layers[-1], network.padding)
        if self.ranks is None:
            alignment = geometry.alignment
            return BoundedObjective(make, size, alignment=alignment, tile=tile, keep_targets=keep_targets)
        return StripedObjective(partial(make, tile, keep_targets), self.ranks, size, geometry)


def pairs_of(optimizer: Optimizer, level: Level) -> int:
    """Return the pairs of steps that an optimiser keeps at a level."""
    return optimizer.pairs(level.iterations) if isinstance(optimizer, LBFGS | TorchLBFGS) else 0
