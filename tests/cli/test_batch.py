"""A list of pictures: what it may say, who makes which, and what a failure or an interrupt leaves."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from neural_style.cli.progress import ProgressBar
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from narrow import RANDOM
from neural_style import Progress, cli, load_image, save_image
from neural_style.cli.arguments import PICTURE_OPTIONS
from neural_style.device import ranks
from neural_style.device.ranks import Process, ending_together, place, rank_device
from neural_style.images import io as image_io
from neural_style.transfer import StyleTransfer

cli_main = sys.modules["neural_style.cli.main"]  # as an attribute of the room it is the function

SMALL = ("--weights", "narrow.pth", "--size", "32", "--iterations", "1", "--levels", "1")
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
TWO = "content,style,output\nphoto.png,art.png,a.png\nphoto.png,art2.png,b.png\n"
SIZED = "content,style,output,size\nphoto.png,art.png,a.png,32\nphoto.png,art2.png,b.png,\n"
INPUTS = {"photo.png", "art.png", "art2.png", "jobs.csv", "narrow.pth"}

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def in_a_folder_with_three_pictures(tmp_path: Path, monkeypatch: Patch) -> None:
    """Work in a folder with photo.png (32×24), art.png and art2.png (40×40), in one process."""
    monkeypatch.chdir(tmp_path)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    generator = torch.Generator().manual_seed(0)
    for name, size in (("photo", (24, 32)), ("art", (40, 40)), ("art2", (40, 40))):
        save_image(torch.rand(3, *size, generator=generator), f"{name}.png")
    RANDOM.save("narrow.pth")


@pytest.fixture
def ran(monkeypatch: Patch) -> list[dict[str, Any]]:
    """Return, run by run, what `StyleTransfer.run` is asked for; the picture is grey, and there at once."""
    asked: list[dict[str, Any]] = []

    def run(_self: StyleTransfer, content: Tensor, style: Tensor, **options: Any) -> Tensor:
        asked.append({**options, "content": content, "style": style})
        return torch.full_like(content, 0.5)

    monkeypatch.setattr(StyleTransfer, "run", functools.wraps(StyleTransfer.run)(run))
    return asked


def batch(text: str = TWO, *more: str) -> int:
    """Write the list and run it at its smallest; later options replace earlier ones."""
    Path("jobs.csv").write_text(text, "utf-8")
    return again(*more)


def again(*more: str) -> int:
    return cli.main(["batch", "jobs.csv", *SMALL, *more])


def rows(*lines: str, columns: str = "content,style,output") -> str:
    return "\n".join([columns, *lines, ""])


def written() -> set[str]:
    """Return which pictures lie in the folder besides the inputs."""
    return {path.name for path in Path().iterdir()} - INPUTS - {"jobs.csv.done"}


def recorded() -> list[str]:
    """Return the outputs in the record, in its order."""
    return [json.loads(line)["output"] for line in Path("jobs.csv.done").read_text().splitlines()]


def untimed(text: str) -> str:
    """Return a text with the seconds that runs took left out."""
    return re.sub(r"\d+\.\d s\n", "… s\n", text)


def as_rank(patch: Patch, rank: int, world: int) -> None:
    patch.setenv("RANK", str(rank))
    patch.setenv("WORLD_SIZE", str(world))
    patch.setenv("LOCAL_RANK", str(rank))


# Pictures ------------------------------------------------------------------------------------------------


def test_every_picture_of_the_list_is_made_and_told(capsys: Capture) -> None:
    assert batch() == 0
    assert written() == {"a.png", "b.png"}
    assert load_image("b.png").shape == (3, 24, 32)
    told = capsys.readouterr()
    lines = [
        f"picture {number} of 2: {name}.png: 32x24 pixels in … s\n" for number, name in ((1, "a"), (2, "b"))
    ]
    assert untimed(told.out) == "".join(lines)
    bars = [f"picture {number} of 2, level 1/1: 32x24 pixels, steps: 1\n" for number in (1, 2)]
    assert told.err == "".join([*bars, "neural-style: 2 of 2 pictures made\n"])


def test_the_picture_is_the_one_that_stylize_makes() -> None:
    assert batch(rows("photo.png,art.png,a.png,3", columns="content,style,output,seed"), "--quiet") == 0
    assert cli.main(["stylize", "photo.png", "art.png", "-o", "b.png", *SMALL, "--seed", "3", "--quiet"]) == 0
    assert torch.equal(load_image("a.png"), load_image("b.png"))


def test_quiet_says_nothing(capsys: Capture) -> None:
    assert batch(TWO, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_rows_options_reach_its_run_and_an_empty_cell_is_the_command_lines(ran: list[dict[str, Any]]) -> None:
    text = rows(
        "photo.png,art.png,a.png,original,9,,art2.png,5,yes",
        'photo.png,art.png,b.png,64,"9,7",2,noise,,no',
        "photo.png,art.png,c.png",
        columns="content,style,output,size,iterations,levels,init,seed,preview",
    )
    assert batch(text, "--seed", "8", "--preview") == 0
    first, second, third = ran
    names = ("size", "iterations", "levels", "seed", "preview")
    assert [first[name] for name in names] == [None, 9, 1, 5, True]
    assert torch.equal(first["init"][0], load_image("art2.png"))
    assert [second[name] for name in (*names, "init")] == [64, [9, 7], 2, 8, False, "noise"]
    assert [third[name] for name in (*names, "init")] == [32, 1, 1, 8, True, None]


def test_quality_is_a_rows_own(ran: list[dict[str, Any]]) -> None:
    text = rows(
        *("photo.png,art.png,low.jpg,10", "photo.png,art.png,high.jpg,", "photo.png,art.png,same.jpg,100"),
        columns="content,style,output,quality",
    )
    save_image(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)), "photo.png")
    assert batch(text, "--quality", "100") == 0
    low, high, same = (Path(f"{name}.jpg").stat().st_size for name in ("low", "high", "same"))
    assert low <= high == same
    assert len(ran) == 3
    assert "quality" not in ran[0]


def test_a_spreadsheets_list_can_be_read(ran: list[dict[str, Any]]) -> None:
    text = "\ufeffoutput, style ,content,preview\r\n,,,\r\n\r\n a.png , art.png,photo.png,TRUE\r\n,,,\r\n"
    assert batch(text) == 0
    assert written() == {"a.png"}
    assert ran[0]["preview"] is True


def test_a_note_about_a_picture_is_a_plain_line(
    capsys: Capture, monkeypatch: Patch, ran: list[dict[str, Any]]
) -> None:
    def warning(*arguments: Any) -> Tensor:
        warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return image_io.to_image_tensor(*arguments)

    monkeypatch.setattr(cli_main, "to_image_tensor", warning)
    as_rank(monkeypatch, 1, 2)
    assert batch() == 0
    note = "[rank 1] neural-style: note: content has transparent parts\n"
    assert capsys.readouterr().err == f"{note}[rank 1] neural-style: 1 of 1 picture made\n"
    assert len(ran) == 1


# Errors --------------------------------------------------------------------------------------------------

COLUMNS = "content, style, output, size, iterations, levels, init, seed, preview, quality"
LISTED = ", ".join(repr(name) for name in COLUMNS.split(", "))
WHOLE = "must be a whole number"
SEE = "See: neural-style batch --help"
ONE = "photo.png,art.png,a.png"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ", line 1: the header must name a column 'content'; got an empty list. Add it."),
        (
            "content,output\n",
            ", line 1: the header must name a column 'style'; got 'content', 'output'. Add it.",
        ),
        (
            "content,style,output,siez\n",
            f", line 1: a column must be one of {LISTED}; got 'siez'. Did you mean 'size'?",
        ),
        (
            "content;style;output\n",
            f", line 1: a column must be one of {LISTED}; got 'content;style;output'. Choose one of them.",
        ),
        ('content,"style\n', ", line 1: a row must be comma-separated values; got unexpected end of data. "),
        ("\ncontent,style,style\n", ", line 2: a column must be there once; got 'style' twice. Drop one."),
        (rows("", f"{ONE},b"), ", line 3: a row must have at most 3 cells; got 4. Put a cell with a comma"),
        (rows("photo.png,,a.png"), ", line 2: style must be a path; got an empty cell. Fill it in."),
        (rows("photo.png,art.png"), ", line 2: output must be a path; got an empty cell. Fill it in."),
        (
            rows(ONE, "no.png,art.png,b.png"),
            ", line 3: content must be a file that exists; got 'no.png'. Check the path.",
        ),
        (rows("photo.png,.,a.png"), ", line 2: style must be a file that exists; got '.'. Check the path."),
        (
            rows(f'{ONE},"no\npe.png"', columns="content,style,output,init"),
            ", line 2: init must be one of 'content', 'style', 'noise', 'colored-noise', an existing file or a",
        ),
        (
            rows("photo.png,art.png,no/a.png"),
            ", line 2: path must lie in a folder that exists; got 'no/a.png'. Make the folder first.",
        ),
        (rows("photo.png,art.png,a.gif"), ", line 2: the suffix of path must be one of '.png', "),
        (
            rows(ONE, f"photo.png,art.png,{Path('x/..')}/a.png"),
            ", line 3: output must be a file of its own; got 'x/../a.png', which line 2 writes. "
            "Give it another name.",
        ),
        (
            rows("photo.png,art.png,art2.png", "photo.png,art2.png,b.png"),
            ", line 2: output must be a file of its own; got 'art2.png', which line 3 reads. "
            "Give it another name.",
        ),
        (
            rows("photo.png,art.png,link.png"),
            ", line 2: output must be a file of its own; got 'link.png', which line 2 reads. "
            "Give it another name.",
        ),
        (
            rows(f'{ONE}\nphoto.png,art.png,"b'),
            ", line 3: a row must be comma-separated values; got unexpected",
        ),
        (
            rows(ONE + ",big", columns="content,style,output,size"),
            f", line 2: size {WHOLE} of at least 1 or 'original'; got 'big'. {SEE}",
        ),
        (
            rows(ONE + ",-1", columns="content,style,output,seed"),
            f", line 2: seed {WHOLE} from 0 to 2^63 - 1; got '-1'. {SEE}",
        ),
        (
            rows(ONE + ",0", columns="content,style,output,levels"),
            f", line 2: levels {WHOLE} of at least 1; got '0'. {SEE}",
        ),
        (
            rows(ONE + ",17", columns="content,style,output,levels"),
            ", line 2: levels must be at most 16; got 17. Give 16 or less.",
        ),
        (
            rows(ONE + ',"3,4"', columns="content,style,output,iterations"),
            ", line 2: iterations must have one count for each of 1 levels; got 2. Give one number or as many.",
        ),
        (
            rows(ONE + ",101", columns="content,style,output,quality"),
            f", line 2: quality {WHOLE} from 1 to 100; got '101'. {SEE}",
        ),
        (
            rows(ONE + ",perhaps", columns="content,style,output,preview"),
            f", line 2: preview must be yes or no; got 'perhaps'. {SEE}",
        ),
    ],
)
def test_what_is_wrong_with_the_list_is_one_line_that_names_the_row_before_any_work(
    text: str, told: str, capsys: Capture, ran: list[dict[str, Any]]
) -> None:
    Path("x").mkdir()
    os.link("photo.png", "link.png")
    assert batch(text) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"neural-style: error: jobs.csv{told}")
    assert error.count("\n") == 1
    assert ran == []
    assert written() == {"x", "link.png"}
    assert not Path("jobs.csv.done").exists()


def test_a_list_that_is_none_is_an_error(capsys: Capture) -> None:
    assert cli.main(["batch", "no.csv"]) == 2
    text = "JOBS must be a file that exists; got 'no.csv'. Check the path."
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert cli.main(["batch", "photo.png"]) == 2
    text = "JOBS must be text in UTF-8; got 'photo.png'. Save it as CSV in UTF-8."
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert batch("content,style,output\n\n,,\n") == 2
    text = "JOBS must have a row below its header; got 'jobs.csv'. Write one row for each picture."
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"


def test_a_record_that_cannot_be_written_is_an_error_before_any_work(
    capsys: Capture, ran: list[dict[str, Any]]
) -> None:
    Path("jobs.csv.done").mkdir()
    assert batch() == 2
    text = "the record must name a file; got 'jobs.csv.done', a folder. Add a file name."
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert ran == []


def test_an_option_that_the_library_refuses_ends_the_batch_before_any_work(
    capsys: Capture, ran: list[dict[str, Any]]
) -> None:
    assert batch(TWO, "--pooling", "mox") == 2
    text = "pooling must be one of 'average', 'max'; got 'mox'. Did you mean 'max'?"
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert ran == []


def test_the_help_names_columns_and_record(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit):
        cli.main(["batch", "--help"])
    text = capsys.readouterr().out
    assert ", ".join(PICTURE_OPTIONS) in text
    assert "jobs.csv.done" in text


# Failures and interrupts ---------------------------------------------------------------------------------


def test_a_picture_that_fails_does_not_end_the_batch(capsys: Capture) -> None:
    Path("bad.png").write_bytes(Path("photo.png").read_bytes()[:300])
    text = rows("photo.png,art.png,a.png", "bad.png,art.png,b.png", "photo.png,art2.png,c.png")
    assert batch(text) == 1
    assert written() == {"a.png", "c.png", "bad.png"}
    assert recorded() == ["a.png", "c.png"]
    failed, counted = (line for line in capsys.readouterr().err.splitlines() if "level" not in line)
    damaged = "content must be a whole picture; got 'bad.png', which is damaged or cut short."
    text = f"neural-style: picture 2 of 3, line 3: b.png failed: {damaged}"
    assert failed == f"{text} Get it from its source again."
    assert counted == "neural-style: 2 of 3 pictures made, 1 failed"
    assert again("--quiet") == 1
    failed, counted = capsys.readouterr().err.splitlines()
    assert failed.startswith("neural-style: picture 3 of 3, line 3: b.png failed: ")
    assert counted == "neural-style: 0 of 3 pictures made, 1 failed, 2 were there before"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory.\nTried"), "CUDA out of memory. Tried"),
        (RuntimeError("can't allocate memory"), "can't allocate memory"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_a_picture_without_memory_does_not_end_the_batch(
    error: Exception, told: str, capsys: Capture, monkeypatch: Patch
) -> None:
    failing_on(monkeypatch, 1, error)
    assert batch(TWO, "--quiet") == 1
    text = f"neural-style: picture 1 of 2, line 2: a.png failed: {told}\n"
    assert capsys.readouterr().err == f"{text}neural-style: 1 of 2 pictures made, 1 failed\n"
    assert recorded() == ["b.png"]


def test_a_format_too_small_for_the_result_is_refused_before_its_run(
    capsys: Capture, ran: list[dict[str, Any]]
) -> None:
    assert batch(rows("photo.png,art.png,a.jpg"), "--size", "70000") == 1
    assert "65500 pixels a side; got 52500×70000 for 'a.jpg'." in capsys.readouterr().err
    assert ran == []


def failing_on(patch: Patch, number: int, error: BaseException) -> None:
    """Let the run of that number raise in its first evaluation."""
    runs: list[Sequence[int]] = []

    def show(_bar: ProgressBar, progress: Progress) -> None:
        runs.append(progress.size)
        if len(runs) == number:
            raise error

    patch.setattr(ProgressBar, "show", show)


def test_ctrl_c_keeps_what_is_done_and_a_restart_goes_on(capsys: Capture, monkeypatch: Patch) -> None:
    failing_on(monkeypatch, 2, KeyboardInterrupt())
    text = rows(*(f"photo.png,art.png,{name}.png" for name in "abc"))
    assert batch(text, "--quiet") == 130
    text = "interrupted; 1 of 3 pictures done, and the same command goes on with the rest"
    assert capsys.readouterr() == ("", f"neural-style: {text}\n")
    assert written() == {"a.png"}
    assert recorded() == ["a.png"]
    assert again() == 0
    told = capsys.readouterr()
    assert re.findall(r"picture \d of 3: \w", told.out) == ["picture 2 of 3: b", "picture 3 of 3: c"]
    assert told.err == "neural-style: 2 of 3 pictures made, 1 was there before\n"


# Restarts ------------------------------------------------------------------------------------------------


def test_a_restart_makes_nothing_anew_and_loads_no_network(capsys: Capture, monkeypatch: Patch) -> None:
    def load(_options: object) -> StyleTransfer:
        raise AssertionError("loaded")

    assert batch() == 0
    before = Path("a.png").stat().st_mtime_ns
    capsys.readouterr()
    monkeypatch.setattr(cli_main, "transfer_from_options", load)
    assert again() == 0
    assert capsys.readouterr() == ("", "neural-style: 0 of 2 pictures made, 2 were there before\n")
    assert Path("a.png").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "more", "remade"),
    [
        (TWO, (), []),
        (TWO.replace("a.png\n", "a.png\n\n"), ("--device", "cpu", "--compile", "off", "--quiet"), []),
        (SIZED, (), []),
        (TWO.replace("photo.png,art2.png", "art2.png,art.png"), (), ["b.png"]),
        (SIZED.replace("a.png,32", "a.png,33"), (), ["a.png"]),
        (TWO + "photo.png,art.png,c.png\n", (), ["c.png"]),
        (TWO, ("--seed", "1"), ["a.png", "b.png"]),
        (TWO, ("--content-weight", "1"), ["a.png", "b.png"]),
        (TWO, ("--style-layers", "relu1_1"), ["a.png", "b.png"]),
    ],
)
def test_a_restart_makes_what_has_changed(
    text: str, more: tuple[str, ...], remade: list[str], ran: list[dict[str, Any]]
) -> None:
    assert batch() == 0
    assert batch(text, *more) == 0
    assert recorded()[2:] == remade
    assert len(ran) == 2 + len(remade)


@pytest.mark.usefixtures("ran")
def test_a_picture_that_was_deleted_is_made_again() -> None:
    assert batch() == 0
    Path("a.png").unlink()
    assert again() == 0
    assert recorded() == ["a.png", "b.png", "a.png"]


@pytest.mark.usefixtures("ran")
def test_the_last_line_about_a_picture_counts() -> None:
    assert batch() == again("--seed", "1") == again() == again() == 0
    assert recorded() == ["a.png", "b.png"] * 3


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    "broken", ['{"output": "b.p', "[1]", '{"output": "b.png"}', '{"output": [], "fingerprint": 1}']
)
def test_a_broken_last_line_of_the_record_is_passed_over(broken: str) -> None:
    assert batch() == 0
    path = Path("jobs.csv.done")
    first, _second = path.read_text().splitlines()
    path.write_text(f"{first}\n{broken}")
    assert again() == 0
    assert path.read_text().splitlines()[:2] == [first, broken]
    assert json.loads(path.read_text().splitlines()[2])["output"] == "b.png"
    assert again() == 0
    assert len(path.read_text().splitlines()) == 3


# Several processes ---------------------------------------------------------------------------------------


def test_every_picture_is_made_by_exactly_one_rank(
    capsys: Capture, monkeypatch: Patch, ran: list[dict[str, Any]]
) -> None:
    text = rows(*(f"photo.png,art.png,{name}.png" for name in "abcde"))
    told = []
    for rank in (1, 0):  # one begins when the other has ended, as may be
        as_rank(monkeypatch, rank, 2)
        assert batch(text) == 0
        told.append(capsys.readouterr())
    assert recorded() == ["b.png", "d.png", "a.png", "c.png", "e.png"]
    assert len(ran) == 5
    lines = [
        f"[rank 1] picture {number} of 2: {name}.png: 32x24 pixels in … s\n"
        for number, name in ((1, "b"), (2, "d"))
    ]
    assert untimed(told[0].out) == "".join(lines)
    assert told[0].err == "[rank 1] neural-style: 2 of 2 pictures made\n"
    assert told[1].err == "[rank 0] neural-style: 3 of 3 pictures made\n"


def test_a_rank_shows_no_progress(capsys: Capture, monkeypatch: Patch) -> None:
    for rank in (0, 1):
        as_rank(monkeypatch, rank, 2)
        assert batch() == 0
        assert capsys.readouterr().err == f"[rank {rank}] neural-style: 1 of 1 picture made\n"


def test_a_rank_without_a_picture_has_nothing_to_do(capsys: Capture, monkeypatch: Patch) -> None:
    as_rank(monkeypatch, 2, 3)
    assert batch() == 0
    assert capsys.readouterr() == ("", "[rank 2] neural-style: 0 of 0 pictures made\n")


def test_two_processes_of_torchruns_share_a_list_and_a_failure_of_one_does_not_stop_the_other() -> None:
    Path("bad.png").write_bytes(Path("photo.png").read_bytes()[:300])
    lines = ["photo.png,art.png,a.png,128,80", "bad.png,art.png,b.png", "photo.png,art.png,c.png"]
    Path("jobs.csv").write_text(rows(*lines, columns="content,style,output,size,iterations"))
    command = [*LAUNCH, "-m", "neural_style", "batch", "jobs.csv", *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr
    assert recorded() == ["a.png", "c.png"]
    assert written() == {"a.png", "c.png", "bad.png"}
    assert "[rank 0] neural-style: 2 of 2 pictures made\n" in done.stderr
    assert "[rank 1] neural-style: 0 of 1 picture made, 1 failed\n" in done.stderr


def test_the_environment_tells_the_place(monkeypatch: Patch) -> None:
    assert place() == Process() == Process(rank=0, world=1, local_rank=0)
    monkeypatch.setenv("RANK", "9")
    monkeypatch.setenv("WORLD_SIZE", "16")
    assert place() == Process(9, 16, 9)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert place() == Process(9, 16, 1)


BELOW = "must be below WORLD_SIZE, which is"
ENVIRONMENT = "Start with torchrun, or take it out of the environment."


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"RANK": "2", "WORLD_SIZE": "2"}, f"RANK {BELOW} 2; got 2. Start with torchrun, which sets both."),
        ({"RANK": "1"}, f"RANK {BELOW} 1; got 1. Start with torchrun, which sets both."),
        ({"WORLD_SIZE": "0"}, f"RANK {BELOW} 0; got 0. Start with torchrun, which sets both."),
        ({"RANK": "-1"}, f"RANK {WHOLE} of at least 0; got '-1'. {ENVIRONMENT}"),
        ({"WORLD_SIZE": "²"}, f"WORLD_SIZE {WHOLE} of at least 0; got '²'. {ENVIRONMENT}"),
        ({"LOCAL_RANK": ""}, f"LOCAL_RANK {WHOLE} of at least 0; got ''. {ENVIRONMENT}"),
    ],
)
def test_a_place_that_cannot_be_is_an_error(
    variables: dict[str, str], text: str, capsys: Capture, monkeypatch: Patch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=re.escape(text)):
        place()
    assert batch() == 2
    assert capsys.readouterr().err.endswith(f"neural-style: error: {text}\n")


@pytest.mark.parametrize(
    ("available", "name", "here", "expected"),
    [
        (["cuda", "cpu"], "auto", Process(), "auto"),
        (["cuda", "cpu"], "auto", Process(9, 16, 1), "cuda:1"),
        (["cuda", "cpu"], "auto", Process(3, 4, 3), "cuda:1"),
        (["cuda", "cpu"], "cuda", Process(1, 2, 1), "cuda:1"),
        (["cuda", "cpu"], "cuda:0", Process(1, 2, 1), "cuda:0"),
        (["cuda", "cpu"], "xpu", Process(1, 2, 1), "xpu"),
        (["xpu", "cpu"], "auto", Process(5, 8, 5), "xpu:2"),
        (["mps", "cpu"], "auto", Process(1, 2, 1), "auto"),
        (["cpu"], "auto", Process(1, 2, 1), "auto"),
    ],
)
def test_each_process_of_a_machine_takes_the_next_gpu(
    available: list[str], name: str, here: Process, expected: str, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(ranks, "available_devices", lambda: available)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 3)
    assert rank_device(name, here) == expected


def test_the_device_of_the_rank_is_the_transfers(monkeypatch: Patch, ran: list[dict[str, Any]]) -> None:
    made: list[dict[str, Any]] = []
    init = StyleTransfer.__init__

    @functools.wraps(init)
    def loading(self: StyleTransfer, **options: Any) -> None:
        made.append(options)
        init(self, **{**options, "device": "cpu"})

    monkeypatch.setattr(StyleTransfer, "__init__", loading)
    monkeypatch.setattr(ranks, "available_devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    as_rank(monkeypatch, 1, 2)
    assert batch() == 0
    assert [options["device"] for options in made] == ["cuda:1"]
    assert len(ran) == 1


@pytest.fixture
def torchruns_store(monkeypatch: Patch) -> TCPStore:
    """A store as torchrun keeps one, and its environment."""
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    given = {"TORCHELASTIC_RUN_ID": "1", "TORCHELASTIC_USE_AGENT_STORE": "True", "MASTER_ADDR": "localhost"}
    for name, value in {**given, "MASTER_PORT": str(store.port)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ranks, "WAIT_SECONDS", 0.01)
    as_rank(monkeypatch, 0, 2)
    return store


def ended(act: Callable[[], None]) -> threading.Thread:
    """Return a thread in which a rank of two comes to its end."""

    def run() -> None:
        with ending_together(Process(0, 2, 0)):
            act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_a_rank_of_torchruns_waits_for_the_others_at_the_end(torchruns_store: TCPStore) -> None:
    thread = ended(lambda: None)
    thread.join(0.3)
    assert thread.is_alive()
    torchruns_store.add(ranks.ENDED, 1)
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.usefixtures("torchruns_store")
def test_after_an_error_a_rank_waits_for_none() -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="no"), ending_together(Process(0, 2, 0)):
        raise ValueError("no")
    assert time.monotonic() - began < 20


def test_a_store_that_has_gone_is_not_waited_for(torchruns_store: TCPStore, monkeypatch: Patch) -> None:
    def gone(*_arguments: object) -> int:
        raise RuntimeError("connection reset")

    monkeypatch.setattr(TCPStore, "add", gone)
    with ending_together(Process(0, 2, 0)):
        assert torchruns_store.port > 0


# Progress ------------------------------------------------------------------------------------------------


def test_a_terminals_line_begins_with_the_number_of_the_picture(monkeypatch: Patch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    with ProgressBar(stream, quiet=False, title="picture 2 of 9") as bar:
        assert stream.getvalue() == "\rpicture 2 of 9  preparing the network"
        parts = {"level": 1, "levels": 2, "size": (384, 512), "step": 20, "steps": 30, "fraction": 0.5}
        bar.show(Progress(**parts, loss=torch.ones(()), terms={}, image=torch.zeros(1, 3, 1, 1)))  # type: ignore[arg-type]
        line = "picture 2 of 9  [#####-----]  level 1/2  512x384  step 20/30"
        assert stream.getvalue().split("\r")[-1].rstrip() == line
