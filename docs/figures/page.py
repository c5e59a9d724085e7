"""The page of the figures, with captions from their record, and the record itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from figures.figure import Figure, Result
from figures.inputs import Inputs
from figures.pictures import CREDITS, pixels
from neural_style import save_image
from neural_style.device.hardware import choose_device, choose_dtype

LARGEST = 250_000  # bytes of a figure's file
QUALITIES = (90, 85, 80, 75, 70, 65, 60, 50)
FOLDER = "figures"  # within the folder of the page

Record = dict[str, Any]

INTRODUCTION = """\
# The paper's figures

<!-- Written by docs/make_figures.py. -->

Figures 1 and 3 to 6 of Gatys, Ecker and Bethge (CVPR 2016), made again with this library; beside each what the
paper claims and what ours shows. All take the original VGG-19 (`weights="vgg19"`). By its layers `conv…` the
paper means the responses after the rectifier, our `relu…`. The preset `paper` has its equations and settings,
but the values of $\\alpha/\\beta$ at which its findings show
[are others](method.md#to-reproduce-the-paper) than those that it names.

The content distance is $\\lVert F - P \\rVert^2 / \\lVert P \\rVert^2$ in relu4_2, from the photograph in its
own colours. The style distance of this page is the default's loss, the mean over its five layers of
$\\lVert \\Sigma - \\Sigma' \\rVert^2 / \\lVert \\Sigma' \\rVert^2$; those of [the measures](metrics.md) are
others, which know nothing of VGG-19. Both are 0 for the same picture.

"""


def describe_machine(inputs: Inputs) -> Record:
    """Return what a figure's bits and seconds depend on beside its settings."""
    device = choose_device("auto")
    return {
        "torch": str(torch.__version__),
        "neural_style": package_version(),
        "pillow": version("pillow"),
        "device": device.type,
        "processor": torch.backends.cpu.get_cpu_capability(),
        "default_precision": str(choose_dtype("auto", device)).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "weights": "random, narrow" if inputs.trial else "vgg19",
    }


def package_version() -> str:
    """Return the version of this package, which a source tree that is not installed does not know."""
    try:
        return version("neural-style-gatys")
    except PackageNotFoundError:
        return "of the source tree"


def record_of(result: Result, seconds: float, inputs: Inputs, machine: Record) -> Record:
    """Return what is kept of a figure beside its picture; the sum is that of its pixels, before JPEG."""
    return {
        "call": result.call,
        "settings": result.settings,
        "pictures": list(result.used),
        "shows": result.shows,
        "seen": "tuebingen" in inputs.contents,  # whether the words of what is seen are about these pictures
        "measured": dict(result.measured),
        "size": list(result.picture.shape[1:]),
        "sha256": hashlib.sha256(pixels(result.picture)).hexdigest(),
        "seconds": round(seconds, 1),
        "machine": machine,
    }


def read_record(folder: Path) -> dict[str, Record]:
    """Return the records by figure that a folder's page was written from; none where there is no page yet."""
    path = folder / FOLDER / "figures.json"
    records: dict[str, Record] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return records


def keep(folder: Path, figure: Figure, result: Result, record: Record) -> None:
    """Write a figure's picture, and its record beside those of the others."""
    target = folder / FOLDER / f"{figure.name}.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    for quality in QUALITIES:
        save_image(result.picture, target, quality=quality)
        if target.stat().st_size <= LARGEST:
            break
    records = {**read_record(folder), figure.name: record}
    text = json.dumps(records, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (target.parent / "figures.json").write_text(text, encoding="utf-8")


def page(figures: Sequence[Figure], records: Mapping[str, Record]) -> str:
    """Return the page of the figures that have a record."""
    sections = [section(figure, records[figure.name]) for figure in figures if figure.name in records]
    total = sum(record["seconds"] for record in records.values())
    return INTRODUCTION + "\n".join(
        [*sections, f"All of them take {total / 60:.0f} minutes on that machine.\n"]
    )


def section(figure: Figure, record: Record) -> str:
    """Return a figure's part of the page."""
    shows = f"{figure.seen} {record['shows']}" if record["seen"] and figure.seen else record["shows"]
    return (
        f"## {figure.title}\n\n"
        f"![{figure.title}]({FOLDER}/{figure.name}.jpg)\n\n"
        f"*{caption(record)}*\n\n"
        f"**The paper claims.** {figure.claim}\n\n"
        f"**Ours shows.** {shows}\n"
    )


def caption(record: Record) -> str:
    """Return the settings, the pictures with their credits, the time and the versions in words."""
    machine: Mapping[str, Any] = record["machine"]
    credit = "; ".join(CREDITS.get(name, name) for name in record["pictures"])
    where = machine["device"]
    if where == "cpu":
        where = f"{machine['threads']} threads of a processor with {machine['processor']}"
    return (
        f"`{record['call']}`: {record['settings']}. The pictures: {credit}. {record['seconds']:.0f} s on "
        f"{where}, {machine['default_precision']} by default and float32 with the preset paper; "
        f"torch {machine['torch']}, neural_style {machine['neural_style']}."
    )
