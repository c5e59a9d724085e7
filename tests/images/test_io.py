"""Pictures in and out: every kind of file and source, what is warned of, what is refused."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, features
from torch import Tensor

from neural_style.images import io as image_io
from neural_style.images.io import check_writable, load_image, save_image, to_image_tensor, to_pil

Pixels = NDArray[np.uint8]


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


# -- Profiles, made by hand: each does something that no one could miss ---------------------------------


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


# -- Sources --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_an_image_survives_a_round_trip_through_an_exact_format(tmp_path: Path, suffix: str) -> None:
    image = in_unit(np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2))  # all levels
    for source in (image, image[0]):
        save_image(source, tmp_path / f"picture{suffix}")
        assert torch.equal(load_image(str(tmp_path / f"picture{suffix}")), image[0])


def test_every_type_of_source_gives_the_same_image(tmp_path: Path) -> None:
    pixels, path = colours(), tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    expected = in_unit(pixels)
    for source in (str(path), path, Image.fromarray(pixels), pixels, expected[0], expected):
        image = to_image_tensor(source)
        assert is_image(image)
        assert torch.equal(image, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_float_tensor_of_any_width_becomes_float32(dtype: torch.dtype, device: torch.device) -> None:
    image = to_image_tensor(torch.full((3, 2, 4), 0.5, dtype=dtype, device=device))
    assert is_image(image)
    assert image.device.type == device.type
    assert torch.equal(image.cpu(), torch.full((1, 3, 2, 4), 0.5))


def test_the_image_is_a_copy() -> None:
    tensor, pixels = torch.full((1, 3, 2, 4), 0.5), colours()
    to_image_tensor(tensor).zero_()
    to_image_tensor(pixels).zero_()
    assert torch.equal(tensor, torch.full((1, 3, 2, 4), 0.5))
    assert np.array_equal(pixels, colours())


def test_a_pil_picture_is_left_as_it_was() -> None:
    picture = Image.new("RGB", (2, 1), (10, 20, 30))
    picture.getexif()[0x0112] = 6
    to_image_tensor(picture)
    assert (picture.size, picture.mode, picture.getexif()[0x0112]) == ((2, 1), "RGB", 6)


def test_the_image_has_no_history_and_can_be_optimised_whatever_mode_it_was_made_in() -> None:
    assert is_image(to_image_tensor(torch.full((3, 2, 4), 0.5, requires_grad=True)))
    with torch.inference_mode():
        source = torch.full((3, 2, 4), 0.5)
        images = [to_image_tensor(source), to_image_tensor(colours())]
    for image in (*images, to_image_tensor(source)):
        assert is_image(image)
        (gradient,) = torch.autograd.grad(image.requires_grad_().square().sum(), image)
        assert torch.equal(gradient, 2 * image)


def test_a_view_with_strides_becomes_contiguous() -> None:
    pixels = colours()
    image = to_image_tensor((torch.from_numpy(pixels) / 255).movedim(-1, 0))
    assert is_image(image)
    assert torch.equal(image, in_unit(pixels))
    assert torch.equal(to_image_tensor(pixels[:, ::-1]), in_unit(pixels).flip(-1))


def test_the_default_dtype_and_device_change_nothing() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            images = [to_image_tensor(colours())]
            images += [to_image_tensor(Image.new(mode, (2, 2), 0)) for mode in ("F", "I;16")]
    finally:
        torch.set_default_dtype(torch.float32)
    for image in images:
        assert is_image(image)
        assert image.device.type == "cpu"


def test_an_array_may_be_grey() -> None:
    assert rgb(to_image_tensor(np.array([[0, 77]], dtype=np.uint8)), 0, 1) == (77, 77, 77)


# -- What files hold ------------------------------------------------------------------------------------

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


def exif_with(tag: int, kind: int, value: bytes) -> bytes:
    """EXIF data by its specification: orientation 6, and one more tag."""
    entries = sorted([(0x0112, 3, struct.pack("<HH", 6, 0)), (tag, kind, value)])
    table = b"".join(struct.pack("<HHI4s", *entry[:2], 1, entry[2]) for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + table + bytes(4)


def test_a_picture_is_turned_though_other_exif_data_is_invalid(tmp_path: Path) -> None:
    """A negative offset, which Pillow reads but cannot write again."""
    path = tmp_path / "camera.jpg"
    Image.new("RGB", (3, 2)).save(path, exif=exif_with(0x0111, 9, struct.pack("<i", -5)))
    assert load_image(path).shape == (3, 3, 2)


def test_exif_data_that_cannot_be_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "exif.png"
    Image.fromarray(colours()).save(path, exif=b"Exif\0\0nonsense")
    with pytest.warns(UserWarning, match=r"^path has EXIF data that cannot be read"):
        assert torch.equal(load_image(path)[None], in_unit(colours()))


@pytest.mark.parametrize("mode", ["RGB", "I;16", "CMYK", "P", "LA"])
@pytest.mark.filterwarnings("ignore:image has transparent parts")
def test_a_turned_picture_of_any_mode_is_pillows(mode: str) -> None:
    length = len(Image.new(mode, (7, 5)).tobytes())
    picture = Image.frombytes(mode, (7, 5), np.random.default_rng(0).bytes(length))
    for orientation in (*CORNER, 9):
        picture.getexif()[0x0112] = orientation
        expected = to_image_tensor(ImageOps.exif_transpose(picture))
        assert torch.equal(to_image_tensor(picture), expected)


# -- Transparency ---------------------------------------------------------------------------------------


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
def test_transparent_parts_are_flattened_onto_white_with_a_warning(tmp_path: Path, kind: str) -> None:
    picture, options = transparent_pictures()[kind]
    path = tmp_path / "clear.png"
    picture.save(path, **options)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match=r"^path has transparent parts") as record:
        image = load_image(path)
    assert len(record) == 1
    assert (rgb(image, 0, 0), rgb(image, 0, 1)) == ((255, 255, 255), (0, 0, 0))


def test_white_may_be_transparent_by_the_files_own_number_too() -> None:
    picture = Image.new("1", (2, 1))
    picture.putpixel((0, 0), 1)
    picture.info["transparency"] = 1  # before Pillow 12; since then 255
    with pytest.warns(UserWarning, match="transparent parts"):
        to_image_tensor(picture, "content")
    assert picture.info == {"transparency": 1}


def png(depth: int, color_type: int, row: bytes, key: bytes) -> bytes:
    """A PNG of two pixels by its specification, with a transparent colour."""
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", 2, 1, depth, color_type, 0, 0, 0),
        b"tRNS": key,
        b"IDAT": zlib.compress(b"\0" + row),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
        for tag, data in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("file", "other"),
    [
        (png(1, 0, b"\x80", struct.pack(">H", 1)), 0),
        (png(2, 0, b"\x90", struct.pack(">H", 2)), 85),  # levels 2 and 1 of 3
        (png(4, 0, b"\x5a", struct.pack(">H", 5)), 170),  # levels 5 and 10 of 15
        (png(8, 0, b"\x05\x5a", struct.pack(">H", 5)), 90),
        (png(16, 0, b"\0\x05\x5a\x5a", struct.pack(">H", 5)), 90),
        (png(16, 2, 3 * b"\x12\x34" + 3 * b"\x5a\x5a", 3 * b"\x12\x34"), 90),
    ],
    ids=["1 bit", "2 bits", "4 bits", "8 bits", "16 bits", "RGB of 16 bits"],
)
def test_a_transparent_colour_counts_whatever_the_depth(tmp_path: Path, file: bytes, other: int) -> None:
    (tmp_path / "key.png").write_bytes(file)
    with pytest.warns(UserWarning, match="transparent parts"):
        image = load_image(tmp_path / "key.png")
    assert (rgb(image, 0, 0), rgb(image, 0, 1)) == ((255, 255, 255), (other, other, other))


def test_half_transparent_black_on_white_is_the_middle_grey() -> None:
    pixels = np.array([[[0, 0, 0, 51]]], dtype=np.uint8)  # 51 / 255 = 0.2
    with pytest.warns(UserWarning, match=r"^content has transparent parts"):
        image = to_image_tensor(pixels, "content")
    assert torch.allclose(image, torch.full((1, 3, 1, 1), 0.8))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_an_alpha_that_hides_nothing_is_not_warned_of(tmp_path: Path, mode: str) -> None:
    Image.new("RGBA", (2, 2), (8, 8, 8, 255)).convert(mode).save(tmp_path / "opaque.png")
    assert rgb(load_image(tmp_path / "opaque.png")) == (8, 8, 8)


# -- Colour profiles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_colours_are_converted_from_the_profile_of_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"profile{suffix}"
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    red.save(path, icc_profile=profile_with_red_and_blue_swapped())
    assert rgb(load_image(path)) == pytest.approx((0, 0, 255), abs=10)


def test_the_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "srgb.png", icc_profile=srgb_profile())
    torch.testing.assert_close(
        load_image(tmp_path / "srgb.png")[None], in_unit(colours()), rtol=0, atol=1.01 / 255
    )


@pytest.mark.parametrize(("profile", "expected"), [(linear_grey_profile, 188), (srgb_profile, 128)])
def test_grey_is_converted_from_a_grey_or_a_colour_profile(
    tmp_path: Path, profile: Callable[[], bytes], expected: int
) -> None:
    Image.new("L", (2, 2), 128).save(tmp_path / "grey.png", icc_profile=profile())
    assert rgb(load_image(tmp_path / "grey.png")) == (expected,) * 3


def test_inks_are_converted_from_their_profile(tmp_path: Path) -> None:
    path = tmp_path / "inks.tif"
    cyan = Image.new("CMYK", (2, 1), (255, 0, 0, 0))
    cyan.putpixel((1, 0), (0, 0, 0, 255))
    cyan.save(path, icc_profile=black_ink_only_profile())
    assert min(rgb(load_image(path), 0, 0)) > 250  # and not cyan: this profile's cyan leaves no mark
    assert max(rgb(load_image(path), 0, 1)) < 5


def test_inks_without_a_profile_are_converted_plainly(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "inks.jpg", quality=100)
    assert rgb(load_image(tmp_path / "inks.jpg")) == pytest.approx((255, 0, 0), abs=10)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"nonsense"),
        ("L", b"nonsense"),
        ("CMYK", srgb_profile()),
        ("RGB", linear_grey_profile()),
        ("I;16", linear_grey_profile()),
    ],
)
def test_a_profile_that_cannot_be_used_is_left_aside_with_a_warning(mode: str, profile: bytes) -> None:
    picture = Image.new(mode, (2, 1))
    expected = to_image_tensor(picture)
    picture.info["icc_profile"] = profile
    with pytest.warns(UserWarning, match=r"^image has a colour profile that cannot be used"):
        assert torch.equal(to_image_tensor(picture), expected)


# -- Files that are refused -----------------------------------------------------------------------------


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^content must be a file"):
        to_image_tensor(tmp_path / "none.png", "content")
    with pytest.raises(IsADirectoryError, match=r"^path must be a file"):
        load_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^path must be a picture that Pillow reads"):
        load_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(colours(64, 64)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    # To some formats it is not even a header.
    with pytest.raises(ValueError, match=r"^path must be a (whole picture|picture that Pillow reads)"):
        load_image(path)


def test_a_damaged_png_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.png"
    Image.fromarray(colours(64, 64)).save(path)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"^path must be a whole picture"):
        load_image(path)


def test_a_lack_of_memory_is_not_called_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_picture: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", fail)
    with pytest.raises(MemoryError):
        to_image_tensor(Image.new("RGB", (2, 2)))


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
    with pytest.raises(ValueError, match=r"^path must have at most twice PIL\.Image\.MAX_IMAGE_PIXELS"):
        load_image(path)


# -- Sources that are refused ---------------------------------------------------------------------------

LEVELS = "image must have grey levels"
REFUSED: dict[str, tuple[object, type[Exception], str]] = {
    "list": ([[0.5]], TypeError, "image must be a path"),
    "8-bit tensor": (torch.zeros(3, 2, 2, dtype=torch.uint8), TypeError, "image must be a tensor of floats"),
    "grey tensor": (torch.zeros(1, 2, 2), ValueError, "image must have shape"),
    "channels last": (torch.zeros(4, 5, 3), ValueError, "image must have shape .*movedim"),
    "batch": (torch.zeros(2, 3, 4, 5), ValueError, "image must have shape"),
    "number": (torch.tensor(0.5), ValueError, "image must have shape"),
    "empty tensor": (torch.zeros(3, 0, 5), ValueError, "image must hold at least one pixel"),
    "empty array": (np.zeros((4, 0, 3), dtype=np.uint8), ValueError, "image must have pixels"),
    "empty PIL picture": (Image.new("RGB", (0, 3)), ValueError, "image must have pixels"),
    "tensor of levels": (torch.full((3, 2, 2), 255.0), ValueError, "image values must lie in"),
    "tensor with NaN": (torch.full((3, 2, 2), float("nan")), ValueError, "image values must be finite"),
    "float array": (np.zeros((2, 2, 3)), TypeError, "image must be an array of uint8"),
    "channels first": (np.zeros((3, 5, 5), dtype=np.uint8), ValueError, "image must have shape"),
    "batch of arrays": (np.zeros((1, 5, 5, 3), dtype=np.uint8), ValueError, "image must have shape"),
    "row": (np.zeros(5, dtype=np.uint8), ValueError, "image must have shape"),
    "PIL floats beyond 1": (Image.new("F", (2, 2), 255.0), ValueError, "image values must lie in"),
    "PIL floats with NaN": (Image.new("F", (2, 2), float("nan")), ValueError, "image values must be finite"),
    "PIL levels beyond 16 bits": (Image.new("I", (2, 2), 70000), ValueError, LEVELS),
    "PIL levels below zero": (Image.new("I", (2, 2), -1), ValueError, LEVELS),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_source_that_is_no_picture_is_refused(name: str) -> None:
    source, error, text = REFUSED[name]
    with pytest.raises(error, match=f"^{text}"):
        to_image_tensor(source)  # type: ignore[arg-type]


# -- Writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 0.4, 0.6, 76.4, 76.6, 254.4, 254.6, 255.0])
def test_values_are_rounded_to_the_nearest_level_and_not_cut_off(level: float, device: torch.device) -> None:
    picture = to_pil(torch.full((3, 1, 2), level / 255, device=device))
    assert picture.mode == "RGB"
    assert picture.size == (2, 1)
    assert picture.getpixel((0, 0)) == (round(level),) * 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_to_pil_takes_floats_of_any_width_and_strides(dtype: torch.dtype, device: torch.device) -> None:
    image = torch.rand(3, 7, 5, generator=torch.Generator().manual_seed(0)).to(device, dtype).mT
    levels = (image.float() * 255).round().cpu().numpy().astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(np.array(to_pil(image)), levels)


def test_to_pil_leaves_the_tensor_as_it_was() -> None:
    image = in_unit(colours()).requires_grad_()
    assert np.array_equal(np.array(to_pil(image)), colours())
    assert torch.equal(image, in_unit(colours()))


def test_to_pil_refuses_what_is_no_image() -> None:
    with pytest.raises(TypeError, match=r"^image must be a tensor"):
        to_pil(colours())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^image values must lie in"):
        to_pil(torch.full((3, 2, 2), 2.0))


def smooth() -> Tensor:
    """A picture without noise, so that a lossy format has a chance, with edges of colour only."""
    across, down = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 48), indexing="xy")
    return torch.stack([across, down, (across > 0.5).float()])


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_changes_the_fidelity_of_a_lossy_file(tmp_path: Path, suffix: str) -> None:
    errors = []
    for quality in (30, 95):
        save_image(smooth(), tmp_path / f"lossy{suffix}", quality=quality)
        errors.append((load_image(tmp_path / f"lossy{suffix}") - smooth()).square().mean().item())
    assert errors[0] > errors[1]


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    save_image(smooth(), tmp_path / "full.jpg")
    with Image.open(tmp_path / "full.jpg") as picture:
        sampling = {layer[1:3] for layer in picture.layer}  # type: ignore[attr-defined]
    assert sampling == {(1, 1)}


@pytest.mark.parametrize(("quality", "error"), [(0, ValueError), (101, ValueError), (0.9, TypeError)])
def test_a_quality_outside_its_range_is_refused(tmp_path: Path, quality: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^quality must be"):
        save_image(smooth(), tmp_path / "image.jpg", quality=quality)
    with pytest.raises(ValueError, match=r"^image values must lie"):
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


# -- Whether a file could be written --------------------------------------------------------------------


def test_a_path_that_can_be_written_comes_back_and_nothing_is_left(tmp_path: Path) -> None:
    assert check_writable(str(tmp_path / "out.JPG"), size=(65500, 1)) == tmp_path / "out.JPG"
    assert check_writable(tmp_path / "out.png", size=(100000, 1)) == tmp_path / "out.png"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "advice"), [("out.webpp", "Did you mean '.webp'"), ("out", ""), (".png", "")])
def test_a_suffix_that_names_no_format_is_refused(tmp_path: Path, name: str, advice: str) -> None:
    with pytest.raises(ValueError, match=f"^the suffix of path must be one of '.png', .*{advice}"):
        check_writable(tmp_path / name)


def test_every_listed_format_can_be_written(tmp_path: Path) -> None:
    for suffix in image_io.SUFFIXES:
        save_image(smooth(), tmp_path / f"out{suffix}")
        assert load_image(tmp_path / f"out{suffix}").shape == (3, 48, 48)


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_where: object) -> None:
        raise OSError(30, "Read-only file system")

    with pytest.raises(TypeError, match=r"^out must be a path"):
        check_writable(3, argument="out")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"^out must lie in a folder"):
        check_writable(tmp_path / "nowhere" / "out.png", argument="out")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match=r"^out must name a file"):
        check_writable(tmp_path / "folder.png", argument="out")
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=r"^out must lie in a folder"):
        check_writable(tmp_path / "out.png", argument="out")


def test_webp_is_refused_where_pillow_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _feature: False)
    with pytest.raises(ValueError, match=r"^path must name a format that this Pillow writes"):
        check_writable(tmp_path / "out.webp")
    assert check_writable(tmp_path / "out.png") == tmp_path / "out.png"


@pytest.mark.parametrize(("name", "limit"), [("a.webp", 16383), ("a.jpg", 65500)])
def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path, name: str, limit: int) -> None:
    path = tmp_path / name
    with pytest.raises(ValueError, match=f"^path must name a format for the picture's size.* {limit} pixels"):
        check_writable(path, size=(1, limit + 1))
    with pytest.raises(ValueError, match=r"^path must name a format for the picture's size"):
        save_image(torch.zeros(3, 1, limit + 1), path)
    save_image(torch.zeros(3, 1, limit), path)  # the limit is the encoder's own
