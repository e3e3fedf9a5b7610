"""Differential fairness of decisions (Foulds et al. 2020): ε of a rate, from confusion arrays (numpy).

ε is the largest absolute log ratio of a rate between any two groups: with ε = .1 no group has the outcome more than
e^.1, about 1.1 times, as often as another. Rates are smoothed, (rows with the outcome + c) / (rows + 2 c), with c = .05
as in the loss of the transfer of fairness (`methods.losses.running`), so that a rate of 0 has a logarithm. Arrays,
groups without rows and NaN are those of `rates`: a group that has rows but none behind a rate makes ε NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.metrics import rates

Array = NDArray[Any]

CONCENTRATION = 0.05


def log_true_positive_rate(confusion: ArrayLike) -> Array:
    """Logarithm of the smoothed true positive rate, `(..., 6) -> (...)`."""
    counts = np.asarray(confusion, dtype=float)
    return _log_rate(counts[..., rates.TP], counts[..., rates.TP] + counts[..., rates.FN])


def log_false_positive_rate(confusion: ArrayLike) -> Array:
    """Logarithm of the smoothed false positive rate, `(..., 6) -> (...)`."""
    counts = np.asarray(confusion, dtype=float)
    return _log_rate(counts[..., rates.FP], counts[..., rates.FP] + counts[..., rates.TN])


def log_decision_rates(confusion_by_class: ArrayLike) -> Array:
    """Logarithms of the smoothed rates of positive and of negative decisions, of C classes against the rest (1 of a
    binary task), `(..., C, groups, 6) -> (..., 2 C, groups)`."""
    counts = np.asarray(confusion_by_class, dtype=float)
    every = counts[..., : rates.FN + 1].sum(-1)
    positive, negative = (counts[..., own].sum(-1) for own in ([rates.TP, rates.FP], [rates.TN, rates.FN]))
    return np.concatenate([_log_rate(positive, every), _log_rate(negative, every)], -2)


def epsilon_tpr(confusion_by_group: ArrayLike) -> Array:
    """ε of the true positive rate; minimised.

    >>> epsilon_tpr([[8, 0, 0, 2, 0, 0], [4, 0, 0, 6, 0, 0]]).round(4).item()  # log (8.05 / 4.05)
    0.687
    """
    return rates.gap(log_true_positive_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def epsilon_fpr(confusion_by_group: ArrayLike) -> Array:
    """ε of the false positive rate; minimised."""
    return rates.gap(log_false_positive_rate(confusion_by_group), present=_has_rows(confusion_by_group))


def epsilon_odds(confusion_by_group: ArrayLike) -> Array:
    """ε of the true positive rate plus ε of the false positive rate; minimised."""
    return epsilon_tpr(confusion_by_group) + epsilon_fpr(confusion_by_group)


def epsilon_parity(confusion_by_group: ArrayLike) -> Array:
    """ε of the decision, the larger of those of positive and of negative ones; minimised."""
    here = _has_rows(confusion_by_group)[..., None, :]
    counts = np.asarray(confusion_by_group, dtype=float)[..., None, :, :]
    return np.asarray(rates.gap(log_decision_rates(counts), present=here).max(-1))


LOG_RATES: dict[str, Callable[[ArrayLike], Array]] = {
    "epsilon_tpr": log_true_positive_rate,
    "epsilon_fpr": log_false_positive_rate,
    "epsilon_parity": log_decision_rates,
}
"""What each ε is the largest difference of."""


def _log_rate(with_outcome: Array, rows: Array) -> Array:
    smoothed = rates.ratio(with_outcome + CONCENTRATION, np.where(rows > 0, rows + 2 * CONCENTRATION, 0))
    return np.asarray(np.log(smoothed))


def _has_rows(confusion: ArrayLike) -> Array:
    return np.asarray(np.asarray(confusion, dtype=float)[..., : rates.FN + 1].sum(-1) > 0)
