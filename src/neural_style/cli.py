"""``neural-style``: people at the door. Arguments, progress and messages; no mathematics.

What can be wrong with what was typed is found out before the run. An error is one line and exit status 2;
Ctrl-C keeps the picture so far, exit status 130.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import inspect
import io
import math
import shutil
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn, TextIO
from urllib.request import Request, urlopen

import torch
from torch import Tensor
from torchvision.models import VGG19_Weights

from neural_style import _checks
from neural_style.demo import bundled_pictures, sheet
from neural_style.descent import Callback, Progress, RunInterrupted
from neural_style.features import PADDINGS, POOLINGS
from neural_style.hardware import PRECISIONS, available_devices
from neural_style.image_io import check_writable, fit_within, save_image, to_image_tensor
from neural_style.optimizers import LBFGS, Adam, Optimizer
from neural_style.presets import INITS, PRESETS
from neural_style.transfer import StyleTransfer
from neural_style.weights import CONVENTIONS, NAMED_SOURCES, WIDTHS, WeightsUnavailableError

AUTO = "auto"
OPTIMIZERS: Mapping[str, Callable[[], Optimizer]] = {"lbfgs": LBFGS, "adam": Adam}
ERRORS = (
    *(ValueError, TypeError, OSError, ImportError, MemoryError, FloatingPointError),
    *(WeightsUnavailableError, torch.OutOfMemoryError),
)
SERVER_SECONDS = 10.0  # a server that stays silent so long counts as unreachable
REDRAW_SECONDS = 0.1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        options = _parser().parse_args(argv)
        return int(options.command(options))
    except KeyboardInterrupt:
        _tell("interrupted; nothing was written")
        return 130
    except ERRORS as error:
        _tell(f"error: {' '.join(str(error).split()) or type(error).__name__}")
        return 2


# Arguments -----------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}. See: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    version = importlib.metadata.version("neural-style")
    parser = _Parser(prog="neural-style", description="A photograph's content in a painting's style.")
    parser.add_argument("--version", action="version", version=f"neural-style {version}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    text = "make a picture of a photograph and a painting"
    _fill_stylize(commands.add_parser("stylize", help=text, description=f"{text[0].upper()}{text[1:]}."))
    text = "make a picture of two bundled ones, and a sheet that shows all three; no network needed"
    _fill_demo(commands.add_parser("demo", help=text, description=f"{text[0].upper()}{text[1:]}."))
    return parser


def _fill_stylize(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "What is left out is the preset's."
    add, choose = parser.add_argument, partial(_add_choice, parser)
    add("content", metavar="CONTENT", type=Path, help="the photograph")
    add("style", metavar="STYLE", type=Path, help="the painting")
    add("-o", "--output", metavar="OUT", type=Path, help="picture to write (default: CONTENT-STYLE.png, here)")
    _add_common(parser, size=_default_of(StyleTransfer.run, "size"))
    add("--iterations", type=_counts, metavar="N[,N...]", help="of the finest level, or of every level")
    add("--levels", type=int, metavar="N", help="how many sizes, each half the next")
    choose("--preset", PRESETS, default=_default_of(StyleTransfer, "preset"))
    text = f"or a file; or {AUTO}: ImageNet's where they can be had, else self-taught"
    choose("--weights", NAMED_SOURCES, also=text, default=AUTO)
    choose("--convention", CONVENTIONS, also="the input that a weight file was made for")
    widths = [f"{width:g}" for width in WIDTHS]
    choose("--width", widths, also="share of the network's channels; below 1, it is self-taught", type=float)
    add("--content-weight", type=float, metavar="X", help="larger keeps more of the photograph")
    add("--style-weight", type=float, metavar="X", help="larger takes more of the painting")
    add("--variation-weight", type=float, metavar="X", help="larger is smoother")
    for name in ("--content-layers", "--style-layers"):
        add(name, type=_layers, metavar="NAME[=X],...", help="such as relu4_2, or relu3_1=0.5,relu4_1=0.5")
    choose("--pooling", POOLINGS)
    choose("--padding", PADDINGS)
    choose("--optimizer", OPTIMIZERS, default=next(iter(OPTIMIZERS)))
    choose("--init", INITS, also="or a picture to start from")
    choose("--device", (AUTO, *available_devices()), default=AUTO)
    choose("--precision", PRECISIONS, default=AUTO)
    quality, text = _default_of(save_image, "quality"), "of JPEG and WebP, 1 to 100"
    add("--quality", type=_quality, metavar="N", default=quality, help=f"{text} (default: {quality})")
    add("--save-weights", metavar="FILE", type=Path, help="keep the self-taught filters, for --weights FILE")
    parser.set_defaults(command=_stylize)


def _fill_demo(parser: argparse.ArgumentParser) -> None:
    text = "picture to write; the sheet is OUT-sheet (default: demo.png)"
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, default=Path("demo.png"), help=text)
    _add_common(parser, size=256)
    parser.set_defaults(command=_demo)


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


# Commands ------------------------------------------------------------------------------------------------


def _stylize(options: argparse.Namespace) -> int:
    out = options.output or Path(f"{options.content.stem}-{options.style.stem}.png")
    pictures = {"content": options.content, "style": options.style}
    if options.init not in (None, *INITS):
        pictures["init"] = Path(options.init)
    inputs = [*pictures.values(), Path(options.weights)]
    _check_not_among("--output", out, inputs)
    with _warnings_told(quiet=options.quiet):
        given = {name: to_image_tensor(path, name) for name, path in pictures.items()}
    own = (given["content"].shape[-2], given["content"].shape[-1])
    size = own if options.size is None else fit_within(own, options.size)
    check_writable(out, size=size)
    if options.save_weights is not None:
        _check_weights_file(options, [*inputs, out])
    transfer = _transfer(options)
    chosen = {name: getattr(options, name) for name in ("size", "iterations", "levels", "init", "seed")}
    save = partial(save_image, path=out, quality=options.quality)
    status = _make(partial(transfer.run, **{**chosen, **given}), save, out, quiet=options.quiet)
    if status == 0 and options.save_weights is not None:
        transfer.learn(given["style"], size=max(size), seed=options.seed).save(options.save_weights)
    return status


def _demo(options: argparse.Namespace) -> int:
    out = options.output
    sheet_path = out.with_name(f"{out.stem}-sheet{out.suffix}")
    for path in (out, sheet_path):
        check_writable(path)
    content, style = bundled_pictures()

    def save(image: Tensor) -> None:
        save_image(image, out)
        save_image(sheet([content, style, image]), sheet_path)

    transfer = StyleTransfer(weights="self-taught")
    run = partial(transfer.run, content, style, size=options.size, seed=options.seed)
    return _make(run, save, out, quiet=options.quiet)


def _make(run: Callable[..., Tensor], save: Callable[[Tensor], None], out: Path, *, quiet: bool) -> int:
    """Run with progress, save the picture, or on Ctrl-C the picture so far, and say so."""
    began = time.monotonic()
    try:
        with _ProgressBar(sys.stderr, quiet=quiet) as bar:
            callback: Callback = bar.show
            image = run(callback=callback)
    except RunInterrupted as interrupt:
        save(interrupt.image)
        _tell(f"interrupted; the picture so far is in {out}")
        return 130
    save(image)
    if not quiet:
        print(f"{out}: {_pixels(image.shape[-2:])} pixels in {time.monotonic() - began:.1f} s")
    return 0


def _check_not_among(argument: str, path: Path, others: Sequence[Path]) -> None:
    """Check that a file to be written is none of the others."""
    for other in others:
        if path.resolve() == other.resolve() or (path.exists() and other.exists() and path.samefile(other)):
            advice = "Give it a name of its own."
            raise ValueError(_checks.message(argument, "leave the other files alone", f"'{path}'", advice))


def _check_weights_file(options: argparse.Namespace, others: Sequence[Path]) -> None:
    """Check, before the run, that there will be filters to save and that they can be."""
    path, argument = options.save_weights, "--save-weights"
    if options.weights not in (AUTO, "self-taught"):
        rule, got = "come with self-taught filters", f"--weights {options.weights}"
        raise ValueError(_checks.message(argument, rule, got, "Leave one of them out."))
    _check_not_among(argument, path, others)
    if path.is_dir() or not path.resolve().parent.is_dir():
        rule, advice = "name a file in a folder that exists", "Make the folder first."
        raise OSError(_checks.message(argument, rule, f"'{path}'", advice))
    if path.suffix == ".safetensors" and importlib.util.find_spec("safetensors") is None:
        rule, advice = "end in .pth where safetensors is not installed", "Choose .pth, or install safetensors."
        raise ImportError(_checks.message(argument, rule, f"'{path}'", advice))


# Weights -------------------------------------------------------------------------------------------------


def _transfer(options: argparse.Namespace) -> StyleTransfer:
    """Return the transfer that was asked for; ``auto`` falls back to self-taught filters, and says so."""
    names = (
        *("preset", "device", "precision", "convention", "content_layers", "style_layers", "content_weight"),
        *("style_weight", "variation_weight", "pooling", "padding"),
    )
    chosen = {name: getattr(options, name) for name in names}
    chosen["width"] = 1.0 if options.width is None else options.width
    chosen["optimizer"] = OPTIMIZERS[_checks.choice("optimizer", options.optimizer, OPTIMIZERS)]()
    if options.weights != AUTO:
        with _downloading(quiet=options.quiet):
            return StyleTransfer(weights=options.weights, **chosen)
    # A narrow network is self-taught, and so are filters to be kept: asking for either decides.
    if chosen["width"] == 1.0 and options.save_weights is None:
        url = VGG19_Weights.IMAGENET1K_V1.url
        cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
        download = not cached.exists() and _answers(url)
        if download:
            text = "note: downloading ImageNet's weights once, 548 MB; --weights self-taught does without"
            _tell(text, quiet=options.quiet)
        if download or cached.exists():
            with contextlib.suppress(WeightsUnavailableError), _downloading(quiet=options.quiet):
                return StyleTransfer(weights="imagenet", **chosen)
        text = f"To have ImageNet's, save {url} as {cached}"
        _tell(f"note: learning the filters from the style picture. {text}", quiet=options.quiet)
    return StyleTransfer(weights="self-taught", **chosen)


def _answers(url: str) -> bool:
    """Return whether a server answers within `SERVER_SECONDS` in all.

    Asked in a thread: a socket's own timeout starts anew for each address of a name, and not for the name.
    """
    answered = threading.Event()

    def ask() -> None:
        with (
            contextlib.suppress(OSError, HTTPException),
            urlopen(Request(url, method="HEAD"), timeout=SERVER_SECONDS),
        ):
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SERVER_SECONDS)
    return answered.is_set()


@contextlib.contextmanager
def _downloading(*, quiet: bool) -> Iterator[None]:
    """Let no download hang for ever, nor talk when it should be quiet."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SERVER_SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
            yield
    finally:
        socket.setdefaulttimeout(before)


