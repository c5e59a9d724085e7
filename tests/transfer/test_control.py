"""Each control changes the result in the direction its docstring says, alone and with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM, TAUGHT
from neural_style import (
    Objective,
    Progress,
    RunInterrupted,
    Style,
    StyleTransfer,
    Weights,
    reconstruct_content,
    synthesize_texture,
)
from neural_style.images.color import Colors, luma
from neural_style.metrics import similarity
from neural_style.transfer.levels import Sizes
from neural_style.transfer.presets import PRESETS, choose_settings
from neural_style.transfer.starts import starting_picture
from neural_style.transfer.styles import colors_of, in_colors_of, in_grey_of, load_styles


def picture(height: int, width: int, seed: int, tint: tuple[float, float, float] = (1, 1, 1)) -> Tensor:
    """Soft forms of one tint, shape (3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)[0]
    grain = 0.1 * torch.rand(3, height, width, generator=generator)
    return (torch.tensor(tint).view(3, 1, 1) * smooth * 0.9 + grain).clamp(0, 1)


CONTENT, STYLE = picture(64, 80, 1, (0.9, 0.8, 0.5)), picture(96, 72, 2, (0.3, 0.5, 1.0))


PLAIN: dict[str, Any] = {"weights": RANDOM, "device": "cpu", "precision": "float32"}


def transfer(**options: Any) -> StyleTransfer:
    return StyleTransfer(**{**PLAIN, **options})


def made(
    style: Any = STYLE, content: Tensor = CONTENT, run: dict[str, Any] | None = None, **options: Any
) -> Tensor:
    chosen = {"size": None, "iterations": 12, "levels": 1, **(run or {})}
    return transfer(**options).run(content, style, **chosen)


def batch(image: Tensor) -> Tensor:
    return image.unsqueeze(0)


# -- strength -------------------------------------------------------------------------------------------


def style_distance(image: Tensor) -> float:
    plain = transfer(content_weight=0, variation_weight=0)
    return plain.objective(CONTENT, STYLE).value_and_grad(batch(image))[0].item()


@pytest.mark.parametrize("weights", [RANDOM, TAUGHT], ids=["random", "self-taught"])
def test_strength_goes_from_the_photograph_to_the_style(weights: Weights) -> None:
    results = [
        made(weights=weights, content_layers="relu1_2", strength=strength, run={"iterations": 25})
        for strength in (0, 1e-3, 0.25, 0.5, 0.75, 1)
    ]
    alike = [similarity(batch(result), batch(CONTENT)) for result in results]
    torch.testing.assert_close(results[0], CONTENT, atol=2e-3, rtol=0)
    assert (results[1] - CONTENT).abs().mean() < 0.02  # a run, and nearly the photograph
    assert alike == sorted(alike, reverse=True)
    assert alike[0] > 0.99
    distances = [style_distance(result) for result in (results[0], *results[2:])]
    assert max(distances[2:]) < 0.7 * distances[1] < 0.7 * distances[0]


def test_a_strength_is_the_weights_and_the_share_of_the_colours() -> None:
    for preset in PRESETS:
        own = PRESETS[preset]
        for strength in (0.1, 0.25, 0.5, 0.8, 1):
            found = choose_settings(preset, strength=strength)
            ratio = (1 - strength) / strength
            assert found.content_weight / found.style_weight == pytest.approx(own.content_weight * ratio)
            assert found.match_share == min(1, 2 * strength)
        assert choose_settings(preset, strength=0.5) == own


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"strength": 1.5}, "strength"),
        ({"strength": 0.5, "content_weight": 1}, "strength"),
        ({"strength": 0.5, "style_weight": 1}, "strength"),
        ({"color": "both"}, "color"),
        ({"statistic": "gramm"}, "statistic"),
        ({"color": "content", "match_colors": True}, "match_colors"),
        ({"preset": "paper", "variation": "squares"}, "variation"),
        ({"style_layers": {"relu1_1": 0, "relu2_1": 0}}, "style_layers"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named} must "):
        transfer(**options)


@pytest.mark.parametrize("preset", ["default", "paper", "authors"])
@pytest.mark.parametrize("init", [None, "noise", STYLE])
def test_no_strength_is_the_photograph_without_an_evaluation(preset: str, init: Any) -> None:
    seen: list[Progress] = []
    maker = transfer(preset=preset, strength=0, variation="squares", variation_weight=3.0)
    result = maker.run(CONTENT, STYLE, size=None, init=init, callback=seen.append)
    torch.testing.assert_close(result, CONTENT, atol=1e-6, rtol=0)
    assert seen == []
    assert maker.run(CONTENT, STYLE, size=40, init=init).shape == (3, 32, 40)
    assert maker.estimate(64, init=init).flops == 0


