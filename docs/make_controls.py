"""Make the pictures of the pages on control, departures and self-taught filters from one seeded script.

    python docs/make_controls.py --pictures FOLDER

FOLDER holds the inputs under the names of `figures.pictures.CREDITS`. A picture that exists already is kept, so
that an interrupted run goes on; delete it to make it anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from figures.pictures import find, sheet
from neural_style import (
    Style,
    StyleTransfer,
    learn_weights,
    reconstruct_content,
    save_image,
    synthesize_texture,
)
from neural_style.images.resizing import fit_within, resize

IMAGES = Path(__file__).parent / "images" / "control"
SIZE = 256
GAP = 6  # pixels between pictures

Row = Callable[[Tensor, dict[str, Tensor]], list[Tensor]]


def strength(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """A quarter, a half, three quarters."""
    return [run(photo, paintings["starry_night"], strength=share) for share in (0.25, 0.5, 0.75)]


def styles(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """One painting, both, the other."""
    pair = [paintings["starry_night"], paintings["great_wave"]]
    return [run(photo, pair, style_weights=weights) for weights in ([1, 0], [1, 1], [0, 1])]


def scale(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """Strokes of half, the usual and twice the size."""
    return [run(photo, Style(paintings["starry_night"], scale=factor)) for factor in (0.5, 1.0, 2.0)]


def regions(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """The mask, two styles by it, one of them alone."""
    sky = sky_of(photo)
    above, below = (
        Style(paintings["starry_night"], region=sky),
        Style(paintings["cafe_terrace"], region=1 - sky),
    )
    return [sky.expand(3, -1, -1), run(photo, [above, below]), run(photo, above)]


def color(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """The style's colours, the content's chroma, the content's palette."""
    return [run(photo, paintings["great_wave"], color=choice) for choice in ("style", "content", "match")]


def statistic(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """The Gram matrix, mean and deviation, Wasserstein's distance."""
    names = ("gram", "mean-deviation", "wasserstein")
    return [run(photo, paintings["starry_night"], statistic=name) for name in names]


def smoothness(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """No total variation, the default's, three times as much."""
    weights = (0.0, None, 3.0)
    return [run(photo, paintings["cafe_terrace"], variation_weight=weight) for weight in weights]


def start(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """From the style, from noise, from noise with less weight on the content."""
    painting = paintings["starry_night"]
    return [
        run(photo, painting, init="style"),
        run(photo, painting, init="noise"),
        run(photo, painting, init="noise", content_weight=0.1),
    ]


def layers(photo: Tensor, _paintings: dict[str, Tensor]) -> list[Tensor]:
    """Reconstructions from an early, a middle and a late layer."""
    names = ("relu2_2", "relu3_2", "relu4_2")
    return [reconstruct_content(photo, name, size=SIZE) for name in names]


def texture(_photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """A texture, another, and four copies of one that tiles the plane."""
    sides = (240, 320)
    tile = synthesize_texture(paintings["starry_night"], (112, 160), padding="circular")
    return [
        synthesize_texture(paintings["starry_night"], sides),
        synthesize_texture(paintings["olive_trees"], sides),
        tile.repeat(1, 2, 2),
    ]


def departures(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """The default, and what it would be without one of its departures from the paper."""
    choices: list[dict[str, object]] = [
        *({}, {"statistic": "gram"}, {"match_colors": False}, {"content_weight": 0.03}),
        *({"pooling": "max"}, {"padding": "zeros"}, {"variation_weight": 0}, {"levels": 1, "iterations": 33}),
    ]
    cat = find(Path(), "chelsea")
    return [
        run(*pair, **choice)
        for pair in ((photo, paintings["great_wave"]), (cat, paintings["olive_trees"]))
        for choice in choices
    ]


def self_taught(photo: Tensor, paintings: dict[str, Tensor]) -> list[Tensor]:
    """With VGG-19, and with filters learned from the painting alone."""
    painting = paintings["starry_night"]
    small = resize(painting.unsqueeze(0), fit_within((painting.shape[-2], painting.shape[-1]), SIZE))[0]
    return [run(photo, painting), run(photo, painting, weights=learn_weights([small]))]


ROWS: tuple[Row, ...] = (
    *(strength, styles, scale, regions, color, smoothness, statistic, start, layers, texture),
    *(departures, self_taught),
)


def run(photo: Tensor, style: object, **options: object) -> Tensor:
    """Return the default's transfer."""
    names = ("style_weights", "init", "levels", "iterations")
    of_run = {name: options.pop(name) for name in names if name in options}
    transfer = StyleTransfer(**options)  # type: ignore[arg-type]
    return transfer.run(photo, style, size=SIZE, **of_run).cpu()  # type: ignore[arg-type]


def sky_of(photo: Tensor) -> Tensor:
    """Return a soft mask of the Neckarfront's sky, shape (1, H, W): what is blue in the upper half."""
    height, width = photo.shape[-2:]
    blue = (photo[2] - photo[0] > 0.12).float()
    blue[height // 2 :] = 0
    soft = torch.nn.functional.avg_pool2d(blue.view(1, 1, height, width), 9, stride=1, padding=4)
    return soft[0]


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of the inputs")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="names of some")
    arguments = parser.parse_args()
    names = ("starry_night", "great_wave", "olive_trees", "cafe_terrace")
    photo = find(arguments.pictures, "tuebingen")
    paintings = {name: find(arguments.pictures, name) for name in names}
    IMAGES.mkdir(exist_ok=True)
    for row in ROWS:
        target = IMAGES / f"{row.__name__}.jpg"
        if target.exists() or (arguments.only and row.__name__ not in arguments.only):
            continue
        began = time.monotonic()
        pictures = row(photo, paintings)
        height = min(picture.shape[-2] for picture in pictures)
        save_image(sheet(pictures, columns=4, height=height, gap=GAP), target, quality=90)
        print(f"{target}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
