"""A run's progress for people: a bar that redraws itself on a terminal, elsewhere one line a level."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from neural_style.descent import Progress

REDRAW_SECONDS = 0.1


def pixels(size: Sequence[int]) -> str:
    """Return (height, width) as people write it, the width first."""
    return f"{size[1]}x{size[0]}"


class ProgressBar:
    """Shows a run's progress: a line that redraws itself on a terminal, elsewhere one line a level."""

    def __init__(self, stream: TextIO, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream, self.quiet, self.clock = stream, quiet, clock
        self.terminal = stream.isatty() and not quiet
        self.began: tuple[float, float] | None = None  # when the first evaluation was done, and its share
        self.drawn_at, self.drawn = -math.inf, 0
        self.level = 0

    def __enter__(self) -> ProgressBar:
        if self.terminal:
            self._draw("preparing the network")
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
                print(f"{level}: {', '.join(part for part in parts if part)}", file=self.stream, flush=True)
            self.level = progress.level
        elif now - self.drawn_at >= REDRAW_SECONDS:
            self.drawn_at = now
            done = round(20 * progress.fraction)
            step, loss = f"step {progress.step}/{progress.steps}", f"loss {progress.loss.item():.4g}"
            bar = f"[{'#' * done}{'-' * (20 - done)}]"
            self._draw("  ".join((bar, level, pixels(progress.size), step, loss, left)))

    def _draw(self, text: str) -> None:
        """Put a text in the place of the one before, never wider than the terminal."""
        text = text[: shutil.get_terminal_size().columns - 1]
        blank = " " * (self.drawn - len(text))
        self.stream.write(f"\r{text}{blank}" if text else f"\r{blank}\r")
        self.stream.flush()
        self.drawn = len(text)
