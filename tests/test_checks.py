"""The argument checks: what passes, and that errors name the argument."""

from __future__ import annotations

import math
from functools import partial
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
    assert _checks.flag("preview", np.True_) is True
    assert _checks.file_to_write("path", Path("a.png")) == Path("a.png")
    _checks.image_tensor("image", torch.zeros(2, 3, 4, 5), batch=True)


def cases(check: Any, error: type[Exception], *values: object) -> list[tuple[Any, type[Exception], object]]:
    return [(check, error, value) for value in values]


@pytest.mark.parametrize(
    ("check", "error", "value"),
    [
        *cases(partial(_checks.choice, choices=("average", "max")), ValueError, "quilt", None, ["max"]),
        *cases(partial(_checks.whole_number, minimum=0), TypeError, True, 64.0, "64", None),
        *cases(partial(_checks.whole_number, minimum=16, maximum=20), ValueError, 15, 21),
        *cases(_checks.number, TypeError, False, "1", 1j),
        *cases(_checks.number, ValueError, math.nan, math.inf, -math.inf, -1, 10**400),
        *cases(partial(_checks.number, maximum=1.0), ValueError, -0.5, 1.5, math.nan),
        *cases(_checks.flag, TypeError, "no", 1, None),
        *cases(_checks.weights, ValueError, {}, [], [0, 0.0], {"b": 0}),
        *cases(_checks.image_tensor, TypeError, np.zeros((1, 3, 4, 5)), torch.ones(1, 3, 4, 5).int()),
        *cases(_checks.image_tensor, ValueError, torch.zeros(3, 4, 5), torch.zeros(2, 3, 4, 5)),
        *cases(partial(_checks.image_tensor, batch=True), ValueError, torch.zeros(1, 4, 5, 5)),
        *cases(_checks.image_values, ValueError, torch.zeros(1, 3, 0, 4)),
        *cases(_checks.file_to_write, FileNotFoundError, Path("no/a.png")),
        *cases(_checks.file_to_write, IsADirectoryError, Path()),
    ],
)
def test_what_is_invalid_is_refused_by_name(check: Any, error: type[Exception], value: object) -> None:
    with pytest.raises(error, match=r"^a must"):
        check("a", value)


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
def test_one_bad_value_anywhere_in_an_image_is_found(
    place: int, dtype: torch.dtype, device: torch.device
) -> None:
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
