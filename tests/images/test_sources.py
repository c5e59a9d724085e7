"""What a caller gives by mistake in place of a picture: the message says what to do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from neural_style import load_image, save_image
from neural_style.images.io import check_writable, to_image_tensor

PICTURE = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(0)).mul(255).round() / 255
SUFFIXES = [".png", ".jpg", ".gif", ".tif"]


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return the picture's file, of a parameter's format."""
    path = tmp_path / f"picture{getattr(request, 'param', '.png')}"
    Image.fromarray(PICTURE.mul(255).byte().movedim(0, -1).numpy()).save(path)
    return path


@pytest.mark.parametrize("file", SUFFIXES, indirect=True)
def test_a_closed_picture_is_said_to_be_closed(file: Path) -> None:
    with Image.open(file) as left:
        pass
    closed = Image.open(file)
    closed.close()
    loaded = Image.open(file)
    loaded.load()
    loaded.close()
    made = Image.new("RGB", (8, 6))
    made.close()
    with file.open("rb") as source:
        of_closed_file = Image.open(source)
    for picture in (left, closed, loaded, made, of_closed_file):
        with pytest.raises(ValueError, match=r"^image must be an open picture; got a closed PIL image\. "):
            to_image_tensor(picture)


@pytest.mark.parametrize("file", SUFFIXES, indirect=True)
def test_a_picture_that_was_loaded_before_its_file_was_closed_is_read(file: Path) -> None:
    with Image.open(file) as picture:
        picture.load()
    assert to_image_tensor(picture).shape == (1, 3, 6, 8)


def test_a_damaged_picture_is_not_said_to_be_closed(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 255
    for damaged in (file.read_bytes()[:-30], bytes(data)):
        with pytest.raises(ValueError, match="damaged"):
            to_image_tensor(Image.open(io.BytesIO(damaged)))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_damaged_tiff_that_pillow_has_open_is_not_read_as_black(compression: str) -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURE.mul(255).byte().movedim(0, -1).numpy()).save(file, "TIFF", compression=compression)
    data = bytearray(file.getvalue())
    with Image.open(io.BytesIO(data)) as whole:
        start = whole.tag_v2[273][0]  # type: ignore[attr-defined]
    data[start : start + 40] = b"\xff" * 40
    with pytest.raises(ValueError, match="damaged"):
        to_image_tensor(Image.open(io.BytesIO(data)))


def test_a_picture_whose_file_the_caller_closed_once_it_was_loaded_is_read(file: Path) -> None:
    with file.open("rb") as source:
        picture = Image.open(source)
        picture.load()
    assert to_image_tensor(picture).shape == (1, 3, 6, 8)


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("https://example.org/photo.jpg", "Nothing is downloaded"),
        (Path("http://example.org/photo.jpg"), "Nothing is downloaded"),
        ("s3://bucket/photo.jpg", "Nothing is downloaded"),
        ("file:///home/me/photo.jpg", "Nothing is downloaded"),
        ("data:image/png;base64,iVBORw0KGgo=", "Nothing is downloaded"),
        ("-", "Standard input"),
        ("~/photo.jpg", "expanduser"),
        ("photo.jpg", "Check the path"),
        ("C:/photo.jpg", "Check the path"),
    ],
)
def test_a_path_that_leads_nowhere_comes_with_advice(path: str | Path, advice: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"^content must be a file that exists; got .*{advice}"):
        to_image_tensor(path, "content")


def test_a_web_page_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"<!DOCTYPE html>\n<title>Not found</title>")
    with pytest.raises(ValueError, match="which is a web page"):
        to_image_tensor(path)


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ((name for name in ["a.png"]), r"list\(\.\.\.\)"),
        (Path().glob("*.png"), r"list\(\.\.\.\)"),
        (map(Path, ["a.png"]), r"list\(\.\.\.\)"),
        (["a.png"], "Give one of them"),
        ({"a.png"}, "Give one of them"),
        (b"bytes", "PIL.Image.open"),
        (io.BytesIO(b"bytes"), "PIL.Image.open"),
        (None, "pathlib.Path"),
    ],
)
def test_what_is_no_picture_comes_with_advice(source: Any, advice: str) -> None:
    with pytest.raises(TypeError, match=rf"^style must be a path, .*{advice}"):
        to_image_tensor(source, "style")


@pytest.mark.parametrize(
    ("shape", "advice"),
    [((6, 8, 1), r"array\[:, :, 0\]"), ((1, 6, 8, 3), r"array\[0\]"), ((3, 6, 8, 1), r"array\[0\]"),
     ((6, 8, 2), "channels last")],
)  # fmt: skip
def test_an_array_of_another_shape_comes_with_advice(shape: tuple[int, ...], advice: str) -> None:
    with pytest.raises(ValueError, match=rf"^image must have shape .*{advice}"):
        to_image_tensor(np.zeros(shape, np.uint8))


def test_standard_output_is_no_file() -> None:
    with pytest.raises(ValueError, match=r"^path must name a file; got '-'"):
        check_writable("-")


def test_load_image_takes_whatever_a_run_takes(file: Path) -> None:
    array = PICTURE.mul(255).byte().movedim(0, -1).numpy()
    for source in (file, str(file), Image.fromarray(array), array, PICTURE, PICTURE[None], PICTURE.double()):
        assert torch.equal(load_image(source), PICTURE)
    loaded = load_image(PICTURE)
    loaded.zero_()
    assert not torch.equal(loaded, PICTURE)
    save_image(load_image(array), file)


@pytest.mark.parametrize(
    ("source", "error", "rule"),
    [
        ([[0.5]], TypeError, "be a path"),
        (torch.zeros(3, 2, 2, dtype=torch.uint8), TypeError, "be a tensor of floats"),
        (torch.zeros(4, 5, 3), ValueError, "have shape .*movedim"),
        (torch.zeros(2, 3, 4, 5), ValueError, "have shape"),
        (torch.tensor(0.5), ValueError, "have shape"),
        (torch.full((3, 2, 2), 255.0), ValueError, "lie in"),
        (np.zeros((4, 0, 3), dtype=np.uint8), ValueError, "have pixels"),
        (np.zeros((2, 2, 3)), TypeError, "be an array of uint8"),
        (np.zeros((3, 5, 5), dtype=np.uint8), ValueError, "have shape"),
        (np.zeros((1, 5, 5, 3), dtype=np.uint8), ValueError, "have shape"),
        (np.zeros(5, dtype=np.uint8), ValueError, "have shape"),
        (Image.new("F", (2, 2), 255.0), ValueError, "lie in"),
        (Image.new("I", (2, 2), 70000), ValueError, "have grey levels"),
        (Image.new("I", (2, 2), -1), ValueError, "have grey levels"),
    ],
)
def test_a_source_that_is_no_picture_is_refused(source: Any, error: type[Exception], rule: str) -> None:
    with pytest.raises(error, match=f"^image (values )?must {rule}"):
        to_image_tensor(source)
