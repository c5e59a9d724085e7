"""Styles as they are typed: files, folders of paintings, weights and scales, masks, and maps in colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from neural_style import _checks
from neural_style.images.io import SUFFIXES
from neural_style.images.masks import ALIKE, color_regions
from neural_style.transfer.styles import Style, check_scale


def styles_from_options(
    paths: Sequence[Path],
    *,
    weights: Sequence[float] | None = None,
    scales: Sequence[float] | None = None,
    regions: Sequence[Path] = (),
    maps: Sequence[Path] = (),
) -> list[Style]:
    """Return the styles that were typed. A folder is one style: all its pictures, with equal shares.

    Args:
        paths: of pictures and folders.
        weights: one for each path; None for equal ones.
        scales: likewise; None for 1.
        regions: of the content: a mask for each path, or, with maps, one map in colours.
        maps: of the styles, one for each path: what has a colour there goes where the content's map has it.

    Raises:
        ValueError, OSError: if their numbers do not agree, a folder has no picture, or a map no colour.
    """
    for argument, values in (("--style-weights", weights), ("--style-scales", scales), ("--style-maps", maps)):
        if values and len(values) != len(paths):
            advice = f"There {'is' if len(paths) == 1 else 'are'} {len(paths)}."
            raise ValueError(_checks.message(argument, "be one for each STYLE", len(values), advice))
    for weight in weights or ():
        _checks.number("--style-weights", weight)
    if weights and not sum(weights) > 0:
        got = ", ".join(f"{weight:g}" for weight in weights)
        raise ValueError(_checks.message("--style-weights", "sum to more than 0", got, "Give one more than 0."))
    for scale in scales or ():
        check_scale("--style-scales", scale)
    wanted = 1 if maps else len(paths)
    if (regions and len(regions) != wanted) or (maps and not regions):
        rule = "be one map for the content" if maps else "be one mask for each STYLE"
        advice = "Give it beside --style-maps." if maps else f"There {'is' if wanted == 1 else 'are'} {wanted}."
        raise ValueError(_checks.message("--regions", rule, len(regions), advice))
    there = color_regions(regions[0], "--regions") if maps else []
    found: list[Style] = []
    for number, path in enumerate(paths):
        pictures = pictures_in(path)
        share = (weights[number] if weights else 1.0) / len(pictures)
        scale = scales[number] if scales else 1.0
        region = regions[number] if regions and not maps else None
        styles = [Style(picture, share, scale, region=region) for picture in pictures]
        found += _of_map(styles, there, maps[number]) if maps else styles
    return found


def pictures_in(path: Path) -> list[Path]:
    """Return the pictures of a folder by name, or the path itself where it is none.

    Raises:
        ValueError: if the folder has none.
    """
    if not path.is_dir():
        return [path]
    inside = (each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
    pictures = sorted(each for each in inside if each.suffix.lower() in SUFFIXES)
    if not pictures:
        rule, advice = "hold pictures", f"They end in {', '.join(SUFFIXES)}."
        raise ValueError(_checks.message("a STYLE that is a folder", rule, f"'{path}' with none", advice))
    return pictures


def _of_map(styles: Sequence[Style], there: Sequence[tuple[Tensor, Tensor]], style_map: Path) -> list[Style]:
    """Return styles, once for each colour that the content's map and theirs have.

    Raises:
        ValueError: if they share none.
    """
    here = color_regions(style_map, "a map of --style-maps")
    found = [
        replace(style, region=region, mask=mask)
        for color, region in there
        for other, mask in here
        if (color - other).norm() <= ALIKE
        for style in styles
    ]
    if not found:
        ours, theirs = (", ".join(_named(color) for color, _ in regions) for regions in (there, here))
        rule, got = f"share a colour with the content's map ({ours})", f"'{style_map}' ({theirs})"
        raise ValueError(_checks.message("--style-maps", rule, got, "Paint the same colours in both."))
    return found


def _named(color: Tensor) -> str:
    """Return a colour as #rrggbb."""
    return "#" + "".join(f"{round(255 * value):02x}" for value in color.tolist())
