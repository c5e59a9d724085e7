"""The options of every command. Their choices and defaults come from the tables that decide."""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from neural_style.cli import values
from neural_style.cli.values import AUTO, PICTURE_OPTIONS
from neural_style.device.hardware import PRECISIONS, available_devices
from neural_style.evaluation.cuda_graph import COMPILES
from neural_style.images.color import COLORS, MAPS
from neural_style.images.io import save_image
from neural_style.losses.statistics import STATISTICS
from neural_style.losses.variation import VARIATIONS
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.source import learn_weights
from neural_style.network.weights import CONVENTIONS, NAMED_SOURCES
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

OPTIMIZERS: Mapping[str, Callable[[], Optimizer]] = {
    "lbfgs": LBFGS,
    "torch-lbfgs": TorchLBFGS,
    "adam": Adam,
}


# The options that need both a content and a style.
BOTH = ("content_layers", "style_weight", "strength", "color", "color_map")
FROM_PRESET = "Options that are not given take the preset's values."


class _Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose errors are one line, as all others are."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}. See: {self.prog} --help")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of a command line; ``command`` is the command's name.

    Raises:
        ValueError: if the line cannot be read; what the library checks is left to it.
    """
    version = importlib.metadata.version("neural-style-gatys")
    parser = _Parser(prog="neural-style", description="A photograph's content in a painting's style.")
    parser.add_argument("--version", action="version", version=f"neural-style {version}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for name, (text, add_options) in _COMMANDS.items():
        add_options(commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}."))
    return parser.parse_args(argv)


def _add_stylize(parser: argparse.ArgumentParser) -> None:
    parser.epilog = FROM_PRESET
    add = parser.add_argument
    add("content", metavar="CONTENT", type=Path, help="the photograph")
    text = "the painting; or several, whose styles are mixed; a folder is one style of all its pictures"
    add("style", metavar="STYLE", type=Path, nargs="+", help=text)
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: CONTENT-STYLE.png, here)")
    _add_style_options(parser)
    _add_picture_options(parser)
    _add_transfer_options(parser)
    text = "under torchrun: how long a rank waits for another before the job ends"
    add(
        "--rank-timeout", type=values.seconds, metavar="SECONDS", default=1800.0, help=f"{text} (default: 1800)"
    )


def _add_style_options(parser: argparse.ArgumentParser, *, placed: bool = True) -> None:
    """Add the options of each style; with `placed` those of its region too."""
    add = parser.add_argument
    add(
        "--style-weights",
        type=values.numbers,
        metavar="X,...",
        help="one for each STYLE: larger takes more of it",
    )
    text = "one for each STYLE, of its strokes: 2 is twice as bold"
    add("--style-scales", type=values.numbers, metavar="X,...", help=text)
    if placed:
        text = (
            "where in CONTENT: a grey mask for each STYLE, white where it applies; or with --style-maps one map"
        )
        add("--regions", type=Path, nargs="+", metavar="MASK", default=[], help=f"{text} in colours")
        text = "a map in colours for each STYLE: what has a colour there goes where --regions has it"
        add("--style-maps", type=Path, nargs="+", metavar="MAP", default=[], help=text)


def _add_texture(parser: argparse.ArgumentParser) -> None:
    parser.epilog = FROM_PRESET
    add = parser.add_argument
    add("style", metavar="STYLE", type=Path, nargs="+", help="a picture, or several; a folder is one of all")
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: STYLE-texture.png, here)")
    _add_style_options(parser, placed=False)
    text = "side of a square in pixels, or WIDTHxHEIGHT"
    add("--size", type=values.sides, metavar="N", default=(512, 512), help=f"{text} (default: 512)")
    _add_from_noise(parser, TEXTURE_ITERATIONS)
    _add_transfer_options(parser, content=False)
    parser.set_defaults(init="colored-noise", levels=None)
    parser.set_defaults(**dict.fromkeys(BOTH), **TEXTURE)


def _add_reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.epilog = FROM_PRESET
    add = parser.add_argument
    add("content", metavar="CONTENT", type=Path, help="the picture")
    add("layer", metavar="LAYER", help="such as relu4_2")
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: CONTENT-LAYER.png, here)")
    _add_size(parser, 256, "picture")
    _add_from_noise(parser, RECONSTRUCTED_ITERATIONS)
    _add_transfer_options(parser, style=False)
    parser.set_defaults(init="noise", levels=RECONSTRUCTED_LEVELS)
    parser.set_defaults(**{**dict.fromkeys((*BOTH, "style_layers", "statistic")), **RECONSTRUCTION})


def _add_learn(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "--weights FILTERS takes them; they bring the settings of --preset self-taught along."
    add = parser.add_argument
    add("painting", metavar="PAINTING", type=Path, nargs="+", help="a picture, or a folder of them")
    text = "file to write, .pth or .safetensors"
    add("-o", "--output", metavar="FILTERS", type=Path, required=True, help=text)
    text = "longer side in pixels, at most, that a painting is learned at, or 'original' for its own"
    add("--size", type=values.size, metavar="N", default=512, help=f"{text} (default: 512)")
    _add_seed(parser, learn_weights, "filters")


def _add_from_noise(parser: argparse.ArgumentParser, iterations: int) -> None:
    """Add the options of pictures that are made from noise."""
    text = f"of each level, or one number for every level (default: {iterations})"
    parser.add_argument(
        "--iterations", type=values.iterations, metavar="N[,N...]", default=iterations, help=text
    )
    _add_quality(parser)
    _add_seed(parser)


def _add_batch(parser: argparse.ArgumentParser) -> None:
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


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add `PICTURE_OPTIONS` and ``--quiet``."""
    add = parser.add_argument
    _add_size(parser, _default_of(StyleTransfer.run, "size"), "photograph")
    _add_seed(parser)
    text = "a rough picture of at most 256 pixels within seconds, to choose settings by"
    add("--preview", action="store_true", help=text)
    add(
        "--iterations",
        type=values.iterations,
        metavar="N[,N...]",
        help="of each level, or one number for every level",
    )
    add("--levels", type=values.levels, metavar="N", help="how many sizes, each half the next")
    text = "or several, as content=0.7,noise=0.3; or a picture to start from"
    _add_choice(parser, "--init", INITS, also=text, type=values.init)
    _add_quality(parser)


