"""Whose colours a picture's numbers are, by cICP or nclx, profile, EXIF data or gAMA; and their way to sRGB."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageCms

SRGB, DISPLAY_P3 = (1, 13), (12, 13)  # primaries and transfer function by ITU-T H.273, like these names
PRIMARIES = {1: "sRGB", 5: "BT.601", 6: "BT.601", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
TRANSFERS = {0: "narrow range", 1: "BT.709", 6: "BT.601", 8: "linear", 13: "sRGB", 16: "PQ", 18: "HLG"}
UNSPECIFIED = 2
SRGB_XY = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x, y of white, red, green and blue
SRGB_GAMMA = 1 / 2.2  # writers of PNG mean sRGB by it
SAME_GAMMA, SAME_XY = 0.01, 0.005  # by how much gAMA and cHRM may differ from these
FINE = 2  # the largest step, in levels of sRGB, from one level of 8 bits to the next where 8 bits suffice
MATRICES = {  # from a space without a profile to sRGB, of light; the white of all is D65
    "Adobe RGB": ((1.39836, -0.39836, 0.0), (0.0, 1.0, 0.0), (0.0, -0.04293, 1.04293)),
    "Display P3": ((1.22494, -0.22494, 0.0), (-0.04206, 1.04206, 0.0), (-0.01964, -0.07864, 1.09827)),
}
ADOBE_GAMMA = 563 / 256
COLOUR_MODES = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}  # the mode that a profile is for; else RGB
DEEP_GREY = "I;16"  # the mode of grey of 16 bits

Conversion = Callable[[Image.Image], Image.Image]
T = TypeVar("T")


def color_space(picture: Image.Image) -> bytes | str | None:
    """Return the space of a picture's colours, as an ICC profile or one of `MATRICES`; None for sRGB.

    In a PNG, cICP counts before a profile, and that before sRGB, gAMA and cHRM; in an AVIF the profile does.

    Args:
        picture: not loaded: afterwards its cICP or nclx is lost.

    Reference:
        W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 4.3, "Colour spaces".
    """
    if codes := _color_codes(picture):
        return "Display P3" if DISPLAY_P3 in codes else None
    if profile := picture.info.get("icc_profile"):
        return bytes(profile)
    return "Adobe RGB" if _is_adobe_rgb(picture) else None


def unsupported_colors(picture: Image.Image, *, deep: bool) -> str:
    """Return whose colours a picture has, if these are not read; else an empty string.

    Args:
        picture: not loaded, if possible.
        deep: whether its file has 16 bits a channel, of which Pillow gives 8 where it is not grey.
    """
    codes = _color_codes(picture)
    for primaries, transfer in codes - {SRGB, DISPLAY_P3}:
        names = PRIMARIES.get(primaries, primaries), TRANSFERS.get(transfer, transfer)
        return "of {} primaries and {} transfer by its cICP or nclx".format(*names)
    if len(codes) > 1:
        return "of several colour spaces by its nclx, as with a gain map"
    space, info = color_space(picture), picture.info
    if isinstance(space, bytes) and deep and picture.mode[:1] != "I" and is_coarse(space, picture.mode):
        return "of 16 bits a channel with a profile of nearly linear light, of which Pillow has 8"
    if isinstance(space, str) and picture.mode[:1] == "I":
        return f"grey of 16 bits in {space}"
    if _of_file(picture, "BMP", _bmp_has_own_colors):
        return "whose colours are of its own space"
    if codes or space or "srgb" in info:
        return ""
    gamma, xy = info.get("gamma", SRGB_GAMMA), info.get("chromaticity", SRGB_XY)
    if abs(gamma - SRGB_GAMMA) > SAME_GAMMA:
        return f"whose gAMA is {gamma:.5g}, not sRGB's {SRGB_GAMMA:.5g}"
    return "whose cHRM is not sRGB's" if max(abs(np.subtract(xy, SRGB_XY))) > SAME_XY else ""


def conversion(space: bytes | str, mode: str) -> Conversion:
    """Return what turns a picture of a space, without alpha, into one in mode RGB, as sRGB encodes it.

    The space is of `color_space`; the mode `L`, `RGB`, `CMYK`, or `I;16` with a profile of grey.

    Raises:
        ImageCms.PyCMSError, OSError, ImportError: if the profile cannot be used.
    """
    if isinstance(space, str):
        return lambda picture: _by_matrix(picture, space)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(space))
    given = "RGB" if mode == "L" and profile.profile.xcolor_space.strip() == "RGB" else mode
    # Optimised, Little CMS rounds a curve of grey to tables that are ten levels off in the shadows.
    flags = ImageCms.Flags.NOOPTIMIZE if given in ("L", DEEP_GREY) else ImageCms.Flags.NONE
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), given, "RGB", flags=flags)

    def convert(picture: Image.Image) -> Image.Image:
        if given == DEEP_GREY:
            return transform.apply(Image.fromarray(np.array(picture, dtype=np.uint16)))
        return transform.apply(picture.convert(mode).convert(given))

    return convert


def is_coarse(profile: bytes, mode: str) -> bool:
    """Return whether neighbouring levels of 8 bits are far apart in sRGB, as shadows in linear light are."""
    levels = Image.linear_gradient("L")  # row n of level n
    try:
        shown = np.array(conversion(profile, COLOUR_MODES.get(mode, "RGB"))(levels))
    except Exception:  # a profile that cannot be used, of which the reader warns
        return False
    return bool(np.diff(shown[:, 0].astype(int), axis=0).max() > FINE)


def _by_matrix(picture: Image.Image, space: str) -> Image.Image:
    """Return a picture whose colours are those of one of `MATRICES` as sRGB encodes them."""
    levels = np.array(picture.convert("RGB"), dtype=np.float32) / 255
    light = levels**ADOBE_GAMMA
    if space == "Display P3":  # encoded as sRGB is
        light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    light = (light @ np.array(MATRICES[space], dtype=np.float32).T).clip(0, 1)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray((255 * shown).round().astype(np.uint8))


def _color_codes(picture: Image.Image) -> set[tuple[int, int]]:
    """Return H.273's numbers of primaries and transfer that a PNG or an AVIF gives; none where it is loaded."""
    codes = _of_file(picture, "PNG", _png_codes) or []
    if not picture.info.get("icc_profile"):
        codes = codes or _of_file(picture, "AVIF", _avif_codes) or []
    return {(p if p != UNSPECIFIED else SRGB[0], t if t != UNSPECIFIED else SRGB[1]) for p, t in codes}


