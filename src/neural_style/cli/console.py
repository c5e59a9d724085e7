"""What the command line writes to the error stream beside the progress bar: notes, warnings and errors."""

import sys
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

# Errors of the input or the machine, which are reported in one line. Any other is a fault of this package.
ERRORS = (
    *(ValueError, TypeError, OSError, ImportError, MemoryError, FloatingPointError),
    *(WeightsUnavailableError, torch.OutOfMemoryError),
)


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
