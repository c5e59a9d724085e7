"""The paper's other pictures: textures and reconstructions."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from narrow import PLAIN, RANDOM, transfer
from neural_style import Style, reconstruct_content, synthesize_texture
from neural_style.metrics import similarity
from tinted import CONTENT, STYLE, batch


def test_an_early_layer_keeps_the_pixels_and_a_late_one_less() -> None:
    layers = ("relu1_1", "relu3_1")
    early, late = (reconstruct_content(CONTENT, name, size=None, iterations=60, **PLAIN) for name in layers)
    assert similarity(batch(early), batch(CONTENT)) > 0.9
    assert similarity(batch(late), batch(CONTENT)) < similarity(batch(early), batch(CONTENT))


def test_reconstructions_take_a_number_for_every_level() -> None:
    assert reconstruct_content(CONTENT, "relu1_1", size=64, iterations=(1, 1), **PLAIN).shape == (3, 51, 64)


def test_a_texture_has_the_styles_statistics_at_any_size_and_no_content() -> None:
    texture = synthesize_texture(STYLE, (96, 128), iterations=40, **PLAIN)
    assert texture.shape == (3, 96, 128)
    noise = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    objective = transfer(content_weight=0, variation_weight=0).objective(noise, STYLE)
    assert objective.value_and_grad(batch(texture))[0] < 0.2 * objective.value_and_grad(noise)[0]
    other = synthesize_texture(STYLE, (96, 128), iterations=40, seed=1, **PLAIN)
    assert (other - texture).abs().mean() > 0.02
    assert synthesize_texture([STYLE, Style(CONTENT)], 48, iterations=1, **PLAIN).shape == (3, 48, 48)


def test_a_circular_texture_has_no_seam() -> None:
    seams = []
    for padding in ("circular", "reflect"):
        texture = synthesize_texture(STYLE, 96, iterations=25, padding=padding, statistic="gram", **PLAIN)
        for side in (1, 2):
            across = (texture.select(side, 0) - texture.select(side, -1)).abs().mean()
            seams.append((across / texture.diff(dim=side).abs().mean()).item())
    assert max(seams[:2]) < 1.3 < min(seams[2:])


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (synthesize_texture, {"size": (1, 2, 3)}, "size"),
        (synthesize_texture, {"size": 0}, "size"),
        (synthesize_texture, {"style": Style(STYLE, region="sky.png")}, ".*region"),
        (synthesize_texture, {"strength": 0.3}, "strength"),
        (synthesize_texture, {"content_weight": 5.0}, "content_weight"),
        (synthesize_texture, {"content_layers": ["relu1_1"]}, "content_layers"),
        (synthesize_texture, {"match_colors": True}, "match_colors"),
        (synthesize_texture, {"init": "content"}, "init"),
        (synthesize_texture, {"init": {"content": 1.0, "noise": 1.0}}, "init"),
        (synthesize_texture, {"color": "match"}, "color"),
        (reconstruct_content, {"layer": "relu9_1"}, "layer"),
        (reconstruct_content, {"content_layers": "relu1_1"}, "content_layers"),
        (reconstruct_content, {"strength": 0}, "strength"),
        (reconstruct_content, {"color": "match"}, "color"),
        (reconstruct_content, {"match_colors": True}, "match_colors"),
        (reconstruct_content, {"iterations": (1, 1), "levels": 1}, "iterations"),
    ],
)
def test_a_texture_and_a_reconstruction_refuse_what_has_nothing_to_do_there(
    make: Any, options: dict[str, Any], named: str
) -> None:
    own = {"image": CONTENT, "layer": "relu1_1"} if make is reconstruct_content else {"style": STYLE}
    with pytest.raises(ValueError, match=rf"^{named} must "):
        make(**{**own, "size": 48, "weights": RANDOM, **options})
