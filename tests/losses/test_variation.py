"""Total variation: three witnesses of each kind, what tells the kinds apart, and tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

import reference
from narrow import RANDOM
from neural_style import StyleTransfer, total_variation
from neural_style.evaluation.objective import Objective
from neural_style.losses.sums import Variation
from neural_style.losses.variation import VARIATIONS
from neural_style.network.features import VGG19Features
from neural_style.network.source import random_weights
from neural_style.transfer.presets import choose_settings

KINDS = list(VARIATIONS)


def picture(height: int, width: int, seed: int = 1) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def squares_in_loops(image: np.ndarray, steps: dict[tuple[int, int], float]) -> float:
    """Return the weighted sum over steps (down, across) of the mean squared difference along each."""
    channels, height, width = image.shape
    total = 0.0
    for (down, across), weight in steps.items():
        found = [
            float(image[c, i + down, j + across] - image[c, i, j]) ** 2
            for c in range(channels)
            for i in range(height)
            for j in range(width)
            if i + down < height and 0 <= j + across < width
        ]
        total += weight * sum(found) / max(len(found), 1)
    return total


IN_LOOPS: dict[str, Callable[[np.ndarray], float]] = {
    "squares": lambda image: squares_in_loops(image, {(0, 1): 1.0, (1, 0): 1.0}),
    "nine-point": lambda image: squares_in_loops(
        image, {(0, 1): 0.5, (1, 0): 0.5, (1, 1): 0.25, (1, -1): 0.25}
    ),
    "isotropic": reference.isotropic_variation,
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # 0 1 3 / 2 2 1: across 1 4 0 1, mean 3/2; down 4 1 4, mean 3; falling 4 0, mean 2; rising 1 1, mean 1.
        ("squares", 4.5),
        ("nine-point", 0.75 + 1.5 + 0.5 + 0.25),
        # Lengths √5, √5, 2 / 0, 1, 0, with ε = 0.1: 2.238303, 2.238303, 2.002498 / 0.1, 1.004988, 0.1.
        ("isotropic", (7.684092 - 6 * 0.1) / 6),
    ],
)
def test_each_kind_by_hand(kind: str, expected: float) -> None:
    image = torch.tensor([[[[0.0, 1.0, 3.0], [2.0, 2.0, 1.0]]]], dtype=torch.float64)
    assert total_variation(image, kind).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(5, 7), (1, 6), (6, 1), (1, 1)])
def test_each_kind_is_its_loop(kind: str, size: tuple[int, int]) -> None:
    image = picture(*size)
    assert total_variation(image, kind).item() == pytest.approx(IN_LOOPS[kind](image[0].numpy()), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_autograd_agrees_with_finite_differences(kind: str) -> None:
    assert torch.autograd.gradcheck(
        lambda image: total_variation(image, kind), (picture(4, 5).requires_grad_(),)
    )


@pytest.mark.parametrize(("kind", "expected"), [("squares", 5.0), ("nine-point", 5.0), ("isotropic", 5**0.5)])
def test_a_slope_has_the_square_of_its_steepness_or_the_steepness(kind: str, expected: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(200.0), torch.arange(200.0), indexing="ij")
    slope = (rows + 2 * columns).double().expand(1, 3, -1, -1)
    assert total_variation(slope, kind).item() == pytest.approx(expected, rel=0.05)  # the border, and ε
    assert total_variation(torch.full((1, 3, 8, 8), 0.5), kind).item() == 0


def test_the_kinds_differ_where_they_say() -> None:
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    chequerboard, stripes = ((pattern % 2).double()[None, None] for pattern in (rows + columns, columns))
    rough = {kind: total_variation(chequerboard, kind) / total_variation(stripes, kind) for kind in KINDS}
    assert rough["squares"].item() == pytest.approx(2)
    assert rough["nine-point"].item() == pytest.approx(1)
    step = (columns >= 16).double()[None, None]
    taller = {kind: (total_variation(2 * step, kind) / total_variation(step, kind)).item() for kind in KINDS}
    assert taller["squares"] == pytest.approx(4)
    assert taller["isotropic"] == pytest.approx(2, rel=0.1)  # an edge's height counts once


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_add_up(kind: str) -> None:
    image = picture(9, 11)
    parts = [
        Variation.of(image[..., :5, :7], kind, next_row=True, next_column=True),
        Variation.of(image[..., :5, 6:], kind, next_row=True),
        Variation.of(image[..., 4:, :7], kind, next_column=True),
        Variation.of(image[..., 4:, 6:], kind),
    ]
    total = parts[0] + parts[1] + parts[2] + parts[3]
    assert total.mean.item() == pytest.approx(total_variation(image, kind).item(), rel=1e-12)
    assert sum(total.counts) == sum(Variation.of(image, kind).counts)


@pytest.mark.parametrize("padding", ["reflect", "circular"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_exact_in_an_objectives_tiles(kind: str, padding: str) -> None:
    terms = replace(choose_settings("default", self_taught=False, variation=kind).terms, style_weight=0.0)
    network = VGG19Features(random_weights(width=0.25), ["relu1_2"], padding=padding)  # type: ignore[arg-type]
    terms = replace(terms, content_layers={"relu1_2": 1.0})
    content, image = picture(64, 80).float(), picture(64, 80, 2).float()
    (loss, gradient), (tiled_loss, tiled) = (
        Objective(network, content, content, terms, tile=tile).value_and_grad(image) for tile in (None, 32)
    )
    torch.testing.assert_close(tiled_loss, loss, rtol=1e-5, atol=0)
    torch.testing.assert_close(tiled, gradient, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_each_kind_is_smoother_and_each_is_another_picture(kind: str) -> None:
    def run(weight: float, kind: str) -> Tensor:
        transfer = StyleTransfer(weights=RANDOM, variation_weight=weight, variation=kind)
        return transfer.run(picture(40, 48)[0].float(), picture(40, 40, 2)[0].float(), size=48, iterations=5)

    light, heavy = (run(weight, kind) for weight in (0.1, 100.0))
    assert total_variation(heavy[None], kind) < 0.8 * total_variation(light[None], kind)
    other = run(100.0, KINDS[KINDS.index(kind) - 1])
    assert not torch.allclose(heavy, other, atol=1e-4)


def test_an_unknown_kind_is_told_which_there_are() -> None:
    text = "must be one of 'squares', 'nine-point', 'isotropic'; got 'cubes'"
    with pytest.raises(ValueError, match=f"kind {text}"):
        total_variation(picture(4, 4), "cubes")
    with pytest.raises(ValueError, match=f"variation {text}"):
        StyleTransfer(weights=RANDOM, variation="cubes")
