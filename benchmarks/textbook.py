"""The paper's loop as everyone writes it, to compare with: one scale, float32, torch's L-BFGS, 500 evaluations.

Written against nothing of ours but the weights and the numbers of the objective: plain convolutions in torch's
own layout, a list of activations, `backward()`, and `torch.optim.LBFGS` as it comes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neural_style import Terms, Weights
from neural_style.losses.variation import EDGE
from neural_style.network.vgg19 import truncated

EVALUATIONS = 500  # the authors' own number
# torch's thresholds are absolute: at losses below 1, as these are, they would end the run within its first
# steps. Tutorials escape them by style weights of a million.
LOSS_SCALE = 1e4


def lowest(losses: Iterable[float]) -> float:
    """Return the lowest finite loss; infinity where there is none."""
    return min((loss for loss in losses if math.isfinite(loss)), default=math.inf)


def finite(loss: float) -> float | None:
    """Return a loss as a record can hold it: None where it is not finite."""
    return loss if math.isfinite(loss) else None


@dataclass
class History:
    """What a run was like.

    Attributes:
        losses: of each evaluation, in order, unscaled.
        seconds: of work since the start of the run, after each evaluation.
    """

    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def lowest(self) -> float:
        """The lowest loss so far; infinite where there is none."""
        return lowest(self.losses)

    @property
    def recorded(self) -> list[float | None]:
        """The losses for a record; None in the place of those that are not finite."""
        return [finite(loss) for loss in self.losses]


def covariance(features: Tensor) -> Tensor:
    """Return the covariance over positions of features (1, C, H, W), shape (C, C)."""
    flat = features.flatten(2)[0]
    flat = flat - flat.mean(1, keepdim=True)
    return flat @ flat.T / flat.shape[1]


def gram(features: Tensor) -> Tensor:
    """Return the paper's Gram matrix of features (1, C, H, W), by position, shape (C, C)."""
    flat = features.flatten(2)[0]
    return flat @ flat.T / flat.shape[1]


class TextbookLoss(nn.Module):
    """α · content + β · style + variation of a picture, relative to the targets: our default's loss.

    Args:
        weights: of VGG-19's convolutions, of either convention.
        content: what the content loss compares with, shape (1, 3, H, W), RGB in [0, 1].
        style: shape (1, 3, H', W').
        terms: weights and layers.
        statistic: features (1, C, H, W) → what of them is the style, shape (C, C).
    """

    def __init__(
        self,
        weights: Weights,
        content: Tensor,
        style: Tensor,
        terms: Terms,
        statistic: Callable[[Tensor], Tensor] = covariance,
    ) -> None:
        super().__init__()
        self.statistic = statistic
        self.terms, self.convention, parameters = terms, weights.convention, weights.parameters
        wanted = [*terms.content_layers, *terms.style_layers]
        self.modules_by_name: dict[str, nn.Module] = {}
        deepest = [layer.name for layer in truncated("relu5_4") if layer.name in wanted][-1]
        for layer in truncated(deepest):
            module: nn.Module
            if layer.kind == "conv":
                weight, bias = (parameters[f"features.{layer.index}.{name}"] for name in ("weight", "bias"))
                convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, padding_mode="reflect")
                convolution.load_state_dict({"weight": weight, "bias": bias})
                module = convolution.requires_grad_(False)
            else:
                module = nn.ReLU() if layer.kind == "relu" else nn.AvgPool2d(2)
            self.modules_by_name[layer.name] = module
        self.network = nn.Sequential(*self.modules_by_name.values()).to(content.device)
        with torch.no_grad():
            activations = self.activations(content)
            self.targets = {name: activations[name] for name in terms.content_layers}
            activations = self.activations(style)
            self.statistics = {name: self.statistic(activations[name]) for name in terms.style_layers}

    def activations(self, image: Tensor) -> dict[str, Tensor]:
        """Return the activations by name."""
        if self.convention == "caffe":  # blue, green, red
            mean = torch.tensor([103.939, 116.779, 123.68], device=image.device).view(1, 3, 1, 1)
            values = 255 * image.flip(1) - mean
        else:
            mean = torch.tensor([0.485, 0.456, 0.406], device=image.device).view(1, 3, 1, 1)
            std = torch.tensor([0.229, 0.224, 0.225], device=image.device).view(1, 3, 1, 1)
            values = (image - mean) / std
        activations = {}
        for name, module in self.modules_by_name.items():
            values = activations[name] = module(values)
        return activations

    def forward(self, image: Tensor) -> Tensor:
        """Return the loss of a picture."""
        activations = self.activations(image)
        content = torch.zeros((), device=image.device)
        for name, weight in self.terms.content_layers.items():
            target = self.targets[name]
            content = content + weight * F.mse_loss(activations[name], target) / target.square().mean()
        style = torch.zeros((), device=image.device)
        for name, weight in self.terms.style_layers.items():
            target = self.statistics[name]
            difference = F.mse_loss(self.statistic(activations[name]), target)
            style = style + weight * difference / target.square().mean()
        across = F.pad(image[..., 1:] - image[..., :-1], (0, 1))
        down = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
        variation = ((across**2 + down**2 + EDGE**2).sqrt() - EDGE).mean()
        terms = self.terms
        weighted = terms.content_weight * content + terms.style_weight * style
        return weighted + terms.variation_weight * variation


class TextbookRun:
    """The loop, in pieces of one `step` of torch's optimiser: some twenty evaluations, on a clock of their own.

    Args:
        loss: picture → scalar.
        start: shape (1, 3, H, W).
        evaluations: how many.

    Attributes:
        best: the picture of the lowest loss so far.
        history: how the loss fell.
    """

    def __init__(self, loss: Callable[[Tensor], Tensor], start: Tensor, evaluations: int = EVALUATIONS) -> None:
        self.loss, self.evaluations = loss, evaluations
        self.image = start.clone().requires_grad_(True)
        self.optimizer = torch.optim.LBFGS([self.image])
        self.history, self.best = History(), start
        self._seconds = 0.0  # of all steps so far

    @property
    def done(self) -> bool:
        """Whether it has evaluated as often as it was to."""
        return len(self.history.losses) >= self.evaluations

    def step(self) -> None:
        """Go on by one step of torch's optimiser."""
        began = time.perf_counter()

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            value: Tensor = self.loss(self.image) * LOSS_SCALE
            value.backward()  # type: ignore[no-untyped-call]
            number = value.item() / LOSS_SCALE  # every tutorial reads it, and so the device is waited for
            if not self.done:  # torch's inner loop may go on for a few
                if number < self.history.lowest:
                    self.best = self.image.detach().clone()
                self.history.losses.append(number)
                self.history.seconds.append(self._seconds + time.perf_counter() - began)
            return value.detach()

        with torch.inference_mode(False), torch.enable_grad():
            self.optimizer.step(closure)  # type: ignore[no-untyped-call]
        self._seconds += time.perf_counter() - began
