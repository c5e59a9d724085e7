"""Pictures in WebP, AVIF, GIF, BMP, TGA, PGM and PPM."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PIL import features

from picture_cells import (
    ALPHA,
    GREY,
    INDEX,
    KEY,
    PALETTE,
    RGB,
    WHITE,
    Cell,
    Floats,
    flattened,
    pillows,
    unit,
)
from picture_writers import bmp, gif, packed, pnm, rows_of, tga


def of_others() -> Iterator[Cell]:
    """WebP and AVIF by Pillow; GIF, BMP, TGA, PGM and PPM by their specifications."""
    rgba = np.dstack([RGB, ALPHA])
    flat = np.full((16, 24, 3), (120, 90, 60), np.uint8)
    if features.check("webp"):
        exact: dict[str, Any] = {"lossless": True, "exact": True}
        yield pillows("WebP", "RGB, lossless", ".webp", RGB, **exact)
        yield pillows("WebP", "RGBA, lossless", ".webp", rgba, WHITE, **exact)
        yield pillows("WebP", "RGB, lossy, of one colour", ".webp", flat, quality=100)
        hidden = pillows("WebP", "", ".webp", np.dstack([RGB, 0 * ALPHA]), **exact).make
        yield Cell("WebP", "transparent throughout", ".webp", hidden, None, "be visible somewhere")
    if "avif" in features.modules and features.check("avif"):  # Pillow 11.3 and later
        exact = {"quality": 100, "subsampling": "4:4:4"}
        yield pillows("AVIF", "RGB", ".avif", RGB, tolerance=3.0, **exact)
        yield pillows("AVIF", "RGBA", ".avif", rgba, WHITE, tolerance=3.0, **exact)
        avif, pq = pillows("AVIF", "", ".avif", RGB, **exact).make, b"nclx\0\x09\0\x10"
        what, note = "BT.2100 PQ", "primaries 9 and transfer 16"
        yield Cell("AVIF", what, ".avif", lambda: avif().replace(b"nclx\0\1\0\r", pq), None, note)
    palette = unit(PALETTE[INDEX])
    clear = np.where(INDEX == KEY, 0, 255)
    yield Cell("GIF", "palette", ".gif", lambda: gif([INDEX], PALETTE), palette)
    yield Cell(
        "GIF",
        "transparent colour",
        ".gif",
        lambda: gif([INDEX], PALETTE, KEY),
        flattened(palette, clear),
        WHITE,
    )
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
            yield Cell(
                "TGA", what + more, ".tga", partial(tga, levels, kind, top_down=top_down), expected, note
            )
    yield Cell("TGA", "palette", ".tga", lambda: tga(INDEX, 1, palette=PALETTE[:, ::-1].tobytes()), palette)
    for most in (1, 100, 255, 1023, 65535):
        for grey, names in ((True, ("P5", "P2")), (False, ("P6", "P3"))):
            levels = ((GREY if grey else RGB).astype(np.int64) * most + 127) // 255
            expected = unit(levels * 255 / most)
            for code in names:
                name = "PGM" if grey else "PPM"
                what = f"{code}, {'grey' if grey else 'RGB'} up to {most}"
                yield Cell(name, what, f".{name.lower()}", partial(pnm, levels, most, code), expected)
    heic = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(200)
    yield Cell("HEIC", "named .jpg", ".jpg", lambda: heic, None, "HEIC")


def of_bmp() -> Iterator[Cell]:
    """BMP by its specification."""

    def cell(what: str, expected: Floats, pixels: bytes, bits: int, note: str = "", **options: Any) -> Cell:
        rows = rows_of(pixels, 16, bottom_up=not options.get("top_down"))
        return Cell("BMP", what, ".bmp", lambda: bmp(rows, (16, 24), bits, **options), expected, note)

    colours = np.hstack([PALETTE[:, ::-1], 0 * PALETTE[:, :1]])
    for depth in (1, 4, 8):
        index, table = INDEX % 2**depth, np.zeros((2**depth, 4), np.uint8)
        table[: len(colours)] = colours[: 2**depth]
        what = f"palette of {depth} bits"
        yield cell(what, unit(PALETTE[index]), packed(index, depth), depth, palette=table.tobytes())
    bgr = RGB[..., ::-1]
    yield cell("RGB of 24 bits", unit(RGB), bgr.tobytes(), 24)
    yield cell("RGB of 24 bits, from the top down", unit(RGB), bgr.tobytes(), 24, top_down=True)
    red, green, blue = ((RGB[..., number] >> 3).astype("<u2") for number in range(3))
    six = (RGB[..., 1] >> 2).astype("<u2")
    yield cell("RGB of 16 bits, 555", (RGB >> 3) / 31, (red << 10 | green << 5 | blue).tobytes(), 16)
    shown = np.stack([red / 31, six / 63, blue / 31], -1)
    masks: tuple[int, ...] = (0xF800, 0x7E0, 0x1F)
    yield cell("RGB of 16 bits, 565", shown, (red << 11 | six << 5 | blue).tobytes(), 16, masks=masks)
    yield cell("RGB of 32 bits", unit(RGB), np.dstack([bgr, 0 * ALPHA]).tobytes(), 32)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    bgra = np.dstack([bgr, ALPHA]).tobytes()
    yield cell("RGBA of 32 bits", flattened(unit(RGB), ALPHA), bgra, 32, WHITE, masks=masks)
