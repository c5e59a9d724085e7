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
from neural_style.images.color import COLORS
from neural_style.images.io import save_image
from neural_style.losses.other_statistics import STATISTICS
from neural_style.losses.variation import VARIATIONS
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.weights import CONVENTIONS, NAMED_SOURCES
from neural_style.optimizers.adam import Adam
from neural_style.optimizers.base import Optimizer
from neural_style.optimizers.lbfgs import LBFGS
from neural_style.quilting import synthesize, transfer_texture
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import DEFAULT_SIZE
from neural_style.transfer.presets import PRESETS
from neural_style.transfer.reconstruction import (
    RECONSTRUCTED_ITERATIONS,
    RECONSTRUCTION,
    TEXTURE,
    TEXTURE_ITERATIONS,
)
from neural_style.transfer.starts import INITS

OPTIMIZERS: Mapping[str, Callable[[], Optimizer]] = {"lbfgs": LBFGS, "adam": Adam}

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
        add_options(_command(commands, name, text))
    options, unknown = parser.parse_known_args(argv)
    if unknown:
        commands.choices[options.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _add_stylize(parser: argparse.ArgumentParser) -> None:
    parser.epilog = FROM_PRESET
    _add_paths(parser, "content", "the photograph")
    text = "the painting; or several, whose styles are mixed; a folder is one style of all its pictures"
    _add_paths(parser, "style", text, nargs="+")
    _add_output(parser, "CONTENT-STYLE.png, here")
    _add_style_options(parser)
    text = (
        "a grey mask of CONTENT for each STYLE, white where it applies; with --style-maps, one map in colours"
    )
    _add_paths(parser, "--regions", text, nargs="+", metavar="MASK", default=[])
    text = "a map in colours for each STYLE: its part of a colour goes where --regions has that colour"
    _add_paths(parser, "--style-maps", text, nargs="+", metavar="MAP", default=[])
    _add_picture_options(parser)
    _add_transfer_options(parser)
    text = "under torchrun: how long a rank waits for another before the job ends"
    _add(parser, "--rank-timeout", "SECONDS", text, type=values.seconds, default="1800")


def _add_texture(parser: argparse.ArgumentParser) -> None:
    parser.epilog = FROM_PRESET
    _add_paths(parser, "style", "a picture, or several; a folder is one of all", nargs="+")
    _add_output(parser, "STYLE-texture.png, here")
    _add_style_options(parser)
    _add_sides(parser)
    _add_iterations(parser, TEXTURE_ITERATIONS)
    _add_quality_and_seed(parser)
    _add_transfer_options(parser, content=False)
    parser.set_defaults(init="colored-noise", levels=None, **TEXTURE)


def _add_reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.epilog = FROM_PRESET
    _add_paths(parser, "content", "the picture")
    parser.add_argument("layer", metavar="LAYER", help="such as relu4_2")
    _add_output(parser, "CONTENT-LAYER.png, here")
    _add_size(parser, 256, "'original' for the picture's")
    _add_iterations(parser, RECONSTRUCTED_ITERATIONS)
    _add_quality_and_seed(parser)
    _add_transfer_options(parser, style=False)
    parser.set_defaults(init="noise", **RECONSTRUCTION)


def _add_quilt(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(metavar="KIND", required=True, dest="kind")
    texture = _command(kinds, "texture", "make more of a picture, of any size")
    _add_paths(texture, "picture", "the texture")
    _add_output(texture, "PICTURE-quilt.png, here")
    _add_sides(texture)
    transfer = _command(kinds, "transfer", "show a picture in the texture of another")
    _add_paths(transfer, "source", "the painting, whose texture it takes")
    _add_paths(transfer, "target", "the photograph, which the result shows")
    _add_output(transfer, "TARGET-SOURCE-quilt.png, here")
    _add_size(transfer, _default_of(transfer_texture, "size"), "'original' for the target's")
    text, default = "how often it is quilted, of ever smaller blocks", _default_of(transfer_texture, "passes")
    _add(transfer, "--passes", "N", text, type=values.count, default=default)
    for kind, function, share in ((texture, synthesize, "sixth"), (transfer, transfer_texture, "third")):
        text, default = "side of a block in pixels", _default_of(function, "block_size")
        _add(kind, "--block-size", "N", text, type=values.count, default=default)
        text = f"of neighbouring blocks in pixels (default: a {share} of a block)"
        _add(kind, "--overlap", "N", text, type=values.count)
        _add_choice(kind, "--device", (AUTO, *available_devices()), default=AUTO)
        _add_quality_and_seed(kind)


def _add_learn(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "--weights FILTERS takes them; they bring the settings of --preset self-taught along."
    _add_paths(parser, "painting", "a picture, or a folder of them", nargs="+")
    text = "file to write, .pth or .safetensors"
    parser.add_argument("-o", "--output", metavar="FILTERS", type=Path, required=True, help=text)
    _add_size(parser, 512, "'original' for a painting's; none is enlarged")
    _add_seed(parser, "same seed, same filters")


def _add_batch(parser: argparse.ArgumentParser) -> None:
    columns = ", ".join(PICTURE_OPTIONS)
    parser.epilog = (
        f"A row may have its own {columns}, in columns of these names; an empty cell takes the command line's "
        "value, and without one the preset's. What is done is recorded in JOBS.done, for jobs.csv in "
        "jobs.csv.done, so that the same command goes on with the rest. Under torchrun the processes share it."
    )
    text = "a CSV file: a header, then a row for each picture, with the columns content, style and output"
    _add_paths(parser, "jobs", text)
    _add_picture_options(parser)
    _add_transfer_options(parser)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    _add_output(parser, "demo.png, and its sheet demo-sheet.png")
    _add_size(parser, 384, "'original' for the photograph's")
    _add_seed(parser)


# Groups of options ---------------------------------------------------------------------------------------


def _add_style_options(parser: argparse.ArgumentParser) -> None:
    text = "one for each STYLE: larger takes more of it"
    _add(parser, "--style-weights", "X,...", text, type=values.numbers)
    text = "one for each STYLE, of its strokes: 2 is twice as bold"
    _add(parser, "--style-scales", "X,...", text, type=values.numbers)


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add `PICTURE_OPTIONS` and ``--quiet``."""
    _add_size(parser, _default_of(StyleTransfer.run, "size"), "'original' for the photograph's")
    text = "a rough picture of at most 256 pixels within seconds, to choose settings by"
    parser.add_argument("--preview", action="store_true", help=text)
    _add_iterations(parser)
    _add(parser, "--levels", "N", "how many sizes, each half the next", type=values.levels)
    text = "or several, as content=0.7,noise=0.3; or a picture to start from"
    _add_choice(parser, "--init", INITS, also=text, type=values.init)
    _add_quality_and_seed(parser)


def _add_transfer_options(parser: argparse.ArgumentParser, *, content: bool = True, style: bool = True) -> None:
    """Add the options of the network and the loss, which may lack a content or a style."""
    add, choose = partial(_add, parser), partial(_add_choice, parser)
    choose("--preset", PRESETS, default=_default_of(StyleTransfer, "preset"))
    text = "or a file, such as neural-style learn writes; torchvision's are downloaded once, 548 MB"
    choose("--weights", NAMED_SOURCES, also=text, default=_default_of(StyleTransfer, "weights"))
    choose("--convention", CONVENTIONS, also="the input that a weight file was made for")
    add("--variation-weight", "X", "larger is smoother", type=float)
    choose("--variation", VARIATIONS, also="how roughness is measured")
    if style:
        add("--style-layers", "NAME[=X],...", "such as relu1_1, or relu3_1=0.5,relu4_1=0.5", type=values.layers)
        choose("--statistic", STATISTICS, also="of the features, which is the style")
    if content and style:
        text = "such as relu4_2, or relu3_2=0.5,relu4_2=0.5"
        add("--content-layers", "NAME[=X],...", text, type=values.layers)
        add("--content-weight", "X", "larger keeps more of the photograph", type=float)
        add("--style-weight", "X", "larger takes more of the painting", type=float)
        text = "0 is the photograph, 1 leaves it out of the loss; in place of weights"
        add("--strength", "X", text, type=float)
        choose("--color", COLORS, also="whose colours the picture has")
        text = "give the photograph the painting's colours first"
        parser.add_argument("--match-colors", action=argparse.BooleanOptionalAction, help=text)
    choose("--pooling", POOLINGS)
    choose("--padding", PADDINGS)
    choose("--optimizer", OPTIMIZERS, default=next(iter(OPTIMIZERS)))
    choose("--device", (AUTO, *available_devices()), default=AUTO)
    choose("--precision", PRECISIONS, default=AUTO)
    choose("--compile", COMPILES, also="whether CUDA graphs are recorded", default=AUTO)
    text = "longest side in pixels of the tiles that a picture is evaluated in; auto: what fits; none: whole"
    add("--tile-size", "N", text, type=values.tile_size, default=AUTO)


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    """Return the parser of a command, whose help says what it is for."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=f"{text.capitalize()}.")
    return parser


# Single options ------------------------------------------------------------------------------------------


def _add(parser: argparse.ArgumentParser, name: str, metavar: str, text: str, **options: Any) -> None:
    """Add an option whose help ends with its default, if it has one."""
    text += " (default: %(default)s)" if options.get("default") is not None else ""
    parser.add_argument(name, metavar=metavar, help=text, **options)


def _add_choice(
    parser: argparse.ArgumentParser, name: str, choices: Iterable[str], *, also: str = "", **options: Any
) -> None:
    """Add an option whose choices the library checks, and the help lists."""
    text = "; ".join(filter(None, (", ".join(choices), also)))
    _add(parser, name, name.lstrip("-").upper(), text, **options)


def _add_paths(parser: argparse.ArgumentParser, name: str, text: str, **options: Any) -> None:
    parser.add_argument(name, help=text, type=Path, **{"metavar": name.upper(), **options})


def _add_output(parser: argparse.ArgumentParser, shown: str) -> None:
    text = f"picture to write; one that is there is replaced (default: {shown}, with a number if that is taken)"
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, help=text)


def _add_sides(parser: argparse.ArgumentParser) -> None:
    text = "side of a square in pixels, or WIDTHxHEIGHT"
    _add(parser, "--size", "N", text, type=values.sides, default=str(DEFAULT_SIZE))


def _add_size(parser: argparse.ArgumentParser, default: int, or_else: str) -> None:
    _add(parser, "--size", "N", f"longer side in pixels, or {or_else}", type=values.size, default=default)


def _add_iterations(parser: argparse.ArgumentParser, default: int | None = None) -> None:
    text = "of each level; or one number a level, coarse to fine"
    _add(parser, "--iterations", "N[,N...]", text, type=values.iterations, default=default)


def _add_quality_and_seed(parser: argparse.ArgumentParser) -> None:
    default = _default_of(save_image, "quality")
    _add(parser, "--quality", "N", "of JPEG and WebP, 1 to 100", type=values.quality, default=default)
    _add_seed(parser)


def _add_seed(parser: argparse.ArgumentParser, text: str = "same seed, same picture") -> None:
    """Add ``--seed`` and ``--quiet``."""
    _add(parser, "--seed", "N", text, type=values.seed, default=_default_of(StyleTransfer.run, "seed"))
    parser.add_argument("--quiet", action="store_true", help="write nothing but errors")


def _default_of(function: Callable[..., object], argument: str) -> Any:
    return inspect.signature(function).parameters[argument].default


# The commands by name: what each is for, and what adds its options to a parser.
_COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "stylize": ("make a picture of a photograph and a painting", _add_stylize),
    "batch": ("make every picture of a list, by one process or by many", _add_batch),
    "texture": ("make a texture of a picture, of any size, from noise", _add_texture),
    "reconstruct": ("make a picture of what a layer keeps of another, from noise", _add_reconstruct),
    "quilt": ("make a texture, or show a picture in one, of a picture's blocks: image quilting", _add_quilt),
    "learn": ("learn filters from paintings alone, for --weights", _add_learn),
    "demo": ("make a picture of two bundled ones, and a sheet that shows all three", _add_demo),
}
