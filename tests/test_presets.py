"""The presets against the numbers that their sources state."""

from __future__ import annotations

import pytest

from neural_style import losses
from neural_style.presets import PRESETS, SELF_TAUGHT, choose_settings, layer_weights

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


def test_self_taught_filters_hold_the_content_in_a_shallower_layer_by_default_only() -> None:
    taught = choose_settings("default", self_taught=True)
    assert {name: getattr(taught, name) for name in SELF_TAUGHT} == SELF_TAUGHT
    assert list(taught.content_layers) == ["relu2_2"]
    assert list(choose_settings("default", self_taught=False).content_layers) == ["relu4_2"]
    assert list(choose_settings("paper", self_taught=True).content_layers) == ["relu4_2"]
    asked = choose_settings("default", self_taught=True, content_layers="relu3_1")
    assert asked.content_layers == {"relu3_1": 1.0}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_an_option_replaces_the_presets_and_none_leaves_it(preset: str) -> None:
    settings = choose_settings(preset, self_taught=False, content_weight=7, pooling=None, padding="circular")
    assert (settings.content_weight, settings.padding) == (7.0, "circular")
    assert settings.pooling == PRESETS[preset].pooling


def test_layers_are_weighed_by_name_in_network_order() -> None:
    assert list(layer_weights("style_layers", {"relu3_1": 1, "relu1_1": 2})) == ["relu1_1", "relu3_1"]
    assert layer_weights("content_layers", "relu4_2") == {"relu4_2": 1.0}
    assert choose_settings("default", self_taught=False).layers == [*FIVE[:4], "relu4_2", "relu5_1"]
