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
from PIL import Image, ImageCms, features
from torch import Tensor

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


def linear_grey_profile() -> bytes:
    """Grey of gamma 1, whose level 128, half the light, is sRGB's 188: header, table of tags, tags."""
    white = b"XYZ " + bytes(4) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)  # D50
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 0x0100) + bytes(2)
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 14)
    header = struct.pack(">I4sI4s4s4s", 192, bytes(4), 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    header = header.ljust(36, b"\0") + b"acsp"
    return (header.ljust(68, b"\0") + white[8:]).ljust(128, b"\0") + table + white + curve


# -- Sources --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_an_image_survives_a_round_trip_through_an_exact_format(tmp_path: Path, suffix: str) -> None:
    image = in_unit(np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2))  # all levels
    for source in (image, image[0]):
        save_image(source, tmp_path / f"picture{suffix}")
        assert torch.equal(load_image(str(tmp_path / f"picture{suffix}")), image[0])


def test_every_type_of_source_gives_the_same_image_which_is_a_copy(tmp_path: Path) -> None:
    pixels, path = colours(), tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    expected, flipped = in_unit(pixels), np.ascontiguousarray(pixels[:, ::-1])
    channels_last = expected[0].movedim(0, -1).contiguous().movedim(-1, 0)
    arrays = (Image.fromarray(pixels), pixels, flipped[:, ::-1])
    for source in (str(path), path, *arrays, channels_last, expected[0], expected):
        image = to_image_tensor(source)
        assert is_image(image)
        assert torch.equal(image, in_unit(colours()))
        image.zero_()
    assert np.array_equal(pixels, colours())
    assert rgb(to_image_tensor(np.array([[0, 77]], dtype=np.uint8)), 0, 1) == (77, 77, 77)  # grey


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_tensor_of_any_width_and_mode_becomes_one_that_can_be_optimised(
    dtype: torch.dtype, device: torch.device
) -> None:
    leaf = torch.full((3, 2, 4), 0.5, dtype=dtype, device=device, requires_grad=True)
    with torch.inference_mode():
        inside = leaf.clone()
        images = [to_image_tensor(inside)]
    for image in (*images, to_image_tensor(inside), to_image_tensor(leaf)):
        assert is_image(image)
        assert image.device.type == device.type
        (gradient,) = torch.autograd.grad(image.requires_grad_().square().sum(), image)
        assert torch.equal(gradient.cpu(), torch.ones(1, 3, 2, 4))  # 2 · 0.5


# -- What files hold ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (77, 255), (77, 77, 77)),
        ("La", (77, 255), (77, 77, 77)),
        ("PA", (0, 255), (0, 0, 0)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBa", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBX", (10, 20, 30, 9), (10, 20, 30)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("YCbCr", (77, 128, 128), (77, 77, 77)),
        ("HSV", (0, 255, 255), (255, 0, 0)),
        ("LAB", (255, 128, 128), (255, 255, 255)),
        ("I", 65535, (255, 255, 255)),
        ("F", 0.2, (51, 51, 51)),
        ("I;16", 257 * 77, (77, 77, 77)),
        ("I;16B", 257 * 77, (77, 77, 77)),
        ("I;16L", 257 * 77, (77, 77, 77)),
    ],
)
def test_a_picture_of_any_mode_becomes_rgb(mode: str, colour: Any, expected: tuple[int, int, int]) -> None:
    image = to_image_tensor(Image.new(mode, (3, 2), colour))
    assert is_image(image)
    assert image.shape == (1, 3, 2, 3)
    assert rgb(image, 1, 2) == pytest.approx(expected, abs=1)  # Lab is rounded on the way


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


TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT = (0, 0), (0, -1), (-1, -1), (-1, 0)
CORNER = dict(enumerate(2 * [TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT], 1))
CORNER[9] = TOP_LEFT  # which the standard does not know


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
    assert (picture.size, picture.getexif()[0x0112]) == ((3, 2), orientation)  # as it was
    assert image.shape[-2:] == ((3, 2) if 5 <= orientation <= 8 else (2, 3))
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


# -- Transparency ---------------------------------------------------------------------------------------


def transparent_pictures() -> dict[str, tuple[Image.Image, dict[str, Any]]]:
    """By their kind: pictures whose first pixel is transparent and whose second is opaque black."""
    palette = Image.new("P", (2, 1))
    palette.putpalette([9, 9, 9, 0, 0, 0])
    palette.putpixel((1, 0), 1)
    colour, grey = Image.new("RGBA", (2, 1), (9, 9, 9, 0)), Image.new("LA", (2, 1), (9, 0))
    colour.putpixel((1, 0), (0, 0, 0, 255))
    grey.putpixel((1, 0), (0, 255))
    return {
        "palette with one transparent colour": (palette, {"transparency": 0}),
        "palette with alpha": (palette, {"transparency": b"\0\xff"}),
        "colour": (colour, {}),
        "grey": (grey, {}),
    }


