"""How a picture is cut into tiles, and what a tile has to see around it for its features to be the whole's.

A feature of relu5_1 depends on the 16×16 pixels of its own position and on 70 more on every side. So a tile
reads a *halo* around the pixels that it owns, and of its features only those count whose positions it owns.
Tiles begin at multiples of 16, where the grids of all poolings begin; at a true border of the picture there is
no halo, and the network pads there as it does for the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.network.vgg19 import layer_table, reach

ALIGNMENT = 16  # pixels: a position of relu5_1


@dataclass(frozen=True)
class Span:
    """A stretch of one side of the picture, in pixels.

    Attributes:
        start: the first pixel that the tile owns.
        stop: one past its last.
        first: the first pixel that it reads; where the picture tiles the plane, that may be before its 0.
        end: one past the last that it reads.
    """

    start: int
    stop: int
    first: int
    end: int

    def narrowed(self, halo: int) -> Span:
        """Return the same stretch with no more than a halo of so many pixels around it."""
        return Span(self.start, self.stop, max(self.first, self.start - halo), min(self.end, self.stop + halo))


@dataclass(frozen=True)
class Tile:
    """A rectangle of the picture: its rows and its columns."""

    rows: Span
    columns: Span

    @property
    def window_size(self) -> tuple[int, int]:
        """(height, width) of what it reads."""
        return self.rows.end - self.rows.first, self.columns.end - self.columns.first

    def narrowed(self, halo: int) -> Tile:
        """Return the tile as it serves a layer that needs no more than a halo of so many pixels."""
        return Tile(self.rows.narrowed(halo), self.columns.narrowed(halo))

    def owned(self, features: Tensor, stride: int) -> Tensor:
        """Return the features (B, C, H, W) of a window at the positions, `stride` pixels each, that it owns."""
        for side, span in ((-2, self.rows), (-1, self.columns)):
            begin, length = (span.start - span.first) // stride, (span.stop - span.start) // stride
            if length < features.shape[side]:  # a cut to the whole would cost its gradient a copy
                features = features.narrow(side, begin, length)
        return features

    def placed(self, values: Tensor, stride: int) -> Tensor:
        """Return what it owns of values (B, C, H, W) of the whole picture, `stride` pixels a position."""
        for side, span in ((-2, self.rows), (-1, self.columns)):
            begin, length = span.start // stride, (span.stop - span.start) // stride
            values = values.narrow(side, begin, length)
        return values


@dataclass(frozen=True)
class Grid:
    """The tiles of a picture, or of the rows of it that one rank has.

    Attributes:
        rows: the spans from top to bottom.
        columns: the spans from left to right.
        size: (height, width) of the whole picture.
        wraps: whether it tiles the plane.
    """

    rows: Sequence[Span]
    columns: Sequence[Span]
    size: tuple[int, int]
    wraps: bool = False

    @property
    def tiles(self) -> list[Tile]:
        """The tiles, row by row."""
        return [Tile(rows, columns) for rows in self.rows for columns in self.columns]

    @property
    def read(self) -> tuple[range, range]:
        """The rows and the columns that the tiles read; outside the picture where that tiles the plane."""
        rows = range(self.rows[0].first, self.rows[-1].end)
        return rows, range(self.columns[0].first, self.columns[-1].end)

    def window(self, picture: Tensor, tile: Tile) -> Tensor:
        """Return what a tile reads, a view of the picture that holds all that is `read`."""
        rows, columns = self.read
        top, left = tile.rows.first - rows.start, tile.columns.first - columns.start
        height, width = tile.window_size
        return picture[..., top : top + height, left : left + width]

    def neighboured(self, window: Tensor, tile: Tile) -> tuple[Tensor, bool, bool]:
        """Return the pixels that a tile owns, with the next row and column, and whether there are such."""
        further: list[bool] = []
        for side, span, length in ((-2, tile.rows, self.size[0]), (-1, tile.columns, self.size[1])):
            further.append(self.wraps or span.stop < length)
            if further[-1] and span.end == span.stop:  # the tile has the whole side: beyond it, it begins anew
                window = torch.cat([window, window.narrow(side, 0, 1)], dim=side)
            own = span.stop - span.start
            window = window.narrow(side, span.start - span.first, own + further[-1])
        next_row, next_column = further
        return window, next_row, next_column


@dataclass(frozen=True)
class TileGeometry:
    """What a network asks of the tiles of a picture.

    Attributes:
        halo: pixels that a tile reads beyond its own on every side, a multiple of `alignment`.
        alignment: pixels of a position of the deepest layer; the first pixels of tiles are multiples of it.
        wraps: whether the picture tiles the plane, so that beyond a border its other side follows.
    """

    halo: int
    alignment: int = ALIGNMENT
    wraps: bool = False

    @classmethod
    def of(cls, deepest: str, padding: str = "reflect") -> TileGeometry:
        """Return the geometry of a network that ends with a layer: the halo is what that layer sees.

        >>> TileGeometry.of("relu5_1", "circular")
        TileGeometry(halo=80, alignment=16, wraps=True)
        """
        alignment = max(ALIGNMENT, layer_table()[deepest].stride)
        return cls(alignment * -(-reach(deepest) // alignment), alignment, padding == "circular")

    def grid(self, size: tuple[int, int], tile: int | None, rows: range | None = None) -> Grid:
        """Return the tiles of a picture. They read windows of one size, unless they are smaller than two halos.

        Args:
            size: (height, width) of the whole picture.
            tile: longest side of what a tile owns, in pixels, a multiple of `alignment`; None does not cut.
            rows: those that this rank has; None for all.

        Raises:
            ValueError: if the picture tiles the plane and is cut, and a side is no multiple of `alignment`.
        """
        height, width = size
        own = range(height) if rows is None else rows
        down, across = self._spans(own, height, tile), self._spans(range(width), width, tile)
        is_cut = len(down) * len(across) > 1 or len(own) < height
        if self.wraps and is_cut and any(side % self.alignment for side in size):
            multiples = f"multiples of {self.alignment}"
            rule = f"have sides that are {multiples} where a picture that tiles the plane is cut"
            raise ValueError(_checks.message("the picture", rule, f"{height}×{width}", "Resize it."))
        return Grid(down, across, size, self.wraps)

    def _spans(self, own: range, length: int, tile: int | None) -> list[Span]:
        """Return the spans of one side: its pixels `own` of `length`."""
        tile = len(own) if tile is None else tile
        if len(own) == length <= tile:
            return [Span(0, length, 0, length)]  # the whole side: the network pads at both ends
        lowest, highest = own.start - self.halo, own.stop + self.halo
        if not self.wraps:
            lowest, highest = max(lowest, 0), min(highest, length)
        if len(own) <= tile:
            return [Span(own.start, own.stop, lowest, highest)]
        equal = self.equal_windows(highest - lowest, tile)
        if equal is None:
            bounds = [*range(own.start, own.stop, tile), own.stop]
            return [
                Span(start, stop, max(start - self.halo, lowest), min(stop + self.halo, highest))
                for start, stop in pairwise(bounds)
            ]
        count, window = equal
        units = (highest - lowest - window) // self.alignment  # from the first window's begin to the last's
        firsts = [lowest + self.alignment * (units * number // (count - 1)) for number in range(count)]
        bounds = [own.start, *(first + self.halo for first in firsts[1:]), own.stop]
        return [
            Span(start, stop, first, first + window)
            for (start, stop), first in zip(pairwise(bounds), firsts, strict=True)
        ]

    def equal_windows(self, length: int, tile: int) -> tuple[int, int] | None:
        """Return how many tiles of one window share a stretch of pixels, and that window's side; or None.

        Blocks of memory of one shape find room where the last ones were. The outer tiles own more, where they
        need no halo, so that nothing is read in vain. Tiles of less than two halos do not get equal windows:
        there are many of one size anyway.

        Args:
            length: of what is read, in pixels.
            tile: the longest side of what a tile owns, in pixels, less than the length.

        >>> TileGeometry(halo=80).equal_windows(2309, 1024)  # the last window ends with the picture
        (3, 885)
        """
        if tile < self.halo + max(self.halo, 2 * self.alignment):  # a window of halo alone would never suffice
            return None
        rest, count = length % self.alignment, 1
        while True:
            count += 1
            needed = length - rest + 2 * self.halo * (count - 1)
            window = self.alignment * -(-needed // (count * self.alignment)) + rest
            if window - self.halo <= tile:
                return count, window

    def window_size(self, size: tuple[int, int], tile: int | None) -> tuple[int, int]:
        """Return (height, width) of what the largest tile of a picture reads, at most."""

        def longest(side: int) -> int:
            if tile is None or side <= tile:
                return side
            # A side that is shared by ranks, or tiles the plane, is read in other lengths: this bounds all.
            is_equal = self.equal_windows(side, tile) is not None
            return min(side, tile + self.halo + (self.alignment if is_equal else self.halo))

        return longest(size[0]), longest(size[1])

    def stripes_in(self, height: int, world: int) -> int:
        """Return over how many ranks a picture is spread: each needs as many rows as its neighbours read.

        >>> TileGeometry(halo=80).stripes_in(400, 8)
        5
        """
        return max(1, min(world, height // self.halo))

    def stripe_size(self, size: tuple[int, int], world: int) -> tuple[int, int]:
        """Return (height, width) of what the tiles of one rank read, at most, of a picture that ranks share."""
        stripes = self.stripes_in(size[0], world)
        if stripes == 1:
            return size
        return min(-(-size[0] // stripes) + self.alignment + 2 * self.halo, size[0]), size[1]

    def check(self, tile: int | None) -> int | None:
        """Return the side of a tile, or None, if it is a positive multiple of `alignment`."""
        if tile is None:
            return None
        side = _checks.whole_number("tile_size", tile, minimum=self.alignment)
        if side % self.alignment:
            nearest = round(side / self.alignment) * self.alignment
            rule = f"be a multiple of {self.alignment}"
            raise ValueError(_checks.message("tile_size", rule, side, f"The nearest is {nearest}."))
        return side


def with_halo(picture: Tensor, read: tuple[range, range]) -> Tensor:
    """Return the given rows and columns, wrapped around the borders; all of them are the picture itself."""
    for side, places in ((-2, read[0]), (-1, read[1])):
        length = picture.shape[side]
        if places != range(length):
            picture = picture.index_select(side, _places(places, length, picture.device))
    return picture


def add_halo_back(gradient: Tensor, read: tuple[range, range], size: tuple[int, int]) -> Tensor:
    """Return the gradient of the picture, of (height, width), from that of what `with_halo` made of it."""
    for side, places, length in ((-2, read[0], size[0]), (-1, read[1], size[1])):
        if places != range(length):
            shape = list(gradient.shape)
            shape[side] = length
            zero = torch.zeros(shape, dtype=gradient.dtype, device=gradient.device)
            gradient = zero.index_add_(side, _places(places, length, gradient.device), gradient)
    return gradient


def _places(places: range, length: int, device: torch.device) -> Tensor:
    return torch.arange(places.start, places.stop, device=device) % length
