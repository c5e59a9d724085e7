"""The squared error between a block and every block of the source, by the fast Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor

# Values of the source's spectra multiplied at once: more leaves a CPU's cache, fewer leave a GPU idle.
_CPU_CHUNK, _CHUNK = 1 << 20, 1 << 25


class BlockErrors:
    """Weighted squared errors of blocks at all positions of a source, whose spectrum is computed once.

    For a block T and weights w, and S(p) the source's block at position p,

    E(p) = Σ w (S(p) − T)² = Σ w S(p)² − 2 Σ S(p) w T + Σ w T²,

    where the sums run over the block's pixels and channels. The first two are correlations.

    Args:
        source: shape (C, H, W), float32, best with a mean near 0, for the sums cancel.
        block: side of a block, at most H and W.
    """

    def __init__(self, source: Tensor, block: int) -> None:
        height, width = source.shape[-2:]
        self.block = block
        self.positions = (height - block + 1, width - block + 1)
        # The zeros beyond the source are read by no position.
        self._sides = (_fast_length(height), _fast_length(width))
        self._values = self._spectrum(source).conj_physical()  # (C, W / 2 + 1, H)
        self._squares = self._spectrum(source.square()).conj_physical()

    def energy(self, weights: Tensor) -> Tensor:
        """Return Σ w S(p)² for weights (C, b, b), shape (H − b + 1, W − b + 1)."""
        return self._correlation(weights.unsqueeze(0), self._squares)[0]

    def errors(self, energy: Tensor, weighted: Tensor, constant: Tensor) -> Tensor:
        """Return E of several blocks, clamped at 0, below which rounding may lead.

        Several targets of one block add up: Σ w S² + Σ v S² − 2 Σ S (w T + v U) + Σ w T² + Σ v U².

        Args:
            energy: Σ w S(p)², see `energy`.
            weighted: w T of each block, shape (N, C, b, b).
            constant: Σ w T² of each block, shape (N,).

        Returns:
            Tensor of shape (N, H − b + 1, W − b + 1); larger is less alike.
        """
        errors = weighted.new_empty(len(weighted), *self.positions)
        values = _CPU_CHUNK if weighted.device.type == "cpu" else _CHUNK
        chunk = max(1, values // self._values.numel())
        for start in range(0, len(weighted), chunk):
            part = slice(start, start + chunk)
            product = self._correlation(weighted[part], self._values)
            torch.add(energy + constant[part, None, None], product, alpha=-2, out=errors[part])
        return errors.clamp_(min=0)

    def _spectrum(self, planes: Tensor) -> Tensor:
        """Return the spectrum of real planes (…, h, w) with zeros around, transposed: (…, W / 2 + 1, H).

        Both transforms run along memory, and the first one over h rows only, for the others are zero.
        """
        height, width = self._sides
        rows = torch.fft.rfft(planes, n=width, dim=-1)
        spectrum: Tensor = torch.fft.fft(rows.mT, n=height, dim=-1)
        return spectrum

    def _correlation(self, blocks: Tensor, conjugate: Tensor) -> Tensor:
        """Return the correlation of blocks (N, C, b, b) with planes, summed over channels, at all positions.

        It is the inverse transform of the planes' spectrum times the conjugate of the blocks'.
        """
        product = (self._spectrum(blocks) * conjugate).sum(1).conj()  # (N, W / 2 + 1, H)
        height, width = self.positions
        columns = torch.fft.ifft(product, dim=-1)[..., :height]
        correlation: Tensor = torch.fft.irfft(columns.mT, n=self._sides[1], dim=-1)
        return correlation[..., :width]


def _fast_length(length: int) -> int:
    """Return the least length from this on that has no prime factors but 2, 3 and 5.

    >>> [_fast_length(length) for length in (7, 256, 509)]
    [8, 256, 512]
    """
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
