"""The losses against three witnesses: a case by hand, loops in NumPy, and the paper's closed-form gradients.

Then the properties that follow from the equations, the degenerate cases, half precision, and a list of known
mistakes that the witnesses must reject.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

import reference
from neural_style import losses
from neural_style.losses.statistics import covariance_loss
from neural_style.losses.sums import Moments

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}  # relative to the largest value expected
DTYPES = list(TOLERANCE)

PairLoss = Callable[[Tensor, Tensor], Tensor]  # generated and target features to a scalar
PairReference = Callable[[reference.Array, reference.Array], float]


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def normal(
    *shape: int, seed: int, dtype: torch.dtype = torch.float64, device: str | torch.device = "cpu"
) -> Tensor:
    """Normal deviates, about half of them negative, made on the CPU and then moved."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(device=device, dtype=dtype)


def array(tensor: Tensor) -> reference.Array:
    """A batch of one as the float64 array (N, H, W) that the reference takes."""
    assert len(tensor) == 1
    return tensor[0].detach().double().cpu().numpy()


def matches(actual: Tensor, expected: float | reference.Array, tolerance: float) -> bool:
    """Whether shape and values agree, the values to `tolerance` of the largest expected one."""
    wanted = np.asarray(expected, dtype=np.float64)
    got = actual.detach().double().cpu().numpy()
    return got.shape == wanted.shape and bool(np.abs(got - wanted).max() <= tolerance * np.abs(wanted).max())


def of_moments(loss: Callable[[Moments, Moments], Tensor]) -> PairLoss:
    """A loss of moments as one of features."""
    return lambda features, target: loss(Moments.of(features), Moments.of(target))


CONTENT_LOSSES: dict[str, tuple[PairLoss, PairReference]] = {
    "content_loss": (losses.content_loss, reference.content_loss),
    "mean_content_loss": (losses.mean_content_loss, reference.mean_content_loss),
    "relative_content_loss": (losses.relative_content_loss, reference.relative_content_loss),
}
STYLE_LOSSES: dict[str, tuple[PairLoss, PairReference]] = {
    "layer_style_loss": (of_moments(losses.layer_style_loss), reference.layer_style_loss),
    "mean_style_loss": (of_moments(losses.mean_style_loss), reference.mean_style_loss),
    "relative_style_loss": (of_moments(losses.relative_style_loss), reference.relative_style_loss),
}

# ---------------------------------------------------------------------------------------------------------
# First witness: by hand
# ---------------------------------------------------------------------------------------------------------

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


def test_the_moments_by_hand(device: torch.device) -> None:
    moments = Moments.of(F_BY_HAND.to(device))
    assert moments.count == 3
    assert moments.first.tolist() == [[3.0, 4.0]]  # 1 + 2 + 0, 0 + 1 + 3
    assert moments.second[0].tolist() == G_BY_HAND
    # G / 3, (3, 4) / 3, and G / 3 − (3, 4)(3, 4)ᵀ / 9 = [15−9 6−12; 6−12 30−16] / 9
    torch.testing.assert_close(moments.normalized_gram.cpu()[0], torch.tensor(G_BY_HAND) / 3)
    torch.testing.assert_close(moments.mean.cpu()[0], torch.tensor([1.0, 4 / 3]))
    torch.testing.assert_close(moments.covariance.cpu()[0], torch.tensor([[6.0, -6.0], [-6.0, 14.0]]) / 9)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        # F − P = [0 2 0; −2 0 2], squares 4 + 4 + 4 = 12;  P² sums to 1 + 4 + 1 + 1 = 7;  six numbers.
        (losses.content_loss, 6.0),  # 12 / 2
        (losses.mean_content_loss, 2.0),  # 12 / 6
        (losses.relative_content_loss, 12 / 7),
        # (G − A)² sums to 16 + 16 = 32;  N = 2, M = 3;  A² sums to 1 + 4 + 4 + 36 = 45.
        (STYLE_LOSSES["layer_style_loss"][0], 2 / 9),  # 32 / (4 · 4 · 9)
        (STYLE_LOSSES["mean_style_loss"][0], 2000 / 9),  # 1000 / 4 · (32 / 9) / 4
        (STYLE_LOSSES["relative_style_loss"][0], 32 / 45),
    ],
    ids=[*CONTENT_LOSSES, *STYLE_LOSSES],
)
def test_each_loss_of_features_by_hand(loss: PairLoss, expected: float, device: torch.device) -> None:
    assert loss(F_BY_HAND.to(device), P_BY_HAND.to(device)).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        # S = [2; 1] at one position, so A = [4 2; 2 1] and M' = 1, against G / 3 = [5/3 2/3; 2/3 10/3]:
        # differences −7/3, −4/3, −4/3, 7/3, squares (49 + 16 + 16 + 49) / 9 = 130/9;  A² sums to 25.
        (STYLE_LOSSES["layer_style_loss"][0], 65 / 72),  # 130/9 / 16
        (STYLE_LOSSES["mean_style_loss"][0], 32500 / 36),  # 250 · 130/9 / 4
        (STYLE_LOSSES["relative_style_loss"][0], 26 / 45),  # 130/9 / 25
    ],
    ids=list(STYLE_LOSSES),
)
def test_each_style_loss_by_hand_where_the_style_has_fewer_positions(loss: PairLoss, expected: float) -> None:
    style = torch.tensor([[[[2.0]], [[1.0]]]])
    assert loss(F_BY_HAND, style).item() == pytest.approx(expected, rel=1e-6)


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


