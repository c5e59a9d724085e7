"""The progress bar of the command line: tqdm's, with the level, the step, the loss and the remaining time."""

import math
import sys
import time
from typing import Any, Self

from tqdm import tqdm

from neural_style.cli.console import pixels
from neural_style.transfer.callback import Progress

REDRAW_SECONDS = 0.1


class ProgressBar:
    """A bar on the error stream. It shows nothing when quiet, or where the stream is no terminal.

    Args:
        quiet: whether to show nothing.
        title: stands in front, such as which picture of several it is.
    """

    def __init__(self, *, quiet: bool, title: str = "") -> None:
        self.quiet, self.title = quiet, title
        self._bar: tqdm | None = None
        self._drawn_at = -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, progress: Progress) -> None:
        """Show an evaluation. The loss is read only when the bar is drawn, at most ten times a second."""
        if self._bar is None:  # counts time from the first evaluation, without loading the network
            layout = "{percentage:3.0f}%|{bar:20}| {desc}, {remaining} left"
            options: dict[str, Any] = {"total": 1, "initial": progress.fraction, "bar_format": layout}
            options |= {"leave": False, "dynamic_ncols": True, "smoothing": 0}
            options["delay"] = 1e-9  # so that it is drawn below only
            self._bar = tqdm(disable=True if self.quiet else None, file=sys.stderr, **options)
        now = time.monotonic()
        if self._bar.disable or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at, self._bar.n = now, progress.fraction
        level = f"level {progress.level}/{progress.levels}, {pixels(progress.size)}"
        step = f"step {progress.step}/{progress.steps}, loss {progress.loss.item():.4g}"
        self._bar.set_description_str(", ".join([self.title, level, step] if self.title else [level, step]))
