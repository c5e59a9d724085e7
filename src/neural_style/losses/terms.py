"""The loss as its user composes it: which layers, which formulas, which weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from neural_style.losses.sums import Discrepancy, Moments

ContentLoss = Callable[[Discrepancy], Tensor]
StyleLoss = Callable[[Moments, Moments], Tensor]


@dataclass(frozen=True)
class Terms:
    """The terms of L = α Σ_l v_l L_content,l + β Σ_l w_l E_l + weight · total variation.

    Attributes:
        content_layers: v_l of each content layer by name.
        style_layers: w_l of each style layer by name.
        content_loss: discrepancy of a layer's features from the content's → scalar, such as `half_squares`.
        style_loss: (moments of the generated image, moments of the style) → scalar, such as `layer_style_loss`.
        content_weight: α.
        style_weight: β.
        variation_weight: weight of the total variation; the paper has none.
        variation: form of the total variation, a name of `losses.variation.VARIATIONS`.
    """

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    content_loss: ContentLoss
    style_loss: StyleLoss
    content_weight: float
    style_weight: float
    variation_weight: float = 0.0
    variation: str = "squares"
