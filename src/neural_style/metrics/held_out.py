"""How far a picture's features are from a painting's in a network that no picture is optimised against."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import ImageSource
from neural_style.losses.other_statistics import wasserstein_loss
from neural_style.losses.sums import Moments
from neural_style.metrics.style import laplacian_bands

KERNELS = (5, 7)  # pixels: sides of the filters, layer by layer; VGG-19 has 3 throughout
CHANNELS = (48, 64)  # filters, layer by layer


def held_out_style_distance(image: ImageSource, style: ImageSource, *, seed: int = 0) -> float:
    """Return how differently two pictures' random features are distributed, relative to the style's own size.

    Two layers of random filters, 48 of 5×5×3 and 64 of 7×7×48, each followed by a rectifier and the first by an
    average over 2×2 pixels, look at each level of the pictures' Laplacian pyramids, of which there are 1 +
    ⌊log₂ (s / 32)⌋, where s is the shortest side of the two in pixels. A layer's filters are orthonormal, and
    sum to 0 over each input channel. With µ, Σ and µ', Σ' mean and covariance of a layer's responses to picture
    and style, its distance is

        √( (‖µ − µ'‖² + tr(Σ + Σ' − 2 (Σ'^½ Σ Σ'^½)^½)) / (‖µ'‖² + tr Σ') )

    and the result is the mean over layers and levels. It is 0 for the style itself and 1 for a picture of one
    colour; larger is farther. It is not symmetric.

    No picture is made with this network, so that a picture cannot fit its flaws, as it can those of the network
    that it was optimised against.

    Args:
        image: the picture, of any kind that `load_image` takes.
        style: the painting, at the size at which its strokes are wanted.
        seed: of the filters; the number depends on it.

    Raises:
        ImportError: if scikit-image is not installed.
        OSError, TypeError, ValueError: if a picture is invalid, or has a side of less than 32 pixels.

    >>> picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    >>> round(held_out_style_distance(0.5 * picture, picture), 3)
    0.5
    """
    filters = random_filters(_checks.seed(seed))
    distances = []
    for bands in laplacian_bands(image, style, "held_out_style_distance"):
        for own, wanted in zip(*(responses(band, filters) for band in bands), strict=True):
            loss = wasserstein_loss(Moments.of(own.double()), Moments.of(wanted.double()))
            distances.append(loss.sqrt().item())
    return sum(distances) / len(distances)


def responses(image: Tensor, filters: list[Tensor]) -> Iterator[Tensor]:
    """Yield the rectified responses of each layer to a picture or a band of it, (1, C, h, w)."""
    for number, layer in enumerate(filters):
        image = F.relu(F.conv2d(image if number == 0 else F.avg_pool2d(image, 2), layer))
        yield image


def random_filters(seed: int) -> list[Tensor]:
    """Return each layer's filters, (C, C', k, k) in float32: orthonormal, summing to 0 over each channel."""
    generator = torch.Generator().manual_seed(seed)
    filters, inputs = [], 3
    for side, outputs in zip(KERNELS, CHANNELS, strict=True):
        normal = torch.randn(outputs, inputs, side**2, generator=generator, dtype=torch.float64, device="cpu")
        centred = (normal - normal.mean(2, keepdim=True)).flatten(1)
        filters.append(torch.linalg.qr(centred.T).Q.T.reshape(outputs, inputs, side, side).float())
        inputs = outputs
    return filters
