"""The transfer and the sizes that options ask for."""

from __future__ import annotations

import argparse
import contextlib
import io

from torch import Tensor

from neural_style import _checks
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.device.ranks import Ranks
from neural_style.images.resizing import fit_within, size_of
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import previewed

OPTIONS = (
    *("weights", "preset", "device", "precision", "compile", "tile_size", "convention", "content_layers"),
    *("style_layers", "content_weight", "style_weight", "variation_weight", "variation", "pooling"),
    *("padding", "statistic", "strength", "color", "match_colors"),
)


def transfer_from_options(options: argparse.Namespace, ranks: Ranks | None = None) -> StyleTransfer:
    """Return a transfer with these options; a download of torchvision's weights shows its bar unless quiet."""
    optimizer = OPTIMIZERS[_checks.choice("optimizer", options.optimizer, OPTIMIZERS)]()
    chosen = {name: getattr(options, name) for name in OPTIONS}
    silent = options.quiet and options.weights == "torchvision"
    with contextlib.redirect_stderr(io.StringIO()) if silent else contextlib.nullcontext():
        return StyleTransfer(**chosen, optimizer=optimizer, ranks=ranks)


def enough(own: tuple[int, int], size: int | None, *, preview: bool = False) -> tuple[int, int]:
    """Return (height, width) of what a photograph of a size is worked at, at most; see `to_image_tensor`."""
    target = own if size is None else fit_within(own, size)
    return previewed(target) if preview else target


def result_size(content: Tensor, size: int | None) -> tuple[int, int]:
    """Return (height, width) of a result whose longer side has `size` pixels; None keeps the content's size."""
    return size_of(content) if size is None else fit_within(size_of(content), size)
