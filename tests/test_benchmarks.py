"""The benchmarks: the timing contract, the count of operations, a small run, and the page made from records."""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import cases
import iterations
import measurement
import memory
import noise
import peers
import ranks
import resolution
import strength
import tables
import textbook
import time_to_loss
from measurement import Record
from narrow import RANDOM
from neural_style import Objective, Progress, StyleTransfer, load_image, save_image
from neural_style.network.weights import CONVENTIONS, Convention, Weights

SMALL = ["--smoke", "--sizes", "64", "--repeats", "5"]


@pytest.fixture
def own_threads() -> Iterator[None]:
    """Give the number of threads back as it was found."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def measured(folder: Path, *words: str) -> Record:
    """Return the record of a small run with the given options."""
    output = folder / "record.json"
    iterations.main([*SMALL, *words, "--output", str(output)])
    record: Record = json.loads(output.read_text(encoding="utf-8"))
    return record


def only_float32(precision: str, _device: torch.device) -> bool:
    """Say of a device that it multiplies no half precision, whatever this machine does."""
    return precision == "float32"


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
    with pytest.raises(ValueError, match=r"^repeats must be at least 5; got 4\. Give more\.$"):
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


def test_the_device_is_waited_for_by_torch_and_the_cpu_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    measurement.synchronizer(torch.device("cpu"))()
    assert waited == []
    measurement.synchronizer(torch.device("cuda"))()
    assert waited == [torch.device("cuda")]


def test_the_rate_of_a_matrix_product_counts_two_operations_for_each_factor_pair() -> None:
    rate = measurement.measure_gemm(torch.device("cpu"), torch.float32, 64, repeats=5)
    assert rate["gflops"] == pytest.approx(2 * 64**3 / rate["median_seconds"] / 1e9)


# ---------------------------------------------------------------------------------------------------------
# Pictures and circumstances
# ---------------------------------------------------------------------------------------------------------


def test_a_seed_decides_the_picture() -> None:
    picture = measurement.seeded_picture((30, 40), seed=1)
    assert picture.shape == (1, 3, 30, 40)
    assert (picture.min().item(), picture.max().item()) == (0.0, 1.0)
    assert torch.equal(picture, measurement.seeded_picture((30, 40), seed=1))
    assert not torch.equal(picture, measurement.seeded_picture((30, 40), seed=2))


def test_a_picture_is_smoother_than_noise() -> None:
    picture = measurement.seeded_picture((96, 128), seed=0)
    neighbours = (picture[..., 1:] - picture[..., :-1]).square().mean()
    assert neighbours < 0.1 * picture.var()  # independent pixels would give twice the variance


def test_a_machine_is_named_by_its_gpu_or_by_processor_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "cpu_model", lambda: "AMD EPYC (7B13)")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H100 80GB HBM3")
    assert measurement.machine_name(torch.device("cpu")) == "cpu-amd-epyc-7b13-2threads"
    assert measurement.machine_name(torch.device("cuda")) == "nvidia-h100-80gb-hbm3"


def test_without_a_checkout_or_without_git_the_commit_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(measurement, "REPOSITORY", tmp_path)
    found = measurement.describe_circumstances(torch.device("cpu"), None)
    assert (found["commit"], found["dirty"]) == (None, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert measurement.describe_circumstances(torch.device("cpu"), None)["commit"] is None


def test_the_command_in_a_record_leaves_out_defaults_and_the_output() -> None:
    parser = iterations.argument_parser()
    words = ["--sizes", "64", "96", "--smoke", "--seed", "0", "--output", "elsewhere.json", "--threads", "2"]
    command = measurement.reproducing_command("iterations", parser, parser.parse_args(words))
    assert command == "python benchmarks/iterations.py --sizes 64 96 --threads 2 --smoke"


def test_an_error_is_told_in_one_line() -> None:
    assert cases.error_text(MemoryError()) == "MemoryError"
    assert cases.error_text(RuntimeError("no room: 3 GB\nat line 5")) == "RuntimeError: no room: 3 GB"


def test_a_record_is_written_with_sorted_keys_and_never_with_nan(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    measurement.write_record(path, {"b": 1, "a": "×"})
    assert path.read_text(encoding="utf-8") == '{\n  "a": "×",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        measurement.write_record(path, {"loss": math.nan})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "×", "b": 1}


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
    assert record["command"].startswith("python benchmarks/iterations.py --device cpu --precision float32")
    circumstances = record["circumstances"]
    assert circumstances["threads"] == 1
    assert circumstances["torch"] == str(torch.__version__)
    assert {"commit", "dirty", "date", "cpu", "load_average_before", "load_average_after"} <= set(circumstances)
    assert record["settings"]["weights"] == "random"
    assert [result["longer_side"] for result in record["results"]] == iterations.SMOKE_SIZES
    for result in record["results"]:
        assert 4 * result["height"] == 3 * result["width"]
        assert result["megapixels"] == pytest.approx(result["height"] * result["width"] / 1e6)
        assert len(result["samples_seconds"]) == record["settings"]["repeats"]
        assert result["loss"] > 0
        assert result["seconds_per_megapixel"] == pytest.approx(result["median_seconds"] / result["megapixels"])
        assert result["gflops"] == pytest.approx(result["flops"] / result["median_seconds"] / 1e9)
        assert result["fraction_of_gemm"] == pytest.approx(
            result["gflops"] / record["gemm"]["float32"]["gflops"]
        )


@pytest.mark.slow
@pytest.mark.usefixtures("own_threads")
def test_every_option_changes_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iterations, "multiplies", only_float32)
    base = measured(tmp_path)
    (result,) = base["results"]
    assert measured(tmp_path, "--seed", "1")["results"][0]["loss"] != result["loss"]
    assert len(measured(tmp_path, "--repeats", "6")["results"][0]["samples_seconds"]) == 6
    assert [other["width"] for other in measured(tmp_path, "--sizes", "68", "80")["results"]] == [68, 80]
    assert measured(tmp_path, "--device", "cpu")["circumstances"]["device"] == "cpu"
    threads = 2 if base["circumstances"]["threads"] == 1 else 1
    assert measured(tmp_path, "--threads", str(threads))["circumstances"]["threads"] == threads


def test_the_loss_in_bfloat16_is_that_in_float32_to_its_rounding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda _precision, _device: True)
    (exact,) = measured(tmp_path, "--precision", "float32")["results"]
    (rounded,) = measured(tmp_path, "--precision", "bfloat16")["results"]
    assert (exact["precision"], rounded["precision"]) == ("float32", "bfloat16")
    assert rounded["loss"] != exact["loss"]
    assert rounded["loss"] == pytest.approx(exact["loss"], rel=0.02)


def test_only_what_the_device_multiplies_is_measured_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(iterations, "multiplies", lambda precision, _device: precision == "float32")
    assert iterations.precisions("auto", cpu) == ["float32"]
    assert iterations.precisions("bfloat16", cpu) == ["bfloat16"]
    monkeypatch.setattr(iterations, "multiplies", lambda _precision, _device: True)
    assert iterations.precisions("auto", cpu) == ["float32", "bfloat16", "float16"]


def test_a_size_that_fails_is_recorded_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iterations, "multiplies", only_float32)
    failed, good = measured(tmp_path, "--sizes", "8", "64")["results"]
    assert failed["error"].startswith("ValueError: ")
    assert (failed["longer_side"], "median_seconds" in failed) == (8, False)
    assert good["median_seconds"] > 0


def test_a_loss_that_is_no_number_is_an_error_and_no_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = (torch.tensor(math.nan), torch.zeros(1))
    monkeypatch.setattr(iterations, "multiplies", only_float32)
    monkeypatch.setattr(Objective, "value_and_grad", lambda _self, _image: nothing)
    (result,) = measured(tmp_path)["results"]
    assert result["error"] == "FloatingPointError: the loss is nan"
    assert "median_seconds" not in result


def test_a_full_run_goes_to_the_results_and_a_smoke_run_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def instead(_arguments: argparse.Namespace) -> list[Record]:
        return [{"results": []}]

    monkeypatch.setattr(iterations, "RESULTS", tmp_path)
    monkeypatch.setattr(iterations, "measure", instead)
    iterations.main(["--smoke"])
    assert list(tmp_path.iterdir()) == []
    iterations.main(["--device", "cpu"])
    (path,) = tmp_path.iterdir()
    assert path.name == f"iterations-{measurement.machine_name(torch.device('cpu'))}.json"


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


def compared(folder: Path, *words: str) -> Record:
    """Return the record of a small comparison with the given options."""
    output = folder / "record.json"
    time_to_loss.main(["--smoke", *words, "--output", str(output)])
    record: Record = json.loads(output.read_text(encoding="utf-8"))
    return record


def test_the_comparison_tells_both_runs_and_where_the_default_ends(tmp_path: Path) -> None:
    (result,) = compared(tmp_path)["results"]
    theirs, ours = result["textbook"], result["ours"]
    assert theirs["loss_by_our_function"] == pytest.approx(theirs["loss"], rel=1e-4)
    assert theirs["evaluations"] == len(theirs["losses"]) == time_to_loss.SMOKE_EVALUATIONS
    assert ours["reached"]
    assert ours["loss"] <= theirs["loss"]
    assert result["speedup"] == pytest.approx(theirs["seconds"] / ours["seconds"])
    assert result["evaluations_ratio"] == theirs["evaluations"] / ours["full_size_evaluations"]
    default = ours["default"]
    assert default["full_size_evaluations"] == ours["levels"][-1]["iterations"]
    assert default["loss"] == min(ours["losses_at_full_size"][: ours["levels"][-1]["iterations"]])


@pytest.mark.slow
def test_the_textbooks_time_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each side's work moves the one clock that both read by a length of its own."""
    clock, faults = [0.0], [0]
    ours, theirs = Objective.value_and_grad, textbook.TextbookLoss.forward

    def our_work(objective: Objective, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        clock[0] += 1 if objective.network.dtype == torch.bfloat16 else 1e9  # judging counts for nobody
        faults[0] += 1 if objective.network.dtype == torch.bfloat16 else 10**9
        return ours(objective, image)

    def their_work(loss: textbook.TextbookLoss, image: torch.Tensor) -> torch.Tensor:
        clock[0] += 1e4
        faults[0] += 10**4
        return theirs(loss, image)

    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda _precision, _device: True)
    monkeypatch.setattr(Objective, "value_and_grad", our_work)
    monkeypatch.setattr(textbook.TextbookLoss, "forward", their_work)
    monkeypatch.setattr(time_to_loss, "page_faults", lambda: faults[0])
    for module in (time_to_loss, textbook):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(time_to_loss, "MOST_STEPS", 4)  # ours ends first
    (result,) = compared(tmp_path, "--precision", "bfloat16")["results"]
    assert result["ours"]["seconds_at_full_size"] == [1, 2, 3, 4]
    assert result["ours"]["page_faults"] == 4
    number = time_to_loss.SMOKE_EVALUATIONS
    assert result["textbook"]["seconds"] == 1e4 * number
    assert result["textbook"]["evaluations"] == number


