"""Colours: giving one picture the colours of another, or keeping its own.

Two spaces are worked in, both of sRGB's values as they are encoded: RGB itself for maps of all colours, and
luma Y' with the differences R − Y', G − Y', B − Y' (BT.601's weights) where luminance and chroma go separate
ways.

Reference:
    Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer" (2016); Pitié &
    Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer" (CVMP
    2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neural_style import _checks

COLORS = ("style", "content", "match")
MAPS = ("monge-kantorovich", "cholesky", "pca", "symmetric")
LUMA = (0.299, 0.587, 0.114)  # of R, G, B: BT.601

_NOISE = 1e-3  # added to each variance: a grey picture has no colours that a map could spread
_FLOOR = 1e-4  # of the largest variance along an axis: a map spreads smaller ones no further


@dataclass(frozen=True)
class Colors:
    """Which colours a picture has, and how much they vary; float64, on the CPU.

    Attributes:
        mean: of RGB, shape (3, 1).
        covariance: of RGB, shape (3, 3).
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, image: Tensor, mask: Tensor | None = None) -> Colors:
        """Return those of a picture of shape (1, 3, H, W), or of the pixels that a mask (1, 1, H, W) weighs."""
        pixels = image[0].flatten(1)
        if mask is None:
            mean = pixels.mean(1, keepdim=True)
            centred = pixels - mean
            covariance = centred @ centred.T / pixels.shape[1]
        else:
            weights = mask.flatten(1) / mask.sum()  # (1, M)
            mean = (pixels * weights).sum(1, keepdim=True)
            centred = pixels - mean
            covariance = (centred * weights) @ centred.T
        return cls(mean.cpu().double(), covariance.cpu().double())  # in this order: MPS has no float64

    @classmethod
    def mixed(cls, parts: Sequence[Colors], weights: Sequence[float]) -> Colors:
        """Return those of a picture that has so much of each."""
        shares = [weight / sum(weights) for weight in weights]
        mean = torch.stack([share * part.mean for share, part in zip(shares, parts, strict=True)]).sum(0)
        spreads = [
            share * (part.covariance + (part.mean - mean) @ (part.mean - mean).T)
            for share, part in zip(shares, parts, strict=True)
        ]
        return cls(mean, torch.stack(spreads).sum(0))


def match_colors(image: Tensor, target: Tensor | Colors, *, mask: Tensor | None = None) -> Tensor:
    """Return `image` with the mean and covariance that RGB has in `target`, by the linear map that moves least.

    x ↦ T (x − µ) + µ', T = Σ^{-½} (Σ^{½} Σ' Σ^{½})^{½} Σ^{-½}, with µ, Σ the mean and covariance over the
    image's pixels and µ', Σ' over the target's, each covariance with 10⁻³ added to its diagonal. Of all linear
    maps between the two it changes colours least, so that blue stays the bluest. What leaves [0, 1] is cut off.

    Args:
        image: shape (1, 3, H, W), RGB in [0, 1].
        target: shape (1, 3, H', W'), RGB in [0, 1]; or its colours.
        mask: shape (1, 1, H, W): which of the image's pixels its mean and covariance are of; None for all.

    Returns:
        Tensor of the image's shape, in [0, 1], float32.

    >>> grey = torch.full((1, 3, 4, 4), 0.5)
    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    >>> match_colors(grey, red)[0, :, 0, 0]
    tensor([1., 0., 0.])
    """
    own, wanted = Colors.of(image, mask), target if isinstance(target, Colors) else Colors.of(target)
    noise = _NOISE * torch.eye(3, dtype=torch.float64, device="cpu")
    source, aim = (Colors(each.mean, each.covariance + noise) for each in (own, wanted))
    return _mapped(image, source, aim, "monge-kantorovich").clamp(0, 1)


