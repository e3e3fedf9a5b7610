"""How much each row counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MOST_BITS = 20  # behind the binary point
_SUM_BITS = 30  # of the sum of all units, so that products of two sums are exact in 64 bits


@dataclass(frozen=True)
class RowWeights:
    """Weights as whole numbers `units` `(n,)` int64 of one `unit`, a power of two: sums of them are exact in any order,
    so that no metric depends on how many trials are measured together."""

    units: np.ndarray
    unit: float

    @property
    def values(self) -> np.ndarray:
        """`(n,)` float64."""
        return self.units * self.unit

    def take(self, rows: np.ndarray) -> RowWeights:
        """Those of some rows."""
        return RowWeights(self.units[rows], self.unit)


def normalise_weights(weights: np.ndarray | None, train: np.ndarray) -> RowWeights | None:
    """Weights `(rows,)` divided by their mean over the rows where `train`, None where all are equal.

    They are rounded to multiples of 2^-20; of many rows to multiples of the smallest power of two with which the sum of
    all rows stays below 2^30: 2^-14 for 50,000 rows, 2^-10 for a million. No weight becomes 0.
    """
    if weights is None or (weights == weights[0]).all():
        return None
    scaled = weights / weights[train].mean()
    bits = min(_MOST_BITS, _SUM_BITS - int(np.ceil(scaled.sum())).bit_length())
    units = np.rint(scaled * 2.0**bits).astype(np.int64)
    return RowWeights(np.where((units == 0) & (weights > 0), 1, units), 2.0**-bits)
