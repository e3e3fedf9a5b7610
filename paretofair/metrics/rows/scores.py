"""Calibration, accuracy of scores, ROC curves of groups, and parity within strata (numpy).

Each is a function of the rows of one task as one trial sees them. They are measured where the trial is trained, and
only in a run that asks for them. Groups and strata without rows are left out; what is undefined is NaN. Of several
classes each class is measured against the rest and the worst counts, but for the Brier score, which is of the task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.metrics import rates

Array = NDArray[Any]
BINS = 10


@dataclass(frozen=True)
class ScoredRows:
    """The n rows of known label of one task: `labels`, `decisions`, `groups` (-1 unknown) `(n,)`, and the `scores`
    `(n,)`, probabilities of label 1, or of several classes `(n, C)`. `weights` `(n,)` say how much each row counts, and
    `strata` `(n,)` number the values of the column that a metric is given; None for rows that count alike, and for
    metrics that are given nothing."""

    labels: Array
    scores: Array
    decisions: Array
    groups: Array
    weights: Array | None = None
    strata: Array | None = None

    @property
    def counted(self) -> Array:
        """How much each row counts, `(n,)`."""
        return np.ones(len(self.labels)) if self.weights is None else np.asarray(self.weights, dtype=float)

    def against_rest(self) -> Iterator[tuple[Array, Array, Array]]:
        """Labels, scores and decisions `(n,)` of each class against the rest, labels and decisions as bool; of a binary
        task once, of label 1."""
        if self.scores.ndim == 1:
            yield self.labels == 1, self.scores, self.decisions == 1
            return
        for place in range(self.scores.shape[1]):
            yield self.labels == place, self.scores[:, place], self.decisions == place


class CalibrationBins(NamedTuple):
    """Of `BINS` bins of scores of equal width, `(BINS,)` each: how much their rows count, the number of these rows,
    their mean score and their rate of label 1; NaN in a bin without rows."""

    weight: Array
    rows: Array
    mean_score: Array
    positive_rate: Array


def calibration_bins(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> CalibrationBins:
    """The bins of one reliability diagram, as scikit-learn's `calibration_curve` makes them: a score on the border of
    two belongs to the lower.

    >>> bins = calibration_bins([0, 1, 1], [.12, .18, .9])
    >>> bins.rows.tolist(), bins.positive_rate[1].item()
    ([0, 2, 0, 0, 0, 0, 0, 0, 1, 0], 0.5)
    """
    values = np.asarray(scores, dtype=float)
    counted = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    place = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], values)
    weight, score, positive = (
        np.bincount(place, counted * each, BINS) for each in (1.0, values, np.asarray(labels, dtype=float))
    )
    rows = np.bincount(place[counted > 0], minlength=BINS)
    return CalibrationBins(weight, rows, rates.ratio(score, weight), rates.ratio(positive, weight))


def calibration_error(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Expected calibration error (Naeini et al. 2015): the mean over rows of the distance between the mean score and
    the rate of label 1 in the row's bin; minimised, NaN without rows. Of few rows it is large by chance.

    >>> calibration_error([0, 1, 1, 1], [.5, .5, .5, .5])
    0.25
    """
    bins = calibration_bins(labels, scores, weights)
    used = bins.weight > 0
    if not used.any():
        return float("nan")
    return float(np.average(np.abs(bins.mean_score - bins.positive_rate)[used], weights=bins.weight[used]))


def brier(rows: ScoredRows) -> float:
    """Mean squared distance of scores from labels; minimised, between 0 and 1, NaN without rows.

    Of several classes half the sum over classes (scikit-learn's `scale_by_half=True`), which for two classes is the
    same number.
    """
    counted = rows.counted
    if not counted.sum() > 0:
        return float("nan")
    if rows.scores.ndim == 1:
        distance = (rows.scores - rows.labels) ** 2
    else:
        marks = rows.labels[:, None] == np.arange(rows.scores.shape[1])
        distance = ((rows.scores - marks) ** 2).sum(-1) / 2
    return float(np.average(distance, weights=counted))


def calibration_gap(rows: ScoredRows) -> float:
    """Largest difference of the `calibration_error` between groups; minimised. Groups that are all as badly calibrated
    have none: `worst_group_calibration_error` tells."""
    return _worst(rates.gap(errors).item() for errors in _calibration_errors(rows))


def worst_group_calibration_error(rows: ScoredRows) -> float:
    """Largest `calibration_error` of any group: how far sufficiency is missed where it is missed most; minimised."""
    return _worst(max(errors, default=float("nan")) for errors in _calibration_errors(rows))


