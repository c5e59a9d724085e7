"""Pictures of every kind, with the pixels that each stands for: what `docs/pictures.md` is a table of."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, features

from picture_writers import Levels, adobe, bmp, exif, gif, jpeg, packed, png, pnm, rows_of, tga

WHITE = "transparent parts"  # transparent parts are flattened, with a warning
Floats = NDArray[np.float64]


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
    """

    format: str
    what: str
    suffix: str
    make: Callable[[], bytes]
    expected: Floats | None
    note: str = ""
    tolerance: float = 1.0

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
INKS = blocks([[(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0)], [(0, 0, 0, 255), (10, 90, 200, 40), (0, 0, 0, 0)]])
YCC = blocks([[(76, 85, 255), (150, 44, 21), (29, 255, 107)], [(226, 1, 149), (128, 128, 128), (0, 128, 128)]])
LUMINOUS = blocks([[0, 5, 20], [60, 128, 255]])  # of linear light


def deep(levels: Levels) -> Levels:
    """Levels of 16 bits whose bytes differ, within half an 8-bit level of the given ones."""
    return levels.astype(np.uint16) * 256 + (255 - levels)


def unit(levels: Levels) -> Floats:
    """Grey or RGB levels of 8 bits as (H, W, 3) in [0, 1]."""
    values = levels / 255
    return values if values.ndim == 3 else values[..., None].repeat(3, 2)


def flattened(colours: Floats, alpha: Levels) -> Floats:
    """Colours on white."""
    share = alpha[..., None] / 255
    return colours * share + 1 - share


def inked(inks: Levels) -> Floats:
    """CMYK, 255 for full ink, as (1 − C)(1 − K) …"""
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


