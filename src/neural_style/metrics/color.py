"""How far a picture's colours are from a painting's."""

from __future__ import annotations

import torch

from neural_style.images.io import ImageSource
from neural_style.metrics.inputs import library, picture
from neural_style.metrics.transport import random_directions, squared_wasserstein

BASES = 16  # orthonormal bases that the colours are projected on
SEED = 0  # of the bases


def color_distance(image: ImageSource, style: ImageSource) -> float:
    """Return how far two pictures' colours are apart as distributions, in CIELAB's ΔE; larger is farther.

    √(mean over 16 random orthonormal bases of Σₖ ∫ (Fₖ⁻¹ − Gₖ⁻¹)² dt), with Fₖ⁻¹ and Gₖ⁻¹ the quantile
    functions of the pixels' colours along the basis's k-th vector: the sliced 2-Wasserstein distance times √3.
    If all colours are shifted by (ΔL, Δa, Δb), it is √(ΔL² + Δa² + Δb²); otherwise it is at most the root of
    the mean square of how far colours have to move. About 2 is a difference that one just sees side by side.
    Where in the picture a colour is does not count.

    Args:
        image: the picture, of any kind that `load_image` takes.
        style: the painting.

    Raises:
        ImportError: if scikit-image is not installed.
        OSError, TypeError, ValueError: if a picture is invalid.

    >>> round(color_distance(torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)), 2)
    100.0
    """
    image, style = picture("image", image), picture("style", style)
    rgb2lab = library("skimage.color", "color_distance").rgb2lab
    lines = random_directions(3, 3 * BASES, SEED)
    own, wanted = (
        lines @ torch.from_numpy(rgb2lab(pixels[0].cpu().double().numpy(), channel_axis=0)).flatten(1)
        for pixels in (image, style)
    )
    return (squared_wasserstein(own, wanted).sum() / BASES).sqrt().item()
