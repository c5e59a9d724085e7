"""The transfer that was typed, and the weights that can be had for it."""

from __future__ import annotations

import argparse
import contextlib
import io
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPException
from urllib.request import Request, urlopen

from neural_style import _checks
from neural_style.arguments import AUTO, OPTIMIZERS
from neural_style.messages import tell
from neural_style.ranks import Ranks
from neural_style.transfer import StyleTransfer
from neural_style.weights import WeightsUnavailableError, imagenet_file, imagenet_url

SERVER_SECONDS = 10.0  # a server that stays silent so long counts as unreachable


def typed_transfer(options: argparse.Namespace, ranks: Ranks | None = None) -> StyleTransfer:
    """Return the transfer that was asked for; ``auto`` falls back to self-taught filters, and says so."""
    names = (
        *("preset", "device", "precision", "compile", "tile_size", "convention", "content_layers"),
        *("style_layers", "content_weight", "style_weight", "variation_weight", "variation", "pooling"),
        *("padding", "statistic", "strength", "color", "color_map", "match_colors"),
    )
    chosen = {name: getattr(options, name) for name in names}
    chosen["ranks"] = ranks
    chosen["width"] = 1.0 if options.width is None else options.width
    chosen["optimizer"] = OPTIMIZERS[_checks.choice("optimizer", options.optimizer, OPTIMIZERS)]()
    if options.weights != AUTO:
        with _downloading(quiet=options.quiet):
            return StyleTransfer(weights=options.weights, **chosen)
    # A narrow network is self-taught, and so are filters to be kept: asking for either decides.
    if chosen["width"] == 1.0 and options.save_weights is None:
        url, cached = imagenet_url(), imagenet_file()
        download = not cached.exists() and _answers(url)
        if download:
            text = "note: downloading ImageNet's weights once, 548 MB; --weights self-taught does without"
            tell(text, quiet=options.quiet)
        if download or cached.exists():
            try:
                with _downloading(quiet=options.quiet):
                    return StyleTransfer(weights="imagenet", **chosen)
            except WeightsUnavailableError as error:
                tell(f"note: {error}", quiet=options.quiet)
        text = f"To have ImageNet's, save {url} as {cached}"
        tell(f"note: learning the filters from the style picture. {text}", quiet=options.quiet)
    return StyleTransfer(weights="self-taught", **chosen)


def _answers(url: str) -> bool:
    """Return whether a server answers within `SERVER_SECONDS` in all.

    Asked in a thread: a socket's own timeout starts anew for each address of a name, and not for the name.
    """
    answered = threading.Event()

    def ask() -> None:
        with (
            contextlib.suppress(OSError, HTTPException),
            urlopen(Request(url, method="HEAD"), timeout=SERVER_SECONDS),
        ):
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SERVER_SECONDS)
    return answered.is_set()


@contextlib.contextmanager
def _downloading(*, quiet: bool) -> Iterator[None]:
    """Let no download hang for ever, nor talk when it should be quiet."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SERVER_SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
            yield
    finally:
        socket.setdefaulttimeout(before)
