"""Pictures in and out: every kind of file and source, what is told on the way, the words of each refusal."""

from __future__ import annotations

import io
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, features
from torch import Tensor
from torch.nn.functional import interpolate

from neural_style.images import io as image_io
from neural_style.images import resizing
from neural_style.images.io import (
    check_writable,
    load_image,
    save_image,
    to_image_tensor,
    to_pil,
)
from neural_style.images.resizing import fit_within, resize

Pixels = NDArray[np.uint8]
SHAPES = "image must have shape (3, H, W) or (1, 3, H, W); got "


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def colours(height: int = 5, width: int = 7, channels: int = 3, seed: int = 0) -> Pixels:
    """Random 8-bit pixels, (H, W, C)."""
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def in_unit(pixels: Pixels) -> Tensor:
    """8-bit pixels (H, W, 3) as the tensor (1, 3, H, W) that they stand for, by a way of its own."""
    return torch.tensor(pixels.astype(np.float64) / 255).permute(2, 0, 1)[None].float()


def rgb(image: Tensor, row: int = 0, column: int = 0) -> tuple[int, ...]:
    """One pixel of an image (1, 3, H, W) or (3, H, W) in 8-bit levels."""
    return tuple(round(level * 255) for level in image.reshape(3, *image.shape[-2:])[:, row, column].tolist())


def is_image(image: Tensor) -> bool:
    """Whether a tensor has the form that the house passes around."""
    formed = image.ndim == 4 and image.shape[:2] == (1, 3) and image.dtype == torch.float32
    plain = image.is_contiguous() and not image.requires_grad and not image.is_inference()
    return formed and plain and image.min().item() >= 0 and image.max().item() <= 1


# ---------------------------------------------------------------------------------------------------------
# Profiles, made by hand: each does something that no one could miss
# ---------------------------------------------------------------------------------------------------------


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile_with_red_and_blue_swapped() -> bytes:
    """sRGB, but that the colourant named red is blue's and the other way round."""
    swapped = srgb_profile().replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return swapped[:84] + bytes(16) + swapped[100:]  # without the checksum, which no longer fits


def profile_of(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2 by its specification: header, table of tags, tags."""
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02400000, kind, space, connection)
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)  # D50
    return header.ljust(128, b"\0") + table + data


def linear_grey_profile() -> bytes:
    """Grey of gamma 1: its level 128, half the light, is sRGB's 188."""
    white = b"XYZ " + bytes(4) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 0x0100)
    return profile_of(b"GRAY", b"XYZ ", b"mntr", {b"wtpt": white, b"kTRC": curve})


def black_ink_only_profile() -> bytes:
    """CMYK whose coloured inks leave no mark: white without black ink, black with it, as Lab."""
    ramp = bytes(range(256))
    corners = b"".join(bytes([0 if black else 255, 128, 128]) for _ in range(8) for black in (0, 1))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * ramp + corners + 3 * ramp
    return profile_of(b"CMYK", b"Lab ", b"prtr", {b"A2B0": table})


# ---------------------------------------------------------------------------------------------------------
# Sources
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_an_image_survives_a_round_trip_through_an_exact_format(tmp_path: Path, suffix: str) -> None:
    image = in_unit(colours())
    path = tmp_path / f"picture{suffix}"
    save_image(image, path)
    assert torch.equal(load_image(path), image[0])


