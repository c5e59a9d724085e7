"""How much of a picture is cut out of the painting."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import SMALLEST, library, picture

PATCH = 5  # pixels: side of the patches
TOLERANCE = 2 / 255  # root of the mean squared difference up to which patches are the same
FLAT = 0.03  # deviation up to which a patch is flat
AXES = 16  # of a patch's values, that the search looks at first
AT_ONCE = 512  # candidates that are compared at once
NEAREST = 8  # candidates that are compared first
SEARCHED = 16  # patches whose other candidates, up to all of the style's, are listed at once


def copy_rate(
    image: ImageSource, style: ImageSource, *, patch: int = PATCH, tolerance: float = TOLERANCE
) -> float:
    """Return the share of a picture's patches that stand verbatim somewhere in the style, 0 … 1.

    The patches lie side by side on the picture; each is compared with the style at every position, and is a
    copy if the root of the mean squared difference is at most `tolerance`. Flat patches do not count: one blue
    sky is like the next. A patch is flat if its values' deviation from its mean colour is at most 0.03. It is 1
    for the style itself and for any crop of it, and 0 if all patches are flat. The search is exact.

    Patches across a seam are no copies, so that smaller patches find more. Turned, mirrored, resized, blurred
    or recoloured copies do not count.

    Args:
        image: the picture, of any kind that `load_image` takes.
        style: the painting, at the size at which it would have been cut up.
        patch: side of the patches in pixels, from 2 to 32. Smaller ones find smaller pieces.
        tolerance: see above; 2/255 allows for rounding, not for another brush stroke.

    Raises:
        ImportError: if SciPy is not installed.
        OSError, TypeError, ValueError: if an argument is invalid.

    >>> picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> copy_rate(picture[..., 3:, 7:], picture)
    1.0
    """
    image, style = picture("image", image), picture("style", style)
    side = _checks.whole_number("patch", patch, minimum=2, maximum=SMALLEST)
    reach = _checks.number("tolerance", tolerance) * (3 * side**2) ** 0.5
    spatial = library("scipy.spatial", "copy_rate")
    own = _patches(image, side, side).reshape(-1, 3 * side**2).double()
    by_channel = own.view(len(own), 3, -1)
    deviations = (by_channel - by_channel.mean(2, keepdim=True)).square().mean((1, 2)).sqrt()
    own = own[deviations > FLAT]
    if len(own) == 0:
        return 0.0
    axes = torch.linalg.eigh(own.T @ own).eigenvectors[:, -AXES:]  # (3 side², AXES), orthonormal
    theirs = _patches(style, side, 1)
    short = torch.cat([rows.reshape(-1, len(axes)).double() @ axes for rows in theirs]).numpy()
    tree = spatial.cKDTree(short)
    points, radius = (own @ axes).numpy(), reach + 1e-6  # and what rounding may add
    nearest = tree.query(points, NEAREST, distance_upper_bound=radius)[1]  # (N, 8), tree.n where there is none
    copied = [
        _is_copy(one, theirs, places[places < tree.n], reach) for one, places in zip(own, nearest, strict=True)
    ]
    left = [n for n, places in enumerate(nearest) if not copied[n] and places[-1] < tree.n]  # there may be more
    for start in range(0, len(left), SEARCHED):
        chunk = left[start : start + SEARCHED]
        for number, places in zip(chunk, tree.query_ball_point(points[chunk], radius), strict=True):
            copied[number] = _is_copy(own[number], theirs, places, reach)
    return sum(copied) / len(copied)


def _patches(image: Tensor, side: int, step: int) -> Tensor:
    """Return a view of a picture's patches, a step apart, shape (h, w, 3, side, side), on the CPU."""
    return image[0].cpu().unfold(1, side, step).unfold(2, side, step).permute(1, 2, 0, 3, 4)


def _is_copy(one: Tensor, patches: Tensor, places: Any, reach: float) -> bool:
    """Return whether a patch (D,) is at most `reach` away from one of the patches at places."""
    width = patches.shape[1]
    for start in range(0, len(places), AT_ONCE):
        rows, columns = np.divmod(np.asarray(places[start : start + AT_ONCE]), width)
        near = patches[torch.from_numpy(rows), torch.from_numpy(columns)].reshape(-1, len(one)).double()
        if bool(((near - one).square().sum(1) <= reach**2).any()):
            return True
    return False
