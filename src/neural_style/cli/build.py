"""The transfer that options ask for."""

import argparse
import contextlib
import inspect
import io

from neural_style import _checks
from neural_style.cli.arguments import OPTIMIZERS
from neural_style.device.ranks import Ranks
from neural_style.transfer import StyleTransfer


def transfer_from_options(options: argparse.Namespace, ranks: Ranks | None = None) -> StyleTransfer:
    """Return a transfer with these options; a download of torchvision's weights shows its bar unless quiet."""
    optimizer = OPTIMIZERS[_checks.choice("optimizer", options.optimizer, OPTIMIZERS)]()
    known = inspect.signature(StyleTransfer).parameters
    chosen = {name: value for name, value in vars(options).items() if name in known}
    silent = options.quiet and options.weights == "torchvision"
    with contextlib.redirect_stderr(io.StringIO()) if silent else contextlib.nullcontext():
        return StyleTransfer(**{**chosen, "optimizer": optimizer, "ranks": ranks})
