"""What every benchmark does with its cases: measure one after another, say how each went, keep what there is.

A case that fails, for want of memory above all, is an entry of the record like any other; the next is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from measurement import Record, seeded_picture
from neural_style.device.hardware import choose_device, choose_dtype
from neural_style.images.io import save_image, to_image_tensor
from neural_style.network.source import random_weights
from neural_style.network.weights import Weights, load_weights

SMOKE_WIDTH = 0.25

Setup = TypeVar("Setup")


@dataclass(frozen=True)
class Case:
    """One of the things that a benchmark measures.

    Attributes:
        name: printed with the result.
        known: entries of the record that identify the case.
        work: measures; its entries come after those of `known`.
    """

    name: str
    known: Record
    work: Callable[[], Record]


def settings_of(arguments: argparse.Namespace) -> Record:
    """Return the settings that every benchmark's command line has."""
    return {
        "weights": weights_name(arguments),
        "channel_width": channel_width(arguments),
        "seed": arguments.seed,
        "precision": arguments.precision,
        "dtype": dtype_name(arguments),
    }


def channel_width(arguments: argparse.Namespace) -> float:
    """Return the share of VGG-19's channels to measure with."""
    return SMOKE_WIDTH if arguments.smoke else 1.0


def weights_name(arguments: argparse.Namespace) -> str:
    """Return the name of the weights to measure with: the default's, or narrow ones for a trial."""
    return "random" if arguments.smoke else "vgg19"


def weights_of(arguments: argparse.Namespace) -> Weights:
    """Return the weights to measure with."""
    return random_weights(width=SMOKE_WIDTH) if arguments.smoke else load_weights("vgg19")


def dtype_name(arguments: argparse.Namespace) -> str:
    """Return the precision that the asked-for one comes to on the device, such as ``float32``."""
    dtype = choose_dtype(arguments.precision, choose_device(arguments.device))
    return str(dtype).removeprefix("torch.")


def collect(cases: Iterable[Case], in_words: Callable[[Record], str]) -> Iterator[list[Record]]:
    """Measure cases in turn and yield the results so far after each.

    Args:
        cases: what to measure.
        in_words: the result of a case that went well → a few words for the line that is printed.
    """
    results: list[Record] = []
    for case in cases:
        result = dict(case.known)
        try:
            result |= case.work()
        except Exception as error:  # whatever fails here, memory above all, the others are still measured
            result["error"] = error_text(error)
        results.append(result)
        line = f"failed, {result['error']}" if "error" in result else in_words(result)
        print(f"{case.name}: {line}", flush=True)
        yield results


def pairs_of(arguments: argparse.Namespace) -> list[tuple[str, Tensor, Tensor]]:
    """Return a name, a content and a style for every pair that ``--pairs`` names; drawn ones without.

    Raises:
        ValueError: if a picture is left over.
    """
    if not arguments.pairs:
        content, style = (seeded_picture((96, 128), arguments.seed + number) for number in range(2))
        return [("drawn", content, style)]
    if len(arguments.pairs) % 2:
        raise ValueError(f"--pairs must name pictures two by two; got {len(arguments.pairs)}. Add one.")
    named = [(Path(name).stem, to_image_tensor(Path(name), "a picture of --pairs")) for name in arguments.pairs]
    pairs = zip(named[::2], named[1::2], strict=True)
    return [(f"{photo[0]} × {painting[0]}", photo[1], painting[1]) for photo, painting in pairs]


def cases_of_pairs(
    arguments: argparse.Namespace,
    sizes: Iterable[int],
    make: Callable[[str, Tensor, Tensor, int, argparse.Namespace], Setup],
    works: Sequence[tuple[str, Record, Callable[[Setup], Record]]],
) -> Iterator[Case]:
    """Yield the cases of every pair at every size.

    Args:
        arguments: of the command line.
        sizes: longer sides in pixels.
        make: name, content, style, size, arguments → what all cases of a pair share. It is called within the
            first of them, so that its failure is an entry of the record too.
        works: of each case the name, what identifies it, and what measures it.
    """
    for name, content, style in pairs_of(arguments):
        for size in sizes:
            shared = cache(partial(make, name, content, style, size, arguments))
            for label, known, work in works:
                identified = {"pair": name, "longer_side": size, **known}
                yield Case(f"{name}, {size} px, {label}", identified, partial(_measured, shared, work))


def _measured(shared: Callable[[], Setup], work: Callable[[Setup], Record]) -> Record:
    return work(shared())


def add_pair_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command line name pairs, and a folder for what is made of them."""
    parser.add_argument("--pairs", nargs="+", metavar="PICTURE", default=[], help="photo, painting, photo, …")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="where to keep the results, to look at")


def keep_picture(arguments: argparse.Namespace, result: Tensor, name: str) -> None:
    """Save a result in the folder that ``--pictures`` names, if any, which is made where it is missing."""
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
        save_image(result, arguments.pictures / f"{name}.png")


def in_fresh_process(work: Callable[..., Record], *arguments: object) -> Record:
    """Return what `work` returns in a process of its own, for the peak of a process never falls."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(work, *arguments).result()


def error_text(error: Exception) -> str:
    """Return an error's class and the first line of its message."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".rstrip(": ")
