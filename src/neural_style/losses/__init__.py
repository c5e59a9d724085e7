"""Features and pictures to numbers: the paper's equations, moments, statistics, variation."""

from neural_style.losses.equations import content_loss as content_loss
from neural_style.losses.equations import content_loss_gradient as content_loss_gradient
from neural_style.losses.equations import gram_matrix as gram_matrix
from neural_style.losses.equations import half_squares as half_squares
from neural_style.losses.equations import layer_style_loss as layer_style_loss
from neural_style.losses.equations import layer_style_loss_gradient as layer_style_loss_gradient
from neural_style.losses.equations import mean_squares as mean_squares
from neural_style.losses.equations import mean_style_loss as mean_style_loss
from neural_style.losses.equations import relative as relative
from neural_style.losses.equations import relative_squares as relative_squares
from neural_style.losses.equations import relative_style_loss as relative_style_loss
from neural_style.losses.equations import style_loss as style_loss
from neural_style.losses.equations import total_loss as total_loss
from neural_style.losses.equations import total_variation as total_variation
from neural_style.losses.equations import weighted_sum as weighted_sum
from neural_style.losses.terms import ContentLoss as ContentLoss
from neural_style.losses.terms import StyleLoss as StyleLoss
from neural_style.losses.terms import Terms as Terms
