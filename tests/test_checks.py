"""The argument checks: what passes, and the exact words where something does not."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from neural_style import _checks


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def test_a_message_is_argument_rule_value_and_advice() -> None:
    text = _checks.message("size", "be at least 16", 3, "Give 16 or more.")
    assert text == "size must be at least 16; got 3. Give 16 or more."


def test_a_choice_that_is_listed_comes_back() -> None:
    assert _checks.choice("pooling", "max", ("average", "max")) == "max"


def test_choices_may_come_from_an_iterator() -> None:
    with pytest.raises(ValueError, match="'average', 'max'; got 'maxx'"):
        _checks.choice("pooling", "maxx", iter(("average", "max")))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("avrage", "pooling must be one of 'average', 'max'; got 'avrage'. Did you mean 'average'?"),
        ("quilt", "pooling must be one of 'average', 'max'; got 'quilt'. Choose one of them."),
        (None, "pooling must be one of 'average', 'max'; got None. Choose one of them."),
        (["max"], "pooling must be one of 'average', 'max'; got ['max']. Did you mean 'max'?"),
    ],
)
def test_a_choice_that_is_not_listed_is_refused_with_the_list_and_the_nearest(value: object, text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.choice("pooling", value, ("average", "max"))


@pytest.mark.parametrize("value", [16, 17, 10**6])
def test_a_whole_number_from_the_minimum_on_comes_back(value: int) -> None:
    assert _checks.whole_number("size", value, minimum=16) == value


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (True, "True of type bool"),
        (64.0, "64.0 of type float"),
        ("64", "'64' of type str"),
        (None, "None of type NoneType"),
    ],
)
def test_what_is_no_int_is_refused_as_a_whole_number(value: object, got: str) -> None:
    text = f"size must be a whole number; got {got}. Give an int of at least 0."
    with pytest.raises(TypeError, match=exactly(text)):
        _checks.whole_number("size", value, minimum=0)


def test_a_whole_number_below_the_minimum_is_refused() -> None:
    with pytest.raises(ValueError, match=exactly("size must be at least 16; got 15. Give 16 or more.")):
        _checks.whole_number("size", 15, minimum=16)


@pytest.mark.parametrize("value", [True, False, np.True_])
def test_a_flag_comes_back_as_a_bool(value: object) -> None:
    assert _checks.flag("preview", value) is bool(value)


@pytest.mark.parametrize("value", ["no", 1, None])
def test_what_is_no_flag_is_refused(value: object) -> None:
    text = f"preview must be True or False; got {value!r}. Give one of them."
    with pytest.raises(TypeError, match=exactly(text)):
        _checks.flag("preview", value)


@pytest.mark.parametrize("value", [0, 0.0, 2, 2.5])
def test_a_number_comes_back_as_a_float(value: float) -> None:
    result = _checks.number("content_weight", value)
    assert isinstance(result, float)
    assert result == value


def test_a_number_may_have_another_minimum() -> None:
    assert _checks.number("shift", -1.5, minimum=-2.0) == -1.5


@pytest.mark.parametrize(
    ("value", "got"), [(False, "False of type bool"), ("1", "'1' of type str"), (1j, "1j of type complex")]
)
def test_what_is_no_number_is_refused(value: object, got: str) -> None:
    text = f"content_weight must be a number; got {got}. Give an int or a float."
    with pytest.raises(TypeError, match=exactly(text)):
        _checks.number("content_weight", value)


@pytest.mark.parametrize(
    ("value", "got"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (-1, "-1"), (-0.25, "-0.25")]
)
def test_a_number_that_is_not_finite_or_too_small_is_refused(value: float, got: str) -> None:
    text = f"content_weight must be a finite number of at least 0; got {got}. Give such a number."
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.number("content_weight", value)


def test_the_minimum_of_a_number_is_named() -> None:
    text = "rate must be a finite number of at least 0.5; got 0.25. Give such a number."
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.number("rate", 0.25, minimum=0.5)


@pytest.mark.parametrize("value", [-0.5, 1.5, math.nan, math.inf])
def test_a_number_may_have_a_maximum_and_advice_of_its_own(value: float) -> None:
    text = f"share must lie in [0, 1]; got {value}. Half is 0.5."
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.number("share", value, maximum=1.0, advice="Half is 0.5.")
    assert _checks.number("share", 1, maximum=1.0) == 1


def test_values_from_0_to_1_are_an_image(device: torch.device) -> None:
    _checks.image_values("image", torch.tensor([0.0, 0.5, 1.0]).to(device))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_image_with_a_value_that_is_not_finite_is_refused(bad: float, device: torch.device) -> None:
    text = "image values must be finite; got NaN or infinity. Replace the NaN or infinite values first."
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.image_values("image", torch.tensor([0.5, bad]).to(device))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("place", [0, 1, 63, 64, 98])
def test_one_nan_anywhere_in_an_image_is_found(place: int, dtype: torch.dtype, device: torch.device) -> None:
    image = torch.full((99,), 0.5, dtype=dtype, device=device)
    image[place] = math.nan
    with pytest.raises(ValueError, match="image values must be finite"):
        _checks.image_values("image", image)


def test_an_image_above_1_is_refused(device: torch.device) -> None:
    text = "image values must lie in [0, 1]; got a maximum of 255.0. Divide an 8-bit image by 255 first."
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.image_values("image", torch.tensor([0.0, 255.0]).to(device))


def test_an_image_below_0_is_refused(device: torch.device) -> None:
    text = "image values must lie in [0, 1]; got a minimum of -2.0. Undo the normalisation first."
    with pytest.raises(ValueError, match=exactly(text)):
        _checks.image_values("image", torch.tensor([-2.0, 1.0]).to(device))


def test_an_image_of_no_pixels_is_refused() -> None:
    text = "image must hold at least one pixel; got (1, 3, 0, 4). Give a larger picture."
    with pytest.raises(ValueError, match=re.escape(text)):
        _checks.image_values("image", torch.zeros(1, 3, 0, 4))


def test_a_number_beyond_the_floats_is_refused() -> None:
    with pytest.raises(ValueError, match="a must be a finite number of at least 0; got 1000"):
        _checks.number("a", 10**400)
