"""Which sizes, and how many iterations at each."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from neural_style.transfer.levels import ITERATIONS, SMALLEST, Level, plan_levels


@pytest.mark.parametrize("size", [(384, 512), (512, 384), (300, 211), (2160, 3840), (96, 96), (40, 40)])
def test_the_sizes_double_up_to_the_result_and_start_small(size: tuple[int, int]) -> None:
    plan = plan_levels(size)
    assert plan[-1].size == size
    for coarse, fine in pairwise(plan):
        assert max(fine.size) / max(coarse.size) == pytest.approx(2, rel=0.03)
    assert {level.iterations for level in plan} == {ITERATIONS}
    assert max(plan[0].size) < max(2 * SMALLEST, max(size) + 1)


def test_a_count_a_level_decides_how_many_levels_there_are_unless_scales_are_given() -> None:
    plan = plan_levels((384, 512), iterations=(7, 5))
    assert plan == [Level((192, 256), 7), Level((384, 512), 5)]
    assert [level.iterations for level in plan_levels((384, 512), iterations=10)] == [10, 10, 10]
    plan = plan_levels((600, 800), iterations=(500, 200), scales=(0.64, 1.0))
    assert plan == [Level((384, 512), 500), Level((600, 800), 200)]


def test_levels_of_a_rule_below_the_networks_smallest_side_are_left_out() -> None:
    plan = plan_levels((40, 512), minimum=16)
    assert [level.size for level in plan] == [(20, 256), (40, 512)]
    plan = plan_levels((64, 512), iterations=(4, 3, 2), scales=(0.1, 0.5, 1), minimum=16)
    assert plan == [Level((32, 256), 3), Level((64, 512), 2)]
    assert [level.size for level in plan_levels((8, 8), minimum=16)] == [(8, 8)]


@pytest.mark.parametrize("options", [{"levels": 4}, {"iterations": (4, 3, 2, 1)}], ids=lambda o: next(iter(o)))
def test_levels_asked_for_by_number_are_there_or_refused(options: dict[str, Any]) -> None:
    plan = plan_levels((128, 512), **options, minimum=16)
    assert [level.size for level in plan] == [(16, 64), (32, 128), (64, 256), (128, 512)]
    with pytest.raises(ValueError, match=rf"^{next(iter(options))} must .* Give at most 3, or a larger size\."):
        plan_levels((64, 512), **options, minimum=16)
    assert plan_levels((64, 512), levels=3, minimum=16)[0].size == (16, 128)
    assert [level.size for level in plan_levels((8, 8), levels=1, minimum=16)] == [(8, 8)]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"iterations": 0}, ValueError),
        ({"iterations": (3, 0)}, ValueError),
        ({"iterations": ()}, ValueError),
        ({"iterations": 2.5}, TypeError),
        ({"iterations": (1, 2), "levels": 3}, ValueError),
        ({"iterations": (1, 2), "scales": (1.0,)}, ValueError),
    ],
)
def test_bad_counts_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^iterations must "):
        plan_levels((384, 512), **options)
