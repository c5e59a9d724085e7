"""StyleTransfer as its users see it: what goes in, what comes out, and what is left as it was found."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from narrow import TAUGHT, transfer
from neural_style import LBFGS, Adam, Optimizer, Progress, Step, save_image
from neural_style.network.source import random_weights
from neural_style.transfer.presets import PRESETS
from small import CONTENT, PIXELS, STYLE, picture, progress_of, run


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_returns_an_image_and_lowers_the_loss(preset: str, device: torch.device) -> None:
    losses: list[Tensor] = []
    maker = transfer(preset=preset, device=device)
    result = run(maker, iterations=12, callback=lambda progress: losses.append(progress.loss))
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
        run(transfer(), content=source, size=48, iterations=1)
        for source in (content, tmp_path / "content.png", content.unsqueeze(0))
    )
    assert torch.equal(of_file, three)
    assert torch.equal(four, three.unsqueeze(0))


@pytest.mark.parametrize(("size", "expected"), [(28, (20, 28)), (None, (40, 56)), (112, (80, 112))])
def test_size_is_the_longer_side_and_none_keeps_the_contents_own(
    size: int | None, expected: tuple[int, int]
) -> None:
    assert run(transfer(), size=size, iterations=1).shape[1:] == expected


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
    result = run(transfer(weights=TAUGHT), content=content, style=style, size=None, iterations=8)
    assert result.shape == content.shape
    assert bool(torch.isfinite(result).all())


def test_the_same_seed_gives_the_same_bits() -> None:
    first, same, other = (run(transfer(), init="noise", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_second_run_of_the_same_object_gives_the_same_bits() -> None:
    maker = transfer(weights=TAUGHT)
    first = run(maker)
    run(maker, content=STYLE, style=CONTENT, size=40)
    assert torch.equal(run(maker), first)


@pytest.mark.parametrize("broken", [False, True])
def test_inputs_and_global_state_are_left_as_they_were(broken: bool) -> None:
    content, style = CONTENT.clone(), STYLE.clone()
    array, maker = PIXELS.copy(), transfer()
    before = torch.get_rng_state()

    def callback(_progress: Progress) -> None:
        if broken:
            raise ZeroDivisionError

    for source in (content, array):
        with pytest.raises(ZeroDivisionError) if broken else nullcontext():
            run(maker, content=source, style=style, init="noise", callback=callback)
    assert torch.equal(content, CONTENT)
    assert torch.equal(style, STYLE)
    assert np.array_equal(array, PIXELS)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    network = maker.network
    assert not network.training
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in network.parameters())
    assert sum(len(module._forward_hooks) for module in network.modules()) == 0


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
    assert not torch.equal(run(transfer(**options), **choices), run(transfer(), **choices))


@pytest.mark.parametrize(("size", "iterations", "shift"), [(48, (3,), 16), (96, (3, 1), 32)])
def test_a_circular_run_rolls_with_its_content_and_another_does_not(
    size: int, iterations: tuple[int, ...], shift: int
) -> None:
    content = CONTENT[:, :32, :48]
    for padding, rolls in (("circular", True), ("reflect", False)):
        maker = transfer(padding=padding, variation_weight=0, content_weight=0)
        plain, rolled = (
            run(maker, content=source, size=size, iterations=iterations, levels=None)
            for source in (content, content.roll(16, dims=2))
        )
        assert ((rolled - plain.roll(shift, dims=2)).abs().max() < 1e-3) == rolls, padding


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
    assert torch.equal(run(transfer(optimizer=Given(picture))), picture[0])
    for result, error in ((None, TypeError), (torch.zeros(1, 3, 8, 8), ValueError)):
        with pytest.raises(error, match=r"^the optimizer's result must"):
            run(transfer(optimizer=Given(result)))


def test_the_objective_is_of_all_style_layers_at_the_contents_size() -> None:
    maker = transfer(match_colors=False)
    loss, gradient = maker.objective(CONTENT, STYLE).value_and_grad(CONTENT.unsqueeze(0))
    assert gradient.shape == (1, 3, 40, 56)
    (first,) = progress_of(maker, size=None, iterations=1)
    assert torch.equal(first.loss, loss)
