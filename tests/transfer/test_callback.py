"""What a callback is given of the picture."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import Progress, StyleTransfer, load_image, save_image

CONTENT, STYLE = torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(0)).round()


def test_the_picture_of_the_progress_can_be_saved_and_is_the_callers_own(tmp_path: Path) -> None:
    kept: list[Tensor] = []
    extremes: list[float] = []

    def save(progress: Progress) -> None:
        picture = progress.picture()
        save_image(picture, tmp_path / "so-far.png")
        assert torch.equal(picture, progress.image[0].clamp(0, 1))
        extremes.extend(value.item() for value in progress.image.aminmax())
        kept.append(picture.clone())
        picture.zero_()  # changes nothing of the run

    transfer = StyleTransfer(weights=RANDOM, device="cpu")
    result = transfer.run(CONTENT, STYLE, size=48, iterations=3, levels=1, callback=save)
    assert min(extremes) < 0  # the values that save_image refuses
    assert load_image(tmp_path / "so-far.png").shape == kept[-1].shape == (3, 40, 48)
    assert torch.equal(result, transfer.run(CONTENT, STYLE, size=48, iterations=3, levels=1))
    assert torch.equal(result, kept[-1])