def of_png() -> Iterator[Cell]:
    """PNG by its specification."""

    def cell(what: str, expected: Floats | None, note: str, *arguments: Any, **options: Any) -> Cell:
        return Cell("PNG", what, ".png", lambda: png(*arguments, **options), expected, note)

    for depth in (1, 2, 4, 8, 16):
        most = 2**depth - 1
        levels = (GREY.astype(np.int64) * most + 127) // 255 if depth < 16 else deep(GREY)
        grey = (levels / most)[..., None].repeat(3, 2)
        for interlaced in (False, True):
            more = ", interlaced" if interlaced else ""
            yield cell(f"grey of {depth} bits{more}", grey, "", levels, depth, 0, interlaced=interlaced)
        key = int(levels[0, 16])
        clear = np.where(levels == key, 0, 255)
        keyed = (b"tRNS", p16(key))
        yield cell(f"grey of {depth} bits, tRNS", flattened(grey, clear), WHITE, levels, depth, 0, keyed)
        if depth < 16:
            index = INDEX % 2**depth
            colours = PALETTE[: 2**depth]
            rgb, plte = unit(colours[index]), (b"PLTE", colours.tobytes())
            yield cell(f"palette of {depth} bits", rgb, "", index, depth, 3, plte)
            alphas = np.array([255, 100, 0, 255], np.uint8)[: 2**depth]
            more, note = (b"tRNS", alphas.tobytes()), WHITE
            yield cell(
                f"palette of {depth} bits, tRNS", flattened(rgb, alphas[index]), note, index, depth, 3, plte, more
            )
    for depth, of in ((8, np.asarray), (16, deep)):
        rgb, grey, alpha = of(RGB), of(GREY), of(ALPHA)
        for interlaced in (False, True):
            more = ", interlaced" if interlaced else ""
            yield cell(f"RGB of {depth} bits{more}", unit(RGB), "", rgb, depth, 2, interlaced=interlaced)
        rgba = np.dstack([rgb, alpha])
        yield cell(f"RGBA of {depth} bits", flattened(unit(RGB), ALPHA), WHITE, rgba, depth, 6)
        la = np.dstack([grey, alpha])
        yield cell(f"grey and alpha of {depth} bits", flattened(unit(GREY), ALPHA), WHITE, la, depth, 4)
        key = rgb[0, 16].tolist()
        shown = flattened(*key_of(RGB))
        yield cell(f"RGB of {depth} bits, tRNS", shown, WHITE, rgb, depth, 2, (b"tRNS", p16(*key)))
        none = np.dstack([rgb, 0 * alpha])
        yield cell(f"RGBA of {depth} bits, transparent throughout", None, "be visible somewhere", none, depth, 6)
    near = deep(RGB)
    near[:8, :8] = near[0, 16] + np.array([0, 0, 1])  # of the same upper bytes as the key
    close = RGB.copy()
    close[:8, :8] = RGB[0, 16]
    shown = flattened(*key_of(close))
    key = (b"tRNS", p16(*near[0, 16].tolist()))
    yield cell("RGB of 16 bits, tRNS beside a colour that differs in its lower byte", shown, WHITE, near, 16, 2, key)
    srgb, linear = (b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))
    usual = (b"gAMA", struct.pack(">I", 45455))
    dark = (b"gAMA", struct.pack(">I", 55556))  # Macs' of old, 1.8
    light, fine = encoded(unit(LUMINOUS)), encoded(unit(deep(LUMINOUS) / 257))
    yield cell("grey of 8 bits, gAMA 1/2.2", unit(GREY), "", GREY, 8, 0, usual)
    yield cell("RGB of 8 bits, gAMA 1/2.2", unit(RGB), "", RGB, 8, 2, usual)
    yield cell("RGB of 8 bits, gAMA 1 and sRGB", unit(RGB), "", RGB, 8, 2, srgb, linear)
    yield cell("grey of 8 bits, gAMA 1", light, "", LUMINOUS, 8, 0, linear)
    yield cell("RGB of 8 bits, gAMA 1", encoded(unit(RGB)), "", RGB, 8, 2, linear)
    yield cell("RGB of 8 bits, gAMA 1/1.8", encoded(unit(RGB) ** 1.8), "", RGB, 8, 2, dark)
    yield cell("grey of 16 bits, gAMA 1", fine, "", deep(LUMINOUS), 16, 0, linear)
    yield cell("RGB of 16 bits, gAMA 1", None, "gamma", deep(RGB), 16, 2, linear)
    xy = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    chroma = (b"cHRM", struct.pack(">8I", *(round(100000 * number) for number in xy)))
    gamma = (b"gAMA", struct.pack(">I", round(100000 * 256 / 563)))
    yield cell("RGB of 8 bits, gAMA and cHRM of Adobe RGB", from_adobe(RGB), "", RGB, 8, 2, gamma, chroma)
    yield cell("RGB of 8 bits, cICP of sRGB", unit(RGB), "", RGB, 8, 2, (b"cICP", bytes([1, 13, 0, 1])))
    yield cell("RGB of 16 bits, cICP of BT.2100 PQ", None, "cICP", deep(RGB), 16, 2, (b"cICP", bytes([9, 16, 0, 1])))
    profile = (b"iCCP", b"grey\0\0" + zlib.compress(grey_profile(0x0100)))
    yield cell("grey of 8 bits, profile of linear light", light, "", LUMINOUS, 8, 0, profile)
    yield cell("grey of 16 bits, profile of linear light", fine, "", deep(LUMINOUS), 16, 0, profile)
    camera = (b"eXIf", exif((0x0112, 3, 1, struct.pack("<HH", 6, 0)))[10:])
    turned = np.rot90(unit(RGB), -1)
    yield cell("RGB of 8 bits, orientation 6", turned, "", RGB, 8, 2, camera)