def recolored(
    image: Tensor,
    target: Tensor | Colors,
    *,
    mapping: str = "monge-kantorovich",
    mask: Tensor | None = None,
) -> Tensor:
    """Return `image` with exactly the mean and covariance that RGB has in `target`, by a linear map.

    x ↦ T (x − µ) + µ', where T Σ Tᵀ = Σ'. Of the many such T one is Monge's and Kantorovich's, which moves
    colours least (see `match_colors`); one is L' L⁻¹ of the Cholesky factors; one is U' Λ'^½ Λ^-½ Uᵀ of the
    principal axes; one is Σ'^½ Σ^-½ of the symmetric square roots. Axes along which the image has less than
    10⁻⁴ of its largest variance count as having that: a grey picture has no colours to spread.

    Values may leave [0, 1] and are not cut off, which would change mean and covariance. A network reads them as
    they are.

    Args:
        image: shape (1, 3, H, W), RGB in [0, 1].
        target: shape (1, 3, H', W'), RGB in [0, 1]; or its colours.
        mapping: one of `MAPS`.
        mask: shape (1, 1, H, W): which of the image's pixels are to have them; None for all.

    Raises:
        ValueError: if `mapping` is unknown.
    """
    _checks.choice("mapping", mapping, MAPS)
    own, wanted = Colors.of(image, mask), target if isinstance(target, Colors) else Colors.of(target)
    values, axes = torch.linalg.eigh(own.covariance)
    floor = max(_FLOOR * values[-1].item(), torch.finfo(torch.float32).eps)
    spread = Colors(own.mean, (axes * values.clamp(min=floor)) @ axes.T)
    return _mapped(image, spread, wanted, mapping)


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
    """Return a picture's luma with the mean and deviation of another's, as a grey picture; not cut off.

    Args:
        image: shape (1, 3, H, W).
        target: shape (1, 3, H', W').
        mask: shape (1, 1, H, W): which of the image's pixels are to have them; None for all.
        region: shape (1, 1, H', W'): which of the target's pixels they are of; None for all.
    """
    (own_mean, own), (mean, deviation) = _luma_statistics(image, mask), _luma_statistics(target, region)
    matched = (luma(image) - own_mean) * (deviation / own.clamp(min=_FLOOR)) + mean
    return matched.expand(-1, 3, -1, -1).contiguous()


def with_chroma(image: Tensor, content: Tensor) -> Tensor:
    """Return a picture's luminance in a photograph's colours: Y' of one, R − Y', G − Y', B − Y' of the other.

    The chroma is kept as it is. Where a luma would take it out of [0, 1], the nearest that does not is taken,
    and there is one: the photograph's own.

    Args:
        image: shape (1, 3, H, W).
        content: shape (1, 3, H, W), in [0, 1].

    Returns:
        Tensor of that shape, in [0, 1].
    """
    chroma = content - luma(content)
    lowest, highest = -chroma.amin(1, keepdim=True), 1 - chroma.amax(1, keepdim=True)
    return (luma(image).maximum(lowest).minimum(highest) + chroma).clamp(0, 1)  # but for rounding it is inside


def _luma_statistics(image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the mean and deviation of a picture's luma, or of what a mask weighs of it."""
    values = luma(image)
    weights = torch.ones_like(values) if mask is None else mask
    mean = (weights * values).sum() / weights.sum()
    return mean, ((weights * (values - mean).square()).sum() / weights.sum()).sqrt()


def _mapped(image: Tensor, own: Colors, wanted: Colors, mapping: str) -> Tensor:
    """Return a picture's colours mapped from some to others, not cut off."""
    transform = _transform(own.covariance, wanted.covariance, mapping)
    shift = wanted.mean - transform @ own.mean  # (3, 1)
    pixels = image[0].flatten(1)  # (3, M)
    return (transform.float().to(pixels) @ pixels + shift.float().to(pixels)).reshape(image.shape)


def _transform(own: Tensor, wanted: Tensor, mapping: str) -> Tensor:
    """Return a T with T Σ Tᵀ = Σ', shape (3, 3)."""
    if mapping == "cholesky":
        tiny = torch.finfo(torch.float32).eps * torch.eye(3, dtype=own.dtype, device="cpu")
        factor, lower = torch.linalg.cholesky(own), torch.linalg.cholesky(wanted + tiny)
        solved: Tensor = torch.linalg.solve_triangular(factor, lower, upper=False, left=False)
        return solved
    if mapping == "pca":
        values, axes = torch.linalg.eigh(own)
        others, turned = torch.linalg.eigh(wanted)
        aligned = torch.where(
            (axes * turned).sum(0) < 0, -turned, turned
        )  # an axis has no direction of its own
        turning: Tensor = (aligned * (others.clamp(min=0) / values).sqrt()) @ axes.T
        return turning
    root, inverse = _power(own, 0.5), _power(own, -0.5)
    if mapping == "symmetric":
        return _power(wanted, 0.5) @ inverse
    return inverse @ _power(root @ wanted @ root, 0.5) @ inverse


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric positive semi-definite matrix; of a definite one where it is negative."""
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = (vectors * values.clamp(min=0) ** exponent) @ vectors.T
    return power
