"""Which rows of a picture a process evaluates, and how the parts of several processes make a whole."""

from collections.abc import Sequence

import torch
from torch import Tensor

from neural_style.device.ranks import Ranks
from neural_style.evaluation.tiles import Grid, Tile, TileGeometry, add_halo_back, with_halo
from neural_style.losses.sums import Sums

STYLE_TILE = 512  # pixels: side of the tiles of a style picture that ranks share, the same on all of them


class Share:
    """All rows of a picture, for a process that works alone. `Stripes` is the share of one of several."""

    def rows(self, height: int) -> range:
        """Return the rows that this process evaluates, of a picture of so many."""
        return range(height)

    def style_tile_side(self, tile: int | None) -> int | None:
        """Return the side of the tiles of a style picture, which every process has as a whole."""
        return tile

    def own_style_tiles(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return the tiles of a style picture that this process evaluates, at least one, with their weights."""
        return [(tile, 1.0) for tile in tiles]

    def with_halo(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return what the tiles of this process read, from its own rows and its neighbours'."""
        return with_halo(picture, grid.read)

    def add_halo_back(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of this process's rows, from that of what the tiles read."""
        return add_halo_back(gradient, grid.read, grid.size)

    def all_reduce(self, sums: Sums) -> Sums:
        """Return the sums over all processes."""
        return sums

    def broadcast_loss(self, loss: Tensor) -> Tensor:
        """Return the loss that all processes use, a scalar."""
        return loss


class Stripes(Share):
    """A stripe of rows for every rank, in the order of the ranks.

    Args:
        ranks: those that share the picture, at least two.
        geometry: of the tiles. Every stripe has as many rows as its halo, and begins at a multiple of its
            alignment.
    """

    def __init__(self, ranks: Ranks, geometry: TileGeometry) -> None:
        self.ranks, self.geometry = ranks, geometry
        self._counts: dict[tuple[float, ...], list[float]] = {}

    def bounds(self, height: int) -> list[int]:
        """Return where the rows of every rank begin, and the height."""
        alignment, world = self.geometry.alignment, self.ranks.world
        units = -(-height // alignment)
        return [alignment * (units * rank // world) for rank in range(world)] + [height]

    def rows(self, height: int) -> range:
        """Return this rank's rows."""
        bounds = self.bounds(height)
        return range(bounds[self.ranks.rank], bounds[self.ranks.rank + 1])

    def style_tile_side(self, tile: int | None) -> int | None:  # noqa: ARG002
        """Return the same side on all ranks, whatever tiles their own memory allows."""
        return STYLE_TILE

    def own_style_tiles(self, tiles: Sequence[Tile]) -> Sequence[tuple[Tile, float]]:
        """Return this rank's tiles, or one of no weight."""
        mine = [(tile, 1.0) for tile in tiles[self.ranks.rank :: self.ranks.world]]
        return mine or [(tiles[0], 0.0)]

    def with_halo(self, picture: Tensor, grid: Grid) -> Tensor:
        """Return this rank's rows with the neighbours' around them."""
        halo = self.geometry.halo
        top, bottom = picture[..., :halo, :], picture[..., -halo:, :]
        from_below, from_above = self.ranks.exchange_halos(top, bottom, wraps=self.geometry.wraps)
        parts = [part for part in (from_above, picture, from_below) if part is not None]
        stacked = torch.cat(parts, dim=-2)
        return with_halo(stacked, (range(stacked.shape[-2]), grid.read[1]))

    def add_halo_back(self, gradient: Tensor, grid: Grid) -> Tensor:
        """Return the gradient of this rank's rows, with what the neighbours' tiles add."""
        halo, height = self.geometry.halo, gradient.shape[-2]
        gradient = add_halo_back(gradient, (range(height), grid.read[1]), (height, grid.size[1]))
        own, read = self.rows(grid.size[0]), grid.read[0]
        own_gradient = gradient[..., own.start - read.start : own.stop - read.start, :].clone()
        up, down = gradient[..., :halo, :], gradient[..., -halo:, :]
        from_below, from_above = self.ranks.exchange_halos(up, down, wraps=self.geometry.wraps)
        if from_above is not None:
            own_gradient[..., :halo, :] += from_above
        if from_below is not None:
            own_gradient[..., -halo:, :] += from_below
        return own_gradient

    def all_reduce(self, sums: Sums) -> Sums:
        """Return the sums over all ranks, by one message."""
        tensors = sums.tensors
        flat = self.ranks.all_reduce(torch.cat([tensor.flatten() for tensor in tensors]))
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        values = [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]
        return sums.replaced(values, self._total_counts(sums.counts))

    def broadcast_loss(self, loss: Tensor) -> Tensor:
        """Return the first rank's loss."""
        return self.ranks.broadcast(loss)

    def _total_counts(self, counts: list[float]) -> list[float]:
        """Return the counts over all ranks. They do not change with the picture, and are gathered once."""
        key = tuple(counts)
        if key not in self._counts:
            self._counts[key] = [sum(column) for column in zip(*self.ranks.all_gather(counts), strict=True)]
        return self._counts[key]
