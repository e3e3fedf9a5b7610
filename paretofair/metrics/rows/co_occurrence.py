"""How often predicted objects occur with the predicted group, against the training labels (numpy).

A bias is the share of a group among the rows with an object. Counts by true group do not know it, since both the object
and the group are predicted. Each function reads the rows of all tasks at once and has a value for every object, that
is, for every task but the one that predicts the group. `amplification` has the definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretofair.metrics.amplification import bias, directional_amplification

Array = NDArray[Any]
MARGIN, LEAST_ROWS = 0.05, 100  # of violations, after Zhao et al. 2017


@dataclass(frozen=True)
class JointRows:
    """The n rows of one split as one trial sees them: `labels` and `decisions` `(T, n)`, 0, 1 or -1 where a label is
    unknown. `group_task` is the place of the task that predicts the group. `training` `(T, m)` are the labels of the m
    training rows. `weights` `(n,)` and `training_weights` `(m,)` say how much rows count; None where all count
    alike."""

    labels: Array
    decisions: Array
    group_task: int
    training: Array
    weights: Array | None = None
    training_weights: Array | None = None

    @cached_property
    def reference(self) -> tuple[Array, Array]:
        """The bias of the training labels of each task, and the number of its rows, `(T,)` each."""
        member = self.training[self.group_task]
        share, _ = bias(self.training, member, self.training_weights)
        return self.leave_out_group(share), (self.training * (member >= 0) == 1).sum(-1)

    @cached_property
    def predicted(self) -> Array:
        """The bias of the decisions for each task, `(T,)`; NaN where the object is never predicted."""
        return self.leave_out_group(bias(self.decisions, self.decisions[self.group_task], self.weights)[0])

    @cached_property
    def direction(self) -> Array:
        """The sign of the correlation of each object with the group among the training rows where both are known."""
        member, objects = self.training[self.group_task], self.training
        known = (objects >= 0) & (member >= 0)
        weight = known * (1.0 if self.training_weights is None else self.training_weights)
        total = weight.sum(-1)
        both, of_object, of_group = (
            (weight * mask).sum(-1) for mask in ((objects == 1) & (member == 1), objects == 1, member == 1)
        )
        # As a comparison of counts, so that rounding decides nothing.
        return np.asarray(np.sign(np.round(both * total - of_object * of_group, 6)))

    def resampled(self, weights: Array) -> JointRows:
        """The same rows with other weights; what follows from the training labels alone is taken along."""
        found = replace(self, weights=weights)
        found.__dict__.update(reference=self.reference, direction=self.direction)
        return found

    @property
    def counted(self) -> Array:
        """How much each row counts, `(n,)`."""
        return np.ones(self.labels.shape[1]) if self.weights is None else np.asarray(self.weights, dtype=float)

    def leave_out_group(self, values: Array) -> Array:
        """The values `(..., T)`, NaN for the task that predicts the group."""
        values = np.array(values, dtype=float)
        values[..., self.group_task] = np.nan
        return values


def predicted_bias(rows: JointRows) -> Array:
    """The share of the predicted group among rows where the object is predicted, `(T,)`; NaN where none is."""
    return rows.predicted


def bias_amplification_towards(rows: JointRows) -> Array:
    """By how much the bias of predictions is larger than that of the training labels, `(T,)`; best at 0."""
    return np.asarray(rows.predicted - rows.reference[0])


def bias_amplification(rows: JointRows) -> Array:
    """The same, turned so that away from one half is positive, `(T,)`; exactly one half adds 0. Minimised."""
    return np.asarray(np.sign(rows.reference[0] - 0.5) * bias_amplification_towards(rows))


def bias_amplification_absolute(rows: JointRows) -> Array:
    """The size of the move in any direction, `(T,)`. Minimised."""
    return np.abs(bias_amplification_towards(rows))


def bias_violations(rows: JointRows) -> Array:
    """1 where the bias moved by more than the margin, else 0, `(T,)`; NaN for objects with fewer than 100 training
    rows. Minimised."""
    moved = bias_amplification_absolute(rows)
    checked = ~np.isnan(moved) & (rows.reference[1] >= LEAST_ROWS)
    return np.where(checked, (moved > MARGIN + 1e-12).astype(float), np.nan)


def amplification_from_group(rows: JointRows) -> Array:
    """Directional amplification from groups to objects, `(T,)`: how much more often an object is predicted in each
    group than it is there, along the correlation of the training labels; the mean over both groups. Minimised."""
    values = []
    for group, sign in ((1, 1), (0, -1)):
        member = rows.labels[rows.group_task] == group
        among = member & (rows.labels >= 0)
        found, wanted = (_rate(each == 1, among, rows.counted) for each in (rows.decisions, rows.labels))
        values.append(directional_amplification(found, wanted, sign * rows.direction))
    return rows.leave_out_group(np.mean(values, axis=0))


def amplification_from_object(rows: JointRows) -> Array:
    """Directional amplification from objects to groups, `(T,)`: how much more often a group is predicted where the
    object is than it is there, along the correlation of the training labels. Minimised. Both groups give the same."""
    member = rows.labels[rows.group_task]
    has = (rows.labels == 1) & (member >= 0)
    found, wanted = (_rate(each[rows.group_task] == 1, has, rows.counted) for each in (rows.decisions, rows.labels))
    return rows.leave_out_group(directional_amplification(found, wanted, rows.direction))


def _rate(mask: Array, among: Array, counted: Array) -> Array:
    """The share of rows in the mask, `(T, n)` or `(n,)`, among others `(T, n)`; NaN without any."""
    total = (among * counted).sum(-1)
    return np.divide((among * mask * counted).sum(-1), total, out=np.full(total.shape, np.nan), where=total > 0)


def interval(
    rows: JointRows, measure: Callable[[JointRows], Array], *, resamples: int = 1000, seed: int = 0
) -> tuple[Array, Array]:
    """`intervals` of one metric: lower and upper ends, `(T + 1,)` each."""
    (ends,) = intervals(rows, [measure], resamples=resamples, seed=seed)
    return ends[0], ends[1]


def intervals(
    rows: JointRows, measures: Sequence[Callable[[JointRows], Array]], *, resamples: int = 1000, seed: int = 0
) -> Array:
    """The 95 % intervals of metrics by resampled rows, the training labels as they are.

    Returns:
        Lower and upper ends of each, `(metrics, 2, T + 1)`: of every task, and behind them of the mean over tasks that
        have a value. NaN for a task that has none in more than one of twenty resamples.
    """
    generator, count = np.random.default_rng(seed), rows.labels.shape[1]
    found = np.full((resamples, len(measures), rows.labels.shape[0] + 1), np.nan)
    for place in range(resamples):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        own = rows.resampled(rows.counted * drawn)
        for number, measure in enumerate(measures):
            values = measure(own)
            known = ~np.isnan(values)
            found[place, number] = [*values, values[known].mean() if known.any() else np.nan]
    often = (np.isnan(found).mean(0) <= 0.05) & ~np.isnan(found).all(0)
    ends = np.full((2, *often.shape), np.nan)
    ends[:, often] = np.nanquantile(found[:, often], (0.025, 0.975), axis=0)
    return ends.swapaxes(0, 1)
