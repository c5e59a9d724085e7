"""The feature extractor: VGG-19 up to the deepest layer wanted, whose layers are read by forward hooks.

Input normalisation, padding and pooling are part of the network. Its weights are frozen; gradients reach the
image. Rectifiers do not work in place, or a hook on ``conv1_1`` would silently return ``relu1_1``.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neural_style import _checks
from neural_style.network.convolution import FrozenConvolution
from neural_style.network.source import resolve_weights
from neural_style.network.vgg19 import check_layers, layer_table, truncated
from neural_style.network.weights import CAFFE_MEAN, IMAGENET_MEAN, IMAGENET_STD, Weights

Pooling = Literal["average", "max"]
Padding = Literal["reflect", "replicate", "zeros", "circular"]

POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
PADDINGS: tuple[Padding, ...] = get_args(Padding)

LEAST_MEAN = 0.01  # of a layer's median mean activation: what a filter is assumed to have at least


class VGG19Features(nn.Module):
    """The activations of VGG-19 by layer name, for a picture of any size.

    Args:
        weights: ``"vgg19"``, ``"torchvision"``, ``"random"``, the path of a weight file, or `Weights`, such as
            those of `learn_weights`. See `load_weights`.
        layers: names of the layers to return, such as ``relu4_2``: ``conv4_2`` before and ``relu4_2`` after the
            rectifier, ``pool4`` after the pooling.
        pooling: ``"average"`` (the paper found it to look better) or ``"max"`` (as VGG-19 was trained).
        padding: what surrounds the picture and every layer: ``"reflect"``, ``"replicate"``, ``"zeros"`` (as
            VGG-19 was trained; it draws a frame), or ``"circular"`` (the picture tiles the plane). Where a side
            is too short to reflect, it is replicated.
        seed: of ``"random"`` weights.

    Raises:
        WeightsUnavailableError: if the weights are not available on this machine.
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
        """The smallest side, in pixels, of a picture that has a position in every layer."""
        return layer_table()[self.layers[-1]].stride

    @property
    def width(self) -> float:
        """The share of VGG-19's channels that the network has."""
        return next(self.network.parameters()).shape[0] / layer_table()["conv1_1"].out_channels

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the activations."""
        first = self._filters["conv1_1"]
        return first.weight.dtype if first.output_dtype is None else first.output_dtype

    def set_precision(self, dtype: torch.dtype) -> None:
        """Compute in another precision; the first convolution stays in float32 even in half precision.

        Half precision would round the small steps of an optimiser off the picture: at the end of a run the
        gradient is then off by 17 degrees instead of 5. The first convolution is a two-hundredth of the work.

        Args:
            dtype: ``torch.float32``, ``torch.bfloat16`` or ``torch.float16``.
        """
        self.network[1:].to(dtype)
        half, first = dtype.itemsize < torch.float32.itemsize, self._filters["conv1_1"]
        first.to(torch.float32 if half else dtype)
        first.output_dtype = dtype if half else None

    @property
    def weights(self) -> Weights:
        """A copy of the parameters, as after `normalize_activations`."""
        parameters = {}
        for name, module in self._filters.items():
            for part, parameter in module.named_parameters():
                copy = parameter.detach().to("cpu", torch.float32, copy=True)
                parameters[f"features.{layer_table()[name].index}.{part}"] = copy
        return Weights(parameters, self.convention, self.self_taught)

    def forward(self, image: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the activations by layer name, in network order.

        Args:
            image: shape (B, 3, H, W), RGB in [0, 1], on the network's device. The range is not checked.
            layers: some of the network's layers; nothing deeper is computed. None returns all.

        Returns:
            By name, a tensor of shape (B, N_l, H_l, W_l) of dtype `dtype`.

        Raises:
            TypeError: if the image is no float tensor.
            ValueError: if its shape is another, a side is below `minimum_size`, or the network lacks a layer.
        """
        self._check(image)
        names = self.layers if layers is None else check_layers("layers", layers)
        if absent := set(names) - set(self.layers):
            rule = f"be among the network's, {', '.join(self.layers)}"
            raise ValueError(_checks.message("layers", rule, ", ".join(sorted(absent))))
        network = self.network[: layer_table()[names[-1]].index + 1]
        with _capture(network, names) as activations:
            network(self._normalised(image))
        return activations

    def mean_activations(self, images: Iterable[Tensor]) -> dict[str, Tensor]:
        """Return the mean rectified response of every filter over images and positions.

        Args:
            images: one or more of shape (1, 3, H, W), RGB in [0, 1]. A larger one has more positions, and
                counts for more.

        Returns:
            By the name of the convolution, such as ``conv1_1``, a tensor of shape (N_l,), float64, on the CPU.

        Raises:
            TypeError, ValueError: if there is no picture, or one is invalid.
        """
        sums: dict[str, Tensor] = {}
        positions = dict.fromkeys(self._filters, 0)
        for image in images:
            self._check(image)
            _checks.image_values("images", image)
            with torch.no_grad(), _capture(self.network, self._filters) as activations:
                self.network(self._normalised(image))
            for name, activation in activations.items():
                rectified = activation.relu()
                sums[name] = sums.get(name, 0.0) + rectified.sum((0, 2, 3), dtype=torch.float64).cpu()
                positions[name] += rectified[:, 0].numel()
        if not sums:
            raise ValueError(_checks.message("images", "hold at least one picture", "none"))
        return {name: total / positions[name] for name, total in sums.items()}

    def normalize_activations(self, means: Mapping[str, Tensor]) -> None:
        """Divide every filter by its mean activation, so that the mean becomes 1, as in the paper.

        This is exact: the rectifier and both poolings are homogeneous, so that dividing a filter and
        multiplying the weights that read it rescales its own activations and changes no others.

        A mean below `LEAST_MEAN` times the median of its layer is raised to that value. So small a mean depends
        on the pictures it was measured on, and after a division by it the filter's first response would
        outweigh all others. The median is over the filters that respond at all; a layer without any is left
        alone.

        Args:
            means: the means by the name of the convolution, of shape (N_l,), for every convolution of the
                network, as `mean_activations` returns them. The paper's are over ImageNet's validation set;
                for those of the preset ``paper`` see `activation_means`. Other names are ignored.

        Raises:
            ValueError: if a convolution's means are missing, negative, not finite, or of another number.

        Reference: Gatys et al. (2016), section 2.

        >>> network, image = VGG19Features("random", ["relu1_1"]), torch.full((1, 3, 16, 16), 0.5)
        >>> network.normalize_activations(network.mean_activations([image]))
        >>> round(network.mean_activations([image])["conv1_1"].max().item(), 4)
        1.0
        """
        for name, module in self._filters.items():
            mean, rule = means.get(name), f"hold {len(module.bias)} finite numbers of at least 0 for {name}"
            if mean is None or mean.shape != module.bias.shape:
                got = "none" if mean is None else f"a tensor of shape {tuple(mean.shape)}"
                raise ValueError(_checks.message("means", rule, got))
            if not bool((mean >= 0).all() & mean.isfinite().all()):
                raise ValueError(_checks.message("means", rule, f"{mean.min()} … {mean.max()}"))
        input_scale: Tensor | None = None
        with torch.no_grad():
            for name, module in self._filters.items():
                output_scale = _floored(means[name].to("cpu", torch.float64))
                ratio = 1 / output_scale.view(-1, 1, 1, 1)
                if input_scale is not None:
                    ratio = ratio * input_scale.view(1, -1, 1, 1)
                module.weight.mul_(ratio.to(module.weight))
                module.bias.div_(output_scale.to(module.bias))
                input_scale = output_scale

    @property
    def _filters(self) -> dict[str, FrozenConvolution]:
        """The convolutions by name, in network order."""
        children = self.network.named_children()
        return {name: module for name, module in children if isinstance(module, FrozenConvolution)}

    def _normalised(self, image: Tensor) -> Tensor:
        """Return the picture in the parameters' channel order, scale, dtype and memory layout."""
        parameter = next(self.network.parameters())
        ordered = image.flip(1) if self.convention == "caffe" else image
        normalised = (ordered - self.mean.to(image.dtype)) / self.std.to(image.dtype)
        return normalised.to(parameter.dtype, memory_format=torch.channels_last)

    def _check(self, image: Tensor) -> None:
        """Check the shape of a picture, once per call and without reading its values."""
        _checks.image_tensor("image", image, batch=True)
        if min(image.shape[-2:]) < self.minimum_size:
            rule = f"have sides of at least {self.minimum_size} pixels for {self.layers[-1]}"
            raise ValueError(_checks.message("image", rule, f"{image.shape[-2]}×{image.shape[-1]}"))


