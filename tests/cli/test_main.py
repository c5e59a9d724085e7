"""What people type, and what they read: results, notices, errors, progress, interrupts."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import io
import os
import re
import runpy
import socket
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from neural_style.cli.progress import ProgressBar
from torch import Tensor

from narrow import RANDOM, TAUGHT
from neural_style import Estimate, Objective, __version__, cli, load_image, load_weights, save_image
from neural_style.cli import build, messages
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.device.hardware import PRECISIONS
from neural_style.images.resizing import fit_within, resize
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.source import learn_weights
from neural_style.network.weights import CONVENTIONS, NAMED_SOURCES, Weights, WeightsUnavailableError
from neural_style.optimizers import LBFGS, Adam
from neural_style.transfer import StyleTransfer, evaluator
from neural_style.transfer.presets import PRESETS
from neural_style.transfer.progress import Progress, RunInterrupted
from neural_style.transfer.starts import INITS

cli_main = sys.modules["neural_style.cli.main"]  # as an attribute of the room it is the function

SMALL = ("--weights", "narrow.pth", "--size", "32", "--iterations", "1", "--levels", "1")

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def in_a_folder_with_two_pictures(tmp_path: Path, monkeypatch: Patch) -> None:
    """Work in an empty folder with photo.png (32×24), art.png (40×40) and the weights narrow.pth."""
    monkeypatch.chdir(tmp_path)
    generator = torch.Generator().manual_seed(0)
    save_image(torch.rand(3, 24, 32, generator=generator), "photo.png")
    save_image(torch.rand(3, 40, 40, generator=generator), "art.png")
    RANDOM.save("narrow.pth")


def stylize(*more: str, out: str | None = "out.png") -> int:
    """Run ``stylize`` at its smallest; later options replace earlier ones."""
    output = [] if out is None else ["-o", out]
    return cli.main(["stylize", "photo.png", "art.png", *output, *SMALL, *more])


def written() -> set[str]:
    """Return what lies in the folder besides the inputs."""
    return {path.name for path in Path().iterdir()} - {"photo.png", "art.png", "narrow.pth"}


ESTIMATE = "neural-style: this will take about 1 min 15 s and 3.0 GB of memory\n"


@dataclass
class Recorder:
    """What `StyleTransfer` was made with and asked for, in place of the work."""

    made: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    estimated: list[dict[str, Any]] = field(default_factory=list)
    unavailable: Exception | None = None


@pytest.fixture
def recorder(monkeypatch: Patch) -> Recorder:
    """Put a `StyleTransfer` in place that records, talks as torch does, and returns grey at once."""
    record = Recorder()

    @functools.wraps(StyleTransfer.__init__)
    def init(_self: StyleTransfer, **options: Any) -> None:
        record.made.append(options)
        _self.device = torch.device("cpu")
        if options.get("weights") == "torchvision":
            sys.stderr.write("Downloading: torch's own words\n")
        if record.unavailable is not None:
            raise record.unavailable

    @functools.wraps(StyleTransfer.run)
    def run(_self: StyleTransfer, content: Tensor, style: Tensor, **options: Any) -> Tensor:
        record.asked.append({**options, "content": content, "style": style})
        own = (content.shape[-2], content.shape[-1])
        size = own if options["size"] is None else fit_within(own, options["size"])
        return torch.full((1, 3, *size), 0.5)

    def estimate(_self: StyleTransfer, size: tuple[int, int], **schedule: Any) -> Estimate:
        record.estimated.append({"size": size, **schedule})
        return Estimate(seconds=75, bytes=3_000_000_000, flops=1)

    monkeypatch.setattr(StyleTransfer, "__init__", init)
    monkeypatch.setattr(StyleTransfer, "estimate", estimate)
    monkeypatch.setattr(messages, "available_memory", lambda _device: None)
    monkeypatch.setattr(StyleTransfer, "run", run)
    return record


# A run ---------------------------------------------------------------------------------------------------


def test_a_picture_of_the_size_asked_for_is_written_and_told(capsys: Capture) -> None:
    assert stylize("--size", "48") == 0
    assert load_image("out.png").shape == (3, 36, 48)
    told = capsys.readouterr()
    assert re.fullmatch(r"out\.png: 48x36 pixels in \d+\.\d s\n", told.out)
    note, estimate, level = told.err.splitlines()
    text = "note: the photograph has 32x24 pixels and is enlarged; --size original keeps its size"
    assert note == f"neural-style: {text}"
    assert re.fullmatch(r"neural-style: this will take about .* and \d+ MB of memory", estimate)
    assert level == "level 1/1: 48x36 pixels, steps: 1"


def test_what_it_will_take_is_told_before_the_run(
    capsys: Capture, recorder: Recorder, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(messages, "available_memory", lambda _device: 3_000_000_000)
    assert stylize("--size", "24", "--iterations", "7", "--levels", "2") == 0
    assert recorder.estimated == [
        {"size": (18, 24), "iterations": 7, "levels": 2, "init": None, "preview": False}
    ]
    assert capsys.readouterr().err == ESTIMATE


def test_too_little_memory_is_told_before_the_run(
    capsys: Capture, recorder: Recorder, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(messages, "available_memory", lambda _device: 2_900_000_000)
    assert stylize("--size", "48") == 0
    assert len(recorder.estimated) == 1
    note = "note: only 2.9 GB of memory are free. A smaller --size needs less, in proportion to its square."
    assert capsys.readouterr().err.splitlines()[-1] == f"neural-style: {note}"


def test_a_quiet_run_takes_no_probe(recorder: Recorder) -> None:
    assert stylize("--quiet") == 0
    assert recorder.estimated == []


def test_the_picture_is_the_librarys() -> None:
    assert stylize("--seed", "3") == 0
    transfer = StyleTransfer(weights=RANDOM)
    image = transfer.run("photo.png", "art.png", size=32, iterations=1, levels=1, seed=3)
    assert torch.equal(load_image("out.png"), image.mul(255).round() / 255)


def test_the_output_is_named_after_both_pictures_where_it_is_left_out() -> None:
    assert stylize(out=None) == 0
    assert written() == {"photo-art.png"}


def test_quiet_says_nothing(capsys: Capture) -> None:
    assert stylize("--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert written() == {"out.png"}


def test_the_original_size_is_the_contents_own(capsys: Capture) -> None:
    assert stylize("--size", "original") == 0
    assert load_image("out.png").shape == (3, 24, 32)
    assert "32x24 pixels" in capsys.readouterr().out


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    ("words", "told"),
    [(["--size", "33"], True), (["--size", "32"], False), (["--size", "33", "--preview"], True)],
)
def test_only_an_enlarged_photograph_is_told_of(words: list[str], told: bool, capsys: Capture) -> None:
    assert stylize(*words) == 0
    assert ("is enlarged" in capsys.readouterr().err) is told


def test_quality_decides_the_size_of_a_jpeg() -> None:
    for quality in ("10", "100"):
        assert stylize("--quality", quality, out=f"{quality}.jpg") == 0
    assert Path("10.jpg").stat().st_size < Path("100.jpg").stat().st_size


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((), {"size": 512, "iterations": None, "levels": None, "init": None, "seed": 0}),
        (("--size", "original"), {"size": None}),
        (("--size", "64"), {"size": 64}),
        (("--iterations", "7"), {"iterations": 7}),
        (("--iterations", "9,7"), {"iterations": [9, 7]}),
        (("--levels", "2"), {"levels": 2}),
        (("--init", "noise"), {"init": "noise"}),
        (("--seed", "5"), {"seed": 5}),
        (("--preview",), {"preview": True}),
    ],
)
def test_the_options_of_a_run_reach_it(
    recorder: Recorder, given: tuple[str, ...], asked: dict[str, object]
) -> None:
    assert cli.main(["stylize", "photo.png", "art.png", "--weights", "random", *given]) == 0
    assert {name: recorder.asked[0][name] for name in asked} == asked


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((), {"preset": "default", "device": "auto", "precision": "auto", "optimizer": LBFGS()}),
        ((), dict.fromkeys(("convention", "content_layers", "style_layers", "pooling", "padding"))),
        ((), {"match_colors": None}),
        ((), dict.fromkeys(("content_weight", "style_weight", "variation_weight"))),
        (("--preset", "paper"), {"preset": "paper"}),
        (("--device", "cpu", "--precision", "float32"), {"device": "cpu", "precision": "float32"}),
        ((), {"compile": "auto"}),
        (("--compile", "off"), {"compile": "off"}),
        (("--convention", "caffe"), {"convention": "caffe"}),
        (("--content-weight", "2", "--style-weight", "3"), {"content_weight": 2.0, "style_weight": 3.0}),
        (("--variation-weight", "0"), {"variation_weight": 0.0}),
        (("--content-layers", "relu4_2"), {"content_layers": ["relu4_2"]}),
        (("--style-layers", "relu1_1, relu2_1"), {"style_layers": ["relu1_1", "relu2_1"]}),
        (("--style-layers", "relu1_1=0.5,relu2_1"), {"style_layers": {"relu1_1": 0.5, "relu2_1": 1.0}}),
        (("--match-colors",), {"match_colors": True}),
        (("--no-match-colors",), {"match_colors": False}),
        (("--pooling", "max", "--padding", "zeros"), {"pooling": "max", "padding": "zeros"}),
        (("--optimizer", "adam"), {"optimizer": Adam()}),
    ],
)
def test_the_options_of_a_transfer_reach_it(
    recorder: Recorder, given: tuple[str, ...], made: dict[str, object]
) -> None:
    assert cli.main(["stylize", "photo.png", "art.png", "--weights", "random", *given]) == 0
    assert {name: recorder.made[0][name] for name in made} == made


def test_a_picture_can_be_the_start(recorder: Recorder) -> None:
    assert stylize("--init", "art.png") == 0
    assert torch.equal(recorder.asked[0]["init"][0], load_image("art.png"))


def test_the_help_lists_what_the_tables_have_and_their_defaults(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit) as leaving:
        cli.main(["stylize", "--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    for table in (PRESETS, POOLINGS, PADDINGS, PRECISIONS, CONVENTIONS, INITS, NAMED_SOURCES, OPTIMIZERS):
        assert ", ".join(table) in text
    for default in ("512", "0", "95", "auto", "default", "lbfgs", "vgg19"):
        assert f"(default: {default})" in text


def test_the_version_is_the_packages(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"neural-style {importlib.metadata.version('neural-style-gatys')}\n"
    assert __version__ == importlib.metadata.version("neural-style-gatys")


def test_the_package_runs_as_a_module(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(sys, "argv", ["neural-style", "stylize", "no.png", "art.png"])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_module("neural_style", run_name="__main__")
    assert leaving.value.code == 2
    assert capsys.readouterr().err.startswith("neural-style: error: content must be a file that exists")


def test_importing_the_module_runs_nothing() -> None:
    assert callable(runpy.run_module("neural_style.__main__", run_name="imported")["main"])


# Errors --------------------------------------------------------------------------------------------------

WHOLE = "must be a whole number"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("--size", "big"), f"argument --size: {WHOLE} of at least 1 or 'original'; got 'big'."),
        (("--size", "0"), f"argument --size: {WHOLE} of at least 1 or 'original'; got '0'."),
        (("--seed", "-1"), f"argument --seed: {WHOLE} from 0 to 2^63 - 1; got '-1'."),
        (("--quality", "101"), f"argument --quality: {WHOLE} from 1 to 100; got '101'."),
        (
            ("--iterations", "3,x"),
            f"argument --iterations: {WHOLE} of at least 1, or several with commas between; got 'x'.",
        ),
        (
            ("--style-layers", "relu1_1=much"),
            "argument --style-layers: must be NAME or NAME=NUMBER; got 'relu1_1=much'.",
        ),
        (("--levels", "two"), "argument --levels: invalid int value: 'two'."),
    ],
)
def test_what_cannot_be_read_is_one_line_that_leads_to_the_help(
    given: tuple[str, ...], text: str, capsys: Capture
) -> None:
    assert stylize(*given) == 2
    see = " See: neural-style stylize --help\n"
    assert capsys.readouterr() == ("", f"neural-style: error: {text}{see}")
    assert written() == set()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("--pooling", "mox"), "pooling must be one of 'average', 'max'; got 'mox'. Did you mean 'max'?"),
        (
            ("--optimizer", "sgd"),
            "optimizer must be one of 'lbfgs', 'torch-lbfgs', 'adam'; got 'sgd'. Choose one of them.",
        ),
        (("--levels", "0"), "levels must be at least 1; got 0. Give 1 or more."),
        (
            ("--style-layers", "relu4_5"),
            "style_layers must be names of VGG-19 layers; got 'relu4_5'. Did you mean 'relu4_4'?",
        ),
        (
            ("--weights", "no.pth"),
            "weights must be a known name or an existing file; got 'no.pth'. "
            "Give one of 'vgg19', 'torchvision', 'random', or the path of a weight file.",
        ),
    ],
)
def test_what_the_library_refuses_is_one_line(given: tuple[str, ...], text: str, capsys: Capture) -> None:
    assert stylize(*given) == 2
    assert capsys.readouterr() == ("", f"neural-style: error: {text}\n")
    assert written() == set()


@pytest.mark.parametrize(
    ("out", "text"),
    [
        ("no/out.png", "--output must lie in a folder that exists; got 'no/out.png'. Make the folder first."),
        ("out.gif", "the suffix of --output must be one of '.png', "),
        ("photo.png", "--output must leave the other files alone; got 'photo.png'. Give it a name of its own."),
        ("./art.png", "--output must leave the other files alone; got 'art.png'. Give it a name of its own."),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_run(
    out: str, text: str, capsys: Capture, recorder: Recorder
) -> None:
    before = Path("photo.png").read_bytes(), Path("art.png").read_bytes()
    assert stylize(out=out) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"neural-style: error: {text}")
    assert told.err.count("\n") == 1
    assert recorder.made == recorder.asked == []
    assert written() == set()
    assert before == (Path("photo.png").read_bytes(), Path("art.png").read_bytes())


def test_a_link_to_an_input_is_no_output_either(capsys: Capture, recorder: Recorder) -> None:
    os.link("photo.png", "same.png")
    assert stylize(out="same.png") == 2
    assert "--output must leave the other files alone; got 'same.png'." in capsys.readouterr().err
    assert recorder.made == []


def test_a_format_too_small_for_the_result_is_refused_before_the_run(
    capsys: Capture, recorder: Recorder
) -> None:
    assert stylize("--size", "70000", out="out.jpg") == 2
    assert "65500 pixels a side; got 52500×70000 for 'out.jpg'." in capsys.readouterr().err
    assert recorder.made == []


def test_a_start_that_is_neither_a_name_nor_a_file_is_an_error(capsys: Capture) -> None:
    assert stylize("--init", "no.png") == 2
    text = (
        "init must be one of 'content', 'style', 'noise', 'colored-noise', an existing file or a picture; got"
    )
    assert capsys.readouterr().err.startswith(f"neural-style: error: {text}")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "stylize photo.png art.png --colour match",
            "unrecognized arguments: --colour match. Did you mean --color? See: neural-style stylize --help",
        ),
        (
            "stylize photo.png art.png --colour=match",
            "unrecognized arguments: --colour=match. Did you mean --color? See: neural-style stylize --help",
        ),
        (
            "--quiet stylize photo.png art.png",
            "unrecognized arguments: --quiet. Write --quiet after stylize. See: neural-style stylize --help",
        ),
        (
            "texture art.png --regions sky.png",
            "unrecognized arguments: --regions sky.png. See: neural-style texture --help",
        ),
        (
            "texture art.png --size 20x",
            "argument --size: must be a whole number of at least 1, or WIDTHxHEIGHT; got '20x'. See: ",
        ),
        (
            "stylize photo.png art.png --init content=0.7,noize=0.3",
            "argument --init: must have weights of content, style, noise, colored-noise; got 'content=0.7,",
        ),
    ],
)
def test_a_slip_of_the_keys_is_told_with_what_there_is(line: str, text: str, capsys: Capture) -> None:
    assert cli.main(line.split()) == 2
    assert capsys.readouterr().err.startswith(f"neural-style: error: {text}")


def test_a_picture_that_is_none_is_an_error(capsys: Capture) -> None:
    Path("text.png").write_text("no picture")
    assert cli.main(["stylize", "photo.png", "text.png"]) == 2
    text = "style must be a picture that Pillow reads; got 'text.png'."
    assert capsys.readouterr().err.startswith(f"neural-style: error: {text}")


def test_an_error_of_several_lines_or_none_is_told_in_one(capsys: Capture, monkeypatch: Patch) -> None:
    for error, text in ((OSError("disk\n  full"), "disk full"), (MemoryError(), "MemoryError")):
        monkeypatch.setattr(cli_main, "check_writable", raising(error))
        assert stylize("--quiet") == 2
        assert capsys.readouterr().err == f"neural-style: error: {text}\n"


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: Patch) -> None:
    monkeypatch.setattr(cli_main, "check_writable", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        stylize()


def raising(error: BaseException) -> Callable[..., None]:
    def function(*_arguments: object, **_options: object) -> None:
        raise error

    return function


def test_without_a_command_the_message_asks_for_one(capsys: Capture) -> None:
    assert cli.main([]) == 2
    text = "the following arguments are required: COMMAND. See: neural-style --help"
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"


# Interrupts ----------------------------------------------------------------------------------------------


def test_ctrl_c_saves_the_picture_so_far(capsys: Capture, monkeypatch: Patch) -> None:
    def interrupt(_bar: object, _progress: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "show", interrupt)
    assert stylize("--quiet") == 130
    assert load_image("out.png").shape == (3, 24, 32)
    assert capsys.readouterr() == ("", "neural-style: interrupted; the picture so far is in out.png\n")
    assert written() == {"out.png"}


def test_ctrl_c_before_there_is_a_picture_writes_nothing(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(StyleTransfer, "run", functools.wraps(StyleTransfer.run)(raising(KeyboardInterrupt())))
    assert stylize() == 130
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == "neural-style: interrupted before there was a picture"
    assert written() == set()


def test_an_interrupted_run_is_no_error_of_its_own() -> None:
    assert not issubclass(RunInterrupted, cli_main.ERRORS)


# Weights -------------------------------------------------------------------------------------------------

DEFAULT = ("stylize", "photo.png", "art.png", "-o", "out.png", "--size", "32", "--iterations", "1")


def test_the_packaged_network_is_the_default_of_every_command(recorder: Recorder) -> None:
    Path("jobs.csv").write_text("content,style,output\nphoto.png,art.png,batch.png\n")
    for words in (
        DEFAULT,
        ("texture", "art.png", "--size", "32"),
        ("reconstruct", "photo.png", "relu1_1", "--size", "32"),
        ("batch", "jobs.csv"),
    ):
        assert cli.main([*words, "--quiet"]) == 0
    assert [made["weights"] for made in recorder.made] == ["vgg19"] * 4


def test_the_default_is_made_without_a_network_and_nothing_is_said_of_its_weights(
    capsys: Capture, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(socket, "socket", raising(OSError("no network")))
    assert cli.main([*DEFAULT, "--levels", "1"]) == 0
    assert capsys.readouterr().err.count("\n") == 2  # what it will take, and the level
    assert written() == {"out.png"}


@pytest.mark.parametrize("quiet", [False, True])
def test_a_download_of_torchvisions_shows_its_own_bar_unless_quiet(
    quiet: bool, capsys: Capture, recorder: Recorder
) -> None:
    assert cli.main([*DEFAULT, "--weights", "torchvision", *(["--quiet"] if quiet else [])]) == 0
    assert capsys.readouterr().err == ("" if quiet else f"Downloading: torch's own words\n{ESTIMATE}")
    assert [made["weights"] for made in recorder.made] == ["torchvision"]


@pytest.mark.parametrize("name", ["vgg19", "torchvision"])
def test_weights_that_cannot_be_had_are_an_error_and_never_replaced(
    name: str, capsys: Capture, recorder: Recorder
) -> None:
    recorder.unavailable = WeightsUnavailableError("weights must be there; got none. Do this.")
    assert cli.main([*DEFAULT, "--weights", name, "--quiet"]) == 2
    assert capsys.readouterr().err == "neural-style: error: weights must be there; got none. Do this.\n"
    assert len(recorder.made) == 1
    assert written() == set()


@pytest.mark.parametrize("name", ["filters.pth", "filters.safetensors"])
def test_filters_are_learned_from_paintings_and_serve(name: str, capsys: Capture, recorder: Recorder) -> None:
    assert cli.main(["learn", "art.png", "photo.png", "-o", name, "--size", "20", "--seed", "3"]) == 0
    assert re.fullmatch(rf"{name}: filters of 2 pictures in \d+\.\d s\n", capsys.readouterr().out)
    pictures = [load_image("art.png").unsqueeze(0), load_image("photo.png").unsqueeze(0)]
    sizes = [(20, 20), (15, 20)]
    expected = learn_weights([resize(one, size) for one, size in zip(pictures, sizes, strict=True)], seed=3)
    learned = load_weights(name)
    assert learned.self_taught
    assert all(torch.equal(value, expected.parameters[key]) for key, value in learned.parameters.items())
    assert cli.main([*DEFAULT, "--weights", name, "--quiet"]) == 0
    assert recorder.made[0]["weights"] == name


@pytest.fixture
def learned(monkeypatch: Patch) -> list[list[tuple[int, ...]]]:
    """Return the shapes of the pictures that filters were asked of, instead of learning any."""
    asked: list[list[tuple[int, ...]]] = []

    def learn(pictures: list[Tensor], *, seed: int) -> Weights:
        assert seed == 0
        asked.append([tuple(picture.shape[-2:]) for picture in pictures])
        return TAUGHT

    monkeypatch.setattr(cli_main, "learn_weights", learn)
    return asked


def test_paintings_are_learned_no_larger_than_they_are(
    learned: list[list[tuple[int, ...]]], capsys: Capture
) -> None:
    assert cli.main(["learn", "art.png", "-o", "f.pth", "--quiet"]) == 0
    assert cli.main(["learn", ".", "-o", "f.pth", "--size", "original", "--quiet"]) == 0
    assert cli.main(["learn", ".", "-o", "f.pth", "--size", "16", "--quiet"]) == 0
    assert learned == [[(40, 40)], [(40, 40), (24, 32)], [(16, 16), (12, 16)]]
    assert capsys.readouterr() == ("", "")


FILTERS = "--output must"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            ("no/filters.pth",),
            f"{FILTERS} lie in a folder that exists; got 'no/filters.pth'. Make the folder first.",
        ),
        ((".",), f"{FILTERS} name a file; got '.', a folder. Add a file name."),
        (("art.png",), f"{FILTERS} leave the other files alone; got 'art.png'. Give it a name of its own."),
        (
            ("f.safetensors",),
            f"{FILTERS} end in .pth where safetensors is not installed; got 'f.safetensors'. "
            "Choose .pth, or install safetensors.",
        ),
        (
            ("f.pth", "no.png"),
            "painting 2 must be a file that exists; got 'no.png'. Check the path.",
        ),
    ],
)
def test_filters_that_could_not_be_learned_or_saved_are_refused_before_any_work(
    given: tuple[str, ...],
    text: str,
    capsys: Capture,
    learned: list[list[tuple[int, ...]]],
    monkeypatch: Patch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert cli.main(["learn", "art.png", *given[1:], "-o", given[0]]) == 2
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert learned == []
    assert written() == set()


# Messages and progress -----------------------------------------------------------------------------------


def test_a_warning_about_a_picture_is_a_plain_line(capsys: Capture, monkeypatch: Patch) -> None:
    def warning(*_arguments: object) -> Tensor:
        warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return torch.zeros(1, 3, 24, 32)

    monkeypatch.setattr(cli_main, "to_image_tensor", warning)
    assert stylize() == 0
    line = "neural-style: note: content has transparent parts\n"
    assert capsys.readouterr().err.startswith(line + "neural-style: this will take about")
    assert stylize("--quiet") == 0
    assert capsys.readouterr().err == ""


def test_a_warning_during_the_run_is_told_as_it_comes_and_once(capsys: Capture, monkeypatch: Patch) -> None:
    evaluate, told = Objective.value_and_grad, []

    def warning(objective: Objective, image: Tensor) -> tuple[Tensor, Tensor]:
        warnings.warn("tiles of 64 pixels", RuntimeWarning, stacklevel=2)
        told.append(capsys.readouterr().err)
        return evaluate(objective, image)

    monkeypatch.setattr(Objective, "value_and_grad", warning)
    assert stylize("--iterations", "3") == 0
    assert ["tiles of 64 pixels" in text for text in told] == [True, *[False] * (len(told) - 1)]
    assert len(told) >= 3


def test_a_note_on_a_terminal_takes_the_bars_place(monkeypatch: Patch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with messages.warnings_told(quiet=False):
        warnings.warn("tiles of 64 pixels", RuntimeWarning, stacklevel=1)
    assert stream.getvalue() == "\r\x1b[Kneural-style: note: tiles of 64 pixels\n"


@pytest.mark.parametrize(("word", "tile_size"), [("96", 96), ("auto", "auto"), ("none", None)])
def test_a_tile_size_reaches_the_transfer(word: str, tile_size: object, monkeypatch: Patch) -> None:
    made: list[object] = []

    def remember(**options: Any) -> StyleTransfer:
        made.append(options["tile_size"])
        return StyleTransfer(**options)

    monkeypatch.setattr(build, "StyleTransfer", remember)
    assert stylize("--tile-size", word) == 0
    assert made == [tile_size]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--tile-size", "100"), "tile_size must be a multiple of 16; got 100. The nearest is 96."),
        (
            ("--tile-size", "8"),
            "argument --tile-size: must be a whole number of at least 16, 'auto' or 'none'; got '8'",
        ),
        (("--rank-timeout", "0"), "argument --rank-timeout: must be a number of more than 0; got '0'"),
        (("--rank-timeout", "soon"), "argument --rank-timeout: must be a number of more than 0; got 'soon'"),
    ],
)
def test_bad_tiles_and_timeouts_are_one_line(words: tuple[str, ...], text: str, capsys: Capture) -> None:
    assert stylize(*words) == 2
    assert f"neural-style: error: {text}" in capsys.readouterr().err


def test_a_timeout_is_in_seconds() -> None:
    assert stylize("--rank-timeout", "2.5") == 0


def test_a_picture_that_cannot_fit_is_one_line(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(evaluator, "available_memory", lambda _device: 10**8)
    assert stylize("--size", "5000") == 2
    line = "neural-style: error: the result must fit into the 0.1 GB of memory that are free; got 3750×5000. "
    assert line in capsys.readouterr().err


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Loss:
    """A loss that counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def item(self) -> float:
        self.reads += 1
        return 0.123456


