"""Picture files whose every pixel is known: what `docs/pictures.md` is a table of."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from images.writers import Levels

WHITE = "transparent parts"  # transparent parts are flattened, with a warning
COLUMNS = ("grey", "palette", "RGB", "CMYK, YCbCr", "alpha", "transparent colour", "colour space", "turned")
TRUNCATED = 2.0  # levels, where two of Pillow's 8-bit levels of 16 bits, each less than one off, are multiplied
Floats = NDArray[Any]  # in [0, 1]
Point = tuple[float, float]  # x, y of a colour
D65: Point = (0.3127, 0.329)


@dataclass(frozen=True)
class Cell:
    """A picture file, and what reading it gives.

    Attributes:
        row: of the documentation's table: format, depth and layout; of a format that is not read, its name.
        column: of the documentation's table, one of `COLUMNS`; empty where the format is not read.
        what: what tells it from others of its row and column.
        suffix: of its file's name.
        make: returns the file.
        expected: the picture, (H, W, 3) in [0, 1]; None where it is refused.
        note: a part of the warning, or of the error.
        tolerance: in levels of 255.
        by_tifffile: whether Pillow does not read it, but tifffile does.
    """

    row: str
    column: str
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
        return ", ".join(part for part in (self.row, self.column, self.what) if part)


def blocks(values: Any) -> Levels:
    """Levels of 2×3 blocks of 8×8 pixels as a picture of 16×24."""
    return np.asarray(values, np.uint8).repeat(8, 0).repeat(8, 1)


RGB = blocks([[(200, 40, 90), (30, 160, 90), (20, 60, 220)], [(250, 240, 10), (128, 128, 128), (90, 10, 60)]])
GREY = blocks([[0, 60, 120], [180, 240, 255]])
ALPHA = blocks([[255, 128, 0], [255, 255, 64]])
RGBA, GREY_ALPHA = np.dstack([RGB, ALPHA]), np.dstack([GREY, ALPHA])
INDEX = blocks([[0, 1, 2], [3, 1, 0]])
PALETTE = np.array([[200, 40, 90], [30, 160, 90], [20, 60, 220], [250, 240, 10]], np.uint8)
KEY = 2  # the index that is transparent
INKS = blocks(
    [[(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0)], [(0, 0, 0, 255), (10, 90, 200, 40), (0, 0, 0, 0)]]
)
YCC = blocks([[(76, 85, 255), (150, 44, 21), (29, 255, 107)], [(226, 1, 149), (128, 128, 128), (0, 128, 128)]])
SHADES = blocks([[0, 5, 20], [60, 128, 255]])  # of linear light, or another gamma


def deep(levels: Levels) -> Levels:
    """Levels of 16 bits near those of 8, whose bytes differ: what reads one byte for the other is far off."""
    words: Levels = levels.astype(np.uint16) * 256 + (255 - levels)
    return words


def unit(levels: Levels) -> Floats:
    """Grey or RGB levels of 8 or 16 bits as (H, W, 3) in [0, 1]."""
    values: Floats = levels / np.iinfo(levels.dtype).max
    return values if values.ndim == 3 else values[..., None].repeat(3, 2)


def flattened(colours: Floats, alpha: Levels) -> Floats:
    """Colours on white."""
    share = alpha[..., None] / np.iinfo(alpha.dtype).max
    return colours * share + 1 - share


def inked(inks: Levels) -> Floats:
    """CMYK, the largest number for full ink, as (1 − C)(1 − K), and so on."""
    paper: Floats = 1 - unit(inks)
    return paper[..., :3] * paper[..., 3:]


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
    return encoded(unit(levels) ** (563 / 256) @ matrix.T)


def from_p3(levels: Levels) -> Floats:
    """Display P3 as sRGB, by the primaries of both: light to X, Y, Z and back."""

    def to_xyz(red: Point, green: Point, blue: Point) -> Floats:
        white, *primaries = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in (D65, red, green, blue))
        matrix = np.stack(primaries, 1)
        return matrix * np.linalg.solve(matrix, white)

    p3, srgb = to_xyz((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), to_xyz((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
    values = unit(levels)
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return encoded(light @ np.linalg.solve(srgb, p3).T)


def p16(*values: int) -> bytes:
    """Numbers of 16 bits, big-endian."""
    return struct.pack(f">{len(values)}H", *values)


def profile(space: bytes, gamma: float) -> bytes:
    """An ICC profile of b"GRAY", or of b"RGB " with sRGB's primaries, of a gamma: header, table, tags."""
    d50 = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    curve = (b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma))).ljust(16, b"\0")
    columns = {b"r": (28578, 14581, 912), b"g": (25241, 46981, 6362), b"b": (9376, 3972, 46799)}
    tags = {b"wtpt": b"XYZ " + bytes(4) + d50}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {name + b"XYZ": b"XYZ " + bytes(4) + struct.pack(">3I", *xyz) for name, xyz in columns.items()}
        tags |= {name + b"TRC": curve for name in columns}
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(data), len(tag))
        data += tag
    header = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    return (header.ljust(36, b"\0") + b"acsp").ljust(68, b"\0") + d50.ljust(60, b"\0") + table + data


def by_pillow(levels: Levels, suffix: str, **options: Any) -> Callable[[], bytes]:
    """A writer of Pillow's, where one of our own would be an encoder."""

    def make() -> bytes:
        file = io.BytesIO()
        Image.fromarray(levels).save(file, suffix[1:].replace("tif", "tiff"), **options)
        return file.getvalue()

    return make
