"""StyleTransfer as its users see it: what goes in, what comes out, and what is left as it was found."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from narrow import RANDOM, TAUGHT
from neural_style import (
    LBFGS,
    Adam,
    Objective,
    Optimizer,
    Progress,
    RunInterrupted,
    Step,
    Style,
    StyleTransfer,
    save_image,
)
from neural_style.evaluation.costs import SCRATCH
from neural_style.evaluation.regions import Part
from neural_style.images.resizing import resize
from neural_style.network.source import random_weights
from neural_style.transfer import evaluator
from neural_style.transfer.inputs import Inputs
from neural_style.transfer.levels import PREVIEW_COARSER, PREVIEW_FINEST, Sizes
from neural_style.transfer.presets import PRESETS
from torch_lbfgs import TorchLBFGS


def picture(height: int = 40, width: int = 56, seed: int = 0) -> Tensor:
    """Return a smooth picture, shape (3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 5, generator=generator)
    fine = torch.rand(1, 3, height, width, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return (0.8 * smooth + 0.2 * fine)[0]


def quick(**options: Any) -> StyleTransfer:
    """Return a narrow transfer on the CPU, of random weights unless others are asked for."""
    return StyleTransfer(**{"weights": RANDOM, "device": "cpu", **options})


CONTENT, STYLE = picture(seed=1), picture(48, 48, seed=2)
PIXELS = (CONTENT.permute(1, 2, 0) * 255).to(torch.uint8).numpy()


def run(transfer: StyleTransfer, **options: Any) -> Tensor:
    """Return a result of three iterations at one level, where nothing else is asked for."""
    chosen = {"content": CONTENT, "style": STYLE, "size": 56, "iterations": 3, "levels": 1}
    return transfer.run(**{**chosen, **options})


def progress_of(transfer: StyleTransfer, **options: Any) -> list[Progress]:
    """Return what a run reports."""
    seen: list[Progress] = []
    run(transfer, callback=seen.append, **options)
    return seen


# -- what comes out -------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_returns_an_image_and_lowers_the_loss(preset: str, device: torch.device) -> None:
    losses: list[Tensor] = []
    transfer = quick(preset=preset, device=device, precision="float32")
    result = run(transfer, iterations=12, callback=lambda progress: losses.append(progress.loss))
    assert result.shape == (3, 40, 56)
    assert (result.dtype, result.device.type) == (torch.float32, device.type)
    assert result.is_contiguous()
    assert not result.requires_grad
    assert not result.is_inference()
    assert 0 <= result.min() <= result.max() <= 1
    assert min(losses) < losses[0]


def test_four_dimensions_in_give_four_dimensions_out_and_a_file_is_its_picture(tmp_path: Path) -> None:
    content = (CONTENT * 255).round() / 255
    save_image(content, tmp_path / "content.png")
    three, of_file, four = (
        run(quick(), content=source, size=48, iterations=1)
        for source in (content, tmp_path / "content.png", content.unsqueeze(0))
    )
    assert torch.equal(of_file, three)
    assert torch.equal(four, three.unsqueeze(0))


@pytest.mark.parametrize(("size", "expected"), [(28, (20, 28)), (None, (40, 56)), (112, (80, 112))])
def test_size_is_the_longer_side_and_none_keeps_the_contents_own(
    size: int | None, expected: tuple[int, int]
) -> None:
    assert run(quick(), size=size, iterations=1).shape[1:] == expected


FLAT, BLACK = torch.full((3, 32, 32), 0.5), torch.zeros(3, 32, 32)
GREY_CONTENT, GREY_STYLE = (image.mean(0, keepdim=True).expand(3, -1, -1) for image in (CONTENT, STYLE))


@pytest.mark.parametrize(
    ("content", "style"),
    [
        (FLAT, STYLE),
        (CONTENT, FLAT),
        (BLACK, BLACK),
        (BLACK, 1 - BLACK),
        (GREY_CONTENT, STYLE),
        (CONTENT, GREY_STYLE),
        (CONTENT, CONTENT),
        (picture(16, 128), picture(128, 16)),
        (picture(128, 16), picture(16, 128)),
        (picture(33, 57), picture(300, 20)),
    ],
)
def test_degenerate_pictures_of_any_aspect_give_finite_results(content: Tensor, style: Tensor) -> None:
    result = run(quick(weights=TAUGHT), content=content, style=style, size=None, iterations=8)
    assert result.shape == content.shape
    assert bool(torch.isfinite(result).all())


# -- the same again, and everything as it was found -----------------------------------------------------


def test_the_same_seed_gives_the_same_bits() -> None:
    first, same, other = (run(quick(), init="noise", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_second_run_of_the_same_object_gives_the_same_bits() -> None:
    transfer = quick(weights=TAUGHT)
    first = run(transfer)
    run(transfer, content=STYLE, style=CONTENT, size=40)
    assert torch.equal(run(transfer), first)


@pytest.mark.parametrize("broken", [False, True])
def test_inputs_and_global_state_are_left_as_they_were(broken: bool) -> None:
    content, style = CONTENT.clone(), STYLE.clone()
    array, transfer = PIXELS.copy(), quick()
    before = torch.get_rng_state()

    def callback(_progress: Progress) -> None:
        if broken:
            raise ZeroDivisionError

    for source in (content, array):
        with pytest.raises(ZeroDivisionError) if broken else nullcontext():
            run(transfer, content=source, style=style, init="noise", callback=callback)
    assert torch.equal(content, CONTENT)
    assert torch.equal(style, STYLE)
    assert np.array_equal(array, PIXELS)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    network = transfer.network
    assert not network.training
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in network.parameters())
    assert sum(len(module._forward_hooks) for module in network.modules()) == 0


@pytest.mark.parametrize(
    "mode",
    [
        torch.no_grad(),
        torch.inference_mode(),
        torch.autocast("cpu", dtype=torch.bfloat16),
        torch.device("meta"),
    ],
    ids=lambda mode: type(mode).__name__,
)
def test_the_callers_modes_change_nothing(mode: AbstractContextManager[Any]) -> None:
    expected = run(quick(weights=TAUGHT), content=PIXELS, init="noise")
    with mode:
        transfer = quick(weights=TAUGHT)
        assert torch.equal(run(transfer, content=PIXELS, init="noise"), expected)
    assert torch.equal(run(transfer, content=PIXELS, init="noise"), expected)


def test_the_callers_default_dtype_stays_and_changes_nothing() -> None:
    expected = run(quick(weights=TAUGHT), content=PIXELS)
    torch.set_default_dtype(torch.float64)
    try:
        double = run(quick(weights=TAUGHT), content=PIXELS)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert double.dtype == torch.float32
    torch.testing.assert_close(double, expected, atol=1e-4, rtol=0)


# -- every option changes the result --------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"content_layers": "relu2_2"},
        {"content_layers": ["relu2_2", "relu4_2"]},
        {"style_layers": ["relu1_1"]},
        {"style_layers": {"relu1_1": 1.0, "relu2_1": 0.1}},
        {"content_weight": 3},
        {"style_weight": 0},
        {"variation_weight": 20.0},
        {"pooling": "max"},
        {"padding": "zeros"},
        {"match_colors": False},
        {"statistic": "gram"},
        {"optimizer": Adam()},
        {"optimizer": LBFGS(learning_rate=0.5)},
        {"preset": "paper"},
        {"preset": "authors"},
        {"weights": random_weights(width=0.25, seed=1)},
        {"weights": random_weights(width=0.5)},
        {"precision": "bfloat16"},
        {"precision": "float16"},
    ],
    ids=str,
)
def test_every_option_changes_the_result(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neural_style.device.hardware.multiplies", lambda _precision, _device: True)
    # from noise, as at the content its gradient vanishes; few steps where bfloat16 may be emulated
    choices = {"iterations": 2, "size": 32} if "precision" in options else {"iterations": 5, "init": "noise"}
    assert not torch.equal(run(quick(**options), **choices), run(quick(precision="float32"), **choices))


@pytest.mark.parametrize(("size", "iterations", "shift"), [(48, (3,), 16), (96, (3, 1), 32)])
def test_a_circular_run_rolls_with_its_content_and_another_does_not(
    size: int, iterations: tuple[int, ...], shift: int
) -> None:
    content = CONTENT[:, :32, :48]
    for padding, rolls in (("circular", True), ("reflect", False)):
        transfer = quick(padding=padding, precision="float32", variation_weight=0, content_weight=0)
        plain, rolled = (
            run(transfer, content=source, size=size, iterations=iterations, levels=None)
            for source in (content, content.roll(16, dims=2))
        )
        assert ((rolled - plain.roll(shift, dims=2)).abs().max() < 1e-3) == rolls, padding


def test_a_picture_that_tiles_the_plane_has_sides_on_the_grid_and_a_notice_says_so() -> None:
    transfer = quick(padding="circular")
    with pytest.warns(UserWarning, match="46×64 became 48×64"):
        assert run(transfer, size=64, iterations=1).shape == (3, 48, 64)
    with pytest.warns(UserWarning, match="46×64 became 48×64"):
        estimated = transfer.estimate((46, 64), iterations=1)
    assert estimated.bytes == transfer.estimate((48, 64), iterations=1).bytes
    plan = Sizes(transfer.settings).plan((208, 304), None, 3)
    assert [level.size for level in plan] == [(48, 80), (96, 160), (208, 304)]


def test_a_picture_too_large_for_the_memory_that_is_free_is_made_in_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transfer = quick(precision="float32")
    assert transfer.objective(CONTENT, STYLE, size=700).tile is None
    needed = transfer.estimate((500, 700), iterations=1, content=(50, 70))
    monkeypatch.setattr(evaluator, "available_memory", lambda _device: needed.bytes)
    objective = transfer.objective(CONTENT, STYLE, size=700)
    assert objective.tile is not None
    assert len(objective.grid.tiles) > 1
    tiled = transfer.estimate((500, 700), iterations=1, content=(50, 70))
    assert tiled.bytes < needed.bytes
    assert tiled.flops > needed.flops


def test_memory_that_runs_out_halves_the_tiles_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"size": 128, "iterations": (2, 3), "levels": None, "init": "noise"}
    expected = run(quick(precision="float32"), **options)
    evaluate = Objective.value_and_grad

    def scarce(objective: Objective, image: Tensor) -> tuple[Tensor, Tensor]:
        if image.shape[-1] == 128 and objective.tile != 32:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return evaluate(objective, image)

    monkeypatch.setattr(Objective, "value_and_grad", scarce)
    with pytest.warns(RuntimeWarning, match=r"^Out of memory\. ") as caught:
        result = run(quick(precision="float32"), **options)
    assert [re.findall(r"\d+", str(warning.message)) for warning in caught] == [["64"], ["32"]]
    torch.testing.assert_close(result, expected, atol=1e-3, rtol=0)


