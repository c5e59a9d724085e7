"""A run in the memory that there is: in tiles, in smaller ones where it runs out, with a shorter history."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from narrow import transfer
from neural_style import LBFGS, Objective
from neural_style.device.ranks import Ranks
from neural_style.evaluation.tile_size import MemoryPlan
from neural_style.transfer import evaluator
from neural_style.transfer.levels import Level
from small import CONTENT, STYLE, run


def test_a_picture_too_large_for_the_memory_that_is_free_is_made_in_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker = transfer()
    assert maker.objective(CONTENT, STYLE, size=700).tile is None
    assert transfer(tile_size=np.int64(32)).objective(CONTENT, STYLE, size=64).tile == 32
    needed = maker.estimate((500, 700), iterations=1, content=(50, 70))
    monkeypatch.setattr(evaluator, "available_memory", lambda _device: needed.bytes)
    objective = maker.objective(CONTENT, STYLE, size=700)
    assert objective.tile is not None
    assert len(objective.grid.tiles) > 1
    tiled = maker.estimate((500, 700), iterations=1, content=(50, 70))
    assert tiled.bytes < needed.bytes
    assert tiled.flops > needed.flops
    monkeypatch.setattr(evaluator, "available_memory", lambda _device: 2 * needed.bytes)
    assert maker.objective(CONTENT, STYLE, size=700).tile is None
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")  # processes, which share the memory
    assert maker.objective(CONTENT, STYLE, size=700).tile is not None


def test_memory_that_runs_out_halves_the_tiles_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"size": 128, "iterations": (2, 3), "levels": None, "init": "noise"}
    expected = run(transfer(), **options)
    evaluate = Objective.value_and_grad

    def scarce(objective: Objective, image: Tensor) -> tuple[Tensor, Tensor]:
        if image.shape[-1] == 128 and objective.tile != 32:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return evaluate(objective, image)

    monkeypatch.setattr(Objective, "value_and_grad", scarce)
    with pytest.warns(RuntimeWarning, match=r"^Out of memory\. ") as caught:
        result = run(transfer(), **options)
    assert [re.findall(r"\d+", str(warning.message)) for warning in caught] == [["64"], ["32"]]
    torch.testing.assert_close(result, expected, atol=1e-3, rtol=0)


class Two(Ranks):
    """Two ranks, of which the other has memory for three pairs."""

    def __init__(self) -> None:
        self.world = 2

    def all_gather(self, value: Any) -> list[Any]:
        return [value, 3]


@pytest.mark.parametrize(("ranks", "left"), [(None, 5), (Two(), 3)])
def test_a_history_shorter_than_wanted_is_the_shortest_of_all_ranks_and_is_reported(
    ranks: Ranks | None, left: int
) -> None:
    plan, level = MemoryPlan(512, False, 5, 1), Level((300, 400), 30)
    with pytest.warns(UserWarning, match=rf"goes on with {left}\."):
        fewer = transfer(ranks=ranks).evaluator.fitted(LBFGS(history=20), plan, level)
    assert fewer == LBFGS(history=left)
