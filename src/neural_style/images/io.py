"""Files, PIL pictures and arrays to image tensors, and back: the only module that touches pictures on disk.

An image tensor is float32, RGB as sRGB encodes it, in [0, 1], of shape (1, 3, H, W). Sizes are (height, width).
Pictures are converted in bands of rows: beside the tensor, 12 bytes a pixel, and a picture of Pillow's, at most
4, nothing takes as much.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError, features
from torch import Tensor

from neural_style._checks import choice, file_to_write, image_values, message, warn, whole_number

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | Tensor
Levels: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
Rows: TypeAlias = Callable[[slice], Image.Image]  # some rows of a picture, as one of their own

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
SUFFIXES = tuple(_FORMATS)
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # the encoders' limits; JPEG's format would allow 65535
_LOSSY = {"JPEG", "WEBP"}

_CONVERTED_FIRST = {"P": "RGBA", "PA": "RGBA", "La": "LA"}  # palettes, and alpha that Pillow hardly knows
_COLOUR_MODES = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}  # what a profile speaks of; RGB for the rest
_DECODER_ERRORS = (  # what Pillow raises on a file that is not what it says
    *(OSError, SyntaxError, EOFError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError),
    *(struct.error, zlib.error),
)
_BAND = 2**22  # values converted at once
_ORIENTATION = 0x0112  # EXIF's tag
# How what is stored lies in the upright picture: whether transposed, then the steps from row to row and from
# column to column.
_STORED = {2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1), 5: (True, 1, 1),
           6: (True, -1, 1), 7: (True, -1, -1), 8: (True, 1, -1)}  # fmt: skip
_UPRIGHT = (False, 1, 1)
_filters_lock = threading.Lock()


def to_image_tensor(source: ImageSource, argument: str = "image") -> Tensor:
    """Return any accepted picture as an image tensor of its own: the source is neither altered nor shared.

    A file or PIL picture is turned upright by its EXIF orientation, converted to sRGB from its colour profile
    and flattened onto white where it is transparent; of a file's several frames the first is taken. Grey of 16
    bits keeps its depth. A `UserWarning` tells of the flattening, and of EXIF data or profiles of no use.

    Args:
        source: a path; a PIL picture of any mode; a uint8 array (H, W, 3), (H, W, 4) with alpha or (H, W) grey;
            or a float tensor (3, H, W) or (1, 3, H, W). Floats, those of PIL's mode F too, lie in [0, 1].
        argument: what messages call the source.

    Returns:
        Tensor of shape (1, 3, H, W), float32, in [0, 1], contiguous, without history, on the source tensor's
        device, else on the CPU.

    Raises:
        FileNotFoundError, IsADirectoryError: if there is no such file, or it is a folder.
        TypeError: if the source, or the type of its numbers, is of another kind.
        ValueError: if a file is no picture, damaged or beyond Pillow's limit of pixels; if a shape or a value
            is invalid.

    >>> to_image_tensor(np.full((2, 4, 3), 255, dtype=np.uint8)).shape
    torch.Size([1, 3, 2, 4])
    """
    with torch.inference_mode(False), torch.no_grad():  # a tensor made in inference mode has no gradients ever
        if isinstance(source, Tensor):
            return _from_tensor(source, argument)
        if isinstance(source, np.ndarray):
            return _from_array(source, argument)
        if isinstance(source, Image.Image):
            return _from_pil(source, argument, "a PIL image")
        return _from_file(_as_path(source, argument, "be a path, a PIL image, an array or a tensor"), argument)


def load_image(path: str | os.PathLike[str]) -> Tensor:
    """Return a picture file as a tensor of shape (3, H, W), float32, RGB, in [0, 1], on the CPU.

    Args:
        path: a file of any format that Pillow reads, treated and refused as by `to_image_tensor`.
    """
    return to_image_tensor(_as_path(path), "path")[0]


def save_image(image: Tensor, path: str | os.PathLike[str], *, quality: int = 95) -> None:
    """Write an image, rounded to the nearest of 256 levels, in the format that the path's suffix names.

    The file is there whole or not at all: what was at the path stays until the new one is complete.

    Args:
        image: shape (3, H, W) or (1, 3, H, W), floats in [0, 1].
        path: ends in ``.png``, ``.tif``, ``.tiff`` (these are exact), ``.jpg``, ``.jpeg`` or ``.webp``.
        quality: of JPEG and WebP, 1 … 100; larger is closer to the image. WebP always halves the resolution of
            colour, JPEG here never does.

    Raises:
        OSError, TypeError, ValueError: see `check_writable` and `to_pil`, or if `quality` is invalid.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_image(torch.ones(3, 2, 4), Path(folder, "white.png"))
    ...     load_image(Path(folder, "white.png")).shape
    torch.Size([3, 2, 4])
    """
    whole_number("quality", quality, minimum=1, maximum=100)
    picture = to_pil(image)
    target = check_writable(path, size=(picture.height, picture.width))
    file_format = _FORMATS[target.suffix.lower()]
    options = {"quality": quality, "subsampling": 0} if file_format in _LOSSY else {}
    target = target.resolve()  # a link stays a link; what it points to is written
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:  # a file of tempfile's could be read by its owner alone
            picture.save(file, file_format, **options)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(
    path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, argument: str = "path"
) -> Path:
    """Return the path if `save_image` can write a picture there: to be asked before a long run, not after.

    Args:
        path: see `save_image`.
        size: (height, width) of the picture to come; None leaves the format's own limit unchecked.
        argument: what messages call the path.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: if the path's folder does not exist, the path is
            a folder, or no file can be made in its folder.
        TypeError: if the path is of another type.
        ValueError: if the suffix names no format that can be written, or none for so large a picture.
    """
    target = _as_path(path, argument)
    got = repr(str(target))
    file_format = _FORMATS[choice(f"the suffix of {argument}", target.suffix.lower(), _FORMATS)]
    if file_format == "WEBP" and not features.check("webp"):
        rule, advice = "name a format that this Pillow writes", "Write PNG, or install Pillow with WebP."
        raise ValueError(message(argument, rule, got, advice))
    longest = _LONGEST_SIDE.get(file_format)
    if size is not None and longest is not None and max(size) > longest:
        rule = f"name a format for the picture's size, and {file_format} ends at {longest} pixels a side"
        raise ValueError(message(argument, rule, f"{size[0]}×{size[1]} for {got}", "Write PNG or TIFF."))
    return file_to_write(argument, target)


def to_pil(image: Tensor) -> Image.Image:
    """Return an image, (3, H, W) or (1, 3, H, W) in [0, 1], in PIL's mode RGB, to the nearest of 256 levels.

    Raises:
        TypeError, ValueError: if the image is no such tensor.

    >>> to_pil(torch.full((3, 1, 1), 0.5)).getpixel((0, 0))
    (128, 128, 128)
    """
    with torch.no_grad():
        planes = _planes(image, "image")  # (3, H, W)
        height, width = planes.shape[-2:]
        bands = _bands(height, width)
        # What is made anew for each band would leave holes between what is small and stays.
        work = torch.empty(3 * bands[0].stop * width, dtype=torch.float32, device=planes.device)
        levels = torch.empty(bands[0].stop, width, 3, dtype=torch.uint8, device="cpu")
        extremes = torch.empty(len(bands), 2, dtype=torch.float32, device=planes.device)
        for number, band in enumerate(bands):
            torch.stack(_copied(planes[:, band], work).aminmax(), out=extremes[number])
        image_values("image", extremes)
        picture = Image.new("RGB", (width, height))
        for band in bands:
            rows = levels[: band.stop - band.start]
            rows.movedim(-1, 0).copy_(_copied(planes[:, band], work).mul_(255).round_())
            picture.paste(Image.fromarray(rows.numpy()), (0, band.start))
    return picture


def _as_path(path: object, argument: str = "path", rule: str = "be a path") -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(message(argument, rule, type(path).__name__, "Give a str or a pathlib.Path."))
    return Path(path)


def _from_tensor(source: object, argument: str) -> Tensor:
    """Return a float tensor's checked float32 copy, shape (1, 3, H, W)."""
    image = _planes(source, argument).unsqueeze(0)
    image = image.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    image_values(argument, image)
    return image


