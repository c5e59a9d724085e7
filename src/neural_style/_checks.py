"""Argument checks and the wording of their messages, the same everywhere.

A message is ``{argument} must {rule}; got {value}. {what to do}``.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable

import torch
from torch import Tensor


def message(argument: str, rule: str, got: object, advice: str) -> str:
    """Return the text of an error in the house's form."""
    return f"{argument} must {rule}; got {got}. {advice}"


def choice(argument: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` where it is one of `choices`, which the message lists.

    Raises:
        ValueError: if it is none of them.
    """
    names = list(choices)
    if isinstance(value, str) and value in names:
        return value
    listed = ", ".join(repr(name) for name in names)
    raise ValueError(message(argument, f"be one of {listed}", repr(value), did_you_mean(value, names)))


def did_you_mean(value: object, names: Iterable[str]) -> str:
    """Return a sentence that names the nearest of `names`, or asks for one of them."""
    near = difflib.get_close_matches(str(value), list(names), n=1)
    return f"Did you mean {near[0]!r}?" if near else "Choose one of them."


def whole_number(argument: str, value: object, *, minimum: int, maximum: int | None = None) -> int:
    """Return `value` where it is an int of at least `minimum` and at most `maximum` (a bool is no int).

    Raises:
        TypeError: if it is no int.
        ValueError: if it is smaller than `minimum` or larger than `maximum`.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        got = f"{value!r} of type {type(value).__name__}"
        raise TypeError(message(argument, "be a whole number", got, f"Give an int of at least {minimum}."))
    if value < minimum:
        raise ValueError(message(argument, f"be at least {minimum}", value, f"Give {minimum} or more."))
    if maximum is not None and value > maximum:
        raise ValueError(message(argument, f"be at most {maximum}", value, f"Give {maximum} or less."))
    return value


def number(argument: str, value: object, *, minimum: float = 0.0) -> float:
    """Return `value` as a float where it is finite and at least `minimum`.

    Raises:
        TypeError: if it is no int or float.
        ValueError: if it is NaN, infinite or smaller than `minimum`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        got = f"{value!r} of type {type(value).__name__}"
        raise TypeError(message(argument, "be a number", got, "Give an int or a float."))
    if not minimum <= value <= sys.float_info.max:  # which NaN fails too
        rule = f"be a finite number of at least {minimum:g}"
        raise ValueError(message(argument, rule, value, "Give such a number."))
    return float(value)


def image_values(argument: str, image: Tensor) -> None:
    """Check that every value of a float tensor is a number in [0, 1]. It reads the tensor: call it once.

    Raises:
        ValueError: if a value is NaN, infinite or outside [0, 1].
    """
    if image.numel() == 0:
        raise ValueError(
            message(argument, "hold at least one pixel", tuple(image.shape), "Give a larger picture.")
        )
    if not bool(torch.isfinite(image).all()):
        rule, advice = "be finite", "Replace the NaN or infinite values first."
        raise ValueError(message(f"{argument} values", rule, "NaN or infinity", advice))
    low, high = (value.item() for value in image.aminmax())
    if low < 0 or high > 1:
        got = f"a minimum of {round(low, 4)}" if low < 0 else f"a maximum of {round(high, 4)}"
        advice = "Undo the normalisation first." if low < 0 else "Divide an 8-bit image by 255 first."
        raise ValueError(message(f"{argument} values", "lie in [0, 1]", got, advice))