def grey_profile(gamma: int) -> bytes:
    """An ICC profile of grey of a gamma in units of 1/256."""
    white = b"XYZ " + bytes(4) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    curve = (b"curv" + bytes(4) + struct.pack(">IH", 1, gamma)).ljust(16, b"\0")
    table = struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", 156, 20) + b"kTRC" + struct.pack(">II", 176, 14)
    header = struct.pack(">I4sI4s4s4s", 192, bytes(4), 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    header = (header.ljust(36, b"\0") + b"acsp").ljust(68, b"\0") + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + table + white + curve


def of_jpeg() -> Iterator[Cell]:
    """JPEG by its specification, in blocks of one colour, which it keeps exactly."""

    def cell(what: str, expected: Floats | None, *arguments: Any, **options: Any) -> Cell:
        return Cell("JPEG", what, ".jpg", lambda: jpeg(*arguments, **options), expected)

    def orientation(number: int) -> bytes:
        return exif((0x0112, 3, 1, struct.pack("<HH", number, 0)))

    ycc, grey = from_ycc(YCC), unit(GREY)
    for progressive in (False, True):
        more = ", progressive" if progressive else ""
        for what, expected, components, segments in (
            ("grey", grey, GREY[..., None], []),
            ("YCbCr", ycc, YCC, []),
            ("RGB, told by Adobe's marker", unit(RGB), RGB, [adobe(0)]),
            ("CMYK", inked(INKS), 255 - INKS, [adobe(0)]),
        ):
            yield cell(what + more, expected, components, *segments, progressive=progressive)
    ycck = np.dstack([YCC, 255 - INKS[..., 3]])
    yield cell("YCCK", (1 - from_ycc(YCC)) * (1 - INKS[..., 3:] / 255), ycck, adobe(2))
    turns: dict[int, Callable[[Floats], Floats]] = {  # by the EXIF standard: where row 0 and column 0 are
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }
    for number, turn in turns.items():
        yield cell(f"YCbCr, orientation {number}", turn(ycc), YCC, orientation(number))
    uncalibrated = (0xA001, 3, 1, struct.pack("<HH", 0xFFFF, 0))
    plain = (0xA001, 3, 1, struct.pack("<HH", 1, 0))
    r03 = (0x0001, 2, 4, b"R03\0")
    r98 = (0x0001, 2, 4, b"R98\0")
    yield cell("Adobe RGB told by EXIF alone (R03)", from_adobe(RGB), RGB, exif(uncalibrated, r03), adobe(0))
    yield cell("sRGB told by EXIF (R98)", unit(RGB), RGB, exif(plain, r98), adobe(0))
    linear = b"ICC_PROFILE\0\1\1" + grey_profile(0x0100)
    profile = struct.pack(">BBH", 0xFF, 0xE2, len(linear) + 2) + linear
    yield cell("grey, profile of linear light", encoded(unit(LUMINOUS)), LUMINOUS[..., None], profile)


def of_tiff() -> Iterator[Cell]:
    """TIFF by tifffile, and with codes of its own where that needs more than is installed by Pillow."""

    def cell(what: str, expected: Floats | None, data: Any, note: str = "", tolerance: float = 1.0, **options: Any) -> Cell:
        def make() -> bytes:
            file = io.BytesIO()
            tifffile.imwrite(file, data, **{"metadata": None, **options})
            return file.getvalue()

        return Cell("TIFF", what, ".tif", make, expected, note, tolerance)

    grey, rgb, rgba = unit(GREY), unit(RGB), np.dstack([RGB, ALPHA])
    shown = flattened(unit(RGB), ALPHA)
    for order, name in (("<", "little-endian"), (">", "big-endian")):
        for depth, of in ((8, np.asarray), (16, deep)):
            kind = f"of {depth} bits, {name}"
            yield cell(f"grey {kind}", grey, of(GREY), photometric="minisblack", byteorder=order)
            yield cell(f"grey {kind}, white is 0", 1 - grey, of(GREY), photometric="miniswhite", byteorder=order)
            yield cell(f"RGB {kind}", rgb, of(RGB), photometric="rgb", byteorder=order)
            for compression in (None, "zlib"):
                with_ = ", deflated" if compression else ""
                planes = np.moveaxis(of(RGB), -1, 0)
                options = {"photometric": "rgb", "byteorder": order, "compression": compression}
                yield cell(f"RGB {kind}, planes{with_}", rgb, planes, planarconfig="separate", **options)
                yield cell(f"RGB {kind}, tiles{with_}", rgb, of(RGB), tile=(16, 16), **options)
            options = {"photometric": "rgb", "byteorder": order}
            alpha = np.dstack([of(RGB), of(ALPHA)])
            yield cell(f"RGBA {kind}", shown, alpha, WHITE, extrasamples=["unassalpha"], **options)
            share = alpha[..., 3:] / np.iinfo(alpha.dtype).max
            multiplied = np.dstack([(alpha[..., :3] * share).round().astype(alpha.dtype), alpha[..., 3]])
            what = f"RGBA {kind}, colours multiplied by alpha"
            yield cell(what, shown, multiplied, WHITE, 1.5, extrasamples=["assocalpha"], **options)
            what = f"RGBA {kind}, planes"
            planes = np.moveaxis(alpha, -1, 0)
            yield cell(what, shown, planes, WHITE, planarconfig="separate", extrasamples=["unassalpha"], **options)
            la = np.dstack([of(GREY), of(ALPHA)])
            options = {"photometric": "minisblack", "planarconfig": "contig", "byteorder": order}
            onto = flattened(grey, ALPHA)
            yield cell(f"grey and alpha {kind}", onto, la, WHITE, extrasamples=["unassalpha"], **options)
            options = {"photometric": "separated", "byteorder": order}
            inks = of(INKS)
            yield cell(f"CMYK {kind}", inked(INKS), inks, **options)
            yield cell(f"CMYK {kind}, planes", inked(INKS), np.moveaxis(inks, -1, 0), planarconfig="separate", **options)
        floats = GREY.astype(np.float32) / 255
        yield cell(f"grey of floats in [0, 1], {name}", grey, floats, photometric="minisblack", byteorder=order)
        yield cell(f"grey of floats beyond 1, {name}", None, 255 * floats, "lie in [0, 1]", photometric="minisblack", byteorder=order)
        floats = RGB.astype(np.float32) / 255
        yield cell(f"RGB of floats, {name}", None, floats, "float32", photometric="rgb", byteorder=order)
    yield cell("grey of floats, white is 0", 1 - grey, GREY.astype(np.float32) / 255, photometric="miniswhite")
    yield cell("grey of 16 bits with a sign", None, GREY.astype(np.int16), "with a sign", photometric="minisblack")
    yield cell("grey of 32 bits", None, GREY.astype(np.uint32) * 2**24, "have grey levels in 0 … 65535", photometric="minisblack")
    yield cell("grey of 64-bit floats", grey, GREY / 255, photometric="minisblack")
    table = np.zeros((3, 256), np.uint16)
    table[:, :4] = PALETTE.T.astype(np.uint16) * 256
    palette = unit(PALETTE[INDEX])
    yield cell("palette of 8 bits", palette, INDEX.astype(np.uint8), photometric="palette", colormap=table)
    yield cell("YCbCr of 8 bits", from_ycc(YCC), YCC, photometric="ycbcr")
    lab = blocks([[(255, 0, 0), (128, 0, 0), (0, 0, 0)], [(137, 80, 67), (137, 206, 60), (80, 30, 190)]])
    yield cell("CIELAB of 8 bits", None, lab, "CIELAB", photometric="cielab")
    yield cell("RGB and a fourth channel that means nothing", rgb, rgba, photometric="rgb", extrasamples=["unspecified"])
    yield cell("several pages", rgb, np.stack([RGB, 255 - RGB]), photometric="rgb")
    yield cell("a raw photograph (DNG)", None, RGB, "raw photograph", photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)])
    yield cell("a preview before the photograph", None, RGB, "raw photograph", photometric="rgb", subfiletype=1)
    icc = {"photometric": "minisblack", "iccprofile": grey_profile(0x0100)}
    light, fine = encoded(unit(LUMINOUS)), encoded(unit(deep(LUMINOUS) / 257))
    yield cell("grey of 8 bits, profile of linear light", light, LUMINOUS, **icc)
    yield cell("grey of 16 bits, profile of linear light", fine, deep(LUMINOUS), **icc)
    for number, turned in ((3, rgb[::-1, ::-1]), (6, np.rot90(rgb, -1)), (8, np.rot90(rgb))):
        tag = [(274, 3, 1, number, True)]
        yield cell(f"RGB of 8 bits, orientation {number}", turned, RGB, photometric="rgb", extratags=tag)
        what = f"RGB of 16 bits, planes, orientation {number}"
        planes = np.moveaxis(deep(RGB), -1, 0)
        yield cell(what, turned, planes, photometric="rgb", planarconfig="separate", extratags=tag)
    for compression in ("tiff_lzw", "jpeg", "packbits"):
        options = {"quality": 100} if compression == "jpeg" else {}
        what = f"RGB of 8 bits, {compression.removeprefix('tiff_')}"
        yield pillows("TIFF", what, ".tif", RGB, compression=compression, **options)


