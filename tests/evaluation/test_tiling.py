"""Tile by tile the numbers are the whole's: to rounding in float64, and not where a halo is too small."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neural_style.evaluation.objective import Objective
from neural_style.evaluation.share import Stripes
from neural_style.evaluation.tiles import TileGeometry
from neural_style.losses.sums import Discrepancy, Moments
from neural_style.network.features import PADDINGS, Padding
from neural_style.optimizers.lbfgs import LBFGS
from neural_style.transfer.presets import PRESETS, choose_settings
from thread_ranks import ThreadRanks, on_ranks
from tiled import Case, both, difference, network_of, picture

DEEP_CASES = [
    (Case((233, 181), 64, "zeros", "max"), True),
    (Case((48, 411), 32, "reflect", "average"), False),
    (Case((96, 320), 128, "circular", "average"), True),
]
SMALL = Case((112, 240), 64, "zeros", "max")
SHALLOW: dict[str, Any] = {"content_layers": ["relu2_2"], "style_layers": ["relu1_1", "relu2_1"]}


@settings(max_examples=20, derandomize=True, deadline=None, database=None)
@given(
    height=st.integers(16, 120),
    width=st.integers(16, 120),
    tile=st.integers(1, 6).map(lambda positions: 16 * positions),
    padding=st.sampled_from(PADDINGS),
    keep_targets=st.booleans(),
    world=st.integers(1, 4),
)
def test_loss_and_gradient_are_those_of_the_whole(
    height: int, width: int, tile: int, padding: Padding, keep_targets: bool, world: int
) -> None:
    """A shallow network, whose halo is 16 pixels, in tiles and over ranks."""
    if padding == "circular":
        height, width = height // 16 * 16, width // 16 * 16
    whole, tiled, image = both(
        Case((height, width), tile, padding, "average"), style_size=(40, 56), variation_weight=0.5, **SHALLOW
    )
    expected_loss, expected = whole.value_and_grad(image)

    def evaluate(ranks: ThreadRanks) -> tuple[Tensor, Tensor]:
        if ranks.world == 1:
            return tiled(keep_targets=keep_targets).value_and_grad(image)
        share = Stripes(ranks, whole.geometry)
        rows = share.rows(height)
        objective = tiled(share=share, keep_targets=keep_targets)
        loss, gradient = objective.value_and_grad(image[..., rows.start : rows.stop, :])
        return loss, ranks.gathered(gradient, share.bounds(height))

    assert whole.geometry.halo == 16
    for loss, gradient in on_ranks(whole.geometry.stripes_in(height, world), evaluate):
        assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
        assert difference(gradient, expected) < 1e-11


@pytest.mark.parametrize(("case", "keep_targets"), DEEP_CASES, ids=str)
def test_loss_and_gradient_of_the_whole_network_are_those_of_the_whole(case: Case, keep_targets: bool) -> None:
    whole, tiled, image = both(case)
    expected_loss, expected = whole.value_and_grad(image)
    objective = tiled(keep_targets=keep_targets)
    loss, gradient = objective.value_and_grad(image)
    assert len(objective.grid.tiles) > 2
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    assert difference(gradient, expected) < 1e-12
    for name, value in whole.terms_by_name.items():
        assert objective.terms_by_name[name].item() == pytest.approx(value.item(), rel=1e-12), name


def with_halo_of(monkeypatch: pytest.MonkeyPatch, halo: int) -> None:
    """Let every tile read a halo of so many pixels."""
    monkeypatch.setattr(TileGeometry, "of", lambda _deepest, _padding="zeros": TileGeometry(halo))


def test_a_halo_of_64_pixels_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tiled, image = both(Case((200, 300), 96, "reflect", "average"))
    _, expected = whole.value_and_grad(image)
    assert whole.geometry.halo == 80
    with_halo_of(monkeypatch, 64)
    assert difference(tiled().value_and_grad(image)[1], expected) > 1e-10


@pytest.mark.parametrize("preset", PRESETS)
def test_every_presets_losses_are_exact(preset: str) -> None:
    whole, tiled, image = both(Case((144, 176), 96, "zeros", "average"), preset, variation_weight=0.5)
    loss, gradient = tiled().value_and_grad(image)
    expected_loss, expected = whole.value_and_grad(image)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    assert difference(gradient, expected) < 1e-12


@pytest.mark.parametrize("name", ["covariance", "mean"])
def test_any_statistic_of_the_moments_is_exact(name: str) -> None:
    whole, _, image = both(SMALL)

    def statistic(moments: Moments, target: Moments) -> Tensor:
        distance: Tensor = getattr(moments, name) - getattr(target, name)
        return distance.square().sum().sqrt()

    def content(discrepancy: Discrepancy) -> Tensor:  # not even proportional to the sum
        return (discrepancy.squares / discrepancy.count + 1e-3).sqrt()

    terms = replace(whole.terms, style_loss=statistic, content_loss=content)
    style = picture((192, 240), 2)
    results = [
        Objective(whole.network, picture(SMALL.size, 1), style, terms, tile=tile).value_and_grad(image)
        for tile in (None, SMALL.tile)
    ]
    assert results[1][0].item() == pytest.approx(results[0][0].item(), rel=1e-12)
    assert difference(results[1][1], results[0][1]) < 1e-12


@pytest.mark.parametrize("options", [{"content_weight": 0}, {"style_weight": 0}, {"variation_weight": 0}])
def test_parts_of_no_weight_are_left_out_of_tiles_too(options: dict[str, Any]) -> None:
    whole, tiled, image = both(SMALL, **SHALLOW, **options)
    _, expected = whole.value_and_grad(image)
    assert difference(tiled().value_and_grad(image)[1], expected) < 1e-12


def test_layers_deeper_than_the_default_widen_halo_and_grid() -> None:
    case = Case((96, 288), 96, "reflect", "average")
    whole, tiled, image = both(case, style_layers=["relu1_1", "pool5"])
    objective = tiled()
    assert all(span.start % 32 == 0 for span in objective.grid.columns)
    assert max(span.start - span.first for span in objective.grid.columns) == 128  # 118, in positions of 32
    assert difference(objective.value_and_grad(image)[1], whole.value_and_grad(image)[1]) < 1e-12


@pytest.mark.slow
def test_the_real_networks_float32_gradient_agrees_to_1e_4() -> None:
    default = choose_settings("default", self_taught=False)
    network = network_of(default, width=1.0).float()
    content, style, image = (picture((208, 320), seed).float() for seed in (1, 2, 3))
    whole, tiled = (Objective(network, content, style, default, tile=tile) for tile in (None, 160))
    expected_loss, expected = whole.value_and_grad(image)
    loss, gradient = tiled.value_and_grad(image)
    assert (loss.dtype, gradient.dtype) == (torch.float32, torch.float32)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-4)
    assert difference(gradient, expected) < 1e-4


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_network_is_tiled_as_exactly_as_it_computes(dtype: torch.dtype) -> None:
    default = choose_settings("default", self_taught=False)
    network = network_of(default).float()
    network.set_precision(dtype)
    content, style, image = (picture((160, 224), seed).float() for seed in (1, 2, 3))
    whole, tiled = (Objective(network, content, style, default, tile=tile) for tile in (None, 112))
    expected_loss, expected = whole.value_and_grad(image)
    loss, gradient = tiled.value_and_grad(image)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-3)
    assert difference(gradient, expected) < 2e-2


def test_features_are_never_held_for_more_than_one_tile_and_the_last_is_run_once_less() -> None:
    _, tiled, image = both(SMALL)
    objective = tiled(keep_targets=False)
    largest = calls = 0

    def watch(_module: torch.nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        nonlocal largest, calls
        largest, calls = max(largest, inputs[0][0, 0].numel()), calls + 1

    handle = objective.network.network[0].register_forward_hook(watch)
    objective.value_and_grad(image)
    handle.remove()
    assert largest <= 112 * (64 + 160)
    assert calls == 2 * (2 * len(objective.grid.tiles) - 1)  # the content's features are computed anew


def seam(image: Tensor, borders: set[int], period: int = 16) -> float:
    """Return the mean absolute difference of neighbours across some columns, over that across the others.

    Both at the same place in the poolings' grid, which shows in every picture that follows a gradient.
    """
    steps: list[float] = (image[..., 1:] - image[..., :-1]).abs().mean((0, 1, 2)).tolist()
    places = range(2 * period, image.shape[-1] - period, period)
    across = [steps[place - 1] for place in places if place in borders]
    inside = [steps[place - 1] for place in places if place not in borders]
    return sum(across) / len(across) * len(inside) / sum(inside)


def test_no_seam_shows_where_tiles_meet_and_one_does_where_tiles_do_not_see_beyond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {"content_weight": 0, "variation_weight": 0, "statistic": "gram"}
    _, tiled, image = both(Case((64, 512), 64, "zeros", "average"), **options)

    def drawn(objective: Objective) -> float:
        result = LBFGS().minimize(image, objective.value_and_grad, 6)
        return seam(result - image, {span.start for span in objective.grid.columns})

    assert drawn(tiled()) == pytest.approx(1, abs=0.1)
    with_halo_of(monkeypatch, 0)
    assert abs(drawn(tiled()) - 1) > 0.3


def test_a_tile_that_does_not_lie_on_the_networks_grid_is_refused() -> None:
    _, tiled, _ = both(SMALL, style_layers=["pool5"])
    with pytest.raises(ValueError, match=r"^tile_size must be a multiple of 32"):
        tiled(tile=48)
