"""What the command line says beside its results: lines on the error stream, warnings among them."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from neural_style.cli.progress import pixels
from neural_style.device.memory import available_memory
from neural_style.transfer import StyleTransfer


def tell(text: str, *, quiet: bool = False, rank: str = "") -> None:
    """Say a line."""
    if not quiet:
        print(f"{rank}neural-style: {text}", file=sys.stderr)


def in_a_line(error: Exception) -> str:
    """Return what an error says in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def tell_enlarged(content: Tensor, size: tuple[int, int], *, quiet: bool) -> None:
    """Tell where a result has more pixels than the photograph, and so no more of it to show."""
    own = content.shape[-2:]
    if max(size) > max(own):
        text = f"the photograph has {pixels(own)} pixels and is enlarged; --size original keeps its size"
        tell(f"note: {text}", quiet=quiet)


def tell_estimate(transfer: StyleTransfer, size: tuple[int, int], *, quiet: bool, **schedule: Any) -> None:
    """Tell how long it will take and how much memory, and where that may be too much."""
    if quiet:
        return
    estimate = transfer.estimate(size, **schedule)
    tell(f"this will take {estimate}")
    free = available_memory(transfer.device)
    if free is not None and estimate.bytes > free:
        advice = "A smaller --size needs less, in proportion to its square."
        tell(f"note: only {free / 1e9:.1f} GB of memory are free. {advice}")


@contextlib.contextmanager
def warnings_told(*, quiet: bool, rank: str = "") -> Iterator[None]:
    """Turn warnings into plain lines, each text once and as it comes: a run may take hours."""
    printed: set[str] = set()

    def show(message: Warning | str, *_where: object, **_more: object) -> None:
        if str(message) not in printed:
            printed.add(str(message))
            if sys.stderr.isatty() and not quiet:
                sys.stderr.write("\r\x1b[K")  # where a bar may stand
            tell(f"note: {message}", quiet=quiet, rank=rank)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