def pillows(name: str, what: str, suffix: str, levels: Levels, note: str = "", tolerance: float = 1.0, **options: Any) -> Cell:
    """A cell written by Pillow, where a writer of our own would be an encoder."""

    def make() -> bytes:
        file = io.BytesIO()
        Image.fromarray(levels).save(file, suffix[1:].replace("tif", "tiff"), **options)
        return file.getvalue()

    expected = unit(levels[..., :3])
    expected = flattened(expected, levels[..., 3]) if note == WHITE else expected
    return Cell(name, what, suffix, make, expected, note, tolerance)


def of_others() -> Iterator[Cell]:
    """WebP and AVIF by Pillow; GIF, BMP, TGA, PGM and PPM by their specifications."""
    rgba = np.dstack([RGB, ALPHA])
    none = np.dstack([RGB, 0 * ALPHA])
    for name, exact, lossy in (("WebP", {"lossless": True}, {"quality": 100}), ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, {"quality": 95})):
        if features.check(name.lower()):
            suffix = f".{name.lower()}"
            yield pillows(name, "RGB, lossless", suffix, RGB, "", 1.0 if name == "WebP" else 3.0, **exact)
            yield pillows(name, "RGBA, lossless", suffix, rgba, WHITE, 1.0 if name == "WebP" else 3.0, exact=True, **exact)
            flat = np.full((16, 24, 3), (120, 90, 60), np.uint8)
            yield pillows(name, "RGB, lossy", suffix, flat, "", 3.0, **lossy)
    palette = unit(PALETTE[INDEX])
    clear = np.where(INDEX == KEY, 0, 255)
    yield Cell("GIF", "palette", ".gif", lambda: gif([INDEX], PALETTE), palette)
    yield Cell("GIF", "transparent colour", ".gif", lambda: gif([INDEX], PALETTE, KEY), flattened(palette, clear), WHITE)
    yield Cell("GIF", "animation", ".gif", lambda: gif([INDEX, 3 - INDEX], PALETTE), palette)
    yield from of_bmp()
    bgr, bgra = RGB[..., ::-1], rgba[..., [2, 1, 0, 3]]
    for top_down in (True, False):
        more = "" if top_down else ", from the bottom up"
        for what, expected, note, levels, kind in (
            ("grey", unit(GREY), "", GREY, 3),
            ("RGB", unit(RGB), "", bgr, 2),
            ("RGBA", flattened(unit(RGB), ALPHA), WHITE, bgra, 2),
        ):
            yield Cell("TGA", what + more, ".tga", lambda l=levels, k=kind, t=top_down: tga(l, k, top_down=t), expected, note)
    yield Cell("TGA", "palette", ".tga", lambda: tga(INDEX, 1, palette=PALETTE[:, ::-1].tobytes()), palette)
    for most in (1, 100, 255, 1023, 65535):
        for grey, names in ((True, ("P5", "P2")), (False, ("P6", "P3"))):
            levels = ((GREY if grey else RGB).astype(np.int64) * most + 127) // 255
            expected = unit(levels * 255 / most)
            for kind in names:
                what = f"{kind}, {'grey' if grey else 'RGB'} up to {most}"
                yield Cell("PGM" if grey else "PPM", what, ".pgm" if grey else ".ppm", lambda l=levels, m=most, k=kind: pnm(l, m, k), expected)
    if features.check("avif"):
        avif = pillows("AVIF", "", ".avif", RGB, quality=100).make
        yield Cell("AVIF", "BT.2100 PQ", ".avif", lambda: avif().replace(b"nclx\0\1\0\r", b"nclx\0\x09\0\x10"), None, "primaries 9")
    heic = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(200)
    yield Cell("HEIC", "named .jpg", ".jpg", lambda: heic, None, "HEIC")
    yield Cell("WebP", "transparent throughout", ".webp", pillows("WebP", "", ".webp", none, lossless=True, exact=True).make, None, "be visible somewhere")


