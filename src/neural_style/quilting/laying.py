"""Laying a quilt: each block is drawn from the source's blocks that fit, and cut to those before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neural_style.quilting.block_errors import BlockErrors
from neural_style.quilting.layout import Layout
from neural_style.quilting.seams import new_pixels

INVISIBLE = (0.5 / 255) ** 2  # a squared difference of half a level of 8 bits: smaller ones count as equal
_AT_ONCE = 1 << 25  # errors of blocks that are laid at once: a limit to the memory that a large source takes


@dataclass(frozen=True)
class Guidance:
    """What a quilt is to resemble, for the transfer of a texture.

    Attributes:
        source: the correspondence map of the source, shape (1, H, W).
        target: that of the picture to resemble, of the quilt's size, shape (1, h, w).
        weight: α in [0, 1], of the difference from the overlap and from the previous pass; the correspondence
            weighs 1 − α.
        previous: positions that the pass before has laid, of the quilt's size, shape (h, w); None in the first.
    """

    source: Tensor
    target: Tensor
    weight: float
    previous: Tensor | None = None


def lay(
    source: Tensor,
    layout: Layout,
    *,
    tolerance: float,
    generator: torch.Generator,
    guidance: Guidance | None = None,
    progress: Callable[[int], None] = lambda _count: None,
) -> Tensor:
    """Return the position in the source of each pixel of a quilt, y·W + x, shape (h, w).

    Args:
        source: shape (3, H, W), float32.
        layout: the quilt's blocks; its size is (h, w).
        tolerance: how much larger than the least a candidate's error may be; 0.1 is a tenth.
        generator: on the CPU; one number is drawn for each block, in raster order, before any is laid.
        guidance: what to resemble; None is a texture without.
        progress: called with the number of blocks just laid.
    """
    quilt = _Quilt(source, layout, guidance)
    draws = torch.rand(layout.grid, generator=generator, dtype=torch.float32, device="cpu").to(source.device)
    most = max(1, _AT_ONCE // source[0].numel())
    for wave in layout.waves():
        for blocks in (wave[start : start + most] for start in range(0, len(wave), most)):
            rows, columns = torch.tensor(blocks, device=source.device).unbind(1)
            quilt.add(rows, columns, draws[rows, columns], tolerance)
            progress(len(blocks))
    height, width = layout.size
    return quilt.positions[:height, :width].contiguous()


def progress_counter(callback: Callable[[int, int], object] | None, total: int) -> Callable[[int], None]:
    """Return a function that adds a number of blocks to those done, and calls a callback with (done, total)."""
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        if callback is not None:
            callback(done, total)

    return add


def draw(errors: Tensor, draws: Tensor, tolerance: float, least: float) -> Tensor:
    """Return for each block one of the positions whose error is at most max((1 + tolerance) · best, least).

    Args:
        errors: at all positions, shape (N, H, W); infinite where a position is ruled out.
        draws: which of the candidates, in raster order, as a fraction in [0, 1), shape (N,).
        tolerance: at least 0.
        least: an error that nobody sees.

    Returns:
        y·W + x, shape (N,).

    >>> errors = torch.tensor([[[3.0, 1.0], [1.05, 2.0]]]).expand(2, 2, 2)
    >>> draw(errors, torch.tensor([0.4, 0.6]), 0.1, 0.0)
    tensor([1, 2])
    """
    flat = errors.flatten(1)
    limit = (flat.amin(1, keepdim=True) * (1 + tolerance)).clamp(min=least)
    counts = (flat <= limit).cumsum(1, dtype=torch.int32)  # (N, H·W)
    total = counts[:, -1]
    chosen = (draws * total).int().minimum(total - 1) + 1  # rounding may lead to the total
    return torch.searchsorted(counts, chosen.unsqueeze(1)).squeeze(1)


class _Quilt:
    """A quilt in work: the positions of its pixels, and what is needed to add blocks to it."""

    def __init__(self, source: Tensor, layout: Layout, guidance: Guidance | None) -> None:
        self.layout = layout
        planes = [source - source.mean((1, 2), keepdim=True)]  # differences stay, and sums cancel less
        self.source, self.width = planes[0].flatten(1), source.shape[-1]  # (3, H·W)
        self.weight = 1.0
        self.target: Tensor | None = None  # (h·w,), and so is `previous`
        self.previous: Tensor | None = None
        if guidance is not None:
            self.weight, center = guidance.weight, guidance.source.mean()
            planes.append(guidance.source - center)
            self.target = _extended(guidance.target[0] - center, layout).flatten()
            if guidance.previous is not None:
                self.previous = _extended(guidance.previous, layout).flatten()
        self.errors = BlockErrors(torch.cat(planes), layout.block)
        self.positions = torch.zeros(layout.covered, dtype=torch.long, device=source.device)
        self.corners = torch.zeros(layout.grid, dtype=torch.long, device=source.device)  # what `draw` chose
        side = torch.arange(layout.block, device=source.device)
        self.inside = side.unsqueeze(1) * self.width + side  # (b, b): offsets in the source
        self.within = side.unsqueeze(1) * layout.covered[1] + side  # (b, b): offsets in the quilt
        self._overlaps: dict[tuple[bool, bool], tuple[Tensor, Tensor, float]] = {}  # see `_overlap`

    def add(self, rows: Tensor, columns: Tensor, draws: Tensor, tolerance: float) -> None:
        """Lay blocks that have the same overlaps and do not depend on each other."""
        layout = self.layout
        left, top = bool(columns[0] > 0), bool(rows[0] > 0)
        overlap, energy, least = self._overlap(left, top)
        at = (rows * layout.step * layout.covered[1] + columns * layout.step).view(-1, 1, 1) + self.within
        flat = self.positions.view(-1)
        old = self._pixels(flat[at])  # (N, 3, b, b)
        errors = self.errors.errors(energy, *self._targets(at, overlap, old))
        if self.target is None:
            self._rule_out_copies(errors, rows, columns)
        chosen = draw(errors, draws, tolerance, least)
        self.corners[rows, columns] = chosen
        across = self.errors.positions[1]
        new = (chosen // across * self.width + chosen % across).view(-1, 1, 1) + self.inside
        differences = (self._pixels(new) - old).square().sum(1)  # (N, b, b)
        kept = new_pixels(differences, layout.overlap, left=left, top=top)
        flat[at] = torch.where(kept, new, flat[at])

    def _targets(self, at: Tensor, overlap: Tensor, old: Tensor) -> tuple[Tensor, Tensor]:
        """Return Σ w T, (N, C, b, b), and Σ w T², (N,), of what blocks are compared with. See `BlockErrors`.

        Args:
            at: positions of the blocks' pixels in the quilt, shape (N, b, b).
            overlap: 1 where they overlap blocks before, shape (b, b).
            old: what is laid there, shape (N, 3, b, b).
        """
        weighted = self.weight * overlap * old
        constant = (weighted * old).sum((1, 2, 3))
        if self.previous is not None:
            before = self._pixels(self.previous[at])
            weighted = weighted + self.weight * before
            constant = constant + self.weight * before.square().sum((1, 2, 3))
        if self.target is not None:
            target = self.target[at].unsqueeze(1)  # (N, 1, b, b)
            weighted = torch.cat([weighted, (1 - self.weight) * target], 1)
            constant = constant + (1 - self.weight) * target.square().sum((1, 2, 3))
        return weighted, constant

    def _pixels(self, positions: Tensor) -> Tensor:
        """Return the source's pixels, less its mean, at positions (N, b, b), shape (N, 3, b, b)."""
        return self.source[:, positions].movedim(0, 1)

    def _overlap(self, left: bool, top: bool) -> tuple[Tensor, Tensor, float]:
        """Return the mask of the overlap, (b, b), Σ w S² by position, and an error that nobody sees."""
        if (left, top) not in self._overlaps:
            layout = self.layout
            overlap = self.source.new_zeros(layout.block, layout.block)
            overlap[:, : layout.overlap * left] = 1
            overlap[: layout.overlap * top] = 1
            weights = (self.weight * (overlap + (self.previous is not None))).expand(3, -1, -1)
            if self.target is not None:
                weights = torch.cat([weights, torch.full_like(weights[:1], 1 - self.weight)])
            self._overlaps[left, top] = overlap, self.errors.energy(weights), INVISIBLE * weights.sum().item()
        return self._overlaps[left, top]

    def _rule_out_copies(self, errors: Tensor, rows: Tensor, columns: Tensor) -> None:
        """Make infinite the error of the blocks that lie in the source where they would lie in the quilt.

        A neighbour's own continuation has an error of 0. Were it a candidate, it would be the only one, and the
        quilt a copy of the source up to its border.
        """
        height, width = self.errors.positions
        for down, right in ((0, 1), (1, 0)):
            if rows[0] >= down and columns[0] >= right:
                corners = self.corners[rows - down, columns - right]
                y, x = corners // width + down * self.layout.step, corners % width + right * self.layout.step
                block = torch.arange(len(rows), device=rows.device)
                there = (y < height) & (x < width)
                errors[block[there], y[there], x[there]] = torch.inf


def _extended(plane: Tensor, layout: Layout) -> Tensor:
    """Return a plane (h, w) repeated at its border to all that the blocks cover."""
    rows, columns = (
        torch.arange(covered, device=plane.device).clamp(max=side - 1)
        for covered, side in zip(layout.covered, layout.size, strict=True)
    )
    return plane[rows][:, columns]
