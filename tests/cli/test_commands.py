"""The commands: results, options, errors, interrupts."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import re
import runpy
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import __version__, cli, load_image, load_weights, save_image
from neural_style.cli import commands, console, interrupts
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.cli.progress_bar import ProgressBar
from neural_style.device.hardware import PRECISIONS
from neural_style.images.resizing import resize
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.source import learn_weights
from neural_style.network.weights import CONVENTIONS, NAMED_SOURCES, WeightsUnavailableError
from neural_style.optimizers.adam import Adam
from neural_style.optimizers.base import RunInterrupted
from neural_style.optimizers.lbfgs import LBFGS
from neural_style.transfer import StyleTransfer
from neural_style.transfer.callback import Progress
from neural_style.transfer.presets import PRESETS
from neural_style.transfer.starts import INITS

SMALL = ("--weights", "narrow.pth", "--size", "32", "--iterations", "1", "--levels", "1")
INPUTS = {"photo.png", "art.png", "art2.png", "narrow.pth"}

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def stylize(*more: str, out: str = "out.png") -> int:
    """Run ``stylize`` at its smallest; later options replace earlier ones."""
    return cli.main(["stylize", "photo.png", "art.png", "-o", out, *SMALL, *more])


def written() -> set[str]:
    """Return what lies in the folder besides the inputs."""
    return {path.name for path in Path().iterdir()} - INPUTS


def raising(error: BaseException) -> Callable[..., None]:
    def function(*_arguments: object, **_options: object) -> None:
        raise error

    return function


# Results -------------------------------------------------------------------------------------------------


def test_the_picture_is_the_librarys_and_of_the_size_asked_for(capsys: Capture) -> None:
    words = ["stylize", "photo.png", "art.png", *SMALL, "--size", "48", "--seed", "3"]
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"photo-art\.png: 48x36 pixels in \d+\.\d s\n", out)
    assert [line.split()[1] for line in err.splitlines()] == ["note:", "this"]  # enlarged; what it will take
    transfer = StyleTransfer(weights=RANDOM)
    image = transfer.run("photo.png", "art.png", size=48, iterations=1, levels=1, seed=3)
    assert torch.equal(load_image("photo-art.png"), image.mul(255).round() / 255)


def test_quiet_says_nothing_and_probes_nothing(capsys: Capture, recorder: Any) -> None:
    assert stylize("--quiet", "--size", "64") == 0
    assert capsys.readouterr() == ("", "")
    assert recorder.estimated == []
    assert written() == {"out.png"}


def test_what_it_will_take_is_said_before_the_run(capsys: Capture, recorder: Any, monkeypatch: Patch) -> None:
    monkeypatch.setattr(console, "available_memory", lambda _device: 2_900_000_000)
    assert stylize("--size", "24", "--iterations", "7", "--levels", "2") == 0
    schedule = {"iterations": 7, "levels": 2, "init": None, "preview": False}
    assert recorder.estimated == [{"size": (18, 24), "content": (24, 32), **schedule}]
    estimate, note = capsys.readouterr().err.splitlines()
    assert "1 min 15 s and 3.0 GB" in estimate
    assert "only 2.9 GB" in note


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    ("words", "noted"),
    [(["--size", "33"], True), (["--size", "32"], False), (["--size", "33", "--preview"], True)],
)
def test_only_an_enlarged_photograph_is_noted(words: list[str], noted: bool, capsys: Capture) -> None:
    assert stylize(*words) == 0
    assert ("is enlarged" in capsys.readouterr().err) is noted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"size": 512, "iterations": None, "levels": None, "init": None, "seed": 0}),
        ("", {"weights": "vgg19", "preset": "default", "device": "auto", "precision": "auto"}),
        ("", {"optimizer": LBFGS(), "compile": "auto", "tile_size": "auto", "match_colors": None}),
        ("", dict.fromkeys(("convention", "content_layers", "style_layers", "pooling", "padding"))),
        ("", dict.fromkeys(("content_weight", "style_weight", "variation_weight", "strength"))),
        ("--size original --preview", {"size": None, "preview": True}),
        ("--size 64 --iterations 7 --levels 2", {"size": 64, "iterations": 7, "levels": 2}),
        ("--iterations 9,7 --init noise --seed 5", {"iterations": [9, 7], "init": "noise", "seed": 5}),
        ("--init content=0.7,noise=0.3", {"init": {"content": 0.7, "noise": 0.3}}),
        ("--preset paper --weights random", {"preset": "paper", "weights": "random"}),
        ("--device cpu --precision float32 --compile off", {"precision": "float32", "compile": "off"}),
        ("--weights f.pth --convention caffe", {"weights": "f.pth", "convention": "caffe"}),
        ("--content-weight 2 --style-weight 3", {"content_weight": 2.0, "style_weight": 3.0}),
        ("--variation-weight 0 --strength 0.7", {"variation_weight": 0.0, "strength": 0.7}),
        ("--content-layers relu4_2", {"content_layers": ["relu4_2"]}),
        ("--style-layers relu1_1,relu2_1", {"style_layers": ["relu1_1", "relu2_1"]}),
        ("--style-layers relu1_1=0.5,relu2_1", {"style_layers": {"relu1_1": 0.5, "relu2_1": 1.0}}),
        ("--statistic gram", {"statistic": "gram"}),
        ("--color match --match-colors", {"color": "match", "match_colors": True}),
        ("--no-match-colors --pooling max", {"match_colors": False, "pooling": "max"}),
        ("--padding zeros --optimizer adam", {"padding": "zeros", "optimizer": Adam()}),
        ("--tile-size 96", {"tile_size": 96}),
        ("--tile-size none", {"tile_size": None}),
    ],
)
def test_the_options_reach_the_transfer_and_its_run(
    words: str, expected: dict[str, object], recorder: Any
) -> None:
    assert cli.main(["stylize", "photo.png", "art.png", *words.split()]) == 0
    given = recorder.made[0] | recorder.ran[0]
    assert {name: given[name] for name in expected} == expected


def test_a_picture_can_be_the_start(recorder: Any) -> None:
    assert stylize("--init", "art2.png") == 0
    assert torch.equal(recorder.ran[0]["init"][0], load_image("art2.png"))


def test_a_texture_and_a_reconstruction_are_made() -> None:
    small = ["--weights", "narrow.pth", "--iterations", "1"]
    texture = "texture art.png art2.png --size 48x32 --style-weights 1,2"
    assert cli.main([*texture.split(), *small]) == 0
    assert cli.main([*["reconstruct", "photo.png", "relu2_1", "--size", "64"], *small]) == 0
    assert load_image("art-texture.png").shape == (3, 32, 48)
    assert load_image("photo-relu2_1.png").shape == (3, 48, 64)


def test_a_texture_and_a_reconstruction_have_defaults_of_their_own(recorder: Any) -> None:
    assert cli.main(["texture", "art.png"]) == cli.main(["reconstruct", "photo.png", "relu1_1"]) == 0
    assert [recorder.made[0][name] for name in ("weights", "content_weight")] == ["vgg19", 0]
    assert [recorder.ran[0][name] for name in ("init", "levels", "iterations")] == ["colored-noise", None, 100]
    assert recorder.ran[0]["content"].shape == (3, 512, 512)
    assert [recorder.made[1][name] for name in ("weights", "style_weight")] == ["vgg19", 0]
    assert recorder.made[1]["content_layers"] == ["relu1_1"]
    names = ("init", "levels", "iterations", "size")
    assert [recorder.ran[1][name] for name in names] == ["noise", 1, 300, 256]


def test_the_demo_writes_its_picture_and_the_sheet_beside_it(capsys: Capture, recorder: Any) -> None:
    Path("here").mkdir()
    assert cli.main(["demo", "--size", "64", "--seed", "4", "-o", "here/cat.png"]) == 0
    assert {path.name for path in Path("here").iterdir()} == {"cat.png", "cat-sheet.png"}
    picture, row = load_image("here/cat.png"), load_image("here/cat-sheet.png")
    assert max(picture.shape[-2:]) == 64
    assert torch.equal(row[..., -picture.shape[-1] :], picture)
    assert recorder.made == [{}]
    assert recorder.ran[0]["seed"] == 4
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert cli.main(["demo", "--size", "original", "--quiet"]) == 0
    assert recorder.ran[1]["size"] is None


# Help ----------------------------------------------------------------------------------------------------


def test_the_help_lists_what_the_tables_have(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit) as leaving:
        cli.main(["stylize", "--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    for table in (PRESETS, POOLINGS, PADDINGS, PRECISIONS, CONVENTIONS, INITS, NAMED_SOURCES, OPTIMIZERS):
        assert ", ".join(table) in text


def test_the_version_is_the_packages(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"neural-style {__version__}\n"
    assert __version__ == importlib.metadata.version("neural-style-gatys")


def test_the_package_runs_as_a_module(monkeypatch: Patch) -> None:
    assert callable(runpy.run_module("neural_style.__main__", run_name="imported")["main"])
    monkeypatch.setattr(sys, "argv", ["neural-style", "stylize", "no.png", "art.png"])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_module("neural_style", run_name="__main__")
    assert leaving.value.code == 2


# Errors --------------------------------------------------------------------------------------------------

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
        "demo -o cat.png",
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    words: str, capsys: Capture, recorder: Any
) -> None:
    Path("same.png").symlink_to("photo.png")
    Path("monet").mkdir()
    save_image(load_image("art.png"), "monet/1.png")
    Path("cat-sheet.png").mkdir()
    before = Path("photo.png").read_bytes()
    assert cli.main(words.split()) == 2
    assert re.match(r"neural-style: error: .*--output must|.*52500×70000", capsys.readouterr().err)
    assert recorder.made == []
    assert Path("photo.png").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("stylize photo.png art.png", "photo-art.png"),
        ("texture art.png", "art-texture.png"),
        ("reconstruct photo.png relu1_1", "photo-relu1_1.png"),
        ("demo", "demo.png"),
        ("demo", "demo-sheet.png"),
        ("demo -o cat.png", "cat-sheet.png"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_the_command_line_does_not_name_is_not_replaced(
    words: str, name: str, there: bool, capsys: Capture, recorder: Any
) -> None:
    if there:
        Path(name).write_text("of the user's")
    else:
        Path(name).symlink_to("elsewhere.png")
    assert cli.main(words.split()) == 2
    assert re.match(rf"neural-style: error: .*'{name}' by default, which exists", capsys.readouterr().err)
    assert recorder.made == []
    assert not there or Path(name).read_text() == "of the user's"


@pytest.mark.usefixtures("recorder")
def test_a_file_that_the_command_line_names_is_replaced() -> None:
    for _ in range(2):
        assert cli.main(["stylize", "photo.png", "art.png", "-o", "photo-art.png", "--quiet"]) == 0


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


# Interrupts and notes ------------------------------------------------------------------------------------


def test_ctrl_c_saves_the_picture_so_far(capsys: Capture, monkeypatch: Patch) -> None:
    def interrupt(_bar: object, _progress: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "show", interrupt)
    assert stylize("--quiet") == 130
    assert load_image("out.png").shape == (3, 24, 32)
    assert "the picture so far is in out.png" in capsys.readouterr().err
    assert not issubclass(RunInterrupted, console.ERRORS)


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

    def save(image: torch.Tensor, **options: Any) -> None:
        monkeypatch.setattr(interrupts, "ONCE_SECONDS", 0.0)
        kill()
        save_image(image, **options)

    monkeypatch.setattr(ProgressBar, "show", kill)
    monkeypatch.setattr(commands, "save_image", save)
    assert stylize("--quiet") in {128 + number for number in both}
    for number, handler in zip(both, before, strict=True):
        signal.signal(number, handler)
    assert load_image("out.png").shape == (3, 24, 32)
    assert all(signal.getsignal(number) is signal.SIG_DFL for number in both)


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


def test_names_that_the_console_cannot_write_and_a_closed_pipe_end_nothing(monkeypatch: Patch) -> None:
    name = os.fsdecode(b"T\xc3\xbcbingen-\xff.png")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="ascii") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "stderr", pipe)
        assert stylize(out=name) == 0
    assert load_image(name).shape == (3, 24, 32)


def test_ctrl_c_before_there_is_a_picture_writes_nothing(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(StyleTransfer, "run", functools.wraps(StyleTransfer.run)(raising(KeyboardInterrupt())))
    assert stylize("--quiet") == 130
    assert "interrupted" in capsys.readouterr().err
    assert written() == set()


def test_a_warning_is_a_plain_line_unless_quiet(capsys: Capture, monkeypatch: Patch) -> None:
    def warning(*_arguments: object) -> Tensor:
        warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return torch.zeros(1, 3, 24, 32)

    monkeypatch.setattr(commands, "to_image_tensor", warning)
    assert stylize() == 0
    assert capsys.readouterr().err.startswith("neural-style: note: content has transparent parts\n")
    assert stylize("--quiet") == 0
    assert capsys.readouterr().err == ""


# Weights -------------------------------------------------------------------------------------------------


def test_the_default_is_made_without_a_network(monkeypatch: Patch) -> None:
    monkeypatch.setattr(socket, "socket", raising(OSError("no network")))
    words = ["stylize", "photo.png", "art.png", "--size", "32", "--iterations", "1", "--levels", "1"]
    assert cli.main([*words, "--quiet"]) == 0
    assert written() == {"photo-art.png"}


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize("quiet", [False, True])
def test_a_download_of_torchvisions_shows_its_own_bar_unless_quiet(quiet: bool, capsys: Capture) -> None:
    assert stylize("--weights", "torchvision", *(["--quiet"] if quiet else [])) == 0
    assert ("Downloading" in capsys.readouterr().err) is not quiet


@pytest.mark.parametrize("name", ["vgg19", "torchvision"])
def test_weights_that_are_unavailable_are_an_error_and_never_replaced(
    name: str, capsys: Capture, recorder: Any
) -> None:
    recorder.unavailable = WeightsUnavailableError("weights must be there; got none. Do this.")
    assert stylize("--weights", name, "--quiet") == 2
    assert capsys.readouterr().err.endswith("weights must be there; got none. Do this.\n")
    assert len(recorder.made) == 1
    assert written() == set()


def test_filters_are_learned_from_paintings(capsys: Capture) -> None:
    name = "filters.safetensors"
    assert cli.main(["learn", "art.png", "photo.png", "-o", name, "--size", "20", "--seed", "3"]) == 0
    assert re.fullmatch(rf"{name}: filters of 2 pictures in \d+\.\d s\n", capsys.readouterr().out)
    pictures = [load_image("art.png").unsqueeze(0), load_image("photo.png").unsqueeze(0)]
    sizes = [(20, 20), (15, 20)]
    expected = learn_weights([resize(one, size) for one, size in zip(pictures, sizes, strict=True)], seed=3)
    learned = load_weights(name)
    assert learned.self_taught
    assert all(torch.equal(value, expected.parameters[key]) for key, value in learned.parameters.items())


def test_paintings_are_learned_no_larger_than_they_are(monkeypatch: Patch, capsys: Capture) -> None:
    asked: list[list[tuple[int, ...]]] = []

    def learn(pictures: list[Tensor], *, seed: int) -> Any:
        assert seed == 0
        asked.append([tuple(picture.shape[-2:]) for picture in pictures])
        return RANDOM

    monkeypatch.setattr(commands, "learn_weights", learn)
    for words in ("art.png", "art.png photo.png --size original", "art.png photo.png --size 16"):
        assert cli.main(["learn", *words.split(), "-o", "f.pth", "--quiet"]) == 0
    assert asked == [[(40, 40)], [(40, 40), (24, 32)], [(16, 16), (12, 16)]]
    assert capsys.readouterr() == ("", "")