def of_bmp() -> Iterator[Cell]:
    """BMP by its specification."""
    colours = np.hstack([PALETTE[:, ::-1], 0 * PALETTE[:, :1]])
    for depth in (1, 4, 8):
        index, table = INDEX % 2**depth, np.zeros((2**depth, 4), np.uint8)
        table[: len(colours)] = colours[: 2**depth]
        expected = unit(PALETTE[index])
        yield Cell("BMP", f"palette of {depth} bits", ".bmp", lambda i=index, d=depth, t=table: bmp(rows_of(packed(i, d), 16), (16, 24), d, palette=t.tobytes()), expected)
    bgr = RGB[..., ::-1].tobytes()
    for top_down in (False, True):
        more = ", from the top down" if top_down else ""
        yield Cell("BMP", f"RGB of 24 bits{more}", ".bmp", lambda t=top_down: bmp(rows_of(bgr, 16, bottom_up=not t), (16, 24), 24, top_down=t), unit(RGB))
    five = RGB >> 3
    red, green, blue = (five[..., number].astype("<u2") for number in range(3))
    shown = (five / 31)
    yield Cell("BMP", "RGB of 16 bits, 555", ".bmp", lambda: bmp(rows_of((red << 10 | green << 5 | blue).tobytes(), 16), (16, 24), 16), shown)
    six = RGB[..., 1].astype("<u2") >> 2
    shown565 = np.stack([five[..., 0] / 31, six / 63, five[..., 2] / 31], -1)
    yield Cell("BMP", "RGB of 16 bits, 565", ".bmp", lambda: bmp(rows_of((red << 11 | six << 5 | blue).tobytes(), 16), (16, 24), 16, masks=(0xF800, 0x7E0, 0x1F)), shown565)
    bgrx = np.dstack([RGB[..., ::-1], 0 * ALPHA]).tobytes()
    yield Cell("BMP", "RGB of 32 bits", ".bmp", lambda: bmp(rows_of(bgrx, 16), (16, 24), 32), unit(RGB))
    bgra = np.dstack([RGB[..., ::-1], ALPHA]).tobytes()
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield Cell("BMP", "RGBA of 32 bits", ".bmp", lambda: bmp(rows_of(bgra, 16), (16, 24), 32, masks=masks), flattened(unit(RGB), ALPHA), WHITE)


def cells() -> list[Cell]:
    """All of them."""
    return [*of_png(), *of_jpeg(), *of_tiff(), *of_others()]
