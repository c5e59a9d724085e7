"""Named sets of choices: the default, the paper's and those of the authors' published code.

A preset is a table row; every option given to `StyleTransfer` beside a preset replaces the preset's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from neural_style import _checks, losses
from neural_style.features import PADDINGS, POOLINGS
from neural_style.objective import ContentLoss, StyleLoss, Terms
from neural_style.vgg19 import check_layers

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

LayerChoice = str | Iterable[str] | Mapping[str, float]


@dataclass(frozen=True)
class Settings:
    """Everything that decides the loss and the schedule.

    Attributes:
        content_layers: weight of each content layer by name.
        style_layers: w_l of each style layer by name.
        content_weight: α. Larger keeps more of the photograph.
        style_weight: β. Larger takes more of the painting.
        variation_weight: weight of the total variation. Larger is smoother.
        pooling: as of `VGG19Features`.
        padding: as of `VGG19Features`.
        stretch_style: whether the style picture is brought to the content's very size, as in the paper, rather
            than keeping its own aspect.
        match_colors: whether the content picture is first given the style's colours, so that the content loss
            asks for its shapes and not for colours that the style does not have.
        precondition: whether L-BFGS works in the style's decorrelated colours and frequencies rather than in
            pixels.
        keep_detail: whether a finer level starts with the content's detail beside the enlarged picture.
        init: where the optimisation starts.
        iterations: steps of each level, coarse to fine; None for the pyramid's own counts.
        scales: the pyramid's sizes relative to the result's, coarse to fine; None halves.
        content_loss: discrepancy from the content → scalar.
        style_loss: (moments, target moments) → scalar.
    """

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    content_weight: float
    style_weight: float
    variation_weight: float
    pooling: str
    padding: str
    stretch_style: bool
    match_colors: bool
    precondition: bool
    keep_detail: bool
    init: str
    iterations: tuple[int, ...] | None
    scales: tuple[float, ...] | None
    content_loss: ContentLoss
    style_loss: StyleLoss

    @property
    def terms(self) -> Terms:
        """The part of the settings that makes the loss."""
        return Terms(**{field.name: getattr(self, field.name) for field in fields(Terms)})

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
_ONES = dict.fromkeys(STYLE_LAYERS, 1.0)

PRESETS: dict[str, Settings] = {
    "default": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=_FIFTHS,
        content_weight=0.2,
        style_weight=1.0,
        variation_weight=1.0,
        pooling="average",
        padding="reflect",
        stretch_style=False,
        match_colors=False,
        precondition=True,
        keep_detail=True,
        init="content",
        iterations=None,
        scales=None,
        content_loss=losses.relative_squares,
        style_loss=losses.relative_style_loss,
    ),
    "paper": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=_FIFTHS,
        content_weight=1e-3,
        style_weight=1.0,
        variation_weight=0.0,
        pooling="average",
        padding="zeros",
        stretch_style=True,
        match_colors=False,
        precondition=False,
        keep_detail=False,
        init="noise",
        iterations=(500,),
        scales=(1.0,),
        content_loss=losses.half_squares,
        style_loss=losses.layer_style_loss,
    ),
    "authors": Settings(
        content_layers={"relu4_2": 1.0},
        style_layers=_ONES,
        content_weight=1.0,
        style_weight=1.0,
        variation_weight=0.0,
        pooling="max",
        padding="zeros",
        stretch_style=False,
        match_colors=False,
        precondition=False,
        keep_detail=False,
        init="content",
        iterations=(500, 200),
        scales=(0.64, 1.0),
        content_loss=losses.mean_squares,
        style_loss=losses.mean_style_loss,
    ),
}

# Where the default differs with self-taught filters, which know only the painting: their deep layers dissolve
# what it does not show, colours that it does not have would outweigh the shapes, and the first layer's full
# share would be paid in dots.
SELF_TAUGHT: dict[str, Any] = {
    "content_layers": {"relu2_2": 1.0},
    "style_layers": {"relu1_1": 0.05, "relu2_1": 0.2, "relu3_1": 0.25, "relu4_1": 0.25, "relu5_1": 0.25},
    "variation_weight": 1.5,
    "match_colors": True,
}


def choose_settings(preset: str, *, self_taught: bool, **options: Any) -> Settings:
    """Return a preset's settings with the given options in place of its own; None leaves the preset's.

    Raises:
        ValueError: if the preset is unknown, or an option breaks its rule.
        TypeError: if an option is of the wrong type.
    """
    settings = PRESETS[_checks.choice("preset", preset, PRESETS)]
    if preset == "default" and self_taught:
        settings = replace(settings, **SELF_TAUGHT)
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("content_layers", "style_layers"):
        if name in given:
            given[name] = layer_weights(name, given[name])
    for name in ("content_weight", "style_weight", "variation_weight"):
        if name in given:
            given[name] = _checks.number(name, given[name])
    for name, choices in (("pooling", POOLINGS), ("padding", PADDINGS)):
        if name in given:
            _checks.choice(name, given[name], choices)
    _check_switches(given)
    settings = replace(settings, **given)
    content = settings.content_weight * sum(settings.content_layers.values())
    style = settings.style_weight * sum(settings.style_layers.values())
    if content == style == 0:
        advice = "Give at least one of them, and of its layers, more than 0."
        raise ValueError(_checks.message("content_weight and style_weight", "not both be 0", "0 and 0", advice))
    return settings


def _check_switches(given: Mapping[str, Any]) -> None:
    """Check that what can only be on or off is one of them.

    Raises:
        TypeError: if it is neither.
    """
    for name in ("match_colors", "precondition"):
        if not isinstance(given.get(name, True), bool):
            got, advice = repr(given[name]), "Give one of them, or None for the preset's."
            raise TypeError(_checks.message(name, "be True or False", got, advice))


def layer_weights(argument: str, layers: LayerChoice) -> dict[str, float]:
    """Return weights by layer name, in network order; names alone share a weight of 1.

    >>> layer_weights("style_layers", ["relu2_1", "relu1_1"])
    {'relu1_1': 0.5, 'relu2_1': 0.5}

    Raises:
        ValueError: if a name is no layer's, there is none, or a weight is negative or not finite.
    """
    if isinstance(layers, str):
        layers = [layers]
    names = check_layers(argument, layers)
    if not isinstance(layers, Mapping):
        return dict.fromkeys(names, 1 / len(names))
    return {name: _checks.number(f"{argument}[{name!r}]", layers[name]) for name in names}
