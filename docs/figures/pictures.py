"""The pictures that the documentation's scripts start from, and how they show what they make of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from neural_style import load_image
from neural_style.images.io import to_image_tensor, to_pil
from neural_style.images.resizing import resize, size_of

CREDITS = {
    "tuebingen": "the Neckarfront in Tübingen (photograph by Andreas Praefcke, CC BY 3.0)",
    "chelsea": "Chelsea the cat (photograph by Stéfan van der Walt, CC0, from scikit-image)",
    "coffee": "a cup of coffee (photograph by Rachel Michetti, CC0, from scikit-image)",
    "astronaut": "the astronaut Eileen Collins (photograph by NASA, public domain, from scikit-image)",
    "starry_night": "Vincent van Gogh, The Starry Night, 1889",
    "cafe_terrace": "Vincent van Gogh, The Night Café, 1888",
    "olive_trees": "Vincent van Gogh, The Olive Trees, 1889",
    "rectangles": "a flat composition of rectangles, drawn by this project",
    "great_wave": "Katsushika Hokusai, Under the Wave off Kanagawa, about 1831",
    "night": "a night over lit fields, drawn by this project",
    "immunohistochemistry": "stained tissue of a colon (from the Human Protein Atlas, by way of scikit-image)",
    "hubble_deep_field": "the Hubble eXtreme Deep Field (photograph by NASA, public domain, from scikit-image)",
}
SKIMAGE = ("astronaut", "chelsea", "coffee", "immunohistochemistry", "hubble_deep_field")

GAP = 8  # pixels between pictures
LABEL = 22  # pixels: height of a label
DRAWN = (36, 48)  # (height, width) of the pictures of a trial


def find(folder: Path | None, name: str) -> Tensor:
    """Return a picture (3, H, W) of the folder, of scikit-image's or of this project's, by its name.

    Raises:
        FileNotFoundError: if there is none.
    """
    if name == "rectangles":
        return rectangles()
    if name == "night":
        painting = resources.files("neural_style.cli") / "demo_pictures" / "painting.jpg"
        with resources.as_file(painting) as path:
            return load_image(path)
    if name in SKIMAGE:
        import skimage.data

        return to_image_tensor(getattr(skimage.data, name)())[0]
    paths = sorted(folder.glob(f"{name}.*")) if folder else []
    if not paths:
        raise FileNotFoundError(f"--pictures must hold a picture named {name}; got {folder}.")
    return load_image(paths[0])


def rectangles(height: int = 480, width: int = 640, seed: int = 3) -> Tensor:
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


def drawn(seed: int) -> Tensor:
    """Return a tiny composition of rectangles, shape (3, 36, 48), another for every seed."""
    return resize(rectangles(seed=seed).unsqueeze(0), DRAWN)[0]


def sheet(images: Sequence[Tensor], columns: int = 4, height: int = 260, gap: int = GAP) -> Tensor:
    """Return the pictures in rows of equal height on white, shape (3, H, W)."""
    sides = [(height, round(image.shape[2] * height / image.shape[1])) for image in images]
    small = [resize(image.unsqueeze(0), side)[0] for image, side in zip(images, sides, strict=True)]
    rows = [small[i : i + columns] for i in range(0, len(small), columns)]
    whole = max(sum(image.shape[2] + gap for image in row) - gap for row in rows)
    canvas = torch.ones(3, len(rows) * (height + gap) - gap, whole)
    for number, row in enumerate(rows):
        left, top = 0, number * (height + gap)
        for image in row:
            canvas[:, top : top + height, left : left + image.shape[2]] = image
            left += image.shape[2] + gap
    return canvas


def labelled_sheet(
    pictures: Sequence[tuple[str, Tensor]], columns: int = 4, height: int = 200, gap: int = GAP
) -> Tensor:
    """Return the pictures in rows of equal height on white, each under its label, shape (3, H, W)."""
    return sheet([labelled(image, text, height) for text, image in pictures], columns, height + LABEL, gap)


def labelled(image: Tensor, text: str, height: int) -> Tensor:
    """Return a picture at a height under a label; letters are those of Pillow's own font, which has few."""
    width = round(image.shape[-1] * height / image.shape[-2])
    label = Image.new("RGB", (width, LABEL), "white")
    font = ImageFont.load_default(14)
    ImageDraw.Draw(label).text((1, 2), text, fill="black", font=font)
    strip = torch.from_numpy(np.array(label)).permute(2, 0, 1) / 255
    return torch.cat([strip, resize(image.cpu().unsqueeze(0), (height, width))[0]], dim=1)


def title(name: str) -> str:
    """Return a picture's name for a label."""
    return "night cafe" if name == "cafe_terrace" else name.replace("_", " ")  # the file has another's name


def inset(image: Tensor, small: Tensor, share: float = 0.3) -> Tensor:
    """Return a picture (3, H, W) with another in its lower left corner, at a share of its height."""
    height = round(share * image.shape[-2])
    copy = resize(small.unsqueeze(0), (height, round(small.shape[-1] * height / small.shape[-2])))[0]
    result = image.clone()
    result[:, -height - 2 :, : copy.shape[-1] + 2] = 1.0
    result[:, -height:, : copy.shape[-1]] = copy
    return result


def cut(image: Tensor, top: float, left: float, share: float) -> Tensor:
    """Return a part of a picture (3, H, W): its corner and its sides are shares of the whole's."""
    height, width = size_of(image.unsqueeze(0))
    y, x = round(top * height), round(left * width)
    return image[:, y : y + round(share * height), x : x + round(share * width)]


def pixels(image: Tensor) -> bytes:
    """Return a picture's rows in eight bits, as they are before a file compresses them."""
    return to_pil(image).tobytes()
