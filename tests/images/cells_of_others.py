"""Pictures in WebP, AVIF, GIF, BMP, PBM, PGM, PPM and PFM, and in formats that are not read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, features

from images.cells import (
    ALPHA,
    GREY,
    INDEX,
    KEY,
    PALETTE,
    RGB,
    RGBA,
    WHITE,
    Cell,
    Floats,
    by_pillow,
    encoded,
    flattened,
    from_p3,
    profile,
    unit,
)
from images.writers import bmp, exif, gif, packed, pfm, pnm, rows_of

TURN = exif((0x0112, 3, 1, struct.pack("<HH", 6, 0)))[4:]  # EXIF data of orientation 6
SHOWN = flattened(unit(RGB), ALPHA)


def of_others() -> Iterator[Cell]:
    """WebP and AVIF by Pillow; the rest by their specifications."""
    if features.check("webp"):
        yield from _of_webp()
    if "avif" in features.modules and features.check("avif"):  # Pillow 11.3 and later
        yield from _of_avif()
    palette, clear = unit(PALETTE[INDEX]), np.where(INDEX == KEY, 0, 255).astype(np.uint8)
    yield Cell("GIF", "palette", "", ".gif", lambda: gif([INDEX], PALETTE), palette)
    yield Cell("GIF", "palette", "animation", ".gif", lambda: gif([INDEX, 3 - INDEX], PALETTE), palette)
    shown = flattened(palette, clear)
    yield Cell("GIF", "transparent colour", "", ".gif", lambda: gif([INDEX], PALETTE, KEY), shown, WHITE)
    yield from _of_bmp()
    yield from _of_pnm()
    for name, suffix, start in (
        ("HEIC", ".jpg", struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic"),
        ("JPEG 2000", ".jp2", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("JPEG XL", ".jxl", b"\xff\x0a"),
        ("a Photoshop document", ".psd", b"8BPS\0\1"),
        ("an icon", ".ico", by_pillow(RGB, ".ico")()),
        ("OpenEXR", ".exr", b"v/1\1"),
        ("PDF", ".pdf", b"%PDF-1.7"),
        ("SVG", ".svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("a web page", ".jpg", b"<!DOCTYPE html>"),
        ("empty", ".png", b""),
    ):
        yield Cell(name, "", "", suffix, partial(bytes.ljust, start, 200 if start else 0, b"\0"), None, name)
    for name in ("PCX", "TGA"):
        suffix = f".{name.lower()}"
        yield Cell(name, "", "", suffix, by_pillow(RGB, suffix), None, "be a file in PNG, JPEG")


def _of_webp() -> Iterator[Cell]:
    exact: dict[str, Any] = {"lossless": True, "exact": True}

    def cell(
        column: str, what: str, expected: Floats | None, levels: Any, note: str = "", **options: Any
    ) -> Cell:
        return Cell("WebP", column, what, ".webp", by_pillow(levels, ".webp", **options), expected, note)

    flat = np.full((16, 24, 3), (120, 90, 60), np.uint8)
    yield cell("RGB", "lossless", unit(RGB), RGB, **exact)
    yield cell("RGB", "lossy, of one colour", unit(flat), flat, quality=100)
    later: dict[str, Any] = {"save_all": True, "append_images": [Image.fromarray(255 - RGB)]}
    yield cell("RGB", "animation", unit(RGB), RGB, **later, **exact)
    yield cell("alpha", "lossless", SHOWN, RGBA, WHITE, **exact)
    hidden = np.dstack([RGB, 0 * ALPHA])
    yield cell("alpha", "transparent throughout", None, hidden, "be visible somewhere", **exact)
    linear = profile(b"RGB ", 1)
    yield cell("colour space", "profile of linear light", encoded(unit(RGB)), RGB, icc_profile=linear, **exact)
    yield cell("turned", "", np.rot90(unit(RGB), -1), RGB, exif=TURN, **exact)


def _of_avif() -> Iterator[Cell]:
    best: dict[str, Any] = {"quality": 100, "subsampling": "4:4:4"}
    make = by_pillow(RGB, ".avif", **best)

    def cell(column: str, what: str, expected: Floats | None, make: Any, note: str = "") -> Cell:
        return Cell("AVIF", column, what, ".avif", make, expected, note, tolerance=4.0)

    def coded(primaries: int, transfer: int) -> bytes:
        file = make()
        assert file.count(b"nclx\0\1\0\r") == 1
        return file.replace(b"nclx\0\1\0\r", b"nclx" + struct.pack(">HH", primaries, transfer))

    yield cell("RGB", "", unit(RGB), make)
    yield cell("alpha", "", SHOWN, by_pillow(RGBA, ".avif", **best), WHITE)
    for what, code, expected, note in (
        ("unspecified", (2, 2), unit(RGB), ""),
        ("Display P3", (12, 13), from_p3(RGB), ""),
        ("BT.601", (6, 6), None, "BT.601 primaries"),
        ("BT.709", (1, 1), None, "BT.709 transfer"),
        ("BT.2100 PQ", (9, 16), None, "PQ transfer"),
    ):
        yield cell("colour space", what, expected, partial(coded, *code), note)
    for what, code, expected, note in (
        ("Display P3 at the end of the file", (12, 13), from_p3(RGB), ""),
        ("BT.2100 PQ at the end of the file", (9, 16), None, "PQ transfer"),
    ):
        yield cell("colour space", what, expected, partial(lambda code: _meta_last(coded(*code)), code), note)
    free = struct.pack(">I4sI", 27, b"free", 19) + b"colrnclx\0\x0c\0\x0d\0\0\x80"  # as a gain map's
    yield cell("colour space", "two nclx", None, lambda: _meta_last(make(), free), "several colour spaces")
    film = by_pillow(RGB, ".avif", save_all=True, append_images=[Image.fromarray(255 - RGB)], **best)
    yield cell("RGB", "animation", unit(RGB), film)

    def differing() -> bytes:
        still, box, frames = film().partition(b"moov")
        assert frames.count(b"nclx\0\1\0\r") == 1
        return still + box + frames.replace(b"nclx\0\1\0\r", b"nclx\0\x09\0\x10")

    yield cell("colour space", "animation of another nclx", None, differing, "PQ transfer")
    yield cell("turned", "", np.rot90(unit(RGB), -1), by_pillow(RGB, ".avif", exif=TURN, **best))
    linear = by_pillow(RGB, ".avif", icc_profile=profile(b"RGB ", 2.2), **best)
    yield cell("colour space", "profile of gamma 2.2", encoded(unit(RGB) ** 2.2), linear)


def _meta_last(file: bytes, more: bytes = b"") -> bytes:
    """An AVIF whose box `meta`, with more in it, is moved behind the pixels, which stay at their place."""
    start = file.index(b"meta") - 4
    length = int.from_bytes(file[start : start + 4])
    meta, end = file[start + 4 : start + length], start + length
    free = struct.pack(">I", length) + b"free" + bytes(length - 8)
    gap = struct.pack(">I", 9000) + b"free" + bytes(8992)
    return file[:start] + free + file[end:] + gap + struct.pack(">I", length + len(more)) + meta + more


def _of_bmp() -> Iterator[Cell]:
    """BMP by its specification."""

    def cell(
        column: str,
        what: str,
        expected: Floats | None,
        pixels: bytes,
        bits: int,
        note: str = "",
        **options: Any,
    ) -> Cell:
        rows = rows_of(pixels, 16, bottom_up=not options.get("top_down"))
        return Cell("BMP", column, what, ".bmp", lambda: bmp(rows, (16, 24), bits, **options), expected, note)

    colours = np.hstack([PALETTE[:, ::-1], 0 * PALETTE[:, :1]])
    for depth in (1, 4, 8):
        index, table = INDEX & (2**depth - 1), np.zeros((2**depth, 4), np.uint8)
        table[: len(colours)] = colours[: 2**depth]
        what, data = f"{depth} bits", packed(index, depth)
        yield cell("palette", what, unit(PALETTE[index]), data, depth, palette=table.tobytes())
    bgr = RGB[..., ::-1]
    yield cell("RGB", "24 bits", unit(RGB), bgr.tobytes(), 24)
    yield cell("RGB", "24 bits, from the top down", unit(RGB), bgr.tobytes(), 24, top_down=True)
    red, green, blue = ((RGB[..., number] >> 3).astype("<u2") for number in range(3))
    six = (RGB[..., 1] >> 2).astype("<u2")
    yield cell("RGB", "16 bits, 555", (RGB >> 3) / 31, (red << 10 | green << 5 | blue).tobytes(), 16)
    shown = np.stack([red / 31, six / 63, blue / 31], -1)
    masks: tuple[int, ...] = (0xF800, 0x7E0, 0x1F)
    yield cell("RGB", "16 bits, 565", shown, (red << 11 | six << 5 | blue).tobytes(), 16, masks=masks)
    yield cell("RGB", "32 bits", unit(RGB), np.dstack([bgr, 0 * ALPHA]).tobytes(), 32)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield cell("alpha", "32 bits", SHOWN, np.dstack([bgr, ALPHA]).tobytes(), 32, WHITE, masks=masks)

    calibrated, note = bytes(40) + struct.pack("<3I", *3 * [1 << 16]), "of its own space"
    for what, space, expected, said in (
        ("sRGB", b"BGRs", unit(RGB), ""),
        ("that of Windows", b" niW", unit(RGB), ""),
        ("calibrated, without numbers", bytes(52), unit(RGB), ""),
        ("calibrated, of gamma 1", calibrated, None, note),
        ("an embedded profile", b"DEBM" + bytes(64), None, note),
    ):
        yield cell("colour space", what, expected, bgr.tobytes(), 24, said, space=space)


def _of_pnm() -> Iterator[Cell]:
    """PBM, PGM, PPM and PFM by their specifications."""
    bits = (GREY > 127).astype(np.uint8)
    for code in ("P4", "P1"):
        yield Cell("PBM, PGM, PPM", "grey", code, ".pbm", partial(pnm, 1 - bits, 1, code), unit(255 * bits))
    for most in (1, 100, 255, 1023, 65535):
        for column, data, codes in (("grey", GREY, ("P5", "P2")), ("RGB", RGB, ("P6", "P3"))):
            levels = (data.astype(np.int64) * most + 127) // 255
            expected = levels / most if column == "RGB" else (levels / most)[..., None].repeat(3, 2)
            for code in codes:
                make = partial(pnm, levels, most, code)
                yield Cell("PBM, PGM, PPM", column, f"{code}, up to {most}", ".ppm", make, expected)
    for what, order in (("little-endian", "<"), ("big-endian", ">")):
        yield Cell("PFM", "grey", what, ".pfm", partial(pfm, GREY / 255, order), unit(GREY))
    yield Cell("PFM", "RGB", "", ".pfm", partial(pfm, RGB / 255, "<"), None, "PFM in colours")
