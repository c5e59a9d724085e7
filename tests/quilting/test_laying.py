"""Quilts: the order of blocks, what is drawn, and where every pixel comes from."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style.quilting.laying import INVISIBLE, Guidance, draw, lay
from neural_style.quilting.layout import Layout
from neural_style.quilting.seams import new_pixels


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def quilt(source: Tensor, layout: Layout, seed: int = 0, guidance: Guidance | None = None) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return lay(source, layout, tolerance=0.1, generator=generator, guidance=guidance)


def by_loops(source: Tensor, layout: Layout, seed: int, guidance: Guidance | None = None) -> np.ndarray:
    """Return the quilt's positions, laid block by block in raster order, with errors from plain sums."""
    b, o, step, (rows, columns) = layout.block, layout.overlap, layout.step, layout.grid
    s = source.double().numpy()
    height, width = s.shape[1:]
    draws = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)).numpy()
    flat, quilt = s.reshape(3, -1), np.zeros(layout.covered, dtype=np.int64)
    corners: dict[tuple[int, int], tuple[int, int]] = {}
    alpha = 1.0 if guidance is None else guidance.weight
    for i, j in itertools.product(range(rows), range(columns)):
        place = np.s_[i * step : i * step + b, j * step : j * step + b]
        mask = np.zeros((b, b))
        mask[:, : o * (j > 0)] = mask[: o * (i > 0)] = 1
        old = flat[:, quilt[place]]
        errors = np.zeros((height - b + 1, width - b + 1))
        count = alpha * 3 * mask.sum()
        for y, x in np.ndindex(errors.shape):
            block = s[:, y : y + b, x : x + b]
            errors[y, x] = alpha * (mask * (block - old) ** 2).sum()
        if guidance is not None:
            count += (1 - alpha) * b * b
            there = extended(guidance.target[0].double().numpy(), layout)[place]
            maps = guidance.source[0].double().numpy()
            for y, x in np.ndindex(errors.shape):
                errors[y, x] += (1 - alpha) * ((maps[y : y + b, x : x + b] - there) ** 2).sum()
            if guidance.previous is not None:
                count += alpha * 3 * b * b
                before = flat[:, extended(guidance.previous.numpy(), layout)[place]]
                for y, x in np.ndindex(errors.shape):
                    errors[y, x] += alpha * ((s[:, y : y + b, x : x + b] - before) ** 2).sum()
        else:
            for neighbour, down, right in (((i, j - 1), 0, step), ((i - 1, j), step, 0)):
                if neighbour in corners:
                    y, x = corners[neighbour][0] + down, corners[neighbour][1] + right
                    if y <= height - b and x <= width - b:
                        errors[y, x] = np.inf
        limit = max(1.1 * errors.min(), INVISIBLE * count)
        candidates = np.argwhere(errors <= limit)
        y, x = (int(value) for value in candidates[int(draws[i, j] * len(candidates))])
        corners[i, j] = (y, x)
        new = np.arange(y, y + b)[:, None] * width + np.arange(x, x + b)
        difference = torch.from_numpy(((flat[:, new] - old) ** 2).sum(0)).unsqueeze(0)
        kept = new_pixels(difference, o, left=j > 0, top=i > 0)[0].numpy()
        quilt[place] = np.where(kept, new, quilt[place])
    return quilt[: layout.size[0], : layout.size[1]]


def extended(plane: np.ndarray, layout: Layout) -> np.ndarray:
    """Return a plane with copies of its border up to all that the blocks cover."""
    more = [(0, covered - side) for covered, side in zip(layout.covered, layout.size, strict=True)]
    return np.pad(plane, more, mode="edge")


# The layout ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "block", "overlap", "grid"),
    [((10, 10), 10, 2, (1, 1)), ((3, 11), 10, 2, (1, 2)), ((18, 19), 10, 2, (2, 3)), ((7, 7), 2, 1, (6, 6))],
)
def test_blocks_cover_the_picture_and_none_is_needless(
    size: tuple[int, int], block: int, overlap: int, grid: tuple[int, int]
) -> None:
    layout = Layout(size, block, overlap)
    assert layout.grid == grid
    for side, covered, blocks in zip(size, layout.covered, grid, strict=True):
        assert covered == (blocks - 1) * layout.step + block >= side
        assert blocks == 1 or covered - layout.step < side


def test_waves_hold_every_block_once_after_all_that_it_overlaps() -> None:
    layout = Layout((50, 40), 8, 2)
    rows, columns = layout.grid
    laid: set[tuple[int, int]] = set()
    for wave in layout.waves():
        for i, j in wave:
            before = {(i, j - 1), (i - 1, j - 1), (i - 1, j), (i - 1, j + 1)}
            assert {(y, x) for y, x in before if y >= 0 and 0 <= x < columns} <= laid
        assert not laid & set(wave)
        laid |= set(wave)
    assert laid == set(itertools.product(range(rows), range(columns)))


# What is drawn -------------------------------------------------------------------------------------------


