"""Named sets of choices: the default, the paper's, those of the authors' published code, self-taught filters'.

A preset is a table row; every option given to `StyleTransfer` beside a preset replaces the preset's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from neural_style import _checks
from neural_style.device.hardware import Precision
from neural_style.images.color import COLORS
from neural_style.losses import equations
from neural_style.losses.other_statistics import STATISTICS, covariance_loss
from neural_style.losses.terms import Terms
from neural_style.network.features import PADDINGS, POOLINGS
from neural_style.network.vgg19 import check_layers, layer_weights
from neural_style.transfer.starts import InitSource, check_init, is_noise

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

SELF_TAUGHT = "self-taught"  # the preset that such filters bring along
SMOOTHEST = 4.0  # times the preset's smoothing, at most: more of it would blur the photograph at a low strength
LEAST_STRENGTH = 1e-3  # strengths between 0 and this are raised to it, as (1 − s) / s diverges


@dataclass(frozen=True)
class Settings(Terms):
    """The terms of the loss, and what else decides a run.

    Attributes:
        pooling, padding: see `VGG19Features`.
        stretch_style: whether the style picture is brought to the content's very size, as in the paper, rather
            than keeping its own aspect.
        match_colors: whether the content picture is first given the style's colours, so that the content loss
            asks for its shapes and not for colours that the style does not have.
        match_share: how much of the way to those colours it goes.
        color: whose colours the result has, see `StyleTransfer`.
        keep_detail: whether a finer level starts with the content's detail beside the enlarged picture.
        omit_layers: whether layers are left out where they are not missed: `levels.LEFT_TO_COARSER` at the
            finest of several levels, and of a style picture much smaller than the result those layers that see
            more than the whole of it.
        init: where the optimisation starts.
        content_from_noise: factor of `content_weight` in a run from noise alone, where the start holds none of
            the photograph; 1 where a content weight is given.
        iterations: steps of each level, coarse to fine; None for the pyramid's own counts.
        scales: the pyramid's sizes relative to the result's, coarse to fine; None halves.
        is_content: whether the result is the content itself, which takes no run.
        normalized: whether the filters are rescaled by their mean activations, see
            `network.activation_means.normalize_as_in_the_paper`.
        precision: the network's where ``"auto"`` is asked for, see `StyleTransfer`.
    """

    pooling: str = "average"
    padding: str = "zeros"
    stretch_style: bool = False
    match_colors: bool = False
    match_share: float = 1.0
    color: str = "style"
    keep_detail: bool = False
    omit_layers: bool = False
    init: InitSource = "content"
    content_from_noise: float = 1.0
    iterations: tuple[int, ...] | None = None
    scales: tuple[float, ...] | None = None
    is_content: bool = False
    normalized: bool = False
    precision: Precision = "auto"

    def starting_from(self, init: InitSource | None) -> Self:
        """Return the settings of a run from a start; None is the preset's.

        From noise the content weighs more, and a finer level gets no detail of the photograph.
        """
        check_init(init)
        start = self.init if init is None else init
        noise = is_noise(start)
        weight = self.content_weight * (self.content_from_noise if noise else 1.0)
        detail = self.keep_detail and weight > 0 and not noise
        return replace(self, init=start, content_weight=weight, keep_detail=detail)

    @property
    def choices(self) -> dict[str, str]:
        """Every setting by name, in texts that are the same in every process."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: getattr(value, "__name__", None) or str(value) for name, value in values.items()}

    @property
    def layers(self) -> list[str]:
        """Every layer that has a weight, in network order."""
        content = self.content_layers if self.content_weight > 0 else {}
        style = self.style_layers if self.style_weight > 0 else {}
        return check_layers("layers", [*content, *style])


_FIFTHS = dict.fromkeys(STYLE_LAYERS, 1 / 5)

PRESETS: dict[str, Settings] = {
    "default": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=_FIFTHS,
        content_weight=0.1,
        style_weight=1.0,
        variation_weight=1.0,
        padding="reflect",
        match_colors=True,
        keep_detail=True,
        omit_layers=True,
        content_loss=equations.relative_squares,
        style_loss=covariance_loss,
        content_from_noise=3.0,
        variation="isotropic",
    ),
    "paper": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=_FIFTHS,
        content_weight=1e-3,
        style_weight=1.0,
        stretch_style=True,
        init="noise",
        iterations=(500,),
        scales=(1.0,),
        content_loss=equations.half_squares,
        style_loss=equations.layer_style_loss,
        normalized=True,
        precision="float32",
    ),
    "authors": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=dict.fromkeys(STYLE_LAYERS, 1.0),
        content_weight=1.0,
        style_weight=1.0,
        pooling="max",
        iterations=(500, 200),
        scales=(0.64, 1.0),
        content_loss=equations.mean_squares,
        style_loss=equations.mean_style_loss,
    ),
}

