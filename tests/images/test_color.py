"""One picture with the colours of another: its statistics against NumPy's, and pictures without colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style.images.color import MAPS, Colors, grey, grey_like, luma, match_colors, recolored, with_chroma


def picture(mean: float, deviation: float, seed: int) -> Tensor:
    """Return a picture with correlated channels that stays clear of 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.eye(3) + 0.3 * torch.rand(3, 3, generator=generator)
    pixels = mixing @ (torch.rand(3, 40 * 50, generator=generator) - 0.5) * deviation + mean
    return pixels.reshape(1, 3, 40, 50)


def statistics(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    pixels = image[0].flatten(1).double().numpy()
    return pixels.mean(1), np.cov(pixels, bias=True)


def test_the_result_has_the_targets_mean_and_covariance() -> None:
    image, target = picture(0.4, 0.3, 1), picture(0.5, 0.4, 2)
    mean, covariance = statistics(match_colors(image, target))
    target_mean, target_covariance = statistics(target)
    np.testing.assert_allclose(mean, target_mean, atol=1e-5)
    np.testing.assert_allclose(covariance, target_covariance, atol=2e-3)


def test_a_picture_keeps_its_own_colours_and_the_inputs_are_untouched() -> None:
    image = picture(0.5, 0.4, 3)
    before = image.clone()
    torch.testing.assert_close(match_colors(image, image), image, atol=1e-5, rtol=0)
    assert torch.equal(image, before)


def test_the_map_is_symmetric_and_positive_so_that_no_hue_is_turned_over() -> None:
    image, target = picture(0.5, 0.2, 4), picture(0.5, 0.3, 5)
    pixels = [match_colors(image, target)[0].flatten(1).double(), image[0].flatten(1).double()]
    moved, own = (p - p.mean(1, keepdim=True) for p in pixels)
    transform = moved @ torch.linalg.pinv(own)
    torch.testing.assert_close(transform, transform.T, atol=1e-4, rtol=0)
    assert torch.linalg.eigvalsh(transform).min() > 0


@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_a_constant_picture_becomes_the_targets_mean(grey: float) -> None:
    target = picture(0.5, 0.4, 6)
    result = match_colors(torch.full((1, 3, 8, 8), grey), target)
    expected = target.mean((2, 3), keepdim=True).expand_as(result)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_a_grey_picture_stays_on_a_line_of_colours() -> None:
    shades = torch.linspace(0.2, 0.8, 64).reshape(1, 1, 8, 8).expand(1, 3, 8, 8)
    pixels = match_colors(shades, picture(0.5, 0.3, 7))[0].flatten(1)
    singular = torch.linalg.svdvals(pixels - pixels.mean(1, keepdim=True))
    assert singular[1] < 1e-4 * singular[0]


def test_colours_stay_in_the_box() -> None:
    result = match_colors(picture(0.5, 0.2, 8), torch.rand(1, 3, 9, 9).round())
    assert result.min() >= 0
    assert result.max() <= 1


# -- exact maps, chroma that is kept --------------------------------------------------------------------


@pytest.mark.parametrize("mapping", MAPS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_recoloured_picture_has_the_targets_mean_and_covariance(mapping: str, seed: int) -> None:
    image, target = picture(0.4, 0.15, seed), picture(0.6, 0.2, seed + 10)
    target = target * torch.tensor([1.0, 0.6, 0.3]).view(1, 3, 1, 1)
    found, wanted = Colors.of(recolored(image, target, mapping=mapping)), Colors.of(target)
    assert (found.mean - wanted.mean).abs().max() < 1e-4
    assert (found.covariance - wanted.covariance).abs().max() < 1e-4
    assert (Colors.of(image).covariance - wanted.covariance).abs().max() > 1e-3


def test_the_maps_differ_and_that_of_monge_and_kantorovich_moves_least() -> None:
    image, target = picture(0.4, 0.15, 4), picture(0.6, 0.2, 5).flip(1)
    mixing = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8]])
    target = torch.einsum("ij,bjhw->bihw", mixing, target)
    results = {name: recolored(image, target, mapping=name) for name in MAPS}
    moved = {name: (result - image).square().mean().item() for name, result in results.items()}
    assert min(moved, key=lambda name: moved[name]) == "monge-kantorovich"
    assert len({round(value, 7) for value in moved.values()}) == len(MAPS)


@pytest.mark.parametrize("mapping", MAPS)
def test_a_grey_picture_is_not_spread_into_noise(mapping: str) -> None:
    shades = picture(0.5, 0.2, 6).mean(1, keepdim=True).expand(-1, 3, -1, -1).contiguous()
    result = recolored(shades, picture(0.5, 0.2, 7), mapping=mapping)
    assert torch.isfinite(result).all()
    assert result.abs().max() < 3
    assert torch.isfinite(recolored(torch.full((1, 3, 8, 8), 0.5), shades, mapping=mapping)).all()


def test_an_unknown_map_is_told() -> None:
    text = "^mapping must be one of 'monge-kantorovich', 'cholesky', 'pca', 'symmetric'; got 'linear'. "
    with pytest.raises(ValueError, match=text):
        recolored(picture(0.5, 0.2, 8), picture(0.5, 0.2, 9), mapping="linear")


def test_colours_of_a_masked_part_and_of_a_mixture_are_those_of_the_pixels() -> None:
    one, other = torch.rand(2, 1, 3, 16, 20, generator=torch.Generator().manual_seed(10))
    mask = torch.zeros(1, 1, 16, 20)
    mask[..., :7] = 1
    part, cut = Colors.of(one, mask), Colors.of(one[..., :7])
    torch.testing.assert_close(part.mean, cut.mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(part.covariance, cut.covariance, atol=1e-6, rtol=0)
    mixed = Colors.mixed([Colors.of(one), Colors.of(other)], [1, 3])
    both = Colors.of(torch.cat([one, other, other, other], dim=3))
    torch.testing.assert_close(mixed.mean, both.mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(mixed.covariance, both.covariance, atol=1e-6, rtol=0)


def test_chroma_is_the_photographs_and_luma_the_others_where_it_can_be() -> None:
    image, content = torch.rand(2, 1, 3, 24, 32, generator=torch.Generator().manual_seed(11))
    result = with_chroma(image, content)
    assert 0 <= result.amin() <= result.amax() <= 1
    chroma = [each - luma(each) for each in (result, content)]
    torch.testing.assert_close(chroma[0], chroma[1], atol=1e-5, rtol=0)
    muted = 0.45 + 0.1 * content
    torch.testing.assert_close(luma(with_chroma(image * 0.5 + 0.25, muted)), luma(image * 0.5 + 0.25))
    torch.testing.assert_close(with_chroma(content, content), content, atol=1e-6, rtol=0)


def test_luma_is_bt601s_and_a_grey_style_has_the_photographs() -> None:
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    assert luma(green).item() == pytest.approx(0.587)
    image, target = picture(0.3, 0.1, 12), picture(0.6, 0.2, 13)
    result = grey_like(image, target)
    assert torch.equal(result[:, 0], result[:, 2])
    assert luma(result).mean().item() == pytest.approx(luma(target).mean().item(), abs=1e-5)
    assert luma(result).std().item() == pytest.approx(luma(target).std().item(), rel=1e-3)
    torch.testing.assert_close(grey(image)[:, 1:2], luma(image))
