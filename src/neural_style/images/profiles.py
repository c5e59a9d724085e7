"""Whose colours a picture's numbers are, by profile, EXIF data or a PNG's gamma; and their way to sRGB."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence

import numpy as np
from PIL import ExifTags, Image, ImageCms

ADOBE_RGB = (563 / 256, (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06))
SRGB_XY = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x, y of white, red, green and blue
USUAL_GAMMA = 2.2  # of a PNG: writers mean sRGB by it
SAME_GAMMA, SAME_XY = 0.05, 0.005  # by how much they may differ from these to mean them
D50 = (0.9642, 1.0, 0.8249)  # the white of profiles, X, Y, Z
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
DEEP_GREY = "I;16"  # the mode of grey of 16 bits

Conversion = Callable[[Image.Image], Image.Image]


def profile_of(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """Return the ICC profile of a picture's colours, or one that says the same; None for sRGB.

    Raises:
        OSError, ImportError: if the profile cannot be used.
    """
    profile = _profile_bytes(picture)
    return None if profile is None else ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _profile_bytes(picture: Image.Image) -> bytes | None:
    if profile := picture.info.get("icc_profile"):
        return bytes(profile)
    if _is_adobe_rgb(picture):
        return _matrix_profile(*ADOBE_RGB)
    gamma, xy = png_gamma(picture), picture.info.get("chromaticity", SRGB_XY)
    usual = max(abs(np.subtract(xy, SRGB_XY))) <= SAME_XY
    if gamma is None or (usual and abs(gamma - USUAL_GAMMA) <= SAME_GAMMA):
        return None  # chromaticities alone say too little
    return _grey_profile(gamma) if picture.mode in ("L", "LA", DEEP_GREY) else _matrix_profile(gamma, xy)


def png_gamma(picture: Image.Image) -> float | None:
    """Return the exponent that turns a PNG's numbers into light; None where it says none, sRGB or a profile."""
    exponent = picture.info.get("gamma")
    known = "srgb" in picture.info or picture.info.get("icc_profile")
    return None if known or not exponent else 1 / exponent


def conversion(profile: ImageCms.ImageCmsProfile, mode: str) -> Conversion:
    """Return what turns a picture of colours without alpha into one in mode RGB, as sRGB encodes it.

    Args:
        profile: of `profile_of`.
        mode: of the picture: ``"L"``, ``"RGB"``, ``"CMYK"``, or ``"I;16"`` with a profile of grey.

    Raises:
        ImageCms.PyCMSError, OSError, ImportError: if the profile cannot be used.
    """
    space = "RGB" if mode == "L" and profile.profile.xcolor_space.strip() == "RGB" else mode
    # Optimised, Little CMS rounds a curve of grey to tables that are ten levels off in the shadows.
    flags = ImageCms.Flags.NOOPTIMIZE if space in ("L", DEEP_GREY) else ImageCms.Flags.NONE
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), space, "RGB", flags=flags)

    def convert(picture: Image.Image) -> Image.Image:
        if space == DEEP_GREY:
            return transform.apply(Image.fromarray(np.array(picture, dtype=np.uint16)))
        return transform.apply(picture.convert(mode).convert(space))

    return convert


def _is_adobe_rgb(picture: Image.Image) -> bool:
    """Return whether EXIF data say so in the way of cameras: an unknown space, of the interoperability R03."""
    try:
        exif = picture.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Exception:  # invalid data, of which the orientation's reader warns
        return False
    return space in (2, 0xFFFF) and str(index).strip("\0 ") == "R03"


def _matrix_profile(gamma: float, xy: Sequence[float]) -> bytes:
    """Return a profile of RGB whose light is the numbers to the power of gamma.

    Args:
        gamma: the exponent.
        xy: of white, red, green and blue.
    """
    white, *primaries = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(xy[::2], xy[1::2], strict=True))
    matrix = np.stack(primaries, axis=1)
    matrix = matrix * np.linalg.solve(matrix, white)  # RGB to XYZ
    cones = (_BRADFORD @ D50) / (_BRADFORD @ white)
    columns = (np.linalg.solve(_BRADFORD, np.diag(cones) @ _BRADFORD) @ matrix).T
    colorants = {f"{name}XYZ".encode(): _xyz(column) for name, column in zip("rgb", columns, strict=True)}
    return _profile(b"RGB ", {**colorants, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))})


def _grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IHH", 1, min(round(256 * gamma), 65535), 0)


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return an ICC profile of version 2 of a display: header, table of tags, tags."""
    tags = {b"wtpt": _xyz(D50), **tags}
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(data), len(tag))
        data += tag
    header = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    header = header.ljust(36, b"\0") + b"acsp"
    return (header.ljust(68, b"\0") + _xyz(D50)[8:]).ljust(128, b"\0") + table + data
