"""Several styles, parts of them and regions: mixed by their moments, weighed on every layer's grid."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from narrow import transfer
from neural_style import Style
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.regions import Part, on_grids
from neural_style.losses.sums import Moments
from textured import BLUE, CONTENT, LAYERS, RED, WEST


def objective(styles: Any, **options: Any) -> Objective:
    return transfer(**options).objective(CONTENT, styles)


def test_a_mask_of_ones_is_ones_on_every_grid_and_nothing_leaves_zero_to_one() -> None:
    for padding in ("reflect", "replicate", "zeros", "circular"):
        ones = on_grids(torch.ones(1, 1, 64, 80), LAYERS, padding)
        assert {name: tuple(grid.shape[-2:]) for name, grid in ones.items()} == {
            name: (64 >> number, 80 >> number) for number, name in enumerate(LAYERS)
        }
        for grid in ones.values():
            torch.testing.assert_close(grid, torch.ones_like(grid))
        part = on_grids(WEST.reshape(1, 1, 96, 112), LAYERS, padding)
        for grid in part.values():
            assert 0 <= grid.amin() <= grid.amax() <= 1 + 1e-6
            assert grid.mean() == pytest.approx(0.5, abs=0.02)


def test_a_mask_spreads_as_far_as_the_filters_see_and_a_circular_one_across_the_border() -> None:
    dot, edge = torch.zeros(1, 1, 65, 65), torch.zeros(1, 1, 32, 32)
    dot[..., 32, 32], edge[..., 0] = 1, 1
    seen = on_grids(dot, ["conv1_1", "conv1_2"], "reflect")
    assert seen["conv1_1"][0, 0, 31:34, 31:34].tolist() == [[pytest.approx(1 / 9)] * 3] * 3
    assert (seen["conv1_2"] > 0).sum() == 25
    assert on_grids(edge, ["conv1_1"], "circular")["conv1_1"][0, 0, 5, 31] == pytest.approx(1 / 3)


def test_two_styles_are_asked_for_in_their_shares() -> None:
    mixed, red, blue = objective([RED, BLUE]), objective(RED), objective(BLUE)
    for part, moments in mixed.target_moments.items():
        grams = [single.target_moments[part].normalized_gram for single in (red, blue)]
        torch.testing.assert_close(moments.normalized_gram, (grams[0] + grams[1]) / 2)
    heavier = transfer().objective(CONTENT, [Style(RED, weight=3), BLUE])
    part = Part("relu2_1", 0)
    grams = [single.target_moments[part].normalized_gram for single in (red, blue)]
    torch.testing.assert_close(heavier.target_moments[part].normalized_gram, (3 * grams[0] + grams[1]) / 4)


def test_a_style_gives_the_layers_that_it_is_asked_for() -> None:
    split = objective([Style(RED, layers=["relu1_1", "relu2_1"]), Style(BLUE, layers=LAYERS[2:])])
    red, blue = objective(RED), objective(BLUE)
    for name, own in zip(LAYERS, [red, red, blue, blue, blue], strict=True):
        part = Part(name, 0)
        assert torch.equal(split.target_moments[part].second, own.target_moments[part].second)
    few = objective(Style(RED, layers="relu1_1"))
    assert list(few.target_moments) == [Part("relu1_1", 0)]
    few.value_and_grad(torch.rand(1, 3, 96, 112))
    assert [name for name in few.terms_by_name if name.startswith("style ")] == ["style relu1_1"]


def test_a_mask_of_the_style_leaves_the_rest_of_it_out() -> None:
    both = torch.cat([RED, BLUE], dim=2)
    left = torch.zeros(96, 192)
    left[:, :80] = 1
    part = objective(Style(both, mask=left)).target_moments[Part("relu1_1", 0)]
    red, blue = (objective(style).target_moments[Part("relu1_1", 0)] for style in (RED, BLUE))

    def apart(one: Moments, other: Moments) -> float:
        return float((one.normalized_gram - other.normalized_gram).norm())

    assert apart(part, red) < 0.25 * apart(part, blue)


def test_regions_that_are_the_same_are_one_and_their_styles_mixed() -> None:
    mixed = objective([Style(RED, region=WEST), Style(BLUE, region=WEST.clone()), Style(RED)])
    assert sorted({part.region for part in mixed.target_moments}) == [0, 1]
    assert mixed.guidance.serving(Part("relu1_1", 0)) == [0, 1]


def test_a_region_weighs_as_much_as_its_share_of_the_picture() -> None:
    image = torch.rand(1, 3, 96, 112, generator=torch.Generator().manual_seed(7))
    whole = objective(RED)
    whole.value_and_grad(image)
    parts = objective([Style(RED, region=WEST), Style(RED, region=1 - WEST)])
    parts.value_and_grad(image)
    alone, split = (one.terms_by_name["style relu1_1"].item() for one in (whole, parts))
    assert split == pytest.approx(alone, rel=0.1)


@pytest.mark.parametrize("padding", ["reflect", "circular"])
@pytest.mark.parametrize("statistic", ["gram", "wasserstein", "mean-deviation"])
def test_every_combination_is_exact_in_tiles(padding: str, statistic: str) -> None:
    """Two styles, a soft region, a part of a style, a scale and layers, at once and in tiles."""
    soft = torch.linspace(0, 1, 112).expand(96, 112)
    upper = torch.zeros(96, 96)
    upper[:60] = 1
    styles = [
        Style(RED, 2.0, 1.5, region=soft, mask=upper),
        Style(BLUE, layers=["relu2_1", "relu4_1"], region=soft),
        Style(BLUE, 0.5, region=1 - soft),
    ]
    image = torch.rand(1, 3, 96, 112, generator=torch.Generator().manual_seed(8))
    results = []
    for tile in (None, 48):
        made = objective(styles, padding=padding, statistic=statistic, tile_size=tile)
        assert len(made.grid.tiles) == (1 if tile is None else 6)
        results.append(made.value_and_grad(image))
    (loss, gradient), (again, tiled) = results
    assert again.item() == pytest.approx(loss.item(), rel=1e-4)
    # With fewer positions than channels the slope of a root makes rounding larger.
    assert (tiled - gradient).norm() < (5e-3 if statistic == "wasserstein" else 1e-3) * gradient.norm()
    assert gradient.norm() > 0
