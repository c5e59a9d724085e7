"""A recorded evaluation is the evaluation; where it cannot be recorded the run goes on without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from torch import Tensor

from narrow import transfer
from neural_style.evaluation import cuda_graph
from neural_style.evaluation.cuda_graph import FIRST, RecordedObjective, choose_objective
from neural_style.evaluation.objective import Objective

CPU = torch.device("cpu")


def objective_of(objective_class: type[Objective], device: torch.device) -> Objective:
    """Return the default's objective of 48×64 pixels, of narrow random filters."""
    plain = transfer(device=device).objective(picture(1, device)[0], picture(2, device)[0])
    return objective_class(plain.network, picture(1, device), picture(2, device), plain.terms)


def picture(seed: int, device: torch.device) -> Tensor:
    return torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(seed), device="cpu").to(device)


def test_where_no_graph_can_be_recorded_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def fails(_graph: object, **_options: object) -> Iterator[None]:
        yield
        raise RuntimeError("capture was invalidated\nand a trace")

    streams: list[object] = []
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", fails)
    monkeypatch.setattr(torch.cuda, "device", lambda _device: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: "the caller's")
    monkeypatch.setattr(torch.cuda, "set_stream", streams.append)
    monkeypatch.setattr(cuda_graph, "_stream", lambda _device: None)
    recorder, image = objective_of(RecordedObjective, CPU), picture(3, CPU)
    for _ in range(FIRST):
        expected = recorder.value_and_grad(image)
    with pytest.warns(RuntimeWarning, match=r"^No CUDA graph .*invalidated\)"):
        assert torch.equal(recorder.value_and_grad(image)[1], expected[1])
    assert torch.equal(recorder.value_and_grad(image)[1], expected[1])
    assert streams == ["the caller's"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_cuda_graph_gives_the_objectives_numbers() -> None:
    cuda = torch.device("cuda")
    kept = []
    recorded, plain = (objective_of(chosen, cuda) for chosen in (RecordedObjective, Objective))
    for seed in range(3, 9):
        kept.append((seed, *recorded.value_and_grad(picture(seed, cuda))))
    for seed, loss, gradient in kept:  # no replay has changed an earlier result
        expected = plain.value_and_grad(picture(seed, cuda))
        assert loss.item() == pytest.approx(expected[0].item(), rel=1e-4)
        assert torch.allclose(gradient, expected[1], rtol=1e-3, atol=1e-3 * expected[1].abs().max().item())
    assert isinstance(recorded, RecordedObjective)
    assert recorded._graph is not None


def test_graphs_are_recorded_on_cuda_unless_refused() -> None:
    cuda = torch.device("cuda")
    assert choose_objective("auto", cuda) is RecordedObjective
    assert choose_objective("auto", CPU) is choose_objective("off", cuda) is Objective


def test_a_run_and_its_estimate_use_the_chosen_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[tuple[int, ...]] = []

    class Spy(Objective):
        def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
            evaluated.append(tuple(image.shape[-2:]))
            return super().value_and_grad(image)

    monkeypatch.setattr("neural_style.transfer.style_transfer.choose_objective", lambda _compile, _device: Spy)
    maker = transfer()
    content, style = (picture(seed, CPU)[0] for seed in (1, 2))
    maker.run(content, style, size=64, iterations=(1, 1))
    assert evaluated == [(24, 32), (48, 64)]
    assert isinstance(maker.objective(content, style), Spy)
    evaluated.clear()
    maker.estimate(64, iterations=1)
    assert set(evaluated) == {(48, 64)}


def test_what_decomposes_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neural_style.transfer.style_transfer.choose_objective", lambda *_: RecordedObjective)
    for statistic, chosen in (("wasserstein", Objective), ("gram", RecordedObjective)):
        assert transfer(statistic=statistic).evaluator.objective_class is chosen
