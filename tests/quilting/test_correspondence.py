"""Correspondence maps: the blur against SciPy's, and the mapping of one distribution to another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.exposure import match_histograms

from neural_style.quilting.correspondence import blurred, correspondence_maps, match_histogram


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("radius", [0.7, 2.0])
def test_the_blur_is_scipys(radius: float) -> None:
    plane = random(1, 30, 41)
    expected = gaussian_filter(
        plane[0].double().numpy(), radius, mode="nearest", truncate=np.ceil(3 * radius) / radius
    )
    np.testing.assert_allclose(blurred(plane, radius)[0].numpy(), expected, atol=1e-6)


def test_a_picture_smaller_than_the_blur_is_blurred_too() -> None:
    torch.testing.assert_close(blurred(torch.full((1, 2, 3), 0.4), 5.0), torch.full((1, 2, 3), 0.4))


def test_no_radius_does_not_blur() -> None:
    plane = random(1, 4, 5)
    assert torch.equal(blurred(plane, 0.0), plane)


def test_a_plane_takes_anothers_values_in_its_own_order() -> None:
    plane, reference = random(1, 6, 7), random(1, 6, 7, seed=1) ** 3
    mapped = match_histogram(plane, reference)
    torch.testing.assert_close(mapped.flatten().sort().values, reference.flatten().sort().values)
    assert torch.equal(mapped.flatten().argsort(), plane.flatten().argsort())


def test_the_mapping_is_scikit_images_but_for_the_ends() -> None:
    plane, reference = random(1, 60, 70), random(1, 50, 40, seed=1) ** 2
    expected = match_histograms(plane[0].numpy(), reference[0].numpy())
    np.testing.assert_allclose(match_histogram(plane, reference)[0].numpy(), expected, atol=3e-3)


def test_equal_values_stay_equal() -> None:
    plane = torch.tensor([[[0.2, 0.2, 0.2, 0.9]]])
    mapped = match_histogram(plane, torch.tensor([[[0.0, 0.25, 0.5, 1.0]]]))
    torch.testing.assert_close(mapped, torch.tensor([[[0.25, 0.25, 0.25, 1.0]]]))


def test_a_plane_mapped_to_itself_stays() -> None:
    plane = random(1, 9, 8)
    torch.testing.assert_close(match_histogram(plane, plane), plane)


def test_a_dark_target_finds_the_light_places_of_the_source() -> None:
    source, target = random(3, 30, 40), 0.1 * random(3, 20, 25, seed=1)
    maps = correspondence_maps(source, target, 1.0)
    assert [tuple(one.shape) for one in maps] == [(1, 30, 40), (1, 20, 25)]
    assert maps[0].min() >= 0
    assert maps[1].max() == pytest.approx(maps[0].max().item(), abs=1e-6)
