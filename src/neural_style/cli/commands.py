"""The command line.

Input is checked before the run. An error is one line and exit status 2; Ctrl-C keeps the picture so far, exit
status 130, and in a single process so does SIGTERM, 143. Only a file that the command line names is replaced.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.cli.arguments import parse
from neural_style.cli.batch import run_batch
from neural_style.cli.console import (
    ERRORS,
    ProgressBar,
    flush,
    in_a_line,
    note_enlarged,
    pixels,
    say,
    say_estimate,
    tell,
    warnings_as_notes,
)
from neural_style.cli.demo import bundled_pictures, sheet
from neural_style.cli.from_options import enough, pictures_in, styles_from_options, transfer_from_options
from neural_style.cli.interrupts import INTERRUPTED, ending_as_interrupts, ignore_further
from neural_style.cli.output_files import check_not_among, save_picture
from neural_style.cli.quilting import run_quilt
from neural_style.device.memory import ran_out
from neural_style.device.ranks import Process, Ranks, ending_together, joined, place, preparing, rank_device
from neural_style.images.io import check_writable, to_image_tensor
from neural_style.images.resizing import fit_within, resize, size_of
from neural_style.network.source import learn_weights
from neural_style.network.vgg19 import check_layers
from neural_style.optimizers.base import RunInterrupted
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import previewed
from neural_style.transfer.starts import check_init, is_picture
from neural_style.transfer.styles import Style


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        with ending_as_interrupts(alone=os.environ.get("WORLD_SIZE", "1") == "1") as status:
            return status(_run(argv))
    finally:
        flush(sys.stdout)  # which the help and the version are still in


def _run(argv: Sequence[str] | None) -> int:
    """Run a command and return its exit status, that of Ctrl-C after any interrupt."""
    try:
        options = parse(argv)
        with warnings_as_notes(quiet=options.quiet or place().rank > 0):
            return COMMANDS[options.command](options)
    except KeyboardInterrupt:
        say("interrupted before there was a picture")
        return INTERRUPTED
    except (*ERRORS, RuntimeError) as error:
        if not isinstance(error, ERRORS) and not ran_out(error):  # torch's, on a CPU without memory
            raise
        say(f"error: {in_a_line(error)}")
        return 2


# Commands ------------------------------------------------------------------------------------------------


def _stylize(options: argparse.Namespace) -> int:
    """Make a picture, in one process or together with torchrun's others, of which rank 0 writes it."""
    here = place()
    if here.rank > 0:
        options.quiet = True
    options.device = rank_device(options.device, here, apart=True)
    with joined(here, options.rank_timeout) as ranks:
        with preparing(ranks):
            run, out = _prepared(options, ranks)
        save = _saver(options, out) if here.rank == 0 else lambda _: out
        with ending_together(here):  # rank 0 may still be writing
            return _make(run, save, options, here)


def _prepared(options: argparse.Namespace, ranks: Ranks | None) -> tuple[Callable[..., Tensor], Path]:
    """Return the function that makes the picture, and the file to write, all input checked."""
    out = options.output or Path(f"{options.content.stem}-{options.style[0].stem}.png")
    check_init(options.init)
    inputs = [options.content, Path(options.weights), *options.regions, *options.style_maps]
    inputs += [picture for path in options.style for picture in pictures_in(path)]
    inputs += [Path(str(options.init))] if is_picture(options.init) else []
    check_not_among(options.output, inputs)
    needed = partial(enough, size=options.size, preview=options.preview)
    content = to_image_tensor(options.content, "content", needed)
    styles = _styles(options, regions=options.regions, maps=options.style_maps)
    size = fit_within(size_of(content), options.size)
    check_writable(out, size=size, argument="--output")
    note_enlarged(content, previewed(size) if options.preview else size, quiet=options.quiet)
    transfer = transfer_from_options(options, ranks=ranks)
    schedule = {name: getattr(options, name) for name in ("iterations", "levels", "init", "preview")}
    pictures: dict[str, Any] = {"content": size_of(content), "styles": len(styles)}
    say_estimate(transfer, size, quiet=options.quiet, **pictures, **schedule)
    chosen = {**schedule, "size": options.size, "seed": options.seed}
    picture = options.content if options.regions else content  # masks are of the whole photograph's size
    return partial(transfer.run, picture, styles, **chosen), out


def _styles(options: argparse.Namespace, **places: Sequence[Path]) -> list[Style]:
    return styles_from_options(
        options.style, weights=options.style_weights, scales=options.style_scales, **places
    )


def _texture(options: argparse.Namespace) -> int:
    """Make a texture: a transfer without content."""
    out = options.output or Path(f"{options.style[0].stem}-texture.png")
    inputs = [picture for path in options.style for picture in pictures_in(path)]
    return _from_noise(options, out, inputs, torch.full((3, *options.size), 0.5), None, _styles(options))


