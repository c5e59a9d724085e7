"""A frame, and none."""

from __future__ import annotations

import pytest

from drawn import grain
from neural_style import metrics


def test_a_frame_shows_in_the_border() -> None:
    plain = grain(0.02, 5)
    assert metrics.border_ratio(plain) == pytest.approx(1, abs=0.05)
    framed = plain.clone()
    framed[..., :, :2] += 0.2
    assert metrics.border_ratio(framed) > 1.25
