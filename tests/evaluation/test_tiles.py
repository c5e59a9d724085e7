"""Tiles: every pixel has one owner, windows begin on the poolings' grids, and borders are the picture's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_style.evaluation.tiles import Span, TileGeometry
from neural_style.network.vgg19 import layer_table, reach

DEEP = TileGeometry(halo=80)
AROUND = TileGeometry(halo=80, wraps=True)
quick = settings(max_examples=60, derandomize=True, deadline=None, database=None)
sides = st.integers(1, 700)
tile_sides = st.one_of(st.none(), st.integers(1, 40).map(lambda positions: 16 * positions))


def test_where_the_picture_tiles_the_plane_the_outer_tiles_read_beyond_its_borders() -> None:
    grid = AROUND.grid((160, 96), 96)
    assert list(grid.rows) == [Span(0, 96, -80, 176), Span(96, 160, 16, 240)]
    assert list(grid.columns) == [Span(0, 96, 0, 96)]
    assert grid.read == (range(-80, 240), range(96))


@quick
@given(height=sides, width=sides, tile=tile_sides)
def test_every_pixel_and_position_has_one_owner_and_every_tile_its_halo(
    height: int, width: int, tile: int | None
) -> None:
    grid = DEEP.grid((height, width), tile)
    for spans, side in ((grid.rows, height), (grid.columns, width)):
        assert [pixel for span in spans for pixel in range(span.start, span.stop)] == list(range(side))
        for span in spans:
            assert 0 <= span.first <= max(span.start - 80, 0)
            assert side >= span.end >= min(span.stop + 80, side)
            assert span.start % 16 == span.first % 16 == 0
            assert tile is None or span.stop - span.start <= tile
    for stride in (1, 16):
        owners = torch.zeros(height // stride, width // stride)
        for piece in grid.tiles:
            rows = slice(piece.rows.first // stride, piece.rows.end // stride)
            columns = slice(piece.columns.first // stride, piece.columns.end // stride)
            piece.owned(owners[rows, columns], stride).add_(1)
        assert bool((owners == 1).all())


@quick
@given(
    units=st.integers(30, 200),
    rest=st.integers(0, 15),
    tile=st.integers(10, 64).map(lambda positions: 16 * positions),
    wraps=st.booleans(),
    ranks=st.booleans(),
)
def test_all_windows_of_a_side_are_of_one_length_and_little_is_read_in_vain(
    units: int, rest: int, tile: int, wraps: bool, ranks: bool
) -> None:
    height = 16 * units + (0 if wraps else rest)
    rows = range(160, 16 * (units - 8)) if ranks else None
    spans = (AROUND if wraps else DEEP).grid((height, 16), tile, rows).rows
    own = height if rows is None else len(rows)
    assert sum(span.stop - span.start for span in spans) == own
    if len(spans) > 1:
        assert len({span.end - span.first for span in spans}) == 1
        assert spans[0].end - spans[0].first - 80 <= tile
    read = sum(span.end - span.first for span in spans)
    margins = spans[-1].end - spans[0].first - own  # beyond a rank's own rows, or the plane's copies
    assert read - 160 * (len(spans) - 1) - own - margins < 32 * len(spans)  # in vain only what rounds up


@quick
@given(size=st.tuples(sides, sides), tile=tile_sides)
def test_no_tile_reads_more_than_the_size_that_is_planned_for(size: tuple[int, int], tile: int | None) -> None:
    most = DEEP.window_size(size, tile)
    for piece in DEEP.grid(size, tile).tiles:
        assert all(read <= planned for read, planned in zip(piece.window_size, most, strict=True))


@pytest.mark.parametrize("options", [{"tile": 64}, {"tile": None, "rows": range(96)}])
def test_a_plane_tiling_picture_that_is_cut_needs_sides_on_the_grid(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^the picture must .* 192×100\. "):
        AROUND.grid((192, 100), **options)  # type: ignore[arg-type]
    assert len(AROUND.grid((192, 100), None).tiles) == 1  # whole, it is padded layer by layer


@pytest.mark.parametrize(("tile", "error"), [(100, ValueError), (0, ValueError), (96.5, TypeError)])
def test_a_tile_that_does_not_lie_on_the_grid_is_refused(tile: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^tile_size must"):
        DEEP.check(tile)


def test_what_a_position_sees_is_counted_from_the_convolutions() -> None:
    assert [reach(name) for name in ("conv1_1", "relu1_2", "pool1", "relu2_1", "relu5_1")] == [1, 2, 2, 4, 70]
    assert reach("pool5") == 2 + 4 + 16 + 32 + 64
    assert layer_table()["relu5_1"].stride == 16
    assert TileGeometry.of("relu5_1") == DEEP
    assert TileGeometry.of("pool5", "circular") == TileGeometry(halo=128, alignment=32, wraps=True)
    with pytest.raises(ValueError, match=r"^tile_size must be a multiple of 32"):
        TileGeometry.of("pool5").check(48)
