"""The progress bar and the notes."""

from __future__ import annotations

import io
import sys
import warnings
from typing import Any

import pytest
import torch

from neural_style.cli import console
from neural_style.cli.console import ProgressBar, say, tell, warnings_as_notes
from neural_style.transfer.callback import Progress
from small_commands import closed_pipe


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class Loss:
    """A loss that counts how often it is read."""

    reads = 0

    def item(self) -> float:
        self.reads += 1
        return 0.123456


def progress(fraction: float, loss: Any) -> Progress:
    """Return what a run of two levels reports."""
    image = torch.zeros(1, 3, 24, 32)
    return Progress(1, 2, (24, 32), step=7, steps=200, fraction=fraction, loss=loss, terms={}, image=image)


def shown(stream: io.StringIO, patch: pytest.MonkeyPatch, **options: Any) -> tuple[str, Loss]:
    """Return what a bar writes on a stream in a hundred evaluations, and their loss."""
    patch.setattr(sys, "stderr", stream)
    patch.setenv("COLUMNS", "120")
    loss = Loss()
    with ProgressBar(**{"quiet": False, **options}) as bar:
        for number in range(1, 101):
            bar.show(progress(number / 300, loss))
    return stream.getvalue(), loss


def test_a_terminal_shows_level_size_step_and_loss_which_is_read_only_where_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, loss = shown(Terminal(), monkeypatch, title="picture 2 of 9")
    assert "picture 2 of 9, level 1/2, 32x24, step 7/200, loss 0.1235" in text
    assert "\n" not in text
    assert text.split("\r")[-2].strip() == ""  # the bar is gone in the end
    assert 1 <= loss.reads < 50


@pytest.mark.parametrize(("stream", "quiet"), [(Terminal(), True), (io.StringIO(), False)])
def test_quiet_or_without_a_terminal_nothing_is_shown(
    stream: io.StringIO, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, loss = shown(stream, monkeypatch, quiet=quiet)
    assert text == ""
    assert loss.reads == 0


def test_the_remaining_time_follows_the_fraction_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, now = Terminal(), [100.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    monkeypatch.setattr(console, "REDRAW_SECONDS", 0)
    with ProgressBar(quiet=False) as bar:
        for fraction in (0.1, 0.5):  # 0.4 of the work in 30 s: the rest takes 37.5 s
            bar.show(progress(fraction, Loss()))
            now[0] += 30
        assert "00:37 left" in stream.getvalue()


def test_a_terminal_that_has_gone_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Terminal):
        def write(self, _text: str) -> int:
            raise OSError(5, "Input/output error")

    for stream in (Gone(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        with ProgressBar(quiet=False) as bar:
            bar.show(progress(0.1, Loss()))
            say("a note")


def test_what_the_streams_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "Tübingen\udcff\n\x1b[1m.png"  # as of a file whose name is no UTF-8, of two lines, in bold
    for encoding, expected in (("ascii", "T\\xfcbingen"), ("utf-8", "Tübingen")):
        for stream, write in (("stdout", tell), ("stderr", say)):
            written = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
            monkeypatch.setattr(sys, stream, written)
            write(name)
            text = written.buffer.getvalue().decode()
            assert text.endswith(f"{expected}\\udcff\\n\\x1b[1m.png\n")


def test_a_closed_pipe_or_no_stream_takes_nothing_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_pipe() as pipe:
        for stream, write in (("stdout", tell), ("stderr", say)):
            for sink in (None, pipe):
                monkeypatch.setattr(sys, stream, sink)
                write("one")
                write("two")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    tell("three")


def test_repeated_warnings_are_one_note_and_none_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with warnings_as_notes(quiet=quiet, rank="[rank 1] "):
            for _ in range(3):
                warnings.warn("tiles of 64 pixels", RuntimeWarning, stacklevel=1)
    assert capsys.readouterr().err == "[rank 1] neural-style: note: tiles of 64 pixels\n"