def _planes(source: object, argument: str) -> Tensor:
    """Return a float tensor of a picture's form, its values not yet looked at, as a view of shape (3, H, W)."""
    if not isinstance(source, Tensor):
        raise TypeError(message(argument, "be a tensor", type(source).__name__, "Try to_image_tensor first."))
    if not source.is_floating_point():
        advice = "Convert an 8-bit one with .float() / 255."
        raise TypeError(message(argument, "be a tensor of floats", source.dtype, advice))
    shape = tuple(source.shape)
    if shape[:-2] not in {(3,), (1, 3)}:
        advice = "Give one RGB picture."
        if shape[-3:-2] == (1,):
            sizes = "-1, " * (len(shape) - 3) + "3, -1, -1"
            advice = f"Repeat a grey one over three channels with .expand({sizes})."
        elif shape[-1:] == (3,):
            advice = "Move the channels forward with .movedim(-1, -3)."
        raise ValueError(message(argument, "have shape (3, H, W) or (1, 3, H, W)", shape, advice))
    _check_sides(argument, *shape[-2:])
    return source[0] if len(shape) == 4 else source


def _copied(values: Tensor, work: Tensor) -> Tensor:
    """Return a copy in memory at hand, in its dtype, contiguous."""
    return work[: values.numel()].view(values.shape).copy_(values)


