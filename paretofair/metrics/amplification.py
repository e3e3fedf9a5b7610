"""Bias amplification of multi-label predictions (Zhao et al. 2017; Choi, Zhang and Liu, "Gender Fairness in
Multi-label Classification using Auxiliary Tasks") (numpy).

The bias of an object towards a group is the group's share of the rows that have the object: among training rows by
their labels, among test rows by predicted object and predicted group. A model amplifies bias where the second is
further from one half than the first.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


class Amplification(NamedTuple):
    """Means over the objects that are predicted at all, `(...)`; NaN where there is none.

    `bias_amplification`: away from one half, minimised (an object at exactly one half adds 0, as in Zhao et al.).
    `bias_amplification_towards`: towards the group, signed. `bias_amplification_absolute`: in size, minimised.
    `bias_violations`: the number of objects, of the `checked` ones, whose bias moved by more than the margin;
    minimised. `objects`: the number of those behind the means.
    """

    bias_amplification: Array
    bias_amplification_towards: Array
    bias_amplification_absolute: Array
    objects: Array
    bias_violations: Array
    checked: Array


def bias(objects: ArrayLike, member: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, Array]:
    """The share of a group among the rows with each object, and the number of these rows.

    Args:
        objects: `(..., objects, rows)`, labels or decisions: 1 where the row has the object.
        member: `(..., rows)`, labels or decisions: 1 in the group, 0 in the other, -1 unknown, which is left out.
        weights: `(rows,)`, how much each row counts; all alike by default.

    Returns:
        Two `(..., objects)`; the share is NaN where no row has the object. With weights the second is their sum.

    >>> bias([[1, 1, 1, 0], [0, 0, 0, 0]], [1, 1, 0, 1])
    (array([0.66666667,        nan]), array([3, 0]))
    """
    has, group = np.asarray(objects) == 1, np.asarray(member)[..., None, :]
    counted = 1 if weights is None else np.asarray(weights, dtype=float)
    rows = (counted * (has & (group >= 0))).sum(axis=-1)
    share = np.full(rows.shape, np.nan)
    np.divide((counted * (has & (group == 1))).sum(axis=-1), rows, out=share, where=rows > 0)
    return share, rows


def directional_amplification(predicted: ArrayLike, labels: ArrayLike, direction: ArrayLike) -> Array:
    """How far predictions move along the correlation of the training labels (Wang and Russakovsky, "Directional Bias
    Amplification", ICML 2021): their difference from the labels, turned round where the two are correlated negatively.

    Args:
        predicted, labels: rates of the same rows, `(...)`: of an object among rows of a group for the direction from
            groups to objects, of a group among rows with an object for the other one.
        direction: the sign of the correlation of object and group among training labels: 1, -1 or 0.

    >>> directional_amplification([0.5, 0.5], [0.4, 0.4], [1, -1])
    array([ 0.1, -0.1])
    """
    return np.asarray(np.sign(direction) * (np.asarray(predicted, dtype=float) - np.asarray(labels, dtype=float)))


def amplification(
    predicted: ArrayLike, reference: ArrayLike, rows: ArrayLike, *, margin: float = 0.05, minimum_count: int = 100
) -> Amplification:
    """How much further from one half the bias of predictions is than that of the training labels.

    Args:
        predicted: `(..., objects)` bias of predictions on test rows; NaN where an object is never predicted, which is
            left out of every mean and count.
        reference: `(objects,)` bias of the labels of training rows.
        rows: `(objects,)` number of training rows behind `reference`.
        margin, minimum_count: an object with at least so many training rows is in violation if its bias moved by more
            than the margin.

    Raises:
        ValueError: another number of objects.
    """
    found, wanted, count = (np.asarray(each, dtype=float) for each in (predicted, reference, rows))
    if wanted.ndim != 1 or wanted.shape != count.shape or found.shape[-1:] != wanted.shape:
        raise ValueError(
            f"got predicted bias of shape {found.shape}, reference {wanted.shape} and rows {count.shape}, "
            "expected (..., objects), (objects,) and (objects,)"
        )
    towards = found - wanted
    known = ~np.isnan(towards)
    checked = known & (count >= minimum_count)
    return Amplification(
        bias_amplification=_mean(np.sign(wanted - 0.5) * towards, known),
        bias_amplification_towards=_mean(towards, known),
        bias_amplification_absolute=_mean(np.abs(towards), known),
        objects=known.sum(axis=-1),
        bias_violations=(checked & (np.abs(towards) > margin)).sum(axis=-1),
        checked=checked.sum(axis=-1),
    )


def _mean(values: Array, known: Array) -> Array:
    """Mean over the known objects; NaN where there is none."""
    number = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.divide(total, number, out=np.full(number.shape, np.nan), where=number > 0)