def test_a_loss_that_is_not_finite_ends_no_benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forward, calls = textbook.TextbookLoss.forward, []

    def sometimes(loss: textbook.TextbookLoss, image: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return forward(loss, image) * (math.nan if len(calls) == 3 else 1)

    monkeypatch.setattr(textbook.TextbookLoss, "forward", sometimes)
    (result,) = compared(tmp_path)["results"]
    assert result["textbook"]["losses"][2] is None
    assert math.isfinite(result["textbook"]["loss"])
    monkeypatch.setattr(textbook.TextbookLoss, "forward", lambda *arguments: math.nan * forward(*arguments))
    (result,) = compared(tmp_path)["results"]
    assert result["error"] == "FloatingPointError: no loss of the textbook's loop is finite"
    assert result["textbook"]["milestones"]["10"]["loss"] is None
    assert "speedup" not in result


@pytest.mark.slow
def test_what_the_textbook_has_done_is_kept_where_ours_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def failing(_transfer: StyleTransfer, *_pictures: object, callback: Any, **_options: object) -> None:
        image = torch.zeros(1, 3, 48, 64)
        callback(Progress(1, 1, (48, 64), 1, 30, 0.1, torch.ones(()), {}, image))
        raise MemoryError

    monkeypatch.setattr(StyleTransfer, "run", failing)
    (result,) = compared(tmp_path)["results"]
    assert result["error"] == "MemoryError"
    assert result["textbook"]["evaluations"] > 0


@pytest.mark.slow
def test_a_half_precision_run_is_judged_in_float32(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda _precision, _device: True)
    judged: list[float] = []
    value_and_grad = Objective.value_and_grad

    def watched(objective: Objective, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        loss, gradient = value_and_grad(objective, image)
        if objective.network.dtype == torch.float32:
            judged.append(loss.item())
        return loss, gradient

    monkeypatch.setattr(Objective, "value_and_grad", watched)
    (result,) = compared(tmp_path, "--precision", "bfloat16")["results"]
    losses = result["ours"]["losses_at_full_size"]
    assert losses == judged[: len(losses)]
    assert result["textbook"]["loss_by_our_function"] == judged[-1]


@pytest.mark.slow
def test_pairs_are_read_from_files_and_a_failure_is_recorded(tmp_path: Path) -> None:
    photo, painting, small = (tmp_path / f"{name}.png" for name in ("photo", "painting", "small"))
    save_image(measurement.seeded_picture((48, 64), 1), photo)
    save_image(measurement.seeded_picture((64, 48), 2), painting)
    save_image(measurement.seeded_picture((8, 8), 3), small)
    pairs = [str(path) for path in (photo, painting, photo, small)]
    good, bad = compared(tmp_path, "--pairs", *pairs)["results"]
    assert (good["pair"], good["height"], good["width"]) == ("photo × painting", 48, 64)
    assert bad["error"].startswith("ValueError: style must have sides of at least 16 pixels")
    with pytest.raises(ValueError, match=re.escape("--pairs must name pictures two by two; got 1. Add one.")):
        compared(tmp_path, "--pairs", str(photo))


def test_a_loss_that_is_not_reached_is_told_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time_to_loss, "MOST_STEPS", 2)
    (result,) = compared(tmp_path)["results"]
    assert not result["ours"]["reached"]
    assert "speedup" not in result


# ---------------------------------------------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_memory_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    output = tmp_path / "record.json"
    memory.main(["--smoke", "--threads", "1", "--output", str(output)])
    results = json.loads(output.read_text(encoding="utf-8"))["results"]
    runs = [(result["longer_side"], result["preview"]) for result in results]
    assert runs == [(48, True), *((size, False) for size in memory.SMOKE_SIZES)]
    for result in results:
        ratio = result["estimated_bytes"] / result["measured_bytes"]
        assert result["estimated_over_measured"] == pytest.approx(ratio)
        assert result["measured_bytes"] >= 1  # so small a run may take less than loading torch did
        ratio = result["estimated_seconds"] / result["measured_seconds"]
        assert result["estimated_over_measured_seconds"] == pytest.approx(ratio)
        assert result["evaluations"] == (20 if result["preview"] else 25)
        assert result["loss"] > 0


@pytest.mark.usefixtures("own_threads")
def test_the_peak_of_memory_never_falls() -> None:
    arguments = memory.argument_parser().parse_args(["--smoke", "--device", "cpu", "--threads", "1"])
    before = memory.peak(torch.device("cpu"))
    assert memory.measure_size(48, arguments, False)["measured_bytes"] >= 0
    assert memory.peak(torch.device("cpu")) >= before > 0


def test_a_size_whose_memory_cannot_be_measured_is_recorded(tmp_path: Path) -> None:
    output = tmp_path / "record.json"
    memory.main(["--smoke", "--sizes", "8", "--output", str(output)])
    _preview, result = json.loads(output.read_text(encoding="utf-8"))["results"]
    assert result["error"].startswith("ValueError: ")
    with pytest.raises(ValueError, match=r"device must be one whose peak of memory is kept: .*; got meta on "):
        memory.peak(torch.device("meta"))


def test_on_a_gpu_torch_keeps_count_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 123)
    assert memory.peak(torch.device("cuda")) == 123