def test_all_256_levels_survive_a_round_trip(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    save_image(in_unit(levels), tmp_path / "levels.png")
    assert torch.equal(load_image(tmp_path / "levels.png")[None], in_unit(levels))


@pytest.mark.parametrize("kind", ["str", "path", "pil", "array", "tensor3", "tensor4"])
def test_every_kind_of_source_gives_the_same_image(tmp_path: Path, kind: str) -> None:
    pixels = colours()
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    expected = in_unit(pixels)
    sources: dict[str, image_io.ImageSource] = {
        "str": str(path),
        "path": path,
        "pil": Image.fromarray(pixels),
        "array": pixels,
        "tensor3": expected[0],
        "tensor4": expected,
    }
    image = to_image_tensor(sources[kind])
    assert is_image(image)
    assert torch.equal(image, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_float_tensor_of_any_width_becomes_float32(dtype: torch.dtype, device: torch.device) -> None:
    image = to_image_tensor(torch.full((3, 2, 4), 0.5, dtype=dtype, device=device))
    assert is_image(image)
    assert image.device.type == device.type
    assert torch.equal(image.cpu(), torch.full((1, 3, 2, 4), 0.5))


def test_the_image_is_a_copy_of_the_tensor() -> None:
    source = torch.full((1, 3, 2, 4), 0.5)
    to_image_tensor(source).zero_()
    assert torch.equal(source, torch.full((1, 3, 2, 4), 0.5))


def test_the_image_is_a_copy_of_the_array() -> None:
    pixels = colours()
    to_image_tensor(pixels).zero_()
    assert np.array_equal(pixels, colours())


def test_a_pil_picture_is_left_as_it_was() -> None:
    picture = Image.new("RGB", (2, 1), (10, 20, 30))
    picture.getexif()[0x0112] = 6
    to_image_tensor(picture)
    assert (picture.size, picture.mode, picture.getexif()[0x0112]) == ((2, 1), "RGB", 6)


def test_the_image_has_no_part_in_a_gradient() -> None:
    assert is_image(to_image_tensor(torch.full((3, 2, 4), 0.5, requires_grad=True)))


def test_an_image_made_in_inference_mode_can_still_be_optimised() -> None:
    with torch.inference_mode():
        from_tensor = to_image_tensor(torch.full((3, 2, 4), 0.5))
        from_array = to_image_tensor(colours())
    for image in (from_tensor, from_array):
        (gradient,) = torch.autograd.grad(image.requires_grad_().square().sum(), image)
        assert torch.equal(gradient, 2 * image)


def test_a_tensor_made_in_inference_mode_is_accepted_outside() -> None:
    with torch.inference_mode():
        source = torch.full((3, 2, 4), 0.5)
    assert is_image(to_image_tensor(source))


def test_a_view_with_strides_becomes_contiguous() -> None:
    pixels = colours()
    image = to_image_tensor((torch.from_numpy(pixels) / 255).movedim(-1, 0))
    assert is_image(image)
    assert torch.equal(image, in_unit(pixels))
    assert torch.equal(to_image_tensor(pixels[:, ::-1]), in_unit(pixels).flip(-1))


@pytest.fixture
def _float64_by_default() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("_float64_by_default")
def test_the_default_dtype_changes_nothing() -> None:
    assert is_image(to_image_tensor(colours()))
    assert is_image(to_image_tensor(Image.new("F", (2, 2), 0.5)))
    assert is_image(to_image_tensor(Image.new("I;16", (2, 2), 9)))
    with pytest.warns(UserWarning, match="transparent"):
        assert is_image(to_image_tensor(colours(channels=4)))


def test_the_default_device_changes_nothing() -> None:
    with torch.device("meta"):
        assert to_image_tensor(colours()).device.type == "cpu"


def test_an_array_may_be_grey() -> None:
    assert rgb(to_image_tensor(np.array([[0, 77]], dtype=np.uint8)), 0, 1) == (77, 77, 77)


# ---------------------------------------------------------------------------------------------------------
# What files hold
# ---------------------------------------------------------------------------------------------------------

MODES: dict[str, tuple[object, tuple[int, int, int]]] = {
    "1": (1, (255, 255, 255)),
    "L": (77, (77, 77, 77)),
    "LA": ((77, 255), (77, 77, 77)),
    "La": ((77, 255), (77, 77, 77)),
    "PA": ((0, 255), (0, 0, 0)),
    "RGB": ((10, 20, 30), (10, 20, 30)),
    "RGBA": ((10, 20, 30, 255), (10, 20, 30)),
    "RGBa": ((10, 20, 30, 255), (10, 20, 30)),
    "RGBX": ((10, 20, 30, 9), (10, 20, 30)),
    "CMYK": ((255, 0, 0, 0), (0, 255, 255)),
    "YCbCr": ((77, 128, 128), (77, 77, 77)),
    "HSV": ((0, 255, 255), (255, 0, 0)),
    "LAB": ((255, 128, 128), (255, 255, 255)),
    "I": (65535, (255, 255, 255)),
    "F": (0.2, (51, 51, 51)),
    "I;16": (257 * 77, (77, 77, 77)),
    "I;16B": (257 * 77, (77, 77, 77)),
    "I;16L": (257 * 77, (77, 77, 77)),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_of_any_mode_becomes_rgb(mode: str) -> None:
    colour, expected = MODES[mode]
    picture = Image.new(mode, (3, 2), colour)  # type: ignore[arg-type]
    image = to_image_tensor(picture)
    assert is_image(image)
    assert image.shape == (1, 3, 2, 3)
    assert rgb(image, 1, 2) == pytest.approx(expected, abs=1)  # Lab is rounded on the way


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.save(tmp_path / "palette.png")
    assert rgb(load_image(tmp_path / "palette.png")) == (10, 20, 30)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_of_16_bits_keeps_its_depth(tmp_path: Path, suffix: str) -> None:
    levels = np.array([[0, 1, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / f"deep{suffix}")
    image = load_image(tmp_path / f"deep{suffix}")
    assert torch.allclose(image[1, 0] * 65535, torch.tensor([0.0, 1.0, 32768.0, 65535.0]))


def test_the_first_of_several_frames_is_taken(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (2, 2), (255, 0, 0)), Image.new("RGB", (2, 2), (0, 0, 255))
    first.save(tmp_path / "frames.gif", save_all=True, append_images=[second])
    assert rgb(load_image(tmp_path / "frames.gif")) == (255, 0, 0)


CORNER = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}


@pytest.mark.parametrize("orientation", CORNER)
@pytest.mark.parametrize("kind", ["file", "pil", "deep"])
def test_the_exif_orientation_turns_a_picture_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    """The stored picture's first pixel is white and comes to the corner that the EXIF standard names."""
    picture = Image.new("I;16" if kind == "deep" else "RGB", (3, 2))
    picture.putpixel((0, 0), 65535 if kind == "deep" else (255, 255, 255))
    picture.getexif()[0x0112] = orientation
    if kind == "file":
        picture.save(tmp_path / "turned.png", exif=picture.getexif())
    image = to_image_tensor(tmp_path / "turned.png" if kind == "file" else picture)
    assert image.shape[-2:] == ((3, 2) if orientation >= 5 else (2, 3))
    expected = torch.zeros(image.shape)
    expected[..., CORNER[orientation][0], CORNER[orientation][1]] = 1
    assert torch.equal(image, expected)


def test_exif_data_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "exif.png"
    Image.fromarray(colours()).save(path, exif=b"Exif\0\0nonsense")
    text = f"path has EXIF data that cannot be read; it was not turned: {str(path)!r}."
    with pytest.warns(UserWarning, match=exactly(text)):
        assert torch.equal(load_image(path)[None], in_unit(colours()))


# ---------------------------------------------------------------------------------------------------------
# Transparency
# ---------------------------------------------------------------------------------------------------------


def transparent_pictures() -> dict[str, tuple[Image.Image, dict[str, object]]]:
    """By their kind: pictures whose first pixel is transparent and whose second is opaque black."""
    palette = Image.new("P", (2, 1))
    palette.putpalette([9, 9, 9, 0, 0, 0])
    palette.putpixel((1, 0), 1)
    kinds: dict[str, tuple[Image.Image, dict[str, object]]] = {
        "palette with one transparent colour": (palette, {"transparency": 0}),
        "palette with alpha": (palette, {"transparency": b"\0\xff"}),
    }
    for mode, clear, black in [("RGBA", (9, 9, 9, 0), (0, 0, 0, 255)), ("LA", (9, 0), (0, 255))]:
        kinds[mode] = (Image.new(mode, (2, 1), clear), {})
        kinds[mode][0].putpixel((1, 0), black)
    for mode, clear_level in [("L", 9), ("I;16", 9), ("1", 1)]:
        kinds[f"{mode} with a transparent level"] = (Image.new(mode, (2, 1)), {"transparency": clear_level})
        kinds[f"{mode} with a transparent level"][0].putpixel((0, 0), clear_level)
    kinds["RGB with a transparent colour"] = (Image.new("RGB", (2, 1)), {"transparency": (9, 9, 9)})
    kinds["RGB with a transparent colour"][0].putpixel((0, 0), (9, 9, 9))
    return kinds


@pytest.mark.parametrize("kind", transparent_pictures())
def test_transparent_parts_are_flattened_onto_white_and_told(tmp_path: Path, kind: str) -> None:
    picture, options = transparent_pictures()[kind]
    path = tmp_path / "clear.png"
    picture.save(path, **options)  # type: ignore[arg-type]
    text = f"path has transparent parts; they were flattened onto white: {str(path)!r}."
    with pytest.warns(UserWarning, match=exactly(text)) as told:
        image = load_image(path)
    assert len(told) == 1
    assert (rgb(image, 0, 0), rgb(image, 0, 1)) == ((255, 255, 255), (0, 0, 0))


def test_white_may_be_transparent_by_the_files_own_number_too() -> None:
    picture = Image.new("1", (2, 1))
    picture.putpixel((0, 0), 1)
    picture.info["transparency"] = 1  # before Pillow 12; since then 255
    with pytest.warns(UserWarning, match="transparent parts"):
        to_image_tensor(picture, "content")
    assert picture.info == {"transparency": 1}


def test_half_transparent_black_on_white_is_the_middle_grey() -> None:
    pixels = np.array([[[0, 0, 0, 51]]], dtype=np.uint8)  # 51 / 255 = 0.2
    text = "content has transparent parts; they were flattened onto white: an array."
    with pytest.warns(UserWarning, match=exactly(text)):
        image = to_image_tensor(pixels, "content")
    assert torch.allclose(image, torch.full((1, 3, 1, 1), 0.8))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_an_alpha_that_hides_nothing_is_not_worth_telling(tmp_path: Path, mode: str) -> None:
    Image.new("RGBA", (2, 2), (8, 8, 8, 255)).convert(mode).save(tmp_path / "opaque.png")
    assert rgb(load_image(tmp_path / "opaque.png")) == (8, 8, 8)


# ---------------------------------------------------------------------------------------------------------
# Colour profiles
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_colours_are_converted_from_the_profile_of_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"profile{suffix}"
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    red.save(path, icc_profile=profile_with_red_and_blue_swapped())
    level_red, level_green, level_blue = rgb(load_image(path))
    assert level_red < 10
    assert level_green < 10
    assert level_blue > 245


def test_a_pil_picture_with_a_profile_is_converted_too() -> None:
    picture = Image.new("RGBA", (1, 1), (255, 0, 0, 255))
    picture.info["icc_profile"] = profile_with_red_and_blue_swapped()
    assert rgb(to_image_tensor(picture))[2] > 245


def test_the_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "srgb.png", icc_profile=srgb_profile())
    difference = (load_image(tmp_path / "srgb.png")[None] - in_unit(colours())).abs().max()
    assert difference.item() * 255 < 1.01


def test_grey_is_converted_from_a_grey_profile(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 128).save(tmp_path / "linear.png", icc_profile=linear_grey_profile())
    assert rgb(load_image(tmp_path / "linear.png")) == (188, 188, 188)


def test_grey_may_carry_a_colour_profile(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 128).save(tmp_path / "grey.png", icc_profile=srgb_profile())
    assert rgb(load_image(tmp_path / "grey.png")) == (128, 128, 128)


def test_inks_are_converted_from_their_profile(tmp_path: Path) -> None:
    path = tmp_path / "inks.tif"
    cyan = Image.new("CMYK", (2, 1), (255, 0, 0, 0))
    cyan.putpixel((1, 0), (0, 0, 0, 255))
    cyan.save(path, icc_profile=black_ink_only_profile())
    assert min(rgb(load_image(path), 0, 0)) > 250  # and not cyan: this profile's cyan leaves no mark
    assert max(rgb(load_image(path), 0, 1)) < 5


def test_inks_without_a_profile_are_converted_plainly(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "inks.jpg", quality=100)
    red, green, blue = rgb(load_image(tmp_path / "inks.jpg"))
    assert red > 245
    assert max(green, blue) < 10


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("RGB", b"nonsense"), ("L", b"nonsense"), ("CMYK", srgb_profile()), ("RGB", linear_grey_profile())],
)
def test_a_profile_that_cannot_be_used_is_told_and_left_aside(mode: str, profile: bytes) -> None:
    picture = Image.new(mode, (2, 1))
    expected = to_image_tensor(picture)
    picture.info["icc_profile"] = profile
    text = "image has a colour profile that cannot be used; it was read as sRGB: a PIL image."
    with pytest.warns(UserWarning, match=exactly(text)):
        assert torch.equal(to_image_tensor(picture), expected)


def test_a_profile_on_deep_grey_is_told_and_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.new("I;16", (2, 1), 65535).save(path, icc_profile=linear_grey_profile())
    text = f"path has a colour profile that cannot be used; it was read as sRGB: {str(path)!r}."
    with pytest.warns(UserWarning, match=exactly(text)):
        assert rgb(load_image(path)) == (255, 255, 255)


# ---------------------------------------------------------------------------------------------------------
# Files that are refused
# ---------------------------------------------------------------------------------------------------------


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.png"
    text = f"content must be a file that exists; got {str(path)!r}. Check the path."
    with pytest.raises(FileNotFoundError, match=exactly(text)):
        to_image_tensor(path, "content")


def test_a_folder_is_refused_as_a_picture(tmp_path: Path) -> None:
    text = f"path must be a file; got {str(tmp_path)!r}, a folder. Name a picture in it."
    with pytest.raises(IsADirectoryError, match=exactly(text)):
        load_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.png"
    path.write_bytes(content)
    text = (
        f"path must be a picture that Pillow reads; got {str(path)!r}. "
        "Check the file, or convert it to PNG or JPEG."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        load_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(colours(64, 64)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    rule = "be a (whole picture|picture that Pillow reads)"  # not even a header, to some formats
    with pytest.raises(ValueError, match=f"^path must {rule}; got {re.escape(repr(str(path)))}"):
        load_image(path)


def test_a_damaged_png_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.png"
    Image.fromarray(colours(64, 64)).save(path)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(bytes(content))
    got = f"{str(path)!r}, which is damaged or cut short"
    text = f"path must be a whole picture; got {got}. Get it from its source again."
    with pytest.raises(ValueError, match=exactly(text)):
        load_image(path)


def test_a_large_picture_is_read_without_a_warning_and_pillow_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    Image.new("RGB", (4, 4)).save(tmp_path / "large.png")
    filters = list(warnings.filters)
    load_image(tmp_path / "large.png")
    assert Image.MAX_IMAGE_PIXELS == 10
    assert list(warnings.filters) == filters


def test_a_picture_beyond_twice_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = tmp_path / "bomb.png"
    Image.new("RGB", (5, 5)).save(path)
    text = (
        f"path must have at most twice PIL.Image.MAX_IMAGE_PIXELS; got {str(path)!r}, which has more. "
        "Shrink it, or raise that if you trust it."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        load_image(path)


# ---------------------------------------------------------------------------------------------------------
# Sources that are refused
# ---------------------------------------------------------------------------------------------------------

EMPTY = "Give a picture with some."
REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "list": (
        lambda: [[0.5]],
        TypeError,
        "image must be a path, a PIL image, an array or a tensor; got list. Give a str or a pathlib.Path.",
    ),
    "None": (
        lambda: None,
        TypeError,
        "image must be a path, a PIL image, an array or a tensor; got NoneType. Give a str or a pathlib.Path.",
    ),
    "8-bit tensor": (
        lambda: torch.zeros(3, 2, 2, dtype=torch.uint8),
        TypeError,
        "image must be a tensor of floats; got torch.uint8. Convert an 8-bit one with .float() / 255.",
    ),
    "complex tensor": (
        lambda: torch.zeros(3, 2, 2, dtype=torch.complex64),
        TypeError,
        "image must be a tensor of floats; got torch.complex64. Convert an 8-bit one with .float() / 255.",
    ),
    "grey tensor": (
        lambda: torch.zeros(1, 2, 2),
        ValueError,
        SHAPES + "(1, 2, 2). Repeat a grey one over three channels with .expand(3, -1, -1).",
    ),
    "grey batch": (
        lambda: torch.zeros(1, 1, 2, 2),
        ValueError,
        SHAPES + "(1, 1, 2, 2). Repeat a grey one over three channels with .expand(-1, 3, -1, -1).",
    ),
    "channels last": (
        lambda: torch.zeros(4, 5, 3),
        ValueError,
        SHAPES + "(4, 5, 3). Move the channels forward with .movedim(-1, -3).",
    ),
    "batch": (
        lambda: torch.zeros(2, 3, 4, 5),
        ValueError,
        SHAPES + "(2, 3, 4, 5). Give one RGB picture.",
    ),
    "number": (lambda: torch.tensor(0.5), ValueError, SHAPES + "(). Give one RGB picture."),
    "empty tensor": (
        lambda: torch.zeros(3, 0, 5),
        ValueError,
        f"image must have pixels; got 0×5. {EMPTY}",
    ),
    "empty array": (
        lambda: np.zeros((4, 0, 3), dtype=np.uint8),
        ValueError,
        f"image must have pixels; got 4×0. {EMPTY}",
    ),
    "empty PIL picture": (
        lambda: Image.new("RGB", (0, 3)),
        ValueError,
        f"image must have pixels; got 3×0. {EMPTY}",
    ),
    "tensor of levels": (
        lambda: torch.full((3, 2, 2), 255.0),
        ValueError,
        "image values must lie in [0, 1]; got a maximum of 255.0. Divide an 8-bit image by 255 first.",
    ),
    "tensor with NaN": (
        lambda: torch.full((3, 2, 2), float("nan")),
        ValueError,
        "image values must be finite; got NaN or infinity. Replace the NaN or infinite values first.",
    ),
    "float array": (
        lambda: np.zeros((2, 2, 3)),
        TypeError,
        "image must be an array of uint8; got float64. "
        "Make values in [0, 1] a float tensor (3, H, W), or scale them to 8 bits.",
    ),
    "channels first": (
        lambda: np.zeros((3, 5, 5), dtype=np.uint8),
        ValueError,
        "image must have shape (H, W, 3), (H, W, 4) or (H, W); got (3, 5, 5). Put the channels last.",
    ),
    "batch of arrays": (
        lambda: np.zeros((1, 5, 5, 3), dtype=np.uint8),
        ValueError,
        "image must have shape (H, W, 3), (H, W, 4) or (H, W); got (1, 5, 5, 3). Put the channels last.",
    ),
    "row": (
        lambda: np.zeros(5, dtype=np.uint8),
        ValueError,
        "image must have shape (H, W, 3), (H, W, 4) or (H, W); got (5,). Put the channels last.",
    ),
    "PIL floats beyond 1": (
        lambda: Image.new("F", (2, 2), 255.0),
        ValueError,
        "image values must lie in [0, 1]; got a maximum of 255.0. Divide an 8-bit image by 255 first.",
    ),
    "PIL whole numbers beyond 16 bits": (
        lambda: Image.new("I", (2, 2), 70000),
        ValueError,
        "image must have grey levels in 0 … 65535; got 70000 … 70000. Scale them to 16 bits first.",
    ),
    "PIL whole numbers below zero": (
        lambda: Image.new("I", (2, 2), -1),
        ValueError,
        "image must have grey levels in 0 … 65535; got -1 … -1. Scale them to 16 bits first.",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_source_that_breaks_a_rule_is_refused_in_words(kind: str) -> None:
    source, error, text = REFUSED[kind]
    with pytest.raises(error, match=exactly(text)):
        to_image_tensor(source())  # type: ignore[arg-type]


def test_load_image_takes_nothing_but_a_path() -> None:
    text = "path must be a path; got Tensor. Give a str or a pathlib.Path."
    with pytest.raises(TypeError, match=exactly(text)):
        load_image(torch.zeros(3, 2, 2))  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 0.4, 0.6, 76.4, 76.6, 254.4, 254.6, 255.0])
def test_values_are_rounded_to_the_nearest_level_and_not_cut_off(level: float, device: torch.device) -> None:
    picture = to_pil(torch.full((3, 1, 2), level / 255, device=device))
    assert picture.mode == "RGB"
    assert picture.size == (2, 1)
    assert picture.getpixel((0, 0)) == (round(level),) * 3


def test_to_pil_leaves_the_tensor_as_it_was() -> None:
    image = in_unit(colours()).requires_grad_()
    assert np.array_equal(np.array(to_pil(image)), colours())
    assert torch.equal(image, in_unit(colours()))


def test_to_pil_takes_nothing_but_a_tensor() -> None:
    text = "image must be a tensor; got ndarray. Try to_image_tensor first."
    with pytest.raises(TypeError, match=exactly(text)):
        to_pil(colours())  # type: ignore[arg-type]


def smooth() -> Tensor:
    """A picture without noise, so that a lossy format has a chance, with edges of colour only."""
    across, down = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 48), indexing="xy")
    return torch.stack([across, down, (across > 0.5).float()])


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_quality_changes_the_size_and_the_fidelity_of_a_lossy_file(tmp_path: Path, suffix: str) -> None:
    size, error = {}, {}
    for quality in (30, 95):
        path = tmp_path / f"{quality}{suffix}"
        save_image(smooth(), path, quality=quality)
        size[quality] = path.stat().st_size
        error[quality] = (load_image(path) - smooth()).square().mean().item()
    assert size[30] < size[95]
    assert error[30] > error[95]


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    save_image(smooth(), tmp_path / "full.jpg")
    with Image.open(tmp_path / "full.jpg") as picture:
        sampling = {layer[1:3] for layer in picture.layer}  # type: ignore[attr-defined]
    assert sampling == {(1, 1)}


@pytest.mark.parametrize("shape", [(3, 2, 4), (1, 3, 2, 4)])
def test_an_image_is_saved_with_or_without_a_batch_dimension(tmp_path: Path, shape: tuple[int, ...]) -> None:
    save_image(torch.full(shape, 0.2), str(tmp_path / "image.png"))
    assert torch.equal(load_image(tmp_path / "image.png"), torch.full((3, 2, 4), 51 / 255))


@pytest.mark.parametrize(
    ("quality", "error", "text"),
    [
        (0, ValueError, "quality must be at least 1; got 0. Give 1 or more."),
        (101, ValueError, "quality must be at most 100; got 101. Give 100 or less."),
        (
            0.9,
            TypeError,
            "quality must be a whole number; got 0.9 of type float. Give an int of at least 1.",
        ),
    ],
)
def test_a_quality_outside_its_range_is_refused(
    tmp_path: Path, quality: int, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=exactly(text)):
        save_image(smooth(), tmp_path / "image.jpg", quality=quality)
    assert list(tmp_path.iterdir()) == []


def test_a_tensor_that_is_no_image_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got a maximum of 2\.0"):
        save_image(torch.full((3, 2, 2), 2.0), tmp_path / "image.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failed_save_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"what was there before")

    def fail(_picture: Image.Image, file: io.BufferedWriter, *_arguments: object, **_options: object) -> None:
        file.write(b"half")
        raise error

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(error):
        save_image(smooth(), path)
    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_replaces_the_old_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"what was there before")
    save_image(smooth(), path)
    assert load_image(path).shape == (3, 48, 48)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o000, 0o666)])
