"""Metrics of the technical challenges that a trial table has no columns of: the AUC of one group alone, and the values
of the penalties themselves.

Groups are numbered as the data set names them. Scores are probabilities of label 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

Array = NDArray[np.float64]
METRICS = {
    "auc_first": ("maximised", 0),
    "auc_second": ("maximised", 0),
    "equal_loss": ("minimised", 10),
    "odds_penalty": ("minimised", 2),
    "disparate_impact": ("maximised", 0),
}
"""Direction and worst value of each, as a space file names them."""


def auc_first(labels: Array, scores: Array, decisions: Array, groups: Array) -> float:
    """Area under the ROC curve of the first group."""
    return _auc(labels, scores, groups == 0)


def auc_second(labels: Array, scores: Array, decisions: Array, groups: Array) -> float:
    """Area under the ROC curve of the second group."""
    return _auc(labels, scores, groups == 1)


def equal_loss(labels: Array, scores: Array, decisions: Array, groups: Array) -> float:
    """Distance of the two groups' mean cross-entropies (eq. 2)."""
    likely = np.where(labels == 1, scores, 1 - scores)
    return _distance(-np.log(np.clip(likely, 1e-7, 1)), groups)


def odds_penalty(labels: Array, scores: Array, decisions: Array, groups: Array) -> float:
    """Soft rates of false positives and negatives, each over all rows of a group, compared and added (eq. 4)."""
    return _distance(scores * (1 - labels), groups) + _distance((1 - scores) * labels, groups)


def disparate_impact(labels: Array, scores: Array, decisions: Array, groups: Array) -> float:
    """The smaller of the groups' mean scores over the larger (eq. 6); 1 is even."""
    means = _means(scores, groups)
    return float(means.min() / means.max()) if means.max() > 0 else float("nan")


def _auc(labels: Array, scores: Array, rows: NDArray[np.bool_]) -> float:
    own = labels[rows]
    return float(roc_auc_score(own, scores[rows])) if 0 < own.sum() < len(own) else float("nan")


def _distance(values: Array, groups: Array) -> float:
    first, second = _means(values, groups)
    return float(abs(first - second))


def _means(values: Array, groups: Array) -> Array:
    """NaN for a group without rows."""
    found = [values[groups == group] for group in (0, 1)]
    return np.array([own.mean() if len(own) else np.nan for own in found])