def test_every_candidate_is_drawn_equally_often_and_no_other() -> None:
    errors = torch.tensor([[[9.0, 1.0, 1.2], [1.09, 5.0, 1.0]]]).expand(3000, 2, 3)
    counts = Counter(draw(errors, random(3000), 0.1, 0.0).tolist())
    assert set(counts) == {1, 3, 5}
    assert min(counts.values()) > 900


def test_without_tolerance_the_best_is_drawn() -> None:
    errors = random(20, 5, 6)
    assert torch.equal(draw(errors, random(20), 0.0, 0.0), errors.flatten(1).argmin(1))


def test_errors_that_nobody_sees_count_as_equal() -> None:
    errors = torch.tensor([[[0.0, 0.5, 1.0]]]).expand(100, 1, 3)
    assert set(draw(errors, random(100), 0.1, 0.6).tolist()) == {0, 1}


def test_a_draw_of_almost_one_takes_the_last_candidate() -> None:
    assert draw(torch.zeros(1, 300, 300), torch.tensor([1 - 2**-24]), 0.1, 0.0).item() == 300 * 300 - 1


# The quilt -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_quilt_is_that_of_plain_loops_in_raster_order(seed: int, device: torch.device) -> None:
    source, layout = random(3, 17, 14, seed=seed), Layout((29, 34), 6, 2)
    positions = quilt(source.to(device), layout, seed)
    np.testing.assert_array_equal(positions.cpu().numpy(), by_loops(source, layout, seed))


@pytest.mark.parametrize("again", [False, True])
def test_a_transfer_is_that_of_plain_loops_in_raster_order(again: bool) -> None:
    source, target, layout = random(3, 17, 14), random(1, 21, 26, seed=2), Layout((21, 26), 5, 2)
    previous = quilt(source, Layout((21, 26), 6, 2)) if again else None
    guidance = Guidance(source.mean(0, keepdim=True), target, 0.3, previous)
    positions = quilt(source, layout, 5, guidance)
    np.testing.assert_array_equal(positions.numpy(), by_loops(source, layout, 5, guidance))


@pytest.mark.parametrize(
    ("size", "block", "overlap"), [((40, 52), 12, 2), ((31, 33), 9, 4), ((30, 30), 2, 1), ((5, 40), 10, 3)]
)
def test_every_pixel_comes_from_the_source_at_the_offset_of_a_block(
    size: tuple[int, int], block: int, overlap: int
) -> None:
    source, layout = random(3, 20, 26), Layout(size, block, overlap)
    positions = quilt(source, layout)
    assert positions.shape == size
    y, x = positions // 26, positions % 26
    offsets = positions - torch.arange(size[0]).unsqueeze(1) * 26 - torch.arange(size[1])
    assert y.min() >= 0
    assert y.max() < 20
    for i, j in itertools.product(*(range(blocks) for blocks in layout.grid)):
        # Inside the block, where no later one reaches, all pixels have one offset.
        top, left = i * layout.step + overlap, j * layout.step + overlap
        inner = np.s_[top : top + block - 2 * overlap, left : left + block - 2 * overlap]
        down = y[inner] - torch.arange(size[0]).unsqueeze(1)[inner[0]]
        right = x[inner] - torch.arange(size[1])[inner[1]]
        assert down.numel() == 0 or (down == down.flatten()[0]).all()
        assert right.numel() == 0 or (right == right.flatten()[0]).all()
        # Anywhere in the block, pixels are of it or of the eight around, at their offsets.
        whole = np.s_[i * layout.step : i * layout.step + block, j * layout.step : j * layout.step + block]
        assert len(set(offsets[whole].flatten().tolist())) <= 9


def test_a_large_source_is_laid_in_smaller_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    source, layout = random(3, 20, 20), Layout((40, 40), 8, 2)
    whole = quilt(source, layout)
    monkeypatch.setattr("neural_style.quilting.laying._AT_ONCE", 2 * 20 * 20)
    assert torch.equal(quilt(source, layout), whole)


def test_a_block_is_not_a_copy_of_what_continues_its_neighbours() -> None:
    """In a source without repetition, only that has an error of 0, and would be drawn up to the border."""
    positions = quilt(random(3, 60, 60), Layout((60, 60), 12, 2))
    across = (positions[:, 1:] - positions[:, :-1] == 1).float().mean()
    assert 0.5 < across < 1
    offsets = positions - torch.arange(60).unsqueeze(1) * 60 - torch.arange(60)
    assert len(set(offsets.flatten().tolist())) > 20


def test_a_texture_that_repeats_itself_is_continued_without_an_error() -> None:
    stripes = torch.tensor([0.2, 0.2, 0.8, 0.5]).repeat(8).expand(3, 32, 32).contiguous()
    image = stripes.flatten(1)[:, quilt(stripes, Layout((40, 70), 8, 4))]
    assert torch.equal(image[:, :, 4:], image[:, :, :-4])


def test_blocks_are_drawn_by_the_seed_alone() -> None:
    source, layout = random(3, 24, 24), Layout((40, 40), 8, 2)
    first, again, other = (quilt(source, layout, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
