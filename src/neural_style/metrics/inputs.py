"""What a measure takes: pictures that are large enough, and libraries that may be missing."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import luma

SMALLEST = 32  # pixels: sides of the smallest picture that is measured


def check_picture(argument: str, image: Tensor, smallest: int = SMALLEST) -> None:
    """Check that an image is a picture (1, 3, H, W) in [0, 1] with sides of at least `smallest` pixels.

    Raises:
        TypeError, ValueError: if it is not.
    """
    _checks.image_tensor(argument, image)
    if min(image.shape[-2:]) < smallest:
        rule, size = f"have sides of at least {smallest} pixels", f"{image.shape[-2]}×{image.shape[-1]}"
        raise ValueError(_checks.message(argument, rule, size, "Measure a larger one."))
    _checks.image_values(argument, image)


def check_alike(image: Tensor, content: Tensor) -> None:
    """Check that two images are pictures of the same shape.

    Raises:
        TypeError, ValueError: if they are not.
    """
    check_picture("image", image)
    check_picture("content", content)
    if image.shape != content.shape:
        rule = f"have the image's shape {tuple(image.shape)}"
        raise ValueError(_checks.message("content", rule, tuple(content.shape), "Resize one of them."))


def single(image: Tensor) -> Tensor:
    """Return a picture in float32 at least: half precision is too coarse for measures, and has no transform."""
    return image.to(torch.promote_types(image.dtype, torch.float32))


def luminance(image: Tensor) -> Tensor:
    """Return the luminance of a picture, (1, 1, H, W), in float32 at least."""
    return luma(single(image))


def library(name: str, measure: str) -> Any:
    """Return the module of a library that is installed by `neural-style-gatys[metrics]`.

    Args:
        name: of the module, such as `skimage.color`.
        measure: which measure needs it.

    Raises:
        ImportError: if it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        text = f"{measure} needs {name}: pip install 'neural-style-gatys[metrics]'"
        raise ImportError(text) from error
