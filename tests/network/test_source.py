"""Weights that are learned from pictures or drawn at random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import equal
from neural_style import learn_weights, random_weights, save_image
from neural_style.images.resizing import resize
from neural_style.network.self_taught import learn_filters
from neural_style.network.vgg19 import convolutions
from neural_style.network.weights import IMAGENET_MEAN, IMAGENET_STD, Weights


def picture(height: int = 32, width: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def learned(*images: Any, deepest: str = "relu2_1", seed: int = 0) -> Weights:
    return learn_weights(list(images), deepest=deepest, width=0.25, seed=seed)


def test_learned_filters_have_the_width_channels_and_end_where_asked() -> None:
    weights = learned(picture(), deepest="relu3_1")
    assert list(weights.parameters) == [
        f"features.{layer.index}.{part}" for layer in convolutions()[:5] for part in ("weight", "bias")
    ]
    assert [len(weights.parameters[f"features.{i}.bias"]) for i in (0, 5, 10)] == [16, 32, 64]
    assert (weights.width, weights.convention, weights.self_taught) == (0.25, "torchvision", True)


def test_learned_filters_are_decided_by_the_seed_and_by_every_picture_alone() -> None:
    before = torch.get_rng_state()
    first, same, other = (learned(picture(), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert equal(first, same)
    assert not equal(first, other)
    assert not equal(first, learned(picture(), picture(40, 24, seed=2), seed=1))


def test_filters_are_learned_from_a_picture_at_its_size_and_at_half_of_it() -> None:
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    both = [(image - mean) / std for image in (picture(), resize(picture(), (16, 16)))]
    expected = learn_filters(both, [[16, 16], [32]], torch.Generator().manual_seed(3))
    weights = learned(picture()[0], seed=3)
    for layer, (weight, bias) in zip(convolutions(), expected, strict=False):
        assert torch.equal(weights.parameters[f"features.{layer.index}.weight"], weight)
        assert torch.equal(weights.parameters[f"features.{layer.index}.bias"], bias)


def test_a_picture_may_be_a_file(tmp_path: Path) -> None:
    image = picture().mul(255).round() / 255
    save_image(image, tmp_path / "a.png")
    assert equal(learned(tmp_path / "a.png"), learned(image))


@pytest.mark.parametrize(
    ("images", "error"),
    [
        ([], TypeError),
        (picture(), TypeError),
        ("a.png", TypeError),
        ([picture()[0, 0]], ValueError),
        ([picture() * 255], ValueError),
    ],
)
def test_pictures_that_are_none_are_refused(images: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^images (must|values must)"):
        learn_weights(images)


def test_random_filters_are_orthogonal_and_unbiased() -> None:
    before = torch.get_rng_state()
    weights = random_weights(width=0.5, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    rows = weights.parameters["features.2.weight"].flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(32), atol=1e-4, rtol=0)
    assert all(bool((v == 0).all()) for name, v in weights.parameters.items() if name.endswith("bias"))
    assert (weights.width, weights.self_taught) == (0.5, False)
    assert equal(weights, random_weights(width=0.5, seed=3))
    assert not equal(weights, random_weights(width=0.5, seed=4))
    with pytest.raises(ValueError, match=r"^width must"):
        random_weights(width=0.3)
