"""One level's loss: targets computed once, then value and gradient of any picture of the level's size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from neural_style.features import VGG19Features
from neural_style.losses import Moments, style_loss, total_loss, total_variation, weighted_sum

LARGEST_SCALE = 1e30  # far from float32's own end

ContentLoss = Callable[[Tensor, Tensor], Tensor]
StyleLoss = Callable[[Moments, Moments], Tensor]


@dataclass(frozen=True)
class Terms:
    """What is summed, and how much each part weighs.

    Attributes:
        content_layers: weight of each content layer by name.
        style_layers: w_l of each style layer by name.
        content_loss: (F, P) → scalar.
        style_loss: (moments of the generated image, those of the style) → scalar.
        content_weight: α.
        style_weight: β.
        variation_weight: weight of the total variation; the paper has none.
    """

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    content_loss: ContentLoss
    style_loss: StyleLoss
    content_weight: float
    style_weight: float
    variation_weight: float = 0.0


class Objective:
    """L(x) = α L_content + β L_style + variation, as a function of a picture x of one size.

    Args:
        network: returns at least the layers that `terms` names.
        content_image: shape (1, 3, H, W), RGB in [0, 1]; the generated picture has the same.
        style_image: shape (1, 3, H', W'), of any size.
        terms: what is summed.

    Attributes:
        terms_by_name: after an evaluation, the unweighted parts as scalars on the device: ``content``,
            ``style``, ``total variation``, and each layer's, such as ``style relu1_1``. For reporting.
        warm_up: of the class: evaluations until the next takes as long as all later ones.
    """

    warm_up = 1

    def __init__(
        self, network: VGG19Features, content_image: Tensor, style_image: Tensor, terms: Terms
    ) -> None:
        self.network = network
        self.terms = terms
        self.terms_by_name: dict[str, Tensor] = {}
        with torch.inference_mode(False), torch.no_grad():
            self.target_features: dict[str, Tensor] = {}
            self.target_moments: dict[str, Moments] = {}
            if terms.content_weight > 0:  # a part of no weight is not computed
                features = network(content_image)
                self.target_features = {name: features[name] for name in terms.content_layers}
                del features
            if terms.style_weight > 0:
                features = network(style_image)
                self.target_moments = {name: Moments.of(features[name]) for name in terms.style_layers}

    def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss, a scalar, and its gradient with respect to `image`, of its shape; both float32.

        Args:
            image: shape (1, 3, H, W), float32, on the network's device. It is not changed.
        """
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(image.device.type, enabled=False),
        ):
            leaf = image.detach().clone().requires_grad_(True)
            loss = self._loss(leaf)
            scale = self._scale(loss.detach(), leaf)
            (gradient,) = torch.autograd.grad(loss, leaf, scale)
        return loss.detach(), gradient if scale is None else gradient / scale

    def _scale(self, loss: Tensor, image: Tensor) -> Tensor | None:
        """Return what the gradient is to be multiplied by on its way through a float16 network, or None.

        float16 has nothing between 0 and 6·10⁻⁸, and a share of the loss per value of the picture is as small.
        Times their number it is near 1, whatever the loss's own scale.
        """
        if self.network.dtype != torch.float16:
            return None
        return torch.where(loss > 0, image.numel() / loss, 1).clamp(max=LARGEST_SCALE)

    def _loss(self, image: Tensor) -> Tensor:
        """Return α L_content + β L_style + the weighted variation, and remember the parts."""
        terms, features = self.terms, self.network(image)
        contents = {
            name: terms.content_loss(features[name], target) for name, target in self.target_features.items()
        }
        styles = {
            name: terms.style_loss(Moments.of(features[name]), target)
            for name, target in self.target_moments.items()
        }
        nothing = torch.zeros((), dtype=torch.float32, device=image.device)
        content = weighted_sum(contents, terms.content_layers) if contents else nothing
        style = style_loss(styles, terms.style_layers) if styles else nothing
        variation = total_variation(image)
        self.terms_by_name = {
            "content": content.detach(),
            "style": style.detach(),
            "total variation": variation.detach(),
            **{f"content {name}": value.detach() for name, value in contents.items()},
            **{f"style {name}": value.detach() for name, value in styles.items()},
        }
        weighted = total_loss(content, style, terms.content_weight, terms.style_weight)
        return weighted + terms.variation_weight * variation
