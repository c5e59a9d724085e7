"""What a measure takes: pictures that are large enough, and libraries that may be missing."""

from __future__ import annotations

import importlib
from typing import Any

from torch import Tensor

from neural_style import _checks
from neural_style.images.io import ImageSource, to_image_tensor

SMALLEST = 32  # pixels: sides of the smallest picture that is measured


def picture(argument: str, source: ImageSource, smallest: int = SMALLEST) -> Tensor:
    """Return a picture as a tensor (1, 3, H, W), float32, if its sides have at least `smallest` pixels.

    Raises:
        OSError, TypeError, ValueError: see `to_image_tensor`, or if it is smaller.
    """
    image = to_image_tensor(source, argument)
    if min(image.shape[-2:]) < smallest:
        rule, size = f"have sides of at least {smallest} pixels", f"{image.shape[-2]}×{image.shape[-1]}"
        raise ValueError(_checks.message(argument, rule, size, "Measure a larger one."))
    return image


def pair(image: ImageSource, content: ImageSource, smallest: int = SMALLEST) -> tuple[Tensor, Tensor]:
    """Return two pictures as `picture` does, if they have the same size.

    Raises:
        OSError, TypeError, ValueError: see `picture`, or if they have not.
    """
    result, photograph = picture("image", image, smallest), picture("content", content, smallest)
    if result.shape != photograph.shape:
        (height, width), (other_height, other_width) = result.shape[-2:], photograph.shape[-2:]
        rule, got = f"have the image's size, {height}×{width} pixels", f"{other_height}×{other_width}"
        raise ValueError(_checks.message("content", rule, got, "Resize one of them."))
    return result, photograph


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
