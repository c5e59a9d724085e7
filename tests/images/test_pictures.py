"""Pictures of every kind: each is read right, to one level of 255, or refused in words that say why.

python tests/images/test_pictures.py writes the documentation's page of them.
"""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from cells_of_others import of_others
from cells_of_png_and_jpeg import of_jpeg, of_png
from cells_of_tiff import of_tiff
from neural_style.images.io import read, to_image_tensor
from neural_style.images.resizing import fit_within, resize
from picture_cells import RGB, Cell, Floats, unit
from picture_writers import png

CELLS = [*of_png(), *of_jpeg(), *of_tiff(), *of_others()]
PAGE = Path(__file__).parents[2] / "docs" / "pictures.md"
OPENING = """# Pictures

What Pillow opens is read, a file's first picture, and made upright sRGB: by its EXIF orientation; by its
colour profile, by Adobe RGB that EXIF data tell alone (R03), or by a PNG's gAMA and cHRM; transparent parts
on white. What Pillow would hand over wrongly without a word is put right or refused. A gAMA of 1/2.2 counts
as sRGB. Floats in a grey TIFF are numbers as sRGB encodes them.

This table is made by `python tests/images/test_pictures.py` of {count} files whose every pixel is known:
{right} are read right, to one level of 255 (AVIF, whose encoder is not exact, to three), and {refused} are
refused with the words shown. Files marked † are read by [tifffile](https://pypi.org/project/tifffile/),
`pip install 'neural-style-gatys[tiff]'`; without it they are refused. PNG, JPEG, GIF, BMP, TGA, PGM and PPM
are written by the formats' specifications, TIFF mostly by tifffile, and what would need an encoder by Pillow.

| format | pictures | read |
|---|---|---|
"""
CLOSING = """
A file does not tell which of its pages or frames is meant: the first is taken. A `PIL.Image` that is loaded
no longer tells the depth of its file, nor its cICP: give the path where these matter.

## Large pictures

A picture of more than four times the sides that a run needs is reduced to that while it is read, in strips,
and colours are matched on what is left. One below that is used as it is, and so is every content where
`size=None`. On the command line, `--regions` reads the photograph whole first.

What this changes, on a photograph of 1024 × 768 pixels at the size of the run: 0.02 levels of 255 on
average and 0.7 at most where the run takes 1/8; 0.07 and 0.8 where it takes 1/21 and a JPEG's own decoder
halves it first.
"""


def written(cell: Cell, folder: Path) -> Path:
    """A cell's file."""
    path = folder / f"picture{cell.suffix}"
    path.write_bytes(cell.make())
    return path


