"""Ctrl-C, SIGTERM and SIGHUP: the picture so far is kept."""

from __future__ import annotations

import functools
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from neural_style import cli, load_image, save_image
from neural_style.cli import commands, console, interrupts, output_files
from neural_style.cli.console import ProgressBar
from neural_style.optimizers.base import RunInterrupted
from neural_style.transfer import StyleTransfer
from neural_style.transfer.callback import Progress
from small_commands import raising, stylize, written

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def test_ctrl_c_saves_the_picture_so_far(capsys: Capture, monkeypatch: Patch) -> None:
    def interrupt(_bar: object, _progress: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "show", interrupt)
    assert stylize("--quiet") == 130
    assert load_image("out.png").shape == (3, 24, 32)
    assert "the picture so far is in out.png" in capsys.readouterr().err
    assert not issubclass(RunInterrupted, console.ERRORS)


def test_ctrl_c_before_there_is_a_picture_writes_nothing(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(StyleTransfer, "run", functools.wraps(StyleTransfer.run)(raising(KeyboardInterrupt())))
    assert stylize("--quiet") == 130
    assert "interrupted" in capsys.readouterr().err
    assert written() == set()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_saves_the_picture_so_far_and_the_handlers_are_put_back(
    name: str, capsys: Capture, monkeypatch: Patch
) -> None:
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored

    def kill(_bar: object, _progress: Progress) -> None:
        assert signal.getsignal(number) is not signal.SIG_DFL
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # as timeout does

    monkeypatch.setattr(ProgressBar, "show", kill)
    assert stylize("--quiet") == 128 + number
    assert load_image("out.png").shape == (3, 24, 32)
    assert "the picture so far is in out.png" in capsys.readouterr().err
    assert signal.getsignal(number) is signal.SIG_DFL
    signal.signal(number, before)


def test_two_signals_at_once_and_more_during_the_save_leave_the_picture_so_far(monkeypatch: Patch) -> None:
    both = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in both]

    def kill(*_: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, both)
        for number in both:
            os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)

    def save(image: torch.Tensor, path: Path, **options: Any) -> None:
        monkeypatch.setattr(interrupts, "ONCE_SECONDS", 0.0)
        kill()
        save_image(image, path, **options)

    monkeypatch.setattr(ProgressBar, "show", kill)
    monkeypatch.setattr(output_files, "save_image", save)
    assert stylize("--quiet") in {128 + number for number in both}
    for number, handler in zip(both, before, strict=True):
        signal.signal(number, handler)
    assert load_image("out.png").shape == (3, 24, 32)
    assert all(signal.getsignal(number) is signal.SIG_DFL for number in both)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_finished_picture_is_written_does_not_lose_it(name: str, monkeypatch: Patch) -> None:
    number = getattr(signal, name)
    usual = signal.SIG_DFL if name == "SIGTERM" else signal.default_int_handler
    before = signal.signal(number, usual)

    def save(image: torch.Tensor, path: Path, **options: Any) -> None:
        os.kill(os.getpid(), number)
        save_image(image, path, **options)

    monkeypatch.setattr(output_files, "save_image", save)
    assert stylize("--quiet") == 0
    assert signal.getsignal(number) is usual
    signal.signal(number, before)
    assert load_image("out.png").shape == (3, 24, 32)


def test_in_another_thread_no_signal_is_handled(monkeypatch: Patch) -> None:
    monkeypatch.setattr(commands, "parse", lambda _argv: raising(KeyboardInterrupt())())
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(cli.main, []).result() == 130


def test_of_several_processes_none_is_kept_from_ending(monkeypatch: Patch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    seen: list[object] = []

    def parse(_argv: object) -> None:
        seen.append(signal.getsignal(signal.SIGTERM))
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "parse", parse)
    assert cli.main([]) == 130
    assert seen == [signal.SIG_DFL]


def test_a_signal_that_the_caller_ignores_or_handles_is_left_to_it(monkeypatch: Patch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(ProgressBar, "show", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    for handler in (signal.SIG_IGN, lambda number, _frame: seen.append(number)):
        signal.signal(signal.SIGTERM, handler)
        try:
            assert stylize("--quiet") == 0
            assert signal.getsignal(signal.SIGTERM) is handler
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert set(seen) == {signal.SIGTERM}
