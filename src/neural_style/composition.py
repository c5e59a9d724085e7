"""What a transfer is composed of: its choices, checked, and the modules that they select."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.activation_means import normalize_as_in_the_paper
from neural_style.costs import MemoryModel
from neural_style.distributed import check_optimizer
from neural_style.engine import Engine
from neural_style.features import VGG19Features
from neural_style.hardware import Precision, choose_device, choose_dtype, set_up
from neural_style.image_io import ImageSource
from neural_style.objective import Objective
from neural_style.optimizers import LBFGS, Optimizer
from neural_style.pictures import load_pictures
from neural_style.presets import choose_settings
from neural_style.ranks import Ranks
from neural_style.recording import Compile, choose_objective
from neural_style.sizes import Sizes
from neural_style.styles import LoadedStyle, StyleSource
from neural_style.weights import Convention, Weights, resolve_weights


class Composition:
    """The modules that the choices of a `StyleTransfer` select. Its arguments and errors are of that.

    Attributes:
        device: where it runs.
        optimizer: what minimises.
        settings: what decides the loss and the schedule.
        sizes: the rules of sizes.
        engine: how objectives are evaluated.
        network: what shows the layers, one for all runs.
    """

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] | Weights,
        preset: str,
        device: str | torch.device,
        precision: Precision,
        compile: Compile,  # noqa: A002  # the field's name
        tile_size: int | str | None,
        convention: Convention | None,
        optimizer: Optimizer | None,
        ranks: Ranks | None,
        **options: Any,
    ) -> None:
        self.device = choose_device(device)
        kind = choose_objective(compile, self.device)  # refuses another before anything is downloaded
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            got = type(optimizer).__name__
            raise TypeError(_checks.message("optimizer", "be an Optimizer", got, "Give LBFGS() or Adam()."))
        self.optimizer = LBFGS() if optimizer is None else optimizer
        if ranks is not None:
            check_optimizer(self.optimizer)
        settings = partial(choose_settings, preset, **options)
        self.settings = settings()  # refuses what it must before anything is downloaded
        dtype = choose_dtype(self.settings.precision if precision == "auto" else precision, self.device)
        resolved = resolve_weights(weights, convention=convention, deepest=self.settings.layers[-1])
        if resolved.self_taught:
            self.settings = settings(self_taught=True)
        self.sizes = Sizes(self.settings)
        kind = Objective if self.settings.decomposes else kind
        self.engine = Engine(self.device, kind, tile_size, ranks)
        self.engine.check(self.sizes.deepest)
        self.network = self._built(resolved, dtype)

    def _built(self, weights: Weights, dtype: torch.dtype) -> VGG19Features:
        """Return the network on the device."""
        settings = self.settings
        network = VGG19Features(
            weights,
            settings.layers,
            pooling=settings.pooling,  # type: ignore[arg-type]  # its own check names the choices
            padding=settings.padding,  # type: ignore[arg-type]
        )
        if settings.normalized:
            normalize_as_in_the_paper(network)
        with torch.inference_mode(False):
            network.set_precision(dtype)
            return network.to(self.device)

    @contextmanager
    def _own_state(self) -> Iterator[None]:
        """Work without gradients, inference mode or autocast, whatever the caller has set, and restore it."""
        autocast = torch.autocast(self.device.type, enabled=False)
        with set_up(self.device), torch.inference_mode(False), torch.no_grad(), autocast:
            yield

    def _pictures(
        self,
        content: ImageSource,
        style: StyleSource | Sequence[StyleSource],
        style_weights: Sequence[float] | None = None,
        regions: Sequence[ImageSource | None] | None = None,
    ) -> tuple[Tensor, list[LoadedStyle], Tensor]:
        """Return the pictures on the device in the colours to work in, and the content in its own."""
        options = {"style_weights": style_weights, "regions": regions}
        found = load_pictures(content, style, self.settings, self.device, **options)  # type: ignore[arg-type]
        self._check_styles(found[1])
        return found

    def _check_styles(self, styles: Sequence[LoadedStyle]) -> None:
        for number, each in enumerate(styles):
            argument = "style" if len(styles) == 1 else f"style {number + 1}"
            self.sizes.check(argument, size_of(each.image), "Give a larger picture.")

    def _needs(self, styles: Sequence[LoadedStyle] = ()) -> MemoryModel:
        """Return what decides the memory that a run needs."""
        content = self.settings.content_layers if self.settings.content_weight > 0 else {}
        style = self.settings.style_layers if self.settings.style_weight > 0 else {}
        return MemoryModel(
            layers=self.network.layers,
            style_layers=style.keys(),
            content_layers=content.keys(),
            width=self.network.width,
            bytes_per_value=self.network.dtype.itemsize,
            device=self.device.type,
            regions=len({id(each.region) for each in styles if each.region is not None}),
        )


def size_of(image: Tensor) -> tuple[int, int]:
    """Return (height, width) of a picture."""
    return image.shape[-2], image.shape[-1]
