"""What Pillow reads without complaint and wrongly: found in the file, then put right or refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from neural_style._checks import message
from neural_style.images.profiles import png_gamma

FORMATS = {  # that Pillow knows not, or not without a plugin: what a file begins with, at which byte
    "HEIC": (4, (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")),
    "AVIF": (4, (b"ftypavi",)),
    "a raw photograph": (4, (b"ftypcrx",)),
    "a film": (4, (b"ftypiso", b"ftypmp4", b"ftypqt")),
    "JPEG XL": (0, (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    "PDF": (0, (b"%PDF",)),
    "SVG or other XML": (0, (b"<svg", b"<?xml")),
    "HTML, a web page": (0, (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML")),
}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
LOW_GAMMA = 1.6  # below, 8 bits a channel, which are all that Pillow leaves, are too few in the shadows
SDR = {"primaries": (1, 2), "transfer": (1, 2, 6, 13)}  # ITU-T H.273's numbers for sRGB and near it
_BOX = b"colrnclx"  # AVIF's


def kind_of(path: Path) -> str:
    r"""Return what a file is by its first bytes, where Pillow does not know it; empty where nobody does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "photo.jpg").write_bytes(b"\0\0\0\x18ftypheic")
    ...     kind_of(Path(folder, "photo.jpg"))
    'HEIC'
    """
    with path.open("rb") as file:
        head = file.read(32)
    if head.startswith(TIFF):
        return "TIFF"
    found = (kind for kind, (at, starts) in FORMATS.items() if head[at:].startswith(starts))
    return next(found, "")


def check_colours(picture: Image.Image, argument: str, name: str) -> None:
    """Check a picture that is not loaded yet for colours that Pillow would leave as they are.

    Raises:
        ValueError: if it is a photograph's raw data, of high dynamic range, of a wide space without profile, or
            CMYK of which nothing says whether 0 is no ink.
    """
    tags = getattr(picture, "tag_v2", {})
    if 50706 in tags or (
        picture.format == "TIFF" and tags.get(254, 0) == 1
    ):  # DNG's version; a reduced picture
        rule, got = "be a whole picture", f"{name}, a raw photograph, of which Pillow reads the preview"
        raise ValueError(message(argument, rule, got, "Develop it, and save it as PNG or JPEG."))
    if picture.format in ("JPEG", "MPO") and picture.mode == "CMYK" and "adobe" not in picture.info:
        rule, got = (
            "be a picture that Pillow reads",
            f"{name}, CMYK without Adobe's marker, which Pillow inverts",
        )
        raise ValueError(message(argument, rule, got, "Save it as RGB."))
    code = _color_code(picture)
    if code and (code[0] not in SDR["primaries"] or code[1] not in SDR["transfer"]):
        got = f"{name}, of primaries {code[0]} and transfer {code[1]} by its cICP or nclx"
        raise ValueError(message(argument, "have the colours of sRGB or a profile", got, "Save it as sRGB."))
    gamma = png_gamma(picture)
    if (
        gamma is not None
        and gamma < LOW_GAMMA
        and raw_mode(picture).endswith(";16B")
        and picture.mode[:1] != "I"
    ):
        got = f"{name}, 16 bits a channel of gamma {gamma:.3g}"
        raise ValueError(message(argument, "have the gamma of sRGB", got, "Save it as sRGB."))


def flaw_of_tiff(picture: Image.Image) -> str:
    """Return what Pillow reads wrongly in a TIFF; empty where it reads it rightly, or it is none."""
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return ""
    tags = picture.tag_v2
    depth, kind, photometric = max(tags.get(258, (1,))), max(tags.get(339, (1,))), tags.get(262)
    if depth > 8 and tags.get(284, 1) == 2 and tags.get(277, 1) > 1:
        return f"channels of {depth} bits in planes of their own"
    if depth > 8 and photometric == 0:
        return f"grey of {depth} bits whose white is 0"
    if photometric == 8:
        return "colours in CIELAB"
    if kind == 2:
        return f"numbers of {depth} bits with a sign"
    if depth not in (1, 2, 4, 8, 16, 32) or (depth == 32 and kind != 3):
        return f"{'floats' if kind == 3 else 'whole numbers'} of {depth} bits"
    compressed = tags.get(259, 1) != 1
    if kind == 3 and compressed and tags.prefix == b"MM":  # Pillow swaps their bytes twice
        return "compressed big-endian floats"
    if photometric == 6 and not compressed and tags.get(530, (2, 2)) != (1, 1):
        return "colours of less resolution, not compressed"
    return ""


def transparent_color(picture: Image.Image, coded: str) -> object:
    """Return a picture's transparent colour in the levels of its pixels; Pillow may give it in the file's.

    Args:
        picture: loaded.
        coded: how its file codes pixels, by `raw_mode` before it was loaded; empty where that is not known.
    """
    color = picture.info.get("transparency")
    if picture.mode == "1" and color == 1:  # by Pillow before 12
        return 255
    if picture.mode == "L" and isinstance(color, int) and 0 < color < 16:
        levels = [] if coded else [level for _count, level in picture.getcolors(256) or ()]
        for code, step in (("L;2", 85), ("L;4", 17)):
            alike = levels and color * step < 256 and not any(int(str(level)) % step for level in levels)
            if coded == code or alike:
                return color * step
    return color


def has_deep_key(picture: Image.Image, coded: str) -> bool:
    """Return whether a picture has a transparent colour of 16 bits a channel, of which Pillow reads 8.

    Args:
        picture: loaded or not.
        coded: see `transparent_color`.
    """
    key = picture.info.get("transparency")
    return isinstance(key, tuple) and (coded == "RGB;16B" or max(key) > 255)


def with_exact_key(picture: Image.Image, path: Path) -> Image.Image:
    """Return a loaded RGB picture of a PNG of 16 bits with alpha in place of its transparent colour.

    Pillow reads the upper byte of every number. Read in the other order, the lower one comes out.
    """
    key = np.array(picture.info.pop("transparency"))
    with Image.open(path) as lower:
        lower.tile = [(*lower.tile[0][:3], "RGB;16L")]  # type: ignore[list-item]
        clear = (np.asarray(lower) == key % 256).all(-1)
    clear &= (np.asarray(picture) == key // 256).all(-1)
    picture.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
    return picture


def raw_mode(picture: Image.Image) -> str:
    """Return how the file of a picture that is not loaded codes its pixels; empty where that is not known."""
    tiles = getattr(picture, "tile", None)
    mode = tiles[0][3] if tiles else ""
    return mode if isinstance(mode, str) else str(mode[0])


def _color_code(picture: Image.Image) -> tuple[int, int] | None:
    """Return H.273's numbers of primaries and transfer of a PNG or an AVIF; None where there are none."""
    file = getattr(picture, "fp", None)
    if picture.info.get("icc_profile") or picture.format not in ("PNG", "AVIF"):
        return None
    if file is None or file.closed:  # loaded
        return None
    position = file.tell()
    try:
        file.seek(0)
        code = _png_code(file) if picture.format == "PNG" else _avif_code(file.read(8192))
    finally:
        file.seek(position)
    return code


def _png_code(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        length = struct.unpack(">I", head[:4])[0]
        if head[4:] == b"cICP":
            code = file.read(2)
            return (code[0], code[1]) if len(code) == 2 else None
        file.seek(length + 4, 1)
    return None


def _avif_code(head: bytes) -> tuple[int, int] | None:
    at = head.find(_BOX)
    code = head[at + len(_BOX) :][:4]
    return struct.unpack(">HH", code) if at >= 0 and len(code) == 4 else None
