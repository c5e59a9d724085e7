"""Which files are read, and what Pillow reads in them without complaint and wrongly."""

from __future__ import annotations

import math
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from neural_style._checks import message
from neural_style.images.profiles import SAME_XY, SRGB_XY, unsupported_colors

READ = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "PPM")  # Pillow's names; tests have each
OTHERS = {  # what files that Pillow does not open begin with, at which byte
    "a JPEG that Pillow does not decode": (0, (b"\xff\xd8\xff",)),
    "a PNG that Pillow does not decode": (0, (b"\x89PNG",)),
    "HEIC": (4, (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")),
    "AVIF": (4, (b"ftypavi",)),  # where this Pillow reads none
    "a raw photograph": (4, (b"ftypcrx",)),
    "a film": (4, (b"ftypiso", b"ftypmp4", b"ftypqt")),
    "JPEG XL": (0, (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    "JPEG 2000": (0, (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    "a Photoshop document": (0, (b"8BPS",)),
    "an icon": (0, (b"\0\0\1\0", b"icns")),
    "OpenEXR": (0, (b"v/1\1",)),
    "PFM in colours": (0, (b"PF\n",)),
    "PDF": (0, (b"%PDF",)),
    "SVG or other XML": (0, (b"<svg", b"<?xml")),
    "a web page": (0, (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML")),
}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
TIFF_COLORS = {0: "grey with white as 0", 1: "grey", 2: "RGB", 3: "a palette", 5: "CMYK", 6: "YCbCr"}
TIFF_SRGB = {318: SRGB_XY[:2], 319: SRGB_XY[2:]}  # tags of the white point and the primaries
TIFF_CODING = {  # tags that Pillow ignores: whose colours they code, and the numbers that are read
    529: (6, (0.299, 0.587, 0.114)),
    532: (6, (0, 255, 128, 255, 128, 255)),
    332: (5, (1,)),
}
TIFF_NUMBERS = {1: "whole numbers", 2: "numbers with a sign", 3: "floats"}


def suffixes() -> list[str]:
    """Return what names of the files that are read end in, in lower case and in alphabetical order."""
    return sorted(end for end, name in Image.registered_extensions().items() if name in READ)


def opened(file: BinaryIO) -> Image.Image:
    """Return a file's first picture, not loaded.

    Raises:
        PIL.UnidentifiedImageError: if it is of no format that is read.
    """
    Image.init()  # without it Pillow knows five formats
    return Image.open(file, formats=[name for name in READ if name in Image.OPEN])


def format_of(file: BinaryIO) -> str:
    r"""Return what a file that Pillow does not open is, by its first bytes; empty where they do not say.

    >>> import io
    >>> format_of(io.BytesIO(b"\0\0\0\x18ftypheic"))
    'HEIC'
    """
    file.seek(0)
    head = file.read(32)
    if not head:
        return "empty"
    if head.startswith(TIFF):
        return "TIFF"
    return next((name for name, (at, starts) in OTHERS.items() if head[at:].startswith(starts)), "")


def check_picture(picture: Image.Image, argument: str, name: str, coded: str) -> None:
    """Check that Pillow reads a picture right.

    Args:
        picture: not loaded, if possible: then less is known.
        argument: what messages call the source.
        name: of the picture in messages.
        coded: how its file codes pixels, by `raw_mode`.

    Raises:
        ValueError: if it does not, or its colours are of a space that is not read.
    """
    unsupported, advice = _unsupported(picture, coded)
    if not unsupported:
        unsupported, advice = unsupported_colors(picture, deep=coded[-4:-1] == ";16"), "Save it as sRGB."
    if unsupported:
        raise ValueError(message(argument, "be a picture that is read right", f"{name}, {unsupported}", advice))


def _unsupported(picture: Image.Image, coded: str) -> tuple[str, str]:
    """Return what Pillow reads wrongly in a picture, and what to do; empty where it is nothing."""
    tags, key = getattr(picture, "tag_v2", {}), picture.info.get("transparency")
    if 50706 in tags:  # DNG's version
        return "a raw photograph, of which Pillow reads the preview", "Develop it, and save it as PNG or JPEG."
    if picture.format == "TIFF" and (_number(tags, 254, 0) & 1 or _number(tags, 255, 1) == 2):
        return "whose first page is a reduced copy of another", "Save the other one alone."
    if ignored := _ignored_in_tiff(tags):
        return ignored, "Save it as sRGB."
    if picture.format in ("JPEG", "MPO") and picture.mode == "CMYK" and "adobe" not in picture.info:
        return "CMYK without Adobe's marker: nothing says whether 0 is no ink", "Save it as RGB."
    if isinstance(key, tuple) and (coded == "RGB;16B" or max(key) > 255):
        return "RGB of 16 bits with a transparent colour", "Save it with an alpha channel."
    # Pillow has the level as the file has it, the pixels in 8 bits; once loaded, the file's depth is lost.
    few_bits = coded in ("L;2", "L;4") or (picture.format == "PNG" and not coded and key in range(1, 16))
    if key is not None and (picture.mode == "1" or (picture.mode == "L" and few_bits)):
        depth = "1 to 4 bits" if coded or picture.mode == "1" else "perhaps 1 to 4 bits, as it is loaded,"
        return f"grey of {depth} with a transparent level", "Save it with an alpha channel."
    return "", ""


def unsupported_in_tiff(picture: Image.Image) -> str:
    """Return what a TIFF has that Pillow reads wrongly or not at all; empty where it is nothing, or no TIFF."""
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return ""
    tags = picture.tag_v2
    depth, numbers, colors = _number(tags, 258, 1), _number(tags, 339, 1), _number(tags, 262, -1)
    compressed = _number(tags, 259, 1) != 1
    planes = _number(tags, 284, 1) == 2 and _number(tags, 277, 1) > 1
    subsampled = colors == 6 and not compressed and tags.get(530, (2, 2)) != (1, 1)
    if numbers == 3:  # floats; Pillow swaps the bytes of compressed big-endian ones twice
        supported = depth == 32 and colors == 1 and not (compressed and tags.prefix == b"MM")
    elif depth == 16:
        supported = colors in (1, 2, 5) and not planes
    else:
        planes_too = colors in (2, 5) and _number(tags, 338, 0) != 1  # not those multiplied by alpha
        supported = depth in (1, 2, 4, 8) and colors in TIFF_COLORS and (planes_too or not planes)
    if supported and numbers != 2 and not subsampled:
        return ""
    layout = " in planes of their own" if planes else ", subsampled, not compressed" if subsampled else ""
    color = TIFF_COLORS.get(colors, "CIELAB" if colors == 8 else "unknown colours")
    return f"{color} in {TIFF_NUMBERS.get(numbers, 'numbers')} of {depth} bits{layout}"


def _ignored_in_tiff(tags: Any) -> str:
    """Return what a TIFF's tags say of its colours that Pillow ignores; empty where it is nothing."""
    colors, dots = _number(tags, 262, -1), _numbers(tags, 336)
    if 34675 not in tags:  # that of a profile, which comes first
        if 301 in tags:
            return "with a transfer function"
        if any(not _are(tags, tag, usual, SAME_XY) for tag, usual in TIFF_SRGB.items()):
            return "whose white point or primaries are not sRGB's"
    if any(colors == of and not _are(tags, tag, usual, 1e-3) for tag, (of, usual) in TIFF_CODING.items()):
        return "CMYK of other inks" if colors == 5 else "YCbCr that is not coded as in a JPEG"
    if colors == 5 and len(dots) > 1 and dots[0] > dots[1]:
        return "CMYK with 0 for full ink"
    if colors == 3 and 0 < max(_numbers(tags, 320), default=0) < 256:
        return "with a palette of 8 bits, not 16"
    return ""


def _numbers(tags: Any, tag: int) -> list[float]:
    """Return a TIFF tag's numbers, of any type; none where it is missing, NaN where it has none."""
    try:
        value = tags[tag]
        return [float(number) for number in (value if isinstance(value, (tuple, bytes)) else (value,))]
    except KeyError:
        return []
    except (TypeError, ValueError, ZeroDivisionError):
        return [math.nan]


def _are(tags: Any, tag: int, usual: tuple[float, ...], tolerance: float) -> bool:
    """Return whether a TIFF tag has the usual numbers, which it has where it is missing."""
    numbers = _numbers(tags, tag) or usual
    return len(numbers) == len(usual) and np.allclose(numbers, usual, rtol=0, atol=tolerance)


def _number(tags: Any, tag: int, usual: int) -> int:
    """Return a TIFF tag's number, the largest of several; the usual one where it is missing or no number."""
    value = tags.get(tag, usual)
    value = max(value, default=usual) if isinstance(value, tuple) else value
    return value if isinstance(value, int) else usual


def raw_mode(picture: Image.Image) -> str:
    """Return how the file of a picture that is not loaded codes its pixels; empty where that is not known."""
    tiles = getattr(picture, "tile", None)
    mode = tiles[0][3] if tiles else ""
    return mode if isinstance(mode, str) else str(mode[0])
