"""One number from the photograph to the style."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM, TAUGHT, transfer
from neural_style import Progress, Weights
from neural_style.metrics import similarity
from neural_style.transfer.presets import PRESETS, choose_settings
from tinted import CONTENT, STYLE, batch, made


def style_distance(image: Tensor) -> float:
    plain = transfer(content_weight=0, variation_weight=0)
    return plain.objective(CONTENT, STYLE).value_and_grad(batch(image))[0].item()


@pytest.mark.parametrize("weights", [RANDOM, TAUGHT], ids=["random", "self-taught"])
def test_strength_goes_from_the_photograph_to_the_style(weights: Weights) -> None:
    results = [
        made(weights=weights, content_layers="relu1_2", strength=strength, run={"iterations": 25})
        for strength in (0, 1e-3, 0.25, 0.5, 0.75, 1)
    ]
    alike = [similarity(batch(result), batch(CONTENT)) for result in results]
    torch.testing.assert_close(results[0], CONTENT, atol=2e-3, rtol=0)
    assert (results[1] - CONTENT).abs().mean() < 0.02  # a run, and nearly the photograph
    assert alike == sorted(alike, reverse=True)
    assert alike[0] > 0.99
    distances = [style_distance(result) for result in (results[0], *results[2:])]
    assert max(distances[2:]) < 0.7 * distances[1] < 0.7 * distances[0]


def test_a_strength_is_the_weights_and_the_share_of_the_colours() -> None:
    for preset in PRESETS:
        own = PRESETS[preset]
        for strength in (0.1, 0.25, 0.5, 0.8, 1):
            found = choose_settings(preset, strength=strength)
            ratio = (1 - strength) / strength
            assert found.content_weight / found.style_weight == pytest.approx(own.content_weight * ratio)
            assert found.match_share == min(1, 2 * strength)
        assert choose_settings(preset, strength=0.5) == own


@pytest.mark.parametrize("preset", ["default", "paper", "authors"])
@pytest.mark.parametrize("init", [None, "noise", STYLE])
def test_no_strength_is_the_photograph_without_an_evaluation(preset: str, init: Any) -> None:
    seen: list[Progress] = []
    maker = transfer(preset=preset, strength=0, variation="squares", variation_weight=3.0)
    result = maker.run(CONTENT, STYLE, size=None, init=init, callback=seen.append)
    torch.testing.assert_close(result, CONTENT, atol=1e-6, rtol=0)
    assert seen == []
    assert maker.run(CONTENT, STYLE, size=40, init=init).shape == (3, 32, 40)
    assert maker.estimate(64, init=init).flops == 0


def test_a_given_smoothing_stays_beside_a_strength_and_the_faintest_is_none() -> None:
    assert transfer(strength=0.25, variation_weight=4.0).settings.variation_weight == 4.0
    assert transfer(strength=0.25).settings.variation_weight == 3.0
    assert transfer(strength=0.75).settings.variation_weight == 1.0
    assert transfer(strength=0.01).settings.variation_weight == 4.0  # more would blur the photograph
    assert transfer(strength=1e-160).settings.content_weight == pytest.approx(100)  # and not infinite
