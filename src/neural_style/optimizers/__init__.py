"""A picture and `value_and_grad` to a better picture: one file a method. Nothing here knows of style."""

from neural_style.optimizers.adam import Adam as Adam
from neural_style.optimizers.base import Optimizer as Optimizer
from neural_style.optimizers.base import Step as Step
from neural_style.optimizers.base import StepCallback as StepCallback
from neural_style.optimizers.base import ValueAndGrad as ValueAndGrad
from neural_style.optimizers.lbfgs import FIRST_STEP as FIRST_STEP
from neural_style.optimizers.lbfgs import LBFGS as LBFGS
