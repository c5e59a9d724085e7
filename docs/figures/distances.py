"""The numbers beside the figures: two distances, and how much of the photograph's edges is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from torch import Tensor

from figures.inputs import Inputs
from neural_style.images.resizing import resize, size_of
from neural_style.metrics import gradient_similarity

Measure = Callable[[Tensor], dict[str, float]]


def measure_of(inputs: Inputs, photograph: Tensor, painting: Tensor, pixels: int) -> Measure:
    """Return what measures results of a longer side: the default's two distances, and the photograph's edges.

    A distance is 0 for the same picture, whatever its size; the content's is from the photograph in its own
    colours. Edges are measured by `metrics.gradient_similarity`.
    """
    objective = inputs.reference.objective(photograph, painting, size=inputs.size(pixels))

    def measure(result: Tensor) -> dict[str, float]:
        image = result.unsqueeze(0)
        objective.value_and_grad(image)
        losses = objective.terms_by_name
        return rounded(
            {
                "content_distance": losses["content"].item(),
                "style_distance": losses["style"].item(),
                "edges": gradient_similarity(image, resize(photograph.unsqueeze(0), size_of(image))),
            }
        )

    return measure


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
