"""All that a loss needs of a picture, as sums over positions: they add up over tiles and over ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from neural_style.losses import Discrepancy, Moments, Variation


@dataclass(frozen=True)
class Sums:
    """The sums of a picture, or of one of its tiles.

    Attributes:
        moments: of the features of each style layer, by name.
        discrepancies: of the features of each content layer from the content's, by name.
        variation: of the picture itself.
    """

    moments: Mapping[str, Moments]
    discrepancies: Mapping[str, Discrepancy]
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
        return [*moments, *discrepancies, self.variation.across_count, self.variation.down_count]

    @property
    def tensors(self) -> list[Tensor]:
        """The sums of values, in a fixed order."""
        moments = [part for one in self.moments.values() for part in (one.first, one.second)]
        discrepancies = [part for one in self.discrepancies.values() for part in (one.squares, one.energy)]
        return [*moments, *discrepancies, self.variation.across, self.variation.down]

    def replaced(self, tensors: Sequence[Tensor], counts: Sequence[float] | None = None) -> Sums:
        """Return sums of the same layers with others in the place of `tensors`, and of `counts` where given."""
        values, numbers = iter(tensors), iter(self.counts if counts is None else counts)
        return Sums(
            {name: Moments(next(numbers), next(values), next(values)) for name in self.moments},
            {name: Discrepancy(next(numbers), next(values), next(values)) for name in self.discrepancies},
            Variation(next(numbers), next(values), next(numbers), next(values)),
        )

    def detached(self) -> Sums:
        """Return the same sums without their history."""
        return self.replaced([tensor.detach() for tensor in self.tensors])