OTHER = picture(80, 96, 5, (1.0, 0.4, 0.3))


def two_styles() -> list[Style]:
    """Two styles, in a soft region and the rest, one of them in part, larger and for some layers only."""
    soft = torch.linspace(1, 0, 80).expand(64, 80)
    part = torch.zeros(80, 96)
    part[:, :70] = 1
    layers = ["relu2_1", "relu3_1", "relu4_1"]
    return [Style(STYLE, region=soft), Style(OTHER, 2.0, 1.3, layers, region=1 - soft, mask=part)]


def in_two_levels(styles: Sequence[Style], **options: Any) -> Tensor:
    chosen: dict[str, Any] = {"iterations": (2, 2), "levels": 2, "init": options.pop("init", OTHER)}
    return made(list(styles), run=chosen, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"strength": 0.3},
        {"color": "match"},
        {"color": "content"},
        {"statistic": "wasserstein"},
        {"padding": "circular"},
        {"preset": "paper"},
        {"init": "noise"},
        {"init": {"content": 1, "colored-noise": 1}},
    ],
    ids=str,
)
def test_every_option_works_in_tiles_with_masks_and_two_styles(options: dict[str, Any]) -> None:
    whole, tiled = (in_two_levels(two_styles(), tile_size=tile, **options) for tile in (None, 32))
    # What differs in the last digit is made larger from step to step.
    assert (tiled - whole).abs().mean() < 2e-3
    assert (whole - in_two_levels(two_styles())).abs().mean() > 1e-4
    assert (whole - in_two_levels(two_styles()[:1], **options)).abs().mean() > 1e-4


# -- colour ---------------------------------------------------------------------------------------------


def test_the_contents_chroma_is_kept_exactly() -> None:
    result = made(color="content")
    chroma = [Colors.of(batch(each) - luma(batch(each))) for each in (result, CONTENT)]
    assert (chroma[0].mean - chroma[1].mean).norm() <= 0.02 * chroma[1].mean.norm()
    assert (chroma[0].covariance - chroma[1].covariance).norm() <= 0.02 * chroma[1].covariance.norm()
    assert (luma(batch(result)) - luma(batch(CONTENT))).abs().mean() > 0.01
    plain = made()
    assert (plain - CONTENT).abs().mean() > (result - CONTENT).abs().mean()


