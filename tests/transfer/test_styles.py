"""Several styles, each with its share, its strokes' size, its layers and its place in the picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tinted
from narrow import transfer
from neural_style import Style
from neural_style.transfer.inputs import load_inputs
from neural_style.transfer.levels import Level
from neural_style.transfer.styles import StyleSource, load_styles, matched_to_styles
from textured import BLUE, CONTENT, LAYERS, RED, WEST


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


OTHER = tinted.picture(80, 96, 5, (1.0, 0.4, 0.3))


def two_styles() -> list[Style]:
    """Two styles, in a soft region and the rest, one of them in part, larger and for some layers only."""
    soft = torch.linspace(1, 0, 80).expand(64, 80)
    part = torch.zeros(80, 96)
    part[:, :70] = 1
    layers = ["relu2_1", "relu3_1", "relu4_1"]
    return [Style(tinted.STYLE, region=soft), Style(OTHER, 2.0, 1.3, layers, region=1 - soft, mask=part)]


def in_two_levels(styles: Sequence[Style], **options: Any) -> Tensor:
    chosen: dict[str, Any] = {"iterations": (2, 2), "levels": 2, "init": options.pop("init", OTHER)}
    return tinted.made(list(styles), run=chosen, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"strength": 0.3},
        {"color": "match"},
        {"color": "content"},
        {"statistic": "wasserstein"},
        {"padding": "circular"},
        {"preset": "paper"},
        {"init": "noise"},
        {"init": {"content": 1, "colored-noise": 1}},
    ],
    ids=str,
)
def test_every_option_works_in_tiles_with_masks_and_two_styles(options: dict[str, Any]) -> None:
    whole, tiled = (in_two_levels(two_styles(), tile_size=tile, **options) for tile in (None, 32))
    # What differs in the last digit is made larger from step to step.
    assert (tiled - whole).abs().mean() < 2e-3
    assert (whole - in_two_levels(two_styles())).abs().mean() > 1e-4
    assert (whole - in_two_levels(two_styles()[:1], **options)).abs().mean() > 1e-4


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
