"""Errors: one line that names the argument, before any work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from neural_style import cli, load_image, save_image
from neural_style.cli import commands
from neural_style.network.weights import WeightsUnavailableError
from small_commands import raising, stylize, written

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch
STYLIZE = "stylize photo.png art.png"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "COMMAND"),
        (f"{STYLIZE} --colour match", "--colour match"),
        ("texture art.png --regions sky.png", "--regions"),
        (f"{STYLIZE} --size big", "argument --size"),
        (f"{STYLIZE} --style-layers relu1_1=much", "argument --style-layers"),
        (f"{STYLIZE} --style-scales big", "argument --style-scales"),
        (f"{STYLIZE} --tile-size 8", "argument --tile-size"),
        (f"{STYLIZE} --rank-timeout 0", "argument --rank-timeout"),
        ("texture art.png --size 20x", "argument --size"),
        (f"{STYLIZE} --init content=0.7,noize=0.3", "init must .* Did you mean 'noise'"),
        (f"{STYLIZE} --optimizer sgd", "optimizer must"),
        (f"{STYLIZE} --pooling mox --weights narrow.pth", "pooling must .* Did you mean 'max'"),
        (f"{STYLIZE} --weights no.pth", "weights must"),
        (f"{STYLIZE} --style-weights 1,2", "--style-weights must"),
        ("stylize no.png art.png", "content must"),
        ("stylize photo.png no.png --weights narrow.pth", "style must"),
        ("stylize photo.png art.png text.png --weights narrow.pth", "style 2 must"),
        ("reconstruct photo.png relu9_9", "LAYER must"),
        ("learn art.png no.png -o f.pth", "painting 2 must"),
        ("learn art.png -o no/f.pth", "--output must"),
        ("learn art.png -o art.png", "--output must"),
    ],
)
def test_an_error_is_one_line_that_names_the_argument(words: str, named: str, capsys: Capture) -> None:
    Path("text.png").write_text("no picture")
    assert cli.main(words.split()) == 2
    out, error = capsys.readouterr()
    *before, last = error.splitlines()  # a note and the estimate may come before
    assert out == ""
    assert re.match(f"neural-style: error: .*{named}", last)
    assert not any("error" in line for line in before)
    assert written() == {"text.png"}


@pytest.mark.parametrize(
    "words",
    [
        f"{STYLIZE} -o no/out.png",
        f"{STYLIZE} -o out.gif",
        f"{STYLIZE} -o out.jpg --size 70000",  # more than JPEG can hold
        f"{STYLIZE} -o photo.png",
        f"{STYLIZE} -o same.png",
        "stylize photo.png monet -o monet/1.png",
        "stylize photo.png art.png --regions art2.png -o art2.png",
        "texture art.png -o art.png",
        "reconstruct photo.png relu1_1 -o photo.png",
        "demo -o no/cat.png",
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    words: str, capsys: Capture, recorder: Any
) -> None:
    Path("same.png").symlink_to("photo.png")
    Path("monet").mkdir()
    save_image(load_image("art.png"), "monet/1.png")
    before = Path("photo.png").read_bytes()
    assert cli.main(words.split()) == 2
    assert re.match(r"neural-style: error: .*--output must|.*52500×70000", capsys.readouterr().err)
    assert recorder.made == []
    assert Path("photo.png").read_bytes() == before


def test_only_one_process_makes_a_texture(monkeypatch: Patch, capsys: Capture) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert cli.main(["texture", "art.png", "--weights", "random"]) == 2
    assert "the ranks of texture must" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "text"), [(OSError("disk\n  full"), "disk full"), (MemoryError(), "MemoryError")]
)
def test_an_error_of_several_lines_or_none_is_one_line(
    error: Exception, text: str, capsys: Capture, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(commands, "check_writable", raising(error))
    assert stylize("--quiet") == 2
    assert capsys.readouterr().err.startswith(f"neural-style: error: {text}")


@pytest.mark.parametrize("error", [ZeroDivisionError(), RuntimeError("a fault of the package")])
def test_a_fault_of_the_package_is_not_hidden(error: Exception, monkeypatch: Patch) -> None:
    monkeypatch.setattr(commands, "check_writable", raising(error))
    with pytest.raises(type(error)):
        stylize()


@pytest.mark.parametrize("name", ["vgg19", "torchvision"])
def test_weights_that_are_unavailable_are_an_error_and_never_replaced(
    name: str, capsys: Capture, recorder: Any
) -> None:
    recorder.unavailable = WeightsUnavailableError("weights must be there; got none. Do this.")
    assert stylize("--weights", name, "--quiet") == 2
    assert capsys.readouterr().err.endswith("weights must be there; got none. Do this.\n")
    assert len(recorder.made) == 1
    assert written() == set()
