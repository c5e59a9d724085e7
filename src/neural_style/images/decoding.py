"""Pillow's pictures to image tensors: orientation, colour profile, transparency, 16 bits.

An image tensor is float32, RGB as sRGB encodes it, in [0, 1], of shape (1, 3, H, W).
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError
from torch import Tensor

from neural_style._checks import image_values, message, warn

_CONVERTED_FIRST = {"P": "RGBA", "PA": "RGBA", "La": "LA"}  # palettes, and alpha that Pillow hardly knows
_COLOUR_MODES = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}  # the mode that a profile is for; else RGB
_UPRIGHT = {  # what turns a picture upright, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_filters_lock = threading.Lock()


def from_file(path: Path, argument: str) -> Tensor:
    """Return a picture file as an image tensor; see `images.io.to_image_tensor` for what is refused."""
    name = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message(argument, "be a file", f"{name}, a folder", "Name a picture in it."))
    if not path.exists():
        raise FileNotFoundError(message(argument, "be a file that exists", name, "Check the path."))
    with path.open("rb") as file:
        # Pillow warns of large files, which prints are. Its limit, twice that size, stays as the caller set it.
        with _decoding(argument, name), _filters_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(file)
        return from_pil(picture, argument, name)


@contextmanager
def _decoding(argument: str, name: str) -> Iterator[None]:
    """Turn what Pillow raises on a file that it cannot read into errors in the project's words."""
    try:
        yield
    except Image.DecompressionBombError as error:
        rule, got = "have at most twice PIL.Image.MAX_IMAGE_PIXELS", f"{name}, which has more"
        raise ValueError(message(argument, rule, got, "Shrink it, or raise that if you trust it.")) from error
    except UnidentifiedImageError as error:
        rule, advice = "be a picture that Pillow reads", "Check the file, or convert it to PNG or JPEG."
        raise ValueError(message(argument, rule, name, advice)) from error
    except MemoryError:
        raise
    except Exception as error:  # on damaged files decoders raise errors of every type
        rule, got = "be a whole picture", f"{name}, which is damaged or cut short"
        raise ValueError(message(argument, rule, got, "Get it from its source again.")) from error


def from_pil(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return the current frame of a PIL picture, which messages call `name`, as an upright image tensor."""
    if min(picture.size) < 1:
        got = f"{picture.height}×{picture.width}"
        raise ValueError(message(argument, "have pixels", got, "Give a picture with some."))
    raw_mode = picture.tile[0][3] if getattr(picture, "tile", None) else None  # type: ignore[attr-defined]
    with _decoding(argument, name):
        picture.load()
    try:
        # ImageOps.exif_transpose writes all EXIF data anew, and fails where any of it is invalid.
        turn = _UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        warn(f"{argument} has EXIF data that cannot be read; it was not turned: {name}.")
        turn = None
    upright = picture if turn is None else picture.transpose(turn)
    if "transparency" in upright.info:
        upright = upright.copy()
        upright.info["transparency"] = _transparent_color(upright, raw_mode)
    return _read(upright, argument, name)


def _transparent_color(picture: Image.Image, raw_mode: object) -> object:
    """Return a picture's transparent colour in the levels of its pixels; Pillow may give it in the file's."""
    color = picture.info["transparency"]
    if picture.mode == "1" and color == 1:  # by Pillow before 12
        return 255
    if raw_mode in ("L;2", "L;4") and color < 16:
        return color * (85 if raw_mode == "L;2" else 17)
    if isinstance(color, tuple) and max(color) > 255:  # of 16 bits, where Pillow reads 8
        return tuple(level >> 8 for level in color)
    return color


def _read(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return an upright PIL picture as a tensor of shape (1, 3, H, W)."""
    if picture.mode in _CONVERTED_FIRST:
        picture = picture.convert(_CONVERTED_FIRST[picture.mode])
    if picture.mode.startswith(("I", "F")):
        return _read_deep_grey(picture, argument, name)
    colours = _in_srgb(picture, argument, name)
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            _warn_of_transparency(argument, name)
            colours.putalpha(alpha)
            colours = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    levels = torch.from_numpy(np.array(colours)).movedim(-1, 0).unsqueeze(0)  # (1, 3, H, W)
    return levels.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _in_srgb(picture: Image.Image, argument: str, name: str) -> Image.Image:
    """Return a picture with channels of 8 bits in mode RGB, converted to sRGB, without alpha."""
    mode = _COLOUR_MODES.get(picture.mode, "RGB")
    if profile_bytes := picture.info.get("icc_profile"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
            space = "RGB" if mode == "L" and profile.profile.xcolor_space.strip() == "RGB" else mode
            transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), space, "RGB")
            return transform.apply(picture.convert(mode).convert(space))
        except Exception:  # an ImportError too, of a Pillow without ImageCms
            _warn_of_profile(argument, name)
    return picture.convert(mode).convert("RGB")


def _read_deep_grey(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return a grey picture of floats in [0, 1] or of whole numbers of 16 bits, shape (1, 3, H, W)."""
    if picture.info.get("icc_profile"):
        _warn_of_profile(argument, name)
    levels = torch.from_numpy(np.array(picture, dtype=np.float32))  # (H, W)
    if picture.mode == "F":
        image_values(argument, levels)
        return levels.expand(1, 3, -1, -1).contiguous()
    low, high = (int(level.item()) for level in levels.aminmax())
    if low < 0 or high > 65535:
        advice = "Scale them to 16 bits first."
        raise ValueError(message(argument, "have grey levels in 0 … 65535", f"{low} … {high}", advice))
    transparent = levels == picture.info.get("transparency", -1)
    if transparent.any():
        _warn_of_transparency(argument, name)
    return (levels / 65535).masked_fill_(transparent, 1).expand(1, 3, -1, -1).contiguous()


def _warn_of_transparency(argument: str, name: str) -> None:
    warn(f"{argument} has transparent parts; they were flattened onto white: {name}.")


def _warn_of_profile(argument: str, name: str) -> None:
    warn(f"{argument} has a colour profile that cannot be used; it was read as sRGB: {name}.")
