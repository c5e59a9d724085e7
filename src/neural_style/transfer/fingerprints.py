"""What a run is made of, in short texts: over ranks, each has to be the same on all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from neural_style.network.features import VGG19Features
from neural_style.transfer.inputs import Inputs
from neural_style.transfer.levels import Level


def fingerprints(
    inputs: Inputs,
    start: Tensor,
    levels: Sequence[Level],
    network: VGG19Features,
    choices: Mapping[str, object],
) -> dict[str, object]:
    """Return a text for each part of a run, by name: two processes have the same where the part is the same."""
    images = {"content": inputs.original}  # recoloured, it would differ where a style does
    for number, style in enumerate(inputs.styles):
        parts = {"": style.image, " mask": style.mask, " region": style.region}
        called = "style" if len(inputs.styles) == 1 else f"style {number + 1}"
        images |= {f"{called}{name}": part for name, part in parts.items() if part is not None}
    images["the start"] = start
    numbers = [(style.weight, style.scale, sorted(style.layers or ())) for style in inputs.styles]
    return {
        **{name: str(choice) for name, choice in choices.items()},
        "size and iterations": str([(level.size, level.iterations) for level in levels]),
        "weights, scales and layers of styles": str(numbers),
        **{name: _fingerprint(image) for name, image in images.items()},
        "precision": str(network.dtype),
        "the weights": " ".join(_fingerprint(values) for values in network.parameters()),
    }


def _fingerprint(values: Tensor) -> str:
    """Return a text that two tensors share where they are the same."""
    sizes = "×".join(str(side) for side in values.shape[-2:])
    content = values.detach().cpu().contiguous().view(torch.uint8).numpy()  # bytes: of any dtype
    return f"{sizes}, {hashlib.sha256(content.data).hexdigest()[:16]}"