def _from_array(array: NDArray[np.uint8], argument: str) -> Tensor:
    """Return an array of 8-bit levels as a tensor of shape (1, 3, H, W)."""
    if array.dtype != np.uint8:
        advice = "Make values in [0, 1] a float tensor (3, H, W), or scale them to 8 bits."
        raise TypeError(message(argument, "be an array of uint8", array.dtype, advice))
    if array.ndim != 2 and array.shape[2:] not in {(3,), (4,)}:
        rule = "have shape (H, W, 3), (H, W, 4) or (H, W)"
        raise ValueError(message(argument, rule, array.shape, "Put the channels last."))
    height, width = array.shape[:2]
    _check_sides(argument, height, width)
    return _read(lambda band: Image.fromarray(array[band]), (height, width), argument, "an array")


def _from_file(path: Path, argument: str) -> Tensor:
    name = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message(argument, "be a file", f"{name}, a folder", "Name a picture in it."))
    if not path.exists():
        raise FileNotFoundError(message(argument, "be a file that exists", name, "Check the path."))
    with path.open("rb") as file:
        # Pillow warns of large files, and prints are large. Its limit, twice that, stays as the caller set it.
        with _decoding(argument, name), _filters_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(file)
        return _from_pil(picture, argument, name)


@contextmanager
def _decoding(argument: str, name: str) -> Iterator[None]:
    """Turn what Pillow raises on a file that it cannot read into errors that say what to do."""
    try:
        yield
    except Image.DecompressionBombError as error:
        rule, got = "have at most twice PIL.Image.MAX_IMAGE_PIXELS", f"{name}, which has more"
        raise ValueError(message(argument, rule, got, "Shrink it, or raise that if you trust it.")) from error
    except UnidentifiedImageError as error:
        rule, advice = "be a picture that Pillow reads", "Check the file, or convert it to PNG or JPEG."
        raise ValueError(message(argument, rule, name, advice)) from error
    except _DECODER_ERRORS as error:
        rule, got = "be a whole picture", f"{name}, which is damaged or cut short"
        raise ValueError(message(argument, rule, got, "Get it from its source again.")) from error