# ---------------------------------------------------------------------------------------------------------
# Noise
# ---------------------------------------------------------------------------------------------------------


def test_noise_is_measured_setting_by_setting(tmp_path: Path) -> None:
    output = tmp_path / "noise-smoke.json"
    noise.main(["--smoke", "--precision", "float32", "--output", str(output), "--pictures", str(tmp_path)])
    record = json.loads(output.read_text(encoding="utf-8"))
    results = record["results"]
    assert [result["setting"] for result in results] == list(noise.SETTINGS)
    for result in results:
        assert result["evaluations"] > 0
        for name in noise.MEASURES:
            found, of_inputs = result[name], result[f"{name}_of_inputs"]
            assert result[f"relative_{name}"] == pytest.approx(found / of_inputs)
        assert 0 < result["style_distance"] < 1000
        assert result["style_distance"] != result["style_distance_of_textbook"]
        assert load_image(tmp_path / f"drawn, 96, {result['setting']}.png").shape == (3, 72, 96)
    record["smoke"] = False
    page = tables.make_page({"noise": record})
    assert page.count("| textbook") == 5
    assert "1 pairs: drawn." in page
    results[1]["error"] = "MemoryError"
    assert "drawn, textbook, average pooling: failed, MemoryError" in tables.make_page({"noise": record})


