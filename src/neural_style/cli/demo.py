"""The two bundled pictures, and the sheet that shows a result beside what it was made of."""

from collections.abc import Sequence
from importlib import resources

import torch
from torch import Tensor

from neural_style.images.io import to_image_tensor
from neural_style.images.resizing import resize


def bundled_pictures() -> tuple[Tensor, Tensor]:
    """Return the demo's photograph and painting, of shape (1, 3, H, W), RGB in [0, 1].

    ``demo_pictures/README.md`` names their sources.

    >>> [tuple(picture.shape) for picture in bundled_pictures()]
    [(1, 3, 300, 451), (1, 3, 512, 640)]
    """
    folder = resources.files("neural_style.cli") / "demo_pictures"
    with (
        resources.as_file(folder / "photograph.jpg") as photograph,
        resources.as_file(folder / "painting.jpg") as painting,
    ):
        return to_image_tensor(photograph, "photograph"), to_image_tensor(painting, "painting")


def sheet(pictures: Sequence[Tensor], *, gap: int = 8) -> Tensor:
    """Return pictures side by side on white, all as high as the last, shape (1, 3, H, W'), in [0, 1].

    Args:
        pictures: of shape (1, 3, H, W), in [0, 1]; all are moved to the device of the last.
        gap: white pixels between neighbours.

    >>> sheet([torch.zeros(1, 3, 8, 4), torch.zeros(1, 3, 16, 10)], gap=2).shape
    torch.Size([1, 3, 16, 20])
    """
    height = pictures[-1].shape[-2]
    white = torch.ones(1, 3, height, gap, device=pictures[-1].device)
    row: list[Tensor] = []
    for picture in pictures:
        width = max(1, round(picture.shape[-1] * height / picture.shape[-2]))
        row += [white, resize(picture.to(white), (height, width))]
    return torch.cat(row[1:], dim=-1)
