"""Where memory runs out the tiles are halved, down to the smallest; other errors pass."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor

from neural_style.evaluation import bounded
from neural_style.evaluation.bounded import BoundedObjective
from neural_style.evaluation.tile_size import MemoryPlan

RAN_OUT = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: you tried"
)


class Made:
    """An objective that fits in tiles up to a side, and remembers what was made."""

    def __init__(self, fits: int, error: BaseException = RAN_OUT, *, when_made: bool = False) -> None:
        self.fits, self.error, self.when_made = fits, error, when_made
        self.asked: list[tuple[int | None, bool]] = []
        self.alive: list[weakref.ref[object]] = []

    def __call__(self, plan: MemoryPlan) -> Made._Evaluated:
        self.asked.append((plan.tile, plan.keep_targets))
        made = self._Evaluated(self, plan.tile)
        self.alive.append(weakref.ref(made))
        if self.when_made:
            made.value_and_grad(torch.zeros(1))
        return made

    class _Evaluated:
        def __init__(self, outer: Made, tile: int | None) -> None:
            self.outer, self.tile = outer, tile
            self.terms_by_name = {"content": torch.tensor(0.5)}

        def value_and_grad(self, image: Tensor) -> tuple[Tensor, Tensor]:
            if self.tile is None or self.tile > self.outer.fits:
                raise type(self.outer.error)(*self.outer.error.args)  # one that no one else holds
            return torch.tensor(float(self.tile)), image


def objective(made: Made, tile: int | None = None, alignment: int = 16) -> BoundedObjective:
    return BoundedObjective(made, MemoryPlan(tile, True, 0, 0), (300, 400), alignment)  # type: ignore[arg-type]


@pytest.mark.parametrize("when_made", [False, True])
def test_an_evaluation_goes_on_in_halves_until_it_fits(when_made: bool) -> None:
    made = Made(100, when_made=when_made)
    bound, image = objective(made), torch.ones(1)
    assert bound.terms_by_name == {}
    with pytest.warns(RuntimeWarning, match=r"^Out of memory") as warned:
        loss, gradient = bound.value_and_grad(image)
    assert (loss.item(), gradient is image) == (96, True)
    assert made.asked == [(None, True), (192, False), (96, False)]
    assert len(warned) == 2
    assert bound.terms_by_name == {"content": torch.tensor(0.5)}
    bound.value_and_grad(image)  # what fits is kept, without a warning, which would be an error
    assert len(made.asked) == 3


def test_what_failed_is_gone_before_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made, alive = Made(200), []
    monkeypatch.setattr(bounded, "give_back", lambda _device: alive.append([ref() for ref in made.alive]))
    with pytest.warns(RuntimeWarning):
        objective(made).value_and_grad(torch.ones(1))
    assert alive == [[None]]


def test_a_tile_wider_than_the_picture_is_halved_from_the_picture() -> None:
    made = Made(200)
    with pytest.warns(RuntimeWarning):
        objective(made, tile=4096).value_and_grad(torch.ones(1))
    assert made.asked == [(4096, True), (192, False)]


@pytest.mark.parametrize("alignment", [16, 32])
def test_at_the_smallest_tile_the_error_is_the_allocators_own(alignment: int) -> None:
    made = Made(0)
    with pytest.warns(RuntimeWarning), pytest.raises(RuntimeError, match="DefaultCPUAllocator"):
        objective(made, alignment=alignment).value_and_grad(torch.ones(1))
    assert made.asked[-1][0] == {16: 16, 32: 32}[alignment]


def test_other_errors_pass() -> None:
    made = Made(0, RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match=r"^shapes differ$"):
        objective(made).value_and_grad(torch.ones(1))
    assert made.asked == [(None, True)]