# Self-taught filters know only the painting: their deep layers dissolve what it does not show, colours that it
# does not have would outweigh the shapes, and with its full weight the first layer makes dots.
PRESETS[SELF_TAUGHT] = replace(
    PRESETS["default"],
    content_layers={"relu2_2": 1.0},
    style_layers={"relu1_1": 0.05, "relu2_1": 0.2, "relu3_1": 0.25, "relu4_1": 0.25, "relu5_1": 0.25},
    content_weight=0.2,
    variation_weight=2.0,
    content_from_noise=1.0,
    omit_layers=False,
    style_loss=equations.relative_style_loss,
)


def choose_settings(preset: str, *, self_taught: bool = False, **options: Any) -> Settings:
    """Return a preset's settings with the given options in place of its own; None leaves the preset's.

    Args:
        preset: a name of `PRESETS`.
        self_taught: whether the weights are, and so bring the settings of ``"self-taught"`` for the default's.
            A warning says where another preset leaves those aside.
        options: in place of the preset's own.

    Raises:
        ValueError: if the preset is unknown, or an option is invalid.
        TypeError: if an option is of the wrong type.
    """
    settings = PRESETS[_checks.choice("preset", preset, PRESETS)]
    if self_taught and preset == "default":
        settings = PRESETS[SELF_TAUGHT]
    elif self_taught and preset != SELF_TAUGHT:
        text = f"Self-taught filters have settings of their own, which preset={preset!r} leaves aside."
        _checks.warn(f"{text} preset={SELF_TAUGHT!r} takes them.")
    given = {name: value for name, value in options.items() if value is not None}
    given = {name: _checked(name, value) for name, value in given.items()}
    if "content_weight" in given:
        given["content_from_noise"] = 1.0
    if "strength" in given:
        given |= _of_strength(given.pop("strength"), settings, given)
    if "statistic" in given:
        given["style_loss"] = STATISTICS[_checks.choice("statistic", given.pop("statistic"), STATISTICS)]
    if "style_layers" in given:  # those that were asked for are all kept
        given["omit_layers"] = False
    settings = replace(settings, **given)
    _check_used(settings, given)
    content = settings.content_weight * sum(settings.content_layers.values())
    style = settings.style_weight * sum(settings.style_layers.values())
    if content == style == 0:
        advice = "Give at least one of them, and of its layers, more than 0."
        raise ValueError(_checks.message("content_weight and style_weight", "not both be 0", "0 and 0", advice))
    if settings.style_weight > style == 0:
        advice = "style_weight=0 leaves the style out."
        raise ValueError(_checks.message("style_layers", "have a weight of more than 0", "0 for each", advice))
    return settings


def _of_strength(strength: float, settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a strength decides: the weights, and how much of its colours the content gives up.

    The weights of content and style are as (1 − strength) : strength. Below one half the smoothing weighs more
    too, up to `SMOOTHEST` times, so that little style is no grain in what was flat, and the content is given
    the style's colours in proportion.
    """
    for name in ("content_weight", "style_weight"):
        if name in given:
            advice = "Give one of the two."
            raise ValueError(_checks.message("strength", f"be left out beside {name}", strength, advice))
    ratio = (1 - strength) / max(strength, LEAST_STRENGTH)
    smoothing = settings.variation_weight * min(max(1.0, ratio), SMOOTHEST)
    return {
        "content_weight": settings.content_weight * ratio,
        "variation_weight": given.get("variation_weight", smoothing),
        "match_share": min(1.0, 2 * strength),
        "is_content": strength == 0,
    }


def _check_used(settings: Settings, given: Mapping[str, Any]) -> None:
    """Check that no option is given that would do nothing beside the others."""
    if "variation" in given and settings.variation_weight == 0:
        rule, advice = "be left out where variation_weight is 0", "Give a variation_weight with it."
        raise ValueError(_checks.message("variation", rule, repr(given["variation"]), advice))
    if given.get("match_colors") and settings.color != "style":
        rule, advice = f"be left out beside color={settings.color!r}", "The result has the content's colours."
        raise ValueError(_checks.message("match_colors", rule, True, advice))


def _checked(name: str, value: Any) -> Any:
    """Return an option's value in the form that `Settings` holds; `Terms` checks its own."""
    named = {"pooling": POOLINGS, "padding": PADDINGS, "color": COLORS}
    if name in ("content_layers", "style_layers"):
        return layer_weights(name, value)
    if name == "strength":
        return _checks.number(
            name, value, maximum=1.0, advice="0 is the photograph, 1 leaves it out of the loss."
        )
    if name in named:
        return _checks.choice(name, value, named[name])
    return _checks.flag(name, value) if name == "match_colors" else value