# -- progress, early end, interrupt ---------------------------------------------------------------------


def test_progress_tells_level_step_and_a_fraction_that_grows_to_one() -> None:
    seen = progress_of(quick(), levels=None, iterations=(3, 2))
    places = [(p.level, p.levels, p.step, p.steps) for p in seen]
    assert places == [(1, 2, 1, 3), (1, 2, 2, 3), (1, 2, 3, 3), (2, 2, 1, 2), (2, 2, 2, 2)]
    assert [p.size for p in seen[2:4]] == [(20, 28), (40, 56)]
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert {"content", "style", "total variation", "style relu1_1"} <= set(seen[0].terms)


def test_the_fraction_knows_what_a_level_that_ended_early_has_saved() -> None:
    early = quick(optimizer=LBFGS(tolerance=1e9))  # ends at its second look, at step 20
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

    result = run(quick(preset=preset), iterations=None, levels=levels, callback=callback)
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
    stopped = quick(optimizer=optimizer).run(CONTENT, STYLE, **options, callback=stop)
    with pytest.raises(RunInterrupted) as caught:
        quick(optimizer=optimizer).run(CONTENT, STYLE, **options, callback=interrupt)
    assert torch.equal(caught.value.image, stopped)
    assert (stopped - CONTENT).abs().max() > 0.01


