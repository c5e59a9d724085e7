"""The minimum-error boundary cut against every path there is, and its pixels."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from neural_style.quilting.seams import follow, minimum_cut, new_pixels, path_costs


def random_errors(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def paths(height: int, width: int) -> list[tuple[int, ...]]:
    """Return every path from top to bottom that moves by at most one column from row to row."""
    return [
        path
        for path in itertools.product(range(width), repeat=height)
        if all(abs(after - before) <= 1 for before, after in itertools.pairwise(path))
    ]


def cost(errors: Tensor, path: tuple[int, ...] | list[int]) -> float:
    """Return the sum of errors (h, w) along a path, in plain Python."""
    return sum(errors[row, column].item() for row, column in enumerate(path))


def test_a_cut_that_is_worked_out_by_hand() -> None:
    errors = torch.tensor([[[1.0, 4, 9], [9, 1, 9], [9, 9, 1], [9, 1, 9]]])
    costs = torch.tensor([[[4.0, 7, 12], [19, 3, 11], [10, 10, 2], [9, 1, 9]]])
    assert torch.equal(path_costs(errors), costs)
    assert minimum_cut(errors).tolist() == [[0, 1, 2, 1]]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3), (2, 1), (5, 2), (6, 3), (5, 4)])
def test_the_cut_is_the_least_of_all_paths(height: int, width: int, device: torch.device) -> None:
    batch = random_errors(8, height, width)
    cuts = minimum_cut(batch.to(device)).tolist()
    for errors, cut in zip(batch, cuts, strict=True):
        least = min(cost(errors, path) for path in paths(height, width))
        assert cost(errors, cut) == pytest.approx(least, rel=1e-6)
        assert tuple(cut) in paths(height, width)


def test_a_cut_never_costs_more_than_a_straight_one() -> None:
    errors = random_errors(50, 30, 5, seed=1)
    chosen = errors.gather(2, minimum_cut(errors).unsqueeze(2)).sum((1, 2))
    assert (chosen <= errors.sum(1).amin(1) * (1 + 1e-6)).all()


@pytest.mark.parametrize(("left", "top"), [(True, False), (False, True)])
def test_pixels_before_the_cut_are_old_and_the_rest_is_new(left: bool, top: bool) -> None:
    errors = random_errors(3, 9, 9)
    new = new_pixels(errors, 4, left=left, top=top)
    cuts = minimum_cut(errors[:, :, :4] if left else errors.mT[:, :, :4])
    for mask, cut in zip(new if left else new.mT, cuts, strict=True):
        expected = torch.ones(9, 9, dtype=torch.bool)
        for row, column in enumerate(cut.tolist()):
            expected[row, :column] = False
        assert torch.equal(mask, expected)


def test_a_block_that_overlaps_nothing_is_all_new() -> None:
    assert new_pixels(random_errors(2, 6, 6), 2, left=False, top=False).all()


def corner_cuts(errors: Tensor, overlap: int) -> dict[frozenset[tuple[int, int]], float]:
    """Return every cut of two paths, from the bottom and from the right, that meet in the corner: its cost."""
    block = len(errors)
    cuts: dict[frozenset[tuple[int, int]], float] = {}
    for row, column in itertools.product(range(overlap), repeat=2):
        downs = [path for path in paths(block - row, overlap) if path[0] == column]
        acrosses = [path for path in paths(block - column, overlap) if path[0] == row]
        for down, across in itertools.product(downs, acrosses):
            pixels = [(row + step, c) for step, c in enumerate(down)]
            pixels += [(r, column + step) for step, r in enumerate(across)][1:]
            cuts[frozenset(pixels)] = sum(errors[pixel].item() for pixel in pixels)
    return cuts


def corner_cut(errors: Tensor, overlap: int) -> tuple[list[tuple[int, int]], Tensor]:
    """Return the pixels of the chosen cut of one block, each as often as it counts, and the mask."""
    down, across = path_costs(errors[None, :, :overlap]), path_costs(errors[None, :overlap].mT)
    sums = down[0, :overlap] + across[0, :overlap].T - errors[:overlap, :overlap]
    row, column = divmod(int(sums.argmin()), overlap)
    columns = follow(down, torch.tensor([row]), torch.tensor([column]))[0].tolist()
    rows = follow(across, torch.tensor([column]), torch.tensor([row]))[0].tolist()
    pixels = [(r, columns[r]) for r in range(row, len(errors))]
    pixels += [(rows[c], c) for c in range(column + 1, len(errors))]
    return pixels, new_pixels(errors.unsqueeze(0), overlap, left=True, top=True)[0]


@pytest.mark.parametrize("seed", range(5))
def test_two_cuts_meet_where_their_sum_is_least(seed: int) -> None:
    errors = random_errors(5, 5, seed=seed)
    pixels, _new = corner_cut(errors, 2)
    least = min(corner_cuts(errors, 2).values())
    assert sum(errors[pixel].item() for pixel in pixels) == pytest.approx(least, rel=1e-6)


def test_a_cut_around_the_corner_never_costs_more_than_straight_lines() -> None:
    for seed in range(20):
        errors = random_errors(12, 12, seed=seed)
        pixels, _new = corner_cut(errors, 4)
        straight = min(
            errors[row:, column].sum().item() + errors[row, column + 1 :].sum().item()
            for row, column in itertools.product(range(4), repeat=2)
        )
        assert sum(errors[pixel].item() for pixel in pixels) <= straight * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_around_the_corner_pixels_are_old_where_no_cut_divides_them_from_the_border(seed: int) -> None:
    errors = random_errors(10, 10, seed=seed)
    pixels, new = corner_cut(errors, 4)
    waiting = [(row, column) for row, column in itertools.product(range(10), repeat=2) if 0 in (row, column)]
    old: set[tuple[int, int]] = set()
    while waiting:
        row, column = waiting.pop()
        if (row, column) not in old | set(pixels) and 0 <= row < 10 and 0 <= column < 10:
            old.add((row, column))
            waiting += [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    assert {(row, column) for row, column in (~new).nonzero().tolist()} == old


@pytest.mark.parametrize("errors", [torch.zeros(2, 7, 7), random_errors(2, 7, 7)])
def test_pixels_beyond_the_overlap_are_always_new(errors: Tensor) -> None:
    assert new_pixels(errors, 3, left=True, top=True)[:, 3:, 3:].all()
