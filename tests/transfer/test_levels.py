"""Which sizes, how many iterations at each, and what a level starts with."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import transfer
from neural_style import Style, StyleTransfer
from neural_style.images.resizing import resize
from neural_style.transfer.levels import (
    ITERATIONS,
    PREVIEW_COARSER,
    PREVIEW_FINEST,
    SMALLEST,
    Level,
    Sizes,
    plan_levels,
)
from small import CONTENT, STYLE, picture, progress_of, run


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


def test_a_picture_that_tiles_the_plane_has_sides_on_the_grid_and_a_notice_says_so() -> None:
    maker = transfer(padding="circular")
    with pytest.warns(UserWarning, match="46×64 became 48×64"):
        assert run(maker, size=64, iterations=1).shape == (3, 48, 64)
    with pytest.warns(UserWarning, match="46×64 became 48×64"):
        estimated = maker.estimate((46, 64), iterations=1)
    assert estimated.bytes == maker.estimate((48, 64), iterations=1).bytes
    plan = Sizes(maker.settings).plan((208, 304), None, 3)
    assert [level.size for level in plan] == [(48, 80), (96, 160), (208, 304)]


def starts_of_two_levels(maker: StyleTransfer, **options: Any) -> list[Tensor]:
    """Return the pictures that two levels begin with, of one evaluation each."""
    kept: list[Tensor] = []
    chosen = {"levels": None, "iterations": [1, 1], **options}
    run(maker, callback=lambda progress: kept.append(progress.image.clone()), **chosen)
    return kept


def test_a_finer_level_starts_with_what_the_coarser_changed_and_the_contents_own_detail() -> None:
    content, maker = CONTENT.unsqueeze(0), transfer(match_colors=False)
    first, second = starts_of_two_levels(maker)
    coarse = resize(content, (20, 28))
    torch.testing.assert_close(first, coarse)
    torch.testing.assert_close(second, content)  # nothing was changed, and nothing of the content is lost
    _, second = starts_of_two_levels(maker, init=torch.zeros(1, 3, 40, 56))
    torch.testing.assert_close(second, resize(-coarse, (40, 56), clamp=False) + content)


@pytest.mark.parametrize("options", [{"preset": "authors"}, {"content_weight": 0}])
def test_the_enlarged_picture_alone_goes_on_where_the_content_has_no_say(options: dict[str, Any]) -> None:
    first, second = starts_of_two_levels(transfer(**options), init=picture(20, 28, seed=5).unsqueeze(0))
    torch.testing.assert_close(second, resize(first, (40, 56), clamp=False))


@pytest.mark.parametrize(
    ("options", "style", "levels", "deepest"),
    [
        ({}, STYLE, 2, ["relu5_1", "relu4_1"]),
        ({}, STYLE, 1, ["relu5_1"]),
        ({"style_layers": ["relu2_1", "relu5_1"]}, STYLE, 2, ["relu5_1", "relu5_1"]),  # as they were asked for
        ({}, Style(STYLE, layers="relu5_1"), 2, ["relu5_1", "relu5_1"]),
        ({"preset": "authors"}, STYLE, 2, ["relu5_1", "relu5_1"]),
    ],
)
def test_the_deepest_style_layer_is_left_to_the_coarser_of_several_levels(
    options: dict[str, Any], style: Any, levels: int, deepest: list[str]
) -> None:
    seen = progress_of(transfer(**options), style=style, levels=levels, iterations=1)
    found = [max(name for name in progress.terms if name.startswith("style relu")) for progress in seen]
    assert found == [f"style {name}" for name in deepest]


def test_no_layer_is_computed_that_is_left_out() -> None:
    sizes: dict[str, set[tuple[int, ...]]] = {"conv4_2": set(), "conv4_3": set(), "conv5_1": set()}
    maker = transfer()
    for name, seen in sizes.items():

        def watch(_module: object, inputs: tuple[Tensor, ...], _out: object, seen: set[Any] = seen) -> None:
            seen.add(tuple(inputs[0].shape[-2:]))

        maker.network.network.get_submodule(name).register_forward_hook(watch)
    maker.run(CONTENT, STYLE, size=56, levels=2, iterations=2)  # 20×28 and 40×56; in eighths and sixteenths
    assert (5, 7) in sizes["conv4_2"]
    assert max(max(size) for size in sizes["conv4_3"]) == 3
    assert sizes["conv5_1"] == {(1, 1)}


def test_a_preview_is_at_most_256_pixels_with_few_iterations_unless_the_caller_has_said_how_many() -> None:
    shallow = transfer(style_layers=["relu1_1"], content_layers=["relu1_1"])
    chosen: dict[str, Any] = {"levels": None, "iterations": None, "preview": True}
    steps = progress_of(shallow, content=picture(400, 320), size=384, **chosen)
    assert steps[-1].size == (256, 205)
    firsts = [(step.level, step.steps) for step in steps if step.step == 1]
    assert firsts == [(1, PREVIEW_COARSER), (2, PREVIEW_FINEST)]
    assert [step.steps for step in progress_of(transfer(), preview=True)] == [3, 3, 3]
    steps = progress_of(transfer(preset="paper"), **chosen)
    assert [step.steps for step in steps if step.step == 1] == [PREVIEW_COARSER]
