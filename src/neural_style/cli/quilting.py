"""The commands of image quilting: ``quilt texture`` and ``quilt transfer``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from neural_style.cli.console import note_enlarged, pixels, tell
from neural_style.cli.from_options import enough
from neural_style.cli.interrupts import ignore_further
from neural_style.cli.output_files import check_not_among, save_picture
from neural_style.images.io import check_writable, to_image_tensor
from neural_style.images.resizing import fit_within, size_of
from neural_style.quilting import synthesize, transfer_texture

OPTIONS = ("block_size", "overlap", "seed", "device")


def run_quilt(options: argparse.Namespace) -> int:
    """Make a quilt, of the kind that ``options.kind`` names."""
    began = time.monotonic()
    make, out = KINDS[options.kind](options)
    with _bar(quiet=options.quiet) as show:
        image = make(**{name: getattr(options, name) for name in OPTIONS}, callback=show)
    ignore_further()
    out = save_picture(image, out, named=options.output is not None, quality=options.quality)
    text = f"{out}: {pixels(image.shape[-2:])} pixels in {time.monotonic() - began:.1f} s"
    tell(text, quiet=options.quiet)
    return 0


def _texture(options: argparse.Namespace) -> tuple[Callable[..., Tensor], Path]:
    """Return the function that makes a texture, and the file to write."""
    out = options.output or Path(f"{options.picture.stem}-quilt.png")
    check_not_among(options.output, [options.picture])
    check_writable(out, size=options.size, argument="--output")
    return partial(synthesize, options.picture, *options.size), out


def _transfer(options: argparse.Namespace) -> tuple[Callable[..., Tensor], Path]:
    """Return the function that shows a target in a texture, and the file to write."""
    out = options.output or Path(f"{options.target.stem}-{options.source.stem}-quilt.png")
    check_not_among(options.output, [options.source, options.target])
    target = to_image_tensor(options.target, "target", partial(enough, size=options.size))
    size = fit_within(size_of(target), options.size)
    check_writable(out, size=size, argument="--output")
    note_enlarged(target, size, quiet=options.quiet)
    return partial(transfer_texture, options.source, target, size=options.size, passes=options.passes), out


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of the blocks that are laid, unless quiet or where the error stream is no terminal."""
    silent = quiet or sys.stderr is None  # closed before Python began
    with tqdm(disable=True if silent else None, file=sys.stderr, unit="block", leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


KINDS: Mapping[str, Callable[[argparse.Namespace], tuple[Callable[..., Tensor], Path]]] = {
    "texture": _texture,
    "transfer": _transfer,
}