def _add_transfer_options(parser: argparse.ArgumentParser, *, content: bool = True, style: bool = True) -> None:
    """Add the options of the network and the loss, which may lack a content or a style."""
    add, choose = parser.add_argument, partial(_add_choice, parser)
    choose("--preset", PRESETS, default=_default_of(StyleTransfer, "preset"))
    text = "or a file, such as neural-style learn writes; torchvision's are downloaded once, 548 MB"
    choose("--weights", NAMED_SOURCES, also=text, default=_default_of(StyleTransfer, "weights"))
    choose("--convention", CONVENTIONS, also="the input that a weight file was made for")
    add("--variation-weight", type=float, metavar="X", help="larger is smoother")
    choose("--variation", VARIATIONS, also="what roughness is")
    named: dict[str, Any] = {"type": values.layers, "metavar": "NAME[=X],..."}
    if style:
        add("--style-layers", help="such as relu1_1, or relu3_1=0.5,relu4_1=0.5", **named)
        text = f"{', '.join(STATISTICS)}; or several, with weights"
        add("--statistic", type=values.statistic, metavar="NAME[=X],...", help=text)
    if content and style:
        add("--content-layers", help="such as relu4_2, or relu3_2=0.5,relu4_2=0.5", **named)
        add("--content-weight", type=float, metavar="X", help="larger keeps more of the photograph")
        add("--style-weight", type=float, metavar="X", help="larger takes more of the painting")
        text = "0 is the photograph, 1 only the style; in place of weights"
        add("--strength", type=float, metavar="X", help=text)
        choose("--color", COLORS, also="whose colours the picture has")
        choose("--color-map", MAPS, also="how --color match gives the style the photograph's")
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
    text += f"; none: at once (default: {AUTO})"
    add("--tile-size", type=values.tile_size, metavar="N", default=AUTO, help=text)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    text = "picture to write; the sheet is OUT-sheet (default: demo.png)"
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, default=Path("demo.png"), help=text)
    _add_size(parser, 384, "photograph")
    _add_seed(parser)


def _add_size(parser: argparse.ArgumentParser, default: int, of: str) -> None:
    text = f"longer side in pixels, or 'original' for the {of}'s (default: {default})"
    parser.add_argument("--size", type=values.size, metavar="N", default=default, help=text)


def _add_quality(parser: argparse.ArgumentParser) -> None:
    default = _default_of(save_image, "quality")
    text = f"of JPEG and WebP, 1 to 100 (default: {default})"
    parser.add_argument("--quality", type=values.quality, metavar="N", default=default, help=text)


def _add_seed(
    parser: argparse.ArgumentParser,
    function: Callable[..., object] = StyleTransfer.run,
    result: str = "picture",
) -> None:
    """Add ``--seed`` and ``--quiet``."""
    default = _default_of(function, "seed")
    text = f"same seed, same {result} (default: {default})"
    parser.add_argument("--seed", type=values.seed, metavar="N", default=default, help=text)
    parser.add_argument("--quiet", action="store_true", help="write nothing but errors")


def _add_choice(
    parser: argparse.ArgumentParser, name: str, choices: Iterable[str], *, also: str = "", **options: Any
) -> None:
    """Add an option whose choices the library checks. The help shows its choices and its default."""
    default = f" (default: {options['default']})" if "default" in options else ""
    text = f"{', '.join(choices)}{f'; {also}' if also else ''}{default}"
    parser.add_argument(name, metavar=name.lstrip("-").upper(), help=text, **options)


def _default_of(function: Callable[..., object], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


# The commands by name: what each is for, and what adds its options to a parser.
_COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "stylize": ("make a picture of a photograph and a painting", _add_stylize),
    "batch": ("make every picture of a list, by one process or by many; a restart goes on", _add_batch),
    "texture": ("make a texture of a picture, of any size, from noise", _add_texture),
    "reconstruct": ("make a picture of what one layer keeps of another, from noise", _add_reconstruct),
    "learn": ("learn filters from paintings alone, for --weights", _add_learn),
    "demo": ("make a picture of two bundled ones, and a sheet that shows all three", _add_demo),
}
