"""The change of variables: its transpose, what it decorrelates, and pictures without colour."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neural_style.preconditioning import COARSEST, PRIOR_SLOPE, STEEPEST, ColorSpectrum


def noise(seed: int, *size: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(16, 16), (9, 14), (1, 5)])
def test_the_gradient_is_the_transpose_of_the_change(size: tuple[int, int]) -> None:
    spectrum = ColorSpectrum(noise(0, 12, 12))
    variables, gradient = noise(1, *size) - 0.5, noise(2, *size) - 0.5
    left = (spectrum.change(variables) * gradient).sum()
    torch.testing.assert_close((variables * spectrum.gradient(gradient)).sum(), left, rtol=1e-4, atol=1e-6)


def metric(spectrum: ColorSpectrum, size: tuple[int, int]) -> Tensor:
    """Return the spectrum of T along its own axes, (3, H, W // 2 + 1), from its answer to one bright pixel."""
    dot = torch.zeros(1, 3, *size)
    dot[..., 0, 0] = 1
    response: Tensor = torch.fft.rfft2(torch.einsum("ij,ihw->jhw", spectrum.axes, spectrum.change(dot)[0]))
    return response.real


def frequencies(size: tuple[int, int]) -> Tensor:
    down: Tensor = torch.fft.fftfreq(size[0]).unsqueeze(1)
    across: Tensor = torch.fft.rfftfreq(size[1])
    return max(size) * (down.square() + across.square() + COARSEST**2).sqrt()


def test_at_first_a_colour_moves_by_its_deviation_and_coarse_forms_further() -> None:
    picture = noise(3, 20, 20) * torch.tensor([1.0, 0.2, 0.5]).view(1, 3, 1, 1)
    picture[:, 1] += 0.5 * picture[:, 0]
    spectrum = ColorSpectrum(picture)
    colors = picture.flatten(2)[0]
    covariance = torch.cov(colors, correction=0)
    principal = spectrum.axes.T @ covariance @ spectrum.axes
    torch.testing.assert_close(principal, torch.diag(principal.diagonal()), rtol=0, atol=1e-6)
    expected = principal.diagonal().sqrt().view(3, 1, 1) * frequencies((16, 12)) ** (-PRIOR_SLOPE / 2)
    torch.testing.assert_close(metric(spectrum, (16, 12)), expected, rtol=1e-4, atol=1e-5)


def planted(spectrum: ColorSpectrum, size: tuple[int, int], curvature: Tensor) -> tuple[Tensor, Tensor]:
    """Return random steps in z and the changes that ½ Σ κ |x̂|² has along them; one pair is missing."""
    steps = torch.randn(5, 3, *size, generator=torch.Generator().manual_seed(9))
    steps[2] = 0
    scale = metric(spectrum, size)
    changes = torch.fft.irfft2(torch.fft.rfft2(steps) * curvature * scale.square(), s=size)
    return steps, changes


def test_a_planted_curvature_is_found_and_evened_out_at_every_size() -> None:
    spectrum = ColorSpectrum(noise(6, 32, 32))
    slopes = torch.tensor([-0.5, 0.25, 0.75]).view(3, 1, 1)
    factors = torch.tensor([3.0, 0.1, 20.0]).view(3, 1, 1)
    for size in ((48, 64), (24, 32)):  # the second measurement corrects the first, in its own variables
        spectrum.observe(*planted(spectrum, size, factors * frequencies(size) ** slopes))
        torch.testing.assert_close(spectrum.slope, slopes.flatten(), atol=0.05, rtol=0)
        for other in ((48, 64), (96, 128)):
            curvature = factors * frequencies(other) ** slopes
            evened = (metric(spectrum, other).square() * curvature).flatten(1).log()
            assert evened.std(1).max() < 0.05
            assert evened.mean(1).abs().max() < 0.1


def test_pairs_kept_in_fewer_bits_are_measured_in_full(device: torch.device) -> None:
    short, full = (ColorSpectrum(noise(6, 32, 32).to(device)) for _ in range(2))
    curvature = frequencies((24, 32)) ** 0.25
    steps, changes = (x.bfloat16() for x in planted(ColorSpectrum(noise(6, 32, 32)), (24, 32), curvature))
    short.observe(steps, changes)  # on the CPU, wherever the picture is
    full.observe(steps.float().to(device), changes.float().to(device))
    assert torch.equal(short.slope, full.slope)
    torch.testing.assert_close(short.slope, torch.full((3,), 0.25), atol=0.05, rtol=0)


def test_curvature_that_falls_off_a_cliff_is_not_drawn_out_further_than_the_steepest_slope() -> None:
    spectrum = ColorSpectrum(noise(6, 32, 32))
    spectrum.observe(*planted(spectrum, (24, 32), frequencies((24, 32)) ** 4))
    torch.testing.assert_close(spectrum.slope, torch.full((3,), STEEPEST))


def test_without_a_step_nothing_is_learned() -> None:
    spectrum, other = (ColorSpectrum(noise(6, 32, 32)) for _ in range(2))
    for value in (0.0, torch.nan):
        spectrum.observe(torch.zeros(4, 3, 16, 16), torch.full((4, 3, 16, 16), value))
    assert torch.equal(metric(spectrum, (16, 16)), metric(other, (16, 16)))


def test_what_is_learned_changes_the_next_filter_of_the_same_size() -> None:
    spectrum = ColorSpectrum(noise(6, 32, 32))
    before = metric(spectrum, (24, 32))
    spectrum.observe(*planted(spectrum, (24, 32), frequencies((24, 32)) ** -0.5))
    assert not torch.allclose(metric(spectrum, (24, 32)), before)


@pytest.mark.parametrize("shade", [0.0, 0.5])
def test_a_flat_picture_gives_a_finite_change_in_every_colour(shade: float) -> None:
    spectrum = ColorSpectrum(torch.full((1, 3, 8, 8), shade))
    change = spectrum.change(noise(5, 8, 8))
    assert torch.isfinite(change).all()
    assert metric(spectrum, (8, 8)).min() > 0