def test_an_interrupted_run_keeps_the_contents_chroma_too() -> None:
    def interrupt(_progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(RunInterrupted) as caught:
        made(color="content", run={"callback": interrupt})
    assert caught.value.image.shape == CONTENT.shape
    chroma = [each - luma(batch(each))[0] for each in (caught.value.image, CONTENT)]
    torch.testing.assert_close(chroma[0], chroma[1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("weights", [RANDOM, TAUGHT], ids=["random", "self-taught"])
def test_a_matched_style_leaves_the_content_its_colours(weights: Weights) -> None:
    own = Colors.of(batch(CONTENT)).mean
    moved = {
        color: float((Colors.of(batch(made(color=color, weights=weights))).mean - own).norm())
        for color in ("style", "match")
    }
    assert moved["match"] < 0.3 * moved["style"]


def test_what_decomposes_is_not_recorded() -> None:
    assert transfer(statistic="wasserstein").evaluator.objective_class is Objective


# -- starts ---------------------------------------------------------------------------------------------


def test_coloured_noise_has_the_styles_mean_and_covariance() -> None:
    middle = batch(0.3 + 0.4 * STYLE)
    noise = starting_picture("colored-noise", batch(CONTENT), middle, (200, 200), 0)
    found, wanted = Colors.of(noise), Colors.of(middle)
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(found.covariance, wanted.covariance, atol=2e-3, rtol=0)
    assert 0 <= noise.amin() <= noise.amax() <= 1
    assert torch.equal(noise, starting_picture("colored-noise", batch(CONTENT), middle, (200, 200), 0))


def test_two_kinds_of_noise_in_a_mix_are_independent() -> None:
    arguments = (batch(CONTENT), batch(STYLE), (64, 64), 0)
    white, both = (
        starting_picture(init, *arguments).flatten() for init in ("noise", {"noise": 1, "colored-noise": 1})
    )
    other = 2 * both - white
    assert abs(torch.corrcoef(torch.stack([white, other]))[0, 1]) < 0.05


def test_white_noise_is_faint_and_around_mid_grey() -> None:
    noise = starting_picture("noise", batch(CONTENT), batch(STYLE), (200, 200), 0)
    torch.testing.assert_close(noise.mean((0, 2, 3)), torch.full((3,), 0.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(noise.std((0, 2, 3)), torch.full((3,), 0.02), atol=5e-4, rtol=0)


def test_a_mix_of_starts_has_so_much_of_each() -> None:
    arguments = (batch(CONTENT), batch(STYLE), (32, 40), 5)
    parts = [starting_picture(name, *arguments) for name in ("content", "noise")]
    mixed = starting_picture({"content": 3, "noise": 1}, *arguments)
    torch.testing.assert_close(mixed, (3 * parts[0] + parts[1]) / 4)
    assert made(run={"init": {"content": 0.5, "style": 0.5}, "iterations": 1}).shape == CONTENT.shape


@pytest.mark.parametrize(
    "init",
    [{"content": 0}, {}, {"contend": 1}, {"noise": -1}, {"noise": "much"}, "nosie", 0.5, ["content"]],
    ids=str,
)
def test_a_wrong_start_is_refused_whatever_the_strength(init: Any) -> None:
    expected = pytest.raises((ValueError, TypeError, FileNotFoundError), match=r"^init\S* must ")
    with expected:
        made(run={"init": init})
    with expected:
        made(run={"init": init}, strength=0)
    with expected:
        transfer().estimate(64, init=init)


def test_noise_as_a_start_takes_more_iterations_at_the_coarsest_level_unless_they_were_asked_for() -> None:
    maker, seen = transfer(), list[tuple[int, int]]()

    def first(progress: Progress) -> bool:
        seen.append((progress.levels, progress.steps))
        return True

    for chosen in ({"init": "noise"}, {"init": {"noise": 1.0}}, {"init": "noise", "preview": True}, {}):
        maker.run(CONTENT, STYLE, size=256, callback=first, **chosen)
    maker.run(CONTENT, STYLE, size=256, iterations=30, init="noise", callback=first)
    assert seen == [(2, 200), (2, 200), (2, 200), (2, 25), (2, 30)]
    assert maker.estimate(256, init="noise").flops > 1.5 * maker.estimate(256).flops
    assert Sizes(transfer(preset="paper").settings).plan((64, 80), None, None)[0].iterations == 500


def test_noise_starts_without_the_contents_detail() -> None:
    chosen: dict[str, Any] = {"size": 80, "levels": 2, "iterations": (1, 1)}
    of_content: dict[str, Any] = {"content_weight": 1, "style_weight": 0, "variation_weight": 0}
    noisy, detailed = (
        made(run={**chosen, "init": init}, match_colors=False, **of_content) for init in ("noise", "content")
    )
    assert similarity(batch(detailed), batch(CONTENT)) > 0.95
    assert similarity(batch(noisy), batch(CONTENT)) < 0.5


# -- reconstructions and textures -----------------------------------------------------------------------


def test_an_early_layer_keeps_the_pixels_and_a_late_one_less() -> None:
    layers = ("relu1_1", "relu3_1")
    early, late = (reconstruct_content(CONTENT, name, size=None, iterations=60, **PLAIN) for name in layers)
    assert similarity(batch(early), batch(CONTENT)) > 0.9
    assert similarity(batch(late), batch(CONTENT)) < similarity(batch(early), batch(CONTENT))


def test_a_texture_has_the_styles_statistics_at_any_size_and_no_content() -> None:
    texture = synthesize_texture(STYLE, (96, 128), iterations=40, **PLAIN)
    assert texture.shape == (3, 96, 128)
    noise = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    objective = transfer(content_weight=0, variation_weight=0).objective(noise, STYLE)
    assert objective.value_and_grad(batch(texture))[0] < 0.2 * objective.value_and_grad(noise)[0]
    other = synthesize_texture(STYLE, (96, 128), iterations=40, seed=1, **PLAIN)
    assert (other - texture).abs().mean() > 0.02
    assert synthesize_texture([STYLE, Style(CONTENT)], 48, iterations=1, **PLAIN).shape == (3, 48, 48)


def test_a_circular_texture_has_no_seam() -> None:
    seams = []
    for padding in ("circular", "reflect"):
        texture = synthesize_texture(STYLE, 96, iterations=25, padding=padding, statistic="gram", **PLAIN)
        for side in (1, 2):
            across = (texture.select(side, 0) - texture.select(side, -1)).abs().mean()
            seams.append((across / texture.diff(dim=side).abs().mean()).item())
    assert max(seams[:2]) < 1.3 < min(seams[2:])


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (synthesize_texture, {"size": (1, 2, 3)}, "size"),
        (synthesize_texture, {"size": 0}, "size"),
        (synthesize_texture, {"style": Style(STYLE, region="sky.png")}, ".*region"),
        (synthesize_texture, {"strength": 0.3}, "strength"),
        (synthesize_texture, {"content_weight": 5.0}, "content_weight"),
        (synthesize_texture, {"content_layers": ["relu1_1"]}, "content_layers"),
        (synthesize_texture, {"match_colors": True}, "match_colors"),
        (synthesize_texture, {"init": "content"}, "init"),
        (synthesize_texture, {"init": {"content": 1.0, "noise": 1.0}}, "init"),
        (synthesize_texture, {"color": "match"}, "color"),
        (reconstruct_content, {"layer": "relu9_1"}, "layer"),
        (reconstruct_content, {"content_layers": "relu1_1"}, "content_layers"),
        (reconstruct_content, {"strength": 0}, "strength"),
        (reconstruct_content, {"color": "match"}, "color"),
        (reconstruct_content, {"match_colors": True}, "match_colors"),
        (reconstruct_content, {"iterations": (1, 1), "levels": 1}, "iterations"),
    ],
)
def test_a_texture_and_a_reconstruction_refuse_what_has_nothing_to_do_there(
    make: Any, options: dict[str, Any], named: str
) -> None:
    own = {"image": CONTENT, "layer": "relu1_1"} if make is reconstruct_content else {"style": STYLE}
    with pytest.raises(ValueError, match=rf"^{named} must "):
        make(**{**own, "size": 48, "weights": RANDOM, **options})


def test_a_recoloured_style_is_not_cut_off_at_any_level() -> None:
    bright = torch.rand(3, 64, 80, generator=torch.Generator().manual_seed(3)).round()
    objective = transfer(color="match", match_colors=False).objective(bright, STYLE)
    (guide,) = objective.guidance.guides
    assert guide.image.amax() > 1.05 or guide.image.amin() < -0.05
    found, wanted = Colors.of(guide.image), Colors.of(batch(bright))
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.02, rtol=0)


def test_the_part_of_a_style_that_counts_gets_the_contents_colours() -> None:
    mask = torch.zeros(96, 72)
    mask[:40] = 1
    loaded = load_styles(Style(STYLE, mask=mask), batch(CONTENT), style_layers=["relu1_1"])
    wanted = Colors.of(batch(CONTENT))
    (matched,) = in_colors_of(batch(CONTENT), loaded)
    torch.testing.assert_close(colors_of([matched]).mean, wanted.mean, atol=1e-4, rtol=0)
    torch.testing.assert_close(colors_of([matched]).covariance, wanted.covariance, atol=1e-4, rtol=0)
    (greyed,) = in_grey_of(batch(CONTENT), loaded)
    assert colors_of([greyed]).mean[0].item() == pytest.approx(luma(batch(CONTENT)).mean().item(), abs=1e-4)


def test_noise_has_the_colours_of_all_styles() -> None:
    starts: list[Tensor] = []
    for styles in ([STYLE, CONTENT], [CONTENT, STYLE]):
        synthesize_texture(
            styles, 64, iterations=1, callback=lambda progress: starts.append(progress.image.clone()), **PLAIN
        )
    torch.testing.assert_close(starts[0], starts[-1], atol=1e-4, rtol=0)


def test_a_given_smoothing_stays_beside_a_strength_and_the_faintest_is_none() -> None:
    assert transfer(strength=0.25, variation_weight=4.0).settings.variation_weight == 4.0
    assert transfer(strength=0.25).settings.variation_weight == 3.0
    assert transfer(strength=0.75).settings.variation_weight == 1.0
    assert transfer(strength=0.01).settings.variation_weight == 4.0  # more would blur the photograph
    assert transfer(strength=1e-160).settings.content_weight == pytest.approx(100)  # and not infinite


def test_a_start_of_another_aspect_is_cut_and_not_stretched() -> None:
    tall = torch.zeros(3, 96, 32)
    tall[:, 32:64] = 1  # a white square in the middle
    start = starting_picture(tall, batch(CONTENT), batch(STYLE), (32, 32), 0)
    assert start.mean() > 0.9
    near = starting_picture(CONTENT[:, 1:], batch(CONTENT), batch(STYLE), (32, 40), 0)
    torch.testing.assert_close(
        near, starting_picture(CONTENT, batch(CONTENT), batch(STYLE), (32, 40), 0), atol=0.2, rtol=0
    )


def test_reconstructions_take_a_number_for_every_level() -> None:
    assert reconstruct_content(CONTENT, "relu1_1", size=64, iterations=(1, 1), **PLAIN).shape == (3, 51, 64)
