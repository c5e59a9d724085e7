"""Whose colours the result has: the style's, the content's chroma, or its palette."""

from __future__ import annotations

import pytest
import torch

from narrow import RANDOM, TAUGHT, transfer
from neural_style import RunInterrupted, Style, Weights
from neural_style.images.color import Colors, luma
from neural_style.transfer.styles import colors_of, in_colors_of, in_grey_of, load_styles
from tinted import CONTENT, STYLE, batch, made


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
