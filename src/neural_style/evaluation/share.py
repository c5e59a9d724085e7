"""Which part of a picture one process evaluates, and how the parts make a whole: here, all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from neural_style.evaluation.tiles import Grid, Tile, add_halo_back, with_halo
from neural_style.losses.sums import Sums


class Share(Protocol):
    """What an `Objective` needs to know of the other processes."""

    def rows(self, height: int) -> range:
        """Return the rows of a picture of so many that are this process's."""

    def style_tile_side(self, tile: int | None) -> int | None:
        """Return the side of the tiles in which a picture that every process has is dealt out."""

    def own_style_tiles(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return this process's part of such tiles, at least one, and the weight of each in the total."""

    def with_halo(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return what the tiles of this process's rows read, from the rows of all."""

    def add_halo_back(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of this process's rows, from that of what each process's tiles read."""

    def all_reduce(self, sums: Sums) -> Sums:
        """Return the sums over all processes."""

    def broadcast_loss(self, loss: Tensor) -> Tensor:
        """Return the loss that all processes go by, a scalar."""


class Whole:
    """All of the picture: there is no other process."""

    def rows(self, height: int) -> range:
        """Return all rows."""
        return range(height)

    def style_tile_side(self, tile: int | None) -> int | None:
        """Return the side of a tile as it is."""
        return tile

    def own_style_tiles(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return all tiles."""
        return [(tile, 1.0) for tile in tiles]

    def with_halo(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return what the tiles read: the picture, and what lies around where it tiles the plane."""
        return with_halo(picture, grid.read)

    def add_halo_back(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of the picture. See `tiles.add_halo_back`."""
        return add_halo_back(gradient, grid.read, grid.size)

    def all_reduce(self, sums: Sums) -> Sums:
        """Return the sums as they are."""
        return sums

    def broadcast_loss(self, loss: Tensor) -> Tensor:
        """Return the loss as it is."""
        return loss
