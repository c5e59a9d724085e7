"""Which part of a picture one process evaluates, and how the parts make a whole: here, all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from neural_style.grid import Grid, Tile, folded, surrounded
from neural_style.sums import Sums


class Share(Protocol):
    """What an `Objective` needs to know of the other processes."""

    def rows(self, height: int) -> range:
        """Return the rows of a picture of so many that are this process's."""

    def dealing(self, tile: int | None) -> int | None:
        """Return the side of the tiles in which a picture that every process has is dealt out."""

    def dealt(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return this process's part of such tiles, at least one, and the weight of each in the total."""

    def surrounded(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return what the tiles of this process's rows read, from the rows of all."""

    def folded(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of this process's rows, from that of what each process's tiles read."""

    def total(self, sums: Sums) -> Sums:
        """Return the sums over all processes."""

    def agreed(self, loss: Tensor) -> Tensor:
        """Return the loss that all processes go by, a scalar."""


class Whole:
    """All of the picture: there is no other process."""

    def rows(self, height: int) -> range:
        """Return all rows."""
        return range(height)

    def dealing(self, tile: int | None) -> int | None:
        """Return the side of a tile as it is."""
        return tile

    def dealt(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return all tiles."""
        return [(tile, 1.0) for tile in tiles]

    def surrounded(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return what the tiles read: the picture, and what lies around where it tiles the plane."""
        return surrounded(picture, grid.read)

    def folded(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of the picture. See `grid.folded`."""
        return folded(gradient, grid.read, grid.size)

    def total(self, sums: Sums) -> Sums:
        """Return the sums as they are."""
        return sums

    def agreed(self, loss: Tensor) -> Tensor:
        """Return the loss as it is."""
        return loss
