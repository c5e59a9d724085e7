"""Frozen convolutions: equal to torch's on a bordered picture, forward and backward, and what they keep."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from neural_style.network import winograd
from neural_style.network.convolution import FrozenConvolution
from neural_style.network.features import PADDINGS

SIZES = ((1, 1), (1, 5), (2, 2), (3, 2), (9, 14))


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def frozen(padding: str, channels: int = 3, dtype: torch.dtype = torch.float64) -> FrozenConvolution:
    module = FrozenConvolution(drawn(4, channels, 3, 3, seed=1), drawn(4, seed=2), padding)
    return module.requires_grad_(False).to(dtype)


def plain(module: FrozenConvolution, features: Tensor) -> Tensor:
    """Return the same by torch alone, with its own derivative."""
    if module.padding == "zeros":
        return F.conv2d(features, module.weight, module.bias, padding=1)
    for sides, length in (((1, 1, 0, 0), features.shape[-1]), ((0, 0, 1, 1), features.shape[-2])):
        mode = "replicate" if module.padding == "reflect" and length == 1 else module.padding
        features = F.pad(features, sides, mode=mode)
    return F.conv2d(features, module.weight, module.bias)


@pytest.fixture(params=["direct", "winograd"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(winograd, "pays", lambda *_: request.param == "winograd")
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", SIZES)
def test_responses_and_gradient_are_those_of_torch(padding: str, size: tuple[int, int]) -> None:
    module = frozen(padding)
    features = drawn(2, 3, *size, seed=3).requires_grad_()
    result, expected = module(features), plain(module, features)
    torch.testing.assert_close(result, expected)
    weights = drawn(*expected.shape, seed=4)
    (gradient,) = torch.autograd.grad((result * weights).sum(), features)
    (by_torch,) = torch.autograd.grad((expected * weights).sum(), features)
    torch.testing.assert_close(gradient, by_torch)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("padding", PADDINGS)
def test_first_and_second_derivative_are_those_of_differences(padding: str) -> None:
    module, features = frozen(padding, channels=2), drawn(1, 2, 3, 5).requires_grad_()
    assert gradcheck(module, (features,))
    assert gradgradcheck(lambda x: module(x).square(), (features,))


def test_nothing_is_kept_for_the_gradient_but_the_filters(way: str) -> None:
    module, kept = frozen("reflect"), list[tuple[int, ...]]()

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module(drawn(1, 3, 9, 14).requires_grad_())
    assert kept == [(36, 3, 4) if way == "winograd" else (3, 4, 3, 3)]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("change", ["in place", "assigned", "copied", "new data", "new parameter"])
def test_changed_filters_count_at_once(change: str) -> None:
    module, features = frozen("reflect"), drawn(1, 3, 9, 14).requires_grad_()
    before = module(features)
    doubled = {name: 2 * parameter.detach() for name, parameter in module.named_parameters()}
    if change == "in place":
        module.weight.mul_(2)
        module.bias.mul_(2)
    elif change == "assigned":
        module.load_state_dict(doubled, assign=True)
    elif change == "copied":
        module.weight.mul_(1)  # counted, so that one more change of the copy would come to the same number
        module(features)
        module = deepcopy(module)
        module.weight.mul_(2)
        module.bias.mul_(2)
    elif change == "new data":
        for name, parameter in module.named_parameters():
            parameter.data = doubled[name]
    else:
        for name, values in doubled.items():
            setattr(module, name, torch.nn.Parameter(values, requires_grad=False))
    module.requires_grad_(False)
    torch.testing.assert_close(module(features), 2 * before)
    torch.testing.assert_close(
        torch.autograd.grad(module(features).sum(), features),
        torch.autograd.grad(2 * before.sum(), features),
    )


@pytest.mark.usefixtures("way")
def test_a_first_call_in_inference_mode_leaves_what_a_gradient_can_use() -> None:
    module, features = frozen("reflect"), drawn(1, 3, 9, 14)
    with torch.inference_mode():
        module(features)
    (gradient,) = torch.autograd.grad(module(features.requires_grad_()).sum(), features)
    (expected,) = torch.autograd.grad(plain(module, features).sum(), features)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.usefixtures("way")
def test_autocast_changes_nothing() -> None:
    module, features = frozen("reflect", dtype=torch.float32), drawn(1, 3, 9, 14).float().requires_grad_()
    expected = module(features)
    (expected_gradient,) = torch.autograd.grad(expected.square().sum(), features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = module(features)
        (inside,) = torch.autograd.grad(result.square().sum(), features, retain_graph=True)
    (outside,) = torch.autograd.grad(result.square().sum(), features)
    assert torch.equal(result, expected)
    assert torch.equal(inside, expected_gradient)
    assert torch.equal(outside, expected_gradient)


@pytest.mark.usefixtures("way")
def test_filters_that_are_not_frozen_get_their_gradient() -> None:
    module, features = frozen("reflect").requires_grad_(True), drawn(1, 3, 9, 14)
    (gradient,) = torch.autograd.grad(module(features).sum(), module.weight)
    (expected,) = torch.autograd.grad(plain(module, features).sum(), module.weight)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.usefixtures("way")
def test_filters_made_in_inference_mode_serve_too() -> None:
    with torch.inference_mode():
        module = frozen("reflect")
        module.weight.mul_(2)
        result = module(drawn(1, 3, 9, 14))
        module.weight.mul_(2)
        assert not torch.equal(module(drawn(1, 3, 9, 14)), result)
