"""The losses against three witnesses: a case by hand, loops in NumPy, and the paper's closed-form gradients.

Then degenerate cases, half precision, and what is refused.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import reference
from features import DTYPES, TOLERANCE, H, N, W, array, matches, normal
from neural_style.losses import equations as losses
from neural_style.losses.other_statistics import covariance_loss
from neural_style.losses.sums import Discrepancy, Moments

PairLoss = Callable[[Tensor, Tensor], Tensor]  # generated and target features to a scalar

PairReference = Callable[[reference.Array, reference.Array], float]


def of_moments(loss: Callable[[Moments, Moments], Tensor]) -> PairLoss:
    """A loss of moments as one of features."""
    return lambda features, target: loss(Moments.of(features), Moments.of(target))


def of_sums(loss: Callable[[Discrepancy], Tensor]) -> PairLoss:
    """A loss of a discrepancy as one of features."""
    return lambda features, target: loss(Discrepancy.of(features, target))


CONTENT_LOSSES: dict[str, tuple[PairLoss, PairReference]] = {
    "content_loss": (losses.content_loss, reference.content_loss),
    "mean_squares": (of_sums(losses.mean_squares), reference.mean_content_loss),
    "relative_squares": (of_sums(losses.relative_squares), reference.relative_content_loss),
}

STYLE_LOSSES: dict[str, tuple[PairLoss, PairReference]] = {
    "layer_style_loss": (of_moments(losses.layer_style_loss), reference.layer_style_loss),
    "mean_style_loss": (of_moments(losses.mean_style_loss), reference.mean_style_loss),
    "relative_style_loss": (of_moments(losses.relative_style_loss), reference.relative_style_loss),
}

LOSSES = CONTENT_LOSSES | STYLE_LOSSES

# -- First witness: by hand ------------------------------------------------------------------------------

# Two channels, three positions in a row:  F = [1 2 0; 0 1 3]  and  P = [1 0 0; 2 1 1].
F_BY_HAND = torch.tensor([[[[1.0, 2.0, 0.0]], [[0.0, 1.0, 3.0]]]])
P_BY_HAND = torch.tensor([[[[1.0, 0.0, 0.0]], [[2.0, 1.0, 1.0]]]])

# G_11 = 1 + 4 + 0 = 5, G_12 = 0 + 2 + 0 = 2, G_22 = 0 + 1 + 9 = 10.
G_BY_HAND = [[5.0, 2.0], [2.0, 10.0]]

# A_11 = 1, A_12 = 2, A_22 = 4 + 1 + 1 = 6.  G − A = [4 0; 0 4].
A_BY_HAND = [[1.0, 2.0], [2.0, 6.0]]


def test_the_gram_matrix_by_hand(device: torch.device) -> None:
    assert losses.gram_matrix(F_BY_HAND.to(device))[0].tolist() == G_BY_HAND
    assert losses.gram_matrix(P_BY_HAND.to(device))[0].tolist() == A_BY_HAND


# One position:  S = [2; 1], so that A = [4 2; 2 1] and M' = 1.
S_BY_HAND = torch.tensor([[[[2.0]], [[1.0]]]])


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        # F − P = [0 2 0; −2 0 2], squares 4 + 4 + 4 = 12;  P² sums to 1 + 4 + 1 + 1 = 7;  six numbers.
        ("content_loss", P_BY_HAND, 6.0),  # 12 / 2
        ("mean_squares", P_BY_HAND, 2.0),  # 12 / 6
        ("relative_squares", P_BY_HAND, 12 / 7),
        # (G − A)² sums to 16 + 16 = 32;  N = 2, M = 3;  A² sums to 1 + 4 + 4 + 36 = 45.
        ("layer_style_loss", P_BY_HAND, 2 / 9),  # 32 / (4 · 4 · 9)
        ("mean_style_loss", P_BY_HAND, 2000 / 9),  # 1000 / 4 · (32 / 9) / 4
        ("relative_style_loss", P_BY_HAND, 32 / 45),
        # G / 3 − A = [5/3 2/3; 2/3 10/3] − [4 2; 2 1] = [−7 −4; −4 7] / 3, squares 130/9;  A² sums to 25.
        ("layer_style_loss", S_BY_HAND, 65 / 72),  # 130/9 / 16
        ("mean_style_loss", S_BY_HAND, 32500 / 36),  # 250 · 130/9 / 4
        ("relative_style_loss", S_BY_HAND, 26 / 45),  # 130/9 / 25
    ],
)
def test_each_loss_by_hand(name: str, target: Tensor, expected: float, device: torch.device) -> None:
    loss, _ = LOSSES[name]
    assert loss(F_BY_HAND.to(device), target.to(device)).item() == pytest.approx(expected, rel=1e-6)


def test_the_content_gradient_by_hand() -> None:
    # F − P = [0 2 0; −2 0 2], kept where F > 0: the −2 stands where F is 0.
    gradient = losses.content_loss_gradient(F_BY_HAND, P_BY_HAND)
    assert gradient[0, :, 0].tolist() == [[0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]


def test_the_style_gradient_by_hand() -> None:
    # (G − A) F = 4 F, divided by N² M² = 36.
    gradient = losses.layer_style_loss_gradient(F_BY_HAND, Moments.of(P_BY_HAND))
    torch.testing.assert_close(gradient, F_BY_HAND / 9)


def test_the_sum_over_style_layers_by_hand() -> None:
    layer_losses = {"relu1_1": torch.tensor(2.0), "relu2_1": torch.tensor(8.0), "relu3_1": torch.tensor(16.0)}
    layer_weights = {"relu3_1": 0.125, "relu1_1": 0.5, "relu2_1": 0.25}  # by name, whatever their order
    assert losses.style_loss(layer_losses, layer_weights).item() == 5.0  # 1 + 2 + 2


def test_the_total_by_hand() -> None:
    total = losses.total_loss(torch.tensor(3.0), torch.tensor(5.0), content_weight=0.5, style_weight=4.0)
    assert total.item() == 21.5  # 1.5 + 20


# -- Second witness: the definitions in loops, at random features ----------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_gram_matrix_of_a_batch_is_its_loop(dtype: torch.dtype, device: torch.device) -> None:
    features = normal(2, N, H, W, seed=2, dtype=dtype, device=device)
    expected = np.stack([reference.gram(array(one[None])) for one in features])
    gram = losses.gram_matrix(features)
    assert gram.dtype == dtype
    assert matches(gram, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "size"), [*((name, (H, W)) for name in LOSSES), *((name, (6, 3)) for name in STYLE_LOSSES)]
)
def test_each_loss_is_its_loop(
    name: str, size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    loss, definition = LOSSES[name]
    features = normal(1, N, H, W, seed=6, dtype=dtype, device=device)
    target = normal(1, N, *size, seed=7, dtype=dtype, device=device)
    value = loss(features, target)
    assert value.dtype == dtype
    assert matches(value, definition(array(features), array(target)), TOLERANCE[dtype])


# -- Third witness: the paper's closed-form gradients, and gradcheck -------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_content_gradient_is_its_loop_and_autograds_through_a_rectifier(
    dtype: torch.dtype, device: torch.device
) -> None:
    before = normal(1, N, H, W, seed=50, dtype=dtype, device=device).requires_grad_()
    target = normal(1, N, H, W, seed=51, dtype=dtype, device=device).relu()
    features = before.relu()
    (autograd,) = torch.autograd.grad(losses.content_loss(features, target), before)
    closed_form = losses.content_loss_gradient(features.detach(), target)
    expected = reference.content_loss_gradient(array(features), array(target))
    assert closed_form.dtype == dtype
    assert matches(closed_form[0], expected, TOLERANCE[dtype])
    assert matches(autograd[0], expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(H, W), (6, 3)], ids=["same positions", "other positions"])
def test_the_style_gradient_is_its_loop_and_autograds_through_a_rectifier(
    size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    before = normal(1, N, H, W, seed=52, dtype=dtype, device=device).requires_grad_()
    style = normal(1, N, *size, seed=53, dtype=dtype, device=device).relu()
    features = before.relu()
    loss = losses.layer_style_loss(Moments.of(features), Moments.of(style))
    (autograd,) = torch.autograd.grad(loss, before)
    closed_form = losses.layer_style_loss_gradient(features.detach(), Moments.of(style))
    expected = reference.layer_style_loss_gradient(array(features), array(style))
    assert closed_form.dtype == dtype
    assert matches(closed_form[0], expected, TOLERANCE[dtype])
    assert matches(autograd[0], expected, TOLERANCE[dtype])


@pytest.mark.parametrize("name", LOSSES)
def test_autograd_agrees_with_finite_differences_for_each_loss(name: str) -> None:
    loss, _ = LOSSES[name]
    features, target = normal(1, 3, 2, 4, seed=56).requires_grad_(), normal(1, 3, 2, 4, seed=57)
    assert torch.autograd.gradcheck(lambda values: loss(values, target), (features,))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("generated", ["random", "zero"])
def test_a_black_target_gives_a_finite_loss_with_finite_gradients(
    name: str, generated: str, device: torch.device
) -> None:
    loss, definition = LOSSES[name]
    features = normal(1, N, H, W, seed=80, dtype=torch.float32, device=device)
    features = features if generated == "random" else torch.zeros_like(features)
    features.requires_grad_()
    black = torch.zeros_like(features)
    value = loss(features, black)
    (gradient,) = torch.autograd.grad(value, features)
    assert matches(value, definition(array(features), array(black)), 1e-5)
    assert bool(gradient.isfinite().all())
    assert bool((gradient != 0).any()) == (generated == "random")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "loss", [*(loss for loss, _ in LOSSES.values()), of_moments(covariance_loss)], ids=[*LOSSES, "covariance"]
)
def test_each_loss_of_half_precision_features_is_that_of_the_same_numbers_in_float32(
    loss: PairLoss, dtype: torch.dtype, device: torch.device
) -> None:
    features, target = (300 * normal(1, N, H, W, seed=s, dtype=dtype, device=device) for s in (92, 93))
    value = loss(features, target)  # squares of about 10⁵: beyond float16
    assert value.dtype == torch.float32
    assert torch.allclose(value, loss(features.float(), target.float()), rtol=1e-5)


@pytest.mark.parametrize("loss", [*(loss for loss, _ in LOSSES.values()), losses.content_loss_gradient])
def test_features_of_another_shape_are_refused_even_where_they_would_broadcast(loss: PairLoss) -> None:
    with pytest.raises(ValueError, match=r"^(features|moments) must have"):
        loss(torch.zeros(1, 5, 4, 7), torch.zeros(1, 1, 4, 7))
    with pytest.raises(ValueError, match=r"^features must have"):
        losses.gram_matrix(torch.zeros(5, 4, 7))


@pytest.mark.parametrize("weights", [{}, {"relu1_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0}])
def test_layer_weights_that_name_other_layers_are_refused(weights: dict[str, float]) -> None:
    layer_losses = {"relu1_1": torch.tensor(1.0), "relu2_1": torch.tensor(2.0)}
    with pytest.raises(ValueError, match="layer_weights must name the layers relu1_1, relu2_1"):
        losses.style_loss(layer_losses, weights)
