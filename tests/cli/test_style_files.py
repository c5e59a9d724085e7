"""Styles as they are typed: folders, weights, masks, maps in colours; and the commands that use them."""

from __future__ import annotations

import re
import sys
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import StyleTransfer, cli, load_image, save_image
from neural_style.cli.style_files import pictures_in, styles_from_options

cli_main = sys.modules["neural_style.cli.main"]  # as an attribute of the room it is the function

SMALL = ("--weights", "narrow.pth", "--size", "48", "--iterations", "1", "--quiet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder: two paintings, one of them in a folder of two, a photograph and maps."""
    generator = torch.Generator().manual_seed(0)
    (tmp_path / "monet").mkdir()
    for name in ("a.png", "b.png", "photo.png", "monet/1.png", "monet/2.jpg"):
        save_image(torch.rand(3, 48, 48, generator=generator), tmp_path / name)
    (tmp_path / "monet" / "notes.txt").write_text("no picture")
    save_image(halves((1, 0, 0), (0, 0, 1)), tmp_path / "map.png")
    save_image(halves((1, 0, 0), (0, 1, 0)), tmp_path / "a-map.png")
    save_image(halves((0, 0, 1), (0, 0, 1)), tmp_path / "b-map.png")
    save_image(halves((1, 1, 1), (0, 0, 0)), tmp_path / "west.png")
    save_image(halves((0, 0, 0), (1, 1, 1)), tmp_path / "east.png")
    RANDOM.save(tmp_path / "narrow.pth")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def halves(west: tuple[float, float, float], east: tuple[float, float, float]) -> Tensor:
    columns = [torch.tensor(color).view(3, 1, 1).expand(3, 48, 24) for color in (west, east)]
    return torch.cat(columns, dim=2).float()


def test_a_folder_is_one_style_of_all_its_pictures(folder: Path) -> None:
    assert [path.name for path in pictures_in(folder / "monet")] == ["1.png", "2.jpg"]
    styles = styles_from_options([Path("a.png"), Path("monet")], weights=[2, 1], scales=[1, 0.5])
    assert [(Path(str(style.image)).name, style.weight, style.scale) for style in styles] == [
        ("a.png", 2, 1),
        ("1.png", 0.5, 0.5),
        ("2.jpg", 0.5, 0.5),
    ]


def test_a_map_in_colours_places_each_style_where_its_colour_is(folder: Path) -> None:
    assert folder.is_dir()
    paths = [Path("a.png"), Path("b.png")]
    styles = styles_from_options(paths, regions=[Path("map.png")], maps=[Path("a-map.png"), Path("b-map.png")])
    (red, blue) = styles
    assert (red.image, blue.image) == tuple(paths)
    assert isinstance(red.region, Tensor)
    assert isinstance(red.mask, Tensor)
    assert isinstance(blue.region, Tensor)
    assert isinstance(blue.mask, Tensor)
    assert red.region[0, 0, 0].tolist() == red.mask[0, 0, 0].tolist() == [1.0] * 24 + [0.0] * 24
    assert blue.region[0, 0, 0].tolist() == [0.0] * 24 + [1.0] * 24
    assert blue.mask.mean() == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"weights": [1]}, "--style-weights must be one for each STYLE; got 1. There are 2."),
        ({"weights": [0, 0]}, "--style-weights must sum to more than 0; got 0, 0. Give one more than 0."),
        ({"weights": [1, -1]}, "--style-weights must be a finite number of at least 0; got -1. Give such"),
        ({"scales": [1, 0]}, "--style-scales must lie between 1/8 and 8; got 0. 1 leaves the strokes as"),
        ({"scales": [1, 2, 3]}, "--style-scales must be one for each STYLE; got 3. There are 2."),
        ({"regions": ["west.png"]}, "--regions must be one mask for each STYLE; got 1. There are 2."),
        (
            {"regions": ["map.png"], "maps": ["a-map.png"]},
            "--style-maps must be one for each STYLE; got 1. There are 2.",
        ),
        (
            {"maps": ["a-map.png", "b-map.png"]},
            "--regions must be one map for the content; got 0. Give it beside --style-maps.",
        ),
        (
            {"regions": ["west.png"], "maps": ["a-map.png", "b-map.png"]},
            "--style-maps must share a colour with the content's map (#000000, #ffffff); got 'a-map.png' (",
        ),
    ],
)
def test_what_does_not_agree_is_told(folder: Path, options: dict[str, Any], text: str) -> None:
    assert folder.is_dir()
    chosen = dict(options)
    for name in ("regions", "maps"):
        chosen[name] = [Path(value) for value in options.get(name, [])]
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        styles_from_options([Path("a.png"), Path("b.png")], **chosen)


def test_only_one_process_makes_a_texture(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert cli.main(["texture", "a.png", "--weights", "random"]) == 2
    assert "the ranks of texture must be one; got 2. Start it without torchrun." in capsys.readouterr().err


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^a STYLE that is a folder must hold pictures; got '.*' with none\. They"
    ):
        pictures_in(tmp_path)


# -- the commands ---------------------------------------------------------------------------------------


