"""Variables in which a picture's loss is rounder, so that an optimiser needs fewer evaluations.

In pixels the loss is a long valley: it curves a hundred times more along colours that a painting hardly uses
than along its main one, and differently for coarse and fine forms. The change of variables x = x₀ + T z evens
this out. It alters the path and not the loss, nor where its minima are.

Reference: Olah, Mordvintsev & Schubert, "Feature Visualization" (Distill, 2017), who optimise in a fixed basis
of decorrelated colours and frequencies; to measure the curvature along it, level by level, is our own.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

COARSEST = 1 / 64  # cycles per pixel: coarser forms are treated alike
BAND = math.log(2) / 2  # half an octave: the curvature is measured band by band
STEEPEST = 1.0  # what a few bands say is not drawn out further than |f|^±1
PRIOR_SLOPE = 0.5  # before there is a measurement: curvature grows with the root of the frequency
WEAKEST = 1e-3  # of the mean variance: a grey picture has colours of none


class Preconditioner(ABC):
    """A linear change of variables x = x₀ + T z; a descent in z is one in x with the metric T Tᵀ."""

    @abstractmethod
    def change(self, variables: Tensor) -> Tensor:
        """Return the change of the picture T z, of the picture's shape (1, 3, H, W)."""

    @abstractmethod
    def gradient(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to the variables, Tᵀ ∂L/∂x, of the same shape."""

    def observe(self, steps: Tensor, changes: Tensor) -> None:  # noqa: B027  # a fixed one learns nothing
        """Learn, between two levels, from the pairs that an optimiser has met.

        Args:
            steps: changes of the variables, shape (m, 3, H, W); zeros where there is no pair.
            changes: those of the gradient with respect to them, shape (m, 3, H, W).
        """


class ColorSpectrum(Preconditioner):
    """The style's principal colours and their spatial frequencies, each in the measure of its curvature.

    T z = U F z: the columns of U are the principal axes of the style's colours, and F divides the spectrum of
    component c by √κ_c(f), with log κ_c(f) = level_c + slope_c · log f. At first κ_c(f) = √f / λ_c, with λ_c
    the style's variance along that axis; from the first level on it is fitted to what was met, in bands of half
    an octave: κ = √(Σ ‖y‖² / Σ ‖s‖²) over the steps s and the changes y of the gradient.

    Args:
        picture: shape (1, 3, H, W), RGB: the style, whose colours the result takes; or several such.

    >>> spectrum = ColorSpectrum(torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    >>> spectrum.change(torch.ones(1, 3, 12, 16)).shape
    torch.Size([1, 3, 12, 16])
    """

    def __init__(self, picture: Tensor | Sequence[Tensor]) -> None:
        pictures = [picture] if isinstance(picture, Tensor) else picture
        covariance = torch.stack([_covariance(each) for each in pictures]).mean(0).cpu()  # MPS has no eigh
        variances, axes = torch.linalg.eigh(covariance)  # ascending
        floor = WEAKEST * variances.mean() + torch.finfo(variances.dtype).eps
        self.axes = axes.to(pictures[0])  # U, (3, 3)
        self.level = -variances.clamp(min=floor).log()  # (3,)
        self.slope = torch.full_like(self.level, PRIOR_SLOPE)  # (3,)
        self._filters: dict[tuple[int, int], Tensor] = {}

    def change(self, variables: Tensor) -> Tensor:
        """Return T z. See `Preconditioner.change`."""
        return torch.einsum("ij,bjhw->bihw", self.axes, self._filtered(variables))

    def gradient(self, gradient: Tensor) -> Tensor:
        """Return Tᵀ g; F is its own transpose. See `Preconditioner.gradient`."""
        return self._filtered(torch.einsum("ij,bihw->bjhw", self.axes, gradient))

    def observe(self, steps: Tensor, changes: Tensor) -> None:
        """Fit level and slope of every component to the curvature that was met. See `Preconditioner.observe`.

        In z the curvature met is κ / κ_c(f), so that times κ_c(f) it is that of the picture.
        """
        logs = _log_frequencies((steps.shape[-2], steps.shape[-1]))  # (H, W // 2 + 1)
        bands = ((logs - logs.min()) / BAND).long().flatten()
        center = _sums(logs.expand(3, -1, -1), bands) / _sums(
            torch.ones_like(logs).expand(3, -1, -1), bands
        )  # (3, bands)
        stepped, changed = (_sums(_power(pairs, self.axes), bands) for pairs in (steps, changes))  # (3, bands)
        measured = (changed / stepped).log() / 2 + self._log_curvature(center)  # log κ in x
        for component in range(3):
            met = measured[component].isfinite()  # not in an empty band, nor where there was no step
            if met.sum() >= 2:
                line = _line(center[component, met], measured[component, met])
                self.level[component], self.slope[component] = line
        self._filters = {}

    def _filtered(self, components: Tensor) -> Tensor:
        """Return F applied to each component, as a circular convolution."""
        size = (components.shape[-2], components.shape[-1])
        if size not in self._filters:  # a run works at one size at a time
            logs = _log_frequencies(size)
            curvature = self._log_curvature(logs.expand(3, -1, -1).flatten(1)).view(3, *logs.shape)
            self._filters = {size: (-curvature / 2).exp().to(components)}
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(components) * self._filters[size], s=size)
        return filtered

    def _log_curvature(self, logs: Tensor) -> Tensor:
        """Return log κ_c at the logarithms of frequencies, both of shape (3, n)."""
        return torch.addcmul(self.level.unsqueeze(1), self.slope.unsqueeze(1), logs)


def _covariance(picture: Tensor) -> Tensor:
    """Return the covariance of a picture's colours, shape (3, 3)."""
    colors = picture.flatten(2)[0]  # (3, M)
    centred = colors - colors.mean(1, keepdim=True)
    covariance: Tensor = centred @ centred.T / colors.shape[1]
    return covariance


def _log_frequencies(size: tuple[int, int]) -> Tensor:
    """Return log f over the half spectrum of a picture of (height, width), (H, W // 2 + 1), on the CPU.

    f is in cycles per longer side, so that a form has the same number at every level; forms of more than 64
    pixels count as such.
    """
    down: Tensor = torch.fft.fftfreq(size[0], device="cpu", dtype=torch.float32).unsqueeze(1)
    across: Tensor = torch.fft.rfftfreq(size[1], device="cpu", dtype=torch.float32)
    return (down.square() + across.square() + COARSEST**2).sqrt().mul(max(size)).log()


def _power(pairs: Tensor, like: Tensor) -> Tensor:
    """Return Σ |spectrum|² over pairs of shape (m, 3, H, W), on the CPU, (3, H, W // 2 + 1).

    The pairs may be kept elsewhere and in fewer bits: one at a time is taken to a tensor's device and dtype.
    """
    height, width = pairs.shape[-2:]
    power = torch.zeros(3, height, width // 2 + 1, dtype=like.dtype, device=like.device)
    for one in pairs:
        power += torch.fft.rfft2(one.to(like)).abs().square()
    return power.cpu()


def _sums(values: Tensor, bands: Tensor) -> Tensor:
    """Return the sums of values (3, …) over the positions of each band, (3, bands)."""
    nothing = torch.zeros(3, int(bands.max()) + 1, dtype=values.dtype, device="cpu")
    return nothing.index_add(1, bands, values.flatten(1))


def _line(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return level and slope of the line that fits y(x) best, the slope within ±`STEEPEST`."""
    spread = x - x.mean()
    slope = ((spread @ y) / spread.square().sum()).clamp(-STEEPEST, STEEPEST)
    return y.mean() - slope * x.mean(), slope
