"""Total variation: three witnesses of each form, what tells the forms apart, and tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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

FORMS = list(VARIATIONS)


def picture(height: int, width: int, seed: int = 1) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


IN_LOOPS: dict[str, Callable[[reference.Array], float]] = {
    "squares": reference.total_variation,
    "isotropic": reference.isotropic_variation,
}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        # 0 1 3 / 2 2 1: across 1 4 0 1, mean 3/2; down 4 1 4, mean 3.
        ("squares", 4.5),
        # Lengths √5, √5, 2 / 0, 1, 0, with ε = 0.1: 2.238303, 2.238303, 2.002498 / 0.1, 1.004988, 0.1.
        ("isotropic", (7.684092 - 6 * 0.1) / 6),
    ],
)
def test_each_form_by_hand(form: str, expected: float) -> None:
    image = torch.tensor([[[[0.0, 1.0, 3.0], [2.0, 2.0, 1.0]]]], dtype=torch.float64)
    assert total_variation(image, form).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(5, 7), (1, 6), (6, 1), (1, 1)])
def test_each_form_is_its_loop(form: str, size: tuple[int, int]) -> None:
    image = picture(*size)
    assert total_variation(image, form).item() == pytest.approx(IN_LOOPS[form](image[0].numpy()), rel=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_autograd_agrees_with_finite_differences(form: str) -> None:
    assert torch.autograd.gradcheck(
        lambda image: total_variation(image, form), (picture(4, 5).requires_grad_(),)
    )


@pytest.mark.parametrize(("form", "expected"), [("squares", 5.0), ("isotropic", 5**0.5)])
def test_a_slope_has_the_square_of_its_steepness_or_the_steepness(form: str, expected: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(200.0), torch.arange(200.0), indexing="ij")
    slope = (rows + 2 * columns).double().expand(1, 3, -1, -1)
    assert total_variation(slope, form).item() == pytest.approx(expected, rel=0.05)  # the border, and ε
    assert total_variation(torch.full((1, 3, 8, 8), 0.5), form).item() == 0


def test_an_edges_height_counts_once_in_the_isotropic_form_and_by_its_square_in_the_other() -> None:
    step = (torch.arange(32) >= 16).double().expand(1, 1, 32, 32)
    taller = {form: (total_variation(2 * step, form) / total_variation(step, form)).item() for form in FORMS}
    assert taller["squares"] == pytest.approx(4)
    assert taller["isotropic"] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(1, 3, 1, 4), (1, 3, 4, 1), (1, 3, 1, 1)])
def test_a_side_of_one_pixel_has_finite_gradients(form: str, shape: tuple[int, ...]) -> None:
    image = picture(*shape[2:]).requires_grad_()
    (gradient,) = torch.autograd.grad(total_variation(image, form), image)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("form", FORMS)
def test_tiles_add_up(form: str) -> None:
    image = picture(9, 11)
    parts = [
        Variation.of(image[..., :5, :7], form, next_row=True, next_column=True),
        Variation.of(image[..., :5, 6:], form, next_row=True),
        Variation.of(image[..., 4:, :7], form, next_column=True),
        Variation.of(image[..., 4:, 6:], form),
    ]
    total = parts[0] + parts[1] + parts[2] + parts[3]
    assert total.mean.item() == pytest.approx(total_variation(image, form).item(), rel=1e-12)
    assert sum(total.counts) == sum(Variation.of(image, form).counts)


@pytest.mark.parametrize("padding", ["reflect", "circular"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_exact_in_an_objectives_tiles(form: str, padding: str) -> None:
    terms = replace(choose_settings("default", self_taught=False, variation=form), style_weight=0.0)
    network = VGG19Features(random_weights(width=0.25), ["relu1_2"], padding=padding)  # type: ignore[arg-type]
    terms = replace(terms, content_layers={"relu1_2": 1.0})
    content, image = picture(64, 80).float(), picture(64, 80, 2).float()
    (loss, gradient), (tiled_loss, tiled) = (
        Objective(network, content, content, terms, tile=tile).value_and_grad(image) for tile in (None, 32)
    )
    torch.testing.assert_close(tiled_loss, loss, rtol=1e-5, atol=0)
    torch.testing.assert_close(tiled, gradient, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("form", FORMS)
def test_more_of_a_form_is_smoother_and_each_is_another_picture(form: str) -> None:
    def run(weight: float, form: str) -> Tensor:
        transfer = StyleTransfer(weights=RANDOM, variation_weight=weight, variation=form)
        return transfer.run(picture(40, 48)[0].float(), picture(40, 40, 2)[0].float(), size=48, iterations=5)

    light, heavy = (run(weight, form) for weight in (0.1, 100.0))
    assert total_variation(heavy[None], form) < 0.8 * total_variation(light[None], form)
    other = run(100.0, FORMS[FORMS.index(form) - 1])
    assert not torch.allclose(heavy, other, atol=1e-4)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^form must be one of 'squares', 'isotropic'"):
        total_variation(picture(4, 4), "cubes")
    with pytest.raises(ValueError, match=r"^variation must be one of"):
        StyleTransfer(weights=RANDOM, variation="cubes")
