"""Several styles, parts of them and regions: mixed by their moments, weighed on every layer's grid."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import Style, StyleTransfer
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.regions import Part, on_grids
from neural_style.losses.sums import Moments
from neural_style.transfer.inputs import load_inputs
from neural_style.transfer.levels import Level
from neural_style.transfer.styles import StyleSource, load_styles, matched_to_styles

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = torch.rand(3, 96, 112, generator=torch.Generator().manual_seed(1))
WEST = (torch.arange(112) < 56).float().expand(96, 112)


def stripes(down: int, across: int, color: tuple[float, float, float], size: int = 96) -> Tensor:
    """A texture of its own: waves of one colour, so many down and across."""
    y, x = torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")
    wave = 0.5 + 0.5 * torch.sin(2 * torch.pi * (down * y + across * x))
    return torch.tensor(color).view(3, 1, 1) * wave


RED, BLUE = stripes(3, 9, (0.9, 0.3, 0.1)), stripes(11, 1, (0.1, 0.4, 0.9))


def transfer(**options: Any) -> StyleTransfer:
    chosen = {"weights": RANDOM, "device": "cpu", "precision": "float32", **options}
    return StyleTransfer(**chosen)


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


def test_weighed_moments_are_sums_over_positions_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    moments = Moments.of(features, torch.tensor([[[[0.25, 1.0]]]]))
    assert moments.count == 1.25
    assert moments.first.tolist() == [[2.25, 4.75]]
    torch.testing.assert_close(moments.second, torch.tensor([[[4.25, 8.75], [8.75, 18.25]]]))


def test_the_gradient_of_weighed_moments_is_that_of_finite_differences() -> None:
    features = torch.randn(1, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    weights = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))

    def loss(values: Tensor) -> Tensor:
        moments = Moments.of(values, weights)
        return moments.second.square().sum() + moments.first.square().sum()

    assert torch.autograd.gradcheck(loss, features.requires_grad_(True))


def test_mixed_moments_are_those_of_a_picture_with_so_much_of_each() -> None:
    one, other = (torch.rand(1, 4, 5, 5, generator=torch.Generator().manual_seed(n)) for n in (5, 6))
    mixed = Moments.mixed([Moments.of(one), Moments.of(other)], [3, 1])
    both = Moments.of(torch.cat([one, one, one, other], dim=3))
    torch.testing.assert_close(mixed.normalized_gram, both.normalized_gram)
    torch.testing.assert_close(mixed.mean, both.mean)
    alone = Moments.of(one)
    assert Moments.mixed([alone], [7]) is alone


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


def test_a_layer_that_sees_more_than_a_small_style_picture_is_left_out_for_it() -> None:
    content, painting = torch.zeros(1, 3, 192, 256), torch.zeros(3, 300, 256)

    def served(
        size: tuple[int, int], *, options: Any = None, without: frozenset[str] = frozenset(), **of_style: Any
    ) -> list[str] | None:
        maker = transfer(**(options or {}))
        inputs = load_inputs(content, Style(painting, **of_style), maker.settings, content.device)
        (guide,) = inputs.guides(Level(size, 1, without))
        return None if guide.layers is None else sorted(guide.layers)

    assert served((192, 256)) == served((96, 128)) == list(LAYERS)  # no smaller than the level
    assert served((192, 256), scale=0.5) == list(LAYERS[:-1])  # of 128 pixels: relu5_1 sees 156, relu4_1 68
    assert served((96, 128), scale=0.5) == list(LAYERS[:-2])
    assert served((768, 1024)) == list(LAYERS)  # of 300 pixels
    assert served((192, 256), scale=0.8) == list(LAYERS)
    without = frozenset(["relu5_1"])
    assert served((192, 256), without=without) == list(LAYERS[:-1])
    assert served((192, 256), layers=["relu5_1"], without=without) == ["relu5_1"]
    assert served((192, 256), scale=0.5, layers="relu5_1") == ["relu5_1"]
    for options in ({"style_layers": LAYERS}, {"preset": "authors"}):  # as they were asked for
        assert served((192, 256), scale=0.5, options=options) is None


def test_a_larger_scale_has_bolder_strokes() -> None:
    roughness = []
    for scale in (0.5, 1.0, 2.0):
        image = transfer(content_weight=0).run(
            torch.full((3, 96, 96), 0.5), Style(RED, scale=scale), size=None, init="noise", iterations=40
        )
        strokes = torch.nn.functional.avg_pool2d(image, 4)  # without the grain that is left of the noise
        roughness.append((strokes.diff().square().mean() / strokes.var()).item())
    assert roughness == sorted(roughness, reverse=True)


def distance(image: Tensor, style: Tensor) -> float:
    """The default's style distance of a picture of any size."""
    settings = transfer(content_weight=0, variation_weight=0)
    return settings.objective(image, style).value_and_grad(image.unsqueeze(0))[0].item()


def test_each_region_is_nearer_to_its_own_style() -> None:
    styles = [Style(RED, region=WEST), Style(BLUE, region=1 - WEST)]
    image = transfer(content_weight=0.02).run(CONTENT, styles, size=None, iterations=30, levels=1)
    west, east = image[..., :48], image[..., 64:]
    assert 3 * distance(west, RED) < distance(west, BLUE)
    assert 3 * distance(east, BLUE) < distance(east, RED)


