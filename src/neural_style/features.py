"""Image to activations: VGG-19 truncated after the deepest layer asked for, read by forward hooks.

The network owns its input normalisation, padding and pooling; its weights are frozen, and gradients reach the
image. Rectifiers never work in place: a hook on ``conv1_1`` would silently return ``relu1_1``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neural_style import _checks
from neural_style.convolution import FrozenConvolution
from neural_style.vgg19 import check_layers, layer_table, truncated
from neural_style.weights import CAFFE_MEAN, IMAGENET_MEAN, IMAGENET_STD, Weights, resolve_weights

Pooling = Literal["average", "max"]
Padding = Literal["reflect", "replicate", "zeros", "circular"]

POOLINGS: tuple[Pooling, ...] = ("average", "max")
PADDINGS: tuple[Padding, ...] = ("reflect", "replicate", "zeros", "circular")


class VGG19Features(nn.Module):
    """The activations of VGG-19 by layer name, for a picture of any size.

    Args:
        weights: ``"vgg19"``, ``"torchvision"``, ``"random"``, the path of a weight file, or `Weights`, such as
            those that `learn_weights` makes from pictures. See `load_weights`.
        layers: names of the layers to return, such as ``relu4_2``: ``conv4_2`` before and ``relu4_2`` after the
            rectifier, ``pool4`` after the pooling.
        pooling: ``"average"`` (the paper found it to look better) or ``"max"`` (as VGG-19 was trained).
        padding: what surrounds the picture and every layer: ``"reflect"``, ``"replicate"``, ``"zeros"`` (as
            VGG-19 was trained; it draws a frame), or ``"circular"`` (the picture tiles the plane). Where a side
            is too short to reflect, it is replicated.
        seed: for ``"random"``.

    Raises:
        WeightsUnavailableError: if the weights cannot be had on this machine.
        ValueError: if a name is unknown, or the weights end before the deepest layer.

    >>> network = VGG19Features("random", ["relu1_1", "pool1"])
    >>> {name: tuple(f.shape) for name, f in network(torch.zeros(1, 3, 32, 48)).items()}
    {'relu1_1': (1, 64, 32, 48), 'pool1': (1, 64, 16, 24)}
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        weights: str | os.PathLike[str] | Weights = "vgg19",
        layers: Iterable[str] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"),
        *,
        pooling: Pooling = "average",
        padding: Padding = "reflect",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.layers = check_layers("layers", layers)
        self.pooling = _checks.choice("pooling", pooling, POOLINGS)
        self.padding = _checks.choice("padding", padding, PADDINGS)
        loaded = resolve_weights(weights, deepest=self.layers[-1], seed=_checks.seed(seed))
        self.convention, self.self_taught = loaded.convention, loaded.self_taught
        caffe = loaded.convention == "caffe"
        mean = [value / 255 for value in CAFFE_MEAN] if caffe else IMAGENET_MEAN
        std = [1 / 255] * 3 if caffe else IMAGENET_STD
        with torch.inference_mode(False):  # a tensor made in inference mode could never serve a gradient
            self.network = _build(loaded, self.layers[-1], self.pooling, self.padding)
            for name, values in (("mean", mean), ("std", std)):
                buffer = torch.tensor(values, dtype=torch.float32, device="cpu").view(1, 3, 1, 1)
                self.register_buffer(name, buffer, persistent=False)
            self.requires_grad_(False)
            self.eval()
            self.to(memory_format=torch.channels_last)  # no slower on a CPU, and what tensor cores want

    @property
    def minimum_size(self) -> int:
        """The smallest side, in pixels, of a picture that has a position in every layer asked for."""
        return layer_table()[self.layers[-1]].stride

    @property
    def width(self) -> float:
        """The share of VGG-19's channels that the network has."""
        return next(self.network.parameters()).shape[0] / layer_table()["conv1_1"].out_channels

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the activations."""
        first = self._first
        return first.weight.dtype if first.leaving is None else first.leaving

    @property
    def _first(self) -> FrozenConvolution:
        first: FrozenConvolution = self.network[0]  # type: ignore[assignment]
        return first

    def set_precision(self, dtype: torch.dtype) -> None:
        """Compute in another precision; in half precision the first convolution stays in float32.

        Rounded to eight bits, the picture would no longer show an optimiser's small steps: at the end of a run
        the gradient is then 17 instead of 5 degrees off. And the first is a two-hundredth of the work.

        Args:
            dtype: ``torch.float32``, ``torch.bfloat16`` or ``torch.float16``.
        """
        self.network[1:].to(dtype)
        half = dtype.itemsize < torch.float32.itemsize
        self._first.to(torch.float32 if half else dtype)
        self._first.leaving = dtype if half else None

    @property
    def weights(self) -> Weights:
        """A copy of the parameters, as after `normalize_activations`."""
        parameters = {}
        for name, module in self.network.named_children():
            if isinstance(module, FrozenConvolution):
                for kind, parameter in module.named_parameters():
                    copy = parameter.detach().to("cpu", torch.float32, copy=True)
                    parameters[f"features.{layer_table()[name].index}.{kind}"] = copy
        return Weights(parameters, self.convention, self.self_taught)

    def forward(self, image: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the activations by layer name, in network order.

        Args:
            image: shape (B, 3, H, W), RGB in [0, 1] (values outside are let through), on the network's device.
            layers: some of those asked for, to go no deeper than the last of them; None returns all.

        Returns:
            By name, a tensor of shape (B, N_l, H_l, W_l) of dtype `dtype`.

        Raises:
            ValueError: if the shape is another, a side is below `minimum_size`, or a layer was not asked for.
        """
        self._check(image)
        names = self.layers if layers is None else check_layers("layers", layers)
        if absent := set(names) - set(self.layers):
            rule, advice = f"be among {', '.join(self.layers)}", "Ask for it when the network is made."
            raise ValueError(_checks.message("layers", rule, ", ".join(sorted(absent)), advice))
        network = self.network[: layer_table()[names[-1]].index + 1]
        with _capture(network, names) as activations:
            network(self._normalised(image))
        return activations

    def normalize_activations(self, images: Sequence[Tensor]) -> None:
        """Rescale every filter so that its mean activation over images and positions is 1, as the paper does.

        Exact, because the rectifier and both poolings are homogeneous: dividing a filter and multiplying what
        reads it changes no later activation but by its own scale. A filter that never responds is left alone.

        Args:
            images: one or more of shape (1, 3, H, W), RGB in [0, 1]. The paper's are ImageNet's validation set.

        Reference: Gatys et al. (2016), section 2.
        """
        if not images:
            advice = "Give one or more to average over."
            raise ValueError(_checks.message("images", "hold at least one picture", "none", advice))
        for image in images:
            self._check(image)
            _checks.image_values("images", image)
        names = [
            name for name, module in self.network.named_children() if isinstance(module, FrozenConvolution)
        ]
        sums = dict.fromkeys(names, torch.zeros((), dtype=torch.float64, device="cpu"))
        positions = dict.fromkeys(names, 0)
        with torch.no_grad():
            for image in images:
                for name, mean, count in self._mean_activations(image, names):
                    sums[name] = sums[name] + mean * count
                    positions[name] += count
            entering = torch.ones(3, dtype=torch.float64, device="cpu")
            for name in names:
                module = self.network.get_submodule(name)
                mean = sums[name] / positions[name]
                leaving = torch.where(mean > 1e-12, mean, torch.ones_like(mean))
                ratio = entering.view(1, -1, 1, 1) / leaving.view(-1, 1, 1, 1)
                weight, bias = module.get_parameter("weight"), module.get_parameter("bias")
                weight.mul_(ratio.to(weight))
                bias.div_(leaving.to(bias))
                entering = leaving

    def _mean_activations(self, image: Tensor, names: Sequence[str]) -> Iterator[tuple[str, Tensor, int]]:
        """Yield each convolution's mean rectified response (N_l,), float64 on the CPU, and its positions."""
        with _capture(self.network, names) as activations:
            self.network(self._normalised(image))
        for name, activation in activations.items():
            rectified = activation.float().relu()
            yield name, rectified.mean((0, 2, 3)).cpu().double(), rectified[:, 0].numel()

    def _normalised(self, image: Tensor) -> Tensor:
        """Return the picture as the parameters want it: their channel order, scale, dtype and memory layout."""
        parameter = next(self.network.parameters())
        ordered = image.flip(1) if self.convention == "caffe" else image
        normalised = (ordered - self.mean.to(image.dtype)) / self.std.to(image.dtype)
        return normalised.to(parameter.dtype, memory_format=torch.channels_last)

    def _check(self, image: Tensor) -> None:
        """Check the shape of a picture, once per call and without reading its values."""
        if not isinstance(image, Tensor) or not image.is_floating_point():
            got = f"a tensor of {image.dtype}" if isinstance(image, Tensor) else type(image).__name__
            advice = "Scale an 8-bit image to [0, 1] first."
            raise TypeError(_checks.message("image", "be a tensor of floats", got, advice))
        if image.ndim != 4 or image.shape[1] != 3:
            advice = "Add a batch dimension with unsqueeze(0), and drop an alpha channel."
            raise ValueError(_checks.message("image", "have shape (B, 3, H, W)", tuple(image.shape), advice))
        if min(image.shape[-2:]) < self.minimum_size:
            rule = f"have sides of at least {self.minimum_size} pixels for {self.layers[-1]}"
            size = f"{image.shape[-2]}×{image.shape[-1]}"
            raise ValueError(_checks.message("image", rule, size, "Enlarge it or choose shallower layers."))


