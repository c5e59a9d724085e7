"""Where the parameters come from: ImageNet, the Caffe conversions, a file, the pictures themselves, chance.

Whatever the source, the result is one `Weights`: torchvision's names and the input convention that the
parameters were made for. Nothing falls back silently: what cannot be had raises an error that says what to do.
"""

from __future__ import annotations

import os
import pickle
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal
from urllib.error import URLError

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.self_taught import learn_filters, random_orthogonal
from neural_style.vgg19 import Layer, check_layers, convolutions, layer_table

if TYPE_CHECKING:
    from torchvision.models import VGG19_Weights

_CAFFE_MARK, _SELF_TAUGHT_MARK = "neural_style.caffe", "neural_style.self_taught"

Convention = Literal["torchvision", "caffe"]

MADE_HERE = ("self-taught", "random")
NAMED_SOURCES = ("imagenet", *MADE_HERE)
WIDTHS = (1.0, 0.5, 0.25)
CONVENTIONS: tuple[Convention, ...] = ("torchvision", "caffe")

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of B, G, R in 0 … 255; the Caffe models divide by nothing


class WeightsUnavailableError(RuntimeError):
    """The parameters asked for cannot be had on this machine; the message says what to do."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of VGG-19's convolutions, or of the first of them.

    Attributes:
        parameters: by torchvision's names, ``features.0.weight`` of shape (K, C, 3, 3) and ``features.0.bias``
            of shape (K,), float32, on the CPU.
        convention: the input they were made for: ``torchvision`` (RGB, ImageNet's mean and deviation) or
            ``caffe`` (BGR, 0–255, mean subtracted).
        self_taught: whether they were learned from pictures by `learn_weights`: the default then holds the
            content in a shallower layer.
    """

    parameters: dict[str, Tensor] = field(repr=False)
    convention: Convention = "torchvision"
    self_taught: bool = False

    def __post_init__(self) -> None:
        _checks.choice("convention", self.convention, CONVENTIONS)
        _checks.flag("self_taught", self.self_taught)
        _check_parameters(self.parameters, "parameters")

    @property
    def width(self) -> float:
        """The share of VGG-19's channels that the network has."""
        return len(self.parameters["features.0.bias"]) / convolutions()[0].out_channels

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to a file that `load_weights` reads again: ``.safetensors``, else ``.pth``.

        The file is a state dict with torchvision's names, and beside them a mark for each of Caffe's convention
        and self-taught filters, where they apply.
        """
        target = _checks.file_to_write("path", Path(path))
        parameters = {name: tensor.contiguous() for name, tensor in self.parameters.items()}
        marks = {_CAFFE_MARK: self.convention == "caffe", _SELF_TAUGHT_MARK: self.self_taught}
        parameters |= {name: torch.tensor(True, device="cpu") for name, applies in marks.items() if applies}
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            if target.suffix == ".safetensors":
                _safetensors().save_file(parameters, temporary)
            else:
                torch.save(parameters, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def load_weights(source: str | os.PathLike[str], *, convention: Convention | None = None) -> Weights:
    """Return ImageNet's weights, or those of a file.

    Args:
        source: ``"imagenet"`` for torchvision's `VGG19_Weights.IMAGENET1K_V1`, found in torch's cache or
            downloaded to it (548 MB, with torchvision's progress bar and hash check); or the path of a state
            dict, ``.safetensors`` or what `torch.save` wrote, named as torchvision does (``features.0.weight``)
            or as the Caffe conversions do (``conv1_1.weight``). Loaded without running code from the file.
        convention: the input the parameters were made for. None takes Caffe's for names like
            ``conv1_1.weight``, else torchvision's; the Caffe conversion that bears torchvision's names cannot
            be told from torchvision's own, so name ``"caffe"`` for it.

    Raises:
        WeightsUnavailableError: if ImageNet's weights are neither cached nor to be downloaded.
        FileNotFoundError: if there is no such file.
        ValueError: if it is no state dict of VGG-19.
    """
    if convention is not None:
        _checks.choice("convention", convention, CONVENTIONS)
    if not isinstance(source, str | os.PathLike):
        got, advice = type(source).__name__, "Give 'imagenet' or the path of a weight file."
        raise TypeError(_checks.message("weights", "be a name or a path", got, advice))
    if source == "imagenet":
        if convention is not None:
            advice = "Leave it out: torchvision's weights have torchvision's."
            raise ValueError(
                _checks.message("convention", "be left to weights that have one", convention, advice)
            )
        return Weights(_renamed(_imagenet(), "imagenet"))
    path = Path(source)
    if not path.is_file():
        names = ", ".join(repr(name) for name in NAMED_SOURCES)
        advice = f"Give one of {names}, or the path of a weight file."
        if source in MADE_HERE:
            advice = "Make these with learn_weights([image]) or random_weights()."
        raise FileNotFoundError(
            _checks.message("weights", "be a known name or an existing file", repr(str(source)), advice)
        )
    state = _read(path)
    caffe = "conv1_1.weight" in state or _CAFFE_MARK in state
    return Weights(
        _renamed(state, str(path)),
        convention or ("caffe" if caffe else "torchvision"),
        self_taught=_SELF_TAUGHT_MARK in state,
    )


def learn_weights(
    images: Sequence[Tensor], *, deepest: str = "relu5_1", width: float = 1.0, seed: int = 0
) -> Weights:
    """Return filters learned from pictures alone, in seconds, by the method of `neural_style.self_taught`.

    Args:
        images: one or more of shape (1, 3, H, W), RGB in [0, 1], at the size they will be used at.
        deepest: the name of the last layer to learn.
        width: 1, ½ or ¼ of VGG-19's channels. Narrower is faster, about with the square, and weaker.
        seed: same seed, same bits on the CPU.

    Raises:
        TypeError, ValueError: if a picture, the width or the seed breaks its rule.

    >>> picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> learn_weights([picture], deepest="relu2_1", width=0.25).width
    0.25
    """
    _check_pictures(images)
    generator = torch.Generator(device="cpu").manual_seed(_checks.seed(seed))
    statistics = torch.tensor([IMAGENET_MEAN, IMAGENET_STD], dtype=torch.float32, device="cpu")
    mean, std = statistics.view(2, 1, 3, 1, 1)
    normalised = [(image.detach() - mean.to(image)) / std.to(image) for image in images]
    blocks: dict[int, list[int]] = {}
    for layer in _down_to(deepest):
        blocks.setdefault(layer.stride, []).append(_scaled(layer.out_channels, width))
    with torch.no_grad():
        filters = learn_filters(normalised, list(blocks.values()), generator)
    return replace(_named([(weight.cpu(), bias.cpu()) for weight, bias in filters]), self_taught=True)


def random_weights(*, deepest: str = "relu5_4", width: float = 1.0, seed: int = 0) -> Weights:
    """Return orthogonal filters drawn at random, with zero bias: a baseline that knows colour and grain only.

    Args:
        deepest: as of `learn_weights`.
        width: as of `learn_weights`.
        seed: same seed, same bits on the CPU.

    >>> random_weights(width=0.25).parameters["features.2.weight"].shape
    torch.Size([16, 16, 3, 3])
    """
    generator = torch.Generator(device="cpu").manual_seed(_checks.seed(seed))
    filters = []
    for layer in _down_to(deepest):
        inputs = layer.in_channels if layer.index == 0 else _scaled(layer.in_channels, width)
        outputs = _scaled(layer.out_channels, width)
        weight = random_orthogonal(outputs, 9 * inputs, generator).reshape(outputs, inputs, 3, 3)
        filters.append((weight, torch.zeros(outputs, dtype=torch.float32, device="cpu")))
    return _named(filters)


def check_width(width: float) -> float:
    """Return the width where it is one of those offered.

    Raises:
        ValueError: if it is none of them.
    """
    if width not in WIDTHS:
        offered = ", ".join(f"{w:g}" for w in WIDTHS)
        raise ValueError(_checks.message("width", f"be one of {offered}", width, "Choose one of them."))
    return float(width)


def _down_to(deepest: str) -> list[Layer]:
    """Return the convolutions that a network up to a layer has."""
    [last] = check_layers("deepest", [deepest])
    return [layer for layer in convolutions() if layer.index <= layer_table()[last].index]


def _scaled(channels: int, width: float) -> int:
    """Return the number of channels of a layer in a network of that width."""
    return int(channels * check_width(width))


def _named(filters: Sequence[tuple[Tensor, Tensor]]) -> Weights:
    """Return filters in network order under torchvision's names."""
    parameters = {}
    for layer, (weight, bias) in zip(convolutions(), filters, strict=False):
        parameters[f"features.{layer.index}.weight"] = weight
        parameters[f"features.{layer.index}.bias"] = bias
    return Weights(parameters)


def imagenet_file() -> Path:
    """Return where torch's cache keeps ImageNet's weights, whether they are there or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(imagenet_url()).name


def imagenet_url() -> str:
    """Return where torchvision's VGG-19 weights are downloaded from."""
    return str(_torchvisions().url)


def _imagenet() -> Mapping[str, Tensor]:
    """Return torchvision's state dict from torch's cache, downloaded to it first where it is missing."""
    try:
        state: Mapping[str, Tensor] = _torchvisions().get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        advice = (
            f"Put that file of torchvision's at {imagenet_file()} (a damaged one has to be deleted first), "
            "name another weight file, or take weights='self-taught', which needs no download."
        )
        reason = f"'imagenet' ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'none'})"
        raise WeightsUnavailableError(
            _checks.message("weights", "be cached or possible to download", reason, advice)
        ) from error
    return state


def _torchvisions() -> VGG19_Weights:
    """Return torchvision's entry of ImageNet's weights. Only here is torchvision imported: it takes seconds."""
    from torchvision.models import VGG19_Weights

    return VGG19_Weights.IMAGENET1K_V1


def _read(path: Path) -> Mapping[str, Tensor]:
    """Return the state dict of a file."""
    try:
        if path.suffix == ".safetensors":
            state = _safetensors().load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # torch, pickle, zipfile and safetensors each raise kinds of their own
        raise ValueError(_bad_file(str(path), f"one that cannot be read ({type(error).__name__})")) from error
    if not isinstance(state, Mapping):
        raise ValueError(_bad_file(str(path), f"a {type(state).__name__}"))
    return state


def _renamed(state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Return the convolutions' parameters under torchvision's names, in float32.

    Raises:
        ValueError: if there is none, or one is no tensor of floats.
    """
    parameters: dict[str, Tensor] = {}
    for layer in convolutions():
        for kind in ("weight", "bias"):
            names = (f"features.{layer.index}.{kind}", f"{layer.name}.{kind}")
            name = next((name for name in names if name in state), None)
            if name is not None:
                value = state[name]
                if not isinstance(value, Tensor) or not value.is_floating_point():
                    raise ValueError(_bad_file(source, f"{name}, which is no tensor of floats"))
                parameters[names[0]] = value.detach().to("cpu", torch.float32)
    if not parameters:
        raise ValueError(_bad_file(source, "one without 'features.0.weight' or 'conv1_1.weight'"))
    _check_parameters(parameters, source)
    return parameters


def _check_parameters(parameters: Mapping[str, Tensor], source: str) -> None:
    """Check that parameters are those of VGG-19's first convolutions: no gap, matching shapes, finite.

    Raises:
        ValueError: if they are not.
    """
    present = [layer for layer in convolutions() if f"features.{layer.index}.weight" in parameters]
    channels = 3
    for layer, expected in zip(present, convolutions(), strict=False):
        if layer != expected:
            raise ValueError(_bad_file(source, f"{layer.name} without {expected.name}"))
        weight = parameters[f"features.{layer.index}.weight"]
        bias = parameters.get(f"features.{layer.index}.bias")
        shape = (weight.shape[0] if weight.ndim > 0 else 0, channels, 3, 3)
        if tuple(weight.shape) != shape or shape[0] == 0:
            got = f"features.{layer.index}.weight of shape {tuple(weight.shape)} after {channels} channels"
            raise ValueError(_bad_file(source, got))
        if bias is None or tuple(bias.shape) != shape[:1]:
            got = "none" if bias is None else f"one of shape {tuple(bias.shape)}"
            raise ValueError(_bad_file(source, f"{got} for features.{layer.index}.bias"))
        if not bool(torch.isfinite(weight).all() & torch.isfinite(bias).all()):
            raise ValueError(_bad_file(source, f"NaN or infinity in {layer.name}"))
        channels = shape[0]
    if not present:
        raise ValueError(_bad_file(source, "none"))


def _check_pictures(images: Sequence[Tensor]) -> None:
    """Check the pictures to learn from.

    Raises:
        TypeError, ValueError: if there is none, or one is no float tensor (1, 3, H, W) in [0, 1].
    """
    if isinstance(images, Tensor) or not isinstance(images, Sequence) or not images:
        got = type(images).__name__ if not isinstance(images, Sequence) else "none"
        raise TypeError(_checks.message("images", "be a list of tensors", got, "Write [image]."))
    for image in images:
        if not isinstance(image, Tensor) or not image.is_floating_point():
            got = f"a tensor of {image.dtype}" if isinstance(image, Tensor) else type(image).__name__
            advice = "Read files with load_image, and scale 8-bit images to [0, 1]."
            raise TypeError(_checks.message("images", "be tensors of floats", got, advice))
        if image.ndim != 4 or tuple(image.shape[:2]) != (1, 3):
            advice = "Add a batch dimension with unsqueeze(0)."
            raise ValueError(_checks.message("images", "have shape (1, 3, H, W)", tuple(image.shape), advice))
        _checks.image_values("images", image)


def _bad_file(source: str, got: str) -> str:
    """Return the message for a file that is no state dict of VGG-19."""
    advice = "Give a file that torch.save or safetensors wrote from such a network."
    name = "parameters" if source == "parameters" else f"weights file {source}"
    return _checks.message(name, "be a state dict of VGG-19", got, advice)


def _safetensors() -> ModuleType:
    """Return the module that reads and writes ``.safetensors``.

    Raises:
        ImportError: if it is not installed, with how to install it.
    """
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError(
            "weights in .safetensors must be read by the package safetensors; got none installed. "
            "Install it with: pip install 'neural-style[safetensors]'"
        ) from error
    return safetensors.torch
