"""What the command line writes: what was made, notes, warnings, errors, and the progress bar."""

import math
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TextIO

import torch
from torch import Tensor
from tqdm import tqdm

from neural_style.device.memory import available_memory
from neural_style.images.resizing import size_of
from neural_style.network.weights import WeightsUnavailableError
from neural_style.transfer import StyleTransfer
from neural_style.transfer.callback import Progress

REDRAW_SECONDS = 0.1

# Errors of the input or the machine, which are reported in one line. Any other is a fault of this package.
ERRORS = (
    *(ValueError, TypeError, OSError, ImportError, MemoryError, FloatingPointError),
    *(WeightsUnavailableError, torch.OutOfMemoryError),
)


def tell(text: str, *, quiet: bool = False) -> None:
    """Write a line to the output stream: what was made."""
    if not quiet:
        _write(text, sys.stdout)


def say(text: str, *, quiet: bool = False, rank: str = "") -> None:
    """Write a line to the error stream."""
    if not quiet:
        _write(f"{rank}neural-style: {text}", sys.stderr)


def _write(text: str, stream: TextIO | None) -> None:
    """Write a line, above a bar where there is one. That a stream has been closed, or is full, ends no work.

    Control characters, as file names may have, and what the stream's encoding lacks are written as escapes.
    """
    if stream is None:  # closed before Python began
        return
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    encoding = stream.encoding or "utf-8"
    try:
        tqdm.write(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)
    except (OSError, ValueError):  # a ValueError: it was closed since
        flush(stream)
    flush(stream)


def flush(stream: TextIO | None) -> None:
    """Write out what a stream holds, or let it go where no one takes it: Python's end would fail over it."""
    if stream is not None:
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def in_a_line(error: Exception) -> str:
    """Return an error's message as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def pixels(size: Sequence[int]) -> str:
    """Return (height, width) as WIDTHxHEIGHT."""
    return f"{size[1]}x{size[0]}"


def note_enlarged(content: Tensor, size: tuple[int, int], *, quiet: bool) -> None:
    """Write a note where a result of `size`, (height, width), is larger than the photograph."""
    own = size_of(content)
    if max(size) > max(own):
        text = f"the photograph has {pixels(own)} pixels and is enlarged; --size original keeps its size"
        say(f"note: {text}", quiet=quiet)


def say_estimate(transfer: StyleTransfer, size: tuple[int, int], *, quiet: bool, **schedule: Any) -> None:
    """Write how long a run will take and how much memory, with a note where that may be too much."""
    if quiet:
        return
    estimate = transfer.estimate(size, **schedule)
    say(f"this will take {estimate}")
    free = available_memory(transfer.device)
    if free is not None and estimate.bytes > free:
        advice = "A smaller --size needs less, in proportion to its square."
        say(f"note: only {free / 1e9:.1f} GB of memory are free. {advice}")


@contextmanager
def warnings_as_notes(*, quiet: bool, rank: str = "") -> Iterator[None]:
    """Write warnings as lines while open: a repeated one once."""

    def note(message: Warning | str, *_where: object, **_more: object) -> None:
        say(f"note: {message}", quiet=quiet, rank=rank)

    with warnings.catch_warnings(action="default"):
        warnings.showwarning = note
        yield


class ProgressBar:
    """A bar on the error stream. It shows nothing when quiet, or where the stream is no terminal.

    Args:
        quiet: whether to show nothing.
        title: stands in front, such as which picture of several it is.
    """

    def __init__(self, *, quiet: bool, title: str = "") -> None:
        self.quiet, self.title = quiet, title
        self._bar: tqdm | None = None
        self._drawn_at = -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, progress: Progress) -> None:
        """Show an evaluation. The loss is read only when the bar is drawn, at most ten times a second."""
        if self._bar is None:  # counts time from the first evaluation, without loading the network
            layout = "{percentage:3.0f}%|{bar:20}| {desc}, {remaining} left"
            options: dict[str, Any] = {"total": 1, "initial": progress.fraction, "bar_format": layout}
            options |= {"leave": False, "dynamic_ncols": True, "smoothing": 0}
            options["delay"] = 1e-9  # so that it is drawn below only
            silent = self.quiet or sys.stderr is None  # closed before Python began
            self._bar = tqdm(disable=True if silent else None, file=sys.stderr, **options)
        now = time.monotonic()
        if self._bar.disable or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at, self._bar.n = now, progress.fraction
        level = f"level {progress.level}/{progress.levels}, {pixels(progress.size)}"
        step = f"step {progress.step}/{progress.steps}, loss {progress.loss.item():.4g}"
        self._bar.set_description_str(", ".join([self.title, level, step] if self.title else [level, step]))