def _build(weights: Weights, deepest: str, pooling: str, padding: str) -> nn.Sequential:
    """Return the truncated network, its modules named as the layers are."""
    network = nn.Sequential()
    for layer in truncated(deepest):
        module: nn.Module
        if layer.kind == "conv":
            if f"features.{layer.index}.weight" not in weights.parameters:
                rule = f"reach {deepest}"
                advice = "Choose shallower layers or complete weights."
                raise ValueError(_checks.message("weights", rule, f"none for {layer.name}", advice))
            weight = weights.parameters[f"features.{layer.index}.weight"]
            module = FrozenConvolution(weight, weights.parameters[f"features.{layer.index}.bias"], padding)
        elif layer.kind == "relu":
            module = nn.ReLU(inplace=False)
        else:
            module = nn.AvgPool2d(2) if pooling == "average" else nn.MaxPool2d(2)
        network.add_module(layer.name, module)
    return network


@contextmanager
def _capture(network: nn.Sequential, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of the named modules in a dict while open; the hooks are removed whatever happens.

    Only what this thread computes is collected: another may be using the same network.
    """
    thread = threading.get_ident()
    activations: dict[str, Tensor] = {}
    handles: list[RemovableHandle] = []

    def keep(name: str) -> RemovableHandle:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            if threading.get_ident() == thread:
                activations[name] = output

        return network.get_submodule(name).register_forward_hook(hook)

    try:
        handles.extend(keep(name) for name in names)
        yield activations
    finally:
        for handle in handles:
            handle.remove()
