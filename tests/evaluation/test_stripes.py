"""Over ranks the numbers are those of one process: here with threads as ranks."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from evaluation.test_tiling import Case, both, difference
from narrow import RANDOM
from neural_style import LBFGS, Adam, Progress, RunInterrupted, Style, StyleTransfer, TorchLBFGS
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.stripes import CallbackError, Stripes
from neural_style.evaluation.tiles import grid_of, stripes_in
from neural_style.network.source import random_weights
from thread_ranks import ThreadRanks, on_ranks

CASES = [
    Case((400, 96), 96, "reflect", "average"),
    Case((385, 130), 64, "zeros", "max"),
    Case((333, 100), 1024, "replicate", "average"),
    Case((352, 96), 1024, "circular", "max"),
    Case((336, 96), 112, "circular", "average"),
    Case((347, 70), 48, "reflect", "max"),
]
FEW = ((1, 2), (4, 3), (5, 4))  # the cases, and the numbers of ranks, that are not slow


def stripes(ranks: ThreadRanks, *, wraps: bool = False, halo: int = 80) -> Stripes:
    return Stripes(ranks, halo=halo, alignment=16, wraps=wraps)


@pytest.mark.parametrize(
    ("case", "world"),
    [
        pytest.param(
            case, world, marks=() if (number, world) in FEW else pytest.mark.slow, id=f"{case}, {world}"
        )
        for number, case in enumerate(CASES)
        for world in (2, 3, 4)
    ],
)
def test_loss_and_gradient_are_those_of_one_process(case: Case, world: int) -> None:
    whole, tiled, image = both(case)
    expected_loss, expected = whole.value_and_grad(image)

    def evaluate(ranks: ThreadRanks) -> tuple[Tensor, Tensor]:
        share = stripes(ranks, wraps=case.padding == "circular")
        rows = share.rows(case.size[0])
        loss, gradient = tiled(share=share).value_and_grad(image[..., rows.start : rows.stop, :])
        return loss, ranks.gathered(gradient, share.bounds(case.size[0]))

    for loss, gradient in on_ranks(world, evaluate):
        assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
        assert difference(gradient, expected) < 1e-12


def test_an_exchange_of_64_rows_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tiled, image = both(CASES[0])
    _, expected = whole.value_and_grad(image)
    monkeypatch.setattr("neural_style.evaluation.objective.halo_of", lambda _deepest: 64)

    def evaluate(ranks: ThreadRanks) -> Tensor:
        share = stripes(ranks, halo=64)
        rows = share.rows(400)
        gradient = tiled(share=share).value_and_grad(image[..., rows.start : rows.stop, :])[1]
        return ranks.gathered(gradient, share.bounds(400))

    assert difference(on_ranks(2, evaluate)[0], expected) > 1e-10


@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize("height", [80, 161, 177, 241, 400, 1000, 4001])
def test_stripes_begin_on_the_grid_and_have_what_a_neighbour_reads(height: int, world: int) -> None:
    count = stripes_in(height, world, 80)
    assert count == max(1, min(world, height // 80))
    ranks = [ThreadRanks(rank, count, None) for rank in range(count)]  # type: ignore[arg-type]
    rows = [stripes(each).rows(height) for each in ranks]
    assert [row for span in rows for row in span] == list(range(height))
    assert all(span.start % 16 == 0 for span in rows)
    assert all(len(span) >= min(80, height) for span in rows)
    assert max(map(len, rows)) - min(map(len, rows)) <= 31


def test_a_style_is_dealt_out_in_tiles_and_a_rank_without_one_adds_nothing() -> None:
    tiles = grid_of((200, 200), 112, halo=80).tiles
    own_style_tiles = [stripes(ThreadRanks(rank, 6, None)).own_style_tiles(tiles) for rank in range(6)]  # type: ignore[arg-type]
    assert [[weight for _, weight in mine] for mine in own_style_tiles] == [[1.0]] * 4 + [[0.0]] * 2
    assert [tile for mine in own_style_tiles for tile, weight in mine if weight] == tiles
    share = stripes(ThreadRanks(0, 2, None))  # type: ignore[arg-type]
    assert [share.style_tile_side(tile) for tile in (None, 64, 4096)] == [512] * 3  # whatever each rank's own


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam()], ids=repr)
@pytest.mark.parametrize("world", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_descent_over_ranks_goes_the_way_of_one_process(optimizer: LBFGS | Adam, world: int) -> None:
    case = Case((250, 64), 1024, "reflect", "average")
    whole, tiled, image = both(case)
    expected = optimizer.minimize(image, whole.value_and_grad, 6)

    def descend(ranks: ThreadRanks) -> Tensor:
        share = stripes(ranks)
        rows = share.rows(250)
        result = optimizer.minimize(
            image[..., rows.start : rows.stop, :],
            tiled(share=share).value_and_grad,
            6,
            all_reduce=ranks.all_reduce,
        )
        return ranks.gathered(result, share.bounds(250))

    for result in on_ranks(world, descend):
        assert (result - expected).abs().max() < 1e-8
    assert (expected - image).abs().max() > 0.05


# Whole runs ------------------------------------------------------------------------------------------------


def picture(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


CONTENT, STYLE = picture(200, 150, 1), picture(90, 90, 2)
OPTIONS: dict[str, Any] = {"size": 200, "iterations": (3, 3, 3), "init": "noise"}


def transfer(ranks: ThreadRanks | None = None, **options: Any) -> StyleTransfer:
    return StyleTransfer(**{"weights": RANDOM, "device": "cpu", "precision": "float32", **options}, ranks=ranks)


@pytest.mark.parametrize(
    "options",
    [{}, {"optimizer": Adam()}, {"padding": "circular"}],
)
def test_a_run_over_ranks_gives_every_rank_the_picture_of_one_process(options: dict[str, Any]) -> None:
    chosen = {**OPTIONS, "size": None} if "padding" in options else OPTIONS
    content = CONTENT[:, :192, :144]
    (expected,) = on_ranks(1, lambda _rank: transfer(**options).run(content, STYLE, **chosen))  # threads alike
    results = on_ranks(2, lambda ranks: transfer(ranks, **options).run(content, STYLE, **chosen))
    for result in results:
        apart = (result - expected).abs()  # in float32 a run is chaotic: single pixels stray
        assert apart.mean() < 2e-4
        assert apart.max() < 2e-2
    assert torch.equal(*results)


def test_styles_by_regions_over_ranks_give_the_gradient_of_one_process() -> None:
    upper = torch.linspace(1, 0, 200).unsqueeze(1).expand(200, 150)
    styles = [Style(STYLE, 2, region=upper), Style(picture(96, 80, 3), region=upper), Style(STYLE.flip(1))]
    options: dict[str, Any] = {"size": None, "iterations": 3, "levels": 1, "init": "content"}
    (expected,) = on_ranks(1, lambda _rank: transfer().run(CONTENT, styles, **options))
    results = on_ranks(2, lambda ranks: transfer(ranks).run(CONTENT, styles, **options))
    for result in results:
        assert (result - expected).abs().mean() < 2e-4
    assert torch.equal(*results)
    assert (expected - CONTENT).abs().mean() > 1e-3


def test_ranks_with_unlike_regions_say_so() -> None:
    def work(ranks: ThreadRanks) -> str:
        region = torch.ones(200, 150)
        region[: 50 + ranks.rank] = 0
        with pytest.raises(ValueError, match="style region must be the same on every rank") as caught:
            transfer(ranks).run(CONTENT, Style(STYLE, region=region), **OPTIONS)
        return str(caught.value)

    assert len(set(on_ranks(2, work))) == 1


def test_ranks_with_unlike_weights_say_so() -> None:
    def work(ranks: ThreadRanks) -> str:
        own = transfer(ranks, weights=random_weights(deepest="relu5_1", width=0.25, seed=ranks.rank))
        with pytest.raises(ValueError, match="the weights must be the same on every rank") as caught:
            own.run(CONTENT, STYLE, **OPTIONS)
        return str(caught.value)

    assert len(set(on_ranks(2, work))) == 1


def test_only_the_first_ranks_callback_is_asked_and_ends_the_run_on_all() -> None:
    told: list[tuple[int, Progress]] = []

    def work(ranks: ThreadRanks) -> Tensor:
        def callback(progress: Progress) -> bool:
            told.append((ranks.rank, progress))
            return progress.level == 3 and progress.step == 2

        return transfer(ranks).run(CONTENT, STYLE, **{**OPTIONS, "iterations": (1, 1, 5)}, callback=callback)

    results = on_ranks(2, work)
    assert torch.equal(*results)
    assert {rank for rank, _ in told} == {0}
    assert [(each.level, each.step) for _, each in told] == [(1, 1), (2, 1), (3, 1), (3, 2)]
    assert [each.image.shape[-2] for _, each in told] == [50, 100, 96, 96]  # its own rows
    assert set(told[-1][1].terms) >= {"content", "style"}


@pytest.mark.parametrize("error", [KeyError("mine"), RuntimeError("mine"), OSError("mine")], ids=repr)
def test_a_callback_that_fails_ends_the_run_on_all(error: Exception) -> None:
    def callback(progress: Progress) -> None:
        if progress.level == 1:  # which the first rank evaluates alone
            raise type(error)(*error.args)

    def work(ranks: ThreadRanks) -> Exception:
        try:
            transfer(ranks).run(CONTENT, STYLE, **OPTIONS, callback=callback)
        except Exception as raised:
            return raised
        raise AssertionError

    first, second = on_ranks(2, work)
    assert (type(first), first.args) == (type(error), error.args)
    assert (type(second), str(second)) == (CallbackError, "the run failed on the first rank")


def test_a_callback_that_fails_where_all_have_rows_ends_the_run_on_all() -> None:
    def callback(progress: Progress) -> object:
        return progress.loss if progress.level == 3 else None  # a tensor is no answer

    def work(ranks: ThreadRanks) -> Exception:
        try:
            transfer(ranks).run(CONTENT, STYLE, **OPTIONS, callback=callback)
        except Exception as raised:
            return raised
        raise AssertionError

    first, second = on_ranks(2, work)
    assert "the callback must return True, False or None" in str(first)
    assert (type(second), str(second)) == (CallbackError, "the callback failed on the first rank")


def test_an_error_of_one_rank_alone_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_objective: Objective, _image: Tensor) -> tuple[Tensor, Tensor]:
        raise MemoryError("none left")

    monkeypatch.setattr(Objective, "value_and_grad", fails)
    with pytest.raises(MemoryError, match="none left"):
        on_ranks(2, lambda ranks: transfer(ranks).run(CONTENT, STYLE, **OPTIONS))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_over_unequal_stripes_is_that_of_one_process(dtype: torch.dtype) -> None:
    case = Case((331, 70), 1024, "reflect", "average")
    whole, _, image = both(case)
    whole.network.float().set_precision(dtype)
    image = image.float()

    def again(**choices: Any) -> Objective:
        content, style = picture(*case.size, 1).unsqueeze(0), picture(96, 96, 2).unsqueeze(0)
        return Objective(whole.network, content, style, whole.terms, **choices)

    _, expected = again().value_and_grad(image)

    def evaluate(ranks: ThreadRanks) -> Tensor:
        share = stripes(ranks)
        rows = share.rows(331)
        gradient = again(share=share).value_and_grad(image[..., rows.start : rows.stop, :])[1]
        return ranks.gathered(gradient, share.bounds(331))

    assert difference(on_ranks(3, evaluate)[0], expected) < 3e-2


def test_ranks_with_tiles_of_their_own_come_to_the_same() -> None:
    case = CASES[0]
    whole, tiled, image = both(case)
    _, expected = whole.value_and_grad(image)

    def evaluate(ranks: ThreadRanks) -> Tensor:
        share = stripes(ranks)
        rows = share.rows(case.size[0])
        objective = tiled(share=share, tile=(64, 48)[ranks.rank])
        return ranks.gathered(
            objective.value_and_grad(image[..., rows.start : rows.stop, :])[1], share.bounds(400)
        )

    for gradient in on_ranks(2, evaluate):
        assert difference(gradient, expected) < 1e-12


def test_an_objective_is_of_this_process_alone() -> None:
    ranks = ThreadRanks(0, 2, None)  # type: ignore[arg-type]
    objective = transfer(ranks).objective(CONTENT, STYLE)
    assert objective.value_and_grad(CONTENT.unsqueeze(0))[1].shape == (1, 3, 200, 150)


def test_ctrl_c_at_one_rank_ends_the_run_on_all_with_the_picture_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(ranks: ThreadRanks) -> Tensor:
        import contextlib
        import threading

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
            transfer(ranks).run(CONTENT, STYLE, **{**OPTIONS, "iterations": (1, 1, 9)}, callback=callback)
        except RunInterrupted as interrupt:
            return interrupt.image
        raise AssertionError

    results = on_ranks(2, work)
    assert torch.equal(*results)
    assert results[0].shape == (3, 200, 150)


# Bad input -------------------------------------------------------------------------------------------------


def refused(world: int, work: Any) -> set[str]:
    """Return what the ranks say, each of which must refuse."""

    def told(ranks: ThreadRanks) -> str:
        try:
            work(ranks)
        except (ValueError, TypeError, FileNotFoundError) as error:
            return str(error)
        return "nothing"

    return set(on_ranks(world, told))


def test_more_ranks_than_stripes_are_refused_on_every_rank() -> None:
    text = "the number of ranks must be at most 2 for 200 rows, 80 for each; got 3. Start fewer."
    assert refused(3, lambda ranks: transfer(ranks).run(CONTENT, STYLE, **OPTIONS)) == {text}


@pytest.mark.parametrize(
    ("differing", "text"),
    [
        ({"size": (200, 184)}, "size and iterations must be the same on every rank; got [((50, 38), 3),"),
        (
            {"iterations": ((1, 1, 1), (1, 1, 2))},
            "size and iterations must be the same on every rank; got [((50,",
        ),
        ({"seed": (0, 1)}, "seed must be the same on every rank; got 0 on rank 0 and 1"),
    ],
)
def test_ranks_with_different_arguments_are_refused_on_every_rank(differing: dict[str, Any], text: str) -> None:
    def work(ranks: ThreadRanks) -> Tensor:
        options = {**OPTIONS, **{name: values[ranks.rank] for name, values in differing.items()}}
        return transfer(ranks).run(CONTENT, STYLE, **options)

    (told,) = refused(2, work)
    assert told.startswith(text)
    assert told.endswith(" on rank 1. Start all with the same arguments and files.")


def test_ranks_with_different_options_or_pictures_are_refused_on_every_rank() -> None:
    (told,) = refused(2, lambda r: transfer(r, content_weight=0.2 + r.rank).run(CONTENT, STYLE, **OPTIONS))
    assert told.startswith(
        "content_weight must be the same on every rank; got 0.2 on rank 0 and 1.2 on rank 1. "
    )
    (told,) = refused(2, lambda r: transfer(r).run(CONTENT, STYLE * (1 - r.rank / 2), **OPTIONS))
    assert re.match(r"style must be the same on every rank; got 90×90, \w+ on rank 0 and 90×90, ", told)


def test_bad_input_at_one_rank_is_told_at_all() -> None:
    def work(ranks: ThreadRanks) -> Tensor:
        return transfer(ranks).run(CONTENT if ranks.rank == 0 else "missing.png", STYLE, **OPTIONS)

    own = "content must be a file that exists; got 'missing.png'. Check the path."
    theirs = f"rank 1 failed while preparing the run: FileNotFoundError: {own}"
    assert refused(2, work) == {own, theirs}


def test_an_optimiser_that_knows_nothing_of_ranks_is_refused() -> None:
    text = "optimizer must be LBFGS or Adam over ranks; got TorchLBFGS. Others know only their own rank's rows."
    assert refused(2, lambda ranks: transfer(ranks, optimizer=TorchLBFGS())) == {text}
