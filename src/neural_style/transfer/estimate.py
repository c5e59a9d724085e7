"""How long a run will take and how much memory it needs: operations counted, their rate measured."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch

from neural_style.evaluation.costs import FLOAT32, evaluation_flops
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.tile_size import MemoryPlan
from neural_style.evaluation.tiles import Grid, TileGeometry
from neural_style.images.resizing import fit_within, reduced
from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features
from neural_style.transfer.evaluator import Evaluator
from neural_style.transfer.levels import Level

PROBE_SIDE = 192  # pixels of the longer side: large enough for a CPU's rate, and done within about a second
LARGEST_PROBE_SIDE = 2048  # likewise, on a GPU
PICTURE_BYTES = 3 * FLOAT32  # a pixel of an image tensor
CONTENT_PICTURES = 3  # the content as it is given, as it is read and in other colours
ASSUMED_RATIO = 2  # of a content's sides to the result's, where its size is not given
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
    evaluator: Evaluator,
    terms: Terms,
    levels: Sequence[Level],
    plans: Mapping[tuple[int, int], MemoryPlan],
    content: tuple[int, int] | None = None,
    styles: int = 1,
) -> Estimate:
    """Return what a run will cost, from a probe of about a second.

    Args:
        evaluator: of the run; every rank is taken to be as fast as this one.
        terms: of the loss.
        levels: coarse to fine.
        plans: how each level is evaluated, by its size.
        content: (height, width) of the photograph; None assumes twice the result's sides.
        styles: how many style pictures there are, each of the photograph's size.
    """
    network, world = evaluator.network, evaluator.world
    geometry, finest = TileGeometry.of(network.layers[-1]), levels[-1].size
    window = geometry.window_size(geometry.stripe_size(finest, world), plans[finest].tile)
    seconds_for = _time_model(evaluator, terms, finest, window)
    seconds, flops = 0.0, 0
    for level in levels:
        grid = geometry.grid(geometry.stripe_size(level.size, world), plans[level.size].tile)
        evaluation = _level_flops(network, terms, level, grid, plans[level.size].keep_targets)
        # A level's targets take the forward passes of a content and a style: as much as one evaluation.
        seconds += (level.iterations + 1) * seconds_for(evaluation)
        flops += (level.iterations + 1) * evaluation
    return Estimate(OVERHEAD * seconds, plans[finest].bytes + input_bytes(content, finest, styles), flops)


def input_bytes(content: tuple[int, int] | None, result: tuple[int, int], styles: int = 1) -> int:
    """Return how many bytes the pictures that a run is given take, by (height, width) of content and result.

    The styles are taken to be of the content's size.


    >>> [input_bytes(content, (192, 256)) for content in ((3000, 4000), (300, 400), None)]
    [37748736, 5760000, 9437184]
    """
    height, width = reduced(content or (ASSUMED_RATIO * result[0], ASSUMED_RATIO * result[1]), result)
    return (CONTENT_PICTURES + styles) * PICTURE_BYTES * height * width


def _level_flops(network: VGG19Features, terms: Terms, level: Level, grid: Grid, keep_targets: bool) -> int:
    """Return the operations of an evaluation at once, or of all passes of all tiles."""
    windows = [tile.window_size for tile in grid.tiles]
    # Each tile is run forwards twice and back once, the last forwards once.
    per_window = [_flops(network, terms, window, level.without) for window in windows]
    passes = 3 * sum(per_window) - per_window[-1]
    if not keep_targets and terms.content_weight > 0:  # the content is run forwards twice
        passes += 2 * sum(_flops(network, terms, window, terms.style_layers) for window in windows)
    return passes // 2


def _flops(
    network: VGG19Features, terms: Terms, size: tuple[int, int], without: Collection[str] = frozenset()
) -> int:
    """Return the operations of an evaluation of (height, width) at once, without some style layers."""
    style = [name for name in terms.style_layers if name not in without]
    layers = [name for name in network.layers if name in terms.content_layers or name in style]
    return evaluation_flops(size, layers=layers, style_layers=style, width=network.width)


def _time_model(
    evaluator: Evaluator, terms: Terms, finest: tuple[int, int], window: tuple[int, int]
) -> Callable[[int], float]:
    """Return seconds as a function of operations, from evaluations that are timed.

    On a CPU the time is proportional to the work, and one small picture is timed. A GPU is idle for most of a
    small picture's time: there what is evaluated at once, `window`, is timed too, or a part of it.
    """
    network = evaluator.network
    small = fit_within(finest, min(max(finest), PROBE_SIDE))
    small = (max(small[0], network.minimum_size), max(small[1], network.minimum_size))
    sizes = [small]
    if next(network.parameters()).device.type != "cpu":
        large = fit_within(window, min(max(window), LARGEST_PROBE_SIDE))
        sizes.append((max(small[0], large[0]), max(small[1], large[1])))
    objective = evaluator.objective_class
    timed = [time_evaluation(network, terms, size, objective=objective) for size in sizes]
    return _fitted([(_flops(network, terms, size), took) for size, took in zip(sizes, timed, strict=True)])


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
