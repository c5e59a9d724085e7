"""TIFF that Pillow does not read, or not rightly, by way of tifffile where that is installed."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image

from neural_style._checks import message
from neural_style.images.profiles import is_coarse

CHANNELS = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3, "SEPARATED": 4}  # by the photometric interpretation
MODES = {(1, 0): "L", (1, 1): "La", (1, 2): "LA", (3, 0): "RGB", (3, 1): "RGBa", (3, 2): "RGBA", (4, 0): "CMYK"}
_PROFILE, _ORIENTATION, _DNG, _EXIF = 34675, 274, 50706, 34665  # tags


def reread(file: BinaryIO, argument: str, name: str, unsupported: str) -> Image.Image:
    """Return the first page of a TIFF as a PIL picture: 8 bits a channel, or grey of 16 or of floats.

    Args:
        file: open, in binary mode.
        argument: what messages call the picture.
        name: of the file in messages.
        unsupported: what Pillow does not read in it.

    Raises:
        ValueError: if tifffile is not installed, or cannot read it either.
    """
    got = f"{name}, {unsupported}"
    try:
        import tifffile
    except ImportError as error:
        advice = "Install tifffile, which may, or save RGB of 8 bits a channel, interleaved."
        raise ValueError(message(argument, "be a TIFF that Pillow reads", got, advice)) from error
    advice = "Save it as RGB of 8 bits a channel, interleaved."
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            page: Any = tiff.pages[0]
            if page.is_reduced or _DNG in page.tags:
                raise ValueError("a raw photograph, or a reduced copy of another page")
            if Image.MAX_IMAGE_PIXELS and page.imagewidth * page.imagelength > 2 * Image.MAX_IMAGE_PIXELS:
                raise ValueError("more pixels than twice PIL.Image.MAX_IMAGE_PIXELS")
            picture = _as_pil(page, page.asarray())
            profile, turn = (page.tags.valueof(tag) for tag in (_PROFILE, _ORIENTATION))
            reduced = page.bitspersample > 8 and picture.mode[:1] not in "IF"
            if profile and reduced and is_coarse(profile, picture.mode):
                raise ValueError("colours in nearly linear light")
            if not profile and (page.tags.valueof(_EXIF) or {}).get("ColorSpace") in (2, 0xFFFF):
                raise ValueError("colours other than sRGB by its EXIF data")
    except MemoryError:
        raise
    except Exception as error:  # tifffile raises errors of many types, of a codec that is missing too
        rule = "be a TIFF of a kind that is read"
        raise ValueError(message(argument, rule, f"{got} ({error})", advice)) from error
    if profile:
        picture.info["icc_profile"] = profile
    if isinstance(turn, int):
        picture.getexif()[ExifTags.Base.Orientation] = int(turn)
    return picture


def _as_pil(page: Any, levels: Any) -> Image.Image:
    """Return a page's numbers as a picture.

    Raises:
        ValueError: if they are of a kind that would be guessed at.
    """
    photometric, extra = page.photometric.name, [int(sample) for sample in page.extrasamples]
    levels = np.moveaxis(levels, 0, -1) if page.axes == "SYX" else levels
    levels = levels[..., None] if page.axes == "YX" else levels  # (H, W, C)
    if page.bitspersample != 8 * levels.dtype.itemsize:  # white is not the type's largest number
        raise ValueError(f"numbers of {page.bitspersample} bits")
    colours = CHANNELS.get(photometric)
    mode = MODES.get((colours or 0, extra[0] if extra else 0))
    if levels.ndim != 3 or mode is None or (photometric, mode) == ("MINISWHITE", "La"):
        raise ValueError(f"photometric {photometric}, extra channels {extra}")
    floats = levels.dtype.kind == "f" and mode == "L"
    if not floats and levels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{photometric} of {levels.dtype}")
    if photometric == "MINISWHITE":
        white = 1 if floats else np.iinfo(levels.dtype).max
        levels = np.concatenate([white - levels[..., :1], levels[..., 1:]], axis=-1)
    if mode == "L":
        return Image.fromarray(levels[..., 0].astype(np.float32) if floats else levels[..., 0])
    levels = levels[..., : len(mode)]
    if levels.dtype == np.uint16:
        levels = ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # to the nearest of 256
    return Image.frombytes(mode, levels.shape[1::-1], np.ascontiguousarray(levels).tobytes())
