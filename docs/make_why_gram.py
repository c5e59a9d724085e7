"""Run the notebook of the page "Why the Gram matrix", and make the page from it.

    python docs/make_why_gram.py            writes docs/why_gram.md and docs/images/gram
    python docs/make_why_gram.py --check    runs the notebook, and fails if the page has another text or program

The notebook holds the whole story and no outputs. On the page a cell that draws is replaced by its picture,
which its first line describes; any other cell is followed by what it printed. The check ignores what was
printed and drawn, which differs from machine to machine in the last digit.
"""

from __future__ import annotations

import argparse
import base64
import io
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

DOCS = Path(__file__).parent
NOTEBOOK = DOCS / "why_gram.ipynb"
PAGE = NOTEBOOK.with_suffix(".md")
IMAGES = DOCS / "images" / "gram"
SECONDS = 600  # for one cell, on a busy machine
PRINTED = re.compile(r"^```text\n.*?^```\n", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Run the notebook, then write or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is old")
    check = parser.parse_args().check
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    if any(cell.get("outputs") for cell in notebook.cells):
        sys.exit(f"{NOTEBOOK} must be kept without outputs. Clear them.")
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3").execute()  # raises what a cell raises
    pictures: dict[str, bytes] = {}
    page = "\n\n".join(part for cell in notebook.cells for part in parts(cell, pictures)) + "\n"
    page = page.replace("\n\n", f"\n\n<!-- Written by docs/{Path(__file__).name}. -->\n\n", 1)
    if check:
        text_is_old = PRINTED.sub("", PAGE.read_text(encoding="utf-8")) != PRINTED.sub("", page)
        if text_is_old or {path.name for path in IMAGES.iterdir()} != set(pictures):
            sys.exit(f"{PAGE} is not what {NOTEBOOK} gives. Run python docs/{Path(__file__).name}.")
        return
    IMAGES.mkdir(exist_ok=True)
    for name, png in pictures.items():
        Image.open(io.BytesIO(png)).convert("RGB").save(IMAGES / name, quality=75)
    PAGE.write_text(page, encoding="utf-8")


def parts(cell: Any, pictures: dict[str, bytes]) -> list[str]:
    """Return what the page has of a cell, and add a picture that it draws to `pictures`, by its file's name."""
    if cell.cell_type == "markdown":
        return [cell.source]
    printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout").rstrip()
    shown = [f"```text\n{printed}\n```"] if printed else []
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            name = f"{cell.id}.jpg"
            pictures[name] = base64.b64decode(output.data["image/png"])
            description = cell.source.split("\n")[0].removeprefix("# ")
            return [*shown, f"![{description}]({(IMAGES / name).relative_to(DOCS).as_posix()})"]
    return [f"```python\n{cell.source}\n```", *shown]


if __name__ == "__main__":
    main()
