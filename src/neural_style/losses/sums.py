"""Sums over positions: everything that a loss needs to know of features and pictures.

They add up over the tiles of a picture and over processes. Half-precision values are summed in float32: an
unnormalised sum would overflow float16, and rounding it to bfloat16 would add noise to the style's gradient.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.losses.variation import VARIATIONS

AT_A_TIME = 8192  # positions of bfloat16 features that are converted at once, so that they stay in the cache


@dataclass(frozen=True)
class Moments:
    """The raw moments of features over positions. They add up over tiles, styles, masks and processes.

    Attributes:
        count: Σ 1, the number of positions (or the sum of their weights).
        first: Σ f, shape (B, C).
        second: Σ f fᵀ, shape (B, C, C): the Gram matrix of the paper's eq. 3.

    >>> features = torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    >>> left, right = Moments.of(features[..., :2]), Moments.of(features[..., 2:])
    >>> bool(torch.allclose((left + right).second, Moments.of(features).second))
    True
    """

    count: float
    first: Tensor
    second: Tensor

    @classmethod
    def of(cls, features: Tensor, weights: Tensor | None = None, count: float | None = None) -> Moments:
        """Return the moments of features of shape (B, C, H, W), in at least float32.

        Args:
            features: the activations of one layer.
            weights: weights w of the positions, at least 0, shape (1, 1, H, W): the sums are then Σ w, Σ w f
                and Σ w f fᵀ. None counts all positions alike.
            count: Σ w where it is known; None reads it, for which a GPU has to be waited for.

        Raises:
            ValueError: if `features` does not have four dimensions.
        """
        if features.ndim != 4:
            advice = "Give the activations of one layer as the network returns them."
            got = tuple(features.shape)
            raise ValueError(_checks.message("features", "have shape (B, C, H, W)", got, advice))
        with torch.autocast(features.device.type, enabled=False):
            values = features.flatten(2)  # (B, C, M)
            if weights is None:
                values = values if values.dtype == torch.bfloat16 else at_least_float32(values)
                return cls(values.shape[2], *_Sums.apply(values))
            count = float(weights.sum()) if count is None else count
            root = weights.flatten(2).sqrt()  # (1, 1, M)
            values = at_least_float32(values) * root  # bfloat16 would round the weights
            return cls(count, (values * root).sum(2), _Sums.apply(values)[1])

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.first + other.first, self.second + other.second)

    def __mul__(self, weight: float) -> Moments:
        return Moments(self.count * weight, self.first * weight, self.second * weight)

    @classmethod
    def mixed(cls, parts: Sequence[Moments], weights: Sequence[float]) -> Moments:
        """Return the moments of a picture that consists of several, in proportion to weights.

        Args:
            parts: moments of one layer. Their own numbers of positions do not count; a single part is returned
                as it is.
            weights: one weight for each part, at least 0, with a positive sum.
        """
        if len(parts) == 1:
            return parts[0]
        first, *others = (
            part * (weight / part.count / sum(weights)) for part, weight in zip(parts, weights, strict=True)
        )
        return reduce(add, others, first)

    @property
    def normalized_gram(self) -> Tensor:
        """The Gram matrix per position, G / M, shape (B, C, C): it does not grow with the image."""
        return self.second / self.count

    @property
    def mean(self) -> Tensor:
        """The mean feature over positions, shape (B, C)."""
        return self.first / self.count

    @property
    def covariance(self) -> Tensor:
        """The covariance of the features over positions (divided by M), shape (B, C, C).

        A difference of moments: it loses digits where the mean is much larger than the deviation.
        """
        return self.normalized_gram - self.mean.unsqueeze(2) * self.mean.unsqueeze(1)


class _Sums(torch.autograd.Function):
    """Σ f, (B, C), and F Fᵀ, (B, C, C), of values (B, C, M), in at least float32.

    The gradient, d + (D + Dᵀ) F, is one matrix product in the values' own precision. Autograd would compute two
    in float32 and add them up in three passes over memory, a fifth of an evaluation's time on a CPU. The
    gradient has the memory order of channels-last features, which the network's are, so that adding it to
    theirs is cheap.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(values)
        if values.is_cuda and values.dtype == torch.bfloat16:  # torch multiplies these into float32
            return values.sum(2, dtype=torch.float32), torch.bmm(values, values.mT, out_dtype=torch.float32)
        if values.dtype != torch.bfloat16:
            return values.sum(2), values @ values.mT
        batch, channels, _ = values.shape
        first = values.new_zeros(batch, channels, dtype=torch.float32)
        second = values.new_zeros(batch, channels, channels, dtype=torch.float32)
        for part in torch.split(values, AT_A_TIME, 2):
            wide = part.float()
            first += wide.sum(2)
            second.baddbmm_(wide, wide.mT)
        return first, second

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        of_first, of_second = gradients
        both = (of_second + of_second.mT).to(values.dtype)
        gradient = torch.baddbmm(of_first.unsqueeze(1).to(values.dtype), values.mT, both)  # (B, M, C)
        return gradient.mT


