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
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request

import pytest
import torch
from torch import Tensor

from neural_style import (
    Estimate,
    Objective,
    __version__,
    cli,
    engine,
    load_image,
    load_weights,
    messages,
    save_image,
    typed_transfer,
)
from neural_style.arguments import OPTIMIZERS
from neural_style.descent import Progress, RunInterrupted
from neural_style.features import PADDINGS, POOLINGS
from neural_style.hardware import PRECISIONS
from neural_style.optimizers import LBFGS, Adam
from neural_style.presets import PRESETS
from neural_style.progress import ProgressBar
from neural_style.resizing import fit_within
from neural_style.starts import INITS
from neural_style.styles import Style
from neural_style.transfer import StyleTransfer
from neural_style.weights import CONVENTIONS, NAMED_SOURCES, WIDTHS, Weights, WeightsUnavailableError

SMALL = ("--weights", "self-taught", "--width", "0.25", "--size", "32", "--iterations", "1", "--levels", "1")
NOTE = "neural-style: note: learning the filters from the style picture. To have ImageNet's, save https://"

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def in_a_folder_with_two_pictures(tmp_path: Path, monkeypatch: Patch) -> None:
    """Work in an empty folder with photo.png (32×24) and art.png (40×40); no test reaches the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(typed_transfer, "urlopen", unreachable)
    generator = torch.Generator().manual_seed(0)
    save_image(torch.rand(3, 24, 32, generator=generator), "photo.png")
    save_image(torch.rand(3, 40, 40, generator=generator), "art.png")


def unreachable(_request: Request, *, timeout: float) -> AbstractContextManager[None]:
    raise URLError(f"no network in tests, {timeout:g} s")


def stylize(*more: str, out: str | None = "out.png") -> int:
    """Run ``stylize`` at its smallest; later options replace earlier ones."""
    output = [] if out is None else ["-o", out]
    return cli.main(["stylize", "photo.png", "art.png", *output, *SMALL, *more])


def written() -> set[str]:
    """Return what lies in the folder besides the two inputs."""
    return {path.name for path in Path().iterdir()} - {"photo.png", "art.png"}


ESTIMATE = "neural-style: this will take about 1 min 15 s and 3.0 GB of memory\n"


@dataclass
class Recorder:
    """What `StyleTransfer` was made with and asked for, in place of the work."""

    made: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    estimated: list[dict[str, Any]] = field(default_factory=list)
    imagenet: Exception | None = None


@pytest.fixture
def recorder(monkeypatch: Patch) -> Recorder:
    """Put a `StyleTransfer` in place that records, talks as torch does, and returns grey at once."""
    record = Recorder()

    @functools.wraps(StyleTransfer.__init__)
    def init(_self: StyleTransfer, **options: Any) -> None:
        record.made.append(options)
        _self.device = torch.device("cpu")
        if options["weights"] == "imagenet":
            sys.stderr.write("Downloading: torch's own words\n")
            assert socket.getdefaulttimeout() == typed_transfer.SERVER_SECONDS
            if record.imagenet is not None:
                raise record.imagenet

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
    transfer = StyleTransfer(weights="self-taught", width=0.25)
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
        ((), {"preset": "default", "device": "auto", "precision": "auto", "width": 1.0, "optimizer": LBFGS()}),
        ((), dict.fromkeys(("convention", "content_layers", "style_layers", "pooling", "padding"))),
        ((), {"match_colors": None}),
        ((), dict.fromkeys(("content_weight", "style_weight", "variation_weight"))),
        (("--preset", "paper"), {"preset": "paper"}),
        (("--device", "cpu", "--precision", "float32"), {"device": "cpu", "precision": "float32"}),
        ((), {"compile": "auto"}),
        (("--compile", "off"), {"compile": "off"}),
        (("--width", "0.5"), {"width": 0.5}),
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
    assert ", ".join(f"{width:g}" for width in WIDTHS) in text
    for default in ("512", "0", "95", "auto", "default", "lbfgs"):
        assert f"(default: {default})" in text


def test_the_version_is_the_packages(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"neural-style {importlib.metadata.version('neural-style')}\n"
    assert __version__ == importlib.metadata.version("neural-style")


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
        (("--width", "0.3"), "width must be one of 1, 0.5, 0.25; got 0.3. Choose one of them."),
        (
            ("--weights", "no.pth"),
            "weights must be a known name or an existing file; got 'no.pth'. "
            "Give one of 'imagenet', 'self-taught', 'random', or the path of a weight file.",
        ),
    ],
)
def test_what_the_library_refuses_is_one_line(given: tuple[str, ...], text: str, capsys: Capture) -> None:
    width = () if "--width" in given else ("--width", "1")
    assert stylize(*width, *given) == 2
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
        monkeypatch.setattr(cli, "check_writable", raising(error))
        assert stylize("--quiet") == 2
        assert capsys.readouterr().err == f"neural-style: error: {text}\n"


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: Patch) -> None:
    monkeypatch.setattr(cli, "check_writable", raising(ZeroDivisionError()))
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
    assert stylize("--quiet", "--save-weights", "filters.pth") == 130
    assert load_image("out.png").shape == (3, 24, 32)
    assert capsys.readouterr() == ("", "neural-style: interrupted; the picture so far is in out.png\n")
    assert written() == {"out.png", "filters.pth"}  # what was learned is not lost either


def test_ctrl_c_before_there_is_a_picture_writes_nothing(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setattr(StyleTransfer, "run", functools.wraps(StyleTransfer.run)(raising(KeyboardInterrupt())))
    assert stylize() == 130
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == "neural-style: interrupted before there was a picture"
    assert written() == set()


def test_an_interrupted_run_is_no_error_of_its_own() -> None:
    assert not issubclass(RunInterrupted, cli.ERRORS)


# Weights -------------------------------------------------------------------------------------------------


def auto(*more: str) -> int:
    """Run with the weights that are taken by default."""
    return cli.main(["stylize", "photo.png", "art.png", "-o", "out.png", "--size", "32", *more])


def cache_imagenet() -> None:
    """Put a file where torchvision's weights are kept."""
    folder = Path("torch", "hub", "checkpoints")
    folder.mkdir(parents=True)
    (folder / "vgg19-dcbb9e9d.pth").write_bytes(b"weights")


