"""VGG-19's features against the same network run by hand, and hooks as a resource."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neural_style.network.features import LEAST_MEAN, PADDINGS, POOLINGS, Padding, Pooling, VGG19Features
from neural_style.network.source import random_weights
from neural_style.network.vgg19 import convolutions, layer_table
from neural_style.network.weights import Weights

ALL_LAYERS = list(layer_table())
NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "zeros": "constant", "circular": "wrap"}


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def narrow(seed: int = 0, convention: str = "torchvision") -> Weights:
    """Return a quarter-width network with biases that are not zero."""
    generator = torch.Generator().manual_seed(seed)
    parameters = random_weights(width=0.25, seed=seed).parameters
    biased = {
        name: 0.1 * torch.randn(value.shape, generator=generator) if name.endswith("bias") else value
        for name, value in parameters.items()
    }
    return Weights(biased, convention)  # type: ignore[arg-type]


def by_hand(weights: Weights, image: Tensor, pooling: str, padding: str) -> dict[str, np.ndarray]:
    """Run the whole network in NumPy and float64: pad, correlate, rectify, pool."""
    x = image[0].double().numpy()
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = (x - mean[:, None, None]) / std[:, None, None]
    found = {}
    for name, layer in layer_table().items():
        if layer.kind == "conv":
            kernel = weights.parameters[f"features.{layer.index}.weight"].double().numpy()
            bias = weights.parameters[f"features.{layer.index}.bias"].double().numpy()
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode=NUMPY_MODES[padding])  # type: ignore[call-overload]
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))  # (C, H, W, 3, 3)
            x = np.einsum("chwij,kcij->khw", windows, kernel) + bias[:, None, None]
        elif layer.kind == "relu":
            x = np.maximum(x, 0)
        else:
            height, width = x.shape[1] // 2, x.shape[2] // 2
            blocks = x[:, : 2 * height, : 2 * width].reshape(len(x), height, 2, width, 2)
            x = blocks.mean((2, 4)) if pooling == "average" else blocks.max((2, 4))
        found[name] = x
    return found


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_layer_equals_the_network_run_by_hand(pooling: Pooling, padding: Padding) -> None:
    weights, image = narrow(), picture(37, 52)
    expected = by_hand(weights, image, pooling, padding)
    # circular and reflected borders need two positions; the fifth block of this picture has 2 × 3
    found = VGG19Features(weights, ALL_LAYERS[:-1], pooling=pooling, padding=padding)(image)
    assert list(found) == ALL_LAYERS[:-1]
    for name, activation in found.items():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(activation[0].numpy() / scale, expected[name] / scale, atol=1e-5)


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def test_no_hook_remains_after_a_call_or_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    network = VGG19Features(narrow(), ["relu1_1", "relu2_1"])
    network(picture(16, 16))
    assert hooks(network) == 0

    def fail(_x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(network.network.get_submodule("conv2_1"), "forward", fail)
    with pytest.raises(KeyboardInterrupt):
        network(picture(16, 16))
    assert hooks(network) == 0


def test_the_network_is_truncated_after_the_deepest_layer_asked_for() -> None:
    network = VGG19Features(narrow(), ["relu3_1", "relu1_1"])
    assert [name for name, _ in network.network.named_children()][-1] == "relu3_1"
    assert network.layers == ["relu1_1", "relu3_1"]
    assert network.minimum_size == 4


@pytest.mark.parametrize("pooling", POOLINGS)
def test_normalised_filters_have_mean_activation_one_and_are_the_same_up_to_scale(pooling: Pooling) -> None:
    images = [picture(48, 64, 1), picture(32, 40, 2)]
    plain = VGG19Features(narrow(), ["relu1_1", "relu3_2", "relu5_1"], pooling=pooling)
    network = VGG19Features(narrow(), ["relu1_1", "relu3_2", "relu5_1"], pooling=pooling)
    network.normalize_activations(network.mean_activations(images))
    for name in network.layers:
        maps = [torch.cat([net(image)[name].flatten(2) for image in images], 2)[0] for net in (network, plain)]
        before = maps[1].mean(1)
        heard = before > LEAST_MEAN * before[before > 0].median()
        assert heard.float().mean() > 0.4  # half of relu5_1 never responds
        means = maps[0].mean(1)[heard]
        torch.testing.assert_close(means, torch.ones_like(means), rtol=1e-4, atol=1e-4)
        rescaled = maps[1][heard] / before[heard, None]
        torch.testing.assert_close(maps[0][heard], rescaled, rtol=1e-3, atol=1e-3)
    assert hooks(network) == 0


def test_an_almost_silent_filter_is_rescaled_as_one_of_a_hundredth_of_the_median() -> None:
    network, before = VGG19Features(narrow(), ["relu1_1"]), narrow().parameters["features.0.bias"]
    mean = torch.full((16,), 8.0)
    mean[3], mean[4] = 0.0, 1e-3
    network.normalize_activations({"conv1_1": mean})
    after = network.weights.parameters["features.0.bias"]
    torch.testing.assert_close(after[:3], before[:3] / 8)
    torch.testing.assert_close(after[3:5], before[3:5] / (LEAST_MEAN * 8))


def test_a_layer_that_never_responds_is_left_alone() -> None:
    weights = narrow()
    weights.parameters["features.0.bias"].fill_(-1e6)
    network = VGG19Features(weights, ["relu1_2"])
    network.normalize_activations(network.mean_activations([picture(16, 16)]))
    assert bool((network.weights.parameters["features.0.bias"] == -1e6).all())
    assert bool(torch.isfinite(network(picture(16, 16))["relu1_2"]).all())


@pytest.mark.parametrize(
    "means",
    [{}, {"conv1_1": torch.ones(15)}, {"conv1_1": -torch.ones(16)}, {"conv1_1": torch.full((16,), torch.inf)}],
)
def test_means_that_are_no_means_of_the_network_are_refused(means: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"^means must .*conv1_1"):
        VGG19Features(narrow(), ["relu1_1"]).normalize_activations(means)


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (torch.zeros(3, 16, 16), ValueError),
        (torch.zeros(1, 3, 15, 16), ValueError),
        (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), TypeError),
    ],
)
def test_a_picture_that_is_none_or_too_small_is_refused(image: Any, error: type[Exception]) -> None:
    network = VGG19Features(narrow(), ["relu5_1"])
    for act in (network, lambda image: network.mean_activations([image])):
        with pytest.raises(error, match=r"^image must"):
            act(image)
    with pytest.raises(ValueError, match=r"^images must"):
        network.mean_activations([])


@pytest.mark.parametrize(
    "options", [{"layers": ["relu4_5"]}, {"pooling": "mean"}, {"padding": "same"}, {"seed": -1}]
)
def test_bad_arguments_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(options))} must"):
        VGG19Features(narrow(), **options)


def test_weights_that_end_before_the_deepest_layer_are_refused() -> None:
    last = convolutions()[2].index
    short = Weights(
        {name: value for name, value in narrow().parameters.items() if int(name.split(".")[1]) <= last}
    )
    assert VGG19Features(short, ["relu2_1"]).layers == ["relu2_1"]
    with pytest.raises(ValueError, match=r"^weights must .*relu3_1"):
        VGG19Features(short, ["relu3_1"])


def test_two_threads_may_use_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    network, images = VGG19Features(narrow(), ["relu1_1", "relu2_1"]), [picture(16, 16, 1), picture(16, 16, 2)]
    expected = [network(image) for image in images]
    module, others = network.network.get_submodule("conv2_1"), list[dict[str, Tensor]]()
    forward = module.forward

    def interrupted(features: Tensor) -> Tensor:
        """Let another thread use the network half way."""
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as threads:
            others.append(threads.submit(network, images[1]).result())
        result: Tensor = forward(features)
        return result

    monkeypatch.setattr(module, "forward", interrupted)
    for found, wanted in zip([network(images[0]), *others], expected, strict=True):
        for name, activation in wanted.items():
            torch.testing.assert_close(found[name], activation)


def test_half_precision_leaves_the_first_convolution_in_float32_and_can_be_undone() -> None:
    network, image = VGG19Features(narrow(), ["conv1_1", "relu2_1"]), picture(16, 16)
    exact = network(image)
    network.set_precision(torch.bfloat16)
    assert network.dtype == torch.bfloat16
    first, *others = network.network.parameters()
    assert first.dtype == torch.float32
    assert {parameter.dtype for parameter in others[1:]} == {torch.bfloat16}
    rounded = network(image)
    assert {features.dtype for features in rounded.values()} == {torch.bfloat16}
    assert torch.equal(rounded["conv1_1"], exact["conv1_1"].to(torch.bfloat16))
    network.set_precision(torch.float32)
    assert network.dtype == torch.float32
    assert torch.equal(network(image)["conv1_1"], exact["conv1_1"])


def test_some_of_the_layers_are_computed_without_the_deeper_ones() -> None:
    network, image = VGG19Features(narrow(), ["relu1_1", "relu2_1", "relu3_1"]), picture(16, 16)
    calls: list[str] = []
    for name, module in network.network.named_children():
        module.register_forward_hook(lambda *_arguments, name=name: calls.append(name))
    whole, part = network(image), network(image, ["relu2_1", "relu1_1"])
    assert list(part) == ["relu1_1", "relu2_1"]
    assert all(torch.equal(part[name], whole[name]) for name in part)
    assert calls[-1] == "relu2_1"
    with pytest.raises(ValueError, match=r"^layers must"):
        network(image, ["relu1_2", "relu2_1"])
