"""Writers of picture files by their formats' specifications, none of which knows the library that reads them.

All take pixels (H, W) or (H, W, C) and return the bytes of a file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[Any]

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
ZIGZAG_ENTRIES, BLOCK = 64, 8
# The lengths and symbols of a code for differences of DC levels, of ITU T.81, table K.3, up to category 11.
DC_COUNTS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
DC_CODES = ["00", *(f"{n:03b}" for n in range(2, 7)), *("1" * n + "0" for n in range(3, 9))]


def packed(levels: Levels, depth: int) -> bytes:
    """Levels (H, W) or (H, W, C) as rows of whole bytes, the first pixel in the highest bits, big-endian."""
    rows = levels.reshape(len(levels), -1)
    if depth >= 8:
        return rows.astype(f">u{depth // 8}").tobytes()
    bits = (rows[..., None] >> np.arange(depth)[::-1]) & 1
    return np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def png(levels: Levels, depth: int, kind: int, *chunks: tuple[bytes, bytes], interlaced: bool = False) -> bytes:
    """A PNG of a colour type, with chunks between header and pixels."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    height, width = levels.shape[:2]
    passes = [levels[y::down, x::across] for x, y, across, down in ADAM7] if interlaced else [levels]
    rows = b"".join(b"\0" + packed(row[None], depth) for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(tag, data) for tag, data in parts)


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def adobe(transform: int) -> bytes:
    """The segment that says how a JPEG's components are coded: 0 as they are, 1 YCbCr, 2 YCCK."""
    return segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform))


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """The segment of EXIF data: entries (tag, type, count, value of up to 4 bytes) of IFD 0.

    Entries of a tag above 0xA000 go into the EXIF IFD, those of a tag below 0x0003 into its IFD of
    interoperability.
    """

    def table(rows: Sequence[tuple[int, int, int, bytes]]) -> bytes:
        body = b"".join(struct.pack("<HHI4s", *row) for row in sorted(rows))
        return struct.pack("<H", len(rows)) + body + bytes(4)

    main = [entry for entry in entries if 0x0003 <= entry[0] < 0xA000]
    inner = [entry for entry in entries if entry[0] >= 0xA000]
    interop = [entry for entry in entries if entry[0] < 0x0003]
    if not inner:
        return segment(0xE1, b"Exif\0\0II*\0" + struct.pack("<I", 8) + table(main))
    at = 8 + 6 + 12 * (len(main) + 1)
    main.append((0x8769, 4, 1, struct.pack("<I", at)))
    at += 6 + 12 * (len(inner) + 1)
    inner.append((0xA005, 4, 1, struct.pack("<I", at)))
    return segment(0xE1, b"Exif\0\0II*\0" + struct.pack("<I", 8) + table(main) + table(inner) + table(interop))


def jpeg(components: Levels, *segments: bytes, progressive: bool = False) -> bytes:
    """A JPEG of components (H, W, C), each of blocks of 8×8 of one level, which it holds exactly."""
    height, width, count = components.shape
    specification = b"".join(bytes([number, 0x11, 0]) for number in range(1, count + 1))
    frame = struct.pack(">BHHB", 8, height, width, count) + specification
    bits, before, blocks = list[str](), [0] * count, height // BLOCK * (width // BLOCK)
    for row in range(0, height, BLOCK):
        for column in range(0, width, BLOCK):
            for number in range(count):
                level = 8 * (int(components[row, column, number]) - 128)
                difference, before[number] = level - before[number], level
                size = abs(difference).bit_length()
                shown = difference if difference > 0 else difference + (1 << size) - 1
                bits.append(DC_CODES[size] + (f"{shown:0{size}b}" if size else ""))
                bits.append("" if progressive else "0")  # the end of the block
    tables = segment(0xDB, b"\0" + b"\1" * ZIGZAG_ENTRIES)
    tables += segment(0xC4, b"\x00" + DC_COUNTS + bytes(range(12)))
    tables += segment(0xC4, b"\x10" + bytes([1] + 15 * [0]) + b"\0")  # one symbol: the end of the block

    def scan(numbers: Sequence[int], spectrum: tuple[int, int], text: str) -> bytes:
        text += "1" * (-len(text) % 8)
        data = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")
        selectors = b"".join(bytes([number, 0]) for number in numbers)
        return segment(0xDA, bytes([len(numbers)]) + selectors + bytes([*spectrum, 0])) + data

    numbers = range(1, count + 1)
    scans = scan(numbers, (0, 0 if progressive else 63), "".join(bits))
    if progressive:  # without scans of the rest a decoder guesses it, to smooth the blocks
        scans += b"".join(scan([number], (1, 63), "0" * blocks) for number in numbers)
    kind = segment(0xC2 if progressive else 0xC0, frame)
    return b"\xff\xd8" + b"".join(segments) + tables + kind + scans + b"\xff\xd9"


