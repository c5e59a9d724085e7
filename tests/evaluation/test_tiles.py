"""Tiles: every pixel has one owner, windows begin on the poolings' grids, and borders are the picture's own."""

from __future__ import annotations

import pytest
import torch

from neural_style.evaluation.tiles import Grid, Span, add_halo_back, grid_of, with_halo
from neural_style.network.vgg19 import layer_table, reach

SIZES = [(16, 16), (33, 200), (160, 161), (247, 255), (1, 300), (96, 1000)]


def test_a_side_that_is_cut_has_windows_of_one_size_by_hand() -> None:
    grid = grid_of((16, 600), 240, halo=80)
    assert list(grid.columns) == [Span(0, 224, 0, 312), Span(224, 368, 144, 456), Span(368, 600, 288, 600)]
    assert grid.read == (range(16), range(600))


def test_a_side_that_is_cut_into_small_tiles_has_spans_by_hand() -> None:
    grid = grid_of((230, 16), 96, halo=80)
    assert list(grid.rows) == [Span(0, 96, 0, 176), Span(96, 192, 16, 230), Span(192, 230, 112, 230)]
    assert list(grid.columns) == [Span(0, 16, 0, 16)]
    assert grid.read == (range(230), range(16))


def test_where_the_picture_tiles_the_plane_the_outer_tiles_read_beyond_its_borders() -> None:
    grid = grid_of((160, 96), 96, halo=80, wraps=True)
    assert list(grid.rows) == [Span(0, 96, -80, 176), Span(96, 160, 16, 240)]
    assert list(grid.columns) == [Span(0, 96, 0, 96)]
    assert grid.read == (range(-80, 240), range(96))


@pytest.mark.parametrize("tile", [16, 48, 112, 1024, None])
@pytest.mark.parametrize("size", SIZES)
def test_every_pixel_has_one_owner_and_every_tile_its_halo(size: tuple[int, int], tile: int | None) -> None:
    grid = grid_of(size, tile, halo=80)
    owners = torch.zeros(size)
    for piece in grid.tiles:
        owners[piece.rows.start : piece.rows.stop, piece.columns.start : piece.columns.stop] += 1
        for span, side in ((piece.rows, size[0]), (piece.columns, size[1])):
            assert 0 <= span.first <= max(span.start - 80, 0)
            assert side >= span.end >= min(span.stop + 80, side)
            assert span.start % 16 == span.first % 16 == 0
            assert 0 < span.stop - span.start <= (side if tile is None else tile)
    assert bool((owners == 1).all())


@pytest.mark.parametrize("size", SIZES)
def test_every_position_of_every_layer_has_one_owner(size: tuple[int, int]) -> None:
    grid = grid_of(size, 48, halo=80)
    for stride in (1, 2, 4, 8, 16):
        owners = torch.zeros(size[0] // stride, size[1] // stride)
        for piece in grid.tiles:
            positions = owners[
                piece.rows.first // stride : piece.rows.end // stride,
                piece.columns.first // stride : piece.columns.end // stride,
            ]
            piece.owned(positions, stride).add_(1)
        assert bool((owners == 1).all())


@pytest.mark.parametrize("tile", [160, 176, 512, 1024])
@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("rows", [None, range(1008, 2096)])
def test_all_windows_of_a_picture_are_of_one_size(tile: int, wraps: bool, rows: range | None) -> None:
    size = (3008, 2000) if wraps else (3003, 1999)
    grid = grid_of(size, tile, halo=80, wraps=wraps, rows=rows)
    assert len({piece.window_size for piece in grid.tiles}) == 1
    for spans, side in ((grid.rows, size[0] if rows is None else len(rows)), (grid.columns, size[1])):
        longest = spans[0].end - spans[0].first
        assert longest - 80 <= tile
        read = sum(span.end - span.first for span in spans)
        margins = spans[-1].end - spans[0].first - side  # beyond a rank's own rows, or the plane's copies
        assert read - 160 * (len(spans) - 1) - side - margins < 32 * len(spans)  # in vain only what rounds up
        assert sum(span.stop - span.start for span in spans) == side


def test_small_tiles_read_windows_of_two_sizes() -> None:
    tiles = grid_of((320, 320), 96, halo=80).tiles
    assert {tile.window_size[0] for tile in tiles} == {176, 256, 208, 112}


def test_the_rows_of_one_rank_are_cut_by_themselves() -> None:
    grid = grid_of((300, 64), 64, halo=80, rows=range(96, 208))
    assert list(grid.rows) == [Span(96, 160, 16, 240), Span(160, 208, 80, 288)]
    assert grid.read == (range(16, 288), range(64))


def test_the_pixels_of_a_tile_come_with_the_next_row_and_column_where_there_are_such() -> None:
    picture = torch.arange(200.0 * 180).view(1, 1, 200, 180)
    grid = grid_of((200, 180), 112, halo=80)
    first, last = grid.tiles[0], grid.tiles[-1]
    pixels, next_row, next_column = grid.neighboured(grid.window(picture, first), first)
    assert (next_row, next_column) == (True, True)
    assert torch.equal(pixels, picture[..., : first.rows.stop + 1, : first.columns.stop + 1])
    pixels, next_row, next_column = grid.neighboured(grid.window(picture, last), last)
    assert (next_row, next_column) == (False, False)
    assert torch.equal(pixels, picture[..., last.rows.start :, last.columns.start :])


def test_surrounding_and_folding_are_each_others_transpose() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, 32, 48, generator=generator, dtype=torch.float64)
    read = (range(-80, 112), range(-16, 48))
    around = with_halo(picture, read)
    assert around.shape == (1, 3, 192, 64)
    assert torch.equal(around[..., 80:112, 16:], picture)
    assert torch.equal(around[..., 79, 16:], picture[..., 31, :])
    gradient = torch.rand(around.shape, generator=generator, dtype=torch.float64)
    back = add_halo_back(gradient, read, (32, 48))
    torch.testing.assert_close((around * gradient).sum(), (picture * back).sum(), rtol=1e-12, atol=0)


def test_a_picture_that_reads_only_itself_is_passed_through() -> None:
    picture = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    assert with_halo(picture, (range(32), range(48))) is picture
    assert add_halo_back(picture, (range(32), range(48)), (32, 48)) is picture


@pytest.mark.parametrize("options", [{"tile": 64}, {"tile": None, "rows": range(96)}])
def test_a_plane_tiling_picture_that_is_cut_needs_sides_on_the_grid(options: dict[str, object]) -> None:
    text = "the picture must have sides that are multiples of 16 where a picture that tiles the plane is cut; "
    with pytest.raises(ValueError, match=rf"^{text}got 192×100\. Resize it\.$"):
        grid_of((192, 100), halo=80, wraps=True, **options)  # type: ignore[arg-type]
    assert isinstance(
        grid_of((192, 100), None, halo=80, wraps=True), Grid
    )  # whole, it is padded layer by layer


def test_what_a_position_sees_is_counted_from_the_convolutions() -> None:
    assert [reach(name) for name in ("conv1_1", "relu1_2", "pool1", "relu2_1", "relu5_1")] == [1, 2, 2, 4, 70]
    assert reach("pool5") == 2 + 4 + 16 + 32 + 64
    assert layer_table()["relu5_1"].stride == 16
