"""Pictures in PNG and JPEG, written by the formats' specifications."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from images.cells import (
    ALPHA,
    D65,
    GREY,
    GREY_ALPHA,
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
    from_p3,
    from_ycc,
    inked,
    p16,
    profile,
    unit,
)
from images.writers import adobe, exif, jpeg, png, segment

SPACE = "colour space"


def of_png() -> Iterator[Cell]:
    """PNG by its specification."""
    for depth in (1, 2, 4, 8, 16):
        row, most = "PNG, 1 to 4 bits" if depth < 8 else f"PNG, {depth} bits", 2**depth - 1
        of_depth = f"{depth} bit{'s' * (depth > 1)}" if depth < 8 else ""
        levels = np.rint(GREY * (most / 255)).astype(np.uint8) if depth < 16 else deep(GREY)
        grey, key = (levels / most)[..., None].repeat(3, 2), int(levels[0, 16])
        for more, interlaced in (("", False), ("interlaced", True)):
            what = f"{of_depth} {more}".strip()
            yield _png(row, "grey", what, grey, levels, depth, 0, interlaced=interlaced)
        clear = np.where(levels == key, 0, 255).astype(np.uint8)
        what, trns = f"grey {of_depth}".strip(), (b"tRNS", p16(key))
        shown, note = (None, "grey of 1 to 4 bits") if depth < 8 else (flattened(grey, clear), WHITE)
        yield _png(row, "transparent colour", what, shown, levels, depth, 0, trns, note=note)
        if depth < 16:
            index, colours = INDEX & (2**depth - 1), PALETTE[: 2**depth]
            rgb, plte = unit(colours[index]), (b"PLTE", colours.tobytes())
            yield _png(row, "palette", of_depth, rgb, index, depth, 3, plte)
            alphas = np.array([255, 100, 0, 255], np.uint8)[: 2**depth]
            shown, trns = flattened(rgb, alphas[index]), (b"tRNS", alphas.tobytes())
            what = f"palette {of_depth}".strip()
            yield _png(row, "transparent colour", what, shown, index, depth, 3, plte, trns, note=WHITE)
    for depth, of in ((8, np.asarray), (16, deep)):
        row, rgb, alpha = f"PNG, {depth} bits", of(RGB), of(ALPHA)
        for more, interlaced in (("", False), ("interlaced", True)):
            yield _png(row, "RGB", more, unit(rgb), rgb, depth, 2, interlaced=interlaced)
        yield _png(row, "alpha", "RGB", flattened(unit(rgb), alpha), of(RGBA), depth, 6, note=WHITE)
        shown = flattened(unit(of(GREY)), alpha)
        yield _png(row, "alpha", "grey", shown, of(GREY_ALPHA), depth, 4, note=WHITE)
        none, note = np.dstack([rgb, 0 * alpha]), "be visible somewhere"
        yield _png(row, "alpha", "transparent throughout", None, none, depth, 6, note=note)
    trns = (b"tRNS", p16(*RGB[0, 16].tolist()))
    third = blocks([[255, 255, 0], [255, 255, 255]])  # an alpha that hides the third block
    shown = flattened(unit(RGB), third)
    yield _png("PNG, 8 bits", "transparent colour", "RGB", shown, RGB, 8, 2, trns, note=WHITE)
    trns, note = (b"tRNS", p16(*deep(RGB)[0, 16].tolist())), "16 bits with a transparent colour"
    yield _png("PNG, 16 bits", "transparent colour", "RGB", None, deep(RGB), 16, 2, trns, note=note)
    turn = (b"eXIf", exif((0x0112, 3, 1, struct.pack("<HH", 6, 0)))[10:])
    for depth, levels in ((8, RGB), (16, deep(RGB))):
        shown = np.rot90(unit(levels), -1)
        yield _png(f"PNG, {depth} bits", "turned", "", shown, levels, depth, 2, turn)
    yield from of_png_colours()


def of_png_colours() -> Iterator[Cell]:
    """PNG in colour spaces, which its third specification orders: cICP, iCCP, sRGB, gAMA with cHRM."""

    def gamma(value: float) -> tuple[bytes, bytes]:
        return b"gAMA", struct.pack(">I", round(100000 * value))

    def iccp(space: bytes, gamma: float) -> tuple[bytes, bytes]:
        return b"iCCP", b"profile\0\0" + zlib.compress(profile(space, gamma))

    def cicp(*code: int) -> tuple[bytes, bytes]:
        return b"cICP", bytes(code)

    def chroma(*primaries: float) -> tuple[bytes, bytes]:
        return b"cHRM", struct.pack(">8I", *(round(100000 * number) for number in (*D65, *primaries)))

    adobes = chroma(0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    srgb, linear = (b"sRGB", b"\0"), iccp(b"RGB ", 1)
    rgb, light = unit(RGB), encoded(unit(RGB))
    row, tagged = "PNG, 8 bits", "whose gAMA is"
    yield _png(row, SPACE, "grey, gAMA 1/2.2", unit(GREY), GREY, 8, 0, gamma(1 / 2.2))
    for what, expected, *chunks in (
        ("gAMA 1/2.2", rgb, gamma(1 / 2.2)),
        ("sRGB before gAMA 1", rgb, srgb, gamma(1)),
        ("profile of linear light", light, linear),
        ("profile before sRGB and gAMA", light, linear, srgb, gamma(1 / 2.2)),
        ("cICP of sRGB", rgb, cicp(1, 13, 0, 1)),
        ("cICP of sRGB before gAMA 1 and cHRM", rgb, cicp(1, 13, 0, 1), gamma(1), adobes),
        ("cICP of sRGB before a profile", rgb, cicp(1, 13, 0, 1), linear),
        ("cICP of Display P3", from_p3(RGB), cicp(12, 13, 0, 1)),
        ("cICP of Display P3 before a profile", from_p3(RGB), cicp(12, 13, 0, 1), linear),
    ):
        yield _png(row, SPACE, what, expected, RGB, 8, 2, *chunks)
    for what, note, *chunks in (
        ("gAMA 1", tagged, gamma(1)),
        ("gAMA 1/1.8", tagged, gamma(1 / 1.8)),
        ("gAMA 1/2.1", tagged, gamma(1 / 2.1)),
        ("cHRM of SMPTE C", "whose cHRM", gamma(1 / 2.2), chroma(0.63, 0.34, 0.31, 0.595, 0.155, 0.07)),
        ("cHRM of Adobe RGB", "whose cHRM", gamma(256 / 563), adobes),
        ("cICP of BT.601", "BT.601 primaries", cicp(6, 6, 0, 1)),
        ("cICP of narrow range", "narrow range", cicp(1, 13, 0, 0)),
    ):
        yield _png(row, SPACE, what, None, RGB, 8, 2, *chunks, note=note)
    light = encoded(unit(SHADES))
    yield _png(row, SPACE, "grey, profile of linear light", light, SHADES, 8, 0, iccp(b"GRAY", 1))
    yield _png(row, SPACE, "grey, profile of RGB", light, SHADES, 8, 0, linear)
    plte, shown = (b"PLTE", PALETTE.tobytes()), encoded(unit(PALETTE[INDEX]))
    yield _png(row, SPACE, "palette, profile of linear light", shown, INDEX, 8, 3, linear, plte)
    shown = flattened(encoded(rgb), ALPHA)
    yield _png(row, SPACE, "alpha, profile of linear light", shown, RGBA, 8, 6, linear, note=WHITE)
    shades = np.dstack([SHADES, ALPHA])
    shown, what = flattened(light, ALPHA), "grey and alpha, profile of linear light"
    yield _png(row, SPACE, what, shown, shades, 8, 4, iccp(b"GRAY", 1), note=WHITE)
    row, rgb = "PNG, 16 bits", deep(RGB)
    light = encoded(unit(deep(SHADES)))
    yield _png(row, SPACE, "grey, profile of linear light", light, deep(SHADES), 16, 0, iccp(b"GRAY", 1))
    yield _png(
        row,
        SPACE,
        "profile of gamma 2.2",
        encoded(unit(rgb) ** 2.19921875),
        rgb,
        16,
        2,
        iccp(b"RGB ", 563 / 256),
    )
    note = "nearly linear light"
    for what, value in (("linear light", 1.0), ("gamma 1.4", 1.4)):
        yield _png(row, SPACE, f"profile of {what}", None, rgb, 16, 2, iccp(b"RGB ", value), note=note)
    yield _png(row, SPACE, "gAMA 1", None, rgb, 16, 2, gamma(1), note=tagged)
    yield _png(row, SPACE, "cICP of BT.2100 PQ", None, rgb, 16, 2, cicp(9, 16, 0, 1), note="PQ transfer")
    p3 = cicp(12, 13, 0, 1)
    yield _png(row, SPACE, "cICP of Display P3", from_p3(rgb), rgb, 16, 2, p3)
    note = "grey of 16 bits in Display P3"
    yield _png(row, SPACE, "grey, cICP of Display P3", None, deep(GREY), 16, 0, p3, note=note)
    yield _png("PNG, 8 bits", SPACE, "grey, cICP of Display P3", unit(GREY), GREY, 8, 0, p3)


def _png(
    row: str, column: str, what: str, expected: Floats | None, *arguments: Any, note: str = "", **options: Any
) -> Cell:
    tolerance = (
        TRUNCATED
        if "16 bits" in row and (column == "alpha" or (column == SPACE and "grey" not in what))
        else 1.0
    )
    return Cell(row, column, what, ".png", lambda: png(*arguments, **options), expected, note, tolerance)


def of_jpeg() -> Iterator[Cell]:
    """JPEG by its specification, in blocks of one colour, which it keeps exactly."""

    def cell(
        column: str, what: str, expected: Floats | None, *arguments: Any, note: str = "", **options: Any
    ) -> Cell:
        return Cell("JPEG, 8 bits", column, what, ".jpg", lambda: jpeg(*arguments, **options), expected, note)

    ycc, grey = from_ycc(YCC), unit(GREY)
    for more, progressive in (("", False), ("progressive", True)):
        for column, what, expected, components, segments in (
            ("grey", more, grey, GREY[..., None], []),
            ("CMYK, YCbCr", f"YCbCr {more}", ycc, YCC, []),
            ("RGB", f"by Adobe's marker {more}", unit(RGB), RGB, [adobe(0)]),
            ("CMYK, YCbCr", f"CMYK {more}", inked(INKS), 255 - INKS, [adobe(0)]),
        ):
            yield cell(column, what.strip(), expected, components, *segments, progressive=progressive)
    yield cell("CMYK, YCbCr", "CMYK of no marker", None, INKS, note="CMYK without Adobe's marker")
    deeper = jpeg(GREY[..., None]).replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc0\0\x0b\x0c")
    yield Cell("JPEG, 12 bits", "grey", "", ".jpg", lambda: deeper, None, "Pillow does not decode")
    ycck = np.dstack([YCC, 255 - INKS[..., 3]])
    expected = (1 - from_ycc(YCC)) * (1 - INKS[..., 3:] / 255)
    yield cell("CMYK, YCbCr", "YCCK", expected, ycck, adobe(2))
    two = by_pillow(
        RGB, ".mpo", save_all=True, append_images=[Image.fromarray(255 - RGB)], quality=100, subsampling=0
    )
    yield Cell("JPEG, 8 bits", "RGB", "two pictures in one (MPO)", ".jpg", two, unit(RGB), tolerance=2.0)
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
        tag = (0x0112, 3, 1, struct.pack("<HH", number, 0))
        yield cell("turned", f"orientation {number}", turn(ycc), YCC, exif(tag))
    uncalibrated = (0xA001, 3, 1, struct.pack("<HH", 0xFFFF, 0))
    plain = (0xA001, 3, 1, struct.pack("<HH", 1, 0))
    r03, r98 = (0x0001, 2, 4, b"R03\0"), (0x0001, 2, 4, b"R98\0")
    yield cell(SPACE, "Adobe RGB by EXIF alone (R03)", from_adobe(RGB), RGB, exif(uncalibrated, r03), adobe(0))
    yield cell(SPACE, "sRGB by EXIF (R98)", unit(RGB), RGB, exif(plain, r98), adobe(0))
    for space, what, components, expected in (
        (b"GRAY", "grey, ", SHADES[..., None], encoded(unit(SHADES))),
        (b"RGB ", "", RGB, encoded(unit(RGB))),
    ):
        icc = segment(0xE2, b"ICC_PROFILE\0\1\1" + profile(space, 1))
        yield cell(SPACE, f"{what}profile of linear light", expected, components, icc, adobe(0))
