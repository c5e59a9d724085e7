"""Argument checks and the wording of their messages, the same everywhere.

A message is ``{argument} must {rule}; got {value}. {what to do}``.
"""

from __future__ import annotations

import difflib
import math
import sys
import tempfile
import warnings
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from torch import Tensor


def message(argument: str, rule: str, got: object, advice: str) -> str:
    """Return the text of an error in the house's form."""
    return f"{argument} must {rule}; got {got}. {advice}"


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing at the line outside this package that led here, so that callers can filter by module."""
    level, frame = 2, sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


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
    """Return `value` where it is an integer, NumPy's too, of at least `minimum` and at most `maximum`.

    Raises:
        TypeError: if it is no integer; a bool is none.
        ValueError: if it is smaller than `minimum` or larger than `maximum`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        got = f"{value!r} of type {type(value).__name__}"
        raise TypeError(message(argument, "be a whole number", got, f"Give an int of at least {minimum}."))
    whole = int(value)
    if whole < minimum:
        raise ValueError(message(argument, f"be at least {minimum}", whole, f"Give {minimum} or more."))
    if maximum is not None and whole > maximum:
        raise ValueError(message(argument, f"be at most {maximum}", whole, f"Give {maximum} or less."))
    return whole


def number(
    argument: str,
    value: object,
    *,
    minimum: float = 0.0,
    maximum: float = math.inf,
    advice: str = "Give such a number.",
) -> float:
    """Return `value` as a float where it is a number, NumPy's too, finite and from `minimum` to `maximum`.

    Raises:
        TypeError: if it is no real number; a bool is none.
        ValueError: if it is NaN, infinite, smaller than `minimum` or larger than `maximum`.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        got = f"{value!r} of type {type(value).__name__}"
        raise TypeError(message(argument, "be a number", got, "Give an int or a float."))
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not minimum <= real <= maximum or math.isinf(real):  # which NaN fails too
        rule = f"lie in [{minimum:g}, {maximum:g}]"
        if math.isinf(maximum):
            rule = f"be a finite number of at least {minimum:g}"
        raise ValueError(message(argument, rule, value, advice))
    return real


def flag(argument: str, value: object) -> bool:
    """Return `value` where it is True or False, NumPy's too.

    Raises:
        TypeError: if it is neither: any text, ``"no"`` too, would count as True.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(message(argument, "be True or False", repr(value), "Give one of them."))
    return bool(value)


def seed(value: object) -> int:
    """Return a seed that torch's generators take, 0 … 2⁶³ − 1."""
    return whole_number("seed", value, minimum=0, maximum=2**63 - 1)


def file_to_write(argument: str, path: Path) -> Path:
    """Return `path` where a file can be made there: to be asked before a long run, not after.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: if its folder does not exist, it is a folder, or
            no file can be made in its folder.
    """
    got = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message(argument, "name a file", f"{got}, a folder", "Add a file name."))
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(message(argument, "lie in a folder that exists", got, "Make the folder first."))
    try:
        tempfile.TemporaryFile(dir=folder).close()  # permissions do not tell: a disk may be read-only or full
    except OSError as error:
        rule, got = "lie in a folder that can be written to", f"{got} ({error.strerror})"
        raise PermissionError(message(argument, rule, got, "Choose another folder.")) from error
    return path


def image_values(argument: str, image: Tensor) -> None:
    """Check that every value of a float tensor is a number in [0, 1]. It reads the tensor: call it once.

    Raises:
        ValueError: if a value is NaN, infinite or outside [0, 1].
    """
    if image.numel() == 0:
        raise ValueError(
            message(argument, "hold at least one pixel", tuple(image.shape), "Give a larger picture.")
        )
    low, high = (value.item() for value in image.aminmax())  # which NaN passes through: no mask as large
    if not (math.isfinite(low) and math.isfinite(high)):
        rule, advice = "be finite", "Replace the NaN or infinite values first."
        raise ValueError(message(f"{argument} values", rule, "NaN or infinity", advice))
    if low < 0 or high > 1:
        got = f"a minimum of {round(low, 4)}" if low < 0 else f"a maximum of {round(high, 4)}"
        advice = "Undo the normalisation first." if low < 0 else "Divide an 8-bit image by 255 first."
        raise ValueError(message(f"{argument} values", "lie in [0, 1]", got, advice))
