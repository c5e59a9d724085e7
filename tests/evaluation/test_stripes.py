"""Over ranks the numbers are those of one process: here with threads as ranks."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM, transfer
from neural_style import LBFGS, Adam, Progress, RunInterrupted, Style
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.share import Stripes
from neural_style.evaluation.stripes import CallbackError
from neural_style.evaluation.tiles import TileGeometry
from neural_style.network.source import random_weights
from thread_ranks import ThreadRanks, on_ranks
from tiled import Case, both, difference
from torch_lbfgs import TorchLBFGS

DEEP = TileGeometry(halo=80)
UNEQUAL = Case((331, 70), 1024, "reflect", "average")


def gradient_over(
    ranks: ThreadRanks, objective: Any, image: Tensor, geometry: TileGeometry = DEEP, **choices: Any
) -> tuple[Tensor, Tensor]:
    """Return the loss, and the whole picture's gradient, that the ranks come to together."""
    share, height = Stripes(ranks, geometry), image.shape[-2]
    rows = share.rows(height)
    loss, gradient = objective(share=share, **choices).value_and_grad(image[..., rows.start : rows.stop, :])
    return loss, ranks.gathered(gradient, share.bounds(height))


@pytest.mark.parametrize("world", [2, 5])
@pytest.mark.parametrize("height", [80, 161, 241, 400, 4001])
def test_stripes_begin_on_the_grid_and_have_what_a_neighbour_reads(height: int, world: int) -> None:
    count = DEEP.stripes_in(height, world)
    assert count == max(1, min(world, height // 80))
    ranks = [ThreadRanks(rank, count, None) for rank in range(count)]  # type: ignore[arg-type]
    rows = [Stripes(rank, DEEP).rows(height) for rank in ranks]
    assert [row for span in rows for row in span] == list(range(height))
    assert all(span.start % 16 == 0 for span in rows)
    assert all(len(span) >= min(80, height) for span in rows)
    assert max(map(len, rows)) - min(map(len, rows)) <= 31


def test_ranks_share_the_tiles_of_a_style_and_one_without_a_tile_adds_nothing() -> None:
    tiles = DEEP.grid((200, 200), 112).tiles
    ranks = [ThreadRanks(rank, 6, None) for rank in range(6)]  # type: ignore[arg-type]
    shares = [Stripes(rank, DEEP).own_style_tiles(tiles) for rank in ranks]
    assert [[weight for _, weight in share] for share in shares] == [[1.0]] * 4 + [[0.0]] * 2
    assert [tile for share in shares for tile, weight in share if weight] == tiles
    assert {Stripes(ranks[0], DEEP).style_tile_side(tile) for tile in (None, 64, 4096)} == {512}


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam()], ids=repr)
def test_a_descent_over_ranks_goes_the_way_of_one_process(optimizer: LBFGS | Adam) -> None:
    whole, tiled, image = both(Case((250, 64), 1024, "reflect", "average"))
    expected = optimizer.minimize(image, whole.value_and_grad, 6)

    def descend(ranks: ThreadRanks) -> Tensor:
        share = Stripes(ranks, DEEP)
        rows = share.rows(250)
        own, function = image[..., rows.start : rows.stop, :], tiled(share=share).value_and_grad
        result = optimizer.minimize(own, function, 6, all_reduce=ranks.all_reduce)
        return ranks.gathered(result, share.bounds(250))

    for result in on_ranks(2, descend):
        assert (result - expected).abs().max() < 1e-8
    assert (expected - image).abs().max() > 0.05


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_over_unequal_stripes_is_that_of_one_process(dtype: torch.dtype) -> None:
    whole, _, image = both(UNEQUAL)
    whole.network.float().set_precision(dtype)
    image = image.float()

    def again(**choices: Any) -> Objective:
        content, style = picture(*UNEQUAL.size, 1).unsqueeze(0), picture(96, 96, 2).unsqueeze(0)
        return Objective(whole.network, content, style, whole.terms, **choices)

    _, expected = again().value_and_grad(image)
    results = on_ranks(3, lambda ranks: gradient_over(ranks, again, image))
    assert difference(results[0][1], expected) < 3e-2


