"""One level's loss against an independent implementation in NumPy, for each preset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import neural_style
import reference
from narrow import RANDOM
from neural_style import StyleTransfer
from neural_style.evaluation.objective import Objective
from neural_style.network.features import VGG19Features
from neural_style.network.source import random_weights
from neural_style.transfer.presets import PRESETS, choose_settings


def picture(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def make(preset: str, **options: Any) -> tuple[Objective, VGG19Features]:
    settings = choose_settings(preset, **options)
    network = VGG19Features(
        random_weights(width=0.25),
        settings.layers,
        pooling=settings.pooling,  # type: ignore[arg-type]
        padding=settings.padding,  # type: ignore[arg-type]
    )
    return Objective(network, picture(32, 48, 1), picture(48, 36, 2), settings), network


def in_numpy(features: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value[0].double().numpy() for name, value in features.items()}


# The losses of a content and of a style layer, and the weights of content, style, each style layer, variation.
# "self-taught" has the default's losses.
INDEPENDENT: dict[str, Any] = {
    "default": (reference.relative_content_loss, reference.relative_covariance_loss, (0.1, 1.0, 0.2, 1.0)),
    "paper": (reference.content_loss, reference.layer_style_loss, (1e-3, 1.0, 0.2, 0.0)),
    "authors": (reference.mean_content_loss, reference.mean_style_loss, (1.0, 1.0, 1.0, 0.0)),
}


@pytest.mark.parametrize("preset", INDEPENDENT)
def test_a_presets_loss_equals_the_independent_one(preset: str) -> None:
    objective, network = make(preset)
    image = picture(32, 48, 3)
    loss, _ = objective.value_and_grad(image)
    generated, content, style = (in_numpy(network(x)) for x in (image, picture(32, 48, 1), picture(48, 36, 2)))
    content_loss, style_loss, (alpha, beta, layer_weight, smoothing) = INDEPENDENT[preset]
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    layer_losses = {name: style_loss(generated[name], style[name]) for name in layers}
    expected = reference.total_loss(
        content_loss(generated["relu4_2"], content["relu4_2"]),
        reference.style_loss(layer_losses, dict.fromkeys(layers, layer_weight)),
        alpha,
        beta,
    ) + smoothing * reference.isotropic_variation(image[0].double().numpy())
    assert loss.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("preset", list(PRESETS))
def test_the_gradient_is_the_losss_slope(preset: str) -> None:
    single, network = make(preset)
    content, style = picture(32, 48, 1).double(), picture(48, 36, 2).double()
    objective = Objective(network.double(), content, style, single.terms)
    image = picture(32, 48, 3).double()
    random = torch.randn(image.shape, generator=torch.Generator().manual_seed(4)).double()
    _, gradient = objective.value_and_grad(image)
    direction = random / random.norm() + gradient / gradient.norm()
    step = 1e-6
    ahead, behind = (objective.value_and_grad(image + sign * step * direction)[0] for sign in (1, -1))
    slope = (ahead - behind).item() / (2 * step)
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-4)


def test_the_terms_add_up_to_the_loss() -> None:
    objective, _ = make("default", content_weight=0.3, style_weight=0.7, variation_weight=2)
    loss, _ = objective.value_and_grad(picture(32, 48, 3))
    terms = objective.terms_by_name
    whole = 0.3 * terms["content"] + 0.7 * terms["style"] + 2 * terms["total variation"]
    torch.testing.assert_close(whole, loss)
    styles = [terms[f"style {part.layer}"] for part in objective.target_moments]
    torch.testing.assert_close(torch.stack(styles).mean(), terms["style"])
    torch.testing.assert_close(terms["content relu4_2"], terms["content"])


def test_value_and_gradient_are_float32_and_detached_and_the_image_is_untouched() -> None:
    objective, network = make("default")
    image = picture(32, 48, 3)
    before = image.clone()
    loss, gradient = objective.value_and_grad(image)
    assert torch.equal(image, before)
    assert not image.requires_grad
    assert (loss.dtype, gradient.dtype) == (torch.float32, torch.float32)
    assert not loss.requires_grad
    assert gradient.shape == image.shape
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("dtype", "weight", "apart"),
    [
        (torch.bfloat16, 1.0, (0.02, 0.1)),
        (torch.float16, 1e-6, (0.002, 0.06)),
        (torch.float16, 1.0, (0.002, 0.06)),
        (torch.float16, 1e8, (0.002, 0.06)),
    ],
)
def test_half_precision_gives_float32_numbers_near_the_exact_ones_whatever_the_losss_scale(
    dtype: torch.dtype, weight: float, apart: tuple[float, float]
) -> None:
    weights = {"content_weight": 0.1 * weight, "style_weight": weight, "variation_weight": 0}
    objective, network = make("default", **weights)
    image = picture(32, 48, 3)
    loss, gradient = objective.value_and_grad(image)
    network.set_precision(dtype)
    half = Objective(network, picture(32, 48, 1), picture(48, 36, 2), objective.terms)
    half_loss, half_gradient = half.value_and_grad(image)
    assert (half_loss.dtype, half_gradient.dtype) == (torch.float32, torch.float32)
    assert half_loss.item() == pytest.approx(loss.item(), rel=apart[0])
    assert (half_gradient - gradient).norm() < apart[1] * gradient.norm()


def test_a_float16_network_at_its_own_minimum_has_no_gradient() -> None:
    objective, network = make("default")
    network.set_precision(torch.float16)
    image = picture(32, 48, 1)
    half = Objective(network, image, image, replace(objective.terms, variation_weight=0))
    loss, gradient = half.value_and_grad(image)
    assert loss == 0
    assert torch.equal(gradient, torch.zeros_like(image))


def public_terms(**changed: Any) -> neural_style.Terms:
    half_squares, style_loss = neural_style.half_squares, neural_style.layer_style_loss
    terms = neural_style.Terms({"relu2_1": 1.0}, {"relu1_1": 1.0}, half_squares, style_loss, 1.0, 1.0)
    return replace(terms, **changed)


def test_terms_and_an_objective_are_built_of_public_names_alone() -> None:
    network = neural_style.VGG19Features("random", ["relu1_1", "relu2_1"])
    content, style = picture(32, 48, 0), picture(32, 48, 1)
    for style_loss in (neural_style.layer_style_loss, neural_style.covariance_loss):
        objective = neural_style.Objective(network, content, style, public_terms(style_loss=style_loss))
        loss, gradient = objective.value_and_grad(content)
        assert loss > 0
        assert gradient.shape == content.shape


def test_pictures_that_are_no_content_and_no_styles_are_refused() -> None:
    network, one = neural_style.VGG19Features(RANDOM, ["relu1_1", "relu2_1"]), picture(32, 48, 0)
    with pytest.raises(ValueError, match=r"^content_image must"):
        Objective(network, one.expand(2, -1, -1, -1), one, public_terms())
    with pytest.raises(TypeError, match=r"^style_image must"):
        Objective(network, one, [one, one], public_terms())  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"^style_image must"):
        Objective(network, one, one.expand(2, -1, -1, -1), public_terms())


@pytest.mark.parametrize("name", ["mask", "region"])
@pytest.mark.parametrize("size", [(16, 24), (64, 96), (48, 32)])
def test_a_mask_of_another_size_is_refused(name: str, size: tuple[int, int]) -> None:
    network, one = neural_style.VGG19Features(RANDOM, ["relu1_1", "relu2_1"]), picture(32, 48, 0)
    guide = neural_style.Guide(one, **{name: torch.ones(1, 1, *size)})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"^a guide's {name} must"):
        Objective(network, one, [guide], public_terms())


@pytest.mark.parametrize("tile", [None, 32])
@pytest.mark.parametrize("shape", [(1, 3, 48, 48), (1, 3, 96, 128), (3, 48, 64), (2, 3, 48, 64)])
def test_a_picture_of_another_shape_is_refused(shape: tuple[int, ...], tile: int | None) -> None:
    transfer = StyleTransfer(weights=RANDOM, device="cpu", tile_size=tile)
    objective = transfer.objective(torch.rand(3, 48, 64), torch.rand(3, 48, 48), size=64)
    with pytest.raises(ValueError, match=r"^image must have shape \(1, 3, 48, 64\)"):
        objective.value_and_grad(torch.rand(shape))


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("variation", "nine-point", ValueError),
        ("content_weight", -1.0, ValueError),
        ("style_weight", float("nan"), ValueError),
        ("style_layers", ["relu1_1"], TypeError),
        ("content_layers", {"relu2_1": -1.0}, ValueError),
    ],
)
def test_terms_refuse_what_no_loss_can_have(name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^{name}\S* must"):
        public_terms(**{name: value})
