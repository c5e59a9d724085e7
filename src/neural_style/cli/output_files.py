"""The file that a command writes: none of those it reads, and none that is there unless it is named."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from torch import Tensor

from neural_style import _checks
from neural_style.images.io import save_image


def file_identity(path: Path) -> object:
    """Return a value that is the same for two paths to the same file."""
    if not path.exists():
        return path.resolve()
    status = path.stat()
    return status.st_dev, status.st_ino


def check_not_among(output: Path | None, inputs: Iterable[Path]) -> None:
    """Check that ``--output`` is given none of the files that are read.

    Raises:
        ValueError: if it is.
    """
    if output is not None and file_identity(output) in map(file_identity, inputs):
        raise ValueError(_checks.message("--output", "be none of the files that are read", f"'{output}'"))


def save_picture(image: Tensor, path: Path, *, named: bool, **options: int) -> Path:
    """Write a picture, and return its file.

    Args:
        image: see `save_image`.
        path: of the file.
        named: whether the command line names the file, which is then replaced. A path that it does not name is
            a suggestion: where a file is there, ``-2`` is added to its name, or the next number that is free.
        options: of `save_image`.

    Raises:
        OSError, ValueError: see `save_image`.
    """
    if named:
        save_image(image, path, **options)
        return path
    new = _new_file(path)
    try:
        save_image(image, new, **options)
    except BaseException:
        new.unlink()
        raise
    return new


def _new_file(path: Path) -> Path:
    """Make an empty file, and return its path. No two processes are given the same one."""
    new, numbers = path, count(2)
    while True:
        try:
            new.open("xb").close()
        except FileExistsError:
            new = path.with_stem(f"{path.stem}-{next(numbers)}")
        else:
            return new
