"""Which network serves which style picture: built once from fixed weights, or learned from the picture."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.features import VGG19Features
from neural_style.weights import (
    CONVENTIONS,
    Convention,
    Weights,
    check_width,
    learn_weights,
    load_weights,
    random_weights,
)


class NetworkSource:
    """Gives the network for a style picture, and keeps the last one.

    Args:
        weights: as of `StyleTransfer`.
        width: as of `StyleTransfer`.
        convention: as of `StyleTransfer`.
        layers: names of the layers the network has to return.
        pooling: as of `VGG19Features`.
        padding: as of `VGG19Features`.
        device: where the network works.
        dtype: of its parameters and activations.

    Raises:
        WeightsUnavailableError: if ImageNet's weights are neither cached nor to be downloaded.
        ValueError, TypeError: if an argument breaks its rule.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | Weights,
        *,
        width: float,
        convention: Convention | None,
        layers: Sequence[str],
        pooling: str,
        padding: str,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.layers, self.pooling, self.padding = list(layers), pooling, padding
        self.width, self.device, self.dtype = check_width(width), device, dtype
        self.self_taught = is_self_taught(weights)
        self._learned: tuple[str, VGG19Features] | None = None
        if convention is not None:
            _checks.choice("convention", convention, CONVENTIONS)
        if not self.self_taught:
            self._fixed = self._built(self._fixed_weights(weights, convention))

    def for_style(self, style_image: Tensor, seed: int) -> VGG19Features:
        """Return the network for a style picture of shape (1, 3, H, W), learned from it where self-taught."""
        if not self.self_taught:
            return self._fixed
        key = _fingerprint(style_image, seed)
        if self._learned is None or self._learned[0] != key:
            self._learned = (key, self._built(self.learn(style_image, seed)))
        return self._learned[1]

    def learn(self, style_image: Tensor, seed: int) -> Weights:
        """Return the filters that a style picture of shape (1, 3, H, W) teaches."""
        return learn_weights([style_image], deepest=self.layers[-1], width=self.width, seed=seed)

    def _fixed_weights(
        self, weights: str | os.PathLike[str] | Weights, convention: Convention | None
    ) -> str | os.PathLike[str] | Weights:
        """Return weights that do not depend on the style picture."""
        if isinstance(weights, str) and weights == "random":
            return random_weights(deepest=self.layers[-1], width=self.width)
        if self.width != 1.0:
            rule = "be 1 for weights that have their own"
            advice = "Leave it out, or take weights='self-taught' or 'random'."
            raise ValueError(_checks.message("width", rule, self.width, advice))
        if isinstance(weights, str | os.PathLike):
            return load_weights(weights, convention=convention)
        return weights

    def _built(self, weights: str | os.PathLike[str] | Weights) -> VGG19Features:
        network = VGG19Features(
            weights,
            self.layers,
            pooling=self.pooling,  # type: ignore[arg-type]  # its own check names the choices
            padding=self.padding,  # type: ignore[arg-type]
        )
        network.network.to(dtype=self.dtype)
        return network.to(self.device)


def is_self_taught(weights: object) -> bool:
    """Return whether weights are to be learned from each style picture."""
    return isinstance(weights, str) and weights == "self-taught"


def _fingerprint(image: Tensor, seed: int) -> str:
    """Return a text that two calls share where they would learn the same filters."""
    return f"{seed} {tuple(image.shape)} {hashlib.sha256(image.cpu().numpy().tobytes()).hexdigest()}"