@pytest.mark.parametrize("kind", transparent_pictures())
def test_transparent_parts_are_flattened_onto_white_with_a_warning(tmp_path: Path, kind: str) -> None:
    picture, options = transparent_pictures()[kind]
    path = tmp_path / "clear.png"
    picture.save(path, **options)
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
        (png(8, 2, 3 * b"\x12" + 3 * b"\x5a", 3 * b"\0\x12"), 90),
        (png(16, 2, 3 * b"\x12\x34" + 3 * b"\x5a\x5a", 3 * b"\x12\x34"), 90),
    ],
    ids=["1 bit", "2 bits", "4 bits", "8 bits", "16 bits", "RGB of 8 bits", "RGB of 16 bits"],
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


@pytest.mark.parametrize(("profile", "expected"), [(linear_grey_profile, 188), (srgb_profile, 128)])
def test_grey_is_converted_from_a_grey_or_a_colour_profile(
    tmp_path: Path, profile: Callable[[], bytes], expected: int
) -> None:
    Image.new("L", (2, 2), 128).save(tmp_path / "grey.png", icc_profile=profile())
    assert rgb(load_image(tmp_path / "grey.png")) == (expected,) * 3


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"nonsense"),
        ("L", b"nonsense"),
        ("CMYK", srgb_profile()),
        ("RGB", linear_grey_profile()),
        ("I;16", srgb_profile()),
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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(colours(64, 64)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    # To some formats it is not even a header.
    with pytest.raises(ValueError, match=r"^path must be a (whole picture|picture that Pillow reads)"):
        load_image(path)


def test_a_lack_of_memory_is_not_called_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_picture: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", fail)
    with pytest.raises(MemoryError, match=r"^content must fit into the memory .* 2×3 pixels\. Reduce it"):
        to_image_tensor(Image.new("RGB", (3, 2)), "content")


def test_a_lack_of_torchs_memory_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_size: object, **_options: object) -> Tensor:
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(torch, "empty", fail)
    with pytest.raises(MemoryError, match=r"^content must fit into the memory"):
        to_image_tensor(Image.new("RGB", (3, 2)), "content")


def test_a_large_picture_is_read_without_a_warning_up_to_twice_pillows_limit_which_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    monkeypatch.setattr("neural_style.images.decoding.STRIP", 4)  # Pillow 10 checks what is cropped too
    Image.new("RGB", (4, 4)).save(tmp_path / "large.png")
    Image.new("RGB", (5, 5)).save(tmp_path / "bomb.png")
    filters = list(warnings.filters)
    load_image(tmp_path / "large.png")
    with pytest.raises(ValueError, match=r"^path must have at most twice PIL\.Image\.MAX_IMAGE_PIXELS"):
        load_image(tmp_path / "bomb.png")
    assert Image.MAX_IMAGE_PIXELS == 10
    assert list(warnings.filters) == filters


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


# -- Writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_to_pil_rounds_floats_of_any_width_and_strides_and_leaves_them_alone(
    dtype: torch.dtype, device: torch.device
) -> None:
    image = torch.rand(3, 70, 50, generator=torch.Generator().manual_seed(0)).to(device, dtype).mT
    before = image.clone()
    levels = np.rint(image.float().cpu().numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(np.array(to_pil(image.requires_grad_())), levels)
    assert torch.equal(image, before)
    with pytest.raises(TypeError, match=r"^image must be a tensor"):
        to_pil(levels)


def smooth() -> Tensor:
    """A picture without noise, so that a lossy format has a chance, with edges of colour only."""
    across, down = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 48), indexing="xy")
    return torch.stack([across, down, (across > 0.5).float()])


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
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


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o000, 0o666)])
def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        save_image(smooth(), tmp_path / "image.png")
    finally:
        os.umask(before)
    assert (tmp_path / "image.png").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_stays_a_link_and_its_target_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    link, target = tmp_path / "link.png", tmp_path / "target.png"
    link.symlink_to(target)
    for permissions in (0o600, 0o640):
        target.touch()
        target.chmod(permissions)
        save_image(smooth(), link)
        assert link.is_symlink()
        assert load_image(target).shape == (3, 48, 48)
        assert target.stat().st_mode & 0o777 == permissions
    assert set(tmp_path.iterdir()) == {link, target}


def test_a_path_that_can_be_written_comes_back_and_nothing_is_left(tmp_path: Path) -> None:
    assert check_writable(str(tmp_path / "out.JPG"), size=(65500, 1)) == tmp_path / "out.JPG"
    assert check_writable(tmp_path / "out.png", size=(100000, 1)) == tmp_path / "out.png"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.webpp", "out", ".png"])
def test_a_suffix_that_names_no_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^the suffix of path must be one of '.png', "):
        check_writable(tmp_path / name)


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_where: object) -> None:
        raise OSError(30, "Read-only file system")

    with pytest.raises(TypeError, match=r"^out must be a path"):
        check_writable(3, argument="out")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"^out must lie in a folder"):
        check_writable(tmp_path / "nowhere" / "out.png", argument="out")
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
