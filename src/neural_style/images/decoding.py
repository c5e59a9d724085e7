"""Pillow's pictures to image tensors: orientation, colour profile, transparency, 16 bits; reduced on the way.

An image tensor is float32, RGB as sRGB encodes it, in [0, 1], of shape (1, 3, H, W). A decoded picture takes up
to 4 bytes a pixel and a tensor 12: what comes between is done in strips, so that only a tensor of the reduced
size is ever made of a large picture. But for rounding the result is that of resizing the whole.
"""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import ExifTags, Image, UnidentifiedImageError
from torch import Tensor

from neural_style._checks import file_to_read, image_values, message, warn
from neural_style.images.formats import (
    READ,
    check_picture,
    format_of,
    opened,
    raw_mode,
    unsupported_in_tiff,
)
from neural_style.images.profiles import (
    COLOUR_MODES,
    DEEP_GREY,
    Conversion,
    color_space,
    conversion,
)
from neural_style.images.resizing import reduced, resize
from neural_style.images.tiff import reread

# A picture's own (height, width) → the one that suffices.
Enough = Callable[[tuple[int, int]], tuple[int, int]]

HALVED = 2  # times the sides that a JPEG is reduced to: its decoder halves it to no less
STRIP = 2**19  # pixels that are converted at once
_CONVERTED_FIRST = {"P": "RGBA", "PA": "RGBA", "La": "LA"}  # palettes, and alpha that Pillow hardly knows
_UPRIGHT: dict[int, Callable[[Tensor], Tensor]] = {  # what turns a picture upright, by its EXIF orientation
    2: lambda image: image.flip(-1),
    3: lambda image: image.flip(-2, -1),
    4: lambda image: image.flip(-2),
    5: lambda image: image.mT,
    6: lambda image: image.mT.flip(-1),
    7: lambda image: image.mT.flip(-2, -1),
    8: lambda image: image.mT.flip(-2),
}
_SIDEWAYS = (5, 6, 7, 8)
_filters_lock = threading.Lock()


def from_file(path: Path, argument: str, enough: Enough | None = None) -> tuple[Tensor, tuple[int, int]]:
    """Return a picture file as `from_pil` does; see `images.io.to_image_tensor` for what is refused."""
    name = repr(str(path))
    file_to_read(argument, path)
    with path.open("rb") as file:
        picture = _opened(file, argument, name)
        whole = picture.size if picture.format in ("JPEG", "MPO") else None
        if enough is not None and whole is not None:
            needed = _stored(reduced(_stored(whole, picture), enough(_stored(whole, picture))), picture)
            picture.draft(None, (HALVED * needed[0], HALVED * needed[1]))
        return from_pil(picture, argument, name, enough, whole)


def _opened(file: BinaryIO, argument: str, name: str) -> Image.Image:
    """Return a file's picture: not loaded, or by tifffile where Pillow does not read it right."""
    try:
        # Pillow warns of large files, which prints are. Its limit, twice that, stays as the caller set it.
        with _decoding(argument, name), _filters_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = opened(file)
    except UnidentifiedImageError as error:
        file_format = format_of(file)
        if file_format == "TIFF":
            return reread(file, argument, name, "of a kind that Pillow does not know")
        got = f"{name}, which is {file_format or 'none of these'}"
        advice = "Check the file, or export it as PNG or JPEG."
        rule = f"be a file in {', '.join(READ[:-1])} or {READ[-1]}"
        raise ValueError(message(argument, rule, got, advice)) from error
    if unsupported := unsupported_in_tiff(picture):
        check_picture(picture, argument, name, raw_mode(picture))
        return reread(file, argument, name, unsupported)
    return picture


@contextmanager
def _decoding(argument: str, name: str) -> Iterator[None]:
    """Turn what Pillow raises on a file that it cannot read into errors in the project's words."""
    try:
        yield
    except Image.DecompressionBombError as error:
        rule, got = "have at most twice PIL.Image.MAX_IMAGE_PIXELS", f"{name}, which has more"
        raise ValueError(message(argument, rule, got, "Shrink it, or raise that if you trust it.")) from error
    except (MemoryError, UnidentifiedImageError):
        raise
    except Exception as error:  # on damaged files decoders raise errors of every type
        got = f"{name}, which is damaged, cut short or of a kind that Pillow does not decode"
        advice = "Get it from its source again, or save it as PNG."
        raise ValueError(message(argument, "be a whole picture", got, advice)) from error


def from_pil(
    picture: Image.Image,
    argument: str,
    name: str,
    enough: Enough | None = None,
    whole: tuple[int, int] | None = None,
) -> tuple[Tensor, tuple[int, int]]:
    """Return the current frame of a PIL picture as an upright image tensor, and its own (height, width).

    Args:
        picture: what messages call `name`.
        argument: what messages call the source.
        name: of the picture in messages.
        enough: gives the size that suffices, for its own; see `images.resizing.reduced`.
        whole: (width, height) as it is stored, where its decoder gives less.
    """
    if min(picture.size) < 1:
        got = f"{picture.height}×{picture.width}"
        raise ValueError(message(argument, "have pixels", got, "Give a picture with some."))
    if unsupported := unsupported_in_tiff(picture):
        advice = "Give its path, for which tifffile may help, or save it interleaved, of 8 bits."
        raise ValueError(message(argument, "be a TIFF that Pillow reads", f"{name}, {unsupported}", advice))
    coded = raw_mode(picture)
    check_picture(picture, argument, name, coded)
    space = color_space(picture)
    try:
        with _decoding(argument, name):
            picture.load()
        turn = _turn(picture)
        if turn is None:
            warn(f"{argument} has EXIF data that cannot be read; it was not turned: {name}.")
        own = _stored(whole or picture.size, picture)
        size = own if enough is None else reduced(own, enough(own))
        width, height = _stored(size, picture)
        image = _Strips(picture, argument, name, space).read((height, width))
        return (_UPRIGHT[turn](image).contiguous() if turn and turn in _UPRIGHT else image), own
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):  # torch's, without a type of its own
            raise
        got = f"{name}, {picture.height}×{picture.width} pixels"
        advice = "Reduce it with another program, or free some memory."
        raise MemoryError(message(argument, "fit into the memory that is free", got, advice)) from error


