"""What fits: the fastest plan that does, tiles on the grid, and the largest size named where none does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from neural_style.evaluation.costs import MemoryModel
from neural_style.evaluation.tile_size import (
    COMFORTABLE,
    LARGEST,
    PAIR_BYTES,
    SHARE,
    WHOLE,
    MemoryPlan,
    MemoryPlanner,
)
from neural_style.evaluation.tiles import TileGeometry

MODEL = MemoryModel(["relu1_1", "relu2_2", "relu5_1"], ["relu1_1", "relu5_1"], ["relu2_2"], width=0.25)
SIZE = (3000, 4000)


def planned(
    size: tuple[int, int] = SIZE, *, gigabytes: float | None = None, pairs: int = 20, **options: Any
) -> MemoryPlan:
    if gigabytes is not None:
        options["free"] = int(gigabytes * 1e9)
    return MemoryPlanner(MODEL, **options).plan(size, pairs)


def bytes_with(window: tuple[int, int]) -> int:
    """Return what a picture of `SIZE` takes with all that was wanted, in tiles that read a window."""
    kept = MODEL.target_bytes(SIZE) + MODEL.picture_bytes(SIZE) + 20 * PAIR_BYTES * 12_000_000
    return MODEL.evaluation_bytes(window) + kept


def test_a_picture_that_fits_is_evaluated_at_once_with_all_that_was_wanted() -> None:
    at_once = bytes_with(SIZE)
    assert planned(gigabytes=100) == MemoryPlan(None, True, 20, at_once)
    assert planned(free=int(at_once / SHARE) + 1).tile is None
    assert planned(free=int(at_once / SHARE) - 1).tile is not None


def test_less_memory_gives_smaller_tiles_then_targets_then_pairs_then_tiles_below_comfort() -> None:
    sizes = (14, 13, 12.2, 11.6, 10, 8, 5, 4.3)
    plans = [planned(gigabytes=size) for size in sizes]
    rank = [(plan.keep_targets, plan.pairs, plan.tile is None or plan.tile >= COMFORTABLE) for plan in plans]
    assert rank == sorted(rank, reverse=True)
    assert len(set(rank)) > 3
    for plan, size in zip(plans, sizes, strict=True):
        assert plan.bytes <= SHARE * size * 1e9
        assert plan.tile is not None
        assert plan.tile % 16 == 0
        assert COMFORTABLE <= plan.tile < LARGEST + 16


def test_a_tile_is_the_largest_that_fits() -> None:
    plan = planned(gigabytes=13)
    assert plan.tile is not None
    window = TileGeometry(80).window_size(SIZE, plan.tile + 16)
    assert plan.bytes <= SHARE * 13e9 < bytes_with(window)


def test_ranks_share_all_but_some_whole_pictures() -> None:
    read = (3000 // 4 + 16 + 2 * 80, 4000)
    memory = MODEL.evaluation_bytes(read) + MODEL.target_bytes(read) + MODEL.picture_bytes(read)
    memory += 20 * PAIR_BYTES * read[0] * read[1] + WHOLE * 12 * 12_000_000
    assert planned(ranks=4).bytes == memory


def test_where_free_memory_is_unknown_the_picture_is_tried_at_once_unless_no_kernel_could_index_it() -> None:
    assert planned().tile is None
    assert planned((20_000, 20_000)).tile == LARGEST


def test_tiles_asked_for_stay_as_they_are_and_none_is_tried_whatever_is_free() -> None:
    assert planned(tile=1024, gigabytes=1000).tile == 1024
    scarce, at_once = planned(tile=1024, gigabytes=8), planned(tile=None, gigabytes=1)
    assert (scarce.tile, scarce.pairs < 20) == (1024, True)
    assert (at_once.tile, at_once.keep_targets, at_once.pairs) == (None, False, 3)


@pytest.mark.parametrize("tile", ["auto", 1024])
def test_what_cannot_fit_is_refused_with_the_largest_that_would(tile: int | str) -> None:
    with pytest.raises(ValueError, match=r"^the result must") as caught:
        planned(tile=tile, gigabytes=1.5)
    height, width = (int(side) for side in re.findall(r"(\d+)×(\d+)\.$", str(caught.value))[0])
    assert planned((height, width), tile=tile, gigabytes=1.5).bytes <= SHARE * 1.5e9
    with pytest.raises(ValueError, match=r"^the result must"):
        planned((height + 3, width + 4), tile=tile, gigabytes=1.5)