def gif(frames: Sequence[Levels], palette: Levels, transparent: int | None = None) -> bytes:
    """A GIF of indices into a palette of up to 128 colours, in codes that never grow longer than 8 bits."""
    height, width = frames[0].shape
    colours = np.zeros((128, 3), np.uint8)
    colours[: len(palette)] = palette
    file = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF6, 0, 0) + colours.tobytes()
    for frame in frames:
        control = struct.pack("<BHB", transparent is not None, 10, transparent or 0)
        file += b"\x21\xf9\x04" + control + b"\0"
        file += b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x07"
        codes = bytes(code for index in frame.ravel() for code in (128, index)) + b"\x81"  # clear, index
        for at in range(0, len(codes), 255):
            part = codes[at : at + 255]
            file += bytes([len(part)]) + part
        file += b"\0"
    return file + b"\x3b"


def bmp(
    pixels: bytes,
    size: tuple[int, int],
    bits: int,
    *,
    palette: bytes = b"",
    masks: Sequence[int] = (),
    space: bytes = b"",
    top_down: bool = False,
) -> bytes:
    """A BMP of rows that are whole multiples of 4 bytes, from the bottom up, or from the top down.

    With masks, or a space (name, endpoints and gamma), its header is of version 4; with 16 bytes more of 5.
    """
    height, width = size
    header = struct.pack(
        "<iiHHIIiiII", width, -height if top_down else height, 1, bits, 3 if masks else 0, 0, 0, 0, 0, 0
    )
    if masks or space:
        header += struct.pack("<4I", *masks, *[0] * (4 - len(masks))) + (space or b"BGRs").ljust(52, b"\0")
    header = struct.pack("<I", len(header) + 4) + header
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + palette + pixels


def pnm(levels: Levels, most: int, kind: str) -> bytes:
    """A PBM, PGM or PPM, binary (P4, P5, P6) or in text (P1, P2, P3)."""
    height, width = levels.shape[:2]
    head = f"{kind}\n{width} {height}\n".encode()
    if kind not in ("P1", "P4"):
        head += f"{most}\n".encode()
    if kind in ("P1", "P2", "P3"):
        return head + " ".join(map(str, levels.ravel())).encode() + b"\n"
    if kind == "P4":
        return head + packed(levels, 1)
    return head + levels.astype(">u2" if most > 255 else "u1").tobytes()


def pfm(values: Any, order: str) -> bytes:
    """A PFM of floats, from the bottom up, in a byte order, which its scale's sign says."""
    height, width = values.shape[:2]
    head = f"{'Pf' if values.ndim == 2 else 'PF'}\n{width} {height}\n{'-1.0' if order == '<' else '1.0'}\n"
    rows: Levels = values[::-1].astype(f"{order}f4")
    return head.encode() + rows.tobytes()


def tiff(pixels: bytes, size: tuple[int, int], tags: dict[int, tuple[int, ...]]) -> bytes:
    """An uncompressed little-endian TIFF of one strip, of (height, width); tags of numbers of 16 bits."""
    tags = {256: (size[1],), 257: (size[0],), 259: (1,), 278: (size[0],), **tags}
    start = 8 + 2 + 12 * (len(tags) + 2) + 4  # of what does not fit into the directory
    entries, beyond = dict[int, bytes](), b""  # by their tags, in whose order they are written
    for tag, values in tags.items():
        data = struct.pack(f"<{len(values)}H", *values)
        if len(data) > 4:
            beyond, data = beyond + data, struct.pack("<I", start + len(beyond))
        entries[tag] = struct.pack("<HHI", tag, 3, len(values)) + data.ljust(4, b"\0")
    for tag, value in ((273, start + len(beyond)), (279, len(pixels))):
        entries[tag] = struct.pack("<HHII", tag, 4, 1, value)
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + beyond + pixels


def rows_of(pixels: bytes, height: int, *, bottom_up: bool = True) -> bytes:
    """Rows padded to multiples of 4 bytes, in a BMP's order."""
    length = len(pixels) // height

    def rows() -> Iterator[bytes]:
        for number in reversed(range(height)) if bottom_up else range(height):
            row = pixels[number * length : (number + 1) * length]
            yield row + bytes(-length % 4)

    return b"".join(rows())
