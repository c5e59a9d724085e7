"""One picture with the colours of another: its statistics against NumPy's, and pictures without colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from neural_style.images.color import Colors, grey, grey_like, luma, match_colors, recolored, with_chroma


def picture(mean: float, deviation: float, seed: int) -> Tensor:
    """Return a picture with correlated channels that stays clear of 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.eye(3) + 0.3 * torch.rand(3, 3, generator=generator)
    pixels = mixing @ (torch.rand(3, 40 * 50, generator=generator) - 0.5) * deviation + mean
    return pixels.reshape(1, 3, 40, 50)


def statistics(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    pixels = image[0].flatten(1).double().numpy()
    return pixels.mean(1), np.cov(pixels, bias=True)


def test_the_result_has_the_targets_mean_and_covariance_but_for_what_leaves_the_box() -> None:
    image, target = picture(0.4, 0.3, 1), picture(0.5, 0.4, 2)
    mean, covariance = statistics(match_colors(image, target))
    target_mean, target_covariance = statistics(target)
    np.testing.assert_allclose(mean, target_mean, atol=1e-5)
    np.testing.assert_allclose(covariance, target_covariance, atol=2e-3)
    cut_off = match_colors(image, torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(0)).round())
    assert 0 <= cut_off.min() <= cut_off.max() <= 1
    constant = match_colors(torch.full((1, 3, 8, 8), 0.3), target)
    torch.testing.assert_close(
        constant, target.mean((2, 3), keepdim=True).expand_as(constant), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_a_recoloured_picture_has_the_targets_mean_and_covariance(seed: int, masked: bool) -> None:
    image, target = picture(0.4, 0.15, seed), picture(0.6, 0.2, seed + 10)
    target = target * torch.tensor([1.0, 0.6, 0.3]).view(1, 3, 1, 1)
    mask = torch.linspace(0, 1, 50).expand(1, 1, 40, 50) if masked else None
    found, wanted = Colors.of(recolored(image, target, mask=mask), mask), Colors.of(target)
    assert (found.mean - wanted.mean).abs().max() < 1e-4
    assert (found.covariance - wanted.covariance).abs().max() < 1e-4
    assert (Colors.of(image).covariance - wanted.covariance).abs().max() > 1e-3


def test_no_other_map_to_the_same_colours_moves_them_less() -> None:
    """Any other is T R' with R' a rotation that keeps the covariance wanted: R' = Σ'^½ R Σ'^-½."""
    image, target = picture(0.4, 0.15, 4), picture(0.6, 0.2, 5).flip(1)
    result, wanted = recolored(image, target), Colors.of(target)
    least = (result - image).square().mean().item()
    values, axes = torch.linalg.eigh(wanted.covariance)
    root = (axes * values.sqrt()) @ axes.T
    for seed in range(20):
        skewed = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        rotation = torch.linalg.matrix_exp(skewed - skewed.T)
        turned = root @ rotation @ torch.linalg.inv(root) @ (result[0].flatten(1).double() - wanted.mean)
        other = (turned + wanted.mean).float().reshape(image.shape)
        torch.testing.assert_close(Colors.of(other).covariance, wanted.covariance, atol=1e-4, rtol=0)
        assert (other - image).square().mean().item() > least


def test_a_grey_picture_is_not_spread_into_noise() -> None:
    shades = picture(0.5, 0.2, 6).mean(1, keepdim=True).expand(-1, 3, -1, -1).contiguous()
    assert recolored(shades, picture(0.5, 0.2, 7)).abs().max() < 3
    assert torch.isfinite(recolored(torch.full((1, 3, 8, 8), 0.5), shades)).all()


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
    torch.testing.assert_close(result - luma(result), content - luma(content), atol=1e-5, rtol=0)
    muted = 0.45 + 0.1 * content
    torch.testing.assert_close(luma(with_chroma(image * 0.5 + 0.25, muted)), luma(image * 0.5 + 0.25))
    torch.testing.assert_close(with_chroma(content, content), content, atol=1e-6, rtol=0)


def test_luma_is_bt601s_and_a_grey_style_has_the_photographs() -> None:
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    assert luma(green).item() == pytest.approx(0.587)
    image, target = picture(0.3, 0.1, 12), picture(0.6, 0.2, 13)
    torch.testing.assert_close(grey(image)[:, 1:2], luma(image))
    mask, region = torch.zeros(2, 1, 1, 40, 50)
    mask[..., :20], region[..., 10:] = 1, 1
    for result, given, wanted in (
        (grey_like(image, target), slice(None), slice(None)),
        (grey_like(image, target, mask=mask, region=region), slice(20), slice(10, None)),
    ):
        assert torch.equal(result[:, 0], result[:, 2])
        found, own = luma(result)[..., given], luma(target)[..., wanted]
        assert found.mean().item() == pytest.approx(own.mean().item(), abs=1e-5)
        assert found.std().item() == pytest.approx(own.std().item(), rel=1e-3)
