"""The presets against the numbers that their sources state, and the loss that each ends with."""

from __future__ import annotations

import pytest
import torch

from narrow import transfer
from neural_style.evaluation.regions import Part
from neural_style.losses import equations as losses
from neural_style.transfer.presets import PRESETS, SELF_TAUGHT, choose_settings
from small import CONTENT, STYLE

FIVE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def test_the_papers_settings_are_to_the_letter() -> None:
    paper = PRESETS["paper"]
    assert (paper.content_loss, paper.style_loss) == (losses.half_squares, losses.layer_style_loss)
    assert paper.style_layers == dict.fromkeys(FIVE, 0.2)
    assert paper.content_layers == {"relu4_2": 1.0}
    assert paper.content_weight / paper.style_weight == pytest.approx(1e-3)
    assert (paper.pooling, paper.padding, paper.variation_weight) == ("average", "zeros", 0.0)
    assert (paper.init, paper.scales, paper.iterations) == ("noise", (1.0,), (500,))


def test_the_authors_settings_are_those_of_their_code() -> None:
    authors = PRESETS["authors"]
    assert (authors.content_loss, authors.style_loss) == (losses.mean_squares, losses.mean_style_loss)
    assert authors.style_layers == dict.fromkeys(FIVE, 1.0)
    assert (authors.content_weight, authors.style_weight) == (1.0, 1.0)
    assert (authors.pooling, authors.init) == ("max", "content")
    assert (authors.scales, authors.iterations) == ((0.64, 1.0), (500, 200))


def test_the_content_weighs_three_times_as_much_from_noise_unless_its_weight_is_given() -> None:
    weights = {
        start: choose_settings("default").starting_from(start).content_weight
        for start in ("noise", "colored-noise", "content", "style")
    }
    assert weights == {"noise": pytest.approx(0.3), "colored-noise": pytest.approx(0.3)} | dict.fromkeys(
        ("content", "style"), 0.1
    )
    assert choose_settings("default", content_weight=0.1).starting_from("noise").content_weight == 0.1
    assert choose_settings("default", strength=0.5).starting_from("noise").content_weight == pytest.approx(0.3)
    assert choose_settings("paper").starting_from("noise") == choose_settings("paper")


def test_self_taught_filters_bring_their_settings_in_the_defaults_place() -> None:
    taught = PRESETS[SELF_TAUGHT]
    assert choose_settings("default", self_taught=True) == taught != PRESETS["default"]
    assert choose_settings(SELF_TAUGHT, self_taught=True) == choose_settings(SELF_TAUGHT) == taught
    assert list(taught.content_layers) == ["relu2_2"]
    assert taught.match_colors
    asked = choose_settings("default", self_taught=True, content_layers="relu3_1")
    assert asked.content_layers == {"relu3_1": 1.0}


@pytest.mark.parametrize("preset", ["paper", "authors"])
def test_another_preset_leaves_those_aside_and_says_so(preset: str) -> None:
    text = f"Self-taught filters have settings of their own, which preset='{preset}' leaves aside. "
    with pytest.warns(UserWarning, match=rf"^{text}preset='self-taught' takes them.$"):
        assert choose_settings(preset, self_taught=True) == PRESETS[preset]


# After two levels of eight evaluations in float32, with random weights of a quarter of the width.
GOLDEN = {"default": 0.3192, "paper": 0.01009, "authors": 0.1744, "self-taught": 0.1063}


def waves(periods: tuple[float, float, float], height: int, width: int) -> torch.Tensor:
    """Return a picture of slanted waves, shape (3, H, W), with a period in pixels for each channel."""
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    return torch.stack([0.5 + 0.4 * torch.sin((rows + 2 * columns) / period) for period in periods])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_ends_with_its_loss(preset: str) -> None:
    """A change of any equation or schedule moves it."""
    losses: list[float] = []
    transfer(preset=preset).run(
        waves((5, 7, 9), 48, 64),
        waves((2, 3, 4), 64, 56),
        size=64,
        levels=2,
        iterations=8,
        init="content",
        callback=lambda progress: losses.append(progress.loss.item()),
    )
    assert losses[-1] == pytest.approx(GOLDEN[preset], rel=0.01)


def test_the_papers_preset_brings_the_style_to_the_contents_size() -> None:
    paper = transfer(preset="paper").objective(CONTENT, STYLE)
    assert paper.target_moments[Part("relu1_1", 0)].count == 40 * 56
    assert transfer().objective(CONTENT, STYLE).target_moments[Part("relu1_1", 0)].count == 48 * 48


def test_a_part_of_no_weight_shortens_the_network_and_a_loss_of_nothing_is_refused() -> None:
    assert transfer(style_weight=0, content_layers="relu2_1").settings.layers == ["relu2_1"]
    assert "relu4_2" not in transfer(content_weight=0).settings.layers
    for options in ({"style_weight": 0}, {"style_layers": {"relu1_1": 0}}):
        with pytest.raises(ValueError, match=r"^content_weight and style_weight must "):
            transfer(content_weight=0, **options)