# ---------------------------------------------------------------------------------------------------------
# Strength
# ---------------------------------------------------------------------------------------------------------


def test_strength_is_measured_by_size(tmp_path: Path) -> None:
    output = tmp_path / "strength-smoke.json"
    folder = tmp_path / "to" / "look at"
    strength.main(["--smoke", "--precision", "float32", "--output", str(output), "--pictures", str(folder)])
    record = json.loads(output.read_text(encoding="utf-8"))
    results = record["results"]
    assert len(results) == len(strength.SMOKE_STRENGTHS) * len(strength.SMOKE_SIZES)
    for result in results:
        assert 0 <= result["content_distance"] < 10
        assert result["style_distance"] > 0
        assert -1 <= result["similarity"] <= 1
        name = f"drawn, {result['longer_side']}, {result['strength']:g}.png"
        assert max(load_image(folder / name).shape[1:]) == result["longer_side"]
    record["smoke"] = False
    results[0] = {"pair": "drawn", "longer_side": 48, "strength": 0.2, "error": "MemoryError"}
    page = tables.make_page({"strength": record})
    assert "| strength | content distance, 48 px | content distance, 64 px |" in page
    assert "| 0.2 |  | 0." in page
    assert "drawn, 48 px, 0.2: failed, MemoryError" in page


