"""The pictures of a run: those much larger than it needs are reduced while they are read."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import Style, StyleTransfer, save_image
from neural_style.evaluation.objective import Objective
from neural_style.images import masks
from neural_style.images.io import read
from neural_style.images.resizing import SPARE, resize, size_of
from neural_style.transfer import estimate as estimates
from neural_style.transfer.inputs import Inputs, load_inputs
from neural_style.transfer.levels import Level, Sizes
from neural_style.transfer.presets import PRESETS


def smooth(height: int, width: int, seed: int = 0) -> Tensor:
    """A picture (3, H, W) of smooth forms, in [0, 1]."""
    noise = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    return resize(noise, (height, width))[0]


def loaded(content: object, style: object, *, size: int = 32, preset: str = "default") -> Inputs:
    """The pictures of a run at a size."""
    settings = PRESETS[preset]
    wanted = partial(Sizes(settings).result, size=size)
    return load_inputs(content, style, settings, torch.device("cpu"), wanted)  # type: ignore[arg-type]


def test_a_large_picture_is_reduced_to_four_times_what_the_run_needs(tmp_path: Path) -> None:
    save_image(smooth(303, 400), tmp_path / "photo.png")
    inputs = loaded(tmp_path / "photo.png", smooth(500, 300))
    assert inputs.result_size == (24, 32)
    assert inputs.original.shape[-2:] == inputs.content.shape[-2:] == (SPARE * 24, SPARE * 32)
    assert inputs.styles[0].image.shape[-2:] == (SPARE * 32, SPARE * 19)


def test_a_picture_of_up_to_four_times_that_stays_as_it_is() -> None:
    photo = smooth(96, 128)
    assert torch.equal(loaded(photo, smooth(100, 90)).original[0], photo)
    assert loaded(photo, smooth(128, 90)).styles[0].image.shape[-2:] == (128, 90)


def test_what_a_level_works_on_is_what_it_is_of_the_whole_to_a_hundredth() -> None:
    photo, painting = smooth(600, 800), smooth(700, 500, seed=1)
    reduced = loaded(photo, painting)
    settings = PRESETS["default"]
    whole = load_inputs(photo, painting, settings, torch.device("cpu"))
    level = Level((24, 32), 1)
    for ours, theirs in zip(reduced.at(level)[1], whole.at(level)[1], strict=True):
        assert ours.image.shape == theirs.image.shape
        torch.testing.assert_close(ours.image, theirs.image, rtol=0, atol=0.01)
    torch.testing.assert_close(reduced.at(level)[0], whole.at(level)[0], rtol=0, atol=0.01)


def test_a_style_with_bolder_strokes_keeps_more_and_a_stretched_one_covers_its_stretch() -> None:
    photo = smooth(96, 128)
    bold = loaded(photo, Style(smooth(800, 800), scale=2)).styles[0].image
    assert bold.shape[-2:] == (SPARE * 64, SPARE * 64)
    tall = loaded(photo, smooth(2000, 500), preset="paper").styles[0].image
    assert tall.shape[-2:] == (SPARE * 128, SPARE * 32)


def test_masks_over_a_picture_that_is_reduced_are_not_called_resized() -> None:
    half = torch.linspace(0, 1, 400).round().expand(300, 400)
    style = Style(smooth(300, 400, seed=1), region=half, mask=half.flip(-1))
    inputs = loaded(smooth(300, 400), style)
    (read,) = inputs.styles
    assert read.region is not None
    assert read.mask is not None
    assert read.region.shape[-2:] == read.mask.shape[-2:] == (SPARE * 24, SPARE * 32)
    with pytest.warns(UserWarning, match="style's region has 150×200 pixels and its picture 300×400"):
        loaded(smooth(300, 400), Style(smooth(300, 400), region=half[::2, ::2]))


def test_of_a_mask_no_more_is_read_than_of_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []

    def reading(source: Any, argument: str, enough: Any) -> tuple[Tensor, tuple[int, int]]:
        image, own = read(source, argument, enough)
        sizes.append(size_of(image))
        return image, own

    monkeypatch.setattr(masks, "read", reading)
    for height, width in ((300, 400), (95, 127)):  # one that is reduced, and one that is not
        save_image(torch.linspace(0, 1, width).round().expand(3, height, width), tmp_path / "mask.png")
        style = Style(smooth(32, 32), region=tmp_path / "mask.png")
        loaded(smooth(height, width), style)
    assert sizes == [(SPARE * 24, SPARE * 32), (95, 127)]


def test_the_pictures_are_counted_in_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "time_evaluation", lambda *_all, **_more: 1.0)
    maker = StyleTransfer(weights=RANDOM)
    assert maker.evaluator.objective_class is Objective
    level = Level((48, 64), 1)
    plans = maker.evaluator.plan_memory([level], maker.settings, maker.optimizer)

    def taken(content: tuple[int, int] | None) -> int:
        run = estimates.estimate_run(maker.evaluator, maker.settings, [level], plans, content)
        return run.bytes - plans[level.size].bytes

    four_pictures = 4 * 3 * 4
    assert taken((100, 200)) == four_pictures * 100 * 200
    assert taken(None) == four_pictures * (2 * 48) * (2 * 64)
    assert taken((6000, 8000)) == four_pictures * (SPARE * 48) * (SPARE * 64)
