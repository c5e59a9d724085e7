"""Pictures in TIFF, written by tifffile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import tifffile
from PIL import features

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
    blocks,
    deep,
    encoded,
    flattened,
    from_ycc,
    grey_profile,
    inked,
    pillows,
    unit,
)
from picture_writers import tiff

NOT_PILLOWS = ("planes", "white is 0", "grey and alpha")  # of 16 bits
WHITE_IS_0 = "grey of floats, white is 0"
DEFLATED = {"<": "grey of floats, little-endian, deflated", ">": "grey of floats, big-endian, deflated"}
BY_TIFFFILE = ("grey of 64-bit floats", WHITE_IS_0, DEFLATED[">"])


def of_tiff() -> Iterator[Cell]:
    """TIFF by tifffile; by Pillow where that would need a codec that is not installed."""

    def cell(what: str, expected: Floats | None, data: Any, note: str = "", **options: Any) -> Cell:
        def make() -> bytes:
            file = io.BytesIO()
            tifffile.imwrite(file, data, **{"metadata": None, **options})
            return file.getvalue()

        of_16_bits = "of 16 bits" in what and any(part in what for part in NOT_PILLOWS)
        needs = expected is not None and (of_16_bits or what in BY_TIFFFILE)
        return Cell("TIFF", what, ".tif", make, expected, note, by_tifffile=needs)

    grey, rgb, rgba = unit(GREY), unit(RGB), np.dstack([RGB, ALPHA])
    shown = flattened(unit(RGB), ALPHA)
    for order, name in (("<", "little-endian"), (">", "big-endian")):
        for depth, of in ((8, np.asarray), (16, deep)):
            kind = f"of {depth} bits, {name}"
            yield cell(f"grey {kind}", grey, of(GREY), photometric="minisblack", byteorder=order)
            yield cell(
                f"grey {kind}, white is 0", 1 - grey, of(GREY), photometric="miniswhite", byteorder=order
            )
            yield cell(f"RGB {kind}", rgb, of(RGB), photometric="rgb", byteorder=order)
            for compression in (None, "zlib"):
                with_ = ", deflated" if compression else ""
                planes = np.moveaxis(of(RGB), -1, 0)
                options: dict[str, Any] = {"photometric": "rgb", "byteorder": order, "compression": compression}
                yield cell(f"RGB {kind}, planes{with_}", rgb, planes, planarconfig="separate", **options)
                yield cell(f"RGB {kind}, tiles{with_}", rgb, of(RGB), tile=(16, 16), **options)
            options = {"photometric": "rgb", "byteorder": order}
            alpha = np.dstack([of(RGB), of(ALPHA)])
            yield cell(f"RGBA {kind}", shown, alpha, WHITE, extrasamples=["unassalpha"], **options)
            share = alpha[..., 3:] / np.iinfo(alpha.dtype).max
            multiplied = np.dstack([(alpha[..., :3] * share).round().astype(alpha.dtype), alpha[..., 3]])
            what = f"RGBA {kind}, colours multiplied by alpha"
            yield cell(what, shown, multiplied, WHITE, extrasamples=["assocalpha"], **options)
            what = f"RGBA {kind}, planes"
            planes = np.moveaxis(alpha, -1, 0)
            yield cell(
                what, shown, planes, WHITE, planarconfig="separate", extrasamples=["unassalpha"], **options
            )
            la = np.dstack([of(GREY), of(ALPHA)])
            options = {"photometric": "minisblack", "planarconfig": "contig", "byteorder": order}
            onto = flattened(grey, ALPHA)
            yield cell(f"grey and alpha {kind}", onto, la, WHITE, extrasamples=["unassalpha"], **options)
            options = {"photometric": "separated", "byteorder": order}
            inks = of(INKS)
            yield cell(f"CMYK {kind}", inked(INKS), inks, **options)
            yield cell(
                f"CMYK {kind}, planes",
                inked(INKS),
                np.moveaxis(inks, -1, 0),
                planarconfig="separate",
                **options,
            )
        floats = GREY.astype(np.float32) / 255
        yield cell(f"grey of floats in [0, 1], {name}", grey, floats, photometric="minisblack", byteorder=order)
        yield cell(
            f"grey of floats beyond 1, {name}",
            None,
            255 * floats,
            "lie in [0, 1]",
            photometric="minisblack",
            byteorder=order,
        )
        floats = RGB.astype(np.float32) / 255
        yield cell(f"RGB of floats, {name}", None, floats, "float32", photometric="rgb", byteorder=order)
    yield cell(WHITE_IS_0, 1 - grey, GREY.astype(np.float32) / 255, photometric="miniswhite")
    yield cell(
        "grey of 16 bits with a sign", None, GREY.astype(np.int16), "with a sign", photometric="minisblack"
    )
    yield cell(
        "grey of 32 bits",
        None,
        GREY.astype(np.uint32) * 2**8,
        "whole numbers of 32 bits",
        photometric="minisblack",
    )
    floats = GREY.astype(np.float32) / 255
    for order in "<>":
        options = {"photometric": "minisblack", "byteorder": order, "compression": "zlib"}
        yield cell(DEFLATED[order], grey, floats, **options)
    levels = GREY.astype(np.uint16) * 16
    pairs = np.stack([levels[:, ::2] >> 4, levels[:, ::2] << 4 | levels[:, 1::2] >> 8, levels[:, 1::2]], -1)
    bits = pairs.astype(np.uint8).tobytes()
    twelve: dict[int, tuple[int, ...]] = {258: (12,), 262: (1,), 277: (1,)}
    yield Cell("TIFF", "grey of 12 bits", ".tif", lambda: tiff(bits, GREY.shape, twelve), None, "of 12 bits")
    halved = [YCC[row::2, column::2, :1] for row in (0, 1) for column in (0, 1)]
    units = np.concatenate([*halved, YCC[::2, ::2, 1:]], -1).tobytes()
    four: dict[int, tuple[int, ...]] = {258: (8, 8, 8), 262: (6,), 277: (3,), 530: (2, 2)}
    what, note = "YCbCr of 8 bits, 4:2:0, not compressed", "colours of less resolution"
    yield Cell("TIFF", what, ".tif", lambda: tiff(units, GREY.shape, four), None, note)
    yield cell("grey of 64-bit floats", grey, GREY / 255, photometric="minisblack")
    table = np.zeros((3, 256), np.uint16)
    table[:, :4] = PALETTE.T.astype(np.uint16) * 256
    palette = unit(PALETTE[INDEX])
    yield cell("palette of 8 bits", palette, INDEX.astype(np.uint8), photometric="palette", colormap=table)
    if int(str(features.version("pil")).split(".")[0]) >= 13:  # earlier ones call it damaged
        yield cell("YCbCr of 8 bits", from_ycc(YCC), YCC, photometric="ycbcr")
    lab = blocks([[(255, 0, 0), (128, 0, 0), (0, 0, 0)], [(137, 80, 67), (137, 206, 60), (80, 30, 190)]])
    yield cell("CIELAB of 8 bits", None, lab, "CIELAB", photometric="cielab")
    yield cell(
        "RGB and a fourth channel that means nothing",
        rgb,
        rgba,
        photometric="rgb",
        extrasamples=["unspecified"],
    )
    yield cell("several pages", rgb, np.stack([RGB, 255 - RGB]), photometric="rgb")
    yield cell(
        "a raw photograph (DNG)",
        None,
        RGB,
        "raw photograph",
        photometric="rgb",
        extratags=[(50706, 1, 4, b"\1\4\0\0", True)],
    )
    yield cell("a preview before the photograph", None, RGB, "raw photograph", photometric="rgb", subfiletype=1)
    icc: dict[str, Any] = {"photometric": "minisblack", "iccprofile": grey_profile(0x0100)}
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
