"""Make the gallery: every picture, the page with its captions, and the sheet of all, from one seeded script.

    python docs/make_gallery.py --pictures FOLDER

FOLDER holds the inputs under the names of `figures.pictures.CREDITS`; they are not part of the project, only
what is made of them is. `astronaut`, `chelsea` and `coffee` are those of scikit-image, which has to be
installed, and `rectangles` is drawn by this project. A picture that exists already is kept, so that an
interrupted run goes on; delete it to make it anew.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from figures.pictures import CREDITS, find, sheet
from neural_style import StyleTransfer, load_image, save_image

DOCS = Path(__file__).parent


@dataclass(frozen=True)
class Piece:
    """One picture of the gallery."""

    content: str
    style: str
    size: int = 512

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return f"{self.content}-{self.style}".replace("_", "-")

    @property
    def caption(self) -> str:
        """What is shown, with its credit."""
        return f"{CREDITS[self.content]}, after {CREDITS[self.style]}; {self.size} px"


PIECES = (
    Piece("tuebingen", "starry_night"),
    Piece("tuebingen", "great_wave"),
    Piece("tuebingen", "cafe_terrace"),
    Piece("tuebingen", "olive_trees"),
    Piece("astronaut", "great_wave"),
    Piece("chelsea", "olive_trees"),
    Piece("coffee", "cafe_terrace"),
    Piece("chelsea", "rectangles"),
)


def main() -> None:
    """Make what is missing, then the sheet and the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of the inputs")
    pictures = parser.parse_args().pictures
    transfer = StyleTransfer()
    for piece in PIECES:
        target = DOCS / "images" / f"{piece.name}.jpg"
        if not target.exists():
            began = time.monotonic()
            image = transfer.run(find(pictures, piece.content), find(pictures, piece.style), size=piece.size)
            save_image(image, target, quality=92)
            print(f"{target}: {time.monotonic() - began:.0f} s", flush=True)
    pictures = [load_image(DOCS / "images" / f"{piece.name}.jpg") for piece in PIECES]
    save_image(sheet(pictures), DOCS / "images" / "gallery.jpg", quality=88)
    (DOCS / "gallery.md").write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the gallery's page."""
    parts = [
        "# Gallery\n",
        "<!-- Written by docs/make_gallery.py. -->\n",
        "Every picture is made by the defaults, with seed 0, and nothing else is done to it:\n",
        "```python\nStyleTransfer().run(content, style)\n```\n",
        "![All of them](images/gallery.jpg)\n",
    ]
    for piece in PIECES:
        caption = piece.caption[0].upper() + piece.caption[1:]
        parts.append(f"![{caption}](images/{piece.name}.jpg)\n\n*{caption}.*\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