def abroca(rows: ScoredRows) -> float:
    """Area between the ROC curves of groups, of the two for which it is largest (Gardner, Brooks and Baker 2019);
    minimised.

    NaN where a group with rows has only one label, and with fewer than two groups. Curves that cross may have equal
    areas below them, and so no `auc_gap`.
    """
    values = []
    for labels, scores, _ in rows.against_rest():
        curves = [_roc(labels[own], scores[own], rows.counted[own]) for own in _of_groups(rows)]
        known = [curve for curve in curves if curve is not None]
        pairs = [_area_between(one, other) for one, other in combinations(known, 2)]
        values.append(max(pairs) if len(known) == len(curves) and pairs else float("nan"))
    return _worst(values)


def conditional_parity_gap(rows: ScoredRows) -> float:
    """Conditional demographic parity: the mean over strata of the largest difference of the rate of positive decisions
    between groups, each stratum with the weight of its rows of known group; minimised.

    A stratum in which fewer than two groups have rows compares nothing and is left out, as rows of no known stratum
    are; NaN where none is left.
    """
    assert rows.strata is not None, "the column that it is given names the strata"
    counted = np.where((rows.groups >= 0) & (rows.strata >= 0), rows.counted, 0.0)
    shape = rows.strata.max(initial=0) + 1, rows.groups.max(initial=0) + 1
    place = np.ravel_multi_index((rows.strata.clip(0), rows.groups.clip(0)), shape)
    weight = np.bincount(place, counted, shape[0] * shape[1]).reshape(shape)
    values = []
    for _, _, decided in rows.against_rest():
        positive = np.bincount(place, counted * decided, weight.size).reshape(shape)
        gaps = rates.gap(rates.ratio(positive, weight), present=weight > 0)
        used = ~np.isnan(gaps)
        values.append(float(np.average(gaps[used], weights=weight[used].sum(-1))) if used.any() else float("nan"))
    return _worst(values)


def _worst(values: Any) -> float:
    """The largest; NaN where one is, as in `TaskCounts.measure`."""
    return float(np.max(list(values)))


def _of_groups(rows: ScoredRows) -> list[Array]:
    """A mask `(n,)` for each group with rows that count."""
    counts = rows.counted > 0
    return [(rows.groups == group) & counts for group in np.unique(rows.groups[counts & (rows.groups >= 0)])]


def _calibration_errors(rows: ScoredRows) -> Iterator[list[float]]:
    """The errors of all groups, for each class against the rest."""
    for labels, scores, _ in rows.against_rest():
        yield [calibration_error(labels[own], scores[own], rows.counted[own]) for own in _of_groups(rows)]


class _Roc(NamedTuple):
    """A ROC curve at each of its false positive rates, from 0 to 1: the true positive rate where a step begins and
    where it ends. Between two false positive rates it is straight."""

    false_positive: Array
    low: Array
    high: Array

    def at(self, points: Array, *, left: bool) -> Array:
        """The limits from the `left` or from the right."""
        place = np.searchsorted(self.false_positive, points, side="left" if left else "right") - 1
        width = self.false_positive[place + 1] - self.false_positive[place]
        rise = self.low[place + 1] - self.high[place]
        return np.asarray(self.high[place] + (points - self.false_positive[place]) / width * rise)


def _roc(labels: Array, scores: Array, counted: Array) -> _Roc | None:
    """None where a label is missing. Equal scores are one step, as in scikit-learn's `roc_curve`."""
    order = np.argsort(-scores, kind="stable")
    positives, negatives = (np.cumsum((counted * mask)[order]) for mask in (labels, ~labels))
    if not (len(order) and positives[-1] > 0 and negatives[-1] > 0):
        return None
    ends = np.append(np.diff(scores[order]) != 0, True)
    true, false = (np.append(0, each[ends] / each[-1]) for each in (positives, negatives))
    different, first = np.unique(false, return_index=True)
    return _Roc(different, true[first], true[np.append(first[1:], len(true)) - 1])


def _area_between(one: _Roc, other: _Roc) -> float:
    """The exact area between two curves: between two points at which one of them bends their difference is straight."""
    points = np.union1d(one.false_positive, other.false_positive)
    start = one.at(points[:-1], left=False) - other.at(points[:-1], left=False)
    end = one.at(points[1:], left=True) - other.at(points[1:], left=True)
    size = np.abs(start) + np.abs(end)
    crossing = np.where(size > 0, (start**2 + end**2) / np.where(size > 0, size, 1), 0)
    return float((np.diff(points) * np.where(start * end < 0, crossing, size) / 2).sum())