def _from_pil(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return the current frame of a PIL picture, shape (1, 3, H, W)."""
    _check_sides(argument, picture.height, picture.width)
    with _decoding(argument, name):
        picture.load()
    stored = _UPRIGHT
    try:
        stored = _STORED.get(picture.getexif().get(_ORIENTATION, 1), _UPRIGHT)
    except _DECODER_ERRORS:
        warn(f"{argument} has EXIF data that cannot be read; it was not turned: {name}.")

    def rows(band: slice) -> Image.Image:
        return picture.crop((0, band.start, picture.width, band.stop))

    return _read(rows, (picture.height, picture.width), argument, name, stored)


def _read(
    rows: Rows,
    size: tuple[int, int],
    argument: str,
    name: str,
    stored: tuple[bool, int, int] = _UPRIGHT,
) -> Tensor:
    """Return a picture, (height, width) as it is stored, as an upright tensor of shape (1, 3, H, W)."""
    bands = _bands(*size)
    first = _plain(rows(slice(0, 1)))
    if first.mode.startswith(("I", "F")):
        if first.info.get("icc_profile"):
            _notice_unused_profile(argument, name)
        _check_grey(argument, first.mode, rows, bands)
        read, white = _deep_grey, 1 if first.mode == "F" else 65535
    else:
        read, white = partial(_colour, in_srgb=_conversion(first, argument, name)), 255
    transposed, down, across = stored
    sides = size[::-1] if transposed else size
    image = torch.empty(1, 3, *sides, dtype=torch.float32, device="cpu")
    target = (image[0].mT if transposed else image[0]).numpy()[:, ::down, ::across]  # (3, *size), a view
    transparent = False
    for band in bands:
        levels, alpha = read(_plain(rows(band)))
        if alpha is None or alpha.min() == 255:
            np.divide(levels, white, out=target[:, band], dtype=np.float32)
        else:
            transparent = True
            colour = torch.from_numpy(np.divide(levels, white, dtype=np.float32))
            opacity = torch.from_numpy(np.divide(alpha, 255, dtype=np.float32))
            target[:, band] = torch.lerp(torch.ones_like(colour), colour, opacity).numpy()
    if transparent:
        warn(f"{argument} has transparent parts; they were flattened onto white: {name}.")
    return image


def _bands(height: int, width: int) -> list[slice]:
    """Return the rows of a picture in bands of at most `_BAND` values, or of one row."""
    rows = max(1, _BAND // (3 * width))
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _plain(band: Image.Image) -> Image.Image:
    """Return some rows in a mode of plain channels."""
    if band.mode == "1" and band.info.get("transparency") == 1:  # as Pillow before 12 reads it
        band.info["transparency"] = 255
    return band.convert(_CONVERTED_FIRST[band.mode]) if band.mode in _CONVERTED_FIRST else band


def _conversion(picture: Image.Image, argument: str, name: str) -> Callable[[Image.Image], Image.Image]:
    """Return what converts pictures like one, with channels of 8 bits, to sRGB in mode RGB, without alpha."""
    mode = _COLOUR_MODES.get(picture.mode, "RGB")
    if profile_bytes := picture.info.get("icc_profile"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
            space = "RGB" if mode == "L" and profile.profile.xcolor_space.strip() == "RGB" else mode
            transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), space, "RGB")
            return lambda band: transform.apply(band.convert(mode).convert(space))
        except (ImageCms.PyCMSError, ImportError, *_DECODER_ERRORS):  # ImportError: a Pillow without ImageCms
            _notice_unused_profile(argument, name)
    return lambda band: band.convert(mode).convert("RGB")


def _colour(band: Image.Image, in_srgb: Callable[[Image.Image], Image.Image]) -> tuple[Levels, Levels | None]:
    """Return the colours, (3, rows, W), and the alpha, (1, rows, W), of some rows with channels of 8 bits."""
    alpha = np.array(band.convert("RGBA").getchannel("A"))[np.newaxis] if band.has_transparency_data else None
    return np.moveaxis(np.array(in_srgb(band)), -1, 0), alpha


def _deep_grey(band: Image.Image) -> tuple[Levels, Levels | None]:
    """Return the grey and the alpha of some rows of floats or of 16-bit whole numbers, each (1, rows, W)."""
    levels = np.array(band, dtype=np.float32)[np.newaxis]
    transparent = None if band.mode == "F" else band.info.get("transparency")
    return levels, None if transparent is None else np.where(levels == transparent, np.uint8(0), np.uint8(255))


def _check_grey(argument: str, mode: str, rows: Rows, bands: list[slice]) -> None:
    """Check the values of a grey picture of floats, in [0, 1], or of whole numbers, of 16 bits."""
    extremes = torch.empty(len(bands), 2, dtype=torch.float32, device="cpu")
    for number, band in enumerate(bands):
        levels, _alpha = _deep_grey(rows(band))
        torch.stack(torch.from_numpy(levels).aminmax(), out=extremes[number])
    if mode == "F":
        image_values(argument, extremes)
        return
    low, high = (int(level.item()) for level in extremes.aminmax())
    if low < 0 or high > 65535:
        advice = "Scale them to 16 bits first."
        raise ValueError(message(argument, "have grey levels in 0 … 65535", f"{low} … {high}", advice))


def _check_sides(argument: str, height: int, width: int) -> None:
    if min(height, width) < 1:
        raise ValueError(message(argument, "have pixels", f"{height}×{width}", "Give a picture with some."))


def _notice_unused_profile(argument: str, name: str) -> None:
    warn(f"{argument} has a colour profile that cannot be used; it was read as sRGB: {name}.")
