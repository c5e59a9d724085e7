"""The transfer that users call: what it shows, its passes, its arguments."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neural_style.images.color import luma
from neural_style.images.resizing import resize
from neural_style.quilting import synthesize, transfer_texture
from neural_style.quilting.correspondence import correspondence_maps
from neural_style.quilting.laying import Guidance, lay
from neural_style.quilting.layout import Layout
from neural_style.quilting.transfer import shrinking, texture_weight


def picture(*size: int, seed: int = 0) -> Tensor:
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(seed))


def shades(*size: int) -> Tensor:
    """Return noise of all brightnesses from left to right."""
    return 0.8 * torch.linspace(0, 1, size[1]) + 0.2 * picture(*size)


def test_a_transfer_has_the_targets_shape_and_the_sources_pixels(device: torch.device) -> None:
    source, target = picture(24, 30), picture(20, 32, seed=1)
    kept = source.clone(), target.clone()
    image = transfer_texture(source, target, 6, size=None, passes=2, device=device)
    assert image.shape == (3, 20, 32)
    assert (image.dtype, image.device.type, image.is_contiguous()) == (torch.float32, device.type, True)
    colours = {tuple(pixel) for pixel in source.flatten(1).T.tolist()}
    assert {tuple(pixel) for pixel in image.flatten(1).T.tolist()} <= colours
    assert torch.equal(source, kept[0])
    assert torch.equal(target, kept[1])


@pytest.mark.parametrize("passes", [1, 3])
def test_light_and_dark_are_where_the_target_has_them(passes: int) -> None:
    target = torch.zeros(3, 48, 48)
    target[:, 10:30, 16:40] = 0.2  # a dark picture: its square is the lightest that it has
    image = luma(transfer_texture(shades(48, 48), target, 6, passes=passes, size=None).unsqueeze(0))[0, 0]
    assert image[12:28, 18:38].mean() > image[36:].mean() + 0.3


def test_a_picture_in_its_own_texture_is_itself() -> None:
    source = picture(34, 34)  # of whole blocks in both passes
    assert torch.equal(transfer_texture(source, source, 6, size=None, passes=2), source)


def test_smaller_blocks_show_more_of_the_target() -> None:
    source, target = shades(40, 40), picture(40, 40, seed=3)
    target = resize(resize(target.unsqueeze(0), (10, 10)), (40, 40))[0]

    def likeness(block: int) -> float:
        image = transfer_texture(source, target, block, size=None, passes=1)
        planes = torch.stack([luma(one.unsqueeze(0)).flatten() for one in (image, target)])
        return torch.corrcoef(planes)[0, 1].item()

    assert likeness(4) > likeness(16) + 0.05


def test_sizes_are_those_of_a_transfer() -> None:
    source, target = picture(30, 40), picture(36, 48, seed=1)
    image = transfer_texture(source, target, 6, size=24, passes=1)
    assert image.shape == (3, 18, 24)
    reduced = resize(source.unsqueeze(0), (18, 24))
    smaller = resize(target.unsqueeze(0), (18, 24))
    assert torch.equal(image, transfer_texture(reduced, smaller, 6, size=None, passes=1))


def test_the_texture_weighs_more_from_pass_to_pass() -> None:
    assert [texture_weight(number, 5) for number in range(5)] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert texture_weight(0, 1) == 0.1


def test_each_pass_is_laid_over_the_one_before_with_more_weight_on_the_texture() -> None:
    source, target = (resize(picture(6, 6, seed=s).unsqueeze(0), (24, 24))[0] for s in range(2))  # smooth
    maps = correspondence_maps(source, target, 1.0)  # a ninth of a block of 9 pixels
    options: dict[str, Any] = {"tolerance": 0.1, "generator": torch.Generator().manual_seed(3)}
    first = lay(source, Layout((24, 24), 9, 3), guidance=Guidance(*maps, 0.1), **options)
    second = lay(source, Layout((24, 24), 6, 2), guidance=Guidance(*maps, 0.9, first), **options)
    image = transfer_texture(source, target, 9, size=None, passes=2, seed=3)
    assert torch.equal(image, source.flatten(1)[:, second])


def test_blocks_shrink_by_a_third_and_overlaps_with_them() -> None:
    layouts = shrinking(Layout((40, 40), 27, 13), 5)
    assert [layout.block for layout in layouts] == [27, 18, 12, 8, 5]
    assert [layout.overlap for layout in layouts] == [13, 9, 6, 4, 2]


@pytest.mark.parametrize("options", [{"overlap": 2}, {"passes": 1}, {"tolerance": 2.0}, {"seed": 1}])
def test_an_option_changes_the_result_and_nothing_else_does(options: dict[str, float]) -> None:
    source, target = picture(24, 24), picture(24, 24, seed=1)
    first, again = (transfer_texture(source, target, 9, size=None, passes=2) for _ in range(2))
    other = transfer_texture(source, target, 9, **{"size": None, "passes": 2, **options})  # type: ignore[arg-type]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_default_dtype_changes_nothing() -> None:
    source, target = picture(24, 24), picture(24, 24, seed=1)
    images = [transfer_texture(source, target, 9, size=None, passes=2), synthesize(source, 30, 30, 9)]
    torch.set_default_dtype(torch.float64)
    try:
        again = [transfer_texture(source, target, 9, size=None, passes=2), synthesize(source, 30, 30, 9)]
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(*pair) for pair in zip(images, again, strict=True))


def test_progress_counts_the_blocks_of_all_passes() -> None:
    counts_seen: list[tuple[int, int]] = []
    source, target = picture(24, 24), picture(24, 24, seed=1)
    transfer_texture(
        source, target, 9, size=None, passes=2, callback=lambda *counts: counts_seen.append(counts)
    )
    total = sum(layout.count for layout in shrinking(Layout((24, 24), 9, 3), 2))
    assert {count for _, count in counts_seen} == {total}
    assert counts_seen[-1][0] == total


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"block_size": 17}, ValueError, "block_size must be at most the shorter side of the source, 16"),
        ({"block_size": 9, "size": 10}, ValueError, "shorter side of the source as reduced to 10 pixels, 8"),
        ({"block_size": 1}, ValueError, "block_size must"),
        ({"overlap": 5}, ValueError, "overlap must"),
        ({"passes": 0}, ValueError, "passes must"),
        ({"passes": 6}, ValueError, "passes must .* allow 5"),
        ({"passes": 10**12}, ValueError, "passes must .* allow 5"),
        ({"size": 0}, ValueError, "must be at least 1"),
        ({"tolerance": "a"}, TypeError, "tolerance must"),
        ({"seed": 0.5}, TypeError, "seed must"),
        ({"device": "nowhere"}, ValueError, "device must"),
        ({"source": 3}, TypeError, "source must"),
        ({"target": torch.zeros(1, 4, 4)}, ValueError, "target must"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], error: type[Exception], named: str) -> None:
    chosen = {"source": picture(20, 16), "target": picture(20, 20), "block_size": 8, **arguments}
    with pytest.raises(error, match=named):
        transfer_texture(**chosen)  # type: ignore[arg-type]
