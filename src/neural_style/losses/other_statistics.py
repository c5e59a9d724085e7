"""Style statistics beside the Gram matrix, and the table of all; each a loss relative to the painting's own.

Every one is a function (moments of the generated image, moments of the style) → scalar, 0 on the style itself
and 1 where all features are 0: a layer counts as much as its weight says, whatever the size of its activations.
They are functions of sums over positions, and so the same in tiles and over processes.

Reference:
    Gatys, Ecker & Bethge (CVPR 2016) for the Gram matrix; Li, Wang, Liu & Hou, "Demystifying Neural Style
    Transfer" (IJCAI 2017) for mean and standard deviation; Sun & Saenko, "Deep CORAL" (2016) for the
    covariance; Olkin & Pukelsheim, "The Distance between Two Random Vectors with Given Dispersion Matrices"
    (1982) for Wasserstein's.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neural_style.losses.equations import check_alike, relative, relative_style_loss
from neural_style.losses.sums import Moments
from neural_style.losses.terms import StyleLoss

_COVARIANCE_FLOOR = 1e-2  # of the Gram matrix: a smaller covariance is rounding, or says nothing of the style
_DEVIATION_FLOOR = 1e-6  # of the painting's mean energy per channel, added under roots: slopes stay finite
_ROOT_FLOOR = 1e-9  # of the painting's mean variance, squared: least eigenvalue in the slope of the root


def mean_deviation_loss(moments: Moments, target: Moments) -> Tensor:
    """Return (‖µ − µ'‖² + ‖σ − σ'‖²) / (‖µ'‖² + ‖σ'‖²), a scalar, with µ the means and σ the deviations.

    Departs from the paper: which channels respond together does not count. This is a weaker idea of style,
    which takes less from the painting and is hard to overdo.

    >>> ones = torch.ones(1, 2, 1, 3)
    >>> mean_deviation_loss(Moments.of(ones), Moments.of(2 * ones))
    tensor(0.2500)
    """
    check_alike(moments, target)
    energy = _energy(target)
    floor = _DEVIATION_FLOOR * energy / target.first.shape[1]
    deviation, wanted = _deviation(moments, floor), _deviation(target, floor)
    apart = (moments.mean - target.mean).square().sum() + (deviation - wanted).square().sum()
    return relative(apart, energy)


def covariance_loss(moments: Moments, target: Moments) -> Tensor:
    """Return ‖Σ − Σ'‖² / ‖Σ'‖², a scalar, with Σ the covariances of the features.

    Departs from the paper: the mean response, such as a colour that all of the painting has, does not count.
    ‖Σ'‖ is taken as at least a hundredth of ‖A / M'‖: in a painting of one colour it would be 0.

    >>> there_and_back = torch.tensor([[[[1.0, -1.0]]]])
    >>> covariance_loss(Moments.of(there_and_back), Moments.of(2 * there_and_back))
    tensor(0.5625)
    """
    check_alike(moments, target)
    apart = (moments.covariance - target.covariance).square().sum()
    floor = _COVARIANCE_FLOOR**2 * target.normalized_gram.square().sum()
    return relative(apart, target.covariance.square().sum().maximum(floor))


def wasserstein_loss(moments: Moments, target: Moments) -> Tensor:
    """Return (‖µ − µ'‖² + tr(Σ + Σ' − 2 (Σ'^½ Σ Σ'^½)^½)) / (‖µ'‖² + tr Σ'), a scalar.

    This is the squared 2-Wasserstein distance of two Gaussians, relative to the painting's energy: how far, on
    average, features have to move to have the painting's mean and covariance.

    Departs from the paper: a distance between features, not between their products, so that strong responses
    count less.

    >>> ones = torch.ones(1, 2, 1, 3)
    >>> wasserstein_loss(Moments.of(ones), Moments.of(2 * ones))
    tensor(0.2500)
    """
    covariance, wanted = _wide(moments.covariance), _wide(target.covariance)
    root: Tensor = _SharedRoot.apply(covariance, wanted)
    traces = [matrix.diagonal(dim1=-2, dim2=-1).sum() for matrix in (covariance, wanted)]
    spread = (sum(traces) - 2 * root).clamp(min=0).to(moments.first)
    return relative((moments.mean - target.mean).square().sum() + spread, _energy(target))


class _SharedRoot(torch.autograd.Function):
    """tr (B^½ A B^½)^½ as a function of A, for symmetric positive semi-definite A and B of shape (…, C, C).

    Any L with L Lᵀ = B may stand for B^½: Lᵀ A L has the same eigenvalues. The slope is ½ L (Lᵀ A L)^-½ Lᵀ. It
    is infinite where A has no variance in a direction in which B has some, and a floor under the eigenvalues
    bounds it there; the features, which have no length in that direction, have a finite slope all the same.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        if not torch.isfinite(a).all():  # an optimiser steps back from a loss of NaN; eigh would raise
            ctx.save_for_backward(torch.full_like(a, torch.nan))
            return a.new_tensor(torch.nan)
        values, vectors = torch.linalg.eigh(b)
        factor = vectors * values.clamp(min=0).sqrt().unsqueeze(-2)  # L
        values, vectors = torch.linalg.eigh(factor.mT @ a @ factor)
        values = values.clamp(min=0)
        scale = b.diagonal(dim1=-2, dim2=-1).mean(-1, keepdim=True).square()
        bounded = values.maximum((_ROOT_FLOOR * scale).clamp(min=torch.finfo(torch.float32).tiny))
        turned = factor @ vectors
        ctx.save_for_backward(0.5 * (turned * bounded.rsqrt().unsqueeze(-2)) @ turned.mT)
        trace: Tensor = values.sqrt().sum()
        return trace

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None


def _wide(matrix: Tensor) -> Tensor:
    """Return a matrix in float64; on the CPU if it comes from MPS, which has no float64."""
    return (matrix.cpu() if matrix.device.type == "mps" else matrix).double()


def _deviation(moments: Moments, floor: Tensor) -> Tensor:
    """Return the standard deviation of each channel, shape (B, C)."""
    variance = moments.covariance.diagonal(dim1=-2, dim2=-1)
    smallest = torch.finfo(variance.dtype).tiny  # the root of 0 has no finite slope
    return (variance.clamp(min=0) + floor).clamp(min=smallest).sqrt()


def _energy(target: Moments) -> Tensor:
    """Return ‖µ'‖² + tr Σ', which is the mean of ‖f‖², a scalar."""
    return target.normalized_gram.diagonal(dim1=-2, dim2=-1).sum()


# -- Choices by name ------------------------------------------------------------------------------------

STATISTICS: Mapping[str, StyleLoss] = {
    "gram": relative_style_loss,
    "mean-deviation": mean_deviation_loss,
    "covariance": covariance_loss,
    "wasserstein": wasserstein_loss,
}
