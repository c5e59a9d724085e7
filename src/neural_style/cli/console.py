"""What the command line writes to the error stream: progress, notes and errors."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from neural_style.device.memory import available_memory
from neural_style.images.resizing import size_of
from neural_style.network.weights import WeightsUnavailableError
from neural_style.transfer import StyleTransfer
from neural_style.transfer.progress import Progress

# Errors of the input or the machine, which are reported in one line. Any other is a fault of this package.
ERRORS = (
    *(ValueError, TypeError, OSError, ImportError, MemoryError, FloatingPointError),
    *(WeightsUnavailableError, torch.OutOfMemoryError),
)

REDRAW_SECONDS = 0.1


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

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, progress: Progress) -> None:
        """Show an evaluation. The loss is read only when the bar is drawn, at most ten times a second."""
        if self._bar is None:  # counts time from the first evaluation, without loading the network
            layout = "{percentage:3.0f}%|{bar:20}| {desc}, {remaining} left"
            options: dict[str, Any] = {"total": 1, "initial": progress.fraction, "bar_format": layout}
            options |= {
                "leave": False,
                "dynamic_ncols": True,
                "smoothing": 0,
                "delay": 1e-9,
            }  # drawn below only
            self._bar = tqdm(disable=True if self.quiet else None, file=sys.stderr, **options)
        now = time.monotonic()
        if self._bar.disable or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at, self._bar.n = now, progress.fraction
        level = f"level {progress.level}/{progress.levels}, {pixels(progress.size)}"
        step = f"step {progress.step}/{progress.steps}, loss {progress.loss.item():.4g}"
        self._bar.set_description_str(", ".join([self.title, level, step] if self.title else [level, step]))


def say(text: str, *, quiet: bool = False, rank: str = "") -> None:
    """Write a line, above a bar where there is one."""
    if not quiet:
        tqdm.write(f"{rank}neural-style: {text}", file=sys.stderr)


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
