"""What follows from the counts of labels and decisions of a task with C classes, by cell of rows (numpy).

An array of class counts is `(..., 2, C, C)`: `[0, i, j]` counts the rows of label i that are decided to be j, `[1, i,
j]` sums the score of class j over the rows of label i. Rows of unknown label are in none of them. By group it is `(...,
groups, 2, C, C)`. `one_against_rest` makes of them the six counts that binary tasks have, one set per class, so that
everything in `rates` applies to every class against the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.metrics import rates

Array = NDArray[Any]


def merge(counts: ArrayLike, cell_groups: ArrayLike, n_groups: int) -> Array:
    """Sums the finest cells `(..., cells, 2, C, C)` into the groups of one attribute, as `rates.merge` does."""
    values, groups = np.asarray(counts, dtype=float), np.asarray(cell_groups)
    if values.ndim < 4 or groups.shape != values.shape[-4:-3]:
        raise ValueError(f"got class counts {values.shape} with cell_groups {groups.shape}")
    return np.stack([values[..., groups == group, :, :, :].sum(-4) for group in range(n_groups)], -4)


def one_against_rest(counts: ArrayLike) -> Array:
    """The six counts that `rates` knows, of each class against the rest, `(..., C, groups, 6)`."""
    values = np.asarray(counts, dtype=float)
    hard, soft = values[..., 0, :, :], values[..., 1, :, :]
    right = np.diagonal(hard, axis1=-2, axis2=-1)  # (..., groups, C)
    own_scores = np.diagonal(soft, axis1=-2, axis2=-1)
    of_label, decided = hard.sum(-1), hard.sum(-2)
    rows = hard.sum((-2, -1))[..., None]
    missed, wrongly = of_label - right, decided - right
    found = (right, wrongly, rows - of_label - wrongly, missed, own_scores, soft.sum(-2) - own_scores)
    return np.moveaxis(np.stack(found, -1), -2, -3)


def error(counts: ArrayLike) -> Array:
    """P(decision differs from label), `(..., 2, C, C)` to `(...)`; minimised.

    >>> error([[[3, 1], [0, 4]], [[3, 1], [1, 3]]]).item()
    0.125
    """
    hard = np.asarray(counts, dtype=float)[..., 0, :, :]
    rows = hard.sum((-2, -1))
    return rates.ratio(rows - np.trace(hard, axis1=-2, axis2=-1), rows)


def accuracy(counts: ArrayLike) -> Array:
    """P(decision equals label); maximised, NaN without rows."""
    hard = np.asarray(counts, dtype=float)[..., 0, :, :]
    return rates.ratio(np.trace(hard, axis1=-2, axis2=-1), hard.sum((-2, -1)))


def macro_f1(counts: ArrayLike) -> Array:
    """The mean over classes of the harmonic mean of precision and recall; maximised.

    As scikit-learn's with `zero_division=0`: classes that are neither a label nor a decision of any row are left out.
    """
    hard = np.asarray(counts, dtype=float)[..., 0, :, :]
    right = np.diagonal(hard, axis1=-2, axis2=-1)
    return np.asarray(_mean(rates.ratio(2 * right, hard.sum(-1) + hard.sum(-2))))


def accuracy_gap(counts_by_group: ArrayLike) -> Array:
    """Largest difference of the accuracy between any two groups with rows, `(..., groups, 2, C, C)` to `(...)`;
    minimised."""
    return rates.gap(accuracy(counts_by_group), present=_has_rows(counts_by_group))


def worst_group_accuracy(counts_by_group: ArrayLike) -> Array:
    """Smallest accuracy of any group with rows; maximised, NaN without any rows."""
    return rates.smallest(accuracy(counts_by_group), present=_has_rows(counts_by_group))


def worst_group_error(counts_by_group: ArrayLike) -> Array:
    """Largest error of any group with rows; minimised, NaN without any rows."""
    return 1 - worst_group_accuracy(counts_by_group)


def prediction_bias(counts_by_group: ArrayLike) -> Array:
    """How far the rows that are decided to be of a class are from coming in equal parts from all G groups:
    (1/C) Σ_c max_g N_gc / Σ_g N_gc - 1/G (Wang et al. 2020, for two groups of equal size); minimised, best at 0.

    `(..., groups, 2, C, C)` to `(...)`. Classes that are never decided are left out; NaN where there is none.
    """
    decided = np.asarray(counts_by_group, dtype=float)[..., 0, :, :].sum(-2)  # (..., groups, C)
    shares = rates.ratio(decided.max(-2), decided.sum(-2))
    return np.asarray(_mean(shares) - 1 / decided.shape[-2])


def _has_rows(counts: ArrayLike) -> Array:
    return np.asarray(np.asarray(counts, dtype=float)[..., 0, :, :].sum((-2, -1)) > 0)


def _mean(values: Array) -> Array:
    """Over the last axis, without the NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    return rates.ratio(np.where(known, values, 0).sum(-1), known.sum(-1))
