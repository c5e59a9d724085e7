"""Filters that a device has no room to learn are learned on the CPU."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from neural_style import networks
from neural_style.networks import NetworkSource
from neural_style.weights import Weights, learn_weights

STYLE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def source() -> NetworkSource:
    options: dict[str, Any] = {"layers": ["relu2_1"], "pooling": "average", "padding": "reflect"}
    return NetworkSource("self-taught", width=0.25, device=torch.device("cpu"), dtype=torch.float32, **options)


class OnDevice:
    """A picture that says it is on a GPU, until it is asked to be on the CPU."""

    device = SimpleNamespace(type="cuda")
    shape = STYLE.shape

    def cpu(self) -> torch.Tensor:
        return STYLE


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Return a list; the error that a test puts into it is raised by learning on the GPU."""
    errors: list[Exception] = []

    def learn(pictures: list[Any], **options: Any) -> Weights:
        if isinstance(pictures[0], OnDevice):
            raise errors[0]
        return learn_weights(pictures, **options)

    monkeypatch.setattr(networks, "learn_weights", learn)
    monkeypatch.setattr(networks, "_halved", lambda image: image)
    return errors


def test_filters_that_do_not_fit_on_a_gpu_are_learned_on_the_cpu(gpu: list[Exception]) -> None:
    gpu.append(torch.OutOfMemoryError("CUDA out of memory"))
    expected = source().learn([STYLE], seed=3)
    text = "^Out of memory on cpu. The filters are learned on the CPU, which takes longer.$"
    with pytest.warns(RuntimeWarning, match=text):
        learned = source().learn([OnDevice()], seed=3)  # type: ignore[list-item]
    for name, value in expected.parameters.items():
        assert torch.equal(learned.parameters[name], value)


def test_another_failure_of_learning_passes(gpu: list[Exception]) -> None:
    gpu.append(RuntimeError("mine"))
    with warnings.catch_warnings(action="error"), pytest.raises(RuntimeError, match="mine"):
        source().learn([OnDevice()], seed=3)  # type: ignore[list-item]


def test_the_cpu_has_nowhere_else_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    def learn(*_: object, **__: object) -> Weights:
        raise MemoryError

    monkeypatch.setattr(networks, "learn_weights", learn)
    with pytest.raises(MemoryError):
        source().learn([STYLE], seed=0)
