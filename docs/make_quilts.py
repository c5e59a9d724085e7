"""Make the pictures of the page on image quilting from one seeded script.

    python docs/make_quilts.py --pictures FOLDER

FOLDER holds the inputs as `figures/pictures.py` names them; scikit-image has to be installed. A picture that
exists already is kept; delete it to make it anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from skimage import data
from torch import Tensor

from figures.pictures import find, sheet
from neural_style import load_image, save_image
from neural_style.images.io import to_image_tensor
from neural_style.images.resizing import fit_within, resize, size_of
from neural_style.quilting import synthesize, transfer_texture

IMAGES = Path(__file__).parent / "images"
SIDE = 160  # pixels of a texture; the quilt has twice as many
GAP = 6  # pixels between pictures


def texture(pictures: Path) -> Tensor:
    """Gravel and a part of a painting, each beside a quilt of it."""
    gravel = resize(to_image_tensor(data.gravel()), (256, 256))[0]
    painting = find(pictures, "starry_night")
    sky = resize(painting.unsqueeze(0), fit_within(size_of(painting), 512))[0, :, 20:, 100:]
    row: list[Tensor] = []
    for picture, block in ((gravel, 36), (sky, 40)):
        part = picture[:, :SIDE, :SIDE].contiguous()
        row += [torch.cat([part, torch.ones_like(part)], 1), synthesize(part, 2 * SIDE, 2 * SIDE, block)]
    return sheet(row, columns=4, height=2 * SIDE, gap=GAP)


def transfer(pictures: Path) -> Tensor:
    """A photograph after a painting, by quilting and by this library's default."""
    quilt = transfer_texture(find(pictures, "starry_night"), find(pictures, "tuebingen"))
    pair = [quilt.cpu(), load_image(IMAGES / "tuebingen-starry-night.jpg")]
    return sheet(pair, columns=2, height=360, gap=GAP)


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of the inputs")
    pictures = parser.parse_args().pictures
    made: tuple[Callable[[Path], Tensor], ...] = (texture, transfer)
    for make in made:
        target = IMAGES / f"quilting-{make.__name__}.jpg"
        if not target.exists():
            began = time.monotonic()
            save_image(make(pictures), target, quality=88)
            print(f"{target}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