def test_where_imagenet_cannot_be_reached_the_filters_are_self_taught_and_a_line_says_so(
    capsys: Capture, recorder: Recorder, tmp_path: Path
) -> None:
    assert auto() == 0
    assert [made["weights"] for made in recorder.made] == ["self-taught"]
    url = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
    path = tmp_path / "torch" / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    text = f"learning the filters from the style picture. To have ImageNet's, save {url} as {path}"
    assert capsys.readouterr().err == f"neural-style: note: {text}\n{ESTIMATE}"


def test_a_self_taught_picture_comes_out_by_default_where_there_is_no_network(capsys: Capture) -> None:
    assert auto("--size", "32", "--iterations", "1", "--levels", "1", "--style-layers", "relu2_1") == 0
    assert NOTE in capsys.readouterr().err
    assert written() == {"out.png"}


def test_cached_imagenet_weights_are_taken_without_a_word(capsys: Capture, recorder: Recorder) -> None:
    cache_imagenet()
    assert auto() == 0
    assert [made["weights"] for made in recorder.made] == ["imagenet"]
    assert "note" not in capsys.readouterr().err


def test_a_download_is_announced_with_how_to_avoid_it(
    capsys: Capture, recorder: Recorder, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(typed_transfer, "urlopen", lambda _request, **_options: nullcontext())
    assert auto() == 0
    assert [made["weights"] for made in recorder.made] == ["imagenet"]
    text = "downloading ImageNet's weights once, 548 MB; --weights self-taught does without"
    assert capsys.readouterr().err == f"neural-style: note: {text}\nDownloading: torch's own words\n{ESTIMATE}"


@pytest.mark.parametrize("prepare", [cache_imagenet, None])
def test_a_damaged_file_or_a_failed_download_falls_back_too(
    prepare: Callable[[], None] | None, capsys: Capture, recorder: Recorder, monkeypatch: Patch
) -> None:
    if prepare is None:
        monkeypatch.setattr(typed_transfer, "urlopen", lambda _request, **_options: nullcontext())
    else:
        prepare()
    recorder.imagenet = WeightsUnavailableError("damaged")
    assert auto() == 0
    assert [made["weights"] for made in recorder.made] == ["imagenet", "self-taught"]
    assert NOTE in capsys.readouterr().err


def test_quiet_hides_notes_and_the_downloads_own_words(
    capsys: Capture, recorder: Recorder, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(typed_transfer, "urlopen", lambda _request, **_options: nullcontext())
    recorder.imagenet = WeightsUnavailableError("none")
    assert auto("--quiet") == 0
    assert len(recorder.made) == 2
    assert capsys.readouterr() == ("", "")


def test_imagenet_asked_for_by_name_is_never_replaced(capsys: Capture, recorder: Recorder) -> None:
    recorder.imagenet = WeightsUnavailableError("weights must be cached; got none. Do this.")
    assert auto("--weights", "imagenet", "--quiet") == 2
    assert capsys.readouterr().err == "neural-style: error: weights must be cached; got none. Do this.\n"
    assert [made["weights"] for made in recorder.made] == ["imagenet"]
    assert written() == set()


def test_a_narrow_network_is_self_taught_without_asking_the_network(
    recorder: Recorder, capsys: Capture
) -> None:
    assert auto("--width", "0.25") == 0
    assert [made["weights"] for made in recorder.made] == ["self-taught"]
    assert capsys.readouterr().err == ESTIMATE


def test_the_sockets_timeout_is_as_it_was(recorder: Recorder) -> None:
    cache_imagenet()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(77)
    try:
        recorder.imagenet = WeightsUnavailableError("none")
        assert auto() == 0
        assert socket.getdefaulttimeout() == 77
    finally:
        socket.setdefaulttimeout(before)


def test_a_server_that_hangs_is_given_up(monkeypatch: Patch) -> None:
    release = threading.Event()

    def hanging(_request: Request, **_options: float) -> AbstractContextManager[None]:
        release.wait(10)
        return nullcontext()

    monkeypatch.setattr(typed_transfer, "urlopen", hanging)
    monkeypatch.setattr(typed_transfer, "SERVER_SECONDS", 0.05)
    began = time.monotonic()
    assert not typed_transfer._answers("https://example.org/file")
    assert time.monotonic() - began < 5
    release.set()


def test_the_server_is_asked_for_the_head_only(monkeypatch: Patch) -> None:
    methods = []

    def answering(request: Request, **_options: float) -> AbstractContextManager[None]:
        methods.append((request.get_method(), request.full_url))
        return nullcontext()

    monkeypatch.setattr(typed_transfer, "urlopen", answering)
    assert typed_transfer._answers("https://example.org/file")
    assert methods == [("HEAD", "https://example.org/file")]


@pytest.mark.parametrize("name", ["filters.pth", "filters.safetensors"])
def test_saved_filters_are_those_of_the_run_and_load_again(name: str) -> None:
    assert stylize("--save-weights", name, "--size", "40") == 0
    saved = load_weights(name)
    transfer = StyleTransfer(weights="self-taught", width=0.25)
    learned = transfer.learn(load_image("art.png"), size=40)
    assert saved.parameters.keys() == learned.parameters.keys()
    for key, tensor in learned.parameters.items():
        assert torch.equal(saved.parameters[key], tensor)
    assert stylize("--weights", name, "--width", "1", out="again.png") == 0
    assert written() == {"out.png", "again.png", name}


def test_filters_to_be_kept_are_self_taught_by_default(
    recorder: Recorder, monkeypatch: Patch, tmp_path: Path
) -> None:
    def learn(_self: StyleTransfer, style: list[Style], content: Tensor, *, size: int, seed: int) -> Weights:
        assert content.shape[:2] == (1, 3)
        assert isinstance(style[0].image, Tensor)
        assert (style[0].image.shape, size, seed) == ((1, 3, 40, 40), 64, 3)
        return Weights({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)})

    monkeypatch.setattr(StyleTransfer, "learn", learn)
    cache_imagenet()
    path = tmp_path / "filters.pth"
    assert auto("--save-weights", str(path), "--size", "64", "--seed", "3") == 0
    assert [made["weights"] for made in recorder.made] == ["self-taught"]
    assert path.exists()


FILTERS = "--save-weights must"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            ("filters.pth", "--preview"),
            f"{FILTERS} come with self-taught filters of full width; got --preview. Leave one of them out.",
        ),
        (
            ("filters.pth", "--weights", "random"),
            f"{FILTERS} come with self-taught filters of full width; got --weights random. "
            "Leave one of them out.",
        ),
        (
            ("no/filters.pth",),
            f"{FILTERS} lie in a folder that exists; got 'no/filters.pth'. Make the folder first.",
        ),
        ((".",), f"{FILTERS} name a file; got '.', a folder. Add a file name."),
        (("out.png",), f"{FILTERS} leave the other files alone; got 'out.png'. Give it a name of its own."),
        (("art.png",), f"{FILTERS} leave the other files alone; got 'art.png'. Give it a name of its own."),
        (
            ("f.safetensors",),
            f"{FILTERS} end in .pth where safetensors is not installed; got 'f.safetensors'. "
            "Choose .pth, or install safetensors.",
        ),
    ],
)
def test_filters_that_could_not_be_saved_are_refused_before_the_run(
    given: tuple[str, ...], text: str, capsys: Capture, recorder: Recorder, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert stylize("--save-weights", *given) == 2
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert recorder.made == []
    assert written() == set()


# Messages and progress -----------------------------------------------------------------------------------


def test_a_warning_about_a_picture_is_a_plain_line(capsys: Capture, monkeypatch: Patch) -> None:
    def warning(*_arguments: object) -> Tensor:
        warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return torch.zeros(1, 3, 24, 32)

    monkeypatch.setattr(cli, "to_image_tensor", warning)
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

    monkeypatch.setattr(typed_transfer, "StyleTransfer", remember)
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
    monkeypatch.setattr(engine, "available_memory", lambda _device: 10**8)
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
    assert recorder.made == [{"weights": "self-taught"}]
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
    assert recorder.asked[0]["size"] == 256


def test_the_demos_sheet_is_checked_before_the_run_too(capsys: Capture, recorder: Recorder) -> None:
    Path("demo-sheet.png").mkdir()
    assert cli.main(["demo"]) == 2
    text = "--output must name a file; got 'demo-sheet.png', a folder. Add a file name."
    assert capsys.readouterr().err == f"neural-style: error: {text}\n"
    assert recorder.made == []


def test_the_demo_needs_no_network(monkeypatch: Patch) -> None:
    monkeypatch.setattr(socket, "socket", raising(OSError("no network")))
    narrow = functools.partial(StyleTransfer, width=0.25, style_layers=["relu2_1"])
    monkeypatch.setattr(cli, "StyleTransfer", functools.wraps(StyleTransfer)(narrow))
    monkeypatch.setattr(narrow, "run", StyleTransfer.run, raising=False)
    assert cli.main(["demo", "--size", "32", "--quiet"]) == 0
    assert written() == {"demo.png", "demo-sheet.png"}


def test_memory_that_a_cpu_has_not_is_a_line_and_any_other_fault_a_traceback(
    monkeypatch: Patch, capsys: Capture
) -> None:
    def fail(text: str) -> int:
        raise RuntimeError(text)

    monkeypatch.setitem(cli.COMMANDS, "demo", lambda _: fail("DefaultCPUAllocator: can't allocate memory"))
    assert cli.main(["demo"]) == 2
    assert "error: DefaultCPUAllocator: can't allocate memory" in capsys.readouterr().err
    monkeypatch.setitem(cli.COMMANDS, "demo", lambda _: fail("a fault of ours"))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        cli.main(["demo"])
