"""neural_style: image style transfer after Gatys, Ecker and Bethge (CVPR 2016).

>>> from neural_style import StyleTransfer, save_image
"""

from importlib import metadata as _metadata

from neural_style.evaluation.objective import Objective
from neural_style.evaluation.regions import Guide
from neural_style.images.io import load_image, save_image
from neural_style.losses.equations import (
    content_loss,
    gram_matrix,
    half_squares,
    layer_style_loss,
    relative_squares,
    relative_style_loss,
    style_loss,
    total_loss,
    total_variation,
)
from neural_style.losses.other_statistics import covariance_loss
from neural_style.losses.sums import Discrepancy, Moments
from neural_style.losses.terms import Terms
from neural_style.network.features import VGG19Features
from neural_style.network.source import learn_weights, random_weights
from neural_style.network.weights import Weights, WeightsUnavailableError, load_weights
from neural_style.optimizers.adam import Adam
from neural_style.optimizers.base import Optimizer, RunInterrupted, Step
from neural_style.optimizers.lbfgs import LBFGS
from neural_style.transfer import StyleTransfer
from neural_style.transfer.callback import Progress
from neural_style.transfer.estimate import Estimate
from neural_style.transfer.reconstruction import reconstruct_content, synthesize_texture
from neural_style.transfer.styles import Style

__all__ = [
    "LBFGS",
    "Adam",
    "Discrepancy",
    "Estimate",
    "Guide",
    "Moments",
    "Objective",
    "Optimizer",
    "Progress",
    "RunInterrupted",
    "Step",
    "Style",
    "StyleTransfer",
    "Terms",
    "VGG19Features",
    "Weights",
    "WeightsUnavailableError",
    "content_loss",
    "covariance_loss",
    "gram_matrix",
    "half_squares",
    "layer_style_loss",
    "learn_weights",
    "load_image",
    "load_weights",
    "random_weights",
    "reconstruct_content",
    "relative_squares",
    "relative_style_loss",
    "save_image",
    "style_loss",
    "synthesize_texture",
    "total_loss",
    "total_variation",
]


def __getattr__(name: str) -> str:
    if name == "__version__":  # read where it is asked for: a source tree that is not installed has none
        return _metadata.version("neural-style-gatys")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
