"""Masks: which part of a picture something applies to, as a weight in [0, 1] for every pixel."""

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.images.color import luma
from neural_style.images.io import ImageSource, read, to_image_tensor
from neural_style.images.resizing import SPARE, fit_within, resize, size_of

COLORED = 0.15  # a pixel whose channels differ by more than this is not grey
MOSTLY_GREY = 0.01  # the largest share of such pixels in a grey picture
FAINTEST = 0.02  # of white: a mask that nowhere reaches it is rather one of 0 and 1 in 8 bits
MAX_ASPECT_ERROR = 0.02  # how much a mask's aspect may differ from its picture's, relative to it

FILTERED = 512  # pixels: longer side at which the guided filter finds its coefficients
SOFTNESS = 1 / 64  # of the longer side: half the width in which an edge is looked for
EDGE = 0.01  # deviation of the luma, in [0, 1], that counts as an edge

SMALLEST_REGION = 0.002  # of a map's pixels: colours on fewer are an edge's, and go to the nearest region
ALIKE = 0.1  # the largest distance, in RGB from 0 to 1, of two colours that count as one


def to_mask(
    source: ImageSource, argument: str, picture: Tensor, full_size: tuple[int, int] | None = None
) -> Tensor:
    """Return a mask for a picture, shape (1, 1, H, W) of its size, in [0, 1], on its device.

    A mask of another size, but of the picture's aspect, is resized, with a `UserWarning`.

    Args:
        source: a grey picture, white where the mask applies, as a path, a `PIL.Image` or a uint8 array; or an
            array or tensor (H, W), (1, H, W) or (1, 1, H, W) of floats in [0, 1] or bools.
        argument: what messages call it.
        picture: shape (1, 3, H, W).
        full_size: (height, width) of the picture before it was reduced; None if it was not.

    Raises:
        TypeError, ValueError, OSError: if it is no mask, of another aspect, or 0 or nearly 0 throughout.
    """
    height, width = size_of(picture)
    # No more than the picture itself is kept of a larger mask.
    mask, own = _mask_values(source, argument, (-(-height // SPARE), -(-width // SPARE)))
    mask = mask.to(picture.device)
    most = mask.amax().item()
    if not most > 0:
        raise ValueError(_checks.message(argument, "be more than 0 somewhere", "0 throughout", "Leave it out."))
    if most < FAINTEST:
        rule, advice = f"be {FAINTEST:g} of white somewhere", "In 8 bits white is 255; or give bools."
        raise ValueError(_checks.message(argument, rule, f"at most {most:.2g}", advice))
    size = full_size or size_of(picture)
    if own != size:
        aspect = own[0] / own[1] * size[1] / size[0]
        wanted = f"{size[0]}×{size[1]} (height×width)"
        if abs(aspect - 1) > MAX_ASPECT_ERROR + 0.5 / min(*own, *size):
            rule, got = f"have its picture's aspect, {wanted}", f"{own[0]}×{own[1]}"
            raise ValueError(_checks.message(argument, rule, got, "Draw it over the picture."))
        _checks.warn(f"{argument} has {own[0]}×{own[1]} pixels and its picture {wanted}: it is resized.")
    return resize(mask, size_of(picture))


def along_edges(mask: Tensor, picture: Tensor) -> Tensor:
    """Return a mask whose border follows the edges of a picture, and is soft where there are none.

    This is a guided filter of the mask p by the picture's luma I, q = ā I + b̄ with a = cov(I, p) / (var(I) +
    ε²) and b = p̄ − a Ī, where the means are over windows; a and b are computed at a reduced size. The result
    is cut off at 0 and 1. The results for two masks that sum to 1 sum to 1 too.

    Args:
        mask: shape (1, 1, H, W), float32, in [0, 1].
        picture: shape (1, 3, H, W), float32, in [0, 1].

    Reference:
        He, Sun & Tang, "Guided Image Filtering" (ECCV 2010); He & Sun, "Fast Guided Filter" (2015).
    """
    size = size_of(mask)
    small = fit_within(size, FILTERED) if max(size) > FILTERED else size
    radius = max(1, round(max(small) * SOFTNESS))

    def mean(plane: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(plane, (radius,) * 4, mode="replicate"), 2 * radius + 1, stride=1)

    guide = luma(picture)
    i, p = resize(guide, small), resize(mask, small)
    mean_i, mean_p = mean(i), mean(p)
    variance, covariance = mean(i * i) - mean_i**2, mean(i * p) - mean_i * mean_p
    slope = covariance / (variance + EDGE**2)
    intercept = mean_p - slope * mean_i
    slope, intercept = (resize(mean(plane), size, clamp=False) for plane in (slope, intercept))
    return (slope * guide + intercept).clamp(0, 1)


def union(masks: Iterable[Tensor | None]) -> Tensor | None:
    """Return the sum of distinct masks, cut off at 1: where any of them applies; None is everywhere."""
    distinct = {id(mask): mask for mask in masks}
    inside = [mask for mask in distinct.values() if mask is not None]
    return torch.stack(inside).sum(0).clamp(max=1) if len(inside) == len(distinct) > 0 else None


def color_regions(source: ImageSource, argument: str = "map") -> list[tuple[Tensor, Tensor]]:
    """Return the colours of a map and the mask of each: shapes (3,) and (1, 1, H, W), most pixels first.

    Colours of few pixels, such as those that smoothing leaves along edges, count as the nearest of the others.

    Args:
        source: a path, a `PIL.Image`, an array or a tensor, see `StyleTransfer.run`.
        argument: what messages call it.

    Raises:
        TypeError, ValueError, OSError: see `images.io.to_image_tensor`.

    >>> halves = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 3, 2, 4)
    >>> [region[0, 0, 0].tolist() for _, region in color_regions(halves)]
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    """
    picture = to_image_tensor(source, argument).cpu()
    pixels = picture[0].flatten(1).T  # (M, 3)
    places = torch.tensor([65536, 256, 1], device="cpu")
    packed = (pixels * 255).round().long() @ places  # one number each sorts much faster
    codes, counts = torch.unique(packed, return_counts=True)
    colors = torch.stack([codes // 65536, codes // 256 % 256, codes % 256], dim=1)
    order = torch.argsort(counts, descending=True, stable=True)
    large = order[counts[order] >= SMALLEST_REGION * len(pixels)]
    kept: list[Tensor] = []
    for color in colors[large if len(large) > 0 else order[:1]].float() / 255:
        if all((color - other).norm() > ALIKE for other in kept):
            kept.append(color)
    colors = torch.stack(kept)  # (R, 3)
    nearest = torch.cdist(pixels, colors).argmin(1).view(1, 1, *size_of(picture))
    return [(color, (nearest == number).float()) for number, color in enumerate(colors)]


def _mask_values(source: ImageSource, argument: str, enough: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Return the values of a mask, shape (1, 1, H, W), float32, and the (height, width) it came with.

    Args:
        source: see `to_mask`.
        argument: what messages call it.
        enough: (height, width) that suffices.
    """
    if isinstance(source, np.ndarray) and (source.dtype == np.bool_ or source.dtype.kind == "f"):
        source = torch.from_numpy(source.astype(np.bool_ if source.dtype == np.bool_ else np.float32))
    if isinstance(source, Tensor):
        if source.ndim not in (2, 3, 4) or any(side != 1 for side in source.shape[:-2]):
            rule, advice = "have shape (H, W), (1, H, W) or (1, 1, H, W)", "Give one mask of one channel."
            raise ValueError(_checks.message(argument, rule, tuple(source.shape), advice))
        if not (source.is_floating_point() or source.dtype == torch.bool):
            advice = "Convert an 8-bit one with .float() / 255."
            raise TypeError(_checks.message(argument, "be a tensor of floats or bools", source.dtype, advice))
        values = source.detach().float().reshape(1, 1, *source.shape[-2:])
        _checks.image_values(argument, values)
        return values.clone(), size_of(values)
    picture, own = read(source, argument, lambda _own: enough)
    colored = (picture.amax(1) - picture.amin(1) > COLORED).float().mean()
    if colored > MOSTLY_GREY:
        advice = "Give a mask for each style; or, on the command line, maps in colours with --style-maps."
        raise ValueError(_checks.message(argument, "be a grey picture", "one in colours", advice))
    if picture.amin() > 1 - 0.5 / 255:  # reducing rounds
        _checks.warn(
            f"{argument} is white throughout (transparent parts count as white): it applies everywhere."
        )
    return picture.mean(1, keepdim=True), own