# ---------------------------------------------------------------------------------------------------------
# Any resolution
# ---------------------------------------------------------------------------------------------------------


def test_an_evaluation_is_measured_at_once_and_in_tiles(tmp_path: Path) -> None:
    output = tmp_path / "record.json"
    resolution.main(["--smoke", "--precision", "float32", "--threads", "1", "--output", str(output)])
    results = json.loads(output.read_text(encoding="utf-8"))["results"]
    assert [(each["megapixels"], each["tile"], each["tiles"]) for each in results] == [
        (0.02, None, 1),
        (0.06, 96, 9),
    ]
    for result in results:
        assert result["height"] * result["width"] == pytest.approx(1e6 * result["megapixels"], rel=0.01)
        assert result["image_bytes"] == 3 * 12 * result["height"] * result["width"]
        assert result["bytes_beside_images"] == result["measured_bytes"] - result["image_bytes"]
        assert len(result["samples_seconds"]) == 3
        assert min(result["loss"], result["gradient_norm"]) > 0


@pytest.mark.usefixtures("own_threads")
def test_tiles_change_no_loss_that_is_measured() -> None:
    arguments = resolution.argument_parser().parse_args(["--smoke", "--precision", "float32"])
    whole, tiled = (resolution.measure_case(0.05, tile, arguments) for tile in (None, 96))
    assert tiled["loss"] == pytest.approx(whole["loss"], rel=1e-4)
    assert tiled["gradient_norm"] == pytest.approx(whole["gradient_norm"], rel=1e-4)


