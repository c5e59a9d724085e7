"""The loss as its user composes it: which layers, which formulas, which weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from neural_style import _checks
from neural_style.losses.sums import Discrepancy, Moments
from neural_style.losses.variation import VARIATIONS

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

    Raises:
        TypeError, ValueError: if layers are no mapping, a weight is negative or not finite, or the form of the
            variation is unknown.
    """

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    content_loss: ContentLoss
    style_loss: StyleLoss
    content_weight: float
    style_weight: float
    variation_weight: float = 0.0
    variation: str = "squares"

    def __post_init__(self) -> None:
        for name in ("content_layers", "style_layers"):
            layers = getattr(self, name)
            if not isinstance(layers, Mapping):
                raise TypeError(_checks.message(name, "map names of layers to weights", type(layers).__name__))
            for layer, weight in layers.items():
                _checks.number(f"{name}[{layer!r}]", weight)
        for name in ("content_weight", "style_weight", "variation_weight"):
            _checks.number(name, getattr(self, name))
        _checks.choice("variation", self.variation, VARIATIONS)