def test_several_styles_regions_and_controls_are_passed_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()
    made: list[dict[str, Any]] = []
    given: list[Any] = []
    init, run = StyleTransfer.__init__, StyleTransfer.run

    @wraps(init)
    def remember(self: StyleTransfer, **options: Any) -> None:
        made.append(options)
        init(self, **options)

    @wraps(run)
    def remembered(self: StyleTransfer, content: Any, style: Any, **options: Any) -> Tensor:
        given.append((style, options["init"]))
        return run(self, content, style, **options)

    monkeypatch.setattr(StyleTransfer, "__init__", remember)
    monkeypatch.setattr(StyleTransfer, "run", remembered)
    words = ["stylize", "photo.png", "a.png", "monet", "-o", "out.png", "--style-weights", "2,1", *SMALL]
    words += [
        "--strength",
        "0.7",
        "--color",
        "match",
        "--statistic",
        "gram=1,wasserstein=0.5",
    ]
    assert cli.main([*words, "--init", "content=0.7,noise=0.3"]) == 0
    assert made[0]["strength"] == 0.7
    assert made[0]["color"] == "match"
    assert made[0]["statistic"] == {"gram": 1, "wasserstein": 0.5}
    (styles, init_choice) = given[0]
    assert [style.weight for style in styles] == [2, 0.5, 0.5]
    assert init_choice == {"content": 0.7, "noise": 0.3}
    assert (
        cli.main(["stylize", "photo.png", "a.png", "b.png", "--regions", "west.png", "east.png", *SMALL]) == 0
    )
    assert (folder / "photo-a.png").exists()
    for style, name in zip(given[1][0], ("west.png", "east.png"), strict=True):
        assert torch.equal(style.region[0], load_image(name)[:1])
    maps = ["--regions", "map.png", "--style-maps", "map.png", "b-map.png", "-o", "maps.png"]
    assert cli.main(["stylize", "photo.png", "a.png", "b.png", *maps, "--statistic", "covariance", *SMALL]) == 0
    assert made[2]["statistic"] == "covariance"
    assert cli.main(["stylize", "photo.png", "a.png", "--statistic", "gram,covariance", *SMALL]) == 0
    assert made[3]["statistic"] == {"gram": 1, "covariance": 1}


def test_no_input_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.is_dir()
    for out in ("monet/2.jpg", "west.png"):
        words = ["stylize", "photo.png", "monet", "--regions", "west.png", "-o", out]
        assert cli.main([*words, *SMALL]) == 2
        assert "--output must leave the other files alone" in capsys.readouterr().err
    assert cli.main(["texture", "a.png", "-o", "a.png"]) == 2
    assert cli.main(["reconstruct", "photo.png", "relu1_1", "-o", "photo.png"]) == 2


def test_a_folder_may_have_a_region(folder: Path) -> None:
    words = ["stylize", "photo.png", "monet", "a.png", "--regions", "west.png", "east.png", "-o", "both.png"]
    assert cli.main([*words, *SMALL]) == 0
    assert (folder / "both.png").exists()


@pytest.mark.parametrize("name", ["no.png", "wide.png"])
def test_masks_are_read_before_weights_are_asked_for(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_image(torch.ones(3, 16, 64), folder / "wide.png")
    monkeypatch.setattr(
        cli_main, "transfer_from_options", lambda *_, **__: pytest.fail("weights were asked for")
    )
    assert cli.main(["stylize", "photo.png", "a.png", "--regions", name]) == 2
    assert "error: style's region must " in capsys.readouterr().err


def test_a_texture_is_made_in_any_size(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["texture", "a.png", "b.png", "--weights", "narrow.pth", "--iterations", "1"]
    assert cli.main([*words, "--size", "64x48"]) == 0
    assert load_image(folder / "a-texture.png").shape == (3, 48, 64)
    said = capsys.readouterr()
    assert said.out.startswith("a-texture.png: 64x48 pixels in ")
    assert "this will take about" in said.err
    assert cli.main([*words, "--size", "48", "-o", "t.png", "--style-weights", "1,2", "--quiet"]) == 0
    assert load_image(folder / "t.png").shape == (3, 48, 48)


def test_a_reconstruction_is_made_of_a_layer(folder: Path) -> None:
    words = ["reconstruct", "photo.png", "relu2_1", "--weights", "narrow.pth", "--quiet"]
    assert cli.main([*words, "--iterations", "2"]) == 0
    assert load_image(folder / "photo-relu2_1.png").shape == (3, 256, 256)
    assert cli.main([*words, "--iterations", "2,1", "--size", "64", "-o", "two_levels.png"]) == 0
    assert load_image(folder / "two_levels.png").shape == (3, 64, 64)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["texture", "a.png", "--size", "3x4x5"],
            "must be a whole number of at least 1, or WIDTHxHEIGHT; got '3x4x5'",
        ),
        (["texture", "a.png", "--size", "0"], "must be a whole number of at least 1, or WIDTHxHEIGHT; got '0'"),
        (["texture", "a.png", "--style-scales", "big"], "must be numbers with commas between; got 'big'"),
        (["reconstruct", "photo.png", "relu9_9"], "LAYER must be names of VGG-19 layers; got 'relu9_9'"),
        (
            ["stylize", "photo.png", "a.png", "--init", "content=0,noise=0"],
            "must have weights of at least 0 that sum to more than 0; got 'content=0,noise=0'",
        ),
        (
            ["stylize", "photo.png", "a.png", "--init", "content=nan"],
            "must have weights of at least 0 that sum to more than 0; got 'content=nan'",
        ),
        (["stylize", "photo.png", "no.png"], "style must be a file that exists; got 'no.png'"),
        (["stylize", "photo.png", "a.png", "no.png"], "style 2 must be a file that exists; got 'no.png'"),
        (["stylize", "photo.png", "a.png", "--strength", "2", *SMALL], "strength must lie in [0, 1]; got 2.0"),
    ],
)
def test_bad_words_are_one_line(
    folder: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.is_dir()
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1
