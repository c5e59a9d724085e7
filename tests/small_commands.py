"""The commands at their smallest, in the folder that tests/cli/conftest.py makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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


def raising(error: BaseException) -> Callable[..., None]:
    """Return a function that raises."""

    def function(*_arguments: object, **_options: object) -> None:
        raise error

    return function
