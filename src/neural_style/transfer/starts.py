"""Where the optimisation starts: the content, the style, noise, a mix of them, or a picture of the caller's."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import TypeGuard

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import Colors
from neural_style.images.io import ImageSource, to_image_tensor
from neural_style.images.resizing import resize

NOISE = 0.02  # deviation of white noise around mid-grey: what is louder stays in the result as speckle
MAX_ASPECT_ERROR = 0.05  # a picture whose aspect differs by more is cut, not stretched
INITS = ("content", "style", "noise", "colored-noise")

InitSource = str | Mapping[str, float] | ImageSource


def starting_picture(
    init: InitSource,
    content: Tensor,
    style: Tensor,
    size: tuple[int, int],
    seed: int,
    colors: Callable[[], Colors] | None = None,
) -> Tensor:
    """Return the picture that the first level starts from, shape (1, 3, H, W), on the content's device.

    Args:
        init: what `check_init` lets pass: one of `INITS`, weights of several by name, or a picture, whose
            middle is taken where its aspect is another.
        content: shape (1, 3, H', W').
        style: shape (1, 3, H'', W'').
        size: (height, width) of the first level.
        colors: returns those of coloured noise; None for the style's.
        seed: of the noise, which is normal and independent from pixel to pixel. ``"noise"`` is faint: of mean
            ½ and deviation `NOISE` in every channel; ``"colored-noise"`` has the mean and covariance of the
            style's colours, cut off at 0 and 1.

    Raises:
        OSError, TypeError, ValueError: if a picture is invalid, see `to_image_tensor`.
    """
    if isinstance(init, Mapping):
        whole, noises = sum(init.values()), [name for name in init if name.endswith("noise")]
        parts = []
        for name, weight in init.items():  # two kinds of noise are independent
            own_seed = seed + noises.index(name) if name in noises else seed
            parts.append(weight / whole * starting_picture(name, content, style, size, own_seed, colors))
        return reduce(add, parts)
    if not (isinstance(init, str) and init in INITS):
        given = to_image_tensor(init, "init").to(content.device)
        ratio = given.shape[-2] / given.shape[-1] * size[1] / size[0]
        return resize(given, size) if abs(ratio - 1) <= MAX_ASPECT_ERROR else covering(given, size)
    if init == "content":
        return resize(content, size)
    if init == "style":
        return covering(style, size)
    generator = torch.Generator(device="cpu").manual_seed(seed)
    normal = torch.randn((1, 3, *size), generator=generator, device="cpu", dtype=torch.float32)
    if init == "colored-noise":
        wanted = Colors.of(style) if colors is None else colors()
        values, axes = torch.linalg.eigh(wanted.covariance)
        spread = (axes * values.clamp(min=0).sqrt()).float()  # (3, 3), of which spread · spreadᵀ is Σ
        noise = torch.einsum("ij,bjhw->bihw", spread, normal) + wanted.mean.float().view(1, 3, 1, 1)
        return noise.clamp(0, 1).to(content.device)
    return (0.5 + NOISE * normal).to(content.device)


def check_init(init: InitSource | None) -> None:
    """Check that a start is one of these: a name, weights of several by name, an existing file, or a picture.

    None is the preset's.

    Raises:
        FileNotFoundError, TypeError, ValueError: if it is none.
    """
    rule = f"be one of {', '.join(map(repr, INITS))}, weights of several by name, an existing file or a picture"
    if isinstance(init, Mapping):
        for name in init:
            _checks.choice("init", name, INITS)
        _checks.weights("init", init)
    elif isinstance(init, str):
        if init not in INITS and not Path(init).exists():
            advice = _checks.did_you_mean(init, INITS)
            raise FileNotFoundError(_checks.message("init", rule, repr(init), advice))
    elif isinstance(init, Sequence | float | int):
        raise TypeError(_checks.message("init", rule, repr(init), "Write {'content': 0.7, 'noise': 0.3}."))


def is_picture(init: InitSource | None) -> TypeGuard[ImageSource]:
    """Return whether a start is a picture of the caller's, rather than named."""
    return not (init is None or isinstance(init, Mapping) or (isinstance(init, str) and init in INITS))


def is_noise(init: InitSource) -> bool:
    """Return whether a start is noise only."""
    names = [name for name, weight in init.items() if weight > 0] if isinstance(init, Mapping) else [init]
    return all(isinstance(name, str) and name in ("noise", "colored-noise") for name in names)


def covering(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the middle of a picture (1, 3, H, W) scaled so that it just covers the size."""
    height, width = image.shape[-2:]
    ratio = max(size[0] / height, size[1] / width)
    scaled = resize(image, (max(size[0], round(height * ratio)), max(size[1], round(width * ratio))))
    top, left = (scaled.shape[-2] - size[0]) // 2, (scaled.shape[-1] - size[1]) // 2
    return scaled[..., top : top + size[0], left : left + size[1]]
