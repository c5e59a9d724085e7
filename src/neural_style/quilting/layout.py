"""Where the blocks of a quilt lie: on a grid, each overlapping its neighbours, in an order of waves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neural_style._checks import message, whole_number


@dataclass(frozen=True)
class Layout:
    """The grid of square blocks that covers a picture.

    Block (i, j) begins at pixel (i·s, j·s), s = block − overlap. The last row and column may reach beyond the
    picture; what lies outside is cut off.

    Attributes:
        size: (height, width) of the picture in pixels.
        block: side of a block in pixels, at least 2.
        overlap: width in pixels of the strip that neighbours share, from 1 to block / 2.
    """

    size: tuple[int, int]
    block: int
    overlap: int

    @property
    def step(self) -> int:
        """Pixels from one block to the next."""
        return self.block - self.overlap

    @property
    def grid(self) -> tuple[int, int]:
        """How many rows and columns of blocks there are."""
        height, width = (max(1, -(-(side - self.overlap) // self.step)) for side in self.size)
        return height, width

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return self.grid[0] * self.grid[1]

    @property
    def covered(self) -> tuple[int, int]:
        """(height, width) of all blocks together in pixels, at least `size`."""
        rows, columns = self.grid
        return rows * self.step + self.overlap, columns * self.step + self.overlap

    def waves(self) -> Iterator[list[tuple[int, int]]]:
        """Yield lists of blocks (i, j) that can be laid at once, after those of all lists before.

        A block overlaps its eight neighbours, and in raster order four of them come first: that to the left and
        the three above. All have a smaller 2i + j, so that blocks of one 2i + j do not depend on each other.
        Blocks of the top row, the left column and the inside have different overlaps, and lists of their own.

        >>> list(Layout((5, 7), block=3, overlap=1).waves())
        [[(0, 0)], [(0, 1)], [(0, 2)], [(1, 0)], [(1, 1)], [(1, 2)]]
        """
        rows, columns = self.grid
        for wave in range(2 * (rows - 1) + columns):
            blocks = [(row, wave - 2 * row) for row in range(rows) if 0 <= wave - 2 * row < columns]
            for overlaps in ((False, False), (True, False), (False, True), (True, True)):  # left, top
                alike = [(row, column) for row, column in blocks if (column > 0, row > 0) == overlaps]
                if alike:
                    yield alike


def check_block(
    block_size: object, overlap: object, smallest_side: int, argument: str, *, share: int = 6
) -> tuple[int, int]:
    """Return the side of a block and its overlap in pixels; None overlaps by a share of the block.

    Args:
        block_size: at least 2, and at most the source's shorter side.
        overlap: from 1 to half a block.
        smallest_side: of the source in pixels.
        argument: what messages call the source.
        share: which part of the block None overlaps by; 6 is a sixth, at least 1 pixel.

    Raises:
        TypeError, ValueError: if they are not.
    """
    block = whole_number("block_size", block_size, minimum=2)
    if block > smallest_side:
        rule, advice = f"be at most the shorter side of {argument}, {smallest_side}", "Take smaller blocks."
        raise ValueError(message("block_size", rule, block, advice))
    if overlap is None:
        return block, max(1, round(block / share))
    width = whole_number("overlap", overlap, minimum=1)
    if 2 * width > block:
        raise ValueError(message("overlap", f"be at most half a block, {block // 2}", width))
    return block, width
