"""A recorded evaluation is the evaluation: on CUDA in truth, on the CPU with a recorder that plays along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import StyleTransfer
from neural_style.evaluation import cuda_graph
from neural_style.evaluation.cuda_graph import FIRST, RecordedObjective, choose_objective
from neural_style.evaluation.objective import Objective
from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features


def objective_of(kind: type[Objective], device: torch.device) -> Objective:
    """Return the default's objective of 48×64 pixels, of narrow random filters."""
    transfer = StyleTransfer(weights=RANDOM, device=device, precision="float32")
    plain = transfer.objective(picture(1, device)[0], picture(2, device)[0])
    return kind(plain.network, picture(1, device), picture(2, device), plain.terms)


def picture(seed: int, device: torch.device) -> Tensor:
    return torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(seed), device="cpu").to(device)


class Player:
    """Stands in for a CUDA graph: a replay computes again from the recorded picture, into the same tensors."""

    def __init__(self, objective: RecordedObjective) -> None:
        self.objective, self.replays = objective, 0
        self.computed = Objective(
            objective.network, picture(1, torch.device("cpu")), picture(2, torch.device("cpu")), objective.terms
        )

    def replay(self) -> None:
        self.replays += 1
        loss, gradient = self.computed.value_and_grad(self.objective._picture)
        parts = torch.stack(list(self.computed.terms_by_name.values()))
        for result, value in zip(self.objective._results, (loss, gradient, parts), strict=True):
            result.copy_(value)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> RecordedObjective:
    """A recorded objective on the CPU, with stand-ins for CUDA."""
    objective = objective_of(RecordedObjective, torch.device("cpu"))
    assert isinstance(objective, RecordedObjective)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: Player(objective))
    monkeypatch.setattr(torch.cuda, "graph", lambda _graph, **_options: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda _device: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: "the caller's")
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: f"of {device}")
    cuda_graph._stream.cache_clear()
    return objective


def test_the_third_evaluation_is_recorded_and_all_are_the_objectives(recorder: RecordedObjective) -> None:
    cpu = torch.device("cpu")
    plain = objective_of(Objective, cpu)
    kept = []
    for seed in range(3, 3 + FIRST + 3):
        image = picture(seed, cpu)
        kept.append((*recorder.value_and_grad(image), recorder.terms_by_name))
    assert recorder._graph.replays == 3
    for seed, (loss, gradient, terms) in enumerate(kept, start=3):  # no replay has changed an earlier result
        expected = plain.value_and_grad(picture(seed, cpu))
        assert torch.equal(loss, expected[0])
        assert torch.equal(gradient, expected[1])
        assert terms == plain.terms_by_name
    assert len({loss.item() for loss, _gradient, _terms in kept}) == len(kept)


def test_a_failing_recording_is_told_and_the_run_goes_on_where_it_was(
    recorder: RecordedObjective, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def graph(_graph: object, **_options: object) -> Iterator[None]:
        yield
        raise RuntimeError("capture was invalidated\nand a trace")

    streams: list[object] = []
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "set_stream", streams.append)
    image = picture(3, torch.device("cpu"))
    for _ in range(FIRST):
        expected = recorder.value_and_grad(image)
    with pytest.warns(RuntimeWarning, match=r"No CUDA graph could be recorded \(capture was invalidated\)\. "):
        assert torch.equal(recorder.value_and_grad(image)[1], expected[1])
    assert torch.equal(recorder.value_and_grad(image)[1], expected[1])
    assert streams == ["the caller's"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_cuda_graph_gives_the_objectives_numbers() -> None:
    cuda = torch.device("cuda")
    recorded, plain = (objective_of(kind, cuda) for kind in (RecordedObjective, Objective))
    for seed in range(3, 9):
        image = picture(seed, cuda)
        loss, gradient = recorded.value_and_grad(image)
        expected = plain.value_and_grad(image)
        assert loss.item() == pytest.approx(expected[0].item(), rel=1e-4)
        assert torch.allclose(gradient, expected[1], rtol=1e-3, atol=1e-3 * expected[1].abs().max().item())
    assert isinstance(recorded, RecordedObjective)
    assert recorded._graph is not None


def test_graphs_are_recorded_on_cuda_unless_refused() -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert choose_objective("auto", cuda) is RecordedObjective
    assert choose_objective("auto", cpu) is choose_objective("off", cuda) is Objective


def test_a_run_and_its_estimate_use_the_chosen_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, ...]] = []

    class Spy(Objective):
        def __init__(
            self, network: VGG19Features, content: Tensor, style: Tensor, terms: Terms, **options: Any
        ) -> None:
            made.append(tuple(content.shape[-2:]))
            super().__init__(network, content, style, terms, **options)

    monkeypatch.setattr("neural_style.transfer.style_transfer.choose_objective", lambda _compile, _device: Spy)
    transfer = StyleTransfer(weights=RANDOM, device="cpu")
    content, style = (picture(seed, torch.device("cpu"))[0] for seed in (1, 2))
    transfer.run(content, style, size=64, iterations=(1, 1))
    assert made == [(24, 32), (48, 64)]
    assert isinstance(transfer.objective(content, style), Spy)
    made.clear()
    transfer.estimate(64, iterations=1)
    assert made == [(48, 64)]