# Messages ------------------------------------------------------------------------------------------------


def _tell(text: str, *, quiet: bool = False) -> None:
    if not quiet:
        print(f"neural-style: {text}", file=sys.stderr)


@contextlib.contextmanager
def _warnings_told(*, quiet: bool) -> Iterator[None]:
    """Turn warnings into plain lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        _tell(f"note: {warning.message}", quiet=quiet)


def _pixels(size: Sequence[int]) -> str:
    """Return (height, width) as people write it, the width first."""
    return f"{size[1]}×{size[0]}"


class _ProgressBar:
    """Shows a run's progress: a line that redraws itself on a terminal, elsewhere one line a level."""

    def __init__(self, stream: TextIO, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream, self.quiet, self.clock = stream, quiet, clock
        self.terminal = stream.isatty() and not quiet
        self.began: tuple[float, float] | None = None  # when the first evaluation was done, and its share
        self.drawn_at, self.drawn = -math.inf, 0
        self.level = 0

    def __enter__(self) -> _ProgressBar:
        if self.terminal:
            self._draw("preparing the network")
        return self

    def __exit__(self, *exception: object) -> None:
        if self.terminal:
            self._draw("")

    def show(self, progress: Progress) -> None:
        """Tell what there is to tell after an evaluation; the loss is read only where it is shown."""
        if self.quiet:
            return
        now = self.clock()
        began, share = self.began = self.began or (now, progress.fraction)
        left = ""
        if progress.fraction > share:
            rate = (now - began) / (progress.fraction - share)
            minutes, seconds = divmod(round(rate * (1 - progress.fraction)), 60)
            left = f"{minutes}:{seconds:02} left"
        level = f"level {progress.level}/{progress.levels}"
        if not self.terminal:
            if progress.level > self.level:
                parts = (f"{_pixels(progress.size)} pixels", f"steps: {progress.steps}", left)
                print(f"{level}: {', '.join(part for part in parts if part)}", file=self.stream, flush=True)
            self.level = progress.level
        elif now - self.drawn_at >= REDRAW_SECONDS:
            self.drawn_at = now
            done = round(20 * progress.fraction)
            step, loss = f"step {progress.step}/{progress.steps}", f"loss {progress.loss.item():.4g}"
            bar = f"[{'#' * done}{'-' * (20 - done)}]"
            self._draw("  ".join((bar, level, _pixels(progress.size), step, loss, left)))

    def _draw(self, text: str) -> None:
        """Put a text in the place of the one before, never wider than the terminal."""
        text = text[: shutil.get_terminal_size().columns - 1]
        blank = " " * (self.drawn - len(text))
        self.stream.write(f"\r{text}{blank}" if text else f"\r{blank}\r")
        self.stream.flush()
        self.drawn = len(text)
