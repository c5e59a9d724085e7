"""The values of options, from text. Each function is a type for argparse."""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from neural_style.transfer.starts import INITS

AUTO = "auto"


def _whole(text: str, rule: str, minimum: int, maximum: float = math.inf) -> int:
    """Return a whole number, or raise argparse's error with the rule."""
    with suppress(ValueError):
        if minimum <= int(text) <= maximum:
            return int(text)
    raise ArgumentTypeError(f"must be {rule}; got {text!r}")


seed = partial(_whole, rule="a whole number from 0 to 2^63 - 1", minimum=0, maximum=2**63 - 1)
quality = partial(_whole, rule="a whole number from 1 to 100", minimum=1, maximum=100)
levels = count = partial(_whole, rule="a whole number of at least 1", minimum=1)


def size(text: str) -> int | None:
    """Return a side in pixels; None for ``original``."""
    return None if text == "original" else _whole(text, "a whole number of at least 1 or 'original'", 1)


def sides(text: str) -> tuple[int, int]:
    """Return (height, width) from the side of a square or WIDTHxHEIGHT."""
    rule = "a whole number of at least 1, or WIDTHxHEIGHT"
    width, cross, height = text.lower().partition("x")
    return _whole(height if cross else width, rule, 1), _whole(width, rule, 1)


def tile_size(text: str) -> int | str | None:
    """Return a side in pixels, ``auto``, or None for ``none``."""
    if text in (AUTO, "none"):
        return AUTO if text == AUTO else None
    return _whole(text, "a whole number of at least 16, 'auto' or 'none'", 16)


def seconds(text: str) -> float:
    """Return a positive number."""
    with suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise ArgumentTypeError(f"must be a number of more than 0; got {text!r}")


def numbers(text: str) -> list[float]:
    """Return several numbers."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"must be numbers with commas between; got {text!r}") from None


def iterations(text: str) -> int | list[int]:
    """Return one count, or one for each level."""
    rule = "a whole number of at least 1, or several with commas between"
    counts = [_whole(part, rule, 1) for part in text.split(",")]
    return counts[0] if len(counts) == 1 else counts


def layers(text: str) -> list[str] | dict[str, float]:
    """Return names; or weights by name where any has one, and a name without one weighs 1."""
    pairs = [part.strip().partition("=") for part in text.split(",")]
    try:
        weights = {name: float(weight) if equals else 1.0 for name, equals, weight in pairs}
    except ValueError:
        raise ArgumentTypeError(f"must be NAME or NAME=NUMBER; got {text!r}") from None
    return weights if any(equals for _, equals, _ in pairs) else list(weights)


def init(text: str) -> str | dict[str, float]:
    """Return a name or a path; or weights by name, where a start is named with one."""
    named = {name.strip() for name, equals, _ in (part.partition("=") for part in text.split(",")) if equals}
    weights = layers(text) if named & set(INITS) else text
    return weights if isinstance(weights, dict) else text


def yes(text: str) -> bool:
    """Return whether a text says yes; true and false are what spreadsheets write."""
    answers = {"yes": True, "true": True, "no": False, "false": False}
    if text.lower() not in answers:
        raise ArgumentTypeError(f"must be yes or no; got {text!r}")
    return answers[text.lower()]


# The options that every picture of a list may have for itself, and how their text is read.
PICTURE_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "size": size,
    "iterations": iterations,
    "levels": levels,
    "init": init,
    "seed": seed,
    "preview": yes,
    "quality": quality,
}


def read_option(name: str, text: str) -> Any:
    """Return the value of one of `PICTURE_OPTIONS` from text."""
    try:
        return PICTURE_OPTIONS[name](text)
    except ArgumentTypeError as error:
        raise ValueError(f"{name} {error}. See: neural-style batch --help") from None
