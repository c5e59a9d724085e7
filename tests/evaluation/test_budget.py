"""What fits: the fastest choice that does, tiles on the grid, and the largest size named where none does."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
import torch

from neural_style import Adam, Objective, TorchLBFGS
from neural_style.evaluation.budget import (
    COMFORTABLE,
    LARGEST,
    PAIR_BYTES,
    SHARE,
    WHOLE,
    MemoryPlan,
    fit,
    window_of,
)
from neural_style.evaluation.costs import MemoryModel
from neural_style.optimizers import LBFGS
from neural_style.transfer.evaluator import Evaluator
from neural_style.transfer.levels import Level

NEEDS = MemoryModel(["relu1_1", "relu2_2", "relu5_1"], ["relu1_1", "relu5_1"], ["relu2_2"], width=0.25)
SIZE = (3000, 4000)


def fitted(size: tuple[int, int] = SIZE, **options: Any) -> MemoryPlan:
    choices = {"needs": NEEDS, "halo": 80, "alignment": 16, "pairs": 20, **options}
    return fit(size, **choices)


def gigabytes(free: float) -> MemoryPlan:
    return fitted(free=int(free * 1e9))


def test_a_picture_that_fits_is_evaluated_at_once_with_all_that_was_wanted() -> None:
    found = gigabytes(100)
    assert (found.tile, found.keep_targets, found.pairs) == (None, True, 20)
    at_once = (
        NEEDS.evaluation_bytes(SIZE)
        + NEEDS.target_bytes(SIZE)
        + NEEDS.picture_bytes(SIZE)
        + 20 * PAIR_BYTES * 12_000_000
    )
    assert found.bytes == at_once
    assert fitted(free=int(at_once / SHARE) + 1).tile is None
    assert fitted(free=int(at_once / SHARE) - 1).tile is not None


def test_less_memory_gives_smaller_tiles_then_targets_then_pairs_then_tiles_below_comfort() -> None:
    found = [gigabytes(free) for free in (14, 13, 12.2, 11.6, 10, 8, 5, 4.3)]
    rank = [(each.keep_targets, each.pairs, each.tile is None or each.tile >= COMFORTABLE) for each in found]
    assert rank == sorted(rank, reverse=True)
    assert len(set(rank)) > 3
    for each, free in zip(found, (14, 13, 12.2, 11.6, 10, 8, 5, 4.3), strict=True):
        assert each.bytes <= SHARE * free * 1e9
        assert each.tile is not None
        assert each.tile % 16 == 0
        assert COMFORTABLE <= each.tile < LARGEST + 16


def test_a_tile_is_the_largest_that_fits() -> None:
    found = gigabytes(13)
    assert found.tile is not None
    window = window_of(SIZE, found.tile + 16, halo=80, alignment=16)
    larger = (
        NEEDS.evaluation_bytes(window)
        + NEEDS.target_bytes(SIZE)
        + NEEDS.picture_bytes(SIZE)
        + 20 * PAIR_BYTES * 12_000_000
    )
    assert found.bytes <= SHARE * 13e9 < larger


def test_ranks_share_all_but_some_whole_pictures() -> None:
    found = fitted(stripes=4)
    read = (3000 // 4 + 16 + 2 * 80, 4000)
    memory = NEEDS.evaluation_bytes(read) + NEEDS.target_bytes(read) + NEEDS.picture_bytes(read)
    assert found.bytes == memory + 20 * PAIR_BYTES * read[0] * read[1] + WHOLE * 12 * 12_000_000


def test_where_memory_is_not_told_the_picture_is_tried_at_once_unless_no_kernel_could_index_it() -> None:
    assert fitted().tile is None
    assert fitted((20_000, 20_000)).tile == LARGEST


def test_tiles_asked_for_stay_as_they_are() -> None:
    assert fitted(tile=1024, free=10**12).tile == 1024
    scarce = fitted(tile=1024, free=int(8e9))
    assert (scarce.tile, scarce.pairs < 20) == (1024, True)


def test_a_picture_asked_for_at_once_is_tried_whatever_is_free() -> None:
    found = fitted(tile=None, free=10**9)
    assert (found.tile, found.keep_targets, found.pairs) == (None, False, 3)


@pytest.mark.parametrize("tile", ["auto", 1024])
def test_what_cannot_fit_is_refused_with_the_largest_that_would(tile: int | str) -> None:
    free = int(1.5e9)
    text = (
        "the result must fit into the 1.5 GB of memory that are free; got 3000×4000. The largest that would is "
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}") as caught:
        fitted(tile=tile, free=free)
    height, width = (int(side) for side in re.findall(r"(\d+)×(\d+)\.$", str(caught.value))[0])
    assert fitted((height, width), tile=tile, free=free).bytes <= SHARE * free
    with pytest.raises(ValueError, match="the result must fit"):
        fitted((height + 3, width + 4), tile=tile, free=free)


def test_where_nothing_fits_no_size_is_named() -> None:
    with pytest.raises(ValueError, match=r"got 3000×4000\. Free some\.$"):
        fitted(free=1000)


def test_a_window_is_a_tile_with_its_halo_but_no_more_than_the_picture() -> None:
    window = partial(window_of, halo=80, alignment=16)
    assert window((1000, 5000), 1024) == (1000, 1120)
    assert window((1100, 5000), 1024) == (1100, 1120)
    assert window((1000, 5000), 96) == (256, 256)
    assert window((1000, 5000), None) == (1000, 5000)


optimizer_with = Evaluator(torch.device("cpu"), Objective).fitted


@pytest.mark.parametrize("kind", [LBFGS, TorchLBFGS])
def test_a_shorter_history_is_told(kind: type[LBFGS | TorchLBFGS]) -> None:
    level = Level((300, 400), 30)
    with pytest.warns(
        UserWarning, match=r"pairs does not fit into memory\. The run goes on with 5\. It may take"
    ):
        fewer = optimizer_with(kind(history=20), MemoryPlan(512, False, 5, 1), level)
    assert fewer == kind(history=5)


def test_a_history_that_fits_is_left_alone() -> None:
    level = Level((300, 400), 30)
    for optimizer, pairs in ((LBFGS(), 20), (TorchLBFGS(), 29), (Adam(), 0)):
        assert optimizer_with(optimizer, MemoryPlan(512, False, pairs, 1), level) == optimizer
