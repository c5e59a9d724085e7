"""Progress, an early end and interrupts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import transfer
from neural_style import LBFGS, Adam, Optimizer, Progress, RunInterrupted
from neural_style.transfer.inputs import Inputs
from small import CONTENT, STYLE, progress_of, run
from torch_lbfgs import TorchLBFGS


def test_progress_has_level_step_and_a_fraction_that_grows_to_one() -> None:
    seen = progress_of(transfer(), levels=None, iterations=(3, 2))
    places = [(p.level, p.levels, p.step, p.steps) for p in seen]
    assert places == [(1, 2, 1, 3), (1, 2, 2, 3), (1, 2, 3, 3), (2, 2, 1, 2), (2, 2, 2, 2)]
    assert [p.size for p in seen[2:4]] == [(20, 28), (40, 56)]
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert {"content", "style", "total variation", "style relu1_1"} <= set(seen[0].terms)


def test_the_fraction_knows_what_a_level_that_ended_early_has_saved() -> None:
    early = transfer(optimizer=LBFGS(tolerance=1e9))  # ends at its second look, at step 20
    seen = progress_of(early, levels=None, iterations=(40, 10))
    first_of_last_level = next(p for p in seen if p.level == 2)
    done, to_come = 20 * 28 * 20, 40 * 56 * 10
    assert first_of_last_level.fraction == pytest.approx((done + to_come / 10) / (done + to_come))
    assert seen[-1].fraction == 1


@pytest.mark.parametrize(
    ("preset", "levels", "expected"),
    [("paper", None, (1, 500)), ("authors", None, (2, 500)), ("authors", 1, (1, 200)), ("default", 2, (2, 25))],
)
def test_levels_and_iterations_left_out_are_the_presets_and_a_callbacks_true_ends_the_run(
    preset: str, levels: int | None, expected: tuple[int, int]
) -> None:
    seen: list[Progress] = []

    def callback(progress: Progress) -> bool:
        seen.append(progress)
        return True

    result = run(transfer(preset=preset), iterations=None, levels=levels, callback=callback)
    assert [(p.levels, p.steps) for p in seen] == [expected]
    assert result.shape == (3, 40, 56)  # though it may have ended at a coarser level


@pytest.mark.parametrize("optimizer", [LBFGS(), TorchLBFGS(), Adam()], ids=lambda o: type(o).__name__)
def test_an_interrupt_keeps_the_picture_that_the_callbacks_true_returns(optimizer: Optimizer) -> None:
    def stop(progress: Progress) -> bool:
        return progress.level == 2 and progress.step == 3

    def interrupt(progress: Progress) -> None:
        if stop(progress):
            raise KeyboardInterrupt

    options: dict[str, Any] = {"size": 56, "iterations": (5, 5)}
    stopped = transfer(optimizer=optimizer).run(CONTENT, STYLE, **options, callback=stop)
    with pytest.raises(RunInterrupted) as caught:
        transfer(optimizer=optimizer).run(CONTENT, STYLE, **options, callback=interrupt)
    assert torch.equal(caught.value.image, stopped)
    assert (stopped - CONTENT).abs().max() > 0.01


def test_an_interrupt_after_the_last_evaluation_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, finish, calls = run(transfer()), Inputs.finish, list[Tensor]()

    def interrupted(inputs: Inputs, image: Tensor) -> Tensor:
        calls.append(image)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return finish(inputs, image)

    monkeypatch.setattr(Inputs, "finish", interrupted)
    with pytest.raises(RunInterrupted) as caught:
        run(transfer())
    assert torch.equal(caught.value.image, expected)
