"""The commands at their smallest, in the folder that tests/cli/conftest.py makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from neural_style import cli

SMALL = ("--weights", "narrow.pth", "--size", "32", "--iterations", "1", "--levels", "1")
INPUTS = {"photo.png", "art.png", "art2.png", "narrow.pth", "jobs.csv", "jobs.csv.done"}
TWO = "content,style,output\nphoto.png,art.png,a.png\nphoto.png,art2.png,b.png\n"


def stylize(*more: str, out: str = "out.png") -> int:
    """Run ``stylize``; later options replace earlier ones."""
    return cli.main(["stylize", "photo.png", "art.png", "-o", out, *SMALL, *more])


def batch(text: str = TWO, *more: str) -> int:
    """Write a list of pictures and run it."""
    Path("jobs.csv").write_text(text, "utf-8")
    return again(*more)


def again(*more: str) -> int:
    """Run the list that is there."""
    return cli.main(["batch", "jobs.csv", *SMALL, *more])


def rows(*lines: str, columns: str = "content,style,output") -> str:
    """Return a list of pictures."""
    return "\n".join([columns, *lines, ""])


def written() -> set[str]:
    """Return what lies in the folder besides the inputs."""
    return {path.name for path in Path().iterdir()} - INPUTS


@contextmanager
def closed_pipe(encoding: str | None = None) -> Iterator[TextIO]:
    """Give a stream that no one reads; to close it is an error where something is left in it."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding=encoding) as pipe:
        yield pipe


def raising(error: BaseException) -> Callable[..., None]:
    """Return a function that raises."""

    def function(*_arguments: object, **_options: object) -> None:
        raise error

    return function
