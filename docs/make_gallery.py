"""Make the gallery: every picture, the page with its captions, and the sheet of all, from one seeded script.

    python docs/make_gallery.py --pictures FOLDER

FOLDER holds the inputs under the names of the table below; they are not part of the project, only what is made
of them is. `astronaut`, `chelsea` and `coffee` are those of scikit-image, which has to be installed, and
`rectangles` is drawn here. A picture that exists already is kept, so that an interrupted run goes on; delete it
to make it anew.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from neural_style import StyleTransfer, load_image, save_image
from neural_style.images.io import to_image_tensor
from neural_style.images.resizing import fit_within, resize

DOCS = Path(__file__).parent
SKIMAGE = ("astronaut", "chelsea", "coffee")

CREDITS = {
    "tuebingen": "the Neckarfront in Tübingen (photograph by Andreas Praefcke, CC BY 3.0)",
    "chelsea": "Chelsea the cat (photograph by Stéfan van der Walt, CC0, from scikit-image)",
    "coffee": "a cup of coffee (photograph by Rachel Michetti, CC0, from scikit-image)",
    "astronaut": "the astronaut Eileen Collins (photograph by NASA, public domain, from scikit-image)",
    "starry_night": "Vincent van Gogh, The Starry Night, 1889",
    "cafe_terrace": "Vincent van Gogh, Café Terrace at Night, 1888",
    "olive_trees": "Vincent van Gogh, The Olive Trees, 1889",
    "rectangles": "a flat composition of rectangles, drawn by this project",
    "great_wave": "Katsushika Hokusai, Under the Wave off Kanagawa, about 1831",
}


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
    save_image(
        sheet([load_image(DOCS / "images" / f"{piece.name}.jpg") for piece in PIECES]), SHEET, quality=88
    )
    (DOCS / "gallery.md").write_text(page(), encoding="utf-8")


SHEET = DOCS / "images" / "gallery.jpg"


def find(folder: Path, name: str) -> torch.Tensor:
    """Return a picture of the folder, of scikit-image's or of this project's, by its name."""
    if name == "rectangles":
        return rectangles()
    if name in SKIMAGE:
        import skimage.data

        return to_image_tensor(getattr(skimage.data, name)())[0]
    return load_image(next(folder.glob(f"{name}.*")))


def rectangles(height: int = 480, width: int = 640, seed: int = 3) -> torch.Tensor:
    """Return a flat composition of rectangles in few colours between black lines, shape (3, H, W)."""
    colors = torch.tensor(
        [[0.94, 0.92, 0.86], [0.94, 0.92, 0.86], [0.80, 0.15, 0.12], [0.13, 0.25, 0.55], [0.95, 0.78, 0.18]]
    )
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(3, height, width)
    open_parts = [(0, 0, height, width)]
    while open_parts:
        top, left, bottom, right = open_parts.pop()
        sides = (bottom - top, right - left)
        if max(sides) > 90:
            share = 0.3 + 0.4 * float(torch.rand((), generator=generator))
            if sides[0] > sides[1]:
                cut = top + round(share * sides[0])
                open_parts += [(top, left, cut, right), (cut, left, bottom, right)]
            else:
                cut = left + round(share * sides[1])
                open_parts += [(top, left, bottom, cut), (top, cut, bottom, right)]
            continue
        color = colors[int(torch.randint(len(colors), (), generator=generator))]
        picture[:, top + 4 : bottom - 4, left + 4 : right - 4] = color.view(3, 1, 1)
    return picture


def sheet(images: list[torch.Tensor], columns: int = 4, height: int = 260, gap: int = 8) -> torch.Tensor:
    """Return the pictures in rows of equal height on white, shape (3, H, W)."""
    small = []
    for image in images:
        width = round(image.shape[2] * height / image.shape[1])
        small.append(resize(image.unsqueeze(0), fit_within((height, width), max(height, width)))[0])
    rows = [small[i : i + columns] for i in range(0, len(small), columns)]
    whole = max(sum(image.shape[2] + gap for image in row) - gap for row in rows)
    canvas = torch.ones(3, len(rows) * (height + gap) - gap, whole)
    for number, row in enumerate(rows):
        left, top = 0, number * (height + gap)
        for image in row:
            canvas[:, top : top + height, left : left + image.shape[2]] = image
            left += image.shape[2] + gap
    return canvas


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
