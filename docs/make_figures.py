"""Make the paper's figures, with the page of their captions and findings, from one seeded script.

    python docs/make_figures.py --pictures FOLDER

FOLDER holds `tuebingen`, the paper's photograph, and `starry_night`, `olive_trees`, `cafe_terrace` and
`great_wave`, which are not part of the project; this writes `docs/figures.md` and `docs/figures/`. Without it
the figures are made from pictures of scikit-image, which has to be installed, and of this project, into
`build/`. A second run with ``--check`` says whether every pixel is the same. ``--page`` writes the page anew,
after its words have changed, and ``--quick`` tries all of it within seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from figures import content_layers, reconstructions, resolution, starts, styles, tradeoff
from figures.inputs import load_inputs
from figures.page import describe_machine, keep, page, read_record, record_of

DOCS = Path(__file__).parent
ELSEWHERE = DOCS.parent / "build"

FIGURES = (
    *reconstructions.FIGURES,
    *styles.FIGURES,
    *tradeoff.FIGURES,
    *content_layers.FIGURES,
    *starts.FIGURES,
    *resolution.FIGURES,
)


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    names = [figure.name for figure in FIGURES]
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="of the paper's pictures")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="docs with --pictures, else build")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help="some of them")
    parser.add_argument("--page", action="store_true", help="write the page alone, from the record")
    parser.add_argument("--check", action="store_true", help="compare with the record, and write nothing")
    parser.add_argument("--quick", action="store_true", help="tiny drawn pictures, two iterations")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Make the figures, or compare them with those that there are; return how many differ."""
    arguments = argument_parser().parse_args(words)
    of_documentation = arguments.page or (arguments.pictures and not arguments.quick)
    folder = arguments.output or (DOCS if of_documentation else ELSEWHERE)
    differing = 0 if arguments.page else make(arguments, folder)
    if not arguments.check:
        (folder / "figures.md").write_text(page(FIGURES, read_record(folder)), encoding="utf-8")
    return differing


def make(arguments: argparse.Namespace, folder: Path) -> int:
    """Make the figures that are asked for, or compare them; return how many differ from the record."""
    inputs = load_inputs(arguments.pictures, trial=arguments.quick)
    machine, differing = describe_machine(inputs), 0
    for figure in FIGURES:
        if arguments.only and figure.name not in arguments.only:
            continue
        began = time.monotonic()
        result = figure.make(inputs)
        record = record_of(result, time.monotonic() - began, inputs, machine)
        verdict = f"in {folder}"
        if arguments.check:
            same = record["sha256"] == read_record(folder).get(figure.name, {}).get("sha256")
            differing += not same
            verdict = "the same pixels" if same else "other pixels than the record's"
        else:
            keep(folder, figure, result, record)
        print(f"{figure.name}: {record['seconds']:.0f} s, {verdict}", flush=True)
    return differing


if __name__ == "__main__":
    raise SystemExit(main())
