"""What is refused before any work."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from narrow import transfer
from neural_style import Progress
from small import CONTENT, STYLE


@pytest.mark.parametrize(
    ("options", "named", "error"),
    [
        ({"preset": "gatys"}, "preset", ValueError),
        ({"preset": "paper", "variation": "squares"}, "variation", ValueError),
        ({"device": "gpu"}, "device", ValueError),
        ({"precision": "half"}, "precision", ValueError),
        ({"compile": "on"}, "compile", ValueError),
        ({"tile_size": "all"}, "tile_size", ValueError),
        ({"style_layers": []}, "style_layers", ValueError),
        ({"style_layers": {"relu1_1": 0, "relu2_1": 0}}, "style_layers", ValueError),
        ({"content_weight": -1}, "content_weight", ValueError),
        ({"pooling": "mean"}, "pooling", ValueError),
        ({"padding": "same"}, "padding", ValueError),
        ({"variation": "cubes"}, "variation", ValueError),
        ({"statistic": "gramm"}, "statistic", ValueError),
        ({"strength": 1.5}, "strength", ValueError),
        ({"strength": 0.5, "content_weight": 1}, "strength", ValueError),
        ({"strength": 0.5, "style_weight": 1}, "strength", ValueError),
        ({"color": "both"}, "color", ValueError),
        ({"color": "content", "match_colors": True}, "match_colors", ValueError),
        ({"match_colors": "yes"}, "match_colors", TypeError),
        ({"optimizer": "adam"}, "optimizer", TypeError),
    ],
)
def test_bad_options_are_refused_before_weights_are_loaded(
    options: dict[str, Any], named: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = "neural_style.transfer.style_transfer.resolve_weights"
    monkeypatch.setattr(loads, lambda *_, **__: pytest.fail("weights were loaded first"))
    with pytest.raises(error, match=rf"^{named} must "):
        transfer(**options)


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
        transfer().run(**{**given, argument: value})
    assert steps == []
