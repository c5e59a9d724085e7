"""Copy rates of pictures that are copied, in part, or not."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from drawn import blurred, shuffled, strokes
from neural_style import metrics

PAINTING = strokes(24, 0.5, 1, (128, 160))


def test_the_style_and_any_crop_of_it_are_copies() -> None:
    assert metrics.copy_rate(PAINTING, PAINTING) == 1
    assert metrics.copy_rate(PAINTING[..., 5:, 3:], PAINTING) == 1
    assert metrics.copy_rate(shuffled(PAINTING, 32), PAINTING, patch=8) == 1  # blocks are cut along patches
    assert 0.6 < metrics.copy_rate(shuffled(PAINTING, 32), PAINTING) < 0.9  # those across a seam are not


def test_other_pictures_and_blurred_ones_are_not() -> None:
    assert metrics.copy_rate(strokes(24, 0.5, 2, (128, 160)), PAINTING) == 0
    assert metrics.copy_rate(blurred(PAINTING, 0.7), PAINTING) < 0.02
    assert metrics.copy_rate(PAINTING.flip(3), PAINTING) == 0


def test_the_rate_is_the_share_that_is_copied() -> None:
    pasted = strokes(24, 0.5, 2, (128, 160))
    pasted[..., 64:, :] = PAINTING[..., 11:75, :]  # the lower half
    assert metrics.copy_rate(pasted, PAINTING) == pytest.approx(0.5, abs=0.03)
    within = (pasted + 1.5 / 255).clamp(0, 1)
    assert metrics.copy_rate(within, PAINTING) == pytest.approx(0.5, abs=0.03)
    beyond = (pasted + 2.5 / 255).clamp(0, 1)
    assert metrics.copy_rate(beyond, PAINTING) == 0
    assert metrics.copy_rate(beyond, PAINTING, tolerance=3 / 255) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("few", [False, True], ids=["as usual", "few axes and candidates first"])
def test_the_rate_is_that_of_a_search_through_all_patches(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if few:  # then most copies are not among the candidates that are compared first
        monkeypatch.setattr("neural_style.metrics.copying.AXES", 1)
        monkeypatch.setattr("neural_style.metrics.copying.NEAREST", 2)
    generator = torch.Generator().manual_seed(3)
    style = torch.nn.functional.interpolate(torch.rand(1, 3, 6, 6, generator=generator), (36, 40))
    image = (style[..., 2:34, 3:38] + 0.01 * torch.randn(1, 3, 32, 35, generator=generator)).clamp(0, 1)
    own, theirs = image[0].numpy(), style[0].numpy()
    counted = copies = 0
    for y in range(0, 28, 5):
        for x in range(0, 31, 5):
            one = own[:, y : y + 5, x : x + 5]
            if np.sqrt(((one - one.mean((1, 2), keepdims=True)) ** 2).mean()) <= 0.03:
                continue
            counted += 1
            windows = np.lib.stride_tricks.sliding_window_view(theirs, (5, 5), (1, 2)).transpose(1, 2, 0, 3, 4)
            copies += bool((((windows - one) ** 2).mean((2, 3, 4)) <= 0.01**2).any())
    assert 0 < copies < counted
    assert metrics.copy_rate(image, style, patch=5, tolerance=0.01) == pytest.approx(copies / counted)


def test_stripes_are_searched_in_bounded_memory() -> None:
    wave = 0.5 + 0.4 * torch.sin(torch.arange(192) * torch.pi / 4)
    stripes = wave.expand(1, 3, 192, 192).contiguous()  # 8 patches, each at 4400 places
    tracemalloc.start()
    assert metrics.copy_rate(stripes, stripes) == 1
    assert metrics.copy_rate((stripes + 2.5 / 255).clamp(0, 1), stripes) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # bytes; all candidates at once take five times as much


def test_flat_patches_do_not_count() -> None:
    half = PAINTING.clone()
    half[..., 65:, :] = 0.5  # from a row where patches begin
    assert metrics.copy_rate(half, PAINTING) == 1
    assert metrics.copy_rate(torch.full((1, 3, 64, 64), 0.5), PAINTING) == 0


def test_a_patch_that_is_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^patch must be at most 32"):
        metrics.copy_rate(PAINTING, PAINTING, patch=33)
    with pytest.raises(ValueError, match=r"^tolerance must"):
        metrics.copy_rate(PAINTING, PAINTING, tolerance=-1)