def test_a_given_optimisers_tolerance_of_none_takes_every_step() -> None:
    flat = torch.full((3, 40, 56), 0.5)
    patient = quick(optimizer=LBFGS(tolerance=None))
    assert len(progress_of(patient, content=flat, style=flat, iterations=30)) == 30


class Given(Optimizer):
    """An optimiser that evaluates once and returns what it was given."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def minimize(self, image: Tensor, value_and_grad: Any, steps: int, callback: Any = None) -> Any:
        loss, _ = value_and_grad(image)
        callback(Step(number=1, steps=steps, loss=loss, image=image))
        return self.result


def test_an_optimizer_of_the_callers_makes_the_picture_which_must_be_one() -> None:
    picture = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    assert torch.equal(run(quick(optimizer=Given(picture))), picture[0])
    for result, error in ((None, TypeError), (torch.zeros(1, 3, 8, 8), ValueError)):
        with pytest.raises(error, match=r"^the optimizer's result must"):
            run(quick(optimizer=Given(result)))


def test_an_interrupt_after_the_last_evaluation_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, finish, calls = run(quick()), Inputs.finish, list[Tensor]()

    def interrupted(inputs: Inputs, image: Tensor) -> Tensor:
        calls.append(image)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return finish(inputs, image)

    monkeypatch.setattr(Inputs, "finish", interrupted)
    with pytest.raises(RunInterrupted) as caught:
        run(quick())
    assert torch.equal(caught.value.image, expected)


def test_the_objective_is_of_all_style_layers_at_the_contents_size() -> None:
    transfer = quick(match_colors=False)
    loss, gradient = transfer.objective(CONTENT, STYLE).value_and_grad(CONTENT.unsqueeze(0))
    assert gradient.shape == (1, 3, 40, 56)
    (first,) = progress_of(transfer, size=None, iterations=1)
    assert torch.equal(first.loss, loss)


# -- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("preset", "gatys", ValueError),
        ("device", "gpu", ValueError),
        ("precision", "half", ValueError),
        ("compile", "on", ValueError),
        ("style_layers", [], ValueError),
        ("content_weight", -1, ValueError),
        ("pooling", "mean", ValueError),
        ("padding", "same", ValueError),
        ("match_colors", "yes", TypeError),
        ("optimizer", "adam", TypeError),
        ("tile_size", "all", ValueError),
    ],
)
def test_bad_options_are_refused_before_weights_are_loaded(
    monkeypatch: pytest.MonkeyPatch, option: str, value: Any, error: type[Exception]
) -> None:
    def load(*_arguments: object, **_options: object) -> None:
        raise AssertionError("weights were loaded first")

    if option != "tile_size":  # whose rule depends on the network's layers
        monkeypatch.setattr("neural_style.transfer.style_transfer.resolve_weights", load)
    with pytest.raises(error, match=rf"^{option}\S* must "):
        quick(**{option: value})


@pytest.mark.parametrize(
    ("argument", "value", "error", "named"),
    [
        ("preview", "no", TypeError, "preview"),
        ("size", 0, ValueError, "size"),
        ("size", 15, ValueError, "the result"),
        ("iterations", 0, ValueError, "iterations"),
        ("seed", -1, ValueError, "seed"),
        ("callback", 5, TypeError, "callback"),
        ("levels", 3, ValueError, "levels"),
        ("style", torch.zeros(3, 8, 40), ValueError, "style"),
        ("content", torch.full((3, 32, 32), 255.0), ValueError, "content values"),
        ("content", "missing.jpg", FileNotFoundError, "content"),
        ("init", "contents", FileNotFoundError, "init"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    argument: str, value: Any, error: type[Exception], named: str
) -> None:
    steps: list[Progress] = []
    given: dict[str, Any] = {"content": CONTENT, "style": STYLE, "size": 64, "callback": steps.append}
    with pytest.raises(error, match=rf"^{named} must "):
        quick().run(**{**given, argument: value})
    assert steps == []


def test_a_part_of_no_weight_shortens_the_network_and_a_loss_of_nothing_is_refused() -> None:
    assert quick(style_weight=0, content_layers="relu2_1").settings.layers == ["relu2_1"]
    assert "relu4_2" not in quick(content_weight=0).settings.layers
    for options in ({"style_weight": 0}, {"style_layers": {"relu1_1": 0}}):
        with pytest.raises(ValueError, match=r"^content_weight and style_weight must "):
            quick(content_weight=0, **options)


def test_the_papers_preset_brings_the_style_to_the_contents_size() -> None:
    paper = quick(preset="paper").objective(CONTENT, STYLE)
    assert paper.target_moments[Part("relu1_1", 0)].count == 40 * 56
    assert quick().objective(CONTENT, STYLE).target_moments[Part("relu1_1", 0)].count == 48 * 48


def starts_of_two_levels(transfer: StyleTransfer, **options: Any) -> list[Tensor]:
    """Return the pictures that two levels begin with, of one evaluation each."""
    kept: list[Tensor] = []
    chosen = {"levels": None, "iterations": [1, 1], **options}
    run(transfer, callback=lambda progress: kept.append(progress.image.clone()), **chosen)
    return kept


def test_a_finer_level_starts_with_what_the_coarser_changed_and_the_contents_own_detail() -> None:
    content, transfer = CONTENT.unsqueeze(0), quick(match_colors=False)
    first, second = starts_of_two_levels(transfer)
    coarse = resize(content, (20, 28))
    torch.testing.assert_close(first, coarse)
    torch.testing.assert_close(second, content)  # nothing was changed, and nothing of the content is lost
    _, second = starts_of_two_levels(transfer, init=torch.zeros(1, 3, 40, 56))
    torch.testing.assert_close(second, resize(-coarse, (40, 56), clamp=False) + content)


@pytest.mark.parametrize("options", [{"preset": "authors"}, {"content_weight": 0}])
def test_the_enlarged_picture_alone_goes_on_where_the_content_has_no_say(options: dict[str, Any]) -> None:
    first, second = starts_of_two_levels(quick(**options), init=picture(20, 28, seed=5).unsqueeze(0))
    torch.testing.assert_close(second, resize(first, (40, 56), clamp=False))


@pytest.mark.parametrize(
    ("options", "style", "levels", "deepest"),
    [
        ({}, STYLE, 2, ["relu5_1", "relu4_1"]),
        ({}, STYLE, 1, ["relu5_1"]),
        ({"style_layers": ["relu2_1", "relu5_1"]}, STYLE, 2, ["relu5_1", "relu5_1"]),  # as they were asked for
        ({}, Style(STYLE, layers="relu5_1"), 2, ["relu5_1", "relu5_1"]),
        ({"preset": "authors"}, STYLE, 2, ["relu5_1", "relu5_1"]),
    ],
)
def test_the_deepest_style_layer_is_left_to_the_coarser_of_several_levels(
    options: dict[str, Any], style: Any, levels: int, deepest: list[str]
) -> None:
    seen = progress_of(quick(**options), style=style, levels=levels, iterations=1)
    found = [max(name for name in progress.terms if name.startswith("style relu")) for progress in seen]
    assert found == [f"style {name}" for name in deepest]


def test_no_layer_is_computed_that_is_left_out() -> None:
    sizes: dict[str, set[tuple[int, ...]]] = {"conv4_2": set(), "conv4_3": set(), "conv5_1": set()}
    transfer = quick()
    for name, seen in sizes.items():

        def watch(_module: object, inputs: tuple[Tensor, ...], _out: object, seen: set[Any] = seen) -> None:
            seen.add(tuple(inputs[0].shape[-2:]))

        transfer.network.network.get_submodule(name).register_forward_hook(watch)
    transfer.run(CONTENT, STYLE, size=56, levels=2, iterations=2)  # 20×28 and 40×56; in eighths and sixteenths
    assert (5, 7) in sizes["conv4_2"]
    assert max(max(size) for size in sizes["conv4_3"]) == 3
    assert sizes["conv5_1"] == {(1, 1)}


def test_a_preview_is_at_most_256_pixels_with_few_iterations_unless_the_caller_has_said_how_many() -> None:
    shallow = quick(style_layers=["relu1_1"], content_layers=["relu1_1"])
    chosen: dict[str, Any] = {"levels": None, "iterations": None, "preview": True}
    steps = progress_of(shallow, content=picture(400, 320), size=384, **chosen)
    assert steps[-1].size == (256, 205)
    firsts = [(step.level, step.steps) for step in steps if step.step == 1]
    assert firsts == [(1, PREVIEW_COARSER), (2, PREVIEW_FINEST)]
    assert [step.steps for step in progress_of(quick(), preview=True)] == [3, 3, 3]
    steps = progress_of(quick(preset="paper"), **chosen)
    assert [step.steps for step in steps if step.step == 1] == [PREVIEW_COARSER]


def test_a_preview_is_estimated_as_such() -> None:
    full, preview = (quick().estimate(512, preview=choice) for choice in (False, True))
    assert preview.flops < full.flops / 5
    assert preview.bytes - SCRATCH < (full.bytes - SCRATCH) / 3