def test_ranks_with_tiles_of_their_own_come_to_the_same() -> None:
    whole, tiled, image = both(Case((200, 96), 96, "reflect", "average"))
    _, expected = whole.value_and_grad(image)
    results = on_ranks(2, lambda ranks: gradient_over(ranks, tiled, image, tile=(64, 48)[ranks.rank]))
    for _, gradient in results:
        assert difference(gradient, expected) < 1e-12


def picture(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


CONTENT, STYLE = picture(200, 150, 1), picture(90, 90, 2)
UPPER = torch.linspace(1, 0, 200).unsqueeze(1).expand(200, 150)
OPTIONS: dict[str, Any] = {"size": 200, "iterations": (3, 3, 3), "init": "noise"}


@pytest.mark.parametrize("options", [{}, {"optimizer": Adam()}, {"padding": "circular"}])
def test_a_run_over_ranks_gives_every_rank_the_picture_of_one_process(options: dict[str, Any]) -> None:
    chosen = {**OPTIONS, "size": None} if "padding" in options else OPTIONS
    content = CONTENT[:, :192, :144]
    (expected,) = on_ranks(1, lambda _rank: transfer(**options).run(content, STYLE, **chosen))  # threads alike
    results = on_ranks(2, lambda ranks: transfer(ranks=ranks, **options).run(content, STYLE, **chosen))
    for result in results:
        apart = (result - expected).abs()  # in float32 a run is chaotic: single pixels stray
        assert apart.mean() < 2e-4
        assert apart.max() < 2e-2
    assert torch.equal(*results)


def test_styles_by_regions_over_ranks_give_the_gradient_of_one_process() -> None:
    styles = [Style(STYLE, 2, region=UPPER), Style(picture(96, 80, 3), region=UPPER), Style(STYLE.flip(1))]
    options: dict[str, Any] = {"size": None, "iterations": 3, "levels": 1, "init": "content"}
    (expected,) = on_ranks(1, lambda _rank: transfer().run(CONTENT, styles, **options))
    results = on_ranks(2, lambda ranks: transfer(ranks=ranks).run(CONTENT, styles, **options))
    for result in results:
        assert (result - expected).abs().mean() < 2e-4
    assert torch.equal(*results)
    assert (expected - CONTENT).abs().mean() > 1e-3


def test_only_the_first_ranks_callback_is_asked_and_ends_the_run_on_all() -> None:
    reports: list[tuple[int, Progress]] = []

    def work(ranks: ThreadRanks) -> Tensor:
        def callback(progress: Progress) -> bool:
            reports.append((ranks.rank, progress))
            return progress.level == 3 and progress.step == 2

        options = {**OPTIONS, "iterations": (1, 1, 5)}
        return transfer(ranks=ranks).run(CONTENT, STYLE, **options, callback=callback)

    results = on_ranks(2, work)
    assert torch.equal(*results)
    assert {rank for rank, _ in reports} == {0}
    assert [(report.level, report.step) for _, report in reports] == [(1, 1), (2, 1), (3, 1), (3, 2)]
    assert [report.image.shape[-2] for _, report in reports] == [50, 100, 96, 96]  # its own rows
    assert set(reports[-1][1].terms) >= {"content", "style"}


def raises_alone(progress: Progress) -> object:
    if progress.level == 1:  # which the first rank evaluates alone
        raise RuntimeError("mine")
    return None


def answers_with_a_tensor(progress: Progress) -> object:
    return progress.loss if progress.level == 3 else None  # where all have rows


@pytest.mark.parametrize(
    ("callback", "own", "others"),
    [
        (raises_alone, "mine", "the run failed on the first rank"),
        (answers_with_a_tensor, "the callback must", "the callback failed on the first rank"),
    ],
)
def test_a_callback_that_fails_ends_the_run_on_all(callback: Any, own: str, others: str) -> None:
    def work(ranks: ThreadRanks) -> Exception:
        try:
            transfer(ranks=ranks).run(CONTENT, STYLE, **OPTIONS, callback=callback)
        except Exception as raised:
            return raised
        raise AssertionError

    first, second = on_ranks(2, work)
    assert str(first).startswith(own)
    assert (type(second), str(second)) == (CallbackError, others)


def test_an_error_of_one_rank_alone_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_objective: Objective, _image: Tensor) -> tuple[Tensor, Tensor]:
        raise MemoryError("none left")

    monkeypatch.setattr(Objective, "value_and_grad", fails)
    with pytest.raises(MemoryError, match="none left"):
        on_ranks(2, lambda ranks: transfer(ranks=ranks).run(CONTENT, STYLE, **OPTIONS))