def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        save_image(smooth(), tmp_path / "image.png")
    finally:
        os.umask(before)
    assert (tmp_path / "image.png").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.touch()
    path.chmod(0o600)
    save_image(smooth(), path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    save_image(smooth(), tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert load_image(tmp_path / "target.png").shape == (3, 48, 48)


# ---------------------------------------------------------------------------------------------------------
# Whether a file could be written
# ---------------------------------------------------------------------------------------------------------


def test_a_path_that_can_be_written_comes_back_and_nothing_is_left(tmp_path: Path) -> None:
    assert check_writable(str(tmp_path / "out.JPG"), size=(65500, 1)) == tmp_path / "out.JPG"
    assert check_writable(tmp_path / "out.png", size=(100000, 1)) == tmp_path / "out.png"
    assert list(tmp_path.iterdir()) == []


def test_a_path_in_the_current_folder_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_writable("out.png") == Path("out.png")


@pytest.mark.parametrize(
    ("name", "got", "advice"),
    [
        ("out.webpp", "'.webpp'", "Did you mean '.webp'?"),
        ("out", "''", "Choose one of them."),
        (".png", "''", "Choose one of them."),
    ],
)
def test_a_suffix_that_names_no_format_is_refused_with_the_list(
    tmp_path: Path, name: str, got: str, advice: str
) -> None:
    listed = "'.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff'"
    text = f"the suffix of path must be one of {listed}; got {got}. {advice}"
    with pytest.raises(ValueError, match=exactly(text)):
        check_writable(tmp_path / name)


def test_every_listed_format_can_be_written(tmp_path: Path) -> None:
    for suffix in image_io._FORMATS:
        save_image(smooth(), tmp_path / f"out{suffix}")
        assert load_image(tmp_path / f"out{suffix}").shape == (3, 48, 48)


def test_a_path_of_another_type_is_refused() -> None:
    text = "path must be a path; got int. Give a str or a pathlib.Path."
    with pytest.raises(TypeError, match=exactly(text)):
        check_writable(3)  # type: ignore[arg-type]


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "out.png"
    text = f"path must lie in a folder that exists; got {str(path)!r}. Make the folder first."
    with pytest.raises(FileNotFoundError, match=exactly(text)):
        check_writable(path)


def test_a_folder_is_refused_as_a_file_to_write(tmp_path: Path) -> None:
    path = tmp_path / "folder.png"
    path.mkdir()
    text = f"path must name a file; got {str(path)!r}, a folder. Add a file name."
    with pytest.raises(IsADirectoryError, match=exactly(text)):
        check_writable(path)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_where: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    path = tmp_path / "out.png"
    text = (
        f"path must lie in a folder that can be written to; got {str(path)!r} (Read-only file system). "
        "Choose another folder."
    )
    with pytest.raises(PermissionError, match=exactly(text)):
        check_writable(path)


def test_webp_is_refused_where_pillow_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def has(_feature: str) -> bool:
        return False

    monkeypatch.setattr(features, "check", has)
    path = tmp_path / "out.webp"
    text = (
        f"path must name a format that this Pillow writes; got {str(path)!r}. "
        "Write PNG, or install Pillow with WebP."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        check_writable(path)
    assert check_writable(tmp_path / "out.png") == tmp_path / "out.png"


@pytest.mark.parametrize(
    ("name", "file_format", "limit"), [("a.webp", "WEBP", 16383), ("a.jpg", "JPEG", 65500)]
)
def test_a_picture_too_large_for_its_format_is_refused(
    tmp_path: Path, name: str, file_format: str, limit: int
) -> None:
    path = tmp_path / name
    text = (
        f"path must name a format for the picture's size, and {file_format} ends at {limit} pixels a side; "
        f"got 1×{limit + 1} for {str(path)!r}. Write PNG or TIFF."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        check_writable(path, size=(1, limit + 1))
    with pytest.raises(ValueError, match=exactly(text)):
        save_image(torch.zeros(3, 1, limit + 1), path)
    save_image(torch.zeros(3, 1, limit), path)  # the limit is the encoder's own


# ---------------------------------------------------------------------------------------------------------
# Bands of rows
# ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[3 * 2 * 7, 3 * 3 * 7 + 1, 1], ids=["two rows", "three rows", "one row"])
def _bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of five rows of seven pixels goes in three bands, two, or five, the last of them shorter."""
    monkeypatch.setattr(image_io, "_BAND", request.param)


def random_picture(mode: str) -> Image.Image:
    """A picture of 5 rows and 7 columns of any mode, no two rows alike."""
    generator = np.random.default_rng(5)
    if mode == "F":
        return Image.fromarray(generator.random((5, 7), dtype=np.float32))
    if mode == "I":
        return Image.fromarray(generator.integers(0, 65536, (5, 7), dtype=np.int32))
    length = len(Image.new(mode, (7, 5)).tobytes())
    picture = Image.frombytes(mode, (7, 5), generator.integers(0, 256, length, dtype=np.uint8).tobytes())
    if mode in ("P", "PA"):
        picture.putpalette(generator.integers(0, 256, 768, dtype=np.uint8).tobytes())
    return picture


def read_row_by_row(picture: Image.Image) -> Tensor:
    """Read each row as a picture of its own."""
    rows = [picture.crop((0, top, picture.width, top + 1)) for top in range(picture.height)]
    return torch.cat([to_image_tensor(row) for row in rows], dim=2)


@pytest.mark.usefixtures("_bands")
@pytest.mark.filterwarnings("ignore:image has transparent parts")
@pytest.mark.parametrize("mode", [*MODES, "P"])
def test_a_picture_read_in_bands_is_the_one_read_at_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = random_picture(mode)
    in_bands = to_image_tensor(picture)
    assert torch.equal(in_bands, read_row_by_row(picture))
    monkeypatch.setattr(image_io, "_BAND", 10**6)
    assert torch.equal(in_bands, to_image_tensor(picture))


@pytest.mark.usefixtures("_bands")
@pytest.mark.parametrize(
    ("mode", "profile"), [("RGB", profile_with_red_and_blue_swapped), ("L", linear_grey_profile)]
)
def test_every_band_is_converted_from_the_profile(
    mode: str, profile: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = random_picture(mode)
    unconverted = to_image_tensor(picture)
    picture.info["icc_profile"] = profile()
    in_bands = to_image_tensor(picture)
    assert ((in_bands - unconverted).abs().amax((1, 3)) > 0.1).all()  # each row
    monkeypatch.setattr(image_io, "_BAND", 10**6)
    assert torch.equal(in_bands, to_image_tensor(picture))


@pytest.mark.usefixtures("_bands")
@pytest.mark.parametrize("orientation", [*CORNER, 9])
def test_a_turned_picture_is_pillows_whatever_the_bands(orientation: int) -> None:
    picture = random_picture("RGB")
    picture.getexif()[0x0112] = orientation
    assert torch.equal(to_image_tensor(picture), in_unit(np.array(ImageOps.exif_transpose(picture))))


@pytest.mark.usefixtures("_bands")
@pytest.mark.parametrize("row", range(5))
def test_one_transparent_pixel_in_any_band_is_flattened_and_told_once(row: int) -> None:
    pixels = np.dstack([colours(), np.full((5, 7), 255, dtype=np.uint8)])
    expected = in_unit(pixels[..., :3])
    pixels[row, 3, 3], expected[..., row, 3] = 0, 1
    with pytest.warns(UserWarning, match="transparent parts") as told:
        image = to_image_tensor(pixels)
    assert len(told) == 1
    assert torch.equal(image, expected)


@pytest.mark.usefixtures("_bands")
def test_a_profile_that_cannot_be_used_is_told_once_and_not_for_every_band() -> None:
    for mode in ("RGB", "I;16"):
        picture = random_picture(mode)
        picture.info["icc_profile"] = b"nonsense"
        with pytest.warns(UserWarning, match="cannot be used") as told:
            to_image_tensor(picture)
        assert len(told) == 1


@pytest.mark.usefixtures("_bands")
def test_an_array_with_strides_is_read_in_bands() -> None:
    pixels = colours(10, 7)[::-2]
    assert torch.equal(to_image_tensor(pixels), in_unit(pixels))


@pytest.mark.usefixtures("_bands")
def test_grey_levels_are_checked_over_all_bands() -> None:
    levels = np.zeros((5, 7), dtype=np.int32)
    levels[0, 6], levels[4, 0] = 70000, -3
    with pytest.raises(ValueError, match=re.escape("in 0 … 65535; got -3 … 70000. Scale")):
        to_image_tensor(Image.fromarray(levels))
    floats = np.zeros((5, 7), dtype=np.float32)
    floats[4, 0] = np.nan
    with pytest.raises(ValueError, match="image values must be finite"):
        to_image_tensor(Image.fromarray(floats))


@pytest.mark.usefixtures("_bands")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_picture_made_in_bands_is_the_one_made_at_once(dtype: torch.dtype, device: torch.device) -> None:
    image = torch.rand(3, 7, 5, generator=torch.Generator().manual_seed(0)).to(device, dtype).mT  # with strides
    levels = (image.float() * 255).round().cpu().numpy().astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(np.array(to_pil(image)), levels)


@pytest.mark.usefixtures("_bands")
def test_values_are_checked_over_all_bands_before_a_picture_is_made() -> None:
    image = torch.zeros(3, 5, 7)
    image[0, 0, 0], image[2, 4, 6] = 300, 400
    with pytest.raises(ValueError, match=re.escape("got a maximum of 400.0.")):
        to_pil(image)
    image[1, 2, 3] = torch.nan
    with pytest.raises(ValueError, match="image values must be finite"):
        to_pil(image)


MEASURED = """
import pathlib, re, sys, torch
from neural_style.images import io as image_io
from neural_style.images import resizing
image_io._BAND = 2**16

def resident(name):
    text = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(name + r":\\s*(\\d+)", text)[1])

warm_up, path = sys.argv[1:]
image_io.save_image(torch.zeros(3, 9, 9), warm_up)
image_io.load_image(warm_up)
image = torch.full((3, 4000, 4000), 0.5)
before = resident("VmRSS")
image_io.save_image(image, path)
print((resident("VmHWM") - before) / 16e6)
del image
before = resident("VmRSS")
image_io.load_image(path)
print((resident("VmHWM") - before) / 16e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory taken")
def test_nothing_as_large_as_the_picture_is_made_on_its_way(tmp_path: Path) -> None:
    """Bytes a pixel at the peak: Pillow's picture takes 4 and the tensor 12."""
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "small.png"), str(tmp_path / "large.png")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    writing, reading = map(float, answer.stdout.split())
    assert 3 < writing < 6
    assert 15 < reading < 18


# ---------------------------------------------------------------------------------------------------------
# Sizes
# ---------------------------------------------------------------------------------------------------------


def test_an_image_of_the_right_size_comes_back_itself() -> None:
    image = torch.rand(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    assert resize(image, (8, 6)) is image


def test_resizing_is_that_of_pillow(device: torch.device) -> None:
    """Pillow's bicubic filter, which antialiases too, is a second witness, on floats."""
    plane = torch.rand(40, 30, generator=torch.Generator().manual_seed(0))
    for size in [(20, 15), (13, 17), (80, 60)]:
        witness = Image.fromarray(plane.numpy()).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        image = resize(plane.to(device).expand(1, 3, -1, -1), size, clamp=False)
        assert torch.allclose(image[0, 1].cpu(), torch.from_numpy(np.array(witness)), atol=1e-5)


def test_clamping_cuts_off_what_overshoots_at_an_edge() -> None:
    edge = torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 1
    free, kept = resize(edge, (16, 16), clamp=False), resize(edge, (16, 16))
    assert free.max() > 1
    assert free.min() < 0
    assert torch.equal(kept, free.clamp(0, 1))


@pytest.mark.parametrize("size", [(2, 2), (3, 80), (1, 1)])
def test_a_steep_reduction_goes_in_steps_and_keeps_the_brightness(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratios: list[float] = []

    def watched(image: Tensor, *, size: tuple[int, int], **options: object) -> Tensor:
        ratios.append(max(image.shape[-2] / size[0], image.shape[-1] / size[1]))
        return interpolate(image, size=size, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(resizing, "interpolate", watched)
    image = torch.rand(1, 3, 150, 160, generator=torch.Generator().manual_seed(0))
    reduced = resize(image, size)
    assert reduced.shape[-2:] == size
    assert max(ratios) <= 32
    assert reduced.mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((48, 64), (96, 160)),
        ((96, 160), (48, 80)),
        ((32, 48), (16, 16)),
        ((20, 30), (40, 60)),
        ((160, 96), (4, 3)),
    ],
)
def test_a_picture_that_tiles_the_plane_is_resized_across_its_borders(
    before: tuple[int, int], after: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = torch.rand(1, 3, *before, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    units = [math.gcd(*sides) for sides in zip(before, after, strict=True)]
    here, there = ([side // unit for side, unit in zip(size, units, strict=True)] for size in (before, after))
    for steepest in (32, 8):
        monkeypatch.setattr(resizing, "_STEEPEST", steepest)
        resized = resize(image, after, clamp=False, wraps=True)
        rolled = resize(image.roll(here, (2, 3)), after, clamp=False, wraps=True)
        torch.testing.assert_close(rolled, resized.roll(there, (2, 3)), rtol=0, atol=1e-12)
        inside = resize(image, after, clamp=False)
        assert not torch.allclose(inside, resized, atol=1e-3)
        middle = [slice(side // 4 + 1, -(side // 4) - 1) for side in after]
        if min(after) > 16:
            torch.testing.assert_close(inside[:, :, *middle], resized[:, :, *middle], rtol=0, atol=1e-12)


def test_sides_without_a_common_divisor_wrap_too() -> None:
    wave = torch.sin(torch.arange(37, dtype=torch.float64) * 2 * math.pi / 37).expand(1, 3, 31, 37) / 4 + 0.5
    resized = resize(wave, (64, 53), wraps=True)
    expected = (
        torch.sin((torch.arange(53, dtype=torch.float64) + 0.5) * 2 * math.pi / 53 - math.pi / 37) / 4 + 0.5
    )
    torch.testing.assert_close(resized, expected.expand(1, 3, 64, 53), rtol=0, atol=1e-3)


def test_a_reduction_within_one_step_is_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(resizing, "_STEEPEST", 8)
    once = interpolate(image, size=(8, 8), mode="bicubic", antialias=True).clamp(0, 1)
    assert torch.equal(resize(image, (8, 8)), once)


@pytest.mark.parametrize(
    ("size", "longer_side", "expected"),
    [
        ((768, 1024), 512, (384, 512)),
        ((1024, 768), 512, (512, 384)),
        ((100, 100), 300, (300, 300)),
        ((2, 1000), 100, (1, 100)),
        ((667, 1000), 100, (67, 100)),
        ((49, 49), 47, (47, 47)),
    ],
)
def test_a_size_fits_the_longer_side_and_keeps_its_aspect(
    size: tuple[int, int], longer_side: int, expected: tuple[int, int]
) -> None:
    assert fit_within(size, longer_side) == expected


def test_the_longer_side_is_met_exactly_whatever_the_size() -> None:
    assert all(max(fit_within((7, own), side)) == side for own in range(7, 200) for side in range(1, 200))


def test_a_longer_side_below_one_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match=exactly("longer_side must be at least 1; got 0. Give 1 or more.")):
        fit_within((4, 4), 0)
