"""Pictures of every kind, with the pixels that each stands for: what `docs/pictures.md` is a table of."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from picture_writers import Levels

WHITE = "transparent parts"  # transparent parts are flattened, with a warning
Floats = NDArray[Any]  # in [0, 1]


@dataclass(frozen=True)
class Cell:
    """A picture file, and what reading it gives.

    Attributes:
        format: its name.
        what: depth, channels, layout.
        suffix: of its file's name.
        make: returns the file.
        expected: the picture, (H, W, 3) in [0, 1]; None where it is refused.
        note: what is said of it: a part of the warning, or of the error.
        tolerance: in levels of 255.
        by_tifffile: whether Pillow does not read it, but tifffile does.
    """

    format: str
    what: str
    suffix: str
    make: Callable[[], bytes]
    expected: Floats | None
    note: str = ""
    tolerance: float = 1.0
    by_tifffile: bool = False

    @property
    def name(self) -> str:
        """What the cell is called."""
        return f"{self.format}, {self.what}"

    @property
    def outcome(self) -> str:
        """How it is read, in the words of the documentation."""
        if self.expected is None:
            return f"refused: “{self.note}”"
        return f"read; a warning says “{self.note}”" if self.note else "read"


def blocks(values: Any, dtype: type = np.uint8) -> Levels:
    """Values of 2×3 blocks of 8×8 pixels as a picture of 16×24."""
    return np.asarray(values, dtype).repeat(8, 0).repeat(8, 1)


RGB = blocks([[(200, 40, 90), (30, 160, 90), (20, 60, 220)], [(250, 240, 10), (128, 128, 128), (90, 10, 60)]])
GREY = blocks([[0, 60, 120], [180, 240, 255]])
ALPHA = blocks([[255, 128, 0], [255, 255, 64]])
INDEX = blocks([[0, 1, 2], [3, 1, 0]], np.int64)
PALETTE = np.array([[200, 40, 90], [30, 160, 90], [20, 60, 220], [250, 240, 10]], np.uint8)
KEY = 2  # the index that is transparent
INKS = blocks(
    [[(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0)], [(0, 0, 0, 255), (10, 90, 200, 40), (0, 0, 0, 0)]]
)
YCC = blocks([[(76, 85, 255), (150, 44, 21), (29, 255, 107)], [(226, 1, 149), (128, 128, 128), (0, 128, 128)]])
LUMINOUS = blocks([[0, 5, 20], [60, 128, 255]])  # of linear light


def deep(levels: Levels) -> Levels:
    """Levels of 16 bits whose bytes differ, within half an 8-bit level of the given ones."""
    words: Levels = levels.astype(np.uint16) * 256 + (255 - levels)
    return words


def unit(levels: Levels) -> Floats:
    """Grey or RGB levels of 8 bits as (H, W, 3) in [0, 1]."""
    values: Floats = levels / 255
    return values if values.ndim == 3 else values[..., None].repeat(3, 2)


def flattened(colours: Floats, alpha: Levels) -> Floats:
    """Colours on white."""
    share = alpha[..., None] / 255
    return colours * share + 1 - share


def inked(inks: Levels) -> Floats:
    """CMYK, 255 for full ink, as (1 − C)(1 − K), and so on."""
    inks = inks / 255
    return (1 - inks[..., :3]) * (1 - inks[..., 3:])


def from_ycc(components: Levels) -> Floats:
    """ITU T.871: Y'CbCr of full range as RGB."""
    y, b, r = (components[..., number].astype(float) for number in range(3))
    b, r = b - 128, r - 128
    rgb = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], -1)
    return rgb.clip(0, 255) / 255


def encoded(linear: Floats) -> Floats:
    """Linear light as sRGB encodes it."""
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def from_adobe(levels: Levels) -> Floats:
    """Adobe RGB (1998) as sRGB; both have the white D65."""
    matrix = np.array([[1.39836, -0.39836, 0.0], [0.0, 1.0, 0.0], [0.0, -0.04293, 1.04293]])
    return encoded((levels / 255) ** (563 / 256) @ matrix.T)


def p16(*values: int) -> bytes:
    """Numbers of 16 bits, big-endian."""
    return struct.pack(f">{len(values)}H", *values)


def key_of(levels: Levels) -> tuple[Floats, Levels]:
    """A picture and its alpha where the colour of the third block is transparent."""
    alpha = np.full(levels.shape[:2], 255, np.uint8)
    alpha[:8, 16:] = 0
    return unit(levels), alpha


def grey_profile(gamma: int) -> bytes:
    """An ICC profile of grey of a gamma in units of 1/256."""
    white = b"XYZ " + bytes(4) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    curve = (b"curv" + bytes(4) + struct.pack(">IH", 1, gamma)).ljust(16, b"\0")
    table = struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", 156, 20) + b"kTRC" + struct.pack(">II", 176, 14)
    header = struct.pack(">I4sI4s4s4s", 192, bytes(4), 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    header = (header.ljust(36, b"\0") + b"acsp").ljust(68, b"\0") + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + table + white + curve


def pillows(
    name: str, what: str, suffix: str, levels: Levels, note: str = "", tolerance: float = 1.0, **options: Any
) -> Cell:
    """A cell written by Pillow, where a writer of our own would be an encoder."""

    def make() -> bytes:
        file = io.BytesIO()
        Image.fromarray(levels).save(file, suffix[1:].replace("tif", "tiff"), **options)
        return file.getvalue()

    expected = unit(levels[..., :3])
    expected = flattened(expected, levels[..., 3]) if note == WHITE else expected
    return Cell(name, what, suffix, make, expected, note, tolerance)