@dataclass(frozen=True)
class Discrepancy:
    """The squared distance of features from a target's. Discrepancies add up over tiles, as `Moments` do.

    Attributes:
        count: the number of values.
        squares: Σ (F − P)², a scalar.
        energy: Σ P², a scalar.

    >>> features, target = torch.rand(2, 1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    >>> left = Discrepancy.of(features[..., :2], target[..., :2])
    >>> both = left + Discrepancy.of(features[..., 2:], target[..., 2:])
    >>> bool(torch.allclose(both.squares, Discrepancy.of(features, target).squares))
    True
    """

    count: float
    squares: Tensor
    energy: Tensor

    @classmethod
    def of(cls, features: Tensor, target_features: Tensor) -> Discrepancy:
        """Return the discrepancy of features from others of the same shape, in at least float32.

        Raises:
            ValueError: if their shapes differ: broadcasting would compare what does not belong together.
        """
        squares = difference(features, target_features).square().sum()
        return cls(features.numel(), squares, at_least_float32(target_features).square().sum())

    def __add__(self, other: Discrepancy) -> Discrepancy:
        return Discrepancy(self.count + other.count, self.squares + other.squares, self.energy + other.energy)


@dataclass(frozen=True)
class Variation:
    """The roughness of a picture, as sums over neighbouring pixels, which add up over tiles.

    Attributes:
        counts: the number of values in each sum.
        sums: scalars; of the squares across and of those down, for example.
    """

    counts: tuple[float, ...]
    sums: tuple[Tensor, ...]

    @classmethod
    def of(
        cls, image: Tensor, form: str = "squares", *, next_row: bool = False, next_column: bool = False
    ) -> Variation:
        """Return the variation of a picture of shape (B, C, H, W), in at least float32.

        Args:
            image: the picture, or a tile of it.
            form: what is summed, a name of `losses.variation.VARIATIONS`.
            next_row: whether the last row belongs to the next tile and only serves as a neighbour.
            next_column: whether the last column does.
        """
        rows, columns = image.shape[-2] - next_row, image.shape[-1] - next_column
        parts = VARIATIONS[form](at_least_float32(image), rows, columns)
        return cls(tuple(part.numel() for part in parts), tuple(part.sum() for part in parts))

    def __add__(self, other: Variation) -> Variation:
        counts = tuple(one + another for one, another in zip(self.counts, other.counts, strict=True))
        sums = tuple(one + another for one, another in zip(self.sums, other.sums, strict=True))
        return Variation(counts, sums)

    @property
    def mean(self) -> Tensor:
        """The sum of the means, a scalar; a side of one pixel adds nothing."""
        first, *others = (part / max(count, 1) for count, part in zip(self.counts, self.sums, strict=True))
        return reduce(add, others, first)


@dataclass(frozen=True)
class Sums:
    """All sums of a picture, or of one of its tiles.

    Attributes:
        moments: moments of a style layer's features, by the layer's name, or by layer and region.
        discrepancies: discrepancy of a content layer's features from the content's, by the layer's name.
        variation: variation of the picture itself.
    """

    moments: Mapping[Hashable, Moments]
    discrepancies: Mapping[Hashable, Discrepancy]
    variation: Variation

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            {name: one + other.moments[name] for name, one in self.moments.items()},
            {name: one + other.discrepancies[name] for name, one in self.discrepancies.items()},
            self.variation + other.variation,
        )

    @property
    def counts(self) -> list[float]:
        """The numbers of positions, in a fixed order."""
        moments = [one.count for one in self.moments.values()]
        discrepancies = [one.count for one in self.discrepancies.values()]
        return [*moments, *discrepancies, *self.variation.counts]

    @property
    def tensors(self) -> list[Tensor]:
        """The sums of values, in a fixed order."""
        moments = [part for one in self.moments.values() for part in (one.first, one.second)]
        discrepancies = [part for one in self.discrepancies.values() for part in (one.squares, one.energy)]
        return [*moments, *discrepancies, *self.variation.sums]

    def replaced(self, tensors: Sequence[Tensor], counts: Sequence[float] | None = None) -> Sums:
        """Return these sums with other `tensors`, and other `counts` if given, in the same order."""
        values, numbers = iter(tensors), iter(self.counts if counts is None else counts)
        return Sums(
            {name: Moments(next(numbers), next(values), next(values)) for name in self.moments},
            {name: Discrepancy(next(numbers), next(values), next(values)) for name in self.discrepancies},
            Variation(tuple(numbers), tuple(values)),  # all that are left
        )

    def detached(self) -> Sums:
        """Return the same sums without their history."""
        return self.replaced([tensor.detach() for tensor in self.tensors])


def difference(features: Tensor, target_features: Tensor) -> Tensor:
    """Return F − P in at least float32."""
    if features.shape != target_features.shape:
        rule = f"have the target's shape {tuple(target_features.shape)}"
        advice = "Compare features of the same layer at the same image size."
        raise ValueError(_checks.message("features", rule, tuple(features.shape), advice))
    return at_least_float32(features) - at_least_float32(target_features)


def at_least_float32(values: Tensor) -> Tensor:
    """Return half-precision values in float32 and wider ones as they are."""
    return values.float() if values.dtype.itemsize < 4 else values
