"""Styles from options: folders, weights, masks, maps in colours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from neural_style import cli, save_image
from neural_style.cli.from_options import pictures_in, styles_from_options

PAIR = (Path("art.png"), Path("art2.png"))

Color = tuple[float, float, float]
RED, GREEN, BLUE, WHITE, BLACK = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0)


@pytest.fixture(autouse=True)
def masks_and_maps(folder: Path) -> None:
    """Add a folder monet of two paintings, two masks of the photograph, and maps of it and the paintings."""
    (folder / "monet").mkdir()
    for name in ("1.png", "2.jpg"):
        save_image(torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(1)), folder / "monet" / name)
    (folder / "monet" / "notes.txt").write_text("no picture")
    save_image(halves(WHITE, BLACK, 24, 32), "west.png")
    save_image(halves(BLACK, WHITE, 24, 32), "east.png")
    save_image(halves(RED, BLUE, 24, 32), "map.png")
    save_image(halves(RED, GREEN, 40, 40), "art-map.png")
    save_image(halves(BLUE, BLUE, 40, 40), "art2-map.png")


def halves(west: Color, east: Color, height: int, width: int) -> Tensor:
    columns = [torch.tensor(color).view(3, 1, 1).expand(3, height, width // 2) for color in (west, east)]
    return torch.cat(columns, dim=2).float()


def test_a_folder_is_one_style_of_all_its_pictures() -> None:
    assert [path.name for path in pictures_in(Path("monet"))] == ["1.png", "2.jpg"]
    styles = styles_from_options([Path("art.png"), Path("monet")], weights=[2, 1], scales=[1, 0.5])
    found = [(Path(str(style.image)).name, style.weight, style.scale) for style in styles]
    assert found == [("art.png", 2, 1), ("1.png", 0.5, 0.5), ("2.jpg", 0.5, 0.5)]


def test_a_map_in_colours_places_each_style_where_its_colour_is() -> None:
    maps = [Path("art-map.png"), Path("art2-map.png")]
    red, blue = styles_from_options(PAIR, regions=[Path("map.png")], maps=maps)
    assert (red.image, blue.image) == PAIR
    masks: list[Any] = [red.region, blue.region, red.mask, blue.mask]
    west = halves(WHITE, BLACK, 24, 32)[:1]
    expected = (west, 1 - west, halves(WHITE, BLACK, 40, 40)[:1], torch.ones(1, 40, 40))
    for mask, wanted in zip(masks, expected, strict=True):
        assert torch.equal(mask[0], wanted)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"weights": [1]}, "--style-weights"),
        ({"weights": [0, 0]}, "--style-weights"),
        ({"weights": [1, -1]}, "--style-weights[1]"),
        ({"scales": [1, 0]}, "--style-scales"),
        ({"regions": ["west.png"]}, "--regions"),
        ({"regions": ["map.png"], "maps": ["art-map.png"]}, "--style-maps"),
        ({"maps": ["art-map.png", "art2-map.png"]}, "--regions"),
        ({"regions": ["west.png"], "maps": ["art-map.png", "art2-map.png"]}, "--style-maps"),
    ],
)
def test_options_that_do_not_agree_are_refused_and_a_folder_without_pictures(
    options: dict[str, Any], named: str
) -> None:
    for name in ("regions", "maps"):
        options = {**options, name: [Path(value) for value in options.get(name, [])]}
    with pytest.raises(ValueError, match=f"^{re.escape(named)} must"):
        styles_from_options(PAIR, **options)
    with pytest.raises(FileNotFoundError, match=r"^style must be a file that exists"):
        styles_from_options([Path("none.png")])
    Path("empty").mkdir()
    with pytest.raises(ValueError, match=r"^a folder of pictures must"):
        pictures_in(Path("empty"))


def test_styles_and_their_regions_reach_the_run(recorder: Any) -> None:
    words = ["stylize", "photo.png", "art.png", "monet", "--style-weights", "2,1", "--style-scales", "1,2"]
    assert cli.main([*words, "--regions", "west.png", "east.png"]) == 0
    assert recorder.ran[0]["content"] == Path("photo.png")  # the run reduces it, with its masks
    found = [(style.weight, style.scale, Path(str(style.region))) for style in recorder.ran[0]["style"]]
    east = (0.5, 2, Path("east.png"))
    assert found == [(2, 1, Path("west.png")), east, east]


def test_a_folder_gives_pictures_of_every_format_that_is_read() -> None:
    for name in ("3.gif", "4.WEBP", ".hidden.png"):
        Path("monet", name).touch()
    Path("monet", "folder.png").mkdir()
    assert [path.name for path in pictures_in(Path("monet"))] == ["1.png", "2.jpg", "3.gif", "4.WEBP"]
