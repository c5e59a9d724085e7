"""Checks of arguments, which raise a TypeError or a ValueError, and the wording of their messages."""

import difflib
import math
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from torch import Tensor


def message(argument: str, rule: str, got: object, advice: str = "") -> str:
    """Return the text of an error: what the rule is, what was given, and what to do, if that helps.

    >>> message("size", "be at least 16", 3)
    'size must be at least 16; got 3.'
    """
    return f"{argument} must {rule}; got {got}. {advice}".rstrip()


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing at the caller's line outside this package, so that callers can filter by module."""
    level, frame = 2, sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def choice(argument: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`."""
    names = list(choices)
    if isinstance(value, str) and value in names:
        return value
    listed = ", ".join(repr(name) for name in names)
    raise ValueError(message(argument, f"be one of {listed}", repr(value), did_you_mean(value, names)))


def did_you_mean(value: object, names: Iterable[str]) -> str:
    """Return a sentence that suggests the nearest of `names`, or an empty one if none is near."""
    near = difflib.get_close_matches(str(value), list(names), n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def whole_number(argument: str, value: object, *, minimum: int, maximum: int | None = None) -> int:
    """Return `value` if it is an integer from `minimum` to `maximum`. NumPy's integers count, bools do not."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(message(argument, "be a whole number", f"{value!r} of type {type(value).__name__}"))
    whole = int(value)
    if whole < minimum:
        raise ValueError(message(argument, f"be at least {minimum}", whole))
    if maximum is not None and whole > maximum:
        raise ValueError(message(argument, f"be at most {maximum}", whole))
    return whole


def number(argument: str, value: object, *, maximum: float = math.inf, advice: str = "") -> float:
    """Return `value` as a float if it is a finite number from 0 to `maximum`.

    NumPy's numbers count, bools do not.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(message(argument, "be a number", f"{value!r} of type {type(value).__name__}"))
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not 0 <= real <= maximum or math.isinf(real):  # which NaN fails too
        rule = "be a finite number of at least 0" if math.isinf(maximum) else f"lie in [0, {maximum:g}]"
        raise ValueError(message(argument, rule, value, advice))
    return real


def weights(argument: str, values: Mapping[str, float] | Sequence[float]) -> None:
    """Check that weights, by name or in order, are finite, not negative, and not all 0."""
    items = dict(values.items() if isinstance(values, Mapping) else enumerate(values))
    for name, value in items.items():
        number(f"{argument}[{name!r}]", value)
    if not any(items.values()):
        raise ValueError(message(argument, "have weights that sum to more than 0", values))


def flag(argument: str, value: object) -> bool:
    """Return `value` if it is True or False. NumPy's count; texts do not, for "no" would count as True."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(message(argument, "be True or False", repr(value)))
    return bool(value)


def seed(value: object) -> int:
    """Return a seed for torch's generators, from 0 to 2⁶³ − 1."""
    return whole_number("seed", value, minimum=0, maximum=2**63 - 1)


def file_to_read(argument: str, path: Path) -> Path:
    """Return a path if it leads to a file.

    Raises:
        FileNotFoundError, IsADirectoryError: if there is none, or it is a folder.
    """
    name = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message(argument, "be a file", f"{name}, a folder", "Name a file in it."))
    if not path.exists():
        raise FileNotFoundError(message(argument, "be a file that exists", name, path_advice(path)))
    return path


def file_to_write(argument: str, path: Path) -> Path:
    """Return `path` if a file can be made there, or raise an OSError. Call it before a long run, not after."""
    got = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message(argument, "name a file", f"{got}, a folder"))
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(message(argument, "lie in a folder that exists", got))
    try:
        # Permissions do not suffice: a disk may be read-only or full.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        rule, got = "lie in a folder that can be written to", f"{got} ({error.strerror})"
        raise PermissionError(message(argument, rule, got)) from error
    return path


def path_advice(path: object) -> str:
    """Return what to do about a path that leads to no file.

    >>> path_advice("https://example.org/photo.jpg")
    'Nothing is downloaded: save it as a file, and name that.'
    """
    text = str(path)
    if re.match(r"[a-z][a-z0-9+.-]+:/|data:", text, re.IGNORECASE):  # a Path makes one slash of two
        return "Nothing is downloaded: save it as a file, and name that."
    if text == "-":
        return "Standard input and output are not used: name a file."
    return "A ~ has to be written out: Path.expanduser does it." if text.startswith("~") else "Check the path."


def path_like(argument: str, path: object, rule: str = "be a path") -> Path:
    """Return `path` as a `Path` if it is a `str` or path.

    Raises:
        TypeError: if it is of another type.
    """
    if isinstance(path, str | os.PathLike):
        return Path(path)
    advice = "Give a str or a pathlib.Path."
    if isinstance(path, bytes) or hasattr(path, "read"):
        advice = "PIL.Image.open reads open files, and bytes in an io.BytesIO."
    elif isinstance(path, Iterator):
        advice = "Give one of them; where several are taken, make a list: list(...)."
    elif isinstance(path, Iterable):
        advice = "Give one of them."
    raise TypeError(message(argument, rule, type(path).__name__, advice))


def image_tensor(argument: str, image: object, *, batch: bool = False) -> None:
    """Check that an image is a float tensor (1, 3, H, W), or (B, 3, H, W), without reading its values."""
    if not isinstance(image, Tensor) or not image.is_floating_point():
        got = f"a tensor of {image.dtype}" if isinstance(image, Tensor) else type(image).__name__
        advice = "Read files with load_image; divide 8-bit values by 255."
        raise TypeError(message(argument, "be a tensor of floats", got, advice))
    if image.ndim != 4 or image.shape[1] != 3 or (len(image) != 1 and not batch):
        rule, advice = f"have shape ({'B' if batch else 1}, 3, H, W)", "unsqueeze(0) adds the first dimension."
        raise ValueError(message(argument, rule, tuple(image.shape), advice))


def image_values(argument: str, image: Tensor) -> None:
    """Check that every value of a float tensor is in [0, 1]. It reads the tensor: call it once."""
    if image.numel() == 0:
        raise ValueError(message(argument, "hold at least one pixel", tuple(image.shape)))
    # NaN passes through, and no mask of the picture's size is made.
    low, high = (value.item() for value in image.aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(message(f"{argument} values", "be finite", "NaN or infinity"))
    if low < 0 or high > 1:
        got = f"a minimum of {round(low, 4)}" if low < 0 else f"a maximum of {round(high, 4)}"
        advice = "Undo the normalisation first." if low < 0 else "Divide an 8-bit image by 255 first."
        raise ValueError(message(f"{argument} values", "lie in [0, 1]", got, advice))
