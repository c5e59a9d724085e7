"""What can be typed after ``neural-style``. Choices and defaults come from the tables that decide."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from neural_style.device.hardware import PRECISIONS, available_devices
from neural_style.evaluation.cuda_graph import COMPILES
from neural_style.images.color import COLORS
from neural_style.images.io import save_image
from neural_style.losses.statistics import STATISTICS
from neural_style.losses.variation import VARIATIONS
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.weights import CONVENTIONS, NAMED_SOURCES, learn_weights
from neural_style.optimizers import LBFGS, Adam, Optimizer, TorchLBFGS
from neural_style.transfer import StyleTransfer
from neural_style.transfer.presets import PRESETS
from neural_style.transfer.reconstruction import (
    RECONSTRUCTED_ITERATIONS,
    RECONSTRUCTED_LEVELS,
    RECONSTRUCTION,
    TEXTURE,
    TEXTURE_ITERATIONS,
)
from neural_style.transfer.starts import INITS

AUTO = "auto"
OPTIMIZERS: Mapping[str, Callable[[], Optimizer]] = {
    "lbfgs": LBFGS,
    "torch-lbfgs": TorchLBFGS,
    "adam": Adam,
}


# Options of a picture that has a content and a style.
BOTH = ("content_layers", "style_weight", "strength", "color")


class _Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}. See: {self.prog} --help")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of a command line; ``command`` names what to do.

    Raises:
        ValueError: if the line breaks a rule of its own; what the library checks is left to it.
    """
    parser, commands = _parser()
    options, unknown = parser.parse_known_args(argv)
    if unknown:
        command = commands.choices[options.command]
        name, known = unknown[0].partition("=")[0], set(re.findall("--[a-z-]+", command.format_usage()))
        near = get_close_matches(name, known, 1, 0.75)
        advice = f"Did you mean {near[0]}? " if near else ""
        if name in known:
            advice = f"Write {name} after {options.command}. "
        raise ValueError(f"unrecognized arguments: {' '.join(unknown)}. {advice}See: {command.prog} --help")
    return options


def read_option(name: str, text: str) -> Any:
    """Return the value that a text spells of one of `PICTURE_OPTIONS`.

    Raises:
        ValueError: if it spells none.
    """
    try:
        return PICTURE_OPTIONS[name](text)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"{name} {error}. See: neural-style batch --help") from None