def _stored(size: tuple[int, int], picture: Image.Image) -> tuple[int, int]:
    """Return an upright picture's (height, width) as the (width, height) that is stored, or the reverse."""
    return size if _turn(picture) in _SIDEWAYS else (size[1], size[0])


def _turn(picture: Image.Image) -> int | None:
    """Return the EXIF orientation, 1 where there is none; None where the data cannot be read."""
    try:
        # ImageOps.exif_transpose writes all EXIF data anew, and fails where any of it is invalid.
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None


@dataclass
class _Strips:
    """Reads a loaded picture in strips of rows.

    Attributes:
        picture: as it is stored, not turned.
        argument: what messages call it.
        name: likewise.
        space: of its colours; None for sRGB.
    """

    picture: Image.Image
    argument: str
    name: str
    space: bytes | str | None
    _least: int = 255  # of the alpha met so far
    _most: int = 0

    def read(self, size: tuple[int, int]) -> Tensor:
        """Return the picture at a size, (height, width), flattened onto white, and warn of that."""
        picture, width = self.picture, size[1]
        convert, strip_rows = self._conversion(), max(1, STRIP // self.picture.width)
        rows = torch.empty((1, 3, picture.height, width), dtype=torch.float32, device="cpu")
        for top in range(0, picture.height, strip_rows):
            bottom = min(top + strip_rows, picture.height)
            strip = picture.crop((0, top, picture.width, bottom))
            levels = self._levels(strip, convert)  # (1, 3, h, W)
            rows[:, :, top:bottom] = resize(levels, (bottom - top, width), clamp=False)
        if self._most == 0:
            rule, got = "be visible somewhere", f"{self.name}, transparent throughout"
            advice = "If its colours are what you want, save it without alpha."
            raise ValueError(message(self.argument, rule, got, advice))
        if self._least < 255:
            warn(f"{self.argument} has transparent parts; they were flattened onto white: {self.name}.")
        return resize(rows, size)

    def _conversion(self) -> Conversion | None:
        """Return what turns strips into mode RGB; None for deep grey that is read as it is."""
        picture, deep = self.picture, self.picture.mode.startswith(("I", "F"))
        mode = DEEP_GREY if deep else COLOUR_MODES.get(picture.mode, "RGB")
        usable = self.space is None or picture.mode != "F"
        try:
            if self.space is not None and usable:
                return conversion(self.space, mode)
        except Exception:  # an ImportError too, of a Pillow without ImageCms
            usable = False
        if not usable:
            text = f"{self.argument} has a colour profile that cannot be used; it was read as sRGB"
            warn(f"{text}: {self.name}.")
        return None if deep else lambda strip: strip.convert(mode).convert("RGB")

    def _levels(self, strip: Image.Image, convert: Conversion | None) -> Tensor:
        """Return a strip as a tensor, flattened onto white."""
        if strip.mode in _CONVERTED_FIRST:
            strip = strip.convert(_CONVERTED_FIRST[strip.mode])
        if convert is None or strip.mode.startswith("I"):
            return self._deep_levels(strip, convert)
        colours = convert(strip)
        if not strip.has_transparency_data:
            self._see(255, 255)
            return _in_unit(colours)
        alpha = strip.convert("RGBA").getchannel("A")
        used = [level for level, count in enumerate(alpha.histogram()) if count > 0]
        self._see(used[0], used[-1])
        if used != [255]:
            colours.putalpha(alpha)
            colours = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
        return _in_unit(colours)

    def _deep_levels(self, strip: Image.Image, convert: Conversion | None) -> Tensor:
        """Return a strip of floats in [0, 1], or of whole numbers of 16 bits, as a tensor."""
        levels = torch.from_numpy(np.array(strip, dtype=np.float32))  # (h, W)
        if strip.mode == "F":
            image_values(self.argument, levels)
            self._see(255, 255)
            return levels.expand(1, 3, -1, -1)
        low, high = (int(level.item()) for level in levels.aminmax())
        if low < 0 or high > 65535:
            rule, advice = "have grey levels in 0 … 65535", "Scale them to 16 bits first."
            raise ValueError(message(self.argument, rule, f"{low} … {high}", advice))
        clear = levels == strip.info.get("transparency", -1)
        self._see(0 if clear.any() else 255, 0 if clear.all() else 255)
        image = (levels / 65535).expand(1, 3, -1, -1) if convert is None else _in_unit(convert(strip))
        return image.masked_fill(clear, 1)

    def _see(self, least: int, most: int) -> None:
        """Keep the smallest and the largest alpha."""
        self._least, self._most = min(self._least, least), max(self._most, most)


def _in_unit(picture: Image.Image) -> Tensor:
    """Return a picture in mode RGB as a tensor, (1, 3, H, W), in [0, 1]."""
    levels = torch.from_numpy(np.array(picture)).movedim(-1, 0).unsqueeze(0)
    return levels.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
