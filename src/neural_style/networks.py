"""Which network serves which style picture: built once from fixed weights, or learned from the picture."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.activation_means import normalize_as_in_the_paper
from neural_style.features import VGG19Features
from neural_style.memory import give_back, ran_out
from neural_style.resizing import resize
from neural_style.weights import (
    CONVENTIONS,
    MADE_HERE,
    NAMED_SOURCES,
    Convention,
    Weights,
    check_width,
    learn_weights,
    load_weights,
    random_weights,
)

PREVIEW_WIDTH = 0.5  # of filters that are learned for a preview: a quarter of the work


class NetworkSource:
    """Gives the network for a style picture, and keeps the last one.

    Args:
        weights: as `resolve_weights` returns them.
        width: of the networks made here.
        layers: names of the layers the network has to return.
        pooling: as of `VGG19Features`.
        padding: as of `VGG19Features`.
        device: where the network works.
        dtype: of its parameters and activations.
        normalized: whether the filters are rescaled as in the paper, where they are the original VGG-19's.
    """

    def __init__(
        self,
        weights: str | Weights,
        *,
        width: float,
        layers: Sequence[str],
        pooling: str,
        padding: str,
        device: torch.device,
        dtype: torch.dtype,
        normalized: bool = False,
    ) -> None:
        self.layers, self.pooling, self.padding = list(layers), pooling, padding
        self.width, self.device, self.dtype, self.normalized = width, device, dtype, normalized
        self.self_taught = weights == "self-taught"
        self._learned: tuple[str, Weights, VGG19Features] | None = None
        if not self.self_taught:
            made = isinstance(weights, str)
            fixed = random_weights(deepest=self.layers[-1], width=width) if made else weights
            self._fixed = self._built(fixed)

    def for_style(self, style_images: Sequence[Tensor], seed: int) -> VGG19Features:
        """Return the network for style pictures of shape (1, 3, H, W), learned from them where self-taught."""
        return self._learn(style_images, seed)[1] if self.self_taught else self._fixed

    @property
    def channel_width(self) -> float:
        """The share of VGG-19's channels that the network has."""
        return self.width if self.self_taught else self._fixed.width

    @property
    def to_be_learned(self) -> bool:
        """Whether a run has to learn its network first."""
        return self.self_taught and self._learned is None

    def stand_in(self) -> VGG19Features:
        """Return a network of the shape that serves, to time: where none is learned yet, of random filters."""
        if not self.self_taught:
            return self._fixed
        if self._learned is not None:
            return self._learned[2]
        return self._built(random_weights(deepest=self.layers[-1], width=self.width))

    def learn(self, style_images: Sequence[Tensor], seed: int) -> Weights:
        """Return the filters that style pictures of shape (1, 3, H, W) teach."""
        return self._learn(style_images, seed)[0]

    def _learn(self, style_images: Sequence[Tensor], seed: int) -> tuple[Weights, VGG19Features]:
        """Return the filters and network of style pictures: the last ones, where they are what these teach."""
        key = " ".join([str(seed), *map(fingerprint, style_images)])
        learned = self._learned
        if learned is None or learned[0] != key:
            weights = self._taught(style_images, seed)
            if weights is None:
                give_back(self.device)
                text = (
                    f"Out of memory on {self.device}. The filters are learned on the CPU, which takes longer."
                )
                warnings.warn(text, RuntimeWarning, stacklevel=2)
                weights = self._taught([image.cpu() for image in style_images], seed)
                assert weights is not None  # elsewhere it raises
            learned = self._learned = (key, weights, self._built(weights))
        return learned[1:]

    def _taught(self, style_images: Sequence[Tensor], seed: int) -> Weights | None:
        """Return the filters that style pictures teach, or None where a device's memory does not suffice."""
        try:
            pictures = [picture for image in style_images for picture in (image, _halved(image))]
            return learn_weights(pictures, deepest=self.layers[-1], width=self.width, seed=seed)
        except (MemoryError, RuntimeError) as error:
            if style_images[0].device.type == "cpu" or not ran_out(error):
                raise
        return None

    def _built(self, weights: str | Weights) -> VGG19Features:
        network = VGG19Features(
            weights,
            self.layers,
            pooling=self.pooling,  # type: ignore[arg-type]  # its own check names the choices
            padding=self.padding,  # type: ignore[arg-type]
        )
        if self.normalized:
            normalize_as_in_the_paper(network)
        with torch.inference_mode(False):
            network.set_precision(self.dtype)
            return network.to(self.device)


def resolve_weights(
    weights: str | os.PathLike[str] | Weights, *, width: float = 1.0, convention: Convention | None = None
) -> str | Weights:
    """Return `Weights` that are at hand or can be loaded, or the name of those that are made here.

    Args:
        weights: as of `StyleTransfer`.
        width: as of `StyleTransfer`.
        convention: as of `StyleTransfer`.

    Raises:
        WeightsUnavailableError: if ImageNet's weights are neither cached nor to be downloaded.
        ValueError, TypeError: if an argument breaks its rule.
    """
    check_width(width)
    if convention is not None:
        _checks.choice("convention", convention, CONVENTIONS)
    if convention is not None and (isinstance(weights, Weights) or weights in MADE_HERE):
        advice = "Leave it out: it is for weight files."
        raise ValueError(_checks.message("convention", "be left to weights that have one", convention, advice))
    if isinstance(weights, str) and weights in MADE_HERE:
        return weights
    if width != 1.0:
        advice = f"Leave it out, or take weights={' or '.join(repr(name) for name in MADE_HERE)}."
        raise ValueError(_checks.message("width", "be 1 for weights that have their own", width, advice))
    if isinstance(weights, Weights):
        return weights
    if not isinstance(weights, str | os.PathLike):
        names = ", ".join(repr(name) for name in NAMED_SOURCES)
        rule, got = f"be one of {names}, a path or Weights", type(weights).__name__
        raise TypeError(_checks.message("weights", rule, got, "Give one of these."))
    return load_weights(weights, convention=convention)


def _halved(image: Tensor) -> Tensor:
    """Return a picture at half its size, (1, 3, H, W): filters learned at two scales draw bolder strokes."""
    return resize(image, (max(1, image.shape[-2] // 2), max(1, image.shape[-1] // 2)))


def fingerprint(image: Tensor) -> str:
    """Return a text that two pictures share where they are the same."""
    sizes = "×".join(str(side) for side in image.shape[-2:])
    return f"{sizes}, {hashlib.sha256(image.cpu().contiguous().numpy().data).hexdigest()[:16]}"
