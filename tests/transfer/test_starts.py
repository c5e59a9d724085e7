"""Where the optimisation starts: noise of each kind, mixes, pictures of any aspect."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import transfer
from neural_style import Progress
from neural_style.images.color import Colors
from neural_style.metrics import similarity
from neural_style.transfer.levels import Sizes
from neural_style.transfer.starts import starting_picture
from tinted import CONTENT, STYLE, batch, made


def test_white_noise_is_faint_and_around_mid_grey() -> None:
    noise = starting_picture("noise", batch(CONTENT), batch(STYLE), (200, 200), 0)
    torch.testing.assert_close(noise.mean((0, 2, 3)), torch.full((3,), 0.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(noise.std((0, 2, 3)), torch.full((3,), 0.02), atol=5e-4, rtol=0)


def test_coloured_noise_has_the_styles_mean_and_covariance() -> None:
    middle = batch(0.3 + 0.4 * STYLE)
    noise = starting_picture("colored-noise", batch(CONTENT), middle, (200, 200), 0)
    found, wanted = Colors.of(noise), Colors.of(middle)
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(found.covariance, wanted.covariance, atol=2e-3, rtol=0)
    assert 0 <= noise.amin() <= noise.amax() <= 1
    assert torch.equal(noise, starting_picture("colored-noise", batch(CONTENT), middle, (200, 200), 0))


def test_noise_has_the_colours_of_all_styles() -> None:
    starts: list[Tensor] = []
    for styles in ([STYLE, CONTENT], [CONTENT, STYLE]):
        keep = {"callback": lambda progress: starts.append(progress.image.clone())}
        made(styles, run={"init": "colored-noise", "iterations": 1, **keep})
    torch.testing.assert_close(starts[0], starts[-1], atol=1e-4, rtol=0)


def test_two_kinds_of_noise_in_a_mix_are_independent() -> None:
    arguments = (batch(CONTENT), batch(STYLE), (64, 64), 0)
    white, both = (
        starting_picture(init, *arguments).flatten() for init in ("noise", {"noise": 1, "colored-noise": 1})
    )
    other = 2 * both - white
    assert abs(torch.corrcoef(torch.stack([white, other]))[0, 1]) < 0.05


def test_a_mix_of_starts_has_so_much_of_each() -> None:
    arguments = (batch(CONTENT), batch(STYLE), (32, 40), 5)
    parts = [starting_picture(name, *arguments) for name in ("content", "noise")]
    mixed = starting_picture({"content": 3, "noise": 1}, *arguments)
    torch.testing.assert_close(mixed, (3 * parts[0] + parts[1]) / 4)
    assert made(run={"init": {"content": 0.5, "style": 0.5}, "iterations": 1}).shape == CONTENT.shape


def test_a_start_of_another_aspect_is_cut_and_not_stretched() -> None:
    tall = torch.zeros(3, 96, 32)
    tall[:, 32:64] = 1  # a white square in the middle
    start = starting_picture(tall, batch(CONTENT), batch(STYLE), (32, 32), 0)
    assert start.mean() > 0.9
    near = starting_picture(CONTENT[:, 1:], batch(CONTENT), batch(STYLE), (32, 40), 0)
    torch.testing.assert_close(
        near, starting_picture(CONTENT, batch(CONTENT), batch(STYLE), (32, 40), 0), atol=0.2, rtol=0
    )


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
