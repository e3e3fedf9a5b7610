"""How far models that are about as good disagree about single rows: predictive multiplicity (Marx, Calmon and Ustun,
"Predictive Multiplicity in Classification", ICML 2020) (numpy)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def ambiguity(decisions: ArrayLike, reference: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The share of rows that at least one of the models decides otherwise than the reference does (their eq. 5).

    Args:
        decisions: `(models, rows)` of the competing models, labels or booleans.
        reference: `(rows,)` of the one that they are compared with.
        weights: `(rows,)`, 0 or greater: how much each row counts. Default: all alike.

    Returns:
        Between 0 and 1; NaN without models or without rows that count.

    >>> ambiguity([[1, 0, 0, 1], [1, 1, 0, 0]], [1, 0, 0, 0])
    0.5
    """
    changed = _changed(decisions, reference)
    return _share(np.any(changed, axis=0), weights) if len(changed) else float("nan")


def discrepancy(decisions: ArrayLike, reference: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The largest share of rows that one of the models decides otherwise than the reference does (their eq. 6).
    Arguments and result are those of `ambiguity`, which is never smaller.

    >>> discrepancy([[1, 0, 0, 1], [1, 1, 0, 0]], [1, 0, 0, 0])
    0.25
    """
    changed = _changed(decisions, reference)
    return max((_share(of_model, weights) for of_model in changed), default=float("nan"))


def _changed(decisions: ArrayLike, reference: ArrayLike) -> Array:
    models, other = np.asarray(decisions), np.asarray(reference)
    if models.ndim != 2 or models.shape[1:] != other.shape:
        raise ValueError(
            f"got decisions {models.shape} and reference {other.shape}, expected (models, rows) and (rows,)"
        )
    return np.asarray(models != other)


def _share(mask: ArrayLike, weights: ArrayLike | None) -> float:
    counted = np.ones(np.shape(mask)) if weights is None else np.asarray(weights, dtype=float)
    return float(np.average(np.asarray(mask), weights=counted)) if counted.sum() > 0 else float("nan")
