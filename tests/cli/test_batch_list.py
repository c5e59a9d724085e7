"""The list of a batch: what it may say, and errors that name the line before any work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from neural_style import cli
from small_commands import TWO, batch, rows, written

Capture = pytest.CaptureFixture[str]
ONE = "photo.png,art.png,a.png"


def option(name: str, cell: str) -> str:
    return rows(f'{ONE},"{cell}"', columns=f"content,style,output,{name}")


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("", 1, "the header must name a column 'content'"),
        ("content,style,output,siez\n", 1, "a column must .* Did you mean 'size'"),
        ('content,"style\n', 1, "a row must"),
        ("\ncontent,style,style\n", 2, "a column must"),
        (rows("", f"{ONE},b"), 3, "a row must"),
        (rows("photo.png,,a.png"), 2, "style must"),
        (rows("photo.png,art.png"), 2, "output must"),
        (rows(ONE, "no.png,art.png,b.png"), 3, "content must"),
        (rows("photo.png,art.png,no/a.png"), 2, "path must"),
        (rows("photo.png,art.png,a.gif"), 2, "the suffix of path must"),
        (rows(ONE, f"photo.png,art.png,{Path('x/..')}/a.png"), 3, "output must .* line 2 writes"),
        (rows("photo.png,art.png,art2.png", "photo.png,art2.png,b.png"), 2, "output must .* line 3 reads"),
        (rows("photo.png,art.png,link.png"), 2, "output must .* line 2 reads"),
        (rows(f'{ONE}\nphoto.png,art.png,"b'), 3, "a row must"),
        (option("init", "no\npe.png"), 2, "init must"),
        (option("init", "content=0,noise=0"), 2, "init must"),
        (option("size", "big"), 2, "size must"),
        (option("levels", "17"), 2, "levels must"),
        (option("preview", "perhaps"), 2, "preview must"),
    ],
)
def test_an_error_in_the_list_is_one_line_that_names_the_row_before_any_work(
    text: str, line: int, named: str, capsys: Capture, recorder: Any
) -> None:
    Path("x").mkdir()
    Path("link.png").symlink_to("photo.png")
    assert batch(text) == 2
    error = capsys.readouterr().err
    assert re.match(f"neural-style: error: jobs.csv, line {line}: {named}", error)
    assert error.count("\n") == 1
    assert recorder.made == []
    assert written() == {"x", "link.png"}
    assert not Path("jobs.csv.done").exists()


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("no.csv", "", "JOBS must be a file"),
        ("photo.png", "", "JOBS must be text"),
        ("jobs.csv", "content,style,output\n\n,,\n", "JOBS must have a row"),
        ("done.csv", TWO, "the record must"),
    ],
)
def test_a_list_that_is_none_is_an_error(name: str, text: str, named: str, capsys: Capture) -> None:
    Path("done.csv.done").mkdir()
    if text:
        Path(name).write_text(text)
    assert cli.main(["batch", name]) == 2
    assert capsys.readouterr().err.startswith(f"neural-style: error: {named}")


def test_a_spreadsheets_list_can_be_read(recorder: Any) -> None:
    text = "\ufeffoutput, style ,content,preview\r\n,,,\r\n\r\n a.png , art.png,photo.png,TRUE\r\n,,,\r\n"
    assert batch(text) == 0
    assert written() == {"a.png"}
    assert recorder.ran[0]["preview"] is True


def test_a_rows_options_reach_its_run_and_an_empty_cell_is_the_command_lines(recorder: Any) -> None:
    text = rows(
        "photo.png,art.png,a.png,original,9,,art2.png,5,yes",
        'photo.png,art.png,b.png,64,"9,7",2,noise,,no',
        "photo.png,art.png,c.png",
        columns="content,style,output,size,iterations,levels,init,seed,preview",
    )
    assert batch(text, "--seed", "8", "--preview") == 0
    first, second, third = recorder.ran
    names = ("size", "iterations", "levels", "seed", "preview")
    assert [first[name] for name in names] == [None, 9, 1, 5, True]
    assert first["init"] == "art2.png"
    assert [second[name] for name in (*names, "init")] == [64, [9, 7], 2, 8, False, "noise"]
    assert [third[name] for name in (*names, "init")] == [32, 1, 1, 8, True, None]
    assert recorder.made[0]["weights"] == "narrow.pth"


@pytest.mark.usefixtures("recorder")
def test_quality_is_a_rows_own() -> None:
    lines = ("photo.png,art.png,low.jpg,10", "photo.png,art.png,high.jpg,", "photo.png,art.png,same.jpg,100")
    assert batch(rows(*lines, columns="content,style,output,quality"), "--quality", "100") == 0
    low, high, same = (Path(f"{name}.jpg").stat().st_size for name in ("low", "high", "same"))
    assert low < high == same