def pixels(path: Path | Image.Image) -> tuple[Floats, list[str]]:
    """A picture as it is read, (H, W, 3), and what was said."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        image = to_image_tensor(path)[0].permute(1, 2, 0).double().numpy()
    return image, [str(warning.message) for warning in said]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_picture_is_read_right_or_refused(cell: Cell, tmp_path: Path) -> None:
    path = written(cell, tmp_path)
    if cell.expected is None:
        with pytest.raises(ValueError, match=r"^image (must|values must) ") as caught:
            to_image_tensor(path)
        assert cell.note in str(caught.value)
        return
    image, said = pixels(path)
    assert image.shape == cell.expected.shape
    assert np.abs(image - cell.expected).max() <= (cell.tolerance + 1e-3) / 255
    assert [cell.note in text for text in said] == ([True] if cell.note else [])


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.by_tifffile], ids=lambda cell: cell.name)
def test_without_tifffile_what_only_it_reads_is_refused(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ValueError, match=r"^image must be a TIFF that Pillow reads; .*Install tifffile"):
        to_image_tensor(written(cell, tmp_path))


def test_no_picture_is_read_by_tifffile_that_is_not_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cell in CELLS:
        if cell.format == "TIFF" and cell.expected is not None and not cell.by_tifffile:
            path = written(cell, tmp_path)
            with monkeypatch.context() as patch:
                patch.setitem(sys.modules, "tifffile", None)
                assert pixels(path)[0].shape == cell.expected.shape, cell.name


def test_a_pil_picture_of_planes_is_refused_though_it_is_loaded(tmp_path: Path) -> None:
    cell = next(cell for cell in CELLS if cell.name == "TIFF, RGB of 16 bits, little-endian, planes")
    with Image.open(written(cell, tmp_path)) as picture:
        picture.load()
        with pytest.raises(ValueError, match=r"^image must be a TIFF that Pillow reads"):
            to_image_tensor(picture)


REFUSED = [cell for cell in CELLS if cell.expected is None and cell.format not in ("TIFF", "HEIC")]


@pytest.mark.parametrize("cell", REFUSED, ids=lambda cell: cell.name)
def test_a_pil_picture_that_is_not_loaded_is_refused_where_its_file_is(cell: Cell) -> None:
    with (
        Image.open(io.BytesIO(cell.make())) as picture,
        pytest.raises(ValueError, match=r"^image must ") as caught,
    ):
        to_image_tensor(picture)
    assert cell.note in str(caught.value)


@pytest.mark.parametrize("loaded", [False, True])
def test_a_pil_picture_whose_transparent_colour_has_16_bits_is_refused(loaded: bool) -> None:
    cell = next(cell for cell in CELLS if cell.name == "PNG, RGB of 16 bits, tRNS")
    with Image.open(io.BytesIO(cell.make())) as picture:
        if loaded:
            picture.load()
        with pytest.raises(ValueError, match=r"^image must be a picture that Pillow reads; .*Give its path"):
            to_image_tensor(picture)


@pytest.mark.parametrize("depth", [2, 4])
def test_a_transparent_level_counts_in_a_pil_picture_that_is_loaded(depth: int) -> None:
    name = f"PNG, grey of {depth} bits, tRNS"
    cell = next(cell for cell in CELLS if cell.name == name)
    with Image.open(io.BytesIO(cell.make())) as picture:
        picture.load()
        image, said = pixels(picture)
    assert cell.expected is not None
    np.testing.assert_allclose(image, cell.expected, atol=1 / 255)
    assert len(said) == 1


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_reduced_picture_is_that_of_the_whole_resized(orientation: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (90, 120, 4), dtype=np.uint8)
    picture = Image.open(io.BytesIO(png(levels, 8, 6)))
    picture.getexif()[0x0112] = orientation
    with pytest.warns(UserWarning, match="transparent parts"):
        whole = to_image_tensor(picture)
    with pytest.warns(UserWarning, match="transparent parts"):
        reduced, own = read(picture, "image", lambda own: fit_within(own, 20))
    assert own == tuple(whole.shape[-2:])
    assert max(reduced.shape[-2:]) == 80
    np.testing.assert_allclose(reduced, resize(whole, (reduced.shape[-2], reduced.shape[-1])), atol=1e-5)


def test_a_jpeg_that_its_decoder_halves_has_its_own_size_and_colours(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    large = Image.fromarray(RGB).resize((24 * 40, 16 * 40), Image.Resampling.NEAREST)
    large.getexif()[0x0112] = 6
    large.save(path, quality=95, exif=large.getexif())
    reduced, own = read(path, "image", lambda own: fit_within(own, 24))
    assert own == (960, 640)
    assert reduced.shape[-2:] == (96, 64)
    centres = reduced[0, :, 16::32, 16::32].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(centres, np.rot90(unit(RGB)[4::8, 4::8], -1), atol=3 / 255)


def page() -> str:
    """The documentation's page."""
    refused = sum(cell.expected is None for cell in CELLS)
    text = OPENING.format(count=len(CELLS), right=len(CELLS) - refused, refused=refused)
    outcomes: dict[tuple[str, str], list[str]] = {}
    for cell in sorted(CELLS, key=lambda cell: cell.expected is None):
        name = f"{cell.what} †" if cell.by_tifffile else cell.what
        outcomes.setdefault((cell.format, cell.outcome), []).append(name)
    for (kind, outcome), names in sorted(outcomes.items(), key=lambda item: order(item[0][0])):
        text += f"| {kind} | {'; '.join(names)} | {outcome} |\n"
    return text + CLOSING


def order(kind: str) -> int:
    """Where a format comes first among the cells."""
    return next(number for number, cell in enumerate(CELLS) if cell.format == kind)


@pytest.mark.skipif(
    not any("YCbCr of 8 bits" in cell.name and cell.format == "TIFF" for cell in CELLS)
    or not any(cell.format == "AVIF" for cell in CELLS),
    reason="the page is made with a Pillow that reads all of its pictures",
)
def test_the_documentation_has_these_pictures() -> None:
    assert PAGE.read_text("utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
