"""The transfer that options ask for."""

import argparse
import contextlib
import inspect
import io

from neural_style import _checks
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.device.ranks import Ranks
from neural_style.images.resizing import fit_within
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import previewed


def transfer_from_options(options: argparse.Namespace, ranks: Ranks | None = None) -> StyleTransfer:
    """Return a transfer with these options; a download of torchvision's weights shows its bar unless quiet."""
    optimizer = OPTIMIZERS[_checks.choice("optimizer", options.optimizer, OPTIMIZERS)]()
    known = inspect.signature(StyleTransfer).parameters
    chosen = {name: value for name, value in vars(options).items() if name in known}
    silent = options.quiet and options.weights == "torchvision"
    with contextlib.redirect_stderr(io.StringIO()) if silent else contextlib.nullcontext():
        return StyleTransfer(**{**chosen, "optimizer": optimizer, "ranks": ranks})


def enough(own: tuple[int, int], size: int | None, *, preview: bool = False) -> tuple[int, int]:
    """Return (height, width) of what a photograph of a size is worked at, at most; see `to_image_tensor`."""
    target = fit_within(own, size)
    return previewed(target) if preview else target
