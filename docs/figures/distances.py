"""The numbers that the figures are judged by: two distances, and how much of the edges is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from torch import Tensor

from figures.inputs import Inputs
from neural_style.images.color import luma
from neural_style.images.resizing import resize, size_of

STEADY = 0.0026  # the constant of the gradient-magnitude similarity, for luminance in [0, 1]

Measure = Callable[[Tensor], dict[str, float]]


def measure_of(inputs: Inputs, photograph: Tensor, painting: Tensor, pixels: int) -> Measure:
    """Return what measures results of a longer side: the default's two distances, and the photograph's edges.

    A distance is 0 for the same picture, whatever its size; the content's is from the photograph in its own
    colours. Edges are measured by `gradient_similarity`.
    """
    objectives = {
        name: judge.objective(photograph, painting, size=inputs.size(pixels))
        for name, judge in inputs.judges.items()
    }

    def measure(result: Tensor) -> dict[str, float]:
        image = result.unsqueeze(0)
        found = {name: judge.value_and_grad(image)[0].item() for name, judge in objectives.items()}
        original = resize(photograph.unsqueeze(0), size_of(image))
        found["edges"] = gradient_similarity(image, original)
        return rounded(found)

    return measure


def gradient_similarity(image: Tensor, other: Tensor) -> float:
    """Return the mean gradient-magnitude similarity of the luminances of (1, 3, H, W): 1 for the same picture.

    (2 a b + c) / (a² + b² + c) with Prewitt's gradient magnitudes a and b after the mean of 2×2 pixels, and
    c = 0.0026; larger keeps more of the edges.

    Reference:
        Xue, Zhang, Mou & Bovik, "Gradient Magnitude Similarity Deviation" (2014).
    """
    a, b = (_gradient_magnitude(luma(picture)[0, 0].double().cpu().numpy()) for picture in (image, other))
    return float(np.mean((2 * a * b + STEADY) / (a**2 + b**2 + STEADY)))


def _gradient_magnitude(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = (side // 2 * 2 for side in plane.shape)
    half = plane[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))
    across = half[:, 2:] - half[:, :-2]
    down = half[2:] - half[:-2]
    mean_across = (across[:-2] + across[1:-1] + across[2:]) / 3
    mean_down = (down[:, :-2] + down[:, 1:-1] + down[:, 2:]) / 3
    return np.asarray(np.hypot(mean_across, mean_down), dtype=np.float64)


def rounded(measured: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers to four digits, as they are kept."""
    return {name: float(f"{value:.4g}") for name, value in measured.items()}


def is_monotone(values: Sequence[float], *, falling: bool = False) -> bool:
    """Return whether every number is larger than the one before, or smaller."""
    return all((after < before) if falling else (after > before) for before, after in pairwise(values))


def in_words(values: Sequence[float]) -> str:
    """Return numbers in a row, with three digits each."""
    return ", ".join(f"{value:.3g}" for value in values)


def span(values: Sequence[float]) -> str:
    """Return the smallest and the largest of some numbers, with two digits each."""
    return f"{min(values):.2g} to {max(values):.2g}"
