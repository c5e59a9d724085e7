"""The commands: results, options, notes, help."""

from __future__ import annotations

import importlib.metadata
import re
import runpy
import socket
import sys
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import __version__, cli, load_image
from neural_style.cli import commands, console
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.device.hardware import PRECISIONS
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.weights import CONVENTIONS, NAMED_SOURCES
from neural_style.optimizers.adam import Adam
from neural_style.optimizers.lbfgs import LBFGS
from neural_style.transfer import StyleTransfer
from neural_style.transfer.presets import PRESETS
from neural_style.transfer.starts import INITS
from small_commands import SMALL, closed_pipe, raising, stylize, written

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


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
    assert recorder.estimated == [{"size": (18, 24), "content": (24, 32), "styles": 1, **schedule}]
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
        ("--init art2.png", {"init": "art2.png"}),
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


def test_the_help_lists_what_the_tables_have(capsys: Capture, monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit) as leaving:
        cli.main(["stylize", "--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    for table in (PRESETS, POOLINGS, PADDINGS, PRECISIONS, CONVENTIONS, INITS, NAMED_SOURCES, OPTIMIZERS):
        assert ", ".join(table) in text


def test_help_that_no_one_reads_is_no_error(monkeypatch: Patch) -> None:
    with closed_pipe() as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit):
            cli.main(["--help"])


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


def test_a_warning_is_a_plain_line_unless_quiet(capsys: Capture, monkeypatch: Patch) -> None:
    def warning(*_arguments: object) -> Tensor:
        warnings.warn("content has transparent parts", UserWarning, stacklevel=2)
        return torch.zeros(1, 3, 24, 32)

    monkeypatch.setattr(commands, "to_image_tensor", warning)
    assert stylize() == 0
    assert capsys.readouterr().err.startswith("neural-style: note: content has transparent parts\n")
    assert stylize("--quiet") == 0
    assert capsys.readouterr().err == ""


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