def test_an_objective_is_of_this_process_alone() -> None:
    ranks = ThreadRanks(0, 2, None)  # type: ignore[arg-type]
    objective = transfer(ranks=ranks).objective(CONTENT, STYLE)
    assert objective.value_and_grad(CONTENT.unsqueeze(0))[1].shape == (1, 3, 200, 150)


def test_ctrl_c_at_one_rank_ends_the_run_on_all_with_the_picture_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(ranks: ThreadRanks) -> Tensor:
        noted = threading.Event()

        def callback(progress: Progress) -> None:
            if (progress.level, progress.step) == (3, 2):
                noted.set()

        if ranks.rank == 0:
            monkeypatch.setattr(
                "neural_style.evaluation.stripes._interrupts_noted", lambda: contextlib.nullcontext(noted)
            )
        else:
            noted = threading.Event()
        try:
            transfer(ranks=ranks).run(CONTENT, STYLE, **{**OPTIONS, "iterations": (1, 1, 9)}, callback=callback)
        except RunInterrupted as interrupt:
            return interrupt.image
        raise AssertionError

    results = on_ranks(2, work)
    assert torch.equal(*results)
    assert results[0].shape == (3, 200, 150)


def refused(world: int, work: Any) -> set[str]:
    """Return the errors of the ranks, each of which must raise one."""

    def error_of(ranks: ThreadRanks) -> str:
        try:
            work(ranks)
        except (ValueError, TypeError, FileNotFoundError) as error:
            return str(error)
        return "nothing"

    return set(on_ranks(world, error_of))


def test_more_ranks_than_stripes_are_refused_on_every_rank() -> None:
    (error,) = refused(3, lambda ranks: transfer(ranks=ranks).run(CONTENT, STYLE, **OPTIONS))
    assert error.startswith("the number of ranks must be at most 2")


@pytest.mark.parametrize(
    ("argument", "differing"),
    [
        ("size and iterations", {"iterations": ((1, 1, 1), (1, 1, 2))}),
        ("seed", {"seed": (0, 1)}),
        ("content_weight", {"content_weight": (0.2, 1.2)}),
        ("style", {"style": (STYLE, STYLE / 2)}),
        ("style region", {"style": (Style(STYLE, region=UPPER), Style(STYLE, region=1 - UPPER))}),
        ("the weights", {"weights": (RANDOM, random_weights(deepest="relu5_1", width=0.25, seed=1))}),
    ],
)
def test_ranks_with_different_arguments_are_refused_on_every_rank(
    argument: str, differing: dict[str, Any]
) -> None:
    def work(ranks: ThreadRanks) -> Tensor:
        own = {name: values[ranks.rank] for name, values in differing.items()}
        options = {name: own.pop(name) for name in ("content_weight", "weights") if name in own}
        return transfer(ranks=ranks, **options).run(CONTENT, **{"style": STYLE, **OPTIONS, **own})

    (error,) = refused(2, work)
    assert error.startswith(f"{argument} must be the same on every rank")


def test_bad_input_at_one_rank_is_reported_at_all() -> None:
    def work(ranks: ThreadRanks) -> Tensor:
        return transfer(ranks=ranks).run(CONTENT if ranks.rank == 0 else "missing.png", STYLE, **OPTIONS)

    theirs, own = sorted(refused(2, work), key=len, reverse=True)
    assert own.startswith("content must")
    assert "rank 1" in theirs
    assert own in theirs


def test_an_optimiser_that_knows_nothing_of_ranks_is_refused() -> None:
    (error,) = refused(2, lambda ranks: transfer(ranks=ranks, optimizer=TorchLBFGS()))
    assert error.startswith("optimizer must")