def test_large_pictures_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "ONCE_FROM", 0.01)
    arguments = resolution.argument_parser().parse_args(["--smoke", "--precision", "float32"])
    assert len(resolution.measure_case(0.02, None, arguments)["samples_seconds"]) == 1


def test_a_picture_that_fails_is_recorded_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution, "SMOKE_CASES", [(0.02, 100), (0.02, None)])
    output = tmp_path / "record.json"
    resolution.main(["--smoke", "--megapixels", "0.02", "--output", str(output)])
    failed, good = json.loads(output.read_text(encoding="utf-8"))["results"]
    assert failed["error"].startswith("ValueError: tile_size must be a multiple of 16; got 100.")
    assert good["seconds"] > 0


@pytest.mark.slow
def test_two_ranks_are_timed_beside_one_process(tmp_path: Path) -> None:
    output = tmp_path / "record.json"
    threads = torch.get_num_threads()
    ranks.main(["--smoke", "--precision", "float32", "--output", str(output)])
    torch.set_num_threads(threads)
    (result,) = json.loads(output.read_text(encoding="utf-8"))["results"]
    assert (result["height"], result["width"]) == (176, 128)
    for name in ("alone", "shared"):
        assert len(result[f"{name}_samples_seconds"]) == 9
    assert result["shared_over_alone"] == pytest.approx(result["shared_seconds"] / result["alone_seconds"])


def test_the_page_tells_of_resolution_and_ranks(results: Path) -> None:
    sizes = {"height": 1732, "width": 2309, "megapixels": 4.0, "loss": 0.25}
    measured = {
        "seconds": 20.0,
        "seconds_per_megapixel": 5.0,
        "measured_bytes": 2e9,
        "bytes_beside_images": 1.8e9,
    }
    cases = [sizes | measured | {"tile": None, "tiles": 1}, sizes | measured | {"tile": 1024, "tiles": 6}]
    failed = {"megapixels": 100.0, "tile": 1024, "error": "MemoryError: a | b"}
    record = small_record() | {"benchmark": "resolution", "results": [*cases, failed]}
    measurement.write_record(results / "resolution-some.json", record)
    shared = {"alone_seconds": 20.0, "shared_seconds": 22.0, "shared_over_alone": 1.1}
    record = small_record() | {"benchmark": "ranks", "results": [sizes | shared]}
    measurement.write_record(results / "ranks-some.json", record)
    page = tables.make_page(tables.load_records(results))
    assert "| 4 | 1732 × 2309 | at once | 20.0 | 5.00 | 2,000 | 1,800 | 0.25 |" in page
    assert "| 4 | 1732 × 2309 | 6 of 1024 | 20.0 | 5.00 | 2,000 | 1,800 | 0.25 |" in page
    assert "| 100 | failed: MemoryError: a \\| b | " in page
    assert "| 1732 × 2309 | 20.0 | 22.0 | 1.10 | 0.25 |" in page


# ---------------------------------------------------------------------------------------------------------
# The documentation's page
# ---------------------------------------------------------------------------------------------------------


