"""Total variation: three witnesses of each form, and its effect."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import reference
from narrow import transfer
from neural_style import total_variation
from neural_style.losses.variation import VARIATIONS

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
def test_each_form_is_its_loop_and_has_a_finite_gradient(form: str, size: tuple[int, int]) -> None:
    image = picture(*size)
    expected = IN_LOOPS[form](image[0].numpy())
    value = total_variation(image.requires_grad_(), form)
    assert value.item() == pytest.approx(expected, rel=1e-12)
    (gradient,) = torch.autograd.grad(value, image)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("form", FORMS)
def test_autograd_agrees_with_finite_differences(form: str) -> None:
    assert torch.autograd.gradcheck(
        lambda image: total_variation(image, form), (picture(4, 5).requires_grad_(),)
    )


@pytest.mark.parametrize("form", FORMS)
def test_more_of_a_form_is_smoother_and_each_is_another_picture(form: str) -> None:
    def run(weight: float, form: str) -> Tensor:
        maker = transfer(variation_weight=weight, variation=form)
        return maker.run(picture(40, 48)[0].float(), picture(40, 40, 2)[0].float(), size=48, iterations=5)

    light, heavy = (run(weight, form) for weight in (0.1, 100.0))
    assert total_variation(heavy[None], form) < 0.8 * total_variation(light[None], form)
    other = run(100.0, FORMS[FORMS.index(form) - 1])
    assert not torch.allclose(heavy, other, atol=1e-4)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^form must be one of 'squares', 'isotropic'"):
        total_variation(picture(4, 4), "cubes")