def _parser() -> tuple[argparse.ArgumentParser, Any]:
    """Return the parser, and argparse's action of its commands."""
    version = importlib.metadata.version("neural-style-gatys")
    parser = _Parser(prog="neural-style", description="A photograph's content in a painting's style.")
    parser.add_argument("--version", action="version", version=f"neural-style {version}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    text = "make a picture of a photograph and a painting"
    _fill_stylize(commands.add_parser("stylize", help=text, description=f"{text[0].upper()}{text[1:]}."))
    text = "make every picture of a list, by one process or by many; a restart goes on"
    _fill_batch(commands.add_parser("batch", help=text, description=f"{text[0].upper()}{text[1:]}."))
    text = "make a texture of a picture, of any size, from noise"
    _fill_texture(commands.add_parser("texture", help=text, description=f"{text[0].upper()}{text[1:]}."))
    text = "make a picture of what one layer keeps of another, from noise"
    _fill_reconstruct(
        commands.add_parser("reconstruct", help=text, description=f"{text[0].upper()}{text[1:]}.")
    )
    text = "learn filters from paintings alone, for --weights"
    _fill_learn(commands.add_parser("learn", help=text, description=f"{text[0].upper()}{text[1:]}."))
    text = "make a picture of two bundled ones, and a sheet that shows all three"
    _fill_demo(commands.add_parser("demo", help=text, description=f"{text[0].upper()}{text[1:]}."))
    return parser, commands


def _fill_stylize(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "What is left out is the preset's."
    add = parser.add_argument
    add("content", metavar="CONTENT", type=Path, help="the photograph")
    text = "the painting; or several, whose styles are mixed; a folder is one style of all its pictures"
    add("style", metavar="STYLE", type=Path, nargs="+", help=text)
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: CONTENT-STYLE.png, here)")
    _add_style_options(parser)
    _add_picture_options(parser)
    _add_transfer_options(parser)
    text = "under torchrun: how long a rank waits for another before the job ends"
    add("--rank-timeout", type=_seconds, metavar="SECONDS", default=1800.0, help=f"{text} (default: 1800)")
    parser.set_defaults(command="stylize")


def _add_style_options(parser: argparse.ArgumentParser, *, placed: bool = True) -> None:
    """Add what is said of each style, and where it goes."""
    add = parser.add_argument
    add("--style-weights", type=_numbers, metavar="X,...", help="one for each STYLE: larger takes more of it")
    text = "one for each STYLE, of its strokes: 2 is twice as bold"
    add("--style-scales", type=_numbers, metavar="X,...", help=text)
    if placed:
        text = (
            "where in CONTENT: a grey mask for each STYLE, white where it applies; or with --style-maps one map"
        )
        add("--regions", type=Path, nargs="+", metavar="MASK", default=[], help=f"{text} in colours")
        text = "a map in colours for each STYLE: what has a colour there goes where --regions has it"
        add("--style-maps", type=Path, nargs="+", metavar="MAP", default=[], help=text)


def _fill_texture(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "What is left out is the preset's."
    add = parser.add_argument
    add("style", metavar="STYLE", type=Path, nargs="+", help="a picture, or several; a folder is one of all")
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: STYLE-texture.png, here)")
    _add_style_options(parser, placed=False)
    text = "side of a square in pixels, or WIDTHxHEIGHT"
    add("--size", type=_sides, metavar="N", default=(512, 512), help=f"{text} (default: 512)")
    _add_from_noise(parser, TEXTURE_ITERATIONS)
    _add_transfer_options(parser, content=False)
    parser.set_defaults(command="texture", init="colored-noise", levels=None)
    parser.set_defaults(**dict.fromkeys(BOTH), **TEXTURE)


def _fill_reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "What is left out is the preset's."
    add = parser.add_argument
    add("content", metavar="CONTENT", type=Path, help="the picture")
    add("layer", metavar="LAYER", help="such as relu4_2")
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: CONTENT-LAYER.png, here)")
    text = "longer side in pixels, or 'original' for the picture's (default: 256)"
    add("--size", type=_size, metavar="N", default=256, help=text)
    _add_from_noise(parser, RECONSTRUCTED_ITERATIONS)
    _add_transfer_options(parser, style=False)
    parser.set_defaults(command="reconstruct", init="noise", levels=RECONSTRUCTED_LEVELS)
    parser.set_defaults(**{**dict.fromkeys((*BOTH, "style_layers", "statistic")), **RECONSTRUCTION})