def small_record() -> Record:
    """Return a record with one measured size and one that failed."""
    return {
        "benchmark": "iterations",
        "command": "python benchmarks/iterations.py --threads 1",
        "smoke": False,
        "circumstances": {
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "dirty": True,
            "date": "2026-01-02T03:04:05+00:00",
            "python": "3.12.1",
            "torch": "2.9.0",
            "torchvision": "0.24.0",
            "numpy": "2.3.0",
            "system": "Linux x86_64",
            "cpu": "Some Processor",
            "threads": 1,
            "device": "cpu",
            "device_name": "Some Processor",
            "load_average_before": [0.11, 0.5, 0.5],
            "load_average_after": None,
        },
        "settings": {"weights": "vgg19", "seed": 0, "repeats": 9, "warm_up": 2},
        "gemm": {"float32": {"gflops": 123.4, "side": 2048}},
        "results": [
            {
                "precision": "float32",
                "height": 96,
                "width": 128,
                "megapixels": 0.012288,
                "median_seconds": 0.25,
                "iqr_seconds": 0.0125,
                "seconds_per_megapixel": 20.345,
                "gflops": 1234.5,
                "fraction_of_gemm": 0.5678,
                "loss": 1.2345678,
            },
            {"precision": "float32", "height": 768, "width": 1024, "error": "MemoryError: a | b"},
        ],
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Return a folder that holds the small record."""
    folder = tmp_path / "results"
    folder.mkdir()
    measurement.write_record(folder / "iterations-some.json", small_record())
    return folder


def test_what_disturbed_a_record_stands_below_its_table(results: Path) -> None:
    record = small_record()
    record["circumstances"]["remark"] = "Somebody compiled beside it."
    measurement.write_record(results / "iterations-some.json", record)
    assert "and unknown. Somebody compiled beside it.\n" in tables.make_page(tables.load_records(results))


def test_the_page_has_a_row_for_each_result_with_the_loss_beside_the_time(results: Path) -> None:
    page = tables.make_page(tables.load_records(results))
    assert "### Some Processor, 1 thread\n" in page
    assert "| float32 | 96 × 128 | 0.0123 | 0.250 | 0.0125 | 20.3 | 1,234 | 57% | 1.23457 |\n" in page
    assert "| float32 | 768 × 1024 | failed: MemoryError: a \\| b |  |  |  |  |  |  |\n" in page
    columns = {line.replace("\\|", "").count("|") for line in page.splitlines() if line.startswith("|")}
    assert columns == {10}


def test_the_page_compares_with_the_textbook(results: Path) -> None:
    theirs = {"evaluations": 500, "seconds": 1500.0, "loss": 0.25}
    default = {"full_size_evaluations": 62.5, "seconds": 187.5, "loss": 0.2}
    ours = {"reached": True, "full_size_evaluations": 50.0, "seconds": 150.0, "default": default}
    late = {"reached": False, "losses_at_full_size": [0.5, 0.3], "default": default}
    size = {"pair": "a × b", "longer_side": 512, "height": 384, "width": 512, "textbook": theirs}
    record = small_record() | {
        "benchmark": "time_to_loss",
        "results": [
            {**size, "ours": ours, "speedup": 10.0, "speedups": {"100": 4.0}, "evaluations_ratio": 10.0},
            {**size, "ours": late},
            {"pair": "a × b", "longer_side": 512, "error": "MemoryError: a | b"},
        ],
    }
    measurement.write_record(results / "time_to_loss-some.json", record)
    page = tables.make_page(tables.load_records(results))
    ended = "62.5, 188, 0.2000"
    sooner = "100: 4.0, 500: 10.0"
    assert f"| a × b | 384 × 512 | 0.2500 | 500, 1,500 | 50.0, 150 | 10.0 | {sooner} | {ended} |\n" in page
    assert f"| 0.2500 | 500, 1,500 | not reached; lowest 0.3000 |  |  | {ended} |\n" in page
    assert "| a × b | 512 px | failed: MemoryError: a \\| b |  |  |  |  |  |\n" in page
    section = page[page.index("## Time to") :]
    assert {line.replace("\\|", "").count("|") for line in section.splitlines() if line[:1] == "|"} == {9}


def test_the_page_says_what_made_each_table(results: Path) -> None:
    page = tables.make_page(tables.load_records(results))
    assert "Made by `python benchmarks/iterations.py --threads 1` on 2026-01-02" in page
    assert "commit 0123456789ab with uncommitted changes" in page
    assert "before and after: 0.1 and unknown." in page
    assert "Nothing has been measured yet" not in page


def test_a_gpu_is_its_own_heading() -> None:
    record = small_record()
    circumstances = {"device": "cuda", "device_name": "Some GPU", "commit": None}
    record["circumstances"] |= circumstances | {"threads": 2}
    page = tables.make_page({"one": record})
    assert "### Some GPU\n" in page
    assert "Some Processor, 2 threads; load average" in page
    assert "outside a checkout" in page


def test_without_records_the_page_says_that_nothing_has_been_measured(tmp_path: Path) -> None:
    assert "\nNothing has been measured yet.\n" in tables.make_page(tables.load_records(tmp_path))


def test_the_page_says_when_there_was_no_gpu_and_how_to_measure_one() -> None:
    record = small_record()
    assert tables.make_page({"one": record}).count("No CUDA device could be had") == 1
    record["circumstances"] |= {"device": "cuda", "device_name": "Some GPU"}
    assert "No CUDA device" not in tables.make_page({"one": record})


def test_the_page_tells_the_peak_of_memory_and_what_was_told_before(results: Path) -> None:
    measured: Record = {"measured_bytes": 2_000_000_000, "estimated_bytes": 1_800_000_000}
    measured |= {"measured_seconds": 200.0, "estimated_seconds": 250.0, "evaluations": 70, "loss": 0.25}
    ratios = {"measured_bytes_per_pixel": 2543.1, "estimated_over_measured": 0.9}
    ratios["estimated_over_measured_seconds"] = 1.25
    size = {"longer_side": 1024, "height": 768, "width": 1024, "preview": False}
    failed = {"longer_side": 2048, "preview": False, "error": "MemoryError: a | b"}
    record = small_record() | {"benchmark": "memory", "results": [size | measured | ratios, failed]}
    record["results"].insert(0, record["results"][0] | {"preview": True})
    measurement.write_record(results / "memory-some.json", record)
    page = tables.make_page(tables.load_records(results))
    assert "| 768 × 1024, preview | 2,000 |" in page
    assert "| 768 × 1024 | 2,000 | 2,543 | 1,800 | 0.90 | 200 | 250 | 1.25 | 70 | 0.2500 |\n" in page
    assert "| 2048 px | failed: MemoryError: a \\| b |  |  |  |  |  |  |  |  |\n" in page


def test_check_fails_until_the_page_is_what_the_records_give(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    words = ["--results", str(results), "--page", str(page)]
    assert tables.main([*words, "--check"]) == 1
    assert not page.exists()
    assert tables.main(words) == 0
    assert tables.main([*words, "--check"]) == 0
    page.write_text(page.read_text(encoding="utf-8").replace("0.250", "0.025"), encoding="utf-8")
    assert tables.main([*words, "--check"]) == 1
    assert "Run: python benchmarks/tables.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"benchmark": "speed"},
            "iterations-some.json must be a record of 'iterations', 'resolution', 'ranks', 'memory', "
            "'time_to_loss', 'peers', 'noise', 'strength'; got 'speed'.",
        ),
        ({"smoke": True}, "iterations-some.json must be the record of a full run; got a smoke run's. Measure"),
    ],
)
def test_a_record_that_means_nothing_is_not_published(results: Path, change: Record, message: str) -> None:
    measurement.write_record(results / "iterations-some.json", small_record() | change)
    with pytest.raises(ValueError, match=message):
        tables.load_records(results)


def test_the_documentation_shows_the_committed_records() -> None:
    assert tables.main(["--check"]) == 0


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
    assert record["command"] == "python benchmarks/few.py --smoke"
    assert record["circumstances"]["load_average_before"] == [1.0]
    assert record["circumstances"]["load_average_after"] == [3.0]


# ---------------------------------------------------------------------------------------------------------
# Beside another program
# ---------------------------------------------------------------------------------------------------------


def test_every_program_is_judged_by_both_objectives_and_shown(tmp_path: Path, results: Path) -> None:
    output, folder = tmp_path / "peers-smoke.json", tmp_path / "pictures"
    other = "a copy=cp {content} {output}"
    words = ["--precision", "float32", "--output", str(output), "--pictures", str(folder), "--other", other]
    peers.main(["--smoke", *words])
    record = json.loads(output.read_text(encoding="utf-8"))
    assert [result["program"] for result in record["results"]] == ["ours", "pastiche", "pastiche", "a copy"]
    ours, in_our_time, theirs, copied = record["results"]
    assert ours["our_loss"] < copied["our_loss"]  # the photograph itself
    assert theirs["pastiche_loss"] < copied["pastiche_loss"]
    assert in_our_time["steps"] <= theirs["steps"] == peers.SMOKE_STEPS
    assert (folder / "drawn, 64, sheet.png").exists()
    record["smoke"] = False
    measurement.write_record(results / "peers-some.json", record)
    page = tables.make_page(tables.load_records(results))
    assert f"| drawn, 64 px | pastiche, {peers.SMOKE_STEPS} steps | " in page
