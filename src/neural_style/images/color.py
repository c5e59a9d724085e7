"""Colours: giving one picture the colours of another, or keeping its own.

All of this works on sRGB's values as they are encoded: on RGB itself where all colours are mapped, and on luma
Y' (BT.601's weights) and the differences R − Y', G − Y', B − Y' where luminance and chroma are treated
separately.

Reference:
    Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer" (2016); Pitié &
    Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer" (CVMP
    2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

COLORS = ("style", "content", "match")
LUMA = (0.299, 0.587, 0.114)  # of R, G, B: BT.601

_NOISE = 1e-3  # added to every variance by match_colors: a grey picture has no colours that a map could spread
_FLOOR = 1e-4  # of the largest variance along an axis: recolored spreads smaller ones no further


@dataclass(frozen=True)
class Colors:
    """The mean and the covariance of a picture's colours; float64, on the CPU.

    Attributes:
        mean: of RGB, shape (3, 1).
        covariance: of RGB, divided by the number of pixels, shape (3, 3).
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, image: Tensor, mask: Tensor | None = None) -> Self:
        """Return the colours of a picture (1, 3, H, W), RGB; a mask (1, 1, H, W) weighs its pixels."""
        mean, covariance = _mean_and_covariance(image, mask)
        return cls(mean.cpu().double(), covariance.cpu().double())  # in this order: MPS has no float64

    @classmethod
    def mixed(cls, parts: Sequence[Self], weights: Sequence[float]) -> Self:
        """Return the colours of a picture that consists of several, in proportion to their weights."""
        shares = [weight / sum(weights) for weight in weights]
        mean = torch.stack([share * part.mean for share, part in zip(shares, parts, strict=True)]).sum(0)
        spreads = [
            share * (part.covariance + (part.mean - mean) @ (part.mean - mean).T)
            for share, part in zip(shares, parts, strict=True)
        ]
        return cls(mean, torch.stack(spreads).sum(0))


def match_colors(image: Tensor, target: Tensor | Colors, *, mask: Tensor | None = None) -> Tensor:
    """Return `image` with about the mean and covariance that RGB has in `target`, by a linear map.

    x ↦ T (x − µ) + µ', T = Σ^{-½} (Σ^{½} Σ' Σ^{½})^{½} Σ^{-½}, with µ, Σ the mean and covariance over the
    image's pixels and µ', Σ' over the target's, both covariances with 10⁻³ added to the diagonal. This is the
    map of Monge and Kantorovich: of all linear maps between the two it changes colours least, so that blue
    stays the bluest. Values that leave [0, 1] are cut off.

    Args:
        image: shape (1, 3, H, W), RGB in [0, 1].
        target: shape (1, 3, H', W'), RGB in [0, 1]; or its colours.
        mask: weights of the image's pixels in its mean and covariance, shape (1, 1, H, W); None counts all
            pixels alike.

    Returns:
        Tensor of the image's shape, in [0, 1], float32.

    >>> grey = torch.full((1, 3, 4, 4), 0.5)
    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    >>> match_colors(grey, red)[0, :, 0, 0]
    tensor([1., 0., 0.])
    """
    own, wanted = Colors.of(image, mask), target if isinstance(target, Colors) else Colors.of(target)
    noise = _NOISE * torch.eye(3, dtype=torch.float64, device="cpu")
    source, aim = (Colors(colors.mean, colors.covariance + noise) for colors in (own, wanted))
    return _mapped(image, source, aim).clamp(0, 1)


def recolored(image: Tensor, target: Tensor | Colors, *, mask: Tensor | None = None) -> Tensor:
    """Return `image` with exactly the mean and covariance that RGB has in `target`, by a linear map.

    The map is that of `match_colors`, without noise on the diagonals. Where the image's variance along an axis
    is less than 10⁻⁴ of its largest, it counts as that much: a grey picture has no colours to spread.

    Values may leave [0, 1] and are not cut off, which would change mean and covariance. A network reads them as
    they are.

    Args:
        image: shape (1, 3, H, W), RGB in [0, 1].
        target: shape (1, 3, H', W'), RGB in [0, 1]; or its colours.
        mask: weights of the image's pixels that are to have this mean and covariance, shape (1, 1, H, W); None
            counts all pixels alike.
    """
    own, wanted = Colors.of(image, mask), target if isinstance(target, Colors) else Colors.of(target)
    values, axes = torch.linalg.eigh(own.covariance)
    floor = max(_FLOOR * values[-1].item(), torch.finfo(torch.float32).eps)
    spread = Colors(own.mean, (axes * values.clamp(min=floor)) @ axes.T)
    return _mapped(image, spread, wanted)


