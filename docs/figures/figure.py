"""What a figure is: how it is made, what the paper claims with it, and what ours shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from figures.inputs import Inputs


@dataclass(frozen=True)
class Result:
    """What making a figure gives.

    Attributes:
        picture: (3, H, W).
        call: the library's call that made it, in short.
        settings: the rest of how it was made, for its caption.
        shows: what was measured, in sentences.
        used: names of the pictures that it was made from.
        measured: every number, by name.
    """

    picture: Tensor
    call: str
    settings: str
    shows: str
    used: tuple[str, ...]
    measured: Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: of its file.
        title: its heading.
        claim: what the paper claims.
        seen: what ours shows by eye, where it is made from the paper's photograph and paintings.
        make: makes it.
    """

    name: str
    title: str
    claim: str
    seen: str
    make: Callable[[Inputs], Result]
