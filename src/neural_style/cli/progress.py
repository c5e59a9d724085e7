"""A run's progress for people: a bar that redraws itself on a terminal, elsewhere one line a level."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from neural_style.transfer.progress import Progress

REDRAW_SECONDS = 0.1


def pixels(size: Sequence[int]) -> str:
    """Return (height, width) as people write it, the width first."""
    return f"{size[1]}x{size[0]}"


class ProgressBar:
    """Shows a run's progress: a line that redraws itself on a terminal, elsewhere one line a level.

    Args:
        stream: where to.
        quiet: whether to show nothing.
        title: what stands in front, such as which picture of several it is; the loss then gives way to it.
        clock: tells the seconds.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet: bool,
        title: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream, self.quiet, self.title, self.clock = stream, quiet, title, clock
        self.terminal = stream.isatty() and not quiet
        self.began: tuple[float, float] | None = None  # when the first evaluation was done, and its share
        self.drawn_at, self.drawn = -math.inf, 0
        self.level = 0

    def __enter__(self) -> ProgressBar:
        if self.terminal:
            self._draw("  ".join(part for part in (self.title, "preparing the network") if part))
        return self

    def __exit__(self, *exception: object) -> None:
        if self.terminal:
            self._draw("")

    def show(self, progress: Progress) -> None:
        """Tell what there is to tell after an evaluation; the loss is read only where it is shown."""
        if self.quiet:
            return
        now = self.clock()
        began, share = self.began = self.began or (now, progress.fraction)
        left = ""
        if progress.fraction > share:
            rate = (now - began) / (progress.fraction - share)
            minutes, seconds = divmod(round(rate * (1 - progress.fraction)), 60)
            left = f"{minutes}:{seconds:02} left"
        level = f"level {progress.level}/{progress.levels}"
        if not self.terminal:
            if progress.level > self.level:
                parts = (f"{pixels(progress.size)} pixels", f"steps: {progress.steps}", left)
                where = f"{self.title}, {level}" if self.title else level
                print(f"{where}: {', '.join(part for part in parts if part)}", file=self.stream, flush=True)
            self.level = progress.level
        elif now - self.drawn_at >= REDRAW_SECONDS:
            self.drawn_at = now
            width = 10 if self.title else 20
            done = round(width * progress.fraction)
            bar = f"[{'#' * done}{'-' * (width - done)}]"
            shown = [bar, level, pixels(progress.size), f"step {progress.step}/{progress.steps}"]
            shown = [self.title, *shown] if self.title else [*shown, f"loss {progress.loss.item():.4g}"]
            self._draw("  ".join((*shown, left)))

    def _draw(self, text: str) -> None:
        """Put a text in the place of the one before, never wider than the terminal."""
        text = text[: shutil.get_terminal_size().columns - 1]
        blank = " " * (self.drawn - len(text))
        self.stream.write(f"\r{text}{blank}" if text else f"\r{blank}\r")
        self.stream.flush()
        self.drawn = len(text)
