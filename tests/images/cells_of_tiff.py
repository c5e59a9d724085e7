"""Pictures in TIFF, written by tifffile; by Pillow or by the specification where that would need a codec."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import tifffile
from PIL import features

from images.cells import (
    ALPHA,
    D65,
    GREY,
    INDEX,
    INKS,
    PALETTE,
    RGB,
    RGBA,
    SHADES,
    TRUNCATED,
    WHITE,
    YCC,
    Cell,
    Floats,
    blocks,
    by_pillow,
    deep,
    encoded,
    flattened,
    from_adobe,
    from_ycc,
    inked,
    profile,
    unit,
)
from images.writers import packed, tiff

SPACE, YCBCR = "colour space", "CMYK, YCbCr"
ORDERS = (("<", "little-endian"), (">", "big-endian"))


def of_tiff() -> Iterator[Cell]:
    """TIFF of whole numbers and floats."""
    for depth, of in ((8, np.asarray), (16, deep)):
        for order, what in ORDERS:
            yield from _of_channels(depth, of, order, what)
        row, rgb = f"TIFF, {depth} bits", of(RGB)
        for number, turned in ((3, rgb[::-1, ::-1]), (6, np.rot90(rgb, -1)), (8, np.rot90(rgb))):
            options: dict[str, Any] = {"extratags": [(274, 3, 1, number, True)]}
            yield _tiff(row, "turned", f"orientation {number}", unit(turned), rgb, **options)
            what = f"orientation {number}"
            yield _planes(row, "turned", what, unit(turned), rgb, depth > 8, **options)
        light, options = encoded(unit(of(SHADES))), {"iccprofile": profile(b"GRAY", 1)}
        yield _tiff(row, SPACE, "grey, profile of linear light", light, of(SHADES), **options)
        options = {"iccprofile": profile(b"RGB ", 563 / 256)}
        shown = encoded(unit(rgb) ** (563 / 256))
        yield _tiff(row, SPACE, "profile of gamma 2.2", shown, rgb, **options)
        yield _planes(row, SPACE, "profile of gamma 2.2", shown, rgb, depth > 8, **options)
        options = {"iccprofile": profile(b"RGB ", 1)}
        linear = encoded(unit(rgb)) if depth == 8 else None
        note = "" if depth == 8 else "nearly linear light"
        yield _tiff(row, SPACE, "profile of linear light", linear, rgb, note, **options)
        yield _planes(row, SPACE, "profile of linear light", linear, rgb, False, note, **options)
    yield from _of_bits()
    yield from _of_8_bits()
    yield from _of_tags()
    yield from _of_other_numbers()


def _tiff(
    row: str,
    column: str,
    what: str,
    expected: Floats | None,
    data: Any,
    note: str = "",
    by_tifffile: bool = False,
    **options: Any,
) -> Cell:
    def make() -> bytes:
        file = io.BytesIO()
        grey = data.ndim == 2
        tifffile.imwrite(
            file, data, metadata=None, **{"photometric": "minisblack" if grey else "rgb", **options}
        )
        return file.getvalue()

    colours = column in ("alpha", YCBCR) or (column == SPACE and data.ndim > 2)
    nearest = 0.5 if by_tifffile else 1.0  # of 256 levels; Pillow takes the lower
    tolerance = TRUNCATED if colours and data.dtype == np.uint16 else nearest
    return Cell(row, column, what, ".tif", make, expected, note, tolerance, by_tifffile)


def _planes(
    row: str,
    column: str,
    what: str,
    expected: Floats | None,
    data: Any,
    by_tifffile: bool,
    note: str = "",
    **options: Any,
) -> Cell:
    planes = np.moveaxis(data, -1, 0)
    return _tiff(
        f"{row}, planes", column, what, expected, planes, note, by_tifffile, planarconfig="separate", **options
    )


def _of_channels(depth: int, of: Any, order: str, what: str) -> Iterator[Cell]:
    """Of 8 or 16 bits, in a byte order: interleaved and in planes, whole and in tiles."""
    row, deeper = f"TIFF, {depth} bits", depth > 8
    grey, rgb, inks, alpha = of(GREY), of(RGB), of(INKS), of(ALPHA)
    white = unit(np.iinfo(grey.dtype).max - grey)
    for more, compression in (("", None), (", deflated", "zlib"), (", deflated, differences", "zlib")):
        options: dict[str, Any] = {"byteorder": order, "compression": compression}
        options["predictor"] = True if "differences" in more else None
        with_ = what + more
        yield _tiff(row, "grey", with_, unit(grey), grey, **options)
        yield _tiff(row, "RGB", with_, unit(rgb), rgb, **options)
        yield _tiff(row, "RGB", f"tiles, {with_}", unit(rgb), rgb, tile=(16, 16), **options)
        yield _planes(row, "RGB", with_, unit(rgb), rgb, deeper, **options)
    options = {"byteorder": order}
    yield _tiff(
        row, "grey", f"white is 0, {what}", white, grey, "", deeper, photometric="miniswhite", **options
    )
    shown = flattened(unit(rgb), alpha)
    rgba = np.dstack([rgb, alpha])
    plain, multiplied = {"extrasamples": ["unassalpha"], **options}, {"extrasamples": ["assocalpha"], **options}
    share = rgba[..., 3:] / np.iinfo(rgba.dtype).max
    product = np.dstack([(rgb * share).round().astype(rgb.dtype), alpha])
    yield _tiff(row, "alpha", f"RGB, {what}", shown, rgba, WHITE, **plain)
    yield _tiff(row, "alpha", f"RGB, multiplied by it, {what}", shown, product, WHITE, **multiplied)
    yield _planes(row, "alpha", f"RGB, {what}", shown, rgba, deeper, WHITE, **plain)
    yield _planes(row, "alpha", f"RGB, multiplied by it, {what}", shown, product, True, WHITE, **multiplied)
    shown, both, contig = flattened(unit(grey), alpha), np.dstack([grey, alpha]), {"planarconfig": "contig"}
    as_grey = {"photometric": "minisblack", **plain}
    yield _tiff(row, "alpha", f"grey, {what}", shown, both, WHITE, deeper, **contig, **as_grey)
    yield _planes(row, "alpha", f"grey, {what}", shown, both, True, WHITE, **as_grey)
    shown, options = flattened(white, alpha), {"photometric": "miniswhite", **options, **contig}
    plain_, times = f"grey, white is 0, {what}", f"grey, white is 0, multiplied by it, {what}"
    yield _tiff(row, "alpha", plain_, shown, both, WHITE, True, extrasamples=["unassalpha"], **options)
    yield _tiff(row, "alpha", times, None, both, "MINISWHITE", extrasamples=["assocalpha"], **options)
    options = {"photometric": "separated", "byteorder": order}
    yield _tiff(row, YCBCR, f"CMYK, {what}", inked(inks), inks, **options)
    yield _planes(row, YCBCR, f"CMYK, {what}", inked(inks), inks, deeper, **options)


def _of_bits() -> Iterator[Cell]:
    """Of fewer than 8 bits, and of 12, by the specification: the first pixel in the high bits, or the low."""
    for depth in (1, 2, 4):
        row, most = "TIFF, 1 to 4 bits", 2**depth - 1
        levels = np.rint(GREY * (most / 255)).astype(np.uint8)
        grey = (levels / most)[..., None].repeat(3, 2)
        for photometric, kind, shown in ((1, "", grey), (0, "white is 0, ", 1 - grey)):
            for order, more in ((1, "first pixel high"), (2, "first pixel low")):
                bits = packed(levels, depth)
                if order == 2:  # all bits of a byte, the other way round
                    bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in bits)
                tags: dict[int, tuple[int, ...]]
                tags = {258: (depth,), 262: (photometric,), 277: (1,), 266: (order,)}
                yield _bare(row, "grey", f"{depth} bits, {kind}{more}", shown, bits, tags)
        index, colours = INDEX & (2**depth - 1), np.zeros((3, 2**depth), np.uint16)
        colours[:, :4] = PALETTE[: 2**depth].T.astype(np.uint16) * 257
        tags = {258: (depth,), 262: (3,), 277: (1,), 320: tuple(colours.ravel().tolist())}
        yield _bare(row, "palette", f"{depth} bits", unit(PALETTE[index]), packed(index, depth), tags)
    words = GREY.astype(np.uint16) * 16
    pairs = np.stack([words[:, ::2] >> 4, words[:, ::2] << 4 | words[:, 1::2] >> 8, words[:, 1::2]], -1)
    bits, tags = pairs.astype(np.uint8).tobytes(), {258: (12,), 262: (1,), 277: (1,)}
    yield _bare("TIFF, 12 bits", "grey", "", None, bits, tags, "of 12 bits")


def _bare(
    row: str, column: str, what: str, expected: Floats | None, pixels: bytes, tags: Any, note: str = ""
) -> Cell:
    return Cell(row, column, what, ".tif", lambda: tiff(pixels, GREY.shape, tags), expected, note)


def _of_8_bits() -> Iterator[Cell]:
    """Of 8 bits: palettes, other colours, several pages, other codecs."""
    row, rgb = "TIFF, 8 bits", unit(RGB)
    table = np.zeros((3, 256), np.uint16)
    table[:, :4] = PALETTE.T.astype(np.uint16) * 256
    options: dict[str, Any] = {"photometric": "palette", "colormap": table}
    yield _tiff(row, "palette", "", unit(PALETTE[INDEX]), INDEX, **options)
    if int(str(features.version("pil")).split(".")[0]) >= 13:  # earlier ones call it damaged
        yield _tiff(row, YCBCR, "YCbCr", from_ycc(YCC), YCC, photometric="ycbcr")
    yield _planes(row, YCBCR, "YCbCr", None, YCC, False, "in planes of their own", photometric="ycbcr")
    halved = [YCC[row_::2, column::2, :1] for row_ in (0, 1) for column in (0, 1)]
    units = np.concatenate([*halved, YCC[::2, ::2, 1:]], -1).tobytes()
    tags: dict[int, tuple[int, ...]] = {258: (8, 8, 8), 262: (6,), 277: (3,), 530: (2, 2)}
    yield _bare(row, YCBCR, "YCbCr 4:2:0, not compressed", None, units, tags, "subsampled, not compressed")
    lab = blocks([[(255, 0, 0), (128, 0, 0), (0, 0, 0)], [(137, 80, 67), (137, 206, 60), (80, 30, 190)]])
    yield _tiff(row, SPACE, "CIELAB", None, lab, "CIELAB", photometric="cielab")
    yield _tiff(row, "RGB", "a fourth channel of no meaning", rgb, RGBA, extrasamples=["unspecified"])
    yield _tiff(row, "RGB", "several pages", rgb, np.stack([RGB, 255 - RGB]))
    dng: Any = [(50706, 1, 4, b"\1\4\0\0", True)]
    yield _tiff(row, "RGB", "a raw photograph (DNG)", None, RGB, "raw photograph", extratags=dng)
    yield _tiff(row, "RGB", "a reduced copy first", None, RGB, "reduced copy", subfiletype=1)
    note = "reduced copy"
    yield _planes("TIFF, 16 bits", "RGB", "a reduced copy first", None, deep(RGB), False, note, subfiletype=1)
    yield _tiff("TIFF, floats", "RGB", "a reduced copy first", None, unit(RGB), note, subfiletype=1)
    for compression in ("tiff_lzw", "jpeg", "packbits"):
        options = {"quality": 100} if compression == "jpeg" else {}
        make = by_pillow(RGB, ".tif", compression=compression, **options)
        yield Cell(row, "RGB", compression.removeprefix("tiff_"), ".tif", make, rgb)


def _of_tags() -> Iterator[Cell]:
    """Of colours that tags describe, and Pillow ignores."""

    def rationals(tag: int, *numbers: float) -> Any:
        parts = tuple(part for number in numbers for part in (round(10000 * number), 10000))
        return tag, 5, len(numbers), parts, True

    row, rgb, adobes = "TIFF, 8 bits", unit(RGB), rationals(319, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    primaries, note = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06), "white point or primaries"
    for what, expected, note_, *extra in (
        ("white and primaries of sRGB", rgb, "", rationals(318, *D65), rationals(319, *primaries)),
        ("white of D50", None, note, rationals(318, 0.3457, 0.3585)),
        ("primaries of Adobe RGB", None, note, adobes),
        ("primaries of SMPTE C", None, note, rationals(319, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07)),
        ("transfer function", None, "transfer function", (301, 3, 256, tuple(range(0, 65536, 257)), True)),
    ):
        yield _tiff(row, SPACE, what, expected, RGB, note_, extratags=extra)
    options: dict[str, Any] = {"iccprofile": profile(b"RGB ", 1), "extratags": [adobes]}
    yield _tiff(row, SPACE, "profile before primaries", encoded(rgb), RGB, **options)
    yield _planes(
        "TIFF, 16 bits", SPACE, "primaries of Adobe RGB", None, deep(RGB), False, note, extratags=[adobes]
    )
    options = {"extratags": [(255, 3, 1, 2, True)]}
    yield _tiff(row, "RGB", "a reduced copy first, by SubfileType", None, RGB, "reduced copy", **options)
    table = np.zeros((3, 256), np.uint16)
    table[:, :4] = PALETTE.T
    options = {"photometric": "palette", "colormap": table}
    yield _tiff(row, "palette", "palette of 8 bits", None, INDEX, "palette of 8 bits", **options)
    inks: dict[int, tuple[int, ...]] = {258: (8,) * 4, 262: (5,), 277: (4,)}
    for what, shown, note, tags in (
        ("CMYK by its tags", inked(INKS), "", {332: (1,), 336: (0, 255)}),
        ("inks other than CMYK", None, "other inks", {332: (2,)}),
        ("CMYK, 0 for full ink", None, "0 for full ink", {336: (255, 0)}),
    ):
        yield _bare(row, YCBCR, what, shown, INKS.tobytes(), {**inks, **tags}, note)
    note, options = "not coded as in a JPEG", {"photometric": "ycbcr"}
    options["extratags"] = [rationals(529, 0.2126, 0.7152, 0.0722)]
    yield _tiff(row, YCBCR, "YCbCr of BT.709", None, YCC, note, **options)
    ycc: dict[int, tuple[int, ...]] = {258: (8, 8, 8), 262: (6,), 277: (3,), 530: (1, 1)}
    ycc[532] = (16, 235, 128, 240, 128, 240)
    yield _bare(row, YCBCR, "YCbCr of a narrow range", None, YCC.tobytes(), ycc, note)
    adobe, both = "Adobe RGB by EXIF (R03)", np.dstack([GREY, ALPHA])
    alpha = {258: (8, 8), 262: (0,), 277: (2,), 338: (2,)}
    for row, what, levels, tags, shown, note in (
        ("TIFF, 8 bits", adobe, RGB, {258: (8,) * 3, 262: (2,), 277: (3,)}, from_adobe(RGB), ""),
        ("TIFF, 8 bits", f"white is 0, alpha, {adobe}", both, alpha, None, "by its EXIF data"),
        ("TIFF, 16 bits", adobe, deep(GREY), {258: (16,), 262: (1,), 277: (1,)}, None, "16 bits in Adobe RGB"),
    ):
        yield Cell(row, SPACE, what, ".tif", partial(_adobe, levels.tobytes(), tags), shown, note)


def _adobe(pixels: bytes, tags: Any) -> bytes:
    """A TIFF of colours in Adobe RGB by its EXIF data, which follow the pixels."""
    start = len(tiff(pixels, GREY.shape, {**tags, 34665: (0,)}))
    space = struct.pack("<HHHIIHHII", 2, 0xA001, 3, 1, 0xFFFF, 0xA005, 4, 1, start + 30) + bytes(4)
    interoperability = struct.pack("<HHHI4s", 1, 1, 2, 4, b"R03") + bytes(4)
    return tiff(pixels, GREY.shape, {**tags, 34665: (start,)}) + space + interoperability


def _of_other_numbers() -> Iterator[Cell]:
    """Of floats, of whole numbers of 32 bits, and with a sign."""
    grey, light = unit(GREY), GREY / 255
    for size, other in ((16, True), (32, False), (64, True)):
        row = "TIFF, floats"
        for order, what in ORDERS:
            for more, compression in (("", None), (", deflated", "zlib")):
                only = other or (compression is not None and order == ">")
                data = light.astype(f"f{size // 8}")
                options: dict[str, Any] = {"byteorder": order, "compression": compression}
                yield _tiff(row, "grey", f"{size} bits, {what}{more}", grey, data, "", only, **options)
        data = light.astype(f"f{size // 8}")
        yield _tiff(row, "grey", f"{size} bits, white is 0", 1 - grey, data, "", True, photometric="miniswhite")
        yield _tiff(row, "RGB", f"{size} bits", None, unit(RGB).astype(data.dtype), "RGB of float")
    floats = light.astype(np.float32)
    yield _tiff(row, "grey", "numbers beyond 1", None, 255 * floats, "lie in [0, 1]")
    differences = by_pillow(floats, ".tif", compression="tiff_adobe_deflate", tiffinfo={317: 3})
    yield Cell(row, "grey", "32 bits, deflated, differences", ".tif", differences, grey)
    yield _tiff("TIFF, 16 bits", "grey", "with a sign", None, GREY.astype(np.int16), "with a sign")
    note = "grey in whole numbers of 32 bits"
    yield _tiff("TIFF, 32 bits", "grey", "", None, GREY.astype(np.uint32) * 2**8, note)
    yield _tiff("TIFF, 32 bits", "RGB", "", None, deep(RGB).astype(np.uint32), "RGB of uint32")
