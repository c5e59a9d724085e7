"""A frame, and none."""

from __future__ import annotations

import pytest
import torch

from drawn import grain
from neural_style import metrics


def test_a_frame_shows_in_the_border() -> None:
    plain = grain(0.02, 5)
    assert metrics.border_ratio(plain) == pytest.approx(1, abs=0.05)
    framed = plain.clone()
    framed[..., :, :2] += 0.2
    assert metrics.border_ratio(framed) > 1.25


def test_the_ratio_of_a_parabola_is_that_of_sums_of_its_steps() -> None:
    parabola = (torch.arange(80.0) / 80).square()  # steps are proportional to 2 x + 1
    ratio = metrics.border_ratio(parabola.double().expand(1, 3, 64, 80))

    def total(count: int) -> float:
        """Return Σ (2 x + 1)² over x < count."""
        return count * (4 * count**2 - 1) / 3

    inside, everywhere = 31 * (total(63) - total(16)), 63 * total(79)  # rows times columns 16 … 62, and 0 … 78
    expected = (everywhere - inside) / (63 * 79 - 31 * 47) / (inside / (31 * 47))
    assert ratio == pytest.approx(expected, rel=1e-5)


def test_a_picture_smaller_than_two_margins_is_refused_by_its_size() -> None:
    with pytest.raises(ValueError, match=r"^image must have sides of at least 34 pixels"):
        metrics.border_ratio(grain(0.02, 5)[..., :33])
    metrics.border_ratio(grain(0.02, 5)[..., :34])