def test_the_border_of_two_regions_shows_no_line() -> None:
    """Gradient energy on the border, relative to the rest, is what it is without regions."""
    ratios = []
    for styles in ([Style(RED)], [Style(RED, region=WEST), Style(RED, region=1 - WEST)]):
        image = transfer(content_weight=0.02).run(CONTENT, styles, size=None, iterations=30, levels=1)
        energy = (image.diff(dim=2)[:, :-1].square() + image.diff(dim=1)[..., :-1].square()).mean((0, 1))
        inside = torch.cat([energy[8:48], energy[64:104]])
        ratios.append((energy[52:60].mean() / inside.mean()).item())
    assert ratios[1] == pytest.approx(ratios[0], rel=0.1)


@pytest.mark.parametrize("options", [{}, {"strength": 1}, {"color": "content"}, {"padding": "circular"}])
def test_where_no_style_is_the_content_stays(options: dict[str, Any]) -> None:
    soft = WEST.clone()
    soft[:, 50:62] = torch.linspace(1, 0, 12)
    image = transfer(**options).run(CONTENT, Style(RED, region=soft), size=None, iterations=5, levels=1)
    torch.testing.assert_close(image[..., 64:], CONTENT[..., 64:])
    assert (image - CONTENT)[..., :48].abs().mean() > 0.003
    both = [Style(RED, region=soft), Style(BLUE)]  # the second one is everywhere
    covered = transfer(**options).run(CONTENT, both, size=None, iterations=5, levels=1)
    assert (covered - CONTENT)[..., 64:].abs().mean() > 0.003


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


def test_content_colours_are_matched_region_by_region() -> None:
    content = CONTENT.unsqueeze(0)
    styles = load_styles([Style(RED, region=WEST), Style(BLUE, region=1 - WEST)], content, style_layers=LAYERS)
    matched = matched_to_styles(content, styles)
    west, east = matched[..., :50].mean((0, 2, 3)), matched[..., 62:].mean((0, 2, 3))
    torch.testing.assert_close(west, RED.mean((1, 2)), atol=0.05, rtol=0)
    torch.testing.assert_close(east, BLUE.mean((1, 2)), atol=0.05, rtol=0)
    only = load_styles(Style(RED, region=WEST), content, style_layers=LAYERS)
    assert torch.equal(matched_to_styles(content, only)[..., 62:], content[..., 62:])


def test_between_the_colours_of_two_regions_no_line_is_left_where_the_photograph_has_none() -> None:
    sky = 0.5 + 0.1 * torch.linspace(0, 1, 256).expand(1, 3, 96, 256)
    west = (torch.arange(256) < 128).float().expand(96, 256)
    styles = load_styles([Style(RED, region=west), Style(BLUE, region=1 - west)], sky, style_layers=LAYERS)
    steps = matched_to_styles(sky, styles).diff(dim=3).abs().amax((0, 1, 2))
    assert steps.amax() < 0.25 * (RED.mean((1, 2)) - BLUE.mean((1, 2))).abs().amax()


@pytest.mark.parametrize(
    ("argument", "options", "error"),
    [
        ("style", {"style": []}, ValueError),
        ("style_weights", {"style": [RED, BLUE], "style_weights": [1]}, ValueError),
        ("style_weights", {"style": [RED, BLUE], "style_weights": [0, 0]}, ValueError),
        ("style_weights", {"style_weights": np.array(1.0)}, TypeError),
        ("style's weight", {"style_weights": [-1]}, ValueError),
        ("the styles' weights", {"style": Style(RED, weight=0)}, ValueError),
        ("style's scale", {"style": Style(RED, scale=0)}, ValueError),
        ("style 2's layers", {"style": [RED, Style(BLUE, layers="relu1_2")]}, ValueError),
        ("style's layers", {"style": Style(RED, layers=["relu9"])}, ValueError),
        ("style 2", {"style": [RED, "nowhere.png"]}, FileNotFoundError),
        ("style 2", {"style": [RED, torch.rand(3, 8, 8)]}, ValueError),
        ("regions", {"regions": [WEST, WEST]}, ValueError),
        ("regions", {"regions": WEST.numpy()}, TypeError),
        ("style's region", {"regions": ["nowhere.png"]}, FileNotFoundError),
    ],
)
def test_invalid_styles_and_regions_are_refused_before_any_work(
    argument: str, options: dict[str, Any], error: type[Exception]
) -> None:
    chosen = {"style": RED, **options}
    with pytest.raises(error, match=f"^{re.escape(argument)} must"):
        transfer().run(CONTENT, chosen.pop("style"), **chosen)


def test_weights_that_do_nothing_are_reported() -> None:
    content = CONTENT.unsqueeze(0)
    apart: list[StyleSource] = [Style(RED, region=WEST), BLUE]
    alone: list[StyleSource] = [RED]
    for styles, weights in ((alone, [5]), (apart, [1, 2])):
        with pytest.warns(UserWarning, match=r"^style_weights "):
            load_styles(styles, content, style_layers=LAYERS, style_weights=weights)
    (left,) = load_styles(apart, content, style_layers=LAYERS, style_weights=[1, 0])  # warnings are errors
    assert left.region is not None
