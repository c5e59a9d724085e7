"""How the levels of a run are evaluated on this device: at once or in tiles, in the memory that there is."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.bounded import BoundedObjective
from neural_style.budget import PAIR_BYTES, MemoryPlan, fit
from neural_style.costs import MemoryModel
from neural_style.distributed import StripedObjective, check_ranks
from neural_style.features import VGG19Features
from neural_style.grid import alignment_of, check_tile, halo_of
from neural_style.guidance import Guide
from neural_style.memory import available_memory
from neural_style.objective import Objective, Terms
from neural_style.optimizers import LBFGS, Optimizer, TorchLBFGS
from neural_style.pyramid import Level
from neural_style.ranks import Ranks, sharing
from neural_style.share import Share
from neural_style.styles import LoadedStyle


@dataclass(frozen=True)
class Prepared:
    """What a run is made of.

    Attributes:
        content_image: shape (1, 3, H, W), in the colours to work in.
        original: shape (1, 3, H, W), in its own.
        styles: the style pictures.
        start: shape (1, 3, H'', W''), of the first level's size.
        plan: the levels, coarse to fine.
        fits: how each is evaluated, by its size.
    """

    content_image: Tensor
    original: Tensor
    styles: Sequence[LoadedStyle]
    start: Tensor
    plan: Sequence[Level]
    fits: Mapping[tuple[int, int], MemoryPlan]


@dataclass(frozen=True)
class Engine:
    """What decides how objectives are evaluated.

    Attributes:
        device: where.
        kind: the class of those of a picture at once; tiles are large enough to need no recording.
        tile_size: ``"auto"``, the longest side of a tile in pixels, or None for the picture at once.
        ranks: the processes that make the picture together; None for this one alone.
    """

    device: torch.device
    kind: type[Objective]
    tile_size: int | str | None = "auto"
    ranks: Ranks | None = None

    def check(self, deepest: str) -> None:
        """Check that its tiles suit a network that ends with a layer.

        Raises:
            TypeError, ValueError: if `tile_size` is invalid.
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

    def fits(
        self, plan: Sequence[Level], needs: MemoryModel, optimizer: Optimizer
    ) -> dict[tuple[int, int], MemoryPlan]:
        """Return how each level is evaluated, by its size, in the memory that is free now.

        Raises:
            ValueError: if a level does not fit, or has too few rows for the ranks.
        """
        deepest, free = needs.layers[-1], available_memory(self.device)
        halo, here, host = halo_of(deepest), self.ranks, torch.device("cpu")
        if here is not None:
            check_ranks(here, plan[-1].size[0], halo)
        offloads, pair_bytes, room = False, PAIR_BYTES, available_memory(host)
        if isinstance(optimizer, LBFGS):
            apart = self.device.type in ("cuda", "xpu")  # from the CPU's memory
            offloads = apart and not optimizer.offload
            pair_bytes //= 2 if optimizer.storage == "bfloat16" else 1
            pair_bytes = 0 if apart and optimizer.offload else pair_bytes
        fitted = partial(
            fit,
            needs=needs,
            halo=halo,
            alignment=alignment_of(deepest),
            tile=self.tile_size,
            stripes=1 if here is None else here.world,
            pair_bytes=pair_bytes,
            offloads=offloads,
            free=None if free is None else free // sharing(self.device),
            room=None if room is None else room // sharing(host),
        )
        return {
            level.size: fitted(level.size, pairs=pairs_of(optimizer, level))
            for level in reversed(plan)  # a refusal speaks of the result
        }

    def prepared(
        self, prepare: Callable[[], Prepared], network: VGG19Features, choices: Mapping[str, object]
    ) -> Prepared:
        """Return what a run is made of, which all ranks have found to be right and the same.

        Args:
            prepare: finds it, on each rank by itself.
            network: whose parameters have to be the same.
            choices: what else has to be the same, by name.

        Raises:
            Exception: see `prepare` and `Ranks.agreed`.
        """
        if self.ranks is None:
            return prepare()

        def summary(found: Prepared) -> dict[str, object]:
            images = {"content": found.original}  # recoloured, it would differ where a style does
            for number, style in enumerate(found.styles):
                parts = {"": style.image, " mask": style.mask, " region": style.region}
                called = "style" if len(found.styles) == 1 else f"style {number + 1}"
                images |= {f"{called}{name}": one for name, one in parts.items() if one is not None}
            images["the start"] = found.start
            levels = [(level.size, level.iterations) for level in found.plan]
            prints = {name: _fingerprint(image) for name, image in images.items()}
            prints["the weights"] = " ".join(_fingerprint(values) for values in network.parameters())
            numbers = [(style.weight, style.scale, sorted(style.layers or ())) for style in found.styles]
            texts = {"size and iterations": str(levels), "weights, scales and layers of styles": str(numbers)}
            return {**texts, **prints, **{name: str(choice) for name, choice in choices.items()}}

        found = self.ranks.agreed(prepare, summary)
        finest = found.plan[-1].size
        pairs = min(self.ranks.all_gather(found.fits[finest].pairs))
        return replace(found, fits={**found.fits, finest: replace(found.fits[finest], pairs=pairs)})

    def objective(
        self,
        network: VGG19Features,
        pictures: Callable[[], tuple[Tensor, Sequence[Guide]]],
        terms: Terms,
        size: tuple[int, int],
        found: MemoryPlan,
    ) -> BoundedObjective | StripedObjective:
        """Return a level's objective, which is made when it is first evaluated.

        Args:
            network: see `Objective`.
            pictures: → the content and the style pictures of the level.
            terms: see `Objective`.
            size: (height, width) of the level.
            found: how it is evaluated.
        """

        def make(tile: int | None, keep_targets: bool, share: Share | None = None) -> Objective:
            kind = self.kind if tile is None and share is None else Objective
            options = {"tile": tile, "keep_targets": keep_targets, "share": share}
            return kind(network, *pictures(), terms, **options)  # type: ignore[arg-type]

        deepest = network.layers[-1]
        tile, keep_targets, alignment = found.tile, found.keep_targets, alignment_of(deepest)
        if self.ranks is None:
            return BoundedObjective(make, size, alignment=alignment, tile=tile, keep_targets=keep_targets)
        return StripedObjective(
            partial(make, tile, keep_targets),
            self.ranks,
            size,
            halo=halo_of(deepest),
            alignment=alignment,
            wraps=network.padding == "circular",
        )


def pairs_of(optimizer: Optimizer, level: Level) -> int:
    """Return the pairs of steps that an optimiser keeps at a level."""
    return optimizer.pairs(level.iterations) if isinstance(optimizer, LBFGS | TorchLBFGS) else 0


def fitted_optimizer(optimizer: Optimizer, found: MemoryPlan, level: Level) -> Optimizer:
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


def _fingerprint(values: Tensor) -> str:
    """Return a text that two tensors share where they are the same."""
    sizes = "×".join(str(side) for side in values.shape[-2:])
    content = values.detach().cpu().contiguous().view(torch.uint8).numpy()  # bytes: of any dtype
    return f"{sizes}, {hashlib.sha256(content.data).hexdigest()[:16]}"
