"""Files, PIL pictures and arrays to image tensors, and back: the only module that touches pictures on disk.

An image tensor is float32, RGB as sRGB encodes it, in [0, 1], of shape (1, 3, H, W). Sizes are (height, width).
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError, features
from torch import Tensor

from neural_style._checks import choice, file_to_write, image_values, message, warn, whole_number

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | Tensor

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
SUFFIXES = tuple(_FORMATS)
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # the encoders' limits; JPEG's format would allow 65535
_LOSSY = {"JPEG", "WEBP"}

_CONVERTED_FIRST = {"P": "RGBA", "PA": "RGBA", "La": "LA"}  # palettes, and alpha that Pillow hardly knows
_COLOUR_MODES = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}  # the mode that a profile is for; else RGB
_UPRIGHT = {  # what turns a picture upright, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_filters_lock = threading.Lock()


def to_image_tensor(source: ImageSource, argument: str = "image") -> Tensor:
    """Return a picture of any accepted type as a new image tensor. The source is not changed.

    A file or PIL picture is turned upright by its EXIF orientation, converted to sRGB from its colour profile
    and flattened onto white where it is transparent. Of a file with several frames the first is taken. Grey of
    16 bits keeps its depth. A `UserWarning` is given where a picture is flattened, or where its EXIF data or
    its profile cannot be used.

    Args:
        source: a path; a PIL picture of any mode; a uint8 array (H, W, 3), (H, W, 4) with alpha or (H, W) grey;
            or a float tensor (3, H, W) or (1, 3, H, W). Floats, those of PIL's mode F too, lie in [0, 1].
        argument: what messages call the source.

    Returns:
        Tensor of shape (1, 3, H, W), float32, in [0, 1], contiguous, detached; on the device of a source
        tensor, else on the CPU.

    Raises:
        FileNotFoundError, IsADirectoryError: if there is no such file, or it is a folder.
        TypeError: if the source, or the dtype of its numbers, is of another type.
        ValueError: if a file is no picture, damaged or beyond Pillow's limit of pixels; if a shape or a value
            is invalid.

    >>> to_image_tensor(np.full((2, 4, 3), 255, dtype=np.uint8)).shape
    torch.Size([1, 3, 2, 4])
    """
    with torch.inference_mode(False), torch.no_grad():  # a tensor made in inference mode has no gradients ever
        if isinstance(source, Tensor):
            image = _planes(source, argument).unsqueeze(0)
            image = image.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
            image_values(argument, image)
            return image
        if isinstance(source, np.ndarray):
            return _from_array(source, argument)
        if isinstance(source, Image.Image):
            return _from_pil(source, argument, "a PIL image")
        return _from_file(_as_path(source, argument, "be a path, a PIL image, an array or a tensor"), argument)


def load_image(path: str | os.PathLike[str]) -> Tensor:
    """Return a picture file as a tensor of shape (3, H, W), float32, RGB, in [0, 1], on the CPU.

    Args:
        path: a file of any format that Pillow reads; see `to_image_tensor` for what is done to it.

    Raises:
        OSError, TypeError, ValueError: see `to_image_tensor`.
    """
    return to_image_tensor(_as_path(path), "path")[0]


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
    """Open a temporary file beside `path` to write to, which takes its place at the end unless there is an error.

    A link stays a link: the file that it points to is replaced. An old file's permissions are kept.
    """
    target = path.resolve()
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:  # tempfile's files can be read by their owner only
            yield file
        if target.exists():
            shutil.copymode(target, temporary)
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
    planes = _planes(image, "image").detach().float()  # (3, H, W)
    image_values("image", planes)
    levels = planes.mul(255).round_().byte().movedim(0, -1)  # (H, W, 3)
    return Image.fromarray(levels.contiguous().cpu().numpy())


def _as_path(path: object, argument: str = "path", rule: str = "be a path") -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(message(argument, rule, type(path).__name__, "Give a str or a pathlib.Path."))
    return Path(path)


def _planes(source: object, argument: str) -> Tensor:
    """Return a float tensor of a picture's shape as a view of shape (3, H, W); its values are not checked."""
    if not isinstance(source, Tensor):
        raise TypeError(message(argument, "be a tensor", type(source).__name__, "Try to_image_tensor first."))
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


def _from_array(array: NDArray[np.uint8], argument: str) -> Tensor:
    """Return an array of 8-bit levels as a tensor of shape (1, 3, H, W)."""
    if array.dtype != np.uint8:
        advice = "Make values in [0, 1] a float tensor (3, H, W), or scale them to 8 bits."
        raise TypeError(message(argument, "be an array of uint8", array.dtype, advice))
    if array.ndim != 2 and array.shape[2:] not in {(3,), (4,)}:
        rule = "have shape (H, W, 3), (H, W, 4) or (H, W)"
        raise ValueError(message(argument, rule, array.shape, "Put the channels last."))
    return _from_pil(Image.fromarray(np.ascontiguousarray(array)), argument, "an array")