def progress(fraction: float, *, level: int = 1, step: int = 1, loss: object = None) -> Progress:
    """Return what a run of two levels tells."""
    return Progress(
        level=level,
        levels=2,
        size=(24 * level, 32 * level),
        step=step,
        steps=10,
        fraction=fraction,
        loss=loss or Loss(),  # type: ignore[arg-type]  # a tensor, of which only item() is used
        terms={},
        image=torch.zeros(1, 3, 24, 32),
    )


class Clock:
    """A clock that tests set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_on_a_terminal_one_line_shows_level_size_step_loss_and_the_remaining_time() -> None:
    stream, clock = Terminal(), Clock()
    with ProgressBar(stream, quiet=False, clock=clock) as bar:
        assert stream.getvalue() == "\rpreparing the network"
        bar.show(progress(0.1))
        line = "[##------------------]  level 1/2  32x24  step 1/10  loss 0.1235"
        assert stream.getvalue().split("\r")[-1].rstrip() == line
        clock.now += 30  # 0.4 of the work in 30 s: the other half takes 37.5 s
        bar.show(progress(0.5, level=2, step=4))
        line = "[##########----------]  level 2/2  64x48  step 4/10  loss 0.1235  0:38 left"
        assert stream.getvalue().split("\r")[-1] == line
    assert stream.getvalue().endswith(f"\r{line}\r{' ' * len(line)}\r")
    assert "\n" not in stream.getvalue()


def test_a_terminals_line_is_redrawn_ten_times_a_second_and_the_loss_read_no_more_often() -> None:
    stream, clock, loss = Terminal(), Clock(), Loss()
    with ProgressBar(stream, quiet=False, clock=clock) as bar:
        for step in range(1, 101):
            bar.show(progress(step / 100, step=step, loss=loss))
            clock.now += 0.025
    assert 20 <= loss.reads <= 26


def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    stream = Terminal()
    bar = ProgressBar(stream, quiet=False)
    bar._draw("long line")
    bar._draw("short")
    assert stream.getvalue() == "\rlong line\rshort    "


def test_a_line_is_never_wider_than_the_terminal(monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    with ProgressBar(stream, quiet=False) as bar:
        bar.show(progress(0.1))
    assert max(len(line) for line in stream.getvalue().split("\r")) == 19


def test_hours_and_minutes_are_told_as_minutes() -> None:
    stream, clock = io.StringIO(), Clock()
    with ProgressBar(stream, quiet=False, clock=clock) as bar:
        bar.show(progress(0.0))
        clock.now += 2000
        bar.show(progress(0.25, level=2))
    assert stream.getvalue().splitlines()[1] == "level 2/2: 64x48 pixels, steps: 10, 100:00 left"


def test_without_a_terminal_there_is_a_line_a_level_and_the_loss_is_never_read() -> None:
    stream, clock, loss = io.StringIO(), Clock(), Loss()
    with ProgressBar(stream, quiet=False, clock=clock) as bar:
        for fraction, level in ((0.1, 1), (0.2, 1), (0.6, 2), (0.8, 2)):
            bar.show(progress(fraction, level=level, loss=loss))
            clock.now += 1
    lines = ["level 1/2: 32x24 pixels, steps: 10", "level 2/2: 64x48 pixels, steps: 10, 0:02 left"]
    assert stream.getvalue().splitlines() == lines
    assert loss.reads == 0


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_quiet_shows_no_progress(stream: io.StringIO) -> None:
    with ProgressBar(stream, quiet=True) as bar:
        bar.show(progress(0.5))
    assert stream.getvalue() == ""


def test_the_bar_is_gone_from_a_terminal_also_after_an_error() -> None:
    stream = Terminal()
    with pytest.raises(ValueError, match="no"), ProgressBar(stream, quiet=False):
        raise ValueError("no")
    assert stream.getvalue().endswith(f"\r{' ' * len('preparing the network')}\r")


# The demo ------------------------------------------------------------------------------------------------


def test_the_demo_writes_its_picture_and_the_sheet(capsys: Capture, recorder: Recorder) -> None:
    assert cli.main(["demo", "--size", "64"]) == 0
    assert written() == {"demo.png", "demo-sheet.png"}
    height, width = load_image("demo.png").shape[-2:]
    assert max(height, width) == 64
    row = load_image("demo-sheet.png")
    assert row.shape[-2] == height
    assert torch.equal(row[..., -width:], load_image("demo.png"))
    assert recorder.made == [{}]
    assert recorder.asked[0]["seed"] == 0
    picture, sheet = capsys.readouterr().out.splitlines()
    assert picture.startswith(f"demo.png: {width}x{height} pixels in ")
    assert sheet == "demo-sheet.png: the photograph, the painting and the result"


def test_the_demo_may_have_the_photographs_own_size(recorder: Recorder) -> None:
    assert cli.main(["demo", "--size", "original"]) == 0
    assert recorder.estimated[0]["size"] == load_image("demo.png").shape[-2:]


def test_the_demos_sheet_lies_beside_its_picture(recorder: Recorder) -> None:
    Path("here").mkdir()
    assert cli.main(["demo", "-o", "here/cat.jpg", "--seed", "4", "--quiet"]) == 0
    assert {path.name for path in Path("here").iterdir()} == {"cat.jpg", "cat-sheet.jpg"}
    assert recorder.asked[0]["seed"] == 4
    assert recorder.asked[0]["size"] == 384


def test_the_demos_sheet_is_checked_before_the_run_too(capsys: Capture, recorder: Recorder) -> None:
    Path("demo-sheet.png").mkdir()
    assert cli.main(["demo"]) == 2
    text = "--output must name a file; got 'demo-sheet.png', a folder. Add a file name."
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert recorder.made == []


def test_the_demo_needs_no_network(monkeypatch: Patch) -> None:
    monkeypatch.setattr(socket, "socket", raising(OSError("no network")))
    narrow = functools.partial(StyleTransfer, weights=RANDOM, style_layers=["relu2_1"])
    monkeypatch.setattr(cli_main, "StyleTransfer", functools.wraps(StyleTransfer)(narrow))
    monkeypatch.setattr(narrow, "run", StyleTransfer.run, raising=False)
    assert cli.main(["demo", "--size", "32", "--quiet"]) == 0
    assert written() == {"demo.png", "demo-sheet.png"}


def test_memory_that_a_cpu_has_not_is_a_line_and_any_other_fault_a_traceback(
    monkeypatch: Patch, capsys: Capture
) -> None:
    def fail(text: str) -> int:
        raise RuntimeError(text)

    monkeypatch.setitem(cli_main.COMMANDS, "demo", lambda _: fail("DefaultCPUAllocator: can't allocate memory"))
    assert cli.main(["demo"]) == 2
    assert "error: DefaultCPUAllocator: can't allocate memory" in capsys.readouterr().err
    monkeypatch.setitem(cli_main.COMMANDS, "demo", lambda _: fail("a fault of ours"))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        cli.main(["demo"])
