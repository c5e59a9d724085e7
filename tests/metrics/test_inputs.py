"""What no measure takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from drawn import strokes
from neural_style import load_image, metrics, save_image

FINE = torch.zeros(1, 3, 64, 64)
OF_ONE: tuple[Callable[[Any], object], ...] = (metrics.noise, metrics.grid_peaks, metrics.border_ratio)
OF_TWO: tuple[Callable[[Any, Any], float], ...] = (
    metrics.cells,
    metrics.color_distance,
    metrics.copy_rate,
    metrics.gradient_similarity,
    metrics.held_out_style_distance,
    metrics.multiscale_similarity,
    metrics.similarity,
    metrics.style_distance,
)


@pytest.mark.parametrize(
    ("image", "error", "rule"),
    [
        ("none.png", FileNotFoundError, "must be a file that exists"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError, "must be a tensor of floats"),
        (torch.zeros(1, 3, 16, 64), ValueError, "must have sides of at least"),
        (torch.full((1, 3, 64, 64), 255.0), ValueError, r"values must lie in \[0, 1\]"),
    ],
    ids=["no file", "bytes", "small", "255"],
)
def test_what_cannot_be_measured_is_refused(image: Any, error: type[Exception], rule: str) -> None:
    for measure in OF_ONE:
        with pytest.raises(error, match=f"^image {rule}"):
            measure(image)
    for compare in OF_TWO:
        with pytest.raises(error, match=f"^image {rule}"):
            compare(image, FINE)
        with pytest.raises(error, match=f"^(content|style) {rule}"):
            compare(FINE, image)


def test_what_a_run_returns_is_measured_and_so_is_a_file(tmp_path: Path) -> None:
    save_image(strokes(8, 0.5, 1), tmp_path / "one.png")
    image, other = load_image(tmp_path / "one.png"), strokes(8, 0.5, 2)
    for measure in OF_ONE:
        assert measure(image) == measure(tmp_path / "one.png")
    for compare in OF_TWO:
        assert compare(image, other) == compare(tmp_path / "one.png", other.double())
