"""Files, PIL pictures and arrays to image tensors, and back.

An image tensor is float32, RGB as sRGB encodes it, in [0, 1], of shape (1, 3, H, W). Sizes are (height, width).
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, features
from torch import Tensor

from neural_style._checks import (
    choice,
    file_to_write,
    image_values,
    message,
    path_advice,
    path_like,
    whole_number,
)
from neural_style.images.decoding import Enough, from_file, from_pil
from neural_style.images.resizing import reduced, resize, size_of

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | Tensor

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # the encoders' limits; JPEG's format would allow 65535
_LOSSY = {"JPEG", "WEBP"}


def to_image_tensor(source: ImageSource, argument: str = "image", enough: Enough | None = None) -> Tensor:
    """Return a picture of any accepted type as a new image tensor. The source is not changed.

    A file or PIL picture is turned upright by its EXIF orientation, converted to sRGB from its colour profile
    or from Adobe RGB that its EXIF data name, and flattened onto white where it is transparent. Of a file with
    several frames the first is taken. Grey of 16 bits keeps its depth. A `UserWarning` is given where a picture
    is flattened, or where its EXIF data or its profile cannot be used. What Pillow would read wrongly is
    refused, and so are formats that no test tries; the documentation has a table of what is read.

    Args:
        source: a path; a PIL picture of any mode; a uint8 array (H, W, 3), (H, W, 4) with alpha or (H, W) grey;
            or a float tensor (3, H, W) or (1, 3, H, W). Floats, those of PIL's mode F too, lie in [0, 1].
        argument: what messages call the source.
        enough: gives the (height, width) that suffices, for the picture's own: one of more than four times that
            is reduced to four times that while it is read, which takes less memory. None keeps its own size.

    Returns:
        Tensor of shape (1, 3, H, W), float32, in [0, 1], contiguous, detached; on the device of a source
        tensor, else on the CPU.

    Raises:
        FileNotFoundError, IsADirectoryError: if there is no such file, or it is a folder.
        TypeError: if the source, or the dtype of its numbers, is of another type.
        ValueError: if a file is no picture, of a kind that would be read wrongly, damaged or beyond Pillow's
            limit of pixels; if it is transparent throughout; if a shape or a value is invalid.
        MemoryError: if there is not enough memory to read it.

    >>> to_image_tensor(np.full((2, 4, 3), 255, dtype=np.uint8)).shape
    torch.Size([1, 3, 2, 4])
    """
    return read(source, argument, enough)[0]


def read(source: ImageSource, argument: str, enough: Enough | None = None) -> tuple[Tensor, tuple[int, int]]:
    """Return a picture as `to_image_tensor` does, and the (height, width) of the source, turned upright."""
    with torch.inference_mode(False), torch.no_grad():  # a tensor made in inference mode has no gradients ever
        if isinstance(source, Tensor):
            image = _planes(source, argument).unsqueeze(0)
            image_values(argument, image)
            own = size_of(image)
            size = own if enough is None else reduced(own, enough(own))
            image = image.to(torch.float32, copy=size == own, memory_format=torch.contiguous_format)
            return resize(image, size), own
        if isinstance(source, np.ndarray):
            return _from_array(source, argument, enough)
        if isinstance(source, Image.Image):
            _check_open(source, argument)
            return from_pil(source, argument, "a PIL image", enough)
        path = path_like(argument, source, "be a path, a PIL image, an array or a tensor")
        return from_file(path, argument, enough)


def load_image(source: ImageSource) -> Tensor:
    """Return a picture as a new tensor of shape (3, H, W), float32, RGB, in [0, 1].

    Args:
        source: a file of a format in the documentation's table, or whatever else `StyleTransfer.run` takes; see
            `to_image_tensor` for what is done to it. The result is on the device of a tensor, else on the CPU.

    Raises:
        OSError, TypeError, ValueError: see `to_image_tensor`.
    """
    return to_image_tensor(source, "path" if isinstance(source, str | os.PathLike) else "image")[0]


def save_image(image: Tensor, path: str | os.PathLike[str], *, quality: int = 95) -> None:
    """Write an image, rounded to the nearest of 256 levels, in the format that the path's suffix names.

    An old file at the path is replaced only once the new one is complete.

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
    with atomic_write(target) as file:
        picture.save(file, file_format, **options)


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write to, which takes the place of the one at `path` at the end, unless there is an error.

    Until then it is a temporary file in the same folder. A link stays a link: the file that it points to is
    replaced. An old file's permissions are kept.
    """
    target = path.resolve()
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:  # tempfile's files can be read by their owner only
            if target.exists():
                shutil.copymode(target, temporary)
            yield file
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(
    path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, argument: str = "path"
) -> Path:
    """Return the path if `save_image` can write a picture there. Call it before a long run.

    Args:
        path: see `save_image`.
        size: (height, width) of the picture to be written; None skips the check of the format's limit.
        argument: what messages call the path.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: if the path's folder does not exist, the path is
            a folder, or no file can be made in its folder.
        TypeError: if the path is of another type.
        ValueError: if the suffix names no format that can be written, or one that ends below the size.
    """
    target = path_like(argument, path)
    got = repr(str(target))
    if got == "'-'":
        raise ValueError(message(argument, "name a file", got, path_advice(target)))
    file_to_write(argument, target)
    file_format = _FORMATS[choice(f"the suffix of {argument}", target.suffix.lower(), _FORMATS)]
    if file_format == "WEBP" and not features.check("webp"):
        rule, advice = "name a format that this Pillow writes", "Write PNG, or install Pillow with WebP."
        raise ValueError(message(argument, rule, got, advice))
    longest = _LONGEST_SIDE.get(file_format)
    if size is not None and longest is not None and max(size) > longest:
        rule = f"name a format for the picture's size, and {file_format} ends at {longest} pixels a side"
        raise ValueError(message(argument, rule, f"{size[0]}×{size[1]} for {got}", "Write PNG or TIFF."))
    return target


def to_pil(image: Tensor) -> Image.Image:
    """Return an image, (3, H, W) or (1, 3, H, W) in [0, 1], in PIL's mode RGB, to the nearest of 256 levels.

    Raises:
        TypeError, ValueError: if the image is no such tensor.

    >>> to_pil(torch.full((3, 1, 1), 0.5)).getpixel((0, 0))
    (128, 128, 128)
    """
    planes = _planes(image, "image").detach().float()  # (3, H, W)
    image_values("image", planes)
    levels = planes.mul(255).round_().byte().movedim(0, -1)  # (H, W, 3)
    return Image.fromarray(levels.contiguous().cpu().numpy())


def _check_open(picture: Image.Image, argument: str) -> None:
    """Check that a PIL picture is not closed, nor the file that its pixels have yet to be read from.

    Nothing is loaded: afterwards the file's depth and colours, and damage, are lost.
    """
    file = getattr(picture, "fp", None)
    closed = bool(getattr(picture, "tile", None)) and (file is None or getattr(file, "closed", False))
    try:
        _size = picture.im.size
    except ValueError:  # by Image.close()
        closed = True
    except (AssertionError, AttributeError):  # not loaded yet
        pass
    if closed:
        advice = "Use it before it is closed, inside the with block, or give its .copy() or its path."
        raise ValueError(message(argument, "be an open picture", "a closed PIL image", advice))


def _planes(source: object, argument: str) -> Tensor:
    """Return a float tensor of a picture's shape as a view of shape (3, H, W); its values are not checked."""
    if not isinstance(source, Tensor):
        raise TypeError(message(argument, "be a tensor", type(source).__name__, "load_image makes one."))
    if not source.is_floating_point():
        advice = "Convert an 8-bit one with .float() / 255."
        raise TypeError(message(argument, "be a tensor of floats", source.dtype, advice))
    shape = tuple(source.shape)
    if shape[:-2] not in {(3,), (1, 3)}:
        advice = "Give one RGB picture; .expand(3, -1, -1) repeats a grey one."
        if shape[-1:] == (3,):
            advice = "Move the channels forward with .movedim(-1, -3)."
        raise ValueError(message(argument, "have shape (3, H, W) or (1, 3, H, W)", shape, advice))
    return source[0] if len(shape) == 4 else source


def _from_array(
    array: NDArray[np.uint8], argument: str, enough: Enough | None
) -> tuple[Tensor, tuple[int, int]]:
    """Return an array of 8-bit levels as a tensor of shape (1, 3, H, W), and its size."""
    if array.dtype != np.uint8:
        advice = "Make values in [0, 1] a float tensor (3, H, W), or scale them to 8 bits."
        raise TypeError(message(argument, "be an array of uint8", array.dtype, advice))
    if array.ndim != 2 and array.shape[2:] not in {(3,), (4,)}:
        rule, advice = "have shape (H, W, 3), (H, W, 4) or (H, W)", "Put the channels last."
        if array.ndim == 4:
            advice = "Give one picture, array[0]."
        elif array.shape[2:] == (1,):
            advice = "Grey has no channels here: give array[:, :, 0]."
        raise ValueError(message(argument, rule, array.shape, advice))
    return from_pil(Image.fromarray(np.ascontiguousarray(array)), argument, "an array", enough)
