"""Where the optimisation starts: the content, the style, noise, or a picture of the caller's."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.image_io import ImageSource, to_image_tensor
from neural_style.resizing import resize

INITS = ("content", "style", "noise")


def starting_picture(
    init: str | ImageSource, content: Tensor, style: Tensor, size: tuple[int, int], seed: int
) -> Tensor:
    """Return the picture that the first level starts from, shape (1, 3, H, W), on the content's device.

    Args:
        init: one of `INITS`, or a picture.
        content: shape (1, 3, H', W').
        style: shape (1, 3, H'', W'').
        size: (height, width) of the first level.
        seed: of the noise, which is white: uniform in [0, 1] and independent from pixel to pixel.

    Raises:
        FileNotFoundError: if it is neither a known name nor a picture's.
    """
    if isinstance(init, str) and init not in INITS and not Path(init).exists():
        names = ", ".join(repr(name) for name in INITS)
        rule = f"be one of {names}, an existing file or a picture"
        message = _checks.message("init", rule, repr(init), _checks.did_you_mean(init, INITS))
        raise FileNotFoundError(message)
    if not (isinstance(init, str) and init in INITS):
        return resize(to_image_tensor(init, "init").to(content.device), size)
    if init == "content":
        return resize(content, size)
    if init == "style":
        return covering(style, size)
    generator = torch.Generator(device="cpu").manual_seed(seed)
    noise = torch.rand((1, 3, *size), generator=generator, device="cpu", dtype=torch.float32)
    return noise.to(content.device)


def covering(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the middle of a picture (1, 3, H, W) scaled so that it just covers the size."""
    height, width = image.shape[-2:]
    ratio = max(size[0] / height, size[1] / width)
    scaled = resize(image, (max(size[0], round(height * ratio)), max(size[1], round(width * ratio))))
    top, left = (scaled.shape[-2] - size[0]) // 2, (scaled.shape[-1] - size[1]) // 2
    return scaled[..., top : top + size[0], left : left + size[1]]
