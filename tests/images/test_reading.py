"""Pictures in: sources of every type and mode, EXIF data, transparency, profiles, files that are refused."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from images.cells import profile
from neural_style.images.io import load_image, to_image_tensor

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


TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT = (0, 0), (0, -1), (-1, -1), (-1, 0)
CORNER = dict(enumerate(2 * [TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT], 1))
CORNER[9] = TOP_LEFT  # which the standard does not know


@pytest.mark.parametrize("orientation", CORNER)
@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_the_exif_orientation_turns_a_pil_picture_upright(orientation: int, mode: str) -> None:
    """The stored picture's first pixel is white and comes to the corner that the EXIF standard names."""
    picture = Image.new(mode, (3, 2))
    picture.putpixel((0, 0), (255, 255, 255) if mode == "RGB" else 65535)
    picture.getexif()[0x0112] = orientation
    image = to_image_tensor(picture)
    assert (picture.size, picture.getexif()[0x0112]) == ((3, 2), orientation)  # as it was
    assert image.shape[-2:] == ((3, 2) if 5 <= orientation <= 8 else (2, 3))
    expected = torch.zeros(image.shape)
    expected[..., CORNER[orientation][0], CORNER[orientation][1]] = 1
    assert torch.equal(image, expected)


def exif_with(tag: int, number_type: int, value: bytes) -> bytes:
    """EXIF data by its specification: orientation 6, and one more tag."""
    entries = sorted([(0x0112, 3, struct.pack("<HH", 6, 0)), (tag, number_type, value)])
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


def test_half_transparent_black_on_white_is_the_middle_grey() -> None:
    pixels = np.array([[[0, 0, 0, 51]]], dtype=np.uint8)  # 51 / 255 = 0.2
    with pytest.warns(UserWarning, match=r"^content has transparent parts"):
        image = to_image_tensor(pixels, "content")
    assert torch.allclose(image, torch.full((1, 3, 1, 1), 0.8))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_an_alpha_that_hides_nothing_is_not_warned_of(tmp_path: Path, mode: str) -> None:
    Image.new("RGBA", (2, 2), (8, 8, 8, 255)).convert(mode).save(tmp_path / "opaque.png")
    assert rgb(load_image(tmp_path / "opaque.png")) == (8, 8, 8)


@pytest.mark.parametrize(
    ("mode", "data"),
    [
        ("RGB", b"nonsense"),
        ("L", b"nonsense"),
        ("CMYK", profile(b"RGB ", 2.2)),
        ("RGB", profile(b"GRAY", 2.2)),
        ("I;16", profile(b"RGB ", 2.2)),
    ],
)
def test_a_profile_that_cannot_be_used_is_left_aside_with_a_warning(mode: str, data: bytes) -> None:
    picture = Image.new(mode, (2, 1))
    expected = to_image_tensor(picture)
    picture.info["icc_profile"] = data
    with pytest.warns(UserWarning, match=r"^image has a colour profile that cannot be used"):
        assert torch.equal(to_image_tensor(picture), expected)


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
    with pytest.raises(ValueError, match=r"^path must be a (whole picture|file in PNG)"):
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
    monkeypatch.setattr("neural_style.images.decoding.STRIP", 4)  # Pillow 11 checks what is cropped too
    Image.new("RGB", (4, 4)).save(tmp_path / "large.png")
    Image.new("RGB", (5, 5)).save(tmp_path / "bomb.png")
    filters = list(warnings.filters)
    load_image(tmp_path / "large.png")
    with pytest.raises(ValueError, match=r"^path must have at most twice PIL\.Image\.MAX_IMAGE_PIXELS"):
        load_image(tmp_path / "bomb.png")
    tifffile.imwrite(tmp_path / "bomb.tif", np.zeros((5, 5), np.float64), photometric="minisblack")
    with pytest.raises(ValueError, match=r"^path must be a TIFF .*twice PIL\.Image\.MAX_IMAGE_PIXELS"):
        load_image(tmp_path / "bomb.tif")  # by tifffile
    assert Image.MAX_IMAGE_PIXELS == 10
    assert list(warnings.filters) == filters


@pytest.mark.parametrize(("tag", "depth"), [(254, 8), (274, 16)])
def test_a_tiff_with_text_for_a_tags_number_is_read_all_the_same(tmp_path: Path, tag: int, depth: int) -> None:
    planes = np.full((3, 4, 6), 2**depth - 1, f"u{depth // 8}")
    extra: Any = [(tag, 2, 2, "x", True)]
    tifffile.imwrite(tmp_path / "tag.tif", planes, photometric="rgb", planarconfig="separate", extratags=extra)
    assert load_image(tmp_path / "tag.tif").min() == 1
