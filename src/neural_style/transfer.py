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
from neural_style.costs import learning_flops
from neural_style.descent import Callback, Evaluated, RunInterrupted, descend
from neural_style.engine import Prepared, fitted_optimizer
from neural_style.estimate import Estimate, estimate_run
from neural_style.features import Padding, Pooling
from neural_style.guidance import Guide
from neural_style.hardware import Precision
from neural_style.image_io import ImageSource
from neural_style.objective import Objective
from neural_style.optimizers import Optimizer
from neural_style.pictures import finished, for_objective, load_alone
from neural_style.preconditioning import ColorSpectrum
from neural_style.presets import LayerChoice
from neural_style.pyramid import Level
from neural_style.ranks import Ranks
from neural_style.recording import Compile
from neural_style.sizes import sides_of
from neural_style.starts import InitSource, check_init, is_noise, starting_picture
from neural_style.style_statistics import StatisticChoice
from neural_style.styles import StyleSource, colors_of
from neural_style.weights import Convention, Weights


class StyleTransfer(Composition):
    """A photograph's content in a painting's style. One object serves many runs and loads its network once.

    >>> transfer = StyleTransfer(weights="self-taught", width=0.25)
    >>> photo = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> painting = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    >>> transfer.run(photo, painting, size=64, iterations=2).shape
    torch.Size([3, 48, 64])

    Args:
        weights: ``"imagenet"`` (torchvision's, from its cache or downloaded to it), ``"self-taught"`` (learned
            from each style picture, no download), ``"random"``, the path of a weight file, or `Weights`.
        preset: ``"default"``, ``"paper"`` (its equations and settings to the letter) or ``"authors"`` (those of
            their published code). Every option below that is given replaces the preset's.
        device: ``"auto"`` takes CUDA, then MPS, then XPU, then the CPU; or any of torch's names.
        precision: of the network: ``"auto"``, ``"float32"``, ``"bfloat16"`` or ``"float16"``. ``"auto"`` takes
            bfloat16 where the hardware multiplies it natively, else float32, which within a run is never TF32.
            Statistics, losses, gradients and the picture are float32 throughout.
        compile: ``"auto"`` records, on CUDA, one evaluation of each level as a CUDA graph and launches it as a
            whole from then on, which takes no time to speak of; ``"off"`` launches every operation by itself.
        tile_size: longest side, in pixels, of the tiles that a picture is evaluated in, one after another, a
            multiple of 16: the result is the same, to rounding, and takes up to twice the time. ``"auto"``
            takes the picture at once where the memory that is free allows it, else tiles as large as it
            allows; None takes it at once whatever is free.
        width: share of VGG-19's channels, 1, ½ or ¼, for ``"self-taught"`` and ``"random"``. Narrower is
            faster and weaker.
        convention: input convention of a weight file, ``"torchvision"`` or ``"caffe"``; None takes it from the
            names in the file.
        content_layers: names of layers, or weights by name.
        style_layers: names of layers, or weights w_l by name.
        content_weight: α. Larger keeps more of the photograph.
        style_weight: β. Larger takes more of the painting.
        variation_weight: weight of the total variation. Larger is smoother.
        variation: what it sums: ``"squares"`` of the differences across and down, ``"nine-point"`` with the
            diagonals', or ``"isotropic"``, which leaves edges sharper. See `variation`.
        pooling: ``"average"`` or ``"max"``.
        padding: ``"reflect"``, ``"replicate"``, ``"zeros"`` or ``"circular"``.
        statistic: what of the features is the style: ``"gram"``, ``"mean-deviation"``, ``"covariance"`` or
            ``"wasserstein"``, see `style_statistics`; weights of several by name; or one of these by layer.
        strength: 0 is the photograph, 1 only the style, ½ the preset's own weights; in place of
            ``content_weight`` and ``style_weight``. With the default's losses it limits the content distance to
            strength : (1 − strength), and so allows as much at every size and with every network.
        color: whose colours the result has: ``"style"``; ``"content"``: the content's chroma, exactly, under a
            luminance that takes the style; ``"match"``: those of a style that is given the content's first.
        color_map: how ``"match"`` does so: ``"monge-kantorovich"``, ``"cholesky"``, ``"pca"`` or
            ``"symmetric"``, see `color.recolored`.
        match_colors: whether the content picture is first given the style's colours by `color.match_colors`.
        precondition: whether `LBFGS` works in the style's decorrelated colours and frequencies, which takes
            fewer evaluations to the same loss, or in pixels.
        optimizer: an `LBFGS`, `TorchLBFGS`, `Adam`, or other `Optimizer`; None takes `LBFGS()`.
        ranks: the processes that make each picture together, every one of which calls `run` with the same
            arguments and gets the whole picture; None works alone. `LBFGS` and `Adam` work over ranks.

    Raises:
        WeightsUnavailableError: if ImageNet's weights are neither cached nor to be downloaded.
        ValueError, TypeError: if an option breaks its rule.
    """

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] | Weights = "imagenet",
        preset: str = "default",
        device: str | torch.device = "auto",
        precision: Precision = "auto",
        compile: Compile = "auto",  # noqa: A002  # the field's name
        tile_size: int | str | None = "auto",
        width: float = 1.0,
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
        precondition: bool | None = None,
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
            width=width,
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
            precondition=precondition,
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
            iterations: of the finest level, the coarser ones taking two thirds of it; or one number a level,
                coarse to fine. None takes the preset's; where that is a rule, noise as a start takes 200 at the
                coarsest, and where L-BFGS has no tolerance, a level ends from its 20th step on once its loss
                falls by no more than a thousandth in ten steps.
            levels: how many sizes, each half the next; 1 works at the full size only. None takes the preset's.
            init: the start: ``"content"``, ``"style"`` (the first, of several), ``"noise"`` (white),
                ``"colored-noise"`` (with the mean and covariance of the styles' colours), weights of several by
                name for a mix, or a picture. None takes the preset's.
            seed: decides the noise and the self-taught filters. Same seed, same bits on the CPU.
            callback: called with a `Progress` after each evaluation; returning True ends the run early, with
                the picture so far as its result.
            preview: whether a rough picture is enough, to choose settings by, in seconds: of at most 256
                pixels, in few iterations but for those that noise takes, and with half of the channels where
                filters are learned.

        Returns:
            Tensor of shape (3, H, W), or (1, 3, H, W) where the content came with four dimensions: float32,
            RGB, in [0, 1], contiguous and detached, on the device it ran on.

        Raises:
            ValueError, TypeError: on input that breaks its rule, before any work.
            RunInterrupted: on Ctrl-C; it holds the picture so far.
        """
        with self._own_state():
            networks = self.previews if _checks.flag("preview", preview) else self.networks
            chosen = self.settings.starts_from(init)
            optimizer, seed = self._optimizer_of(iterations), _checks.seed(seed)

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
                fits = self.engine.fits(plan, self._needs(networks, styles), optimizer)
                return Prepared(content_image, original, styles, start, plan, fits)

            network_told = {"precision": networks.dtype, "width": networks.channel_width}
            told = {"seed": seed, "optimizer": optimizer, **network_told, **self.settings.choices}
            found = self.engine.prepared(prepare, told)
            content_image, styles, plan, fits = found.content_image, found.styles, found.plan, found.fits
            network = networks.for_style(self.sizes.taught_pictures(styles, plan[-1].size), seed)
            self.engine.share_parameters(network)

            def objective_at(level_size: tuple[int, int]) -> Evaluated:
                def pictures() -> tuple[Tensor, Sequence[Guide]]:
                    contents = for_objective(content_image, found.original, level_size, self.settings)
                    return contents, self.sizes.guides(styles, level_size)

                terms = self.settings.terms
                return self.engine.objective(network, pictures, terms, level_size, fits[level_size])

            preconditioner = None
            if self.settings.precondition:
                preconditioner = ColorSpectrum([each.image for each in styles])
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
                    *(found.start, plan, objective_at, optimizer, callback, preconditioner, detailed),
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
        seed: int = 0,
    ) -> Objective:
        """Return the finest level's `Objective`, for whoever brings another optimiser.

        Args:
            content: as of `run`.
            style: as of `run`.
            size: longer side in pixels; None keeps the content's own size.
            seed: as of `run`.
        """
        with self._own_state():
            seed = _checks.seed(seed)
            content_image, styles, original = self._pictures(content, style)
            target = self.sizes.result(size_of(content_image), size)
            contents = for_objective(content_image, original, target, self.settings)
            alone = replace(self.engine, ranks=None)  # the objective is this process's
            fits = alone.fits([Level(target, 1)], self._needs(self.networks, styles), self.optimizer)
            network = self.networks.for_style(self.sizes.taught_pictures(styles, target), seed)
            found, guides = fits[target], self.sizes.guides(styles, target)
            kind = self.engine.kind if found.tile is None else Objective
            return kind(
                *(network, contents, guides, self.settings.terms),
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
            iterations: as of `run`.
            levels: as of `run`.
            init: as of `run`: noise takes longer.
            preview: as of `run`.

        >>> print(StyleTransfer(weights="random", width=0.25).estimate(64, iterations=1).flops)
        589430784
        """
        height, width = sides_of(size)
        target = (height if isinstance(size, tuple) else max(1, 3 * height // 4), width)
        with self._own_state():
            target = self.sizes.result(target, None, preview=preview)
            check_init(init)
            noise = is_noise(self.settings.starts_from(init))
            plan = self.sizes.plan(target, iterations, levels, preview=preview, noise=noise)
            networks, learning = self.previews if _checks.flag("preview", preview) else self.networks, 0
            if networks.to_be_learned:
                deepest = self.settings.layers[-1]
                learning = learning_flops(self.sizes.taught(target), deepest=deepest, width=networks.width)
            fits = self.engine.fits(plan, self._needs(networks), self.optimizer)
            network, kind = networks.stand_in(), self.engine.kind
            world = 1 if self.engine.ranks is None else self.engine.ranks.world
            return estimate_run(
                *(network, self.settings.terms, plan, fits),
                objective=kind,
                learning=learning,
                world=world,
                contents=self.settings.contents,
            )

    def learn(
        self,
        style: StyleSource | Sequence[StyleSource],
        content: ImageSource | None = None,
        *,
        size: int = 512,
        seed: int = 0,
    ) -> Weights:
        """Return the self-taught filters of a style, as `run` would use them; `Weights.save` keeps them.

        Args:
            style: as of `run`. Without a content, of a `Style` picture and scale matter.
            content: as of `run`: the filters are the very ones that its run would use. They depend on it where
                it gives the style its colours (``color``), and on its shape in the paper's preset.
            size: longer side, in pixels, of the results they are meant for.
            seed: as of `run`.

        Raises:
            ValueError, TypeError: as of `run`; or if the style takes its colours from a content that is not
                given.
        """
        seed = _checks.seed(seed)
        size = _checks.whole_number("size", size, minimum=1)
        with self._own_state():
            if content is not None:
                content_image, styles, _ = self._pictures(content, style)
                target = self.sizes.result(size_of(content_image), size)
                return self.networks.learn(self.sizes.taught_pictures(styles, target), seed)
            styles = load_alone(style, self.settings, self.device)
            self._check_styles(styles)
            return self.networks.learn(self.sizes.taught_pictures(styles, (size, size)), seed)
