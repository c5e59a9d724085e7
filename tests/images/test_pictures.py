"""Picture files of every format: each is read right, to one level of 255, or refused in words that say why.

python tests/images/test_pictures.py writes the documentation's page of them.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from images.cells import COLUMNS, Cell, Floats
from images.cells_of_others import of_others
from images.cells_of_png_and_jpeg import of_jpeg, of_png
from images.cells_of_tiff import of_tiff
from neural_style.images.io import to_image_tensor

CELLS = [*of_png(), *of_jpeg(), *of_tiff(), *of_others()]
LOST_BY_LOADING = ("cICP", "AVIF, colour space", "nearly linear light", "own space")
PAGE = Path(__file__).parents[2] / "docs" / "pictures.md"
OPENING = """# Pictures

A picture is read upright, as sRGB, on white where it is transparent; of several pages or frames the first. What
Pillow would hand over wrongly without a word is put right or refused.

| sign | meaning |
|---|---|
| ✓ | read right, to one level of 255 |
| † | read with [tifffile](https://pypi.org/project/tifffile/), `pip install 'neural-style-gatys[tiff]'` |
| ✓ † | part is read by Pillow, part with tifffile |
| ✗ 7 | refused for reason 7 below; beside ✓, others are read |
| | no such file is tried: most of these do not exist |

"""
MIDDLE = """
The table is made by `python tests/images/test_pictures.py` of {count} files, whose every pixel is known:
{right} are read, {refused} refused. They are written by the formats' specifications, TIFF mostly by tifffile,
what would need an encoder by Pillow: interlaced and progressive, in strips and tiles, of either byte order,
and with the compressions that these know. Alpha, CMYK and profiles of 16 bits a channel, of which Pillow gives
8, and MPO are right to two levels; AVIF, whose encoder is not exact, to four.

| | refused | what the message says |
|---|---|---|
"""
CLOSING = """
Colours are those that a PNG's cICP says, else its profile, else sRGB, else gAMA and cHRM, which are refused
where they are not sRGB's. In an AVIF a profile comes before nclx; one with neither is read as sRGB. In a JPEG
or a TIFF without a profile EXIF data may say Adobe RGB (R03). Floats in a grey picture are numbers as sRGB
encodes them.

A `PIL.Image` is read as its file is where it is not loaded. Once it is, it no longer has its cICP, its nclx,
its 16 bits nor a BMP's colour space: give the path where these matter. A `PIL.Image` of a format that is not in
the table, such as HEIC by a plugin of Pillow, is not checked: its numbers are read as Pillow gives them.

## Large pictures

A picture of more than four times the sides that a run needs is reduced to that while it is read, in strips,
and colours are matched on what is left. So are masks, a picture to start from, and both pictures of
`transfer_texture`. One below that is used as it is, and so is every content where `size=None`. A map in
colours and a texture to quilt are read whole.

What this changes, on a photograph of 1024 × 768 pixels at the size of the run: 0.02 levels of 255 on
average and 0.7 at most where the run takes 1/8; 0.07 and 0.8 where it takes 1/21 and a JPEG's own decoder
halves it first.
"""


def read(source: Path | Image.Image) -> tuple[Floats, list[str]]:
    """A picture as it is read, (H, W, 3), and what was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        image = to_image_tensor(source)[0].permute(1, 2, 0).double().numpy()
    return image, [str(warning.message) for warning in said]


def is_right(cell: Cell, image: Floats) -> bool:
    """Whether a picture is the one expected."""
    expected = cell.expected
    same = expected is not None and image.shape == expected.shape
    return same and bool(np.abs(image - expected).max() <= (cell.tolerance + 1e-3) / 255)


def check(cell: Cell, source: Path | Image.Image) -> None:
    """Assert that a cell's picture is read right, or refused in its words."""
    if cell.expected is None:
        with pytest.raises(ValueError, match=r"^image (must|values must) ") as caught:
            to_image_tensor(source)
        assert cell.note in str(caught.value)
        assert "damaged" not in str(caught.value)
        return
    image, said = read(source)
    assert is_right(cell, image)
    assert [cell.note in text for text in said] == ([True] if cell.note else [])


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_picture_is_read_right_or_refused(cell: Cell, tmp_path: Path) -> None:
    path = tmp_path / f"picture{cell.suffix}"
    path.write_bytes(cell.make())
    check(cell, path)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.suffix == ".tif"], ids=lambda cell: cell.name)
