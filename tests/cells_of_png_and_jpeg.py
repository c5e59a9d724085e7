"""Pictures in PNG and JPEG, written by the formats' specifications."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from picture_cells import (
    ALPHA,
    GREY,
    INDEX,
    INKS,
    LUMINOUS,
    PALETTE,
    RGB,
    WHITE,
    YCC,
    Cell,
    Floats,
    deep,
    encoded,
    flattened,
    from_adobe,
    from_ycc,
    grey_profile,
    inked,
    key_of,
    p16,
    unit,
)
from picture_writers import adobe, exif, jpeg, png


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
            trns = (b"tRNS", alphas.tobytes())
            shown, what = flattened(rgb, alphas[index]), f"palette of {depth} bits, tRNS"
            yield cell(what, shown, WHITE, index, depth, 3, plte, trns)
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
        yield cell(
            f"RGBA of {depth} bits, transparent throughout", None, "be visible somewhere", none, depth, 6
        )
    near = deep(RGB)
    near[:8, :8] = near[0, 16] + np.array([0, 0, 1])  # of the same upper bytes as the key
    close = RGB.copy()
    close[:8, :8] = RGB[0, 16]
    shown = flattened(*key_of(close))
    exact = (b"tRNS", p16(*near[0, 16].tolist()))
    yield cell(
        "RGB of 16 bits, tRNS beside a colour that differs in its lower byte", shown, WHITE, near, 16, 2, exact
    )
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
    yield cell(
        "RGB of 16 bits, cICP of BT.2100 PQ", None, "cICP", deep(RGB), 16, 2, (b"cICP", bytes([9, 16, 0, 1]))
    )
    profile = (b"iCCP", b"grey\0\0" + zlib.compress(grey_profile(0x0100)))
    yield cell("grey of 8 bits, profile of linear light", light, "", LUMINOUS, 8, 0, profile)
    yield cell("grey of 16 bits, profile of linear light", fine, "", deep(LUMINOUS), 16, 0, profile)
    camera = (b"eXIf", exif((0x0112, 3, 1, struct.pack("<HH", 6, 0)))[10:])
    turned = np.rot90(unit(RGB), -1)
    yield cell("RGB of 8 bits, orientation 6", turned, "", RGB, 8, 2, camera)


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
            ("RGB by Adobe's marker", unit(RGB), RGB, [adobe(0)]),
            ("CMYK", inked(INKS), 255 - INKS, [adobe(0)]),
        ):
            yield cell(what + more, expected, components, *segments, progressive=progressive)
    bare, note = partial(jpeg, INKS), "CMYK without Adobe's marker"
    yield Cell("JPEG", "CMYK without Adobe's marker", ".jpg", bare, None, note)
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
    yield cell("Adobe RGB by EXIF alone (R03)", from_adobe(RGB), RGB, exif(uncalibrated, r03), adobe(0))
    yield cell("sRGB by EXIF (R98)", unit(RGB), RGB, exif(plain, r98), adobe(0))
    linear = b"ICC_PROFILE\0\1\1" + grey_profile(0x0100)
    profile = struct.pack(">BBH", 0xFF, 0xE2, len(linear) + 2) + linear
    yield cell("grey, profile of linear light", encoded(unit(LUMINOUS)), LUMINOUS[..., None], profile)
