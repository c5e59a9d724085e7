"""A list of pictures to make: read, checked, and recorded as they are done.

The list is a CSV file with a header. What can be wrong with it is found out before any work.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neural_style import _checks
from neural_style.cli.arguments import PICTURE_OPTIONS, read_option
from neural_style.images.io import check_writable
from neural_style.transfer.levels import plan_levels
from neural_style.transfer.starts import check_there, is_picture

REQUIRED = ("content", "style", "output")
COLUMNS = (*REQUIRED, *PICTURE_OPTIONS)
LARGE = (2**20, 2**20)  # pixels: no number of levels is too many for such a picture


@dataclass(frozen=True)
class Job:
    """One picture to make.

    Attributes:
        line: of the list, on which its row begins.
        content: the photograph's file.
        style: the painting's file.
        output: the file to write.
        options: what `PICTURE_OPTIONS` names, from the row or, where its cell is empty, the command line.
    """

    line: int
    content: Path
    style: Path
    output: Path
    options: Mapping[str, Any]

    @property
    def inputs(self) -> dict[str, Path]:
        """The files to read, by the argument of `StyleTransfer.run` that they are."""
        init = self.options["init"]
        check_there(init)
        start = {"init": Path(str(init))} if is_picture(init) else {}
        return {"content": self.content, "style": self.style, **start}

    def fingerprint(self, shared: Mapping[str, Any]) -> str:
        """Return a text that two jobs share which would make the same picture.

        Args:
            shared: the options of all jobs.
        """
        row = {"content": str(self.content), "style": str(self.style), **self.options}
        given = {name: value for name, value in {**shared, **row}.items() if value is not None}
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def read_jobs(path: Path, defaults: Mapping[str, Any]) -> list[Job]:
    """Return the jobs of a list, in its order.

    Args:
        path: a CSV file whose header names `COLUMNS`, of which those that are `REQUIRED` must be there.
        defaults: value of each of `PICTURE_OPTIONS` where a cell is empty.

    Raises:
        ValueError: if something is wrong with the list, or with a file that it names; the text names the line.
        OSError: if it cannot be read.
    """
    _check_file("JOBS", path)
    rows = _rows(path)
    line, names = next(rows, (1, []))
    with _naming(path, line):
        _check_header(names)
    jobs = []
    for line, cells in rows:
        with _naming(path, line):
            jobs.append(_job(line, names, cells, defaults))
    if not jobs:
        advice = "Write one row for each picture."
        raise ValueError(_checks.message("JOBS", "have a row below its header", f"{str(path)!r}", advice))
    _check_outputs(path, jobs)
    return jobs


class Record:
    """Which jobs are done: a line of JSON for each, in a file beside the list.

    Each line is appended in one write, so that several processes can share the file.

    Args:
        jobs: the list's file.
        shared: the options of all jobs; a job done with others counts as not done.

    Raises:
        OSError: if the file cannot be read or written.
    """

    def __init__(self, jobs: Path, shared: Mapping[str, Any]) -> None:
        self.path = _checks.file_to_write("the record", jobs.with_name(f"{jobs.name}.done"))
        self.shared = shared
        self._done: dict[str, str] = {}
        text = self.path.read_text("utf-8", errors="replace") if self.path.exists() else ""
        self._gap = "" if text.endswith("\n") or not text else "\n"  # after a line that a crash cut short
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):  # such a line
                entry = json.loads(line)
                self._done[entry["output"]] = entry["fingerprint"]

    def __contains__(self, job: Job) -> bool:
        """Return whether a job was done as it is now, and its picture is still there."""
        done = self._done.get(str(job.output)) == job.fingerprint(self.shared)
        return done and job.output.is_file()

    def add(self, job: Job) -> None:
        """Record that a job is done."""
        entry = {"output": str(job.output), "fingerprint": job.fingerprint(self.shared)}
        with self.path.open("ab", buffering=0) as file:
            file.write(f"{self._gap}{json.dumps(entry)}\n".encode())


# Reading -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _naming(path: Path, line: int) -> Iterator[None]:
    """Put the line in front of an error about it."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}, line {line}: {error}") from error


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the line on which it begins."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        rule, advice = "be text in UTF-8", "Save it as CSV in UTF-8."
        raise ValueError(_checks.message("JOBS", rule, f"{str(path)!r}", advice)) from error
    reader, line = csv.reader(io.StringIO(text), strict=True), 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        rule, advice = "be comma-separated values", "Close every quotation mark, and double those inside."
        raise ValueError(f"{path}, line {line}: {_checks.message('a row', rule, error, advice)}") from error


def _check_header(names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        _checks.choice("a column", name, COLUMNS)
        if name in names[:index]:
            raise ValueError(_checks.message("a column", "be there once", f"{name!r} twice", "Drop one."))
    for name in REQUIRED:
        if name not in names:
            got = ", ".join(repr(name) for name in names) or "an empty list"
            raise ValueError(_checks.message("the header", f"name a column {name!r}", got, "Add it."))


def _job(line: int, names: Sequence[str], cells: Sequence[str], defaults: Mapping[str, Any]) -> Job:
    if len(cells) > len(names):
        rule, advice = f"have at most {len(names)} cells", "Put a cell with a comma in quotation marks."
        raise ValueError(_checks.message("a row", rule, len(cells), advice))
    given = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
    for name in REQUIRED:
        if name not in given:
            raise ValueError(_checks.message(name, "be a path", "an empty cell", "Fill it in."))
    options = {name: read_option(name, given[name]) for name in PICTURE_OPTIONS if name in given}
    content, style, output = (Path(given[name]) for name in REQUIRED)
    job = Job(line, content, style, output, {**defaults, **options})
    for argument, path in job.inputs.items():
        _check_file(argument, path)
    check_writable(output)
    plan_levels(LARGE, iterations=job.options["iterations"], levels=job.options["levels"])
    return job


def _check_file(argument: str, path: Path) -> None:
    if not path.is_file():
        raise ValueError(
            _checks.message(argument, "be a file that exists", f"{str(path)!r}", "Check the path.")
        )


def _check_outputs(path: Path, jobs: Sequence[Job]) -> None:
    """Check that each output is one job's alone and is read by none."""
    reads: dict[object, int] = {}
    for job in jobs:
        for read in job.inputs.values():
            for identity in _identities(read):
                reads.setdefault(identity, job.line)
    writes: dict[object, int] = {}
    for job in jobs:
        for identity in _identities(job.output):
            for others, what in ((reads, "reads"), (writes, "writes")):
                if identity in others:
                    rule, got = "be a file of its own", f"'{job.output}', which line {others[identity]} {what}"
                    with _naming(path, job.line):
                        raise ValueError(_checks.message("output", rule, got, "Give it another name."))
        writes.update(dict.fromkeys(_identities(job.output), job.line))


def _identities(path: Path) -> list[object]:
    """Return what two paths share that lead to the same file, by whatever links."""
    resolved = path.resolve()
    if not resolved.exists():
        return [resolved]
    status = resolved.stat()
    return [resolved, (status.st_dev, status.st_ino)]
