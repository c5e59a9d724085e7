"""Tile by tile the numbers are the whole's: to rounding in float64, and not where a halo is too small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from neural_style.evaluation import objective as objective_module
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.tiles import Grid, grid_of
from neural_style.losses.sums import Discrepancy, Moments
from neural_style.network.features import Padding, Pooling, VGG19Features
from neural_style.network.source import random_weights
from neural_style.optimizers import LBFGS
from neural_style.transfer.presets import PRESETS, Settings, choose_settings


@dataclass(frozen=True)
class Case:
    """A picture, and how it is cut."""

    size: tuple[int, int]
    tile: int
    padding: Padding
    pooling: Pooling

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]} in {self.tile}, {self.padding}, {self.pooling}"


CASES = [
    Case((200, 300), 96, "reflect", "average"),
    Case((233, 181), 64, "zeros", "max"),
    Case((170, 333), 112, "replicate", "average"),
    Case((48, 411), 32, "reflect", "max"),
    Case((208, 256), 96, "circular", "max"),
    Case((96, 320), 128, "circular", "average"),
]


SMALL = Case((112, 240), 64, "zeros", "max")

FEW = ((1, True), (3, False), (5, True))  # the cases, and whether targets are kept, that are not slow


def picture(size: tuple[int, int], seed: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network_of(settings: Settings, width: float = 0.25) -> VGG19Features:
    return VGG19Features(
        random_weights(width=width, deepest=settings.layers[-1]),
        settings.layers,
        pooling=settings.pooling,  # type: ignore[arg-type]
        padding=settings.padding,  # type: ignore[arg-type]
    ).double()


def both(
    case: Case, preset: str = "default", **options: object
) -> tuple[Objective, Callable[..., Objective], Tensor]:
    """Return a case's objective as a whole, what makes its tiled ones, and a picture to evaluate."""
    options = {"padding": case.padding, "pooling": case.pooling, **options}
    settings = choose_settings(preset, self_taught=False, **options)
    network, content, style = network_of(settings), picture(case.size, 1), picture((192, 240), 2)

    def tiled(**choices: object) -> Objective:
        arguments = {"tile": case.tile, **choices}
        return Objective(network, content, style, settings.terms, **arguments)  # type: ignore[arg-type]

    return tiled(tile=None), tiled, picture(case.size, 3)


def difference(one: Tensor, other: Tensor) -> float:
    """Return the relative difference of two gradients, a number."""
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize(
    ("case", "keep_targets"),
    [
        pytest.param(case, keep, marks=() if (number, keep) in FEW else pytest.mark.slow, id=f"{case}, {keep}")
        for number, case in enumerate(CASES)
        for keep in (True, False)
    ],
)
def test_loss_and_gradient_are_those_of_the_whole(case: Case, keep_targets: bool) -> None:
    whole, tiled, image = both(case)
    expected_loss, expected = whole.value_and_grad(image)
    objective = tiled(keep_targets=keep_targets)
    loss, gradient = objective.value_and_grad(image)
    assert len(objective.grid.tiles) > 2
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    assert difference(gradient, expected) < 1e-12
    for name, value in whole.terms_by_name.items():
        assert objective.terms_by_name[name].item() == pytest.approx(value.item(), rel=1e-12), name


def test_a_halo_of_64_pixels_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tiled, image = both(CASES[0])
    _, expected = whole.value_and_grad(image)

    def too_small(size: tuple[int, int], tile: int | None, *, halo: int, **options: object) -> Grid:
        assert halo == 80
        return grid_of(size, tile, halo=64, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(objective_module, "grid_of", too_small)
    _, gradient = tiled().value_and_grad(image)
    assert difference(gradient, expected) > 1e-10


@pytest.mark.parametrize("preset", PRESETS)
def test_every_presets_losses_are_exact(preset: str) -> None:
    whole, tiled, image = both(Case((144, 176), 96, "zeros", "average"), preset, variation_weight=0.5)
    loss, gradient = tiled().value_and_grad(image)
    expected_loss, expected = whole.value_and_grad(image)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    assert difference(gradient, expected) < 1e-12


@pytest.mark.parametrize("name", ["covariance", "mean"])
def test_any_statistic_of_the_moments_is_exact(name: str) -> None:
    case = SMALL
    whole, _, image = both(case)

    def statistic(moments: Moments, target: Moments) -> Tensor:
        distance: Tensor = getattr(moments, name) - getattr(target, name)
        return distance.square().sum().sqrt()

    def content(discrepancy: Discrepancy) -> Tensor:  # not even proportional to the sum
        return (discrepancy.squares / discrepancy.count + 1e-3).sqrt()

    terms = replace(whole.terms, style_loss=statistic, content_loss=content)
    style = picture((192, 240), 2)
    results = [
        Objective(whole.network, picture(case.size, 1), style, terms, tile=tile).value_and_grad(image)
        for tile in (None, case.tile)
    ]
    assert results[1][0].item() == pytest.approx(results[0][0].item(), rel=1e-12)
    assert difference(results[1][1], results[0][1]) < 1e-12


@pytest.mark.parametrize("options", [{"content_weight": 0}, {"style_weight": 0}, {"variation_weight": 0}])
def test_parts_of_no_weight_are_left_out_of_tiles_too(options: dict[str, Any]) -> None:
    whole, tiled, image = both(SMALL, **options)
    _, expected = whole.value_and_grad(image)
    assert difference(tiled().value_and_grad(image)[1], expected) < 1e-12


def test_layers_deeper_than_the_default_widen_halo_and_grid() -> None:
    case = Case((96, 288), 96, "reflect", "average")
    whole, tiled, image = both(case, style_layers=["relu1_1", "pool5"])
    objective = tiled()
    assert all(span.start % 32 == 0 for span in objective.grid.columns)
    assert max(span.start - span.first for span in objective.grid.columns) == 128  # 118, in positions of 32
    assert difference(objective.value_and_grad(image)[1], whole.value_and_grad(image)[1]) < 1e-12


def test_a_shallow_network_has_a_narrow_halo() -> None:
    whole, tiled, image = both(
        Case((90, 100), 32, "reflect", "max"), content_weight=0, style_layers=["relu2_1"]
    )
    objective = tiled()
    assert objective.grid.rows[1].start - objective.grid.rows[1].first == 16
    assert difference(objective.value_and_grad(image)[1], whole.value_and_grad(image)[1]) < 1e-12


@pytest.mark.slow
def test_the_real_networks_float32_gradient_agrees_to_1e_4() -> None:
    settings = choose_settings("default", self_taught=False)
    network = network_of(settings, width=1.0).float()
    content, style, image = (picture((208, 320), seed).float() for seed in (1, 2, 3))
    whole, tiled = (Objective(network, content, style, settings.terms, tile=tile) for tile in (None, 160))
    expected_loss, expected = whole.value_and_grad(image)
    loss, gradient = tiled.value_and_grad(image)
    assert (loss.dtype, gradient.dtype) == (torch.float32, torch.float32)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-4)
    assert difference(gradient, expected) < 1e-4


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_network_is_tiled_as_exactly_as_it_computes(dtype: torch.dtype) -> None:
    settings = choose_settings("default", self_taught=False)
    network = network_of(settings).float()
    network.set_precision(dtype)
    content, style, image = (picture((160, 224), seed).float() for seed in (1, 2, 3))
    whole, tiled = (Objective(network, content, style, settings.terms, tile=tile) for tile in (None, 112))
    expected_loss, expected = whole.value_and_grad(image)
    loss, gradient = tiled.value_and_grad(image)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-3)
    assert difference(gradient, expected) < 2e-2


