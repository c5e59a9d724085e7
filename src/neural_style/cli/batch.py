"""The pictures of a list: a CSV file that is checked before any work, and a record of what is done."""

import argparse
import csv
import hashlib
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from neural_style import _checks
from neural_style.cli.console import ERRORS, ProgressBar, in_a_line, pixels, say, tell, warnings_as_notes
from neural_style.cli.from_options import enough, transfer_from_options
from neural_style.cli.interrupts import INTERRUPTED
from neural_style.cli.output_files import file_identity
from neural_style.cli.values import PICTURE_OPTIONS, read_option
from neural_style.device.ranks import ending_together, place, rank_device, started_by_torchrun
from neural_style.images.io import check_writable, save_image, to_image_tensor
from neural_style.images.resizing import fit_within, size_of
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import plan_levels
from neural_style.transfer.starts import check_init, is_picture

REQUIRED = ("content", "style", "output")
COLUMNS = (*REQUIRED, *PICTURE_OPTIONS)
LARGE = (2**20, 2**20)  # pixels: a picture that any number of levels suits
# The options that do not change the pictures, or that are the jobs' own.
NOT_SHARED = ("command", "jobs", "quiet", "device", "compile", "tile_size", *PICTURE_OPTIONS)


@dataclass(frozen=True)
class Job:
    """One picture to make.

    Attributes:
        line: the line of the list on which its row begins.
        content: the photograph's file.
        style: the painting's file.
        output: the file to write.
        options: values by name of `PICTURE_OPTIONS`, from the row or, for an empty cell, the command line.
    """

    line: int
    content: Path
    style: Path
    output: Path
    options: Mapping[str, Any]

    @property
    def inputs(self) -> dict[str, Path]:
        """The files to read, by the argument of `StyleTransfer.run` they are for."""
        init = self.options["init"]
        check_init(init)
        start = {"init": Path(str(init))} if is_picture(init) else {}
        return {"content": self.content, "style": self.style, **start}

    def fingerprint(self, shared: Mapping[str, Any]) -> str:
        """Return a text that is the same for two jobs which make the same picture, given all jobs' options."""
        row = {"content": str(self.content), "style": str(self.style), **self.options}
        given = {name: value for name, value in {**shared, **row}.items() if value is not None}
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def run_batch(options: argparse.Namespace) -> int:
    """Make the pictures of a list that are not there yet, or this process's share; return the exit status."""
    here = place()
    rank = f"[rank {here.rank}] " if here.world > 1 else ""
    if here.world > 1 and not started_by_torchrun():
        text = f"RANK and WORLD_SIZE make this process {here.rank} of {here.world}, which makes its share only"
        say(f"note: {text}. Unset them for the whole list.", rank=rank)
    jobs = read_jobs(options.jobs, {name: getattr(options, name) for name in PICTURE_OPTIONS})
    shared = {name: value for name, value in vars(options).items() if name not in NOT_SHARED}
    record, share = Record(options.jobs, shared), jobs[here.rank :: here.world]
    to_do = [job for job in share if job not in record]
    there = len(share) - len(to_do)
    if replaced := [job.output for job in to_do if job.output.exists() and not record.made(job)]:
        more = f" and {len(replaced) - 1} more" if len(replaced) > 1 else ""
        text = f"note: {replaced[0]}{more} will be replaced, which the record {record.path.name} does not name"
        say(text, rank=rank, quiet=options.quiet)
    count = f"of {len(share)} picture{'' if len(share) == 1 else 's'}"
    made = failed = 0
    try:
        with ending_together(here):
            if to_do:
                once = {"quiet": options.quiet or here.rank > 0, "device": rank_device(options.device, here)}
                transfer = transfer_from_options(argparse.Namespace(**{**vars(options), **once}))
            for number, job in enumerate(to_do, there + 1):
                title = f"picture {number} of {len(share)}"
                with warnings_as_notes(quiet=options.quiet, rank=rank):
                    if _make_job(transfer, job, title, rank, quiet=options.quiet):
                        record.add(job)
                        made += 1
                    else:
                        failed += 1
            parts = [f"{made} {count} made"]
            parts += [f"{failed} failed"] if failed else []
            parts += [f"{there} {'was' if there == 1 else 'were'} there before"] if there else []
            say(", ".join(parts), rank=rank, quiet=options.quiet and not failed)
    except KeyboardInterrupt:
        text = f"interrupted; {there + made} {count} done, and the same command goes on with the rest"
        say(text, rank=rank)
        return INTERRUPTED
    return 1 if failed else 0


