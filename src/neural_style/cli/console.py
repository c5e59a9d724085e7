"""What the command line writes beside the progress bar: what was made, notes, warnings and errors."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor
from tqdm import tqdm

from neural_style.device.memory import available_memory
from neural_style.images.resizing import size_of
from neural_style.network.weights import WeightsUnavailableError
from neural_style.transfer import StyleTransfer

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