def _reconstruct(options: argparse.Namespace) -> int:
    """Make a picture of what a layer keeps: a transfer without style."""
    (layer,) = check_layers("LAYER", [options.layer])
    options.content_layers, options.content_weight = [layer], 1.0
    options.levels = 1 if isinstance(options.iterations, int) else None  # as many as there are numbers
    out = options.output or Path(f"{options.content.stem}-{layer}.png")
    content = to_image_tensor(options.content, "content", partial(enough, size=options.size))
    return _from_noise(options, out, [options.content], content, options.size, content)


def _from_noise(
    options: argparse.Namespace,
    out: Path,
    inputs: Sequence[Path],
    content: Tensor,
    size: int | None,
    style: Tensor | Sequence[Style],
) -> int:
    """Make and save a picture from noise."""
    check_not_among(options.output, [*inputs, Path(options.weights)])
    if place().world > 1:
        advice = "Start it without torchrun."
        raise ValueError(_checks.message(f"the ranks of {options.command}", "be one", place().world, advice))
    result = fit_within(size_of(content), size)
    check_writable(out, size=result, argument="--output")
    transfer = transfer_from_options(options)
    schedule = {"iterations": options.iterations, "levels": options.levels}
    say_estimate(transfer, result, quiet=options.quiet, content=size_of(content), **schedule)
    chosen = {name: getattr(options, name) for name in ("iterations", "levels", "init", "seed")}
    run = partial(transfer.run, content, style, size=size, **chosen)
    return _make(run, _saver(options, out), options)


def _learn(options: argparse.Namespace) -> int:
    """Learn filters from paintings and write them."""
    began, out = time.monotonic(), options.output
    paths = [picture for path in options.painting for picture in pictures_in(path)]
    check_not_among(out, paths)
    _checks.file_to_write("--output", out)
    pictures = []
    for number, path in enumerate(paths, 1):
        name = "painting" if len(paths) == 1 else f"painting {number}"
        picture = to_image_tensor(path, name, partial(enough, size=options.size))
        size = fit_within(size_of(picture), options.size)
        pictures.append(resize(picture, size) if max(size) < max(picture.shape) else picture)
    learn_weights(pictures, seed=options.seed).save(out)
    count = "1 picture" if len(paths) == 1 else f"{len(paths)} pictures"
    tell(f"{out}: filters of {count} in {time.monotonic() - began:.1f} s", quiet=options.quiet)
    return 0


def _demo(options: argparse.Namespace) -> int:
    """Make a picture of the two bundled ones, and the sheet that shows all three."""
    out = check_writable(options.output or Path("demo.png"), argument="--output")
    content, style = bundled_pictures()
    transfer, size = StyleTransfer(), fit_within(size_of(content), options.size)
    note_enlarged(content, size, quiet=options.quiet)
    say_estimate(transfer, size, quiet=options.quiet, content=size_of(content))

    sheets: list[Path] = []

    def save(image: Tensor) -> Path:
        written = save_picture(image, out, named=options.output is not None)
        beside = written.with_stem(f"{written.stem}-sheet")
        sheets.append(save_picture(sheet([content, style, image]), beside, named=False))
        return written

    status = _make(partial(transfer.run, content, style, size=options.size, seed=options.seed), save, options)
    for path in sheets:
        tell(f"{path}: the photograph, the painting and the result", quiet=options.quiet)
    return status


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "stylize": _stylize,
    "batch": run_batch,
    "texture": _texture,
    "reconstruct": _reconstruct,
    "quilt": run_quilt,
    "learn": _learn,
    "demo": _demo,
}


# Parts of them -------------------------------------------------------------------------------------------


def _saver(options: argparse.Namespace, out: Path) -> Callable[[Tensor], Path]:
    """Return what writes a picture; see `save_picture`."""
    return partial(save_picture, path=out, named=options.output is not None, quality=options.quality)


def _make(
    run: Callable[..., Tensor],
    save: Callable[[Tensor], Path],
    options: argparse.Namespace,
    here: Process = Process(),  # noqa: B008  # frozen
) -> int:
    """Run with a progress bar and save the picture, or after an interrupt the picture so far."""
    began = time.monotonic()
    try:
        with ProgressBar(quiet=options.quiet) as bar:
            image = run(callback=bar.show)
    except RunInterrupted as interrupt:
        ignore_further()  # torchrun interrupts once more
        say(f"interrupted; the picture so far is in {save(interrupt.image)}", quiet=here.rank > 0)
        return INTERRUPTED
    if here.world == 1:
        ignore_further()  # while the finished picture is written
    text = f"{save(image)}: {pixels(image.shape[-2:])} pixels in {time.monotonic() - began:.1f} s"
    tell(text, quiet=options.quiet)
    return 0
