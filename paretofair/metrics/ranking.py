"""Average precision and area under the ROC curve, for all trials of a stack at once.

One sort per trial and task, then cumulative counts and tie groups. Counts are integers, those of weighted rows too, and
the terms of average precision are summed as fixed-point integers, so the result does not depend on the order of
summation: neither on the other trials, nor on threads, nor on the device.

A call needs about 100 bytes of working memory per score.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

_LOW = (1 << 32) - 1
_FIXED_POINT = float(1 << 32)
_WEIGHTED_FIXED_POINT = float(1 << 31)  # sums of weights may have 31 bits


def ranking(scores: Tensor, labels: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Average precision and AUC from one shared sort; both maximised.

    Args:
        scores: `(..., rows)` floating point; higher means more likely positive.
        labels: `(..., rows)`, broadcastable against `scores`: 1, 0, or -1 for unknown, which is ignored.
        weights: `(rows,)` int64, 0 or greater, together below 2^31: how often each row counts. Default: once.

    Returns:
        Two `(...)` float64 tensors, with ties treated as scikit-learn does (a tie group is one threshold).
        Average precision is the sum over thresholds of precision times the increase of recall, without
        interpolation. NaN where a class is missing and where a known row's score is NaN.

    >>> precision, area = ranking(torch.tensor([.1, .4, .35, .8]), torch.tensor([0, 0, 1, 1]))
    >>> round(precision.item(), 6), area.item()
    (0.833333, 0.75)
    """
    above, steps, tie_end = _counts(*_sort_scores(scores), labels, weights)
    undefined = _mark_undefined(scores, labels, above)
    return _average_precision(above, steps, tie_end, undefined, weights), _auc(above, steps, tie_end, undefined)


def average_precision(scores: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Average precision (maximised); arguments and result as in `ranking`.

    >>> round(average_precision(torch.tensor([.5, .5, .5, .5]), torch.tensor([1, 0, 0, -1])).item(), 6)
    0.333333
    """
    above, steps, tie_end = _counts(*_sort_scores(scores), labels, weights)
    return _average_precision(above, steps, tie_end, _mark_undefined(scores, labels, above), weights)


def auc(scores: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Area under the ROC curve (maximised; a tie counts one half); arguments and result as in `ranking`.

    >>> auc(torch.tensor([.5, .5, .5, .5]), torch.tensor([1, 0, 0, -1])).item()
    0.5
    """
    above, steps, tie_end = _counts(*_sort_scores(scores), labels, weights)
    return _auc(above, steps, tie_end, _mark_undefined(scores, labels, above))


class Ranking(NamedTuple):
    """`average_precision` and `auc` `(...)` of all rows, `auc_by_group` `(..., n_groups)` of those of each group."""

    average_precision: Tensor
    auc: Tensor
    auc_by_group: Tensor


def ranking_by_group(
    scores: Tensor, labels: Tensor, groups: Tensor, n_groups: int, weights: Tensor | None = None
) -> Ranking:
    """`ranking`, and the AUC of each group alone, all from one sort; see `rates.auc_gap` for its gap.

    Args:
        scores, labels, weights: as in `ranking`.
        groups: `(..., rows)`, broadcastable against `scores`: group of each row, or -1 where unknown.
        n_groups: number of groups, at least 1.

    >>> rows = torch.tensor([.1, .4, .35, .8]), torch.tensor([0, 1, 0, 1])
    >>> ranking_by_group(*rows, torch.tensor([0, 0, 1, 1]), 3).auc_by_group
    tensor([1., 1., nan], dtype=torch.float64)
    """
    order, tie_end = _sort_scores(scores)
    of_all = _counts(order, tie_end, labels, weights)
    undefined = _mark_undefined(scores, labels, of_all[0])
    areas = []
    for group in range(n_groups):
        own = labels.masked_fill(groups != group, -1)
        of_group = _counts(order, tie_end, own, weights)
        areas.append(_auc(*of_group, _mark_undefined(scores, own, of_group[0])))
    return Ranking(_average_precision(*of_all, undefined, weights), _auc(*of_all, undefined), torch.stack(areas, -1))


def _sort_scores(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The order of the scores, best first, and a mark at the last row of each tie group in it, `(..., rows)`."""
    sorted_scores, order = scores.sort(dim=-1, descending=True)
    tie_end = torch.ones_like(sorted_scores, dtype=torch.bool)
    tie_end[..., :-1] = sorted_scores[..., :-1] != sorted_scores[..., 1:]
    return order, tie_end


def _counts(order: Tensor, tie_end: Tensor, labels: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Counts at or above each score, best first: (above, steps, tie_end), each `(..., rows)`.

    `above` and `steps` hold positives in their upper 32 bits and negatives in their lower 32, so that one
    cumulative pass serves both. `steps` is the increase since the previous tie group and `tie_end` marks
    the last row of a tie group: the two are meaningful together only.
    """
    shape = np.broadcast_shapes(order.shape, labels.shape)
    tie_end = tie_end.expand(shape)

    units = ((labels == 1).long() << 32) + (labels == 0).long()
    if weights is not None:
        units = units * weights
    above = units.expand(shape).gather(-1, order.expand(shape)).cumsum(dim=-1)
    # Counts never fall, so the running maximum over tie ends is the count at the latest of them.
    latest = above.masked_fill(~tie_end, 0).cummax(dim=-1).values
    steps = above.clone()
    steps[..., 1:] -= latest[..., :-1]
    return above, steps, tie_end


def _totals(above: Tensor) -> tuple[Tensor, Tensor]:
    """Positives and negatives of each trial, `(...)`; zero where there are no rows."""
    total = above[..., -1] if above.shape[-1] else above.sum(dim=-1)
    return total >> 32, total & _LOW


def _mark_undefined(scores: Tensor, labels: Tensor, above: Tensor) -> Tensor:
    positives, negatives = _totals(above)
    return (positives == 0) | (negatives == 0) | (scores.isnan() & (labels >= 0)).any(dim=-1)


def _average_precision(
    above: Tensor, steps: Tensor, tie_end: Tensor, undefined: Tensor, weights: Tensor | None
) -> Tensor:
    true_positives = above >> 32
    # At the top there may be nothing but rows of unknown label: their step is zero, not 0 / 0.
    predicted = (true_positives + (above & _LOW)).clamp(min=1)
    terms = (steps >> 32) * (true_positives.double() / predicted)
    fixed_point = _FIXED_POINT if weights is None else _WEIGHTED_FIXED_POINT
    fixed = (terms * fixed_point).round_().long().masked_fill(~tie_end, 0)
    value = fixed.sum(dim=-1).double() / fixed_point / _totals(above)[0]
    return value.masked_fill(undefined, torch.nan)


def _auc(above: Tensor, steps: Tensor, tie_end: Tensor, undefined: Tensor) -> Tensor:
    # Trapezoids: false-positive step times the sum of the true positives at its two ends.
    doubled = (steps & _LOW) * (2 * (above >> 32) - (steps >> 32))
    positives, negatives = _totals(above)
    value = doubled.masked_fill(~tie_end, 0).sum(dim=-1).double() / (2 * positives * negatives)
    return value.masked_fill(undefined, torch.nan)
