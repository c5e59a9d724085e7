"""The argument checks: what passes, and that errors name the argument."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neural_style import _checks


def test_a_message_is_argument_rule_value_and_advice_if_there_is_any() -> None:
    assert _checks.message("size", "be at least 16", 3) == "size must be at least 16; got 3."
    text = "size must be at least 16; got 3. Take more."
    assert _checks.message("size", "be at least 16", 3, "Take more.") == text


def test_what_is_valid_comes_back() -> None:
    assert _checks.choice("pooling", "max", iter(("average", "max"))) == "max"
    assert _checks.whole_number("size", np.int64(16), minimum=16, maximum=16) == 16
    assert isinstance(_checks.number("weight", 2), float)
    assert _checks.number("shift", -1.5, minimum=-2.0) == -1.5
    assert _checks.flag("preview", np.True_) is True
    assert _checks.file_to_write("path", Path("a.png")) == Path("a.png")
    _checks.weights("weights", {"a": 0, "b": 2.5})
    _checks.weights("weights", [0, 1])
    _checks.image_tensor("image", torch.zeros(1, 3, 4, 5))
    _checks.image_tensor("image", torch.zeros(2, 3, 4, 5), batch=True)


@pytest.mark.parametrize(
    ("check", "value", "error"),
    [
        *((lambda v: _checks.choice("a", v, ("average", "max")), v, ValueError) for v in ("quilt", None, ["max"])),
        *((lambda v: _checks.whole_number("a", v, minimum=0), v, TypeError) for v in (True, 64.0, "64", None)),
        (lambda v: _checks.whole_number("a", v, minimum=16), 15, ValueError),
        (lambda v: _checks.whole_number("a", v, minimum=0, maximum=3), 4, ValueError),
        *((lambda v: _checks.number("a", v), v, TypeError) for v in (False, "1", 1j)),
        *((lambda v: _checks.number("a", v), v, ValueError) for v in (math.nan, math.inf, -math.inf, -1, 10**400)),
        *((lambda v: _checks.number("a", v, maximum=1.0), v, ValueError) for v in (-0.5, 1.5, math.nan)),
        *((lambda v: _checks.flag("a", v), v, TypeError) for v in ("no", 1, None)),
        *((lambda v: _checks.weights("a", v), v, ValueError) for v in ({}, [], [0, 0.0], {"b": 0})),
        *((lambda v: _checks.image_tensor("a", v), v, TypeError) for v in (np.zeros((1, 3, 4, 5)), torch.ones(3).int())),
        *((lambda v: _checks.image_tensor("a", v), torch.zeros(v), ValueError) for v in ((3, 4, 5), (2, 3, 4, 5))),
        (lambda v: _checks.image_tensor("a", v, batch=True), torch.zeros(1, 4, 5, 5), ValueError),
        (lambda v: _checks.file_to_write("a", v), Path("no/a.png"), FileNotFoundError),
        (lambda v: _checks.file_to_write("a", v), Path(), IsADirectoryError),
        (lambda v: _checks.image_values("a", v), torch.zeros(1, 3, 0, 4), ValueError),
    ],
)  # fmt: skip
def test_what_is_invalid_is_refused_by_name(check: Any, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^a must"):
        check(value)


def test_a_weight_that_is_invalid_is_named() -> None:
    for values, name in (({"b": -1}, r"a\['b'\]"), ([1, math.nan], r"a\[1\]")):
        with pytest.raises(ValueError, match=f"^{name} must"):
            _checks.weights("a", values)


def test_the_nearest_choice_is_suggested() -> None:
    with pytest.raises(ValueError, match=r"'average', 'max'; got 'avrage'\. Did you mean 'average'\?$"):
        _checks.choice("pooling", "avrage", ("average", "max"))
    assert _checks.did_you_mean("quilt", ("average", "max")) == ""


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("place", [0, 1, 63, 64, 98])
def test_one_bad_value_anywhere_in_an_image_is_found(place: int, dtype: torch.dtype, device: torch.device) -> None:
    image = torch.linspace(0, 1, 99, dtype=dtype, device=device)
    _checks.image_values("image", image)
    for bad in (math.nan, math.inf, -math.inf, -2.0, 255.0):
        changed = image.clone()
        changed[place] = bad
        with pytest.raises(ValueError, match=r"^image values must"):
            _checks.image_values("image", changed)


def test_a_warning_points_at_the_line_outside_the_package() -> None:
    with pytest.warns(UserWarning, match="careful") as record:
        _checks.warn("careful")
    assert record[0].filename == __file__
