"""What a run will cost: the time of a probe, and the sums over levels."""

from __future__ import annotations

from typing import Any

import pytest

from narrow import transfer
from neural_style import Adam, Estimate, Objective
from neural_style.device.ranks import Ranks
from neural_style.evaluation.costs import SCRATCH, evaluation_flops
from neural_style.evaluation.tile_size import MemoryPlan
from neural_style.transfer import estimate as estimates
from neural_style.transfer.evaluator import Evaluator
from neural_style.transfer.levels import Level
from neural_style.transfer.presets import PRESETS


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an evaluation take a second at 64 pixels and in proportion to its operations elsewhere."""

    def seconds(_network: object, _terms: object, size: tuple[int, int], *, objective: object) -> float:
        assert objective is Objective  # on a CPU nothing is recorded
        return size[0] * size[1] / (48 * 64)

    monkeypatch.setattr(estimates, "time_evaluation", seconds)


@pytest.mark.usefixtures("ticks")
def test_the_time_is_summed_over_the_levels_with_an_evaluation_each_for_the_targets() -> None:
    found = transfer().estimate((48, 64), iterations=[10, 4])
    layers = PRESETS["default"].layers

    def flops(size: tuple[int, int], layers: list[str]) -> int:
        style_layers = set(layers) - {"relu4_2"}
        return evaluation_flops(size, layers=layers, style_layers=style_layers, width=0.25)

    finest = flops((48, 64), layers[:-1])  # relu5_1 is left to the coarser level
    assert found.flops == 5 * finest + 11 * flops((24, 32), layers)
    seconds = 5 * finest / flops((48, 64), layers) + 11 / 4
    assert found.seconds == pytest.approx(estimates.OVERHEAD * seconds, rel=0.05)


def test_a_number_is_the_longer_side_of_a_picture_of_four_to_three() -> None:
    by_number, by_size = (transfer().estimate(size, iterations=1) for size in (64, (48, 64)))
    assert by_number.bytes == by_size.bytes < transfer().estimate(80, iterations=1).bytes


def test_the_optimisers_history_is_counted() -> None:
    ours, without = (transfer(optimizer=optimizer).estimate(64, iterations=30) for optimizer in (None, Adam()))
    assert ours.bytes - without.bytes == 4 * 3 * 48 * 64 * 2 * 20


def test_tiles_and_targets_computed_anew_are_counted_in_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    tiled = transfer(tile_size=64)
    size, once = (128, 96), transfer(tile_size=None).estimate((128, 96), iterations=1, levels=1).flops
    kept = tiled.estimate(size, iterations=1, levels=1).flops
    # four tiles, each of which reads all of the picture: seven passes forward and four back instead of one each
    assert kept == once * (7 + 4) // 2

    def anew(
        _evaluator: Evaluator, plan: list[Level], *_arguments: object
    ) -> dict[tuple[int, int], MemoryPlan]:
        return {level.size: MemoryPlan(64, False, 1, 10**6) for level in plan}

    monkeypatch.setattr(Evaluator, "plan_memory", anew)
    content = evaluation_flops(size, layers=["relu4_2"], style_layers=[], width=0.25)
    assert tiled.estimate(size, iterations=1, levels=1).flops == kept + 2 * 2 * 4 * content // 2


def test_on_another_device_no_more_is_probed_than_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    probed: list[tuple[int, int]] = []

    def seconds(_network: object, _terms: object, size: tuple[int, int], **_options: object) -> float:
        probed.append(size)
        return size[0] * size[1] / 1e6

    monkeypatch.setattr(estimates, "time_evaluation", seconds)
    tiled, plan = transfer(), [Level((3000, 4000), 3)]
    tiled.network.to("meta")
    for tile, world, expected in ((512, 1, (608, 608)), (None, 1, (1536, 2048)), (None, 9, (261, 2048))):
        probed.clear()
        fits = {(3000, 4000): MemoryPlan(tile, True, 20, 1)}
        monkeypatch.setattr(Evaluator, "world", world)
        estimates.estimate_run(tiled.evaluator, tiled.settings, plan, fits)
        assert probed == [(144, 192), expected]


def test_ranks_share_the_operations() -> None:
    alone = transfer().estimate((960, 64), iterations=1, levels=1)

    class Four(Ranks):
        def __init__(self) -> None:
            self.world = 4

    shared = transfer(ranks=Four()).estimate((960, 64), iterations=1, levels=1)
    assert shared.flops == pytest.approx(alone.flops * (960 / 4 + 16 + 160) / 960, rel=0.01)


def test_a_time_is_the_shorter_of_two_after_one_that_is_not_counted() -> None:
    readings = iter([0.0, 100.0, 200.0, 203.0, 300.0, 302.0])
    network = transfer().network
    terms = PRESETS["default"]
    assert estimates.time_evaluation(network, terms, (32, 32), clock=lambda: next(readings)) == 2.0


def test_an_estimate_reads_as_people_say_it() -> None:
    assert str(Estimate(200.4, 1_230_000_000, 1)) == "about 3 min 20 s and 1.2 GB of memory"
    assert str(Estimate(0.2, 45_600_000, 1)) == "about 1 s and 46 MB of memory"


@pytest.mark.parametrize(
    ("argument", "size", "error"),
    [
        ("size", 12, ValueError),
        ("size", (48, 8), ValueError),
        ("size", 64.0, TypeError),
        ("size", (48, 64, 3), ValueError),
        ("content", (0, 64), ValueError),
        ("content", 64.0, TypeError),
        ("styles", 0, ValueError),
    ],
)
def test_bad_sizes_are_refused(argument: str, size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^({argument}|the result) must "):
        transfer().estimate(**{argument: size})


def test_a_preview_is_estimated_as_such() -> None:
    full, preview = (transfer().estimate(512, preview=choice) for choice in (False, True))
    assert preview.flops < full.flops / 5
    assert preview.bytes - SCRATCH < (full.bytes - SCRATCH) / 3


@pytest.mark.usefixtures("ticks")
def test_every_style_picture_takes_memory() -> None:
    one, three = (transfer().estimate(64, content=(300, 400), styles=styles) for styles in (1, 3))
    assert three.bytes - one.bytes == 2 * 12 * 192 * 256  # no more than four times the result's sides is kept