def luma(image: Tensor) -> Tensor:
    """Return Y' = 0.299 R + 0.587 G + 0.114 B of a picture (1, 3, H, W), shape (1, 1, H, W)."""
    weights = torch.tensor(LUMA, dtype=image.dtype, device="cpu").to(image.device)
    return (image * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)


def grey(image: Tensor) -> Tensor:
    """Return a picture's luma as a picture of three equal channels, shape (1, 3, H, W)."""
    return luma(image).expand(-1, 3, -1, -1).contiguous()


def grey_like(
    image: Tensor, target: Tensor, *, mask: Tensor | None = None, region: Tensor | None = None
) -> Tensor:
    """Return a picture's luma with the mean and standard deviation of another's, as a grey picture.

    Values may leave [0, 1] and are not cut off.

    Args:
        image: shape (1, 3, H, W).
        target: shape (1, 3, H', W').
        mask: weights of the image's pixels, shape (1, 1, H, W); None counts all alike.
        region: weights of the target's pixels, shape (1, 1, H', W'); None counts all alike.
    """
    own_mean, own = _mean_and_covariance(luma(image), mask)
    mean, variance = _mean_and_covariance(luma(target), region)
    scale = variance.sqrt() / own.sqrt().clamp(min=_FLOOR)
    return ((luma(image) - own_mean) * scale + mean).expand(-1, 3, -1, -1).contiguous()


def with_chroma(image: Tensor, content: Tensor) -> Tensor:
    """Return a picture with Y' of one picture and R − Y', G − Y', B − Y' of another.

    The chroma is kept exactly. Where it and the luma would lead out of [0, 1], the nearest luma is taken that
    does not; there always is one: the photograph's own.

    Args:
        image: gives the luma, shape (1, 3, H, W).
        content: the photograph, which gives the chroma, shape (1, 3, H, W), in [0, 1].

    Returns:
        Tensor of that shape, in [0, 1].
    """
    chroma = content - luma(content)
    lowest, highest = -chroma.amin(1, keepdim=True), 1 - chroma.amax(1, keepdim=True)
    return (luma(image).maximum(lowest).minimum(highest) + chroma).clamp(0, 1)  # but for rounding it is inside


def symmetric_power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric positive semi-definite matrix; definite where the exponent is negative.

    Eigenvalues that rounding has made negative count as zero.

    >>> symmetric_power(torch.diag(torch.tensor([4.0, 9.0])), 0.5)
    tensor([[2., 0.],
            [0., 3.]])
    """
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = (vectors * values.clamp(min=0) ** exponent) @ vectors.T
    return power


def _mean_and_covariance(image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the mean, (C, 1), and covariance, (C, C), over pixels (1, C, H, W), weighted by a mask."""
    pixels = image[0].flatten(1)  # (C, M)
    if mask is None:
        return pixels.mean(1, keepdim=True), torch.cov(pixels, correction=0)
    weights = mask.flatten()  # (M,)
    mean = (pixels * weights).sum(1, keepdim=True) / weights.sum()
    return mean, torch.cov(pixels, correction=0, aweights=weights)


def _mapped(image: Tensor, own: Colors, wanted: Colors) -> Tensor:
    """Return a picture with its colours mapped to others by the map of `match_colors`, not cut off."""
    root, inverse = symmetric_power(own.covariance, 0.5), symmetric_power(own.covariance, -0.5)
    transform = inverse @ symmetric_power(root @ wanted.covariance @ root, 0.5) @ inverse  # (3, 3)
    shift = wanted.mean - transform @ own.mean  # (3, 1)
    pixels = image[0].flatten(1)  # (3, M)
    return (transform.float().to(pixels) @ pixels + shift.float().to(pixels)).reshape(image.shape)
