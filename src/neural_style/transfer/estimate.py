"""How long a run will take and how much memory it needs: operations counted, their rate measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from neural_style.evaluation.costs import evaluation_flops
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.tile_size import MemoryPlan
from neural_style.evaluation.tiles import TileGeometry
from neural_style.images.resizing import fit_within
from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features
from neural_style.transfer.levels import Level

PROBED = 192  # pixels of the longer side: large enough for a CPU's rate, and done within about a second
LARGEST_PROBED = 2048  # likewise, on a GPU
PICTURES_BYTES = 24  # a pixel of two pictures of three float32 channels: what strength 0 takes
OVERHEAD = 1.05  # the optimiser's own work, and resizing between levels


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        seconds: of the whole run.
        bytes: of memory at the peak, on the device, beside what torch itself takes. A style picture with many
            more pixels than the result, such as a square one for a panorama, may take more.
        flops: floating-point operations.

    >>> print(Estimate(seconds=200.0, bytes=1_230_000_000, flops=10**13))
    about 3 min 20 s and 1.2 GB of memory
    """

    seconds: float
    bytes: int
    flops: int

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        duration = f"{minutes} min {seconds:02} s" if minutes else f"{max(seconds, 1)} s"
        memory = f"{self.bytes / 1e9:.1f} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:.0f} MB"
        return f"about {duration} and {memory} of memory"


def estimate_run(
    network: VGG19Features,
    terms: Terms,
    plan: Sequence[Level],
    fits: Mapping[tuple[int, int], MemoryPlan],
    *,
    objective: type[Objective] = Objective,
    world: int = 1,
) -> Estimate:
    """Return what a run over some levels will cost, from a probe of about a second.

    Args:
        network: of the shape that the run will use; its values do not matter.
        terms: what the loss sums.
        plan: the levels.
        fits: how each level is evaluated, by its size.
        objective: the class that the run will use.
        world: over how many ranks, each as fast as this one.
    """
    device = next(network.parameters()).device.type
    geometry = TileGeometry.of(network.layers[-1])

    def flops_at(
        size: tuple[int, int], *, content: bool = False, without: Collection[str] = frozenset()
    ) -> int:
        style = [] if content else [name for name in terms.style_layers if name not in without]
        layers = [name for name in network.layers if name in terms.content_layers or name in style]
        return evaluation_flops(size, layers=layers, style_layers=style, width=network.width)

    def level_flops(level: Level) -> int:
        """Return the operations of an evaluation at once, or of all passes of all tiles."""
        found = fits[level.size]
        grid = geometry.grid(geometry.stripe_size(level.size, world), found.tile)
        windows = [tile.window_size for tile in grid.tiles]
        # Each forwards twice and back once, the last forwards once; targets that are not kept twice forwards.
        of_window = [flops_at(window, without=level.without) for window in windows]
        passes = 3 * sum(of_window) - of_window[-1]
        if not found.keep_targets and terms.content_weight > 0:
            passes += sum(2 * flops_at(window, content=True) for window in windows)
        return passes // 2

    finest = plan[-1].size
    small = fit_within(finest, PROBED) if max(finest) > PROBED else finest
    small = (max(small[0], network.minimum_size), max(small[1], network.minimum_size))
    # On a CPU the time is proportional to the work. A GPU is idle for most of a small picture's time: there
    # what is evaluated at once is timed too, or a part of it.
    window = geometry.window_size(geometry.stripe_size(finest, world), fits[finest].tile)
    large = fit_within(window, LARGEST_PROBED) if max(window) > LARGEST_PROBED else window
    sizes = [small] if device == "cpu" else [small, (max(small[0], large[0]), max(small[1], large[1]))]
    timed = partial(time_evaluation, network, terms, objective=objective)
    line = _fitted([(flops_at(size), timed(size)) for size in sizes])
    # A level's targets take the forward passes of a content and a style: as much as one evaluation.
    seconds = sum((level.iterations + 1) * line(level_flops(level)) for level in plan)
    flops = sum((level.iterations + 1) * level_flops(level) for level in plan)
    return Estimate(OVERHEAD * seconds, fits[finest].bytes, flops)


def time_evaluation(
    network: VGG19Features,
    terms: Terms,
    size: tuple[int, int],
    *,
    objective: type[Objective] = Objective,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the seconds of one evaluation at a size: the shorter of two, once it is warmed up."""
    device = next(network.parameters()).device
    picture = torch.linspace(0, 1, 3 * size[0] * size[1], dtype=torch.float32, device="cpu").to(device)
    picture = picture.view(1, 3, *size)
    evaluated = objective(network, picture, picture, terms)
    samples = []
    for _ in range(objective.warm_up + 2):
        began = clock()
        loss, _gradient = evaluated.value_and_grad(picture)
        loss.item()  # waits for the device
        samples.append(clock() - began)
    return min(samples[objective.warm_up :])


def _fitted(points: Sequence[tuple[int, float]]) -> Callable[[int], float]:
    """Return seconds as a function of operations: through the origin and one point, or through two."""
    (flops, seconds), (more_flops, more_seconds) = points[0], points[-1]
    if more_flops == flops or more_seconds <= seconds:
        return lambda work: work * more_seconds / more_flops
    slope = min((more_seconds - seconds) / (more_flops - flops), more_seconds / more_flops)
    return lambda work: seconds + slope * max(work - flops, 0)