def test_total_variation_by_hand(device: torch.device) -> None:
    image = torch.tensor([[[[0.0, 1.0, 3.0], [2.0, 2.0, 1.0]]]])
    # across: 1, 4; 0, 1: mean 6/4.   down: 4, 1, 4: mean 9/3.
    assert losses.total_variation(image.to(device)).item() == 4.5


# ---------------------------------------------------------------------------------------------------------
# Second witness: the definitions in loops, at random features
# ---------------------------------------------------------------------------------------------------------

N, H, W = 5, 4, 7  # H ≠ W, and H · W ≠ N, so that no transposition goes unseen


def test_the_two_gram_loops_of_the_reference_agree() -> None:
    features = array(normal(1, N, H, W, seed=0))
    np.testing.assert_allclose(
        reference.gram_by_positions(features), reference.gram_by_scalars(features), rtol=1e-12, atol=1e-12
    )
    large = array(normal(1, 40, 5, 4, seed=1))  # beyond the limit of the scalar loops
    np.testing.assert_allclose(reference.gram(large), reference.gram_by_scalars(large), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_gram_matrix_of_a_batch_is_the_triple_loop(dtype: torch.dtype, device: torch.device) -> None:
    features = normal(2, N, H, W, seed=2, dtype=dtype, device=device)
    expected = np.stack([reference.gram_by_scalars(array(one[None])) for one in features])
    gram = losses.gram_matrix(features)
    assert gram.dtype == dtype
    assert matches(gram, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_and_covariance_are_numpys(dtype: torch.dtype, device: torch.device) -> None:
    features = 1 + normal(1, N, H, W, seed=3, dtype=dtype, device=device)  # a mean that is worth subtracting
    moments = Moments.of(features)
    rows = array(features).reshape(N, H * W)
    assert matches(moments.mean[0], rows.mean(axis=1), TOLERANCE[dtype])
    assert matches(moments.covariance[0], np.cov(rows, bias=True), TOLERANCE[dtype])
    assert matches(moments.normalized_gram[0], reference.gram(array(features)) / (H * W), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONTENT_LOSSES)
def test_each_content_loss_is_its_loop(name: str, dtype: torch.dtype, device: torch.device) -> None:
    loss, definition = CONTENT_LOSSES[name]
    features, target = (normal(1, N, H, W, seed=seed, dtype=dtype, device=device) for seed in (4, 5))
    value = loss(features, target)
    assert value.dtype == dtype
    assert matches(value, definition(array(features), array(target)), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(H, W), (6, 3)], ids=["same positions", "other positions"])
@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_each_style_loss_is_its_loop(
    name: str, size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    loss, definition = STYLE_LOSSES[name]
    features = normal(1, N, H, W, seed=6, dtype=dtype, device=device)
    style = normal(1, N, *size, seed=7, dtype=dtype, device=device)
    value = loss(features, style)
    assert value.dtype == dtype
    assert matches(value, definition(array(features), array(style)), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_total_variation_is_its_loop(dtype: torch.dtype, device: torch.device) -> None:
    image = normal(1, 3, H, W, seed=8, dtype=dtype, device=device)
    assert matches(losses.total_variation(image), reference.total_variation(array(image)), TOLERANCE[dtype])


@dataclass(frozen=True)
class Picture:
    """Random features of three layers, of other shapes, for the generated, the content and the style image."""

    generated: dict[str, Tensor]
    content: dict[str, Tensor]
    style: dict[str, Tensor]
    image: Tensor

    @classmethod
    def random(cls, dtype: torch.dtype, device: torch.device) -> Picture:
        shapes = {"relu1_1": (3, 8, 6), "relu2_1": (5, 4, 3), "relu3_1": (7, 2, 2)}

        def features(seed: int) -> dict[str, Tensor]:
            return {
                name: normal(1, *shape, seed=seed + place, dtype=dtype, device=device).relu()
                for place, (name, shape) in enumerate(shapes.items())
            }

        image = normal(1, 3, 8, 6, seed=40, dtype=dtype, device=device)
        return cls(features(10), features(20), features(30), image)


STYLE_LAYERS = ["relu1_1", "relu3_1"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_parts_add_up_to_the_papers_loss(dtype: torch.dtype, device: torch.device) -> None:
    picture = Picture.random(dtype, device)
    content = losses.content_loss(picture.generated["relu2_1"], picture.content["relu2_1"])
    layer_losses = {
        name: losses.layer_style_loss(Moments.of(picture.generated[name]), Moments.of(picture.style[name]))
        for name in STYLE_LAYERS
    }
    style = losses.style_loss(layer_losses, dict.fromkeys(STYLE_LAYERS, 0.5))
    expected = reference.paper_loss(
        *arrays_of(picture), "relu2_1", STYLE_LAYERS, content_weight=0.75, style_weight=30.0
    )
    assert matches(losses.total_loss(content, style, 0.75, 30.0), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_parts_add_up_to_the_authors_loss(dtype: torch.dtype, device: torch.device) -> None:
    picture = Picture.random(dtype, device)
    content = losses.mean_content_loss(picture.generated["relu2_1"], picture.content["relu2_1"])
    layer_losses = {
        name: losses.mean_style_loss(Moments.of(picture.generated[name]), Moments.of(picture.style[name]))
        for name in STYLE_LAYERS
    }
    style = losses.style_loss(layer_losses, dict.fromkeys(STYLE_LAYERS, 1.0))
    expected = reference.authors_loss(*arrays_of(picture), "relu2_1", STYLE_LAYERS)
    assert matches(losses.total_loss(content, style, 1.0, 1.0), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_parts_add_up_to_the_default_loss(dtype: torch.dtype, device: torch.device) -> None:
    picture = Picture.random(dtype, device)
    content = losses.relative_content_loss(picture.generated["relu2_1"], picture.content["relu2_1"])
    layer_losses = {
        name: covariance_loss(Moments.of(picture.generated[name]), Moments.of(picture.style[name]))
        for name in STYLE_LAYERS
    }
    style = losses.style_loss(layer_losses, dict.fromkeys(STYLE_LAYERS, 0.5))
    roughness = losses.total_variation(picture.image, "isotropic")
    total = losses.total_loss(content, style, 0.2, 3.0) + 0.5 * roughness
    expected = reference.default_loss(
        *arrays_of(picture),
        "relu2_1",
        dict.fromkeys(STYLE_LAYERS, 0.5),
        array(picture.image),
        content_weight=0.2,
        style_weight=3.0,
        total_variation_weight=0.5,
    )
    assert matches(total, expected, TOLERANCE[dtype])


def arrays_of(picture: Picture) -> tuple[reference.Features, reference.Features, reference.Features]:
    """The three dicts of features as the reference takes them."""
    generated, content, style = (
        {name: array(features) for name, features in layers.items()}
        for layers in (picture.generated, picture.content, picture.style)
    )
    return generated, content, style


# ---------------------------------------------------------------------------------------------------------
# Third witness: the paper's closed-form gradients, and gradcheck
# ---------------------------------------------------------------------------------------------------------


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


def test_the_closed_forms_are_zero_where_the_features_are_negative() -> None:
    features, target = normal(1, N, H, W, seed=54), normal(1, N, H, W, seed=55)
    content = losses.content_loss_gradient(features, target)
    style = losses.layer_style_loss_gradient(features, Moments.of(target))
    for gradient in (content, style):
        assert torch.equal(gradient != 0, features > 0)
    assert matches(content, reference.content_loss_gradient(array(features), array(target))[None], 1e-12)
    assert matches(style, reference.layer_style_loss_gradient(array(features), array(target))[None], 1e-12)


@pytest.mark.parametrize("name", [*CONTENT_LOSSES, *STYLE_LOSSES])
def test_autograd_agrees_with_finite_differences_for_each_loss(name: str) -> None:
    loss, _ = (CONTENT_LOSSES | STYLE_LOSSES)[name]
    features, target = normal(1, 3, 2, 4, seed=56).requires_grad_(), normal(1, 3, 2, 4, seed=57)
    assert torch.autograd.gradcheck(lambda values: loss(values, target), (features,))


@pytest.mark.parametrize("statistic", ["normalized_gram", "mean", "covariance"])
def test_autograd_agrees_with_finite_differences_for_each_statistic(statistic: str) -> None:
    features = normal(2, 3, 2, 4, seed=58).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: getattr(Moments.of(values), statistic), (features,))


def test_autograd_agrees_with_finite_differences_for_total_variation() -> None:
    image = normal(1, 3, 3, 4, seed=59).requires_grad_()
    assert torch.autograd.gradcheck(losses.total_variation, (image,))


# ---------------------------------------------------------------------------------------------------------
# Properties
# ---------------------------------------------------------------------------------------------------------


def test_a_gram_matrix_is_symmetric_and_positive_semi_definite(device: torch.device) -> None:
    gram = losses.gram_matrix(normal(2, 9, 2, 3, seed=60, device=device))  # six positions: at most rank six
    torch.testing.assert_close(gram, gram.transpose(1, 2), rtol=1e-12, atol=1e-12)
    eigenvalues = torch.linalg.eigvalsh(gram)
    assert bool((eigenvalues > -1e-12 * eigenvalues.amax()).all())
    assert torch.linalg.matrix_rank(gram).tolist() == [6, 6]


@pytest.mark.parametrize("name", [*CONTENT_LOSSES, *STYLE_LOSSES])
def test_each_loss_is_zero_on_itself_and_positive_elsewhere(name: str) -> None:
    loss, _ = (CONTENT_LOSSES | STYLE_LOSSES)[name]
    features = normal(1, N, H, W, seed=61)
    assert loss(features, features.clone()).item() == 0
    assert loss(features, features + 0.1).item() > 0


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_each_style_loss_forgets_where_things_are(name: str) -> None:
    loss, _ = STYLE_LOSSES[name]
    features, style = normal(1, N, H, W, seed=62), normal(1, N, 6, 3, seed=63)
    order = torch.randperm(H * W, generator=torch.Generator().manual_seed(64))
    shuffled = features.flatten(2)[..., order].reshape(features.shape)
    assert not torch.equal(shuffled, features)
    torch.testing.assert_close(loss(shuffled, style), loss(features, style), rtol=1e-12, atol=0)
    torch.testing.assert_close(loss(features.transpose(2, 3), style), loss(features, style), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", CONTENT_LOSSES)
def test_each_content_loss_knows_where_things_are(name: str) -> None:
    loss, _ = CONTENT_LOSSES[name]
    features = normal(1, N, H, W, seed=65)
    assert loss(features.flip(3), features).item() > 0.1


@pytest.mark.parametrize(
    ("name", "power"),
    [
        ("content_loss", 2),
        ("mean_content_loss", 2),
        ("relative_content_loss", 0),
        ("layer_style_loss", 4),
        ("mean_style_loss", 4),
        ("relative_style_loss", 0),
    ],
)
@pytest.mark.parametrize("scale", [0.125, 8.0])
def test_scaling_the_features_of_both_scales_a_loss_by_its_power(name: str, power: int, scale: float) -> None:
    loss, _ = (CONTENT_LOSSES | STYLE_LOSSES)[name]
    features, target = normal(1, N, H, W, seed=66), normal(1, N, H, W, seed=67)
    expected = scale**power * loss(features, target)
    torch.testing.assert_close(loss(scale * features, scale * target), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_tiling_the_image_twice_changes_no_style_loss(name: str) -> None:
    loss, _ = STYLE_LOSSES[name]
    features, style = normal(1, N, H, W, seed=68), normal(1, N, H, W, seed=69)
    tiled = features.repeat(1, 1, 1, 2)
    torch.testing.assert_close(
        losses.gram_matrix(tiled), 2 * losses.gram_matrix(features), rtol=1e-12, atol=1e-12
    )
    torch.testing.assert_close(loss(tiled, style), loss(features, style), rtol=1e-12, atol=0)
    torch.testing.assert_close(
        loss(features, style.repeat(1, 1, 2, 1)), loss(features, style), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize(
    ("name", "factor"), [("content_loss", 2), ("mean_content_loss", 1), ("relative_content_loss", 1)]
)
def test_tiling_both_images_twice_doubles_only_the_papers_content_loss(name: str, factor: int) -> None:
    loss, _ = CONTENT_LOSSES[name]
    features, target = normal(1, N, H, W, seed=70), normal(1, N, H, W, seed=71)
    tiled = loss(features.repeat(1, 1, 1, 2), target.repeat(1, 1, 1, 2))
    torch.testing.assert_close(tiled, factor * loss(features, target), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["relative_content_loss", "relative_style_loss"])
def test_a_relative_loss_is_1_where_the_generated_features_are_all_zero(name: str) -> None:
    loss, _ = (CONTENT_LOSSES | STYLE_LOSSES)[name]
    target = normal(1, N, H, W, seed=72)
    assert loss(torch.zeros_like(target), target).item() == pytest.approx(1, rel=1e-12)


def test_moments_add_up_over_a_split(device: torch.device) -> None:
    features = normal(2, N, H, W, seed=73, device=device)
    whole = Moments.of(features)
    parts = (
        Moments.of(features[..., :1, :]) + Moments.of(features[..., 1:, :2]) + Moments.of(features[..., 1:, 2:])
    )
    assert parts.count == whole.count == H * W
    torch.testing.assert_close(parts.first, whole.first, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(parts.second, whole.second, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(parts.covariance, whole.covariance, rtol=1e-12, atol=1e-12)


def test_moments_scale_from_either_side_and_their_statistics_do_not() -> None:
    moments = Moments.of(normal(1, N, H, W, seed=74))
    for scaled in (0.25 * moments, moments * 0.25):
        assert scaled.count == 0.25 * moments.count
        assert torch.equal(scaled.first, 0.25 * moments.first)
        assert torch.equal(scaled.second, 0.25 * moments.second)
        assert torch.equal(scaled.mean, moments.mean)
        assert torch.equal(scaled.normalized_gram, moments.normalized_gram)
        assert torch.equal(scaled.covariance, moments.covariance)


def test_a_weighted_sum_of_two_styles_is_that_of_their_positions() -> None:
    first, second = normal(1, N, H, W, seed=75), normal(1, N, H, W, seed=76)
    blend = 2 * Moments.of(first) + 1 * Moments.of(second)
    repeated = Moments.of(torch.cat([first, first, second], dim=3))
    assert blend.count == repeated.count
    torch.testing.assert_close(blend.covariance, repeated.covariance, rtol=1e-12, atol=1e-12)


def test_total_variation_treats_both_directions_alike_and_ignores_brightness() -> None:
    image = normal(1, 3, H, W, seed=77)
    expected = losses.total_variation(image)
    torch.testing.assert_close(losses.total_variation(image.transpose(2, 3)), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(losses.total_variation(image + 5), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(losses.total_variation(3 * image), 9 * expected, rtol=1e-12, atol=0)
    assert losses.total_variation(torch.full((1, 3, H, W), 0.5)).item() == 0


def test_no_loss_changes_its_inputs() -> None:
    features, style = normal(1, N, H, W, seed=78), normal(1, N, H, W, seed=79)
    kept = features.clone(), style.clone()
    for loss, _ in (CONTENT_LOSSES | STYLE_LOSSES).values():
        loss(features, style)
    assert torch.equal(features, kept[0])
    assert torch.equal(style, kept[1])


# ---------------------------------------------------------------------------------------------------------
# Degenerate cases
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CONTENT_LOSSES, *STYLE_LOSSES])
@pytest.mark.parametrize("generated", ["random", "zero"])
def test_a_black_target_gives_a_finite_loss_with_finite_gradients(
    name: str, generated: str, device: torch.device
) -> None:
    loss, definition = (CONTENT_LOSSES | STYLE_LOSSES)[name]
    features = normal(1, N, H, W, seed=80, dtype=torch.float32, device=device)
    features = features if generated == "random" else torch.zeros_like(features)
    features.requires_grad_()
    black = torch.zeros_like(features)
    value = loss(features, black)
    (gradient,) = torch.autograd.grad(value, features)
    assert matches(value, definition(array(features), array(black)), 1e-5)
    assert bool(gradient.isfinite().all())
    assert bool((gradient != 0).any()) == (generated == "random")


def test_a_single_position_has_a_gram_matrix_of_rank_one_and_no_covariance() -> None:
    features = torch.tensor([2.0, -3.0, 0.5]).reshape(1, 3, 1, 1)
    moments = Moments.of(features)
    assert moments.count == 1
    # the outer product of (2, −3, ½) with itself
    assert moments.second[0].tolist() == [[4.0, -6.0, 1.0], [-6.0, 9.0, -1.5], [1.0, -1.5, 0.25]]
    assert not moments.covariance.any()


def test_a_single_channel_has_its_energy_for_a_gram_matrix() -> None:
    assert losses.gram_matrix(torch.tensor([[[[1.0, -2.0], [3.0, 0.0]]]])).tolist() == [[[14.0]]]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1, 1, 3), 2.5),  # 0, 1, 3 in a row: squares 1 and 4, mean 5/2
        ((1, 1, 3, 1), 2.5),
        ((1, 3, 1, 1), 0.0),
    ],
)
def test_a_side_of_one_pixel_adds_nothing_to_total_variation(shape: tuple[int, ...], expected: float) -> None:
    image = torch.tensor([0.0, 1.0, 3.0]).reshape(shape).requires_grad_()
    value = losses.total_variation(image)
    (gradient,) = torch.autograd.grad(value, image)
    assert value.item() == expected == reference.total_variation(array(image))
    assert bool(gradient.isfinite().all())


# ---------------------------------------------------------------------------------------------------------
# Half precision
# ---------------------------------------------------------------------------------------------------------


def test_a_float16_gram_matrix_that_would_overflow_is_finite_and_right(device: torch.device) -> None:
    features = (20 * normal(1, 4, 32, 24, seed=90).abs()).to(device=device, dtype=torch.float16)
    expected = reference.gram(array(features))
    assert expected.min() > torch.finfo(torch.float16).max  # 65504: each entry overflows
    gram = losses.gram_matrix(features)
    assert gram.dtype == torch.float32
    assert matches(gram[0], expected, 1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_have_the_moments_of_the_same_numbers_in_float32(
    dtype: torch.dtype, device: torch.device
) -> None:
    features = normal(2, N, H, W, seed=91, dtype=dtype, device=device)
    half, single = Moments.of(features), Moments.of(features.float())
    assert half.first.dtype == half.second.dtype == torch.float32
    assert half.count == single.count
    assert torch.allclose(half.first, single.first, rtol=1e-6, atol=1e-5)  # a GPU may sum in another order
    assert torch.allclose(half.second, single.second, rtol=1e-6, atol=1e-5)


def test_the_gradient_of_bfloat16_features_moments_is_that_of_the_same_numbers_in_float32(
    device: torch.device,
) -> None:
    values = normal(2, N, 90, 120, seed=91, dtype=torch.bfloat16, device=device)  # more than AT_A_TIME
    gradients = []
    for features in (values.clone(), values.float()):
        features.requires_grad_(True)
        moments = Moments.of(features)
        (gradient,) = torch.autograd.grad(moments.covariance.square().sum() + moments.mean.sum(), features)
        assert gradient.dtype == features.dtype
        gradients.append(gradient.float())
    assert (gradients[0] - gradients[1]).norm() < 0.01 * gradients[1].norm()


def test_a_constant_mask_changes_no_moments_of_bfloat16_features(device: torch.device) -> None:
    features = normal(2, N, 90, 120, seed=91, dtype=torch.bfloat16, device=device).relu()
    mask = torch.full((1, 1, 90, 120), 0.3, device=device)
    plain, masked = Moments.of(features), Moments.of(features, mask)
    assert masked.count == pytest.approx(0.3 * plain.count, rel=1e-5)
    torch.testing.assert_close(masked.covariance, plain.covariance, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", [*CONTENT_LOSSES, *STYLE_LOSSES])
def test_each_loss_of_half_precision_features_is_that_of_the_same_numbers_in_float32(
    name: str, dtype: torch.dtype, device: torch.device
) -> None:
    loss, _ = (CONTENT_LOSSES | STYLE_LOSSES)[name]
    features, target = (300 * normal(1, N, H, W, seed=s, dtype=dtype, device=device) for s in (92, 93))
    value = loss(features, target)  # squares of about 10⁵: beyond float16
    assert value.dtype == torch.float32
    assert torch.allclose(value, loss(features.float(), target.float()), rtol=1e-5)


def test_the_content_gradient_of_half_precision_features_is_in_float32() -> None:
    features, target = (normal(1, N, H, W, seed=seed, dtype=torch.bfloat16) for seed in (94, 95))
    gradient = losses.content_loss_gradient(features, target)
    assert gradient.dtype == torch.float32
    assert torch.equal(gradient, losses.content_loss_gradient(features.float(), target.float()))


# ---------------------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------------------


def test_a_gram_matrix_without_a_batch_dimension_is_refused() -> None:
    text = "features must have shape (B, C, H, W); got (5, 4, 7). Give the activations of "
    text += "one layer as the network returns them."
    with pytest.raises(ValueError, match=exactly(text)):
        losses.gram_matrix(torch.zeros(5, 4, 7))


@pytest.mark.parametrize("loss", [*(loss for loss, _ in CONTENT_LOSSES.values()), losses.content_loss_gradient])
def test_content_of_another_shape_is_refused_even_where_it_would_broadcast(loss: PairLoss) -> None:
    text = (
        "features must have the target's shape (1, 5, 1, 7); got (1, 5, 4, 7). "
        "Compare features of the same layer at the same image size."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        loss(torch.zeros(1, 5, 4, 7), torch.zeros(1, 5, 1, 7))


# ---------------------------------------------------------------------------------------------------------
# Known mistakes: the witnesses must reject each
# ---------------------------------------------------------------------------------------------------------

GENERATED, TARGET, STYLE = (
    normal(1, N, H, W, seed=100),
    normal(1, N, H, W, seed=101),
    normal(1, N, 6, 3, seed=102),
)
BATCH = normal(2, N, H, W, seed=103)
IMAGE = normal(1, 3, H, W, seed=104)
LAYER_LOSSES = {
    "relu1_1": torch.tensor(2.0, dtype=torch.float64),
    "relu2_1": torch.tensor(7.0, dtype=torch.float64),
}
LAYER_WEIGHTS = {"relu1_1": 0.7, "relu2_1": 0.3}
CONTENT, STYLE_SUM = LAYER_LOSSES.values()
M, M_STYLE = H * W, 6 * 3

# What each quantity is: our function and the reference's number, at the inputs above.
EXPECTED: dict[str, tuple[Callable[[], Tensor], float | reference.Array]] = {
    "gram": (lambda: losses.gram_matrix(GENERATED)[0], reference.gram(array(GENERATED))),
    "batch gram": (
        lambda: losses.gram_matrix(BATCH),
        np.stack([reference.gram(array(one[None])) for one in BATCH]),
    ),
    "covariance": (
        lambda: Moments.of(GENERATED + 1).covariance[0],
        np.cov(array(GENERATED + 1).reshape(N, M), bias=True),
    ),
    "content": (
        lambda: losses.content_loss(GENERATED, TARGET),
        reference.content_loss(array(GENERATED), array(TARGET)),
    ),
    "content gradient": (
        lambda: losses.content_loss_gradient(GENERATED, TARGET)[0],
        reference.content_loss_gradient(array(GENERATED), array(TARGET)),
    ),
    "layer style": (
        lambda: losses.layer_style_loss(Moments.of(GENERATED), Moments.of(TARGET)),
        reference.layer_style_loss(array(GENERATED), array(TARGET)),
    ),
    "layer style, other size": (
        lambda: losses.layer_style_loss(Moments.of(GENERATED), Moments.of(STYLE)),
        reference.layer_style_loss(array(GENERATED), array(STYLE)),
    ),
    "layer style gradient": (
        lambda: losses.layer_style_loss_gradient(GENERATED, Moments.of(TARGET))[0],
        reference.layer_style_loss_gradient(array(GENERATED), array(TARGET)),
    ),
    "style": (
        lambda: losses.style_loss(LAYER_LOSSES, LAYER_WEIGHTS),
        reference.style_loss({name: loss.item() for name, loss in LAYER_LOSSES.items()}, LAYER_WEIGHTS),
    ),
    "total": (
        lambda: losses.total_loss(CONTENT, STYLE_SUM, 0.5, 4.0),
        reference.total_loss(CONTENT.item(), STYLE_SUM.item(), 0.5, 4.0),
    ),
    "mean content": (
        lambda: losses.mean_content_loss(GENERATED, TARGET),
        reference.mean_content_loss(array(GENERATED), array(TARGET)),
    ),
    "mean style": (
        lambda: losses.mean_style_loss(Moments.of(GENERATED), Moments.of(STYLE)),
        reference.mean_style_loss(array(GENERATED), array(STYLE)),
    ),
    "relative content": (
        lambda: losses.relative_content_loss(GENERATED, TARGET),
        reference.relative_content_loss(array(GENERATED), array(TARGET)),
    ),
    "relative style": (
        lambda: losses.relative_style_loss(Moments.of(GENERATED), Moments.of(STYLE)),
        reference.relative_style_loss(array(GENERATED), array(STYLE)),
    ),
    "total variation": (lambda: losses.total_variation(IMAGE), reference.total_variation(array(IMAGE))),
}


def gram(features: Tensor) -> Tensor:
    """The Gram matrix (N, N) of a batch of one, for the mistakes below to spoil."""
    return torch.einsum("iyx,jyx->ij", features[0], features[0])


def squares(values: Tensor) -> Tensor:
    return values.square().sum()


def channels_last_gram(features: Tensor) -> Tensor:
    """The mistake of laying channels-last memory out as if it were channels-first."""
    rows = features.permute(0, 2, 3, 1).reshape(N, -1)
    return rows @ rows.T


def position_gram(features: Tensor) -> Tensor:
    """The mistake of summing over channels: (M, M)."""
    rows = features[0].flatten(1)
    return rows.T @ rows


def style_gradient(features: Tensor, target: Tensor) -> Tensor:
    """Eq. 6 without the rectifier's mask."""
    difference = gram(features) - gram(target)
    return torch.einsum("ij,jyx->iyx", difference, features[0]) / (N**2 * M**2)


KNOWN_MISTAKES: dict[tuple[str, str], Callable[[], Tensor]] = {
    ("gram", "over channels instead of positions"): lambda: position_gram(GENERATED),
    ("gram", "channels-last data reshaped as channels-first"): lambda: channels_last_gram(GENERATED),
    ("gram", "divided by the number of channels"): lambda: gram(GENERATED) / N,
    ("gram", "divided by the number of positions"): lambda: gram(GENERATED) / M,
    ("gram", "of centred features"): lambda: M * torch.cov(GENERATED[0].flatten(1), correction=0),
    ("gram", "of rectified features"): lambda: gram(GENERATED.relu()),
    ("gram", "only its diagonal"): lambda: gram(GENERATED).diag().diag(),
    ("batch gram", "the batch merged into the positions"): lambda: gram(torch.cat([*BATCH], 2)[None]).expand(
        2, N, N
    ),
    ("batch gram", "the batch merged into the channels"): lambda: gram(BATCH.reshape(1, 2 * N, H, W)),
    ("batch gram", "the first picture's for all"): lambda: gram(BATCH[:1]).expand(2, N, N),
    ("covariance", "not centred"): lambda: gram(GENERATED + 1) / M,
    ("covariance", "divided by M − 1"): lambda: torch.cov((GENERATED + 1)[0].flatten(1)),
    ("covariance", "the mean over channels subtracted"): lambda: (
        gram(GENERATED - GENERATED.mean(1, keepdim=True)) / M
    ),
    ("content", "without the ½"): lambda: squares(GENERATED - TARGET),
    ("content", "the mean instead of the sum"): lambda: 0.5 * (GENERATED - TARGET).square().mean(),
    ("content", "absolute instead of squared"): lambda: 0.5 * (GENERATED - TARGET).abs().sum(),
    ("content", "the root of the sum"): lambda: 0.5 * (GENERATED - TARGET).norm(),
    ("content", "between Gram matrices"): lambda: 0.5 * squares(gram(GENERATED) - gram(TARGET)),
    ("content gradient", "without the rectifier's mask"): lambda: (GENERATED - TARGET)[0],
    ("content gradient", "masked by the target"): lambda: ((GENERATED - TARGET) * (TARGET > 0))[0],
    ("content gradient", "masked by its own sign"): lambda: (GENERATED - TARGET).relu()[0],
    ("content gradient", "of the loss without the ½"): lambda: (2 * (GENERATED - TARGET) * (GENERATED > 0))[0],
    ("content gradient", "with its sign turned"): lambda: ((TARGET - GENERATED) * (GENERATED > 0))[0],
    ("layer style", "over channels instead of positions"): lambda: (
        squares(position_gram(GENERATED) - position_gram(TARGET)) / (4 * N**2 * M**2)
    ),
    ("layer style", "channels-last data reshaped as channels-first"): lambda: (
        squares(channels_last_gram(GENERATED) - channels_last_gram(TARGET)) / (4 * N**2 * M**2)
    ),
    ("layer style", "without the ¼"): lambda: squares(gram(GENERATED) - gram(TARGET)) / (N**2 * M**2),
    ("layer style", "N instead of N²"): lambda: squares(gram(GENERATED) - gram(TARGET)) / (4 * N * M**2),
    ("layer style", "N M instead of (N M)²"): lambda: squares(gram(GENERATED) - gram(TARGET)) / (4 * N * M),
    ("layer style", "H instead of H · W"): lambda: squares(gram(GENERATED) - gram(TARGET)) / (4 * N**2 * H**2),
    ("layer style", "the mean of Gram matrices divided by N M"): lambda: (
        (gram(GENERATED) - gram(TARGET)).div(N * M).square().mean()
    ),
    ("layer style", "the root of the sum"): lambda: (gram(GENERATED) - gram(TARGET)).norm() / (4 * N**2 * M**2),
    ("layer style", "absolute instead of squared"): lambda: (
        (gram(GENERATED) - gram(TARGET)).abs().sum() / (4 * N**2 * M**2)
    ),
    ("layer style", "only the upper triangle"): lambda: (
        squares((gram(GENERATED) - gram(TARGET)).triu()) / (4 * N**2 * M**2)
    ),
    ("layer style", "between the features themselves"): lambda: squares(GENERATED - TARGET) / (4 * N**2 * M**2),
    ("layer style, other size", "one count for both"): lambda: (
        squares(gram(GENERATED) - gram(STYLE)) / (4 * N**2 * M**2)
    ),
    ("layer style, other size", "the counts exchanged"): lambda: (
        squares(gram(GENERATED) / M_STYLE - gram(STYLE) / M) / (4 * N**2)
    ),
    ("layer style gradient", "without the rectifier's mask"): lambda: style_gradient(GENERATED, TARGET),
    ("layer style gradient", "masked by its own sign"): lambda: style_gradient(GENERATED, TARGET).relu(),
    ("layer style gradient", "with the ¼ left in"): lambda: (
        style_gradient(GENERATED, TARGET) / 4 * (GENERATED[0] > 0)
    ),
    ("layer style gradient", "N M instead of (N M)²"): lambda: (
        style_gradient(GENERATED, TARGET) * N * M * (GENERATED[0] > 0)
    ),
    ("layer style gradient", "through the target's features"): lambda: (
        torch.einsum("ij,jyx->iyx", gram(GENERATED) - gram(TARGET), TARGET[0])
        / (N * M) ** 2
        * (GENERATED[0] > 0)
    ),
    ("style", "the weights not applied"): lambda: torch.stack([*LAYER_LOSSES.values()]).sum(),
    ("style", "the plain mean"): lambda: torch.stack([*LAYER_LOSSES.values()]).mean(),
    ("style", "the weights in another order"): lambda: (
        0.3 * LAYER_LOSSES["relu1_1"] + 0.7 * LAYER_LOSSES["relu2_1"]
    ),
    ("style", "the weights squared"): lambda: (
        0.7**2 * LAYER_LOSSES["relu1_1"] + 0.3**2 * LAYER_LOSSES["relu2_1"]
    ),
    ("total", "α and β exchanged"): lambda: 4.0 * CONTENT + 0.5 * STYLE_SUM,
    ("total", "β alone, as a ratio"): lambda: CONTENT + 4.0 / 0.5 * STYLE_SUM,
    ("total", "the content left out"): lambda: 4.0 * STYLE_SUM,
    ("mean content", "with the paper's ½"): lambda: 0.5 * (GENERATED - TARGET).square().mean(),
    ("mean content", "the sum instead of the mean"): lambda: squares(GENERATED - TARGET),
    ("mean style", "without the 10³"): lambda: (
        (gram(GENERATED) / M - gram(STYLE) / M_STYLE).square().mean() / N**2
    ),
    ("mean style", "C instead of C²"): lambda: (
        1e3 * (gram(GENERATED) / M - gram(STYLE) / M_STYLE).square().mean() / N
    ),
    ("mean style", "the sum instead of the mean"): lambda: (
        1e3 * squares(gram(GENERATED) / M - gram(STYLE) / M_STYLE) / N**2
    ),
    ("mean style", "Gram matrices not divided by M"): lambda: (
        1e3 * (gram(GENERATED) - gram(STYLE)).square().mean() / N**2
    ),
    ("relative content", "relative to the generated"): lambda: squares(GENERATED - TARGET) / squares(GENERATED),
    ("relative content", "relative to the target's size, not its square"): lambda: (
        squares(GENERATED - TARGET) / TARGET.norm()
    ),
    ("relative content", "relative to the target's variance"): lambda: (
        (GENERATED - TARGET).square().mean() / TARGET.var(correction=0)
    ),
    ("relative content", "each position relative to its own energy"): lambda: (
        (GENERATED - TARGET).square().sum(1) / TARGET.square().sum(1)
    ).mean(),
    ("relative style", "relative to the generated"): lambda: (
        squares(gram(GENERATED) / M - gram(STYLE) / M_STYLE) / squares(gram(GENERATED) / M)
    ),
    ("relative style", "the ratio of norms, not of their squares"): lambda: (
        (gram(GENERATED) / M - gram(STYLE) / M_STYLE).norm() / (gram(STYLE) / M_STYLE).norm()
    ),
    ("relative style", "Gram matrices not divided by M"): lambda: (
        squares(gram(GENERATED) - gram(STYLE)) / squares(gram(STYLE))
    ),
    ("relative style", "each entry relative to its own target"): lambda: (
        ((gram(GENERATED) / M - gram(STYLE) / M_STYLE) / (gram(STYLE) / M_STYLE)).square().mean()
    ),
    ("total variation", "absolute instead of squared"): lambda: (
        IMAGE.diff(dim=3).abs().mean() + IMAGE.diff(dim=2).abs().mean()
    ),
    ("total variation", "only across"): lambda: IMAGE.diff(dim=3).square().mean(),
    ("total variation", "only down"): lambda: IMAGE.diff(dim=2).square().mean(),
    ("total variation", "the sum instead of the mean"): lambda: (
        squares(IMAGE.diff(dim=3)) + squares(IMAGE.diff(dim=2))
    ),
    ("total variation", "both directions divided by the number of pixels"): lambda: (
        (squares(IMAGE.diff(dim=3)) + squares(IMAGE.diff(dim=2))) / IMAGE.numel()
    ),
    ("total variation", "half the sum of the two means"): lambda: (
        (IMAGE.diff(dim=3).square().mean() + IMAGE.diff(dim=2).square().mean()) / 2
    ),
    ("total variation", "around the border to the other side"): lambda: (
        (IMAGE.roll(-1, 3) - IMAGE).square().mean() + (IMAGE.roll(-1, 2) - IMAGE).square().mean()
    ),
    ("total variation", "across the channels too"): lambda: sum(
        (IMAGE.diff(dim=dim).square().mean() for dim in (1, 2, 3)), torch.zeros(())
    ),
}


@pytest.mark.parametrize("quantity", EXPECTED)
def test_the_package_passes_where_the_mistakes_are_tried(quantity: str) -> None:
    function, expected = EXPECTED[quantity]
    assert matches(function(), expected, TOLERANCE[torch.float64])


@pytest.mark.parametrize(("quantity", "mistake"), KNOWN_MISTAKES)
def test_the_reference_rejects_a_known_mistake(quantity: str, mistake: str) -> None:
    wrong = KNOWN_MISTAKES[quantity, mistake]()
    _, expected = EXPECTED[quantity]
    assert bool(wrong.isfinite().all())
    assert not matches(wrong, expected, 1e-2)  # 500 times the float32 tolerance: rejected by far


def test_every_quantity_has_a_mistake_that_is_rejected() -> None:
    assert {quantity for quantity, _ in KNOWN_MISTAKES} == set(EXPECTED)


def test_a_tensor_of_ones_would_let_a_wrong_gram_matrix_pass() -> None:
    ones = torch.ones(1, N, H, W, dtype=torch.float64)
    expected = reference.gram(array(ones))
    assert matches(losses.gram_matrix(ones)[0], expected, 1e-12)
    assert matches(channels_last_gram(ones), expected, 1e-12)  # which is why no witness above is made of ones


def test_moments_of_different_layers_are_refused() -> None:
    text = "moments must have the target's shape (1, 3, 3); got (1, 1, 1). Compare moments of the same layer"
    with pytest.raises(ValueError, match=re.escape(text)):
        losses.layer_style_loss(Moments.of(torch.ones(1, 1, 2, 2)), Moments.of(torch.ones(1, 3, 2, 2)))


@pytest.mark.parametrize("weights", [{}, {"relu1_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0}])
def test_layer_weights_that_name_other_layers_are_refused(weights: dict[str, float]) -> None:
    layer_losses = {"relu1_1": torch.tensor(1.0), "relu2_1": torch.tensor(2.0)}
    text = f"layer_weights must name the layers relu1_1, relu2_1; got {', '.join(weights) or 'none'}. "
    with pytest.raises(ValueError, match=re.escape(text)):
        losses.style_loss(layer_losses, weights)


def test_moments_are_float32_under_autocast() -> None:
    features = torch.rand(1, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    expected = Moments.of(features).second
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(Moments.of(features).second, expected)


def test_the_style_gradient_of_half_precision_features_is_in_float32() -> None:
    features = torch.rand(1, 4, 5, 5, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    target = Moments.of(2 * features)
    expected = losses.layer_style_loss_gradient(features.float(), target)
    assert torch.equal(losses.layer_style_loss_gradient(features, target), expected)
