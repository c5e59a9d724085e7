"""A list of pictures: what it may say, who makes which, and what a failure or an interrupt leaves."""

from __future__ import annotations

import json
import re
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from neural_style import Progress, cli, load_image
from neural_style.cli import batch as module
from neural_style.cli.progress_bar import ProgressBar
from neural_style.device import ranks
from neural_style.device.ranks import Process, ending_together, place, rank_device
from neural_style.images import io as image_io

SMALL = ("--weights", "narrow.pth", "--size", "32", "--iterations", "1", "--levels", "1")
TWO = "content,style,output\nphoto.png,art.png,a.png\nphoto.png,art2.png,b.png\n"
SIZED = "content,style,output,size\nphoto.png,art.png,a.png,32\nphoto.png,art2.png,b.png,\n"
INPUTS = {"photo.png", "art.png", "art2.png", "jobs.csv", "narrow.pth", "jobs.csv.done"}

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


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
    return {path.name for path in Path().iterdir()} - INPUTS


def recorded() -> list[str]:
    """Return the outputs in the record, in its order."""
    return [json.loads(line)["output"] for line in Path("jobs.csv.done").read_text().splitlines()]


def as_rank(patch: Patch, rank: int, world: int) -> None:
    for name, value in (("RANK", rank), ("WORLD_SIZE", world), ("LOCAL_RANK", rank)):
        patch.setenv(name, str(value))
    patch.setattr("neural_style.cli.batch.started_by_torchrun", lambda: True)


# Pictures ------------------------------------------------------------------------------------------------


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
    assert torch.equal(first["init"][0], load_image("art2.png"))
    assert [second[name] for name in (*names, "init")] == [64, [9, 7], 2, 8, False, "noise"]
    assert [third[name] for name in (*names, "init")] == [32, 1, 1, 8, True, None]
    assert recorder.made[0]["weights"] == "narrow.pth"


@pytest.mark.usefixtures("recorder")
def test_quality_is_a_rows_own() -> None:
    lines = ("photo.png,art.png,low.jpg,10", "photo.png,art.png,high.jpg,", "photo.png,art.png,same.jpg,100")
    assert batch(rows(*lines, columns="content,style,output,quality"), "--quality", "100") == 0
    low, high, same = (Path(f"{name}.jpg").stat().st_size for name in ("low", "high", "same"))
    assert low < high == same


def test_a_spreadsheets_list_can_be_read(recorder: Any) -> None:
    text = "\ufeffoutput, style ,content,preview\r\n,,,\r\n\r\n a.png , art.png,photo.png,TRUE\r\n,,,\r\n"
    assert batch(text) == 0
    assert written() == {"a.png"}
    assert recorder.ran[0]["preview"] is True


@pytest.mark.usefixtures("recorder")
def test_a_note_about_a_picture_is_a_plain_line(capsys: Capture, monkeypatch: Patch) -> None:
    def warning(path: Path, argument: str) -> Tensor:
        if argument == "content":
            warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return image_io.to_image_tensor(path, argument)

    monkeypatch.setattr(module, "to_image_tensor", warning)
    as_rank(monkeypatch, 1, 2)
    assert batch() == 0
    lines = ["note: content has transparent parts", "1 of 1 picture made"]
    assert capsys.readouterr().err.splitlines() == [f"[rank 1] neural-style: {line}" for line in lines]


# Errors --------------------------------------------------------------------------------------------------

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


def test_an_option_that_the_library_refuses_ends_the_batch_before_any_work(capsys: Capture) -> None:
    assert batch(TWO, "--pooling", "mox") == 2
    assert capsys.readouterr().err.startswith("neural-style: error: pooling must")
    assert written() == set()


# Failures and interrupts ---------------------------------------------------------------------------------


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


# Restarts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "more", "remade"),
    [
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


# Several processes ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Process(rank=0, world=1, local_rank=0)),
        ({"RANK": "9", "WORLD_SIZE": "16"}, Process(9, 16, 9)),
        ({"RANK": "9", "WORLD_SIZE": "16", "LOCAL_RANK": "1"}, Process(9, 16, 1)),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK"),
        ({"RANK": "1"}, "RANK"),
        ({"RANK": "-1"}, "RANK"),
        ({"WORLD_SIZE": "²"}, "WORLD_SIZE"),
        ({"LOCAL_RANK": ""}, "LOCAL_RANK"),
    ],
)
def test_the_environment_names_the_process_unless_it_is_impossible(
    variables: dict[str, str], expected: Process | str, capsys: Capture, monkeypatch: Patch
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    if isinstance(expected, Process):
        assert place() == expected
    else:
        assert batch() == 2
        assert f"error: {expected} must" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("available", "name", "here", "expected"),
    [
        (["cuda", "cpu"], "auto", Process(), "auto"),
        (["cuda", "cpu"], "auto", Process(9, 16, 1), "cuda:1"),
        (["cuda", "cpu"], "auto", Process(3, 4, 3), "cuda:1"),
        (["cuda", "cpu"], "cuda:0", Process(1, 2, 1), "cuda:0"),
        (["xpu", "cpu"], "auto", Process(5, 8, 5), "xpu:2"),
        (["mps", "cpu"], "auto", Process(1, 2, 1), "auto"),
    ],
)
def test_each_process_of_a_machine_takes_the_next_gpu(
    available: list[str], name: str, here: Process, expected: str, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(ranks, "available_devices", lambda: available)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 3)
    assert rank_device(name, here) == expected


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


def test_a_rank_of_torchruns_waits_for_the_others_at_the_end(torchruns_store: TCPStore) -> None:
    def end() -> None:
        with ending_together(Process(0, 2, 0)):
            pass

    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    torchruns_store.add(ranks.ENDED, 1)
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.usefixtures("torchruns_store")
def test_after_an_error_or_without_the_store_a_rank_waits_for_none(monkeypatch: Patch) -> None:
    def gone(*_arguments: object) -> int:
        raise RuntimeError("connection reset")

    with pytest.raises(ValueError, match="no"), ending_together(Process(0, 2, 0)):
        raise ValueError("no")
    monkeypatch.setattr(TCPStore, "add", gone)
    with ending_together(Process(0, 2, 0)):
        pass
