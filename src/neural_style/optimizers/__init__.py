"""A picture and `value_and_grad` to a better picture."""

from neural_style.optimizers.methods import FIRST_STEP as FIRST_STEP
from neural_style.optimizers.methods import LBFGS as LBFGS
from neural_style.optimizers.methods import Adam as Adam
from neural_style.optimizers.methods import Optimizer as Optimizer
from neural_style.optimizers.methods import TorchLBFGS as TorchLBFGS
from neural_style.optimizers.methods import ValueAndGrad as ValueAndGrad