def _fill_learn(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "--weights FILTERS takes them; they bring the settings of --preset self-taught along."
    add = parser.add_argument
    add("painting", metavar="PAINTING", type=Path, nargs="+", help="a picture, or a folder of them")
    text = "file to write, .pth or .safetensors"
    add("-o", "--output", metavar="FILTERS", type=Path, required=True, help=text)
    text = "longer side in pixels, at most, that a painting is learned at, or 'original' for its own"
    add("--size", type=_size, metavar="N", default=512, help=f"{text} (default: 512)")
    seed = _default_of(learn_weights, "seed")
    text = f"same seed, same filters (default: {seed})"
    add("--seed", type=_seed, metavar="N", default=seed, help=text)
    add("--quiet", action="store_true", help="say nothing but errors")
    parser.set_defaults(command="learn")


def _add_from_noise(parser: argparse.ArgumentParser, iterations: int) -> None:
    """Add the options of pictures that are made from noise."""
    add = parser.add_argument
    text = f"of each level, or one number for every level (default: {iterations})"
    add("--iterations", type=_counts, metavar="N[,N...]", default=iterations, help=text)
    seed, quality = _default_of(StyleTransfer.run, "seed"), _default_of(save_image, "quality")
    text = f"same seed, same picture (default: {seed})"
    add("--seed", type=_seed, metavar="N", default=seed, help=text)
    add("--quality", type=_quality, metavar="N", default=quality, help=f"of JPEG and WebP (default: {quality})")
    add("--quiet", action="store_true", help="say nothing but errors")


def _fill_batch(parser: argparse.ArgumentParser) -> None:
    columns = ", ".join(PICTURE_OPTIONS)
    parser.epilog = (
        f"A row may have its own {columns}, in columns of these names; an empty cell takes what the command "
        "line says, and what that leaves out is the preset's. What is done is recorded in JOBS.done, for "
        "jobs.csv in jobs.csv.done, so that the same command goes on with the rest. torchrun shares it out."
    )
    text = "a CSV file: a header, then a row for each picture, with the columns content, style and output"
    parser.add_argument("jobs", metavar="JOBS", type=Path, help=text)
    _add_picture_options(parser)
    _add_transfer_options(parser)
    parser.set_defaults(command="batch")


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add what each picture may have of its own, `PICTURE_OPTIONS`, and ``--quiet``."""
    add = parser.add_argument
    _add_common(parser, size=_default_of(StyleTransfer.run, "size"))
    text = "a rough picture of at most 256 pixels within seconds, to choose settings by"
    add("--preview", action="store_true", help=text)
    add("--iterations", type=_counts, metavar="N[,N...]", help="of each level, or one number for every level")
    add("--levels", type=int, metavar="N", help="how many sizes, each half the next")
    text = "or several, as content=0.7,noise=0.3; or a picture to start from"
    _add_choice(parser, "--init", INITS, also=text, type=_init)
    quality, text = _default_of(save_image, "quality"), "of JPEG and WebP, 1 to 100"
    add("--quality", type=_quality, metavar="N", default=quality, help=f"{text} (default: {quality})")


def _add_transfer_options(parser: argparse.ArgumentParser, *, content: bool = True, style: bool = True) -> None:
    """Add what decides the network and the loss, as far as that has a content and a style."""
    add, choose = parser.add_argument, partial(_add_choice, parser)
    choose("--preset", PRESETS, default=_default_of(StyleTransfer, "preset"))
    text = "or a file, such as neural-style learn writes; torchvision's are downloaded once, 548 MB"
    choose("--weights", NAMED_SOURCES, also=text, default=_default_of(StyleTransfer, "weights"))
    choose("--convention", CONVENTIONS, also="the input that a weight file was made for")
    add("--variation-weight", type=float, metavar="X", help="larger is smoother")
    choose("--variation", VARIATIONS, also="what roughness is")
    named: dict[str, Any] = {"type": _layers, "metavar": "NAME[=X],..."}
    if style:
        add("--style-layers", help="such as relu1_1, or relu3_1=0.5,relu4_1=0.5", **named)
        text = f"{', '.join(STATISTICS)}; or several, with weights"
        add("--statistic", type=_statistic, metavar="NAME[=X],...", help=text)
    if content and style:
        add("--content-layers", help="such as relu4_2, or relu3_2=0.5,relu4_2=0.5", **named)
        add("--content-weight", type=float, metavar="X", help="larger keeps more of the photograph")
        add("--style-weight", type=float, metavar="X", help="larger takes more of the painting")
        text = "0 is the photograph, 1 only the style; in place of weights"
        add("--strength", type=float, metavar="X", help=text)
        choose("--color", COLORS, also="whose colours the picture has")
        text = "give the photograph the painting's colours first"
        add("--match-colors", action=argparse.BooleanOptionalAction, help=text)
    choose("--pooling", POOLINGS)
    choose("--padding", PADDINGS)
    choose("--optimizer", OPTIMIZERS, default=next(iter(OPTIMIZERS)))
    choose("--device", (AUTO, *available_devices()), default=AUTO)
    choose("--precision", PRECISIONS, default=AUTO)
    choose("--compile", COMPILES, also="whether CUDA graphs are recorded", default=AUTO)
    text = (
        "longest side of the tiles that a picture is evaluated in, in pixels; auto: as the free memory allows"
    )
    add(
        "--tile-size",
        type=_tile_size,
        metavar="N",
        default=AUTO,
        help=f"{text}; none: at once (default: {AUTO})",
    )


def _fill_demo(parser: argparse.ArgumentParser) -> None:
    text = "picture to write; the sheet is OUT-sheet (default: demo.png)"
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, default=Path("demo.png"), help=text)
    _add_common(parser, size=384)
    parser.set_defaults(command="demo")


def _add_common(parser: argparse.ArgumentParser, size: int) -> None:
    text = f"longer side in pixels, or 'original' for the photograph's (default: {size})"
    parser.add_argument("--size", type=_size, metavar="N", default=size, help=text)
    seed = _default_of(StyleTransfer.run, "seed")
    text = f"same seed, same picture (default: {seed})"
    parser.add_argument("--seed", type=_seed, metavar="N", default=seed, help=text)
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _add_choice(
    parser: argparse.ArgumentParser, name: str, choices: Iterable[str], *, also: str = "", **options: Any
) -> None:
    """Add an option that the library checks; its choices and default are shown as the tables have them."""
    default = f" (default: {options['default']})" if "default" in options else ""
    text = f"{', '.join(choices)}{also and f'; {also}'}{default}"
    parser.add_argument(name, metavar=name.lstrip("-").upper(), help=text, **options)


def _default_of(function: Callable[..., object], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


def _whole(text: str, rule: str, minimum: int, maximum: float = math.inf) -> int:
    """Return the number that a text spells, or leave argparse an error in the house's form."""
    with contextlib.suppress(ValueError):
        if minimum <= int(text) <= maximum:
            return int(text)
    raise argparse.ArgumentTypeError(f"must be {rule}; got {text!r}")


def _size(text: str) -> int | None:
    return None if text == "original" else _whole(text, "a whole number of at least 1 or 'original'", 1)


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number of more than 0; got {text!r}")


def _tile_size(text: str) -> int | str | None:
    if text in (AUTO, "none"):
        return AUTO if text == AUTO else None
    return _whole(text, "a whole number of at least 16, 'auto' or 'none'", 16)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers with commas between; got {text!r}") from None


def _sides(text: str) -> tuple[int, int]:
    """Return (height, width)."""
    rule = "a whole number of at least 1, or WIDTHxHEIGHT"
    with contextlib.suppress(argparse.ArgumentTypeError):
        sides = [_whole(part, rule, 1) for part in text.lower().split("x")]
        if len(sides) <= 2:
            return sides[-1], sides[0]
    raise argparse.ArgumentTypeError(f"must be {rule}; got {text!r}")


def _seed(text: str) -> int:
    return _whole(text, "a whole number from 0 to 2^63 - 1", 0, 2**63 - 1)


def _quality(text: str) -> int:
    return _whole(text, "a whole number from 1 to 100", 1, 100)


def _counts(text: str) -> int | list[int]:
    rule = "a whole number of at least 1, or several with commas between"
    counts = [_whole(part, rule, 1) for part in text.split(",")]
    return counts[0] if len(counts) == 1 else counts


def _layers(text: str) -> list[str] | dict[str, float]:
    """Return names, or weights by name where any has one; a name without one then weighs 1."""
    pairs = [part.strip().partition("=") for part in text.split(",")]
    try:
        weights = {name: float(weight) if equals else 1.0 for name, equals, weight in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be NAME or NAME=NUMBER; got {text!r}") from None
    return weights if any(equals for _, equals, _ in pairs) else list(weights)


def _statistic(text: str) -> str | dict[str, float]:
    """Return a name, or weights by name."""
    named = _layers(text)
    if isinstance(named, dict):
        return named
    return named[0] if len(named) == 1 else dict.fromkeys(named, 1.0)


def _init(text: str) -> str | dict[str, float]:
    """Return a name or a path; or weights by name, where all of it is such."""
    parts = [part.strip().partition("=") for part in text.split(",")]
    unknown = [name for name, _, _ in parts if name not in INITS]
    if not all(equals for _, equals, _ in parts) or len(unknown) == len(parts):
        return text
    if unknown:
        rule = f"must have weights of {', '.join(INITS)}"
        raise argparse.ArgumentTypeError(f"{rule}; got {text!r}")
    weights = _layers(text)
    assert isinstance(weights, dict)  # every part has its number
    if not (min(weights.values()) >= 0 and 0 < sum(weights.values()) < math.inf):
        rule = "must have weights of at least 0 that sum to more than 0"
        raise argparse.ArgumentTypeError(f"{rule}; got {text!r}")
    return weights


def _levels(text: str) -> int:
    return _whole(text, "a whole number of at least 1", 1)


def _yes(text: str) -> bool:
    answers = {"yes": True, "true": True, "no": False, "false": False}  # true and false are spreadsheets'
    if text.lower() not in answers:
        raise argparse.ArgumentTypeError(f"must be yes or no; got {text!r}")
    return answers[text.lower()]


# What each picture of a list may have of its own, and how its text is read.
PICTURE_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "size": _size,
    "iterations": _counts,
    "levels": _levels,
    "init": _init,
    "seed": _seed,
    "preview": _yes,
    "quality": _quality,
}