def _of_file(picture: Image.Image, file_format: str, reader: Callable[[Any], T]) -> T | None:
    """Return what a function reads in a picture's file; None where it is of another format, or loaded."""
    file = getattr(picture, "fp", None)
    if picture.format != file_format or file is None or file.closed:
        return None
    position = file.tell()
    try:
        file.seek(0)
        return reader(file)
    finally:
        file.seek(position)


def _png_codes(file: Any) -> list[tuple[int, int]]:
    """Return primaries and transfer of a PNG's cICP; 0 for the transfer where its range is narrow."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        length = int.from_bytes(head[:4])
        if head[4:] == b"cICP" and len(code := file.read(4)) == 4:
            return [(code[0], code[1] if code[3] else 0)]
        file.seek(length + 4, 1)
    return []


def _avif_codes(file: Any) -> list[tuple[int, int]]:
    """Return primaries and transfer of every nclx in an AVIF's boxes `meta` and, of an animation, `moov`."""
    codes = list[tuple[int, int]]()
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[:4]) - 8
        if length == 1 - 8:  # it follows in 64 bits
            length = int.from_bytes(file.read(8)) - 16
        if head[4:] in (b"meta", b"moov"):
            parts = file.read(max(length, -1)).split(b"colrnclx")[1:]  # of length 0 is what reaches the end
            codes += [struct.unpack(">HH", part[:4]) for part in parts if len(part) >= 4]
        elif length >= 0:
            file.seek(length, 1)
        else:
            break
    return codes


def _bmp_has_own_colors(file: Any) -> bool:
    """Return whether a BMP's header, of version 4 or 5, gives a profile, or primaries with a gamma."""
    head = file.read(122)
    size, space, gamma = int.from_bytes(head[14:18], "little"), head[70:74], head[110:122]
    calibrated = space == bytes(4) and any(gamma)
    return size >= 108 and (calibrated or space not in (bytes(4), b"BGRs", b" niW"))


def _is_adobe_rgb(picture: Image.Image) -> bool:
    """Return whether EXIF data say so in the way of cameras: an unknown space, of the interoperability R03."""
    if picture.format == "PNG":  # Pillow would load it
        return False
    try:
        exif = picture.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Exception:  # invalid data, of which the orientation's reader warns
        return False
    return space in (2, 0xFFFF) and str(index).strip("\0 ") == "R03"