def test_without_tifffile_just_what_only_it_reads_is_refused(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    path = tmp_path / "picture.tif"
    path.write_bytes(cell.make())
    if cell.by_tifffile:
        with pytest.raises(ValueError, match=r"^image must be a TIFF that Pillow reads; .*Install tifffile"):
            to_image_tensor(path)
    elif cell.expected is not None:
        check(cell, path)


def check_opened(cell: Cell, *, load: bool) -> None:
    """Assert that a cell's picture is read right once Pillow has opened it, or is refused."""
    try:
        picture = Image.open(io.BytesIO(cell.make()))
        if load:
            picture.load()
        image = read(picture)[0]
    except (ValueError, OSError) as error:  # Pillow's own, where it does not open or load it
        lost = load and str(error).startswith("image must be a picture that is read right")
        assert cell.by_tifffile or cell.expected is None or lost
    else:
        assert is_right(cell, image) or (
            load and any(part in cell.name + cell.note for part in LOST_BY_LOADING)
        )


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.column], ids=lambda cell: cell.name)
def test_a_pil_picture_is_read_right_or_refused_but_for_what_loading_loses(cell: Cell) -> None:
    check_opened(cell, load=False)
    check_opened(cell, load=True)


def table() -> str:
    """The documentation's table, and its notes."""
    refused: dict[str, list[Cell]] = {}
    for cell in CELLS:
        if cell.expected is None:
            refused.setdefault(cell.note if cell.column else "", []).append(cell)
    numbers = {note: number for number, note in enumerate(refused, 1)}
    lines = [f"| | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for row in dict.fromkeys(cell.row for cell in CELLS if cell.column):
        signs = []
        for column in COLUMNS:
            cells = [cell for cell in CELLS if (cell.row, cell.column) == (row, column)]
            read = ["†" if cell.by_tifffile else "✓" for cell in cells if cell.expected is not None]
            why = sorted({numbers[cell.note] for cell in cells if cell.expected is None})
            no = [f"✗ {', '.join(map(str, why))}"] if why else []
            signs.append(" ".join([*sorted(set(read), reverse=True), *no]))
        lines.append(f"| {row} | {' | '.join(signs)} |")
    other = numbers[""]
    lines.append(f"| any other format | {' | '.join(f'✗ {other}' for _ in COLUMNS)} |")
    right = sum(cell.expected is not None for cell in CELLS)
    text = "\n".join(lines) + "\n"
    text += MIDDLE.format(count=len(CELLS), right=right, refused=len(CELLS) - right)
    for note, cells in refused.items():
        kinds = dict.fromkeys(f"{cell.row}: {cell.what}" if cell.what else cell.name for cell in cells)
        text += f"| {numbers[note]} | {'; '.join(kinds)} | {refusal(cells[0])} |\n"
    return text


def refusal(cell: Cell) -> str:
    """What a picture is refused with: what it is, and what to do, without what tifffile adds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture")
        path.write_bytes(cell.make())
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            to_image_tensor(path)
    what = str(caught.value).partition("got ")[2].replace(f"{str(path)!r}, ", "")
    bare = re.sub(r" \(.*\)", "", what)
    return bare if cell.note in bare else what


def page() -> str:
    """The documentation's page."""
    return OPENING + table() + CLOSING


@pytest.mark.skipif(
    not any("YCbCr" in cell.name and cell.suffix == ".tif" and cell.expected is not None for cell in CELLS)
    or not any(cell.row == "AVIF" for cell in CELLS),
    reason="the page is made with a Pillow that reads all of its pictures",
)
def test_the_documentation_has_these_pictures() -> None:
    assert PAGE.read_text("utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
