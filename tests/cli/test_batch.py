"""A batch: who makes which picture, and what a failure, an interrupt or a restart leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from neural_style import Progress, cli, load_image, save_image
from neural_style.cli import batch as module
from neural_style.cli.console import ProgressBar
from neural_style.device import ranks
from neural_style.images import io as image_io
from small_commands import SMALL, TWO, again, batch, closed_pipe, rows, written

SIZED = "content,style,output,size\nphoto.png,art.png,a.png,32\nphoto.png,art2.png,b.png,\n"

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def recorded() -> list[str]:
    """Return the outputs in the record, in its order."""
    return [json.loads(line)["output"] for line in Path("jobs.csv.done").read_text().splitlines()]


def as_rank(patch: Patch, rank: int, world: int) -> None:
    for name, value in (("RANK", rank), ("WORLD_SIZE", world), ("LOCAL_RANK", rank)):
        patch.setenv(name, str(value))
    patch.setattr("neural_style.cli.batch.started_by_torchrun", lambda: True)


def test_a_picture_that_is_there_and_not_in_the_record_is_replaced_with_a_note(capsys: Capture) -> None:
    save_image(load_image("art.png"), "b.png")
    assert batch(SIZED) == 0
    assert "note: b.png will be replaced" in capsys.readouterr().err
    assert batch(SIZED.replace("b.png,", "b.png,24")) == 0  # made again, of another size
    assert "replaced" not in capsys.readouterr().err


def test_a_name_that_the_console_lacks_or_a_closed_pipe_ends_no_list(monkeypatch: Patch) -> None:
    with closed_pipe("ascii") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert batch(rows("photo.png,art.png,Tübingen.png", "photo.png,art2.png,b.png")) == 0
    assert recorded() == ["Tübingen.png", "b.png"]


def test_sigterm_leaves_the_rest_of_a_list_to_the_same_command(capsys: Capture, monkeypatch: Patch) -> None:
    def kill(bar: ProgressBar, _progress: Progress) -> None:
        if bar.title == "picture 2 of 2":
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(ProgressBar, "show", kill)
    assert batch() == 128 + signal.SIGTERM
    assert "interrupted; 1 of 2 pictures done" in capsys.readouterr().err
    assert recorded() == ["a.png"]


def test_every_picture_of_the_list_is_the_one_that_stylize_makes(capsys: Capture) -> None:
    text = rows("photo.png,art.png,a.png,3", "photo.png,art2.png,b.png,", columns="content,style,output,seed")
    assert batch(text) == 0
    out, err = capsys.readouterr()
    for number, (name, line) in enumerate(zip("ab", out.splitlines(), strict=True), 1):
        assert re.fullmatch(rf"picture {number} of 2: {name}\.png: 32x24 pixels in \d+\.\d s", line)
    assert err == "neural-style: 2 of 2 pictures made\n"
    assert cli.main(["stylize", "photo.png", "art.png", "-o", "c.png", *SMALL, "--seed", "3", "--quiet"]) == 0
    assert torch.equal(load_image("a.png"), load_image("c.png"))


@pytest.mark.usefixtures("recorder")
def test_quiet_says_nothing(capsys: Capture) -> None:
    assert batch(TWO, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("recorder")
def test_a_note_about_a_picture_is_a_plain_line(capsys: Capture, monkeypatch: Patch) -> None:
    def warning(path: Path, argument: str, *more: Any) -> Tensor:
        if argument == "content":
            warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return image_io.to_image_tensor(path, argument, *more)

    monkeypatch.setattr(module, "to_image_tensor", warning)
    as_rank(monkeypatch, 1, 2)
    assert batch() == 0
    lines = ["note: content has transparent parts", "1 of 1 picture made"]
    assert capsys.readouterr().err.splitlines() == [f"[rank 1] neural-style: {line}" for line in lines]


def test_a_picture_that_fails_does_not_end_the_batch(capsys: Capture, recorder: Any) -> None:
    Path("bad.png").write_bytes(Path("photo.png").read_bytes()[:300])
    text = rows("photo.png,art.png,a.png", "bad.png,art.png,b.png", "photo.png,art2.png,c.png")
    assert batch(text) == 1
    assert written() == {"a.png", "c.png", "bad.png"}
    assert recorded() == ["a.png", "c.png"]
    failed, counted = capsys.readouterr().err.splitlines()
    assert failed.startswith("neural-style: picture 2 of 3, line 3: b.png failed: content must")
    assert counted == "neural-style: 2 of 3 pictures made, 1 failed"
    assert again("--quiet") == 1
    assert capsys.readouterr().err.endswith("0 of 3 pictures made, 1 failed, 2 were there before\n")
    assert len(recorder.ran) == 2


def test_a_format_too_small_for_the_result_fails_before_its_run(capsys: Capture, recorder: Any) -> None:
    assert batch(rows("photo.png,art.png,a.jpg"), "--size", "70000") == 1
    assert "52500×70000" in capsys.readouterr().err
    assert recorder.ran == []


def failing_on(patch: Patch, number: int, error: BaseException) -> None:
    """Let the evaluation of that number raise."""
    seen: list[Progress] = []

    def show(_bar: ProgressBar, progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == number:
            raise error

    patch.setattr(ProgressBar, "show", show)


def test_a_picture_without_memory_does_not_end_the_batch(capsys: Capture, monkeypatch: Patch) -> None:
    failing_on(monkeypatch, 1, torch.OutOfMemoryError("CUDA out of memory.\nTried"))
    assert batch(TWO, "--quiet") == 1
    assert "picture 1 of 2, line 2: a.png failed: CUDA out of memory. Tried\n" in capsys.readouterr().err
    assert recorded() == ["b.png"]


def test_ctrl_c_keeps_what_is_done_and_a_restart_goes_on(capsys: Capture, monkeypatch: Patch) -> None:
    failing_on(monkeypatch, 2, KeyboardInterrupt())
    assert batch(rows(*(f"photo.png,art.png,{name}.png" for name in "abc")), "--quiet") == 130
    assert "interrupted; 1 of 3 pictures done" in capsys.readouterr().err
    assert written() == {"a.png"}
    assert recorded() == ["a.png"]
    assert again() == 0
    out, err = capsys.readouterr()
    assert re.findall(r"picture \d of 3: \w", out) == ["picture 2 of 3: b", "picture 3 of 3: c"]
    assert err == "neural-style: 2 of 3 pictures made, 1 was there before\n"


@pytest.mark.parametrize(
    ("text", "more", "remade"),
    [
        (TWO.replace("a.png\n", "a.png\n\n"), ("--compile", "off", "--tile-size", "none"), []),
        (SIZED, ("--device", "cpu"), []),
        (TWO.replace("photo.png,art2.png", "art2.png,art.png"), (), ["b.png"]),
        (SIZED.replace("a.png,32", "a.png,33"), (), ["a.png"]),
        (TWO + "photo.png,art.png,c.png\n", (), ["c.png"]),
        (TWO, ("--seed", "1"), ["a.png", "b.png"]),
        (TWO, ("--content-weight", "1"), ["a.png", "b.png"]),
        (TWO, ("--style-layers", "relu1_1"), ["a.png", "b.png"]),
    ],
)
def test_a_restart_makes_what_has_changed_and_loads_no_network_for_nothing(
    text: str, more: tuple[str, ...], remade: list[str], recorder: Any
) -> None:
    assert batch() == 0
    assert batch(text, *more) == 0
    assert recorded()[2:] == remade
    assert len(recorder.made) == (2 if remade else 1)


@pytest.mark.usefixtures("recorder")
def test_a_picture_that_was_deleted_is_made_again_and_the_last_line_about_it_counts() -> None:
    assert batch() == 0
    Path("a.png").unlink()
    assert again() == 0
    assert recorded() == ["a.png", "b.png", "a.png"]
    assert again("--seed", "1") == again() == again() == 0
    assert recorded()[3:] == ["a.png", "b.png"] * 2


@pytest.mark.usefixtures("recorder")
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


def test_a_share_that_torchrun_did_not_deal_is_noted(monkeypatch: Patch, capsys: Capture) -> None:
    as_rank(monkeypatch, 0, 2)
    monkeypatch.setattr("neural_style.cli.batch.started_by_torchrun", lambda: False)
    batch(rows("photo.png,art.png,a.png"))
    assert "process 0 of 2" in capsys.readouterr().err


def test_every_picture_is_made_by_exactly_one_rank(capsys: Capture, monkeypatch: Patch, recorder: Any) -> None:
    monkeypatch.setattr(ranks, "available_devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for rank, count in ((1, 2), (0, 3)):
        as_rank(monkeypatch, rank, 2)
        assert batch(rows(*(f"photo.png,art.png,{name}.png" for name in "abcde"))) == 0
        out, err = capsys.readouterr()
        assert out.count(f"[rank {rank}] picture") == count
        assert err == f"[rank {rank}] neural-style: {count} of {count} pictures made\n"
    assert recorded() == ["b.png", "d.png", "a.png", "c.png", "e.png"]
    assert [made["device"] for made in recorder.made] == ["cuda:1", "cuda:0"]
