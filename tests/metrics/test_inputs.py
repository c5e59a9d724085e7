"""What no measure takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from drawn import strokes
from neural_style import metrics

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
        ("a.png", TypeError, "must be a tensor of floats"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError, "must be a tensor of floats"),
        (torch.zeros(3, 64, 64), ValueError, "must have shape"),
        (torch.zeros(1, 3, 16, 64), ValueError, "must have sides of at least 32"),
        (torch.full((1, 3, 64, 64), 255.0), ValueError, r"values must lie in \[0, 1\]"),
        (torch.full((1, 3, 64, 64), torch.nan), ValueError, "values must be finite"),
    ],
    ids=["text", "bytes", "3-d", "small", "255", "nan"],
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


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_measured_in_single(dtype: torch.dtype) -> None:
    image, other = strokes(8, 0.5, 1).to(dtype), strokes(8, 0.5, 2).to(dtype)
    for measure in OF_ONE:
        assert measure(image) == measure(image.float())
    for compare in OF_TWO:
        assert compare(image, other) == pytest.approx(compare(image.float(), other.float()), rel=1e-6)
