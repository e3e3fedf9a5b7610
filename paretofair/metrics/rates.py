"""Rates and gaps between groups, from confusion arrays (numpy).

A confusion array is `(..., 6)`, its columns those of `confusion.COUNTS`; by group it is `(..., groups, 6)`.
Rows of unknown label are in none of the counts. Results are float64 with the leading axes of the input.

An undefined rate is NaN, never 0. A group without any row is left out of gaps; a group that has rows but
an undefined rate (no negatives, say) makes the gap NaN, as do fewer than two groups with rows.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

TP, FP, TN, FN, SCORE_POSITIVES, SCORE_NEGATIVES = range(6)


def merge(confusion: ArrayLike, cell_groups: ArrayLike, n_groups: int) -> Array:
    """Sums the finest cells into the groups of one attribute.

    Args:
        confusion: `(..., cells, 6)`.
        cell_groups: `(cells,)` group of each cell in [0, n_groups), or -1 to leave the cell out.
        n_groups: number of groups; a group without cells gives zeros.

    Returns:
        `(..., n_groups, 6)`.

    Raises:
        ValueError: another number of cells, or a group outside the range.
    """
    counts = np.asarray(confusion, dtype=float)
    groups = np.asarray(cell_groups)
    if counts.ndim < 2 or counts.shape[-1] != 6 or groups.shape != counts.shape[-2:-1]:
        raise ValueError(f"got confusion {counts.shape} with cell_groups {groups.shape}, expected (..., cells, 6)")
    if groups.size and (groups.min() < -1 or groups.max() >= n_groups):
        raise ValueError(f"got groups from {groups.min()} to {groups.max()}, expected -1 to {n_groups - 1}")
    merged = np.empty((*counts.shape[:-2], n_groups, 6))
    for group in range(n_groups):
        merged[..., group, :] = counts[..., groups == group, :].sum(axis=-2)
    return merged


def error(confusion: ArrayLike) -> Array:
    """P(decision differs from label); minimised."""
    counts = _counts(confusion)
    return ratio(counts[..., FP] + counts[..., FN], _rows(counts))


def accuracy(confusion: ArrayLike) -> Array:
    """P(decision equals label); maximised."""
    counts = _counts(confusion)
    return ratio(counts[..., TP] + counts[..., TN], _rows(counts))


def true_positive_rate(confusion: ArrayLike) -> Array:
    """P(decision 1 given label 1)."""
    counts = _counts(confusion)
    return ratio(counts[..., TP], _positives(counts))


def false_positive_rate(confusion: ArrayLike) -> Array:
    """P(decision 1 given label 0).

    >>> false_positive_rate([8, 1, 3, 2, 0, 0]).item()
    0.25
    """
    counts = _counts(confusion)
    return ratio(counts[..., FP], _negatives(counts))


def positive_rate(confusion: ArrayLike) -> Array:
    """P(decision 1) among the rows of known label; over all groups it is `realised_positive_rate`."""
    counts = _counts(confusion)
    return ratio(counts[..., TP] + counts[..., FP], _rows(counts))


def positive_predictive_value(confusion: ArrayLike) -> Array:
    """P(label 1 given decision 1), also called precision; NaN where nobody is decided to be positive."""
    counts = _counts(confusion)
    return ratio(counts[..., TP], counts[..., TP] + counts[..., FP])


def false_omission_rate(confusion: ArrayLike) -> Array:
    """P(label 1 given decision 0); NaN where everybody is decided to be positive."""
    counts = _counts(confusion)
    return ratio(counts[..., FN], counts[..., TN] + counts[..., FN])


def soft_true_positive_rate(confusion: ArrayLike) -> Array:
    """Mean score of the rows labelled 1: the true positive rate without a threshold."""
    counts = _counts(confusion)
    return ratio(counts[..., SCORE_POSITIVES], _positives(counts))


def soft_false_positive_rate(confusion: ArrayLike) -> Array:
    """Mean score of the rows labelled 0: the false positive rate without a threshold."""
    counts = _counts(confusion)
    return ratio(counts[..., SCORE_NEGATIVES], _negatives(counts))


def soft_positive_rate(confusion: ArrayLike) -> Array:
    """Mean score of the rows of known label: the positive rate without a threshold."""
    counts = _counts(confusion)
    return ratio(counts[..., SCORE_POSITIVES] + counts[..., SCORE_NEGATIVES], _rows(counts))


def rate_counts(confusion: ArrayLike) -> dict[str, Array]:
    """The number of rows behind each rate: its denominator, under the names of `registry.RATES`."""
    counts = _counts(confusion)
    rows, positives, negatives = _rows(counts), _positives(counts), _negatives(counts)
    return {
        "error": rows,
        "accuracy": rows,
        "positive_rate": rows,
        "soft_positive_rate": rows,
        "true_positive_rate": positives,
        "soft_true_positive_rate": positives,
        "false_positive_rate": negatives,
        "positive_predictive_value": counts[..., TP] + counts[..., FP],
        "false_omission_rate": counts[..., TN] + counts[..., FN],
        "soft_false_positive_rate": negatives,
    }


def gap(rates: ArrayLike, *, present: ArrayLike | None = None) -> Array:
    """Largest difference of a rate between any two groups; minimised.

    Args:
        rates: `(..., groups)`. NaN in a present group makes the gap NaN.
        present: `(..., groups)` mask of the groups that have rows (default: all). The others are left out.

    Returns:
        `(...)`; NaN with fewer than two groups present.

    >>> gap([.1, .4, .2]).item()
    0.30000000000000004
    """
    values, here = _broadcast_presence(rates, present)
    largest = np.where(here, values, -np.inf).max(axis=-1, initial=-np.inf)
    smallest = np.where(here, values, np.inf).min(axis=-1, initial=np.inf)
    return np.where(here.sum(axis=-1) >= 2, largest - smallest, np.nan)


def smallest(rates: ArrayLike, *, present: ArrayLike) -> Array:
    """Smallest value of any group that is `present`; NaN where none is."""
    values, here = _broadcast_presence(rates, present)
    found = np.where(here, values, np.inf).min(axis=-1, initial=np.inf)
    return np.where(here.any(axis=-1), found, np.nan)


def signed_gap(rates: ArrayLike) -> Array:
    """First minus second of exactly two groups, in the schema's order; NaN for another number of groups.

    Best at 0 from either side: unlike that of `gap` its interval over runs can contain 0.
    """
    values = np.asarray(rates, dtype=float)
    if values.shape[-1] != 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values[..., 0] - values[..., 1])


def fpr_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the false positive rate (MTA-F eq. 3); minimised."""
    return gap(false_positive_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def tpr_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the true positive rate (absolute equal opportunity difference); minimised."""
    return gap(true_positive_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def soft_fpr_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the mean score of rows labelled 0; minimised."""
    return gap(soft_false_positive_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def soft_tpr_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the mean score of rows labelled 1; minimised."""
    return gap(soft_true_positive_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def fpr_gap_signed(confusion_by_group: ArrayLike) -> Array:
    """`signed_gap` of the false positive rate: first group minus second; best at 0."""
    return signed_gap(false_positive_rate(confusion_by_group))


def tpr_gap_signed(confusion_by_group: ArrayLike) -> Array:
    """`signed_gap` of the true positive rate: first group minus second; best at 0."""
    return signed_gap(true_positive_rate(confusion_by_group))


def demographic_parity_gap_signed(confusion_by_group: ArrayLike) -> Array:
    """`signed_gap` of the positive rate: first group minus second; best at 0."""
    return signed_gap(positive_rate(confusion_by_group))


def equalized_odds_sum(confusion_by_group: ArrayLike, *, soft: bool = False) -> Array:
    """FPR gap plus TPR gap (GCM eq. 2); minimised. `soft`: here and below, of mean scores in place of decisions."""
    of_negatives, of_positives = _odds_gaps(confusion_by_group, soft)
    return of_negatives + of_positives


def equalized_odds_max(confusion_by_group: ArrayLike, *, soft: bool = False) -> Array:
    """The larger of FPR gap and TPR gap (fairlearn's `equalized_odds_difference`); minimised."""
    return np.maximum(*_odds_gaps(confusion_by_group, soft))


def equalized_odds_mean(confusion_by_group: ArrayLike, *, soft: bool = False) -> Array:
    """Mean of FPR gap and TPR gap; minimised."""
    return equalized_odds_sum(confusion_by_group, soft=soft) / 2


def demographic_parity_gap(confusion_by_group: ArrayLike, *, soft: bool = False) -> Array:
    """`gap` of the positive rate; minimised."""
    rate = soft_positive_rate if soft else positive_rate
    return gap(rate(confusion_by_group), present=_has_rows(confusion_by_group))


def disparate_impact_ratio(confusion_by_group: ArrayLike, *, soft: bool = False) -> Array:
    """Smallest over largest positive rate of any group, in [0, 1]; best at 1, NaN where both are 0."""
    rate = soft_positive_rate if soft else positive_rate
    here = _has_rows(confusion_by_group)
    values = rate(confusion_by_group)
    largest = np.where(here, values, -np.inf).max(axis=-1, initial=-np.inf)
    smallest = np.where(here, values, np.inf).min(axis=-1, initial=np.inf)
    enough = here.sum(axis=-1) >= 2
    return ratio(np.where(enough, smallest, np.nan), np.where(enough, largest, np.nan))


def equal_opportunity_ratio(confusion_by_group: ArrayLike, *, soft: bool = False) -> Array:
    """TPR of the first of two groups over TPR of the second (GCM "EOP"); best at 1.

    NaN where the second is 0 and for another number of groups.
    """
    rates = soft_true_positive_rate(confusion_by_group) if soft else true_positive_rate(confusion_by_group)
    if rates.shape[-1] != 2:
        return np.full(rates.shape[:-1], np.nan)
    return ratio(rates[..., 0], rates[..., 1])


def accuracy_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the accuracy; minimised."""
    return gap(accuracy(confusion_by_group), present=_has_rows(confusion_by_group))


def worst_group_accuracy(confusion_by_group: ArrayLike) -> Array:
    """Smallest accuracy of any group with rows (one is enough); maximised, NaN without any rows."""
    return smallest(accuracy(confusion_by_group), present=_has_rows(confusion_by_group))


def worst_group_error(confusion_by_group: ArrayLike) -> Array:
    """Largest error of any group with rows (minimax fairness); minimised, NaN without any rows."""
    return 1 - worst_group_accuracy(confusion_by_group)


def ppv_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the positive predictive value (predictive parity); minimised. NaN where nobody of a group is decided to
    be positive.

    >>> ppv_gap([[3, 1, 4, 2, 0, 0], [1, 1, 6, 2, 0, 0]]).item(), ppv_gap([[3, 1, 4, 2, 0, 0], [0] * 3 + [9, 0, 0]])
    (0.25, array(nan))
    """
    return gap(positive_predictive_value(confusion_by_group), present=_has_rows(confusion_by_group))


def for_gap(confusion_by_group: ArrayLike) -> Array:
    """`gap` of the false omission rate; minimised. NaN where everybody of a group is decided to be positive."""
    return gap(false_omission_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def auc_gap(auc_by_group: ArrayLike, confusion_by_group: ArrayLike) -> Array:
    """`gap` of the AUC, `(..., groups)` from `ranking.ranking_by_group`; minimised. The counts tell which have rows."""
    return gap(auc_by_group, present=_has_rows(confusion_by_group))


def _odds_gaps(confusion_by_group: ArrayLike, soft: bool) -> tuple[Array, Array]:
    first, second = (soft_fpr_gap, soft_tpr_gap) if soft else (fpr_gap, tpr_gap)
    return first(confusion_by_group), second(confusion_by_group)


def _counts(confusion: ArrayLike) -> Array:
    counts = np.asarray(confusion, dtype=float)
    if counts.ndim == 0 or counts.shape[-1] != 6:
        raise ValueError(f"got a confusion array of shape {counts.shape}, expected (..., 6)")
    return counts


def _rows(counts: Array) -> Array:
    return np.asarray(counts[..., : FN + 1].sum(axis=-1))


def _positives(counts: Array) -> Array:
    return np.asarray(counts[..., TP] + counts[..., FN])


def _negatives(counts: Array) -> Array:
    return np.asarray(counts[..., FP] + counts[..., TN])


def _has_rows(confusion: ArrayLike) -> Array:
    return np.asarray(_rows(_counts(confusion)) > 0)


def ratio(numerator: Array, denominator: Array) -> Array:
    """The quotient; NaN where the denominator is 0."""
    undefined = np.full(np.shape(denominator), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=np.greater(denominator, 0))


def _broadcast_presence(rates: ArrayLike, present: ArrayLike | None) -> tuple[Array, Array]:
    values = np.asarray(rates, dtype=float)
    mask = np.ones(values.shape, dtype=bool) if present is None else np.asarray(present, dtype=bool)
    return values, np.broadcast_to(mask, values.shape)
