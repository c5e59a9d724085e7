"""What options ask for: the transfer, and styles from files, folders, weights, masks and maps."""

import argparse
import contextlib
import inspect
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from neural_style import _checks
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.device.ranks import Ranks
from neural_style.images.formats import suffixes
from neural_style.images.masks import ALIKE, color_regions
from neural_style.images.resizing import fit_within
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import previewed
from neural_style.transfer.styles import Style, check_scale


def transfer_from_options(options: argparse.Namespace, ranks: Ranks | None = None) -> StyleTransfer:
    """Return a transfer with these options; a download of torchvision's weights shows its bar unless quiet."""
    optimizer = OPTIMIZERS[_checks.choice("optimizer", options.optimizer, OPTIMIZERS)]()
    known = inspect.signature(StyleTransfer).parameters
    chosen = {name: value for name, value in vars(options).items() if name in known}
    silent = options.quiet and options.weights == "torchvision"
    with contextlib.redirect_stderr(io.StringIO()) if silent else contextlib.nullcontext():
        return StyleTransfer(**{**chosen, "optimizer": optimizer, "ranks": ranks})


def enough(own: tuple[int, int], size: int | None, *, preview: bool = False) -> tuple[int, int]:
    """Return (height, width) of what a photograph of a size is worked at, at most; see `to_image_tensor`.

    >>> enough((3000, 4000), 512), enough((3000, 4000), 512, preview=True)
    ((384, 512), (192, 256))
    """
    target = fit_within(own, size)
    return previewed(target) if preview else target


def styles_from_options(
    paths: Sequence[Path],
    *,
    weights: Sequence[float] | None = None,
    scales: Sequence[float] | None = None,
    regions: Sequence[Path] = (),
    maps: Sequence[Path] = (),
) -> list[Style]:
    """Return the styles. A folder is one style: all its pictures, with equal shares.

    Args:
        paths: pictures and folders.
        weights: a weight for each path; None makes them equal.
        scales: a scale for each path; None is 1.
        regions: a mask of the content for each path; with `maps`, one map of the content in colours.
        maps: a map in colours for each path: the part in a colour goes where the content's map has that colour.

    Raises:
        ValueError, OSError: if their numbers do not agree, a folder has no picture, or a map no colour.
    """
    for argument, values in (("--style-weights", weights), ("--style-scales", scales), ("--style-maps", maps)):
        if values and len(values) != len(paths):
            advice = f"There {'is' if len(paths) == 1 else 'are'} {len(paths)}."
            raise ValueError(_checks.message(argument, "be one for each STYLE", len(values), advice))
    if weights:
        _checks.weights("--style-weights", weights)
    for scale in scales or ():
        check_scale("--style-scales", scale)
    wanted = 1 if maps else len(paths)
    if (regions and len(regions) != wanted) or (maps and not regions):
        rule = "be one map for the content" if maps else "be one mask for each STYLE"
        advice = "Give it beside --style-maps." if maps else f"There {'is' if wanted == 1 else 'are'} {wanted}."
        raise ValueError(_checks.message("--regions", rule, len(regions), advice))
    there = color_regions(regions[0], "--regions") if maps else []
    styles: list[Style] = []
    for number, path in enumerate(paths):
        pictures = [_checks.file_to_read("style", picture) for picture in pictures_in(path)]
        share = (weights[number] if weights else 1.0) / len(pictures)
        scale = scales[number] if scales else 1.0
        region = regions[number] if regions and not maps else None
        of_path = [Style(picture, share, scale, region=region) for picture in pictures]
        styles += _placed(of_path, there, maps[number]) if maps else of_path
    return styles


def pictures_in(path: Path) -> list[Path]:
    """Return the pictures of a folder, sorted by name; or the path itself if it is no folder.

    Raises:
        ValueError: if the folder has no picture.
    """
    if not path.is_dir():
        return [path]
    ends = suffixes()
    files = (file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    pictures = sorted(file for file in files if file.suffix.lower() in ends)
    if not pictures:
        rule, advice = "hold pictures", f"They end in {', '.join(ends)}."
        raise ValueError(_checks.message("a folder of pictures", rule, f"'{path}' with none", advice))
    return pictures


def _placed(styles: Sequence[Style], there: Sequence[tuple[Tensor, Tensor]], style_map: Path) -> list[Style]:
    """Return the styles with region and mask, once for each colour that the content's map and theirs share."""
    here = color_regions(style_map, "a map of --style-maps")
    placed = [
        replace(style, region=region, mask=mask)
        for color, region in there
        for other, mask in here
        if (color - other).norm() <= ALIKE
        for style in styles
    ]
    if not placed:
        ours, theirs = (", ".join(_named(color) for color, _ in regions) for regions in (there, here))
        rule, got = f"share a colour with the content's map ({ours})", f"'{style_map}' ({theirs})"
        raise ValueError(_checks.message("--style-maps", rule, got, "Paint the same colours in both."))
    return placed


def _named(color: Tensor) -> str:
    """Return a colour as #rrggbb."""
    return "#" + "".join(f"{round(255 * value):02x}" for value in color.tolist())
