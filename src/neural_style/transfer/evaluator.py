"""How the levels of a run are evaluated on this device: at once or in tiles, in the memory that there is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.device.memory import available_memory
from neural_style.device.ranks import Ranks, sharing
from neural_style.evaluation.bounded import BoundedObjective
from neural_style.evaluation.costs import MemoryModel
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.regions import Guide
from neural_style.evaluation.share import Share
from neural_style.evaluation.stripes import StripedObjective
from neural_style.evaluation.tile_size import MemoryPlan, MemoryPlanner
from neural_style.evaluation.tiles import TileGeometry
from neural_style.losses.terms import Terms
from neural_style.network.activation_means import normalize_as_in_the_paper
from neural_style.network.features import VGG19Features
from neural_style.network.weights import Weights
from neural_style.optimizers.base import Optimizer
from neural_style.optimizers.lbfgs import LBFGS
from neural_style.transfer.levels import Level
from neural_style.transfer.presets import Settings

Pictures = tuple[Tensor, Sequence[Guide]]  # of a level: the content and the styles


@dataclass(frozen=True)
class Evaluator:
    """Plans tiles that fit into memory, and builds the objective of each level.

    Attributes:
        network: the feature extractor.
        objective_class: of objectives that evaluate a picture at once; tiles are large enough to need no
            recording.
        tile_size: ``"auto"``, the longest side of a tile in pixels, or None for the picture at once.
        ranks: the processes that make the picture together; None for this one alone.
    """

    network: VGG19Features
    objective_class: type[Objective]
    tile_size: int | str | None = "auto"
    ranks: Ranks | None = None

    @property
    def world(self) -> int:
        """How many processes make the picture."""
        return 1 if self.ranks is None else self.ranks.world

    def plan_memory(
        self, levels: Sequence[Level], terms: Terms, optimizer: Optimizer, regions: int = 0
    ) -> dict[tuple[int, int], MemoryPlan]:
        """Return how each level, coarse to fine, is evaluated, by its size, in the memory that is free now.

        The optimiser's history is counted, and `regions` that have styles of their own.

        Raises:
            ValueError: if a level does not fit, or has too few rows for the ranks.
        """
        device, model = self.network.mean.device, MemoryModel.of(self.network, terms, regions)
        free = available_memory(device)
        free = None if free is None else free // sharing(device)
        planner = MemoryPlanner(model, self.tile_size, self.world, free)
        height = levels[-1].size[0]
        if (most := planner.geometry.stripes_in(height, self.world)) < self.world:
            rule = f"be at most {most} for {height} rows, {planner.geometry.halo} for each"
            raise ValueError(_checks.message("the number of ranks", rule, self.world, "Start fewer."))
        return {
            level.size: planner.plan(level.size, optimizer.pairs(level.iterations))
            for level in reversed(levels)  # an error names the size of the result
        }

    def fitted(self, optimizer: Optimizer, plan: MemoryPlan, level: Level) -> Optimizer:
        """Return an optimiser whose history fits into every rank's memory.

        Warns:
            UserWarning: where that is shorter than it would have been.
        """
        if not isinstance(optimizer, LBFGS):
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
        pictures: Callable[[], Pictures],
        terms: Terms,
        size: tuple[int, int],
        plan: MemoryPlan,
    ) -> BoundedObjective | StripedObjective:
        """Return the objective of a level of (height, width), which reads its pictures when first evaluated."""

        def make(plan: MemoryPlan, share: Share | None = None) -> Objective:
            return self.build(pictures(), terms, plan, share)

        geometry = TileGeometry.of(self.network.layers[-1], self.network.padding)
        if self.ranks is None:
            return BoundedObjective(make, plan, size, geometry.alignment)
        return StripedObjective(partial(make, plan), self.ranks, size, geometry)

    def build(
        self, pictures: Pictures, terms: Terms, plan: MemoryPlan, share: Share | None = None
    ) -> Objective:
        """Return an objective of the whole picture, or of a process's share of it."""
        objective_class = self.objective_class if plan.tile is None and share is None else Objective
        make = partial(objective_class, tile=plan.tile, keep_targets=plan.keep_targets, share=share)
        return make(self.network, *pictures, terms)


def build_network(
    weights: Weights, settings: Settings, dtype: torch.dtype, device: torch.device
) -> VGG19Features:
    """Return the network that the settings ask for, in a precision and on a device."""
    edges: Any = {"pooling": settings.pooling, "padding": settings.padding}  # its own check names the choices
    network = VGG19Features(weights, settings.layers, **edges)
    if settings.normalized:
        normalize_as_in_the_paper(network)
    with torch.inference_mode(False):
        network.set_precision(dtype)
        return network.to(device)


def check_tile_size(tile_size: int | str | None, deepest: str) -> int | str | None:
    """Return a size of tiles if it is one for a network that ends with a layer."""
    geometry = TileGeometry.of(deepest)
    if not isinstance(tile_size, str):
        return geometry.check(tile_size)
    if tile_size != "auto":
        rule, advice = f"be 'auto', None or a multiple of {geometry.alignment}", "Leave it out for 'auto'."
        raise ValueError(_checks.message("tile_size", rule, repr(tile_size), advice))
    return tile_size


def choose_optimizer(optimizer: Optimizer | None, ranks: Ranks | None) -> Optimizer:
    """Return the optimiser, or the default's for None, if it is one, and works over the ranks."""
    if ranks is not None and not isinstance(ranks, Ranks):
        raise TypeError(_checks.message("ranks", "be Ranks or None", type(ranks).__name__))
    chosen = LBFGS() if optimizer is None else optimizer
    if not isinstance(chosen, Optimizer):
        got = type(chosen).__name__
        raise TypeError(_checks.message("optimizer", "be an Optimizer", got, "Give LBFGS() or Adam()."))
    if ranks is not None and not chosen.over_ranks:
        got, advice = type(chosen).__name__, "Others know only their own rank's rows."
        raise TypeError(_checks.message("optimizer", "be LBFGS or Adam over ranks", got, advice))
    return chosen
