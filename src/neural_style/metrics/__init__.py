"""Measuring a result: its style, its colours, its content, its flaws, and what it copies.

All functions take pictures of any kind that `load_image` takes, with sides of at least 32 pixels, 64 for
`cells`, and return plain numbers. They raise OSError, TypeError or ValueError for others. No single number says
that a picture is good: the style distances are 0 for the painting itself, the likenesses 1 for the photograph
itself.
"""

from neural_style.metrics.border import border_ratio as border_ratio
from neural_style.metrics.color import color_distance as color_distance
from neural_style.metrics.content import gradient_similarity as gradient_similarity
from neural_style.metrics.content import multiscale_similarity as multiscale_similarity
from neural_style.metrics.content import similarity as similarity
from neural_style.metrics.copying import copy_rate as copy_rate
from neural_style.metrics.held_out import held_out_style_distance as held_out_style_distance
from neural_style.metrics.pixel_noise import noise as noise
from neural_style.metrics.spectrum import cells as cells
from neural_style.metrics.spectrum import grid_peaks as grid_peaks
from neural_style.metrics.style import style_distance as style_distance
