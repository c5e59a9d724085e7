"""Tile by tile the numbers are the whole's, to rounding in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neural_style.evaluation.objective import Objective
from neural_style.evaluation.share import Stripes
from neural_style.network.features import PADDINGS, Padding
from neural_style.transfer.presets import choose_settings
from thread_ranks import ThreadRanks, on_ranks
from tiled import Case, both, difference, network_of, picture

DEEP_CASES = [
    (Case((233, 181), 64, "zeros", "max"), "authors", True),
    (Case((48, 411), 32, "reflect", "average"), "default", False),
    (Case((96, 320), 128, "circular", "average"), "paper", True),
    (Case((144, 176), 96, "reflect", "average"), "self-taught", True),
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
    weightless=st.sampled_from(["nothing", "content_weight", "style_weight", "variation_weight"]),
)
def test_loss_and_gradient_are_those_of_the_whole(
    height: int, width: int, tile: int, padding: Padding, keep_targets: bool, world: int, weightless: str
) -> None:
    """A shallow network, whose halo is 16 pixels, in tiles and over ranks."""
    if padding == "circular":
        height, width = height // 16 * 16, width // 16 * 16
    options = {**SHALLOW, "variation_weight": 0.5, **({} if weightless == "nothing" else {weightless: 0})}
    case = Case((height, width), tile, padding, "average")
    whole, tiled, image = both(case, style_size=(48, 64), **options)
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


@pytest.mark.parametrize(("case", "preset", "keep_targets"), DEEP_CASES, ids=str)
def test_a_presets_loss_and_gradient_are_those_of_the_whole(
    case: Case, preset: str, keep_targets: bool
) -> None:
    whole, tiled, image = both(case, preset, variation_weight=0.5)
    expected_loss, expected = whole.value_and_grad(image)
    objective = tiled(keep_targets=keep_targets)
    loss, gradient = objective.value_and_grad(image)
    assert len(objective.grid.tiles) > 2
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    assert difference(gradient, expected) < 1e-12
    for name, value in whole.terms_by_name.items():
        assert objective.terms_by_name[name].item() == pytest.approx(value.item(), rel=1e-12), name


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


def test_a_style_picture_larger_than_the_result_is_read_in_tiles_of_the_results_size() -> None:
    settings, read = choose_settings("default", **SHALLOW), list[int]()
    network = network_of(settings)
    network.network[0].register_forward_hook(lambda _module, inputs, _output: read.append(max(inputs[0].shape)))
    Objective(network, picture((32, 48), 1), picture((200, 300), 2), settings)
    assert max(read) <= 48 + 2 * 16  # a halo on either side
