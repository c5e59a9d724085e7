"""How far a picture's patches are from a painting's, at every scale.

Reference:
    Karras, Aila, Laine & Lehtinen, "Progressive Growing of GANs" (ICLR 2018), section 5, for the sliced
    Wasserstein distance of a Laplacian pyramid's patches; Burt & Adelson, "The Laplacian Pyramid as a Compact
    Image Code" (1983).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import SMALLEST, library, picture
from neural_style.metrics.transport import random_directions, squared_wasserstein

PATCH = 7  # pixels: side of the patches
FAINTEST = 1e-6  # deviation of a style's values, up to which it is of one colour
DIRECTIONS = 64  # lines that the patches are projected on, at each level


def style_distance(image: ImageSource, style: ImageSource, *, seed: int = 0) -> float:
    """Return how differently the patches of two pictures are distributed, relative to the style's own size.

    Each picture becomes a Laplacian pyramid of 1 + ⌊log₂ (s / 32)⌋ levels, where s is the shortest side of the
    two in pixels: one up to 63, two from 64 on. A level's patches of 7×7×3 values, one around every pixel that
    has a whole one, are projected on 64 unit vectors at random. With F⁻¹ and G⁻¹ the quantile functions of the
    projections, of the picture and of the style, a level's distance is

        √( mean over the vectors of ∫ (F⁻¹ − G⁻¹)² dt  /  mean over the vectors of ∫ (G⁻¹)² dt )

    and the result is the mean over the levels. It is 0 for the style itself and for one whose patches are only
    arranged differently, and 1 for a picture of one colour; larger is farther. It is not symmetric.

    Where Karras et al. divide each picture's values by their own deviation, both are left as they are here:
    fainter strokes are another style. Mean colours do not count, which is `color_distance`'s matter.

    Args:
        image: the picture, of any kind that `load_image` takes.
        style: the painting, at the size at which its strokes are wanted.
        seed: of the unit vectors.

    Raises:
        ImportError: if scikit-image is not installed.
        OSError, TypeError, ValueError: if a picture is invalid, or has a side of less than 32 pixels.

    >>> picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> round(style_distance(0.5 * picture, picture), 3)
    0.5
    """
    lines = random_directions(3 * PATCH**2, DIRECTIONS, _checks.seed(seed)).float().view(-1, 3, PATCH, PATCH)
    distances = []
    for bands in laplacian_bands(image, style, "style_distance"):
        own, wanted = (F.conv2d(band, lines)[0].flatten(1) for band in bands)  # (64, M), (64, M')
        size = wanted.double().square().mean()
        distances.append((squared_wasserstein(own, wanted).mean() / size).sqrt().item())
    return sum(distances) / len(distances)


def laplacian_bands(image: ImageSource, style: ImageSource, measure: str) -> Iterator[tuple[Tensor, ...]]:
    """Yield the levels of two pictures' Laplacian pyramids, from the finest: (1, 3, h, w) and (1, 3, h', w').

    A level is a picture less itself smoothed; the next is of the smoothed picture at half the size. There are
    1 + ⌊log₂ (s / 32)⌋, where s is the shortest side of the two. They are float32, on the CPU.

    Args:
        image: the picture that is measured.
        style: the painting.
        measure: whose name the message of a missing library gives.

    Raises:
        ImportError: if scikit-image is not installed.
        OSError, TypeError, ValueError: if a picture is invalid.
    """
    images = picture("image", image), picture("style", style)
    if images[1].std((-2, -1)).max().item() < FAINTEST:
        advice = "The distance is relative to the style's contrast."
        raise ValueError(_checks.message("style", "have more than one colour", "one", advice))
    transform = library("skimage.transform", measure)
    levels = (min(side for pixels in images for side in pixels.shape[-2:]) // SMALLEST).bit_length()
    pyramids = [
        transform.pyramid_laplacian(pixels[0].cpu().numpy(), max_layer=levels - 1, channel_axis=0)
        for pixels in images
    ]
    for bands in zip(*pyramids, strict=True):
        yield tuple(torch.from_numpy(band).float().unsqueeze(0) for band in bands)