def _from_file(path: Path, argument: str) -> Tensor:
    name = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(message(argument, "be a file", f"{name}, a folder", "Name a picture in it."))
    if not path.exists():
        raise FileNotFoundError(message(argument, "be a file that exists", name, "Check the path."))
    with path.open("rb") as file:
        # Pillow warns of large files, which prints are. Its limit, twice that size, stays as the caller set it.
        with _decoding(argument, name), _filters_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(file)
        return _from_pil(picture, argument, name)


@contextmanager
def _decoding(argument: str, name: str) -> Iterator[None]:
    """Turn what Pillow raises on a file that it cannot read into errors in the project's words."""
    try:
        yield
    except Image.DecompressionBombError as error:
        rule, got = "have at most twice PIL.Image.MAX_IMAGE_PIXELS", f"{name}, which has more"
        raise ValueError(message(argument, rule, got, "Shrink it, or raise that if you trust it.")) from error
    except UnidentifiedImageError as error:
        rule, advice = "be a picture that Pillow reads", "Check the file, or convert it to PNG or JPEG."
        raise ValueError(message(argument, rule, name, advice)) from error
    except MemoryError:
        raise
    except Exception as error:  # on damaged files decoders raise errors of every type
        rule, got = "be a whole picture", f"{name}, which is damaged or cut short"
        raise ValueError(message(argument, rule, got, "Get it from its source again.")) from error


def _from_pil(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return the current frame of a PIL picture, upright, shape (1, 3, H, W)."""
    if min(picture.size) < 1:
        got = f"{picture.height}×{picture.width}"
        raise ValueError(message(argument, "have pixels", got, "Give a picture with some."))
    with _decoding(argument, name):
        picture.load()
    try:
        # ImageOps.exif_transpose writes all EXIF data anew, and fails where any of it is invalid.
        turn = _UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        warn(f"{argument} has EXIF data that cannot be read; it was not turned: {name}.")
        turn = None
    return _read(picture if turn is None else picture.transpose(turn), argument, name)


def _read(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return an upright PIL picture as a tensor of shape (1, 3, H, W)."""
    if picture.mode == "1" and picture.info.get("transparency") == 1:  # as Pillow before 12 reads it
        picture = picture.copy()
        picture.info["transparency"] = 255
    if picture.mode in _CONVERTED_FIRST:
        picture = picture.convert(_CONVERTED_FIRST[picture.mode])
    if picture.mode.startswith(("I", "F")):
        return _read_deep_grey(picture, argument, name)
    colours = _in_srgb(picture, argument, name)
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            _warn_of_transparency(argument, name)
            colours.putalpha(alpha)
            colours = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    levels = torch.from_numpy(np.array(colours)).movedim(-1, 0).unsqueeze(0)  # (1, 3, H, W)
    return levels.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _in_srgb(picture: Image.Image, argument: str, name: str) -> Image.Image:
    """Return a picture with channels of 8 bits in mode RGB, converted to sRGB, without alpha."""
    mode = _COLOUR_MODES.get(picture.mode, "RGB")
    if profile_bytes := picture.info.get("icc_profile"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
            space = "RGB" if mode == "L" and profile.profile.xcolor_space.strip() == "RGB" else mode
            transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), space, "RGB")
            return transform.apply(picture.convert(mode).convert(space))
        except Exception:  # an ImportError too, of a Pillow without ImageCms
            _warn_of_profile(argument, name)
    return picture.convert(mode).convert("RGB")


def _read_deep_grey(picture: Image.Image, argument: str, name: str) -> Tensor:
    """Return a grey picture of floats in [0, 1] or of whole numbers of 16 bits, shape (1, 3, H, W)."""
    if picture.info.get("icc_profile"):
        _warn_of_profile(argument, name)
    levels = torch.from_numpy(np.array(picture, dtype=np.float32))  # (H, W)
    if picture.mode == "F":
        image_values(argument, levels)
        return levels.expand(1, 3, -1, -1).contiguous()
    low, high = (int(level.item()) for level in levels.aminmax())
    if low < 0 or high > 65535:
        advice = "Scale them to 16 bits first."
        raise ValueError(message(argument, "have grey levels in 0 … 65535", f"{low} … {high}", advice))
    transparent = levels == picture.info.get("transparency", -1)
    if transparent.any():
        _warn_of_transparency(argument, name)
    return (levels / 65535).masked_fill_(transparent, 1).expand(1, 3, -1, -1).contiguous()


def _warn_of_transparency(argument: str, name: str) -> None:
    warn(f"{argument} has transparent parts; they were flattened onto white: {name}.")


def _warn_of_profile(argument: str, name: str) -> None:
    warn(f"{argument} has a colour profile that cannot be used; it was read as sRGB: {name}.")