def _make_job(transfer: StyleTransfer, job: Job, title: str, rank: str, *, quiet: bool) -> bool:
    """Make a picture of a list and report it; return whether it worked."""
    began = time.monotonic()
    try:
        chosen = {name: value for name, value in job.options.items() if name != "quality"}
        needed = partial(enough, size=chosen["size"], preview=chosen["preview"])
        content = to_image_tensor(job.content, "content", needed)
        check_writable(job.output, size=fit_within(size_of(content), chosen["size"]))
        with ProgressBar(quiet=quiet or bool(rank), title=title) as bar:
            image = transfer.run(content, job.style, **chosen, callback=bar.show)
        save_image(image, job.output, quality=job.options["quality"])
    except (*ERRORS, RuntimeError) as error:  # a RuntimeError is what torch raises on a CPU without memory
        say(f"{title}, line {job.line}: {job.output} failed: {in_a_line(error)}", rank=rank)
        return False
    size, seconds = pixels(image.shape[-2:]), time.monotonic() - began
    tell(f"{rank}{title}: {job.output}: {size} pixels in {seconds:.1f} s", quiet=quiet)
    return True


class Record:
    """Which jobs are done: a line of JSON for each, in a file beside the list.

    Each line is appended in one write, so that several processes can share the file.

    Args:
        jobs: the list's file.
        shared: the options of all jobs; a job done with others counts as not done.
    """

    def __init__(self, jobs: Path, shared: Mapping[str, Any]) -> None:
        self.path = _checks.file_to_write("the record", jobs.with_name(f"{jobs.name}.done"))
        self.shared = shared
        self._done: dict[str, str] = {}
        text = self.path.read_text("utf-8", errors="replace") if self.path.exists() else ""
        self._gap = "" if text.endswith("\n") or not text else "\n"  # after a line that a crash cut short
        for line in text.splitlines():
            with suppress(ValueError, TypeError, KeyError):  # such a line
                entry = json.loads(line)
                self._done[entry["output"]] = entry["fingerprint"]

    def __contains__(self, job: Job) -> bool:
        """Return whether a job was done as it is now, and its picture is still there."""
        done = self._done.get(str(job.output)) == job.fingerprint(self.shared)
        return done and job.output.is_file()

    def made(self, job: Job) -> bool:
        """Return whether a picture was made under the job's name, be it as another job."""
        return str(job.output) in self._done

    def add(self, job: Job) -> None:
        """Record that a job is done."""
        entry = {"output": str(job.output), "fingerprint": job.fingerprint(self.shared)}
        with self.path.open("ab", buffering=0) as file:
            file.write(f"{self._gap}{json.dumps(entry)}\n".encode())


# Reading a list ------------------------------------------------------------------------------------------


def read_jobs(path: Path, defaults: Mapping[str, Any]) -> list[Job]:
    """Return the jobs of a list, in its order.

    Args:
        path: a CSV file whose header names some of `COLUMNS`, and all that are `REQUIRED`.
        defaults: the values of `PICTURE_OPTIONS` for empty cells.

    Raises:
        ValueError: if something is wrong with the list, or with a file that it names; the text names the line.
        OSError: if it cannot be read.
    """
    _check_file("JOBS", path)
    rows = _rows(path)
    line, names = next(rows, (1, []))
    with _naming(path, line):
        _check_header(names)
    jobs: list[Job] = []
    files: dict[object, str] = {}  # what is done with a file
    for line, cells in rows:
        with _naming(path, line):
            job = _job(names, cells, defaults, line)
        jobs.append(job)
        files |= {file_identity(source): f"line {line} reads" for source in job.inputs.values()}
    for job in jobs:
        output = file_identity(job.output)
        with _naming(path, job.line):
            if output in files:
                rule, got = "be a file of its own", f"'{job.output}', which {files[output]}"
                raise ValueError(_checks.message("output", rule, got))
        files[output] = f"line {job.line} writes"
    if not jobs:
        advice = "Write one row for each picture."
        raise ValueError(_checks.message("JOBS", "have a row below its header", f"{str(path)!r}", advice))
    return jobs


@contextmanager
def _naming(path: Path, line: int) -> Iterator[None]:
    """Put the line in front of an error about it."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}, line {line}: {error}") from error


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, with the line on which they begin."""
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
            raise ValueError(_checks.message("a column", "be there once", f"{name!r} twice"))
    for name in REQUIRED:
        if name not in names:
            got = ", ".join(repr(name) for name in names) or "an empty list"
            raise ValueError(_checks.message("the header", f"name a column {name!r}", got))


def _job(names: Sequence[str], cells: Sequence[str], defaults: Mapping[str, Any], line: int) -> Job:
    """Return the job of a row, all that can be checked before its turn checked."""
    if len(cells) > len(names):
        rule, advice = f"have at most {len(names)} cells", "Put a cell with a comma in quotation marks."
        raise ValueError(_checks.message("a row", rule, len(cells), advice))
    given = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
    for name in REQUIRED:
        if name not in given:
            raise ValueError(_checks.message(name, "be a path", "an empty cell"))
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
        got = f"{str(path)!r}"
        raise ValueError(_checks.message(argument, "be a file that exists", got, _checks.path_advice(path)))
