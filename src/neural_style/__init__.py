"""neural_style: image style transfer after Gatys, Ecker and Bethge (CVPR 2016).

>>> from neural_style import StyleTransfer, save_image
"""

from importlib import metadata as _metadata

from neural_style import _waiting as _waiting  # before torch
from neural_style.evaluation.objective import Objective as Objective
from neural_style.evaluation.regions import Guide as Guide
from neural_style.images.io import load_image as load_image
from neural_style.images.io import save_image as save_image
from neural_style.losses import content_loss as content_loss
from neural_style.losses import gram_matrix as gram_matrix
from neural_style.losses import half_squares as half_squares
from neural_style.losses import layer_style_loss as layer_style_loss
from neural_style.losses import relative_squares as relative_squares
from neural_style.losses import relative_style_loss as relative_style_loss
from neural_style.losses import style_loss as style_loss
from neural_style.losses import total_loss as total_loss
from neural_style.losses import total_variation as total_variation
from neural_style.losses.other_statistics import covariance_loss as covariance_loss
from neural_style.losses.sums import Discrepancy as Discrepancy
from neural_style.losses.sums import Moments as Moments
from neural_style.losses.terms import Terms as Terms
from neural_style.network.features import VGG19Features as VGG19Features
from neural_style.network.source import learn_weights as learn_weights
from neural_style.network.source import random_weights as random_weights
from neural_style.network.weights import Weights as Weights
from neural_style.network.weights import WeightsUnavailableError as WeightsUnavailableError
from neural_style.network.weights import load_weights as load_weights
from neural_style.optimizers import LBFGS as LBFGS
from neural_style.optimizers import Adam as Adam
from neural_style.optimizers import Optimizer as Optimizer
from neural_style.optimizers import Step as Step
from neural_style.optimizers import TorchLBFGS as TorchLBFGS
from neural_style.transfer import StyleTransfer as StyleTransfer
from neural_style.transfer.callback import Progress as Progress
from neural_style.transfer.callback import RunInterrupted as RunInterrupted
from neural_style.transfer.estimate import Estimate as Estimate
from neural_style.transfer.reconstruction import reconstruct_content as reconstruct_content
from neural_style.transfer.reconstruction import synthesize_texture as synthesize_texture
from neural_style.transfer.styles import Style as Style

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
    "TorchLBFGS",
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