def _build(weights: Weights, deepest: str, pooling: str, padding: str) -> nn.Sequential:
    """Return the truncated network, its modules named as the layers are."""
    network = nn.Sequential()
    for layer in truncated(deepest):
        module: nn.Module
        if layer.kind == "conv":
            if f"features.{layer.index}.weight" not in weights.parameters:
                raise ValueError(_checks.message("weights", f"reach {deepest}", f"none for {layer.name}"))
            weight = weights.parameters[f"features.{layer.index}.weight"]
            module = FrozenConvolution(weight, weights.parameters[f"features.{layer.index}.bias"], padding)
        elif layer.kind == "relu":
            module = nn.ReLU(inplace=False)
        else:
            module = nn.AvgPool2d(2) if pooling == "average" else nn.MaxPool2d(2)
        network.add_module(layer.name, module)
    return network


def _floored(mean: Tensor) -> Tensor:
    """Return a layer's mean activations with those of almost silent filters raised to `LEAST_MEAN`."""
    responding = mean[mean > 0]
    return mean.clamp(min=LEAST_MEAN * responding.median()) if len(responding) else torch.ones_like(mean)


@contextmanager
def _capture(network: nn.Sequential, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of the named modules in a dict while open. The hooks are always removed.

    Only this thread's outputs are collected: another may be using the same network.
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