def test_all_along_a_run_of_twenty_steps_tiles_have_the_gradient_of_the_whole() -> None:
    """The pictures of two runs drift apart by 1e-4, since rounding can switch a rectifier."""
    whole, tiled, image = both(Case((96, 176), 96, "reflect", "average"))
    in_tiles, differences = tiled(), []

    def compared(picture: Tensor) -> tuple[Tensor, Tensor]:
        (loss, gradient), (tiles_loss, tiles_gradient) = (
            each.value_and_grad(picture) for each in (whole, in_tiles)
        )
        assert tiles_loss.item() == pytest.approx(loss.item(), rel=1e-12)
        differences.append(difference(tiles_gradient, gradient))
        return loss, gradient

    result = LBFGS().minimize(image, compared, 20)
    assert len(differences) == 20
    assert max(differences) < 1e-11
    assert (result - image).abs().max() > 0.1  # it went somewhere


def test_features_are_never_held_for_more_than_one_tile() -> None:
    _, tiled, image = both(CASES[0])
    objective = tiled(keep_targets=False)
    largest = 0

    def watch(_module: torch.nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        nonlocal largest
        largest = max(largest, inputs[0][0, 0].numel())

    handle = objective.network.network[0].register_forward_hook(watch)
    objective.value_and_grad(image)
    handle.remove()
    assert largest <= (96 + 160) ** 2


def test_the_first_pass_of_the_last_tile_serves_as_its_second() -> None:
    _, tiled, image = both(SMALL)
    objective, calls = tiled(), 0

    def count(*_arguments: object) -> None:
        nonlocal calls
        calls += 1

    handle = objective.network.register_forward_hook(count)
    objective.value_and_grad(image)
    handle.remove()
    assert calls == 2 * len(objective.grid.tiles) - 1


def seam(picture: Tensor, borders: set[int], period: int = 16) -> float:
    """Return the mean absolute difference of neighbours across some columns, over that across the others.

    Both at the same place in the poolings' grid, which shows in every picture that follows a gradient.
    """
    steps: list[float] = (picture[..., 1:] - picture[..., :-1]).abs().mean((0, 1, 2)).tolist()
    places = range(2 * period, picture.shape[-1] - period, period)
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

    def blind(size: tuple[int, int], tile: int | None, *, halo: int, **options: object) -> Grid:
        assert halo > 0
        return grid_of(size, tile, halo=0, **options)  # type: ignore[arg-type]

    exact = drawn(tiled())
    monkeypatch.setattr(objective_module, "grid_of", blind)
    assert exact == pytest.approx(1, abs=0.1)
    assert abs(drawn(tiled()) - 1) > 0.3


@pytest.mark.parametrize(
    ("tile", "error"), [(100, ValueError), (0, ValueError), (-16, ValueError), (96.5, TypeError)]
)
def test_a_tile_that_does_not_lie_on_the_grid_is_refused(tile: Any, error: type[Exception]) -> None:
    _, tiled, _ = both(CASES[0])
    with pytest.raises(error, match=r"^tile_size must"):
        tiled(tile=tile)


def test_a_network_with_a_wider_grid_refuses_tiles_of_16() -> None:
    _, tiled, _ = both(CASES[0], style_layers=["pool5"])
    with pytest.raises(ValueError, match=r"^tile_size must be a multiple of 32; got 48\. The nearest is 64\.$"):
        tiled(tile=48)
