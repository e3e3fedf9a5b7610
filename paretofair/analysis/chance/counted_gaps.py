"""Gaps of counts by group that are drawn anew: of permuted groups, and of resampled rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from paretofair.analysis.counts import CellCounts
from paretofair.metrics import rates
from paretofair.metrics.counts import class_counts
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.differential import LOG_RATES
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import METRICS
from paretofair.statistics.gaps import PERMUTATIONS, GapTest, compare_with_null
from paretofair.statistics.resampling import permute_groups, resample_rows, round_counts

# The rate whose differences a gap is the largest of; other gaps are made of these.
_RATE_OF = {
    "fpr_gap": rates.false_positive_rate,
    "tpr_gap": rates.true_positive_rate,
    "demographic_parity_gap": rates.positive_rate,
    "accuracy_gap": rates.accuracy,
    **LOG_RATES,
}
# Where a rate is one of rows of one label, its place among `_order_by_label` of a binary task.
_OF_LABEL = {"tpr_gap": 0, "fpr_gap": 1, "epsilon_tpr": 0, "epsilon_fpr": 1}
_BLOCK = 2_000_000  # counts that are drawn at a time


def follows_from_decisions(metric: Metric) -> bool:
    """Whether it is a gap of decisions, so that its counts can be drawn anew."""
    return metric.name in _RATE_OF or (bool(metric.parts) and all(part in _RATE_OF for part in metric.parts))


def merge_worth(counts: TaskCounts, worth: np.ndarray | None, cells: CellCounts, attribute: str) -> TaskCounts:
    """Counts `(runs, cells, ...)` of models as whole rows of the groups of an attribute `(runs, groups + 1, ...)`, the
    last of which are the rows of none.

    Where rows have weights or stay together, `worth` `(runs, cells)` says how many independent rows of equal weight
    those of each cell are worth: so many are there then, with the same decisions on average.
    """
    decisions = counts.decisions
    if worth is not None:
        rows = counts.rows
        decisions = decisions * np.divide(worth, rows, out=np.zeros_like(rows), where=rows > 0)[..., None]
    of_groups = cells.by_group(counts.with_decisions(decisions), attribute).decisions
    rest = np.maximum(decisions.sum(-2, keepdims=True) - of_groups.sum(-2, keepdims=True), 0)
    every = np.concatenate([of_groups, rest], -2)
    whole = np.zeros_like(every)
    for columns in _order_by_label(counts.classes):
        own = every[..., columns]
        # All models decided on the same rows.
        whole[..., columns] = round_counts(own, own[0].sum(-1))
    return counts.with_decisions(whole)


def compare_gap(metric: Metric, counts: TaskCounts, gap: float) -> GapTest:
    """The mean `gap` of models with `counts` `(runs, groups + 1, ...)`, as of `merge_worth`, against permuted groups.

    A gap of rates given the label permutes groups among rows of one label, any other among all rows.
    """
    own = _leave_rest(counts)
    fewest = np.argsort(np.where(own.rows[0] > 0, own.behind(metric.rate)[0], np.inf))[:2]
    pair = np.isin(np.arange(own.rows.shape[-1]), fewest)
    null, of_pair = [], []
    for drawn in _draw(own, _find_strata(metric, own.classes), permute_groups, PERMUTATIONS, 0):
        null.append(measure_counts(metric, drawn).mean(-1))
        two = drawn.keep(pair) if len(pair) > 2 else drawn
        of_pair.append(measure_counts(metric, two).mean(-1) if len(pair) > 2 else null[-1])
    most = np.inf if metric.worst is None else 1.0  # logarithms have no largest value
    return compare_with_null(gap, np.concatenate(null), np.concatenate(of_pair), most=most)


def draw_deviations(
    metric: Metric | None, counts: TaskCounts, resamples: int, seed: int | Sequence[int], share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What rows drawn anew differ by from `counts` `(runs, groups + 1, ...)`, as of `merge_worth`: by how much the
    error is larger `(resamples, runs)`, groups counting by their `share` `(runs, groups + 1)` of all weight, and the
    gap of the differences of groups' rates. Rows are drawn within group and label."""
    errors, gaps = [], []
    own, before = _leave_rest(counts), counts.rate("error", rates.error)
    for drawn in _draw(counts, _order_by_label(counts.classes), resample_rows, resamples, seed):
        # A group without rows has no error, and no share.
        errors.append(np.nansum(share * (drawn.rate("error", rates.error) - before), axis=-1))
        if metric is not None:
            gaps.append(_measure_deviation(metric, _leave_rest(drawn), own))
    return np.concatenate(errors), np.concatenate(gaps) if gaps else np.empty(0)


def _leave_rest(counts: TaskCounts) -> TaskCounts:
    axis = -4 if counts.classes else -2
    return TaskCounts(np.delete(counts.values, -1, axis), counts.classes)


def _measure_deviation(metric: Metric, drawn: TaskCounts, own: TaskCounts) -> np.ndarray:
    if metric.combine is not None:
        return metric.combine(*(_measure_deviation(METRICS[part], drawn, own) for part in metric.parts))
    present = own.rows > 0
    if own.classes and metric.name == "accuracy_gap":
        return rates.gap(class_counts.accuracy(drawn.values) - class_counts.accuracy(own.values), present=present)
    rate = _RATE_OF[metric.name]
    off = rate(drawn.by_class) - rate(own.by_class)
    return np.asarray(rates.gap(off, present=present[..., None, :]).max(-1))


def _draw(
    counts: TaskCounts,
    strata: Sequence[Sequence[int]],
    draw: Callable[..., np.ndarray],
    resamples: int,
    seed: int | Sequence[int],
) -> Iterator[TaskCounts]:
    """Counts `(block, runs, groups, ...)` drawn anew, decisions in the columns of each of `strata` on their own; those
    in none of them stay."""
    decisions, begun = counts.decisions, 0
    seeds = [seed] if isinstance(seed, int) else list(seed)
    while begun < resamples:
        size = min(resamples - begun, max(1, _BLOCK // decisions.size))
        drawn = np.broadcast_to(decisions, (size, *decisions.shape)).copy()
        for place, columns in enumerate(strata):
            own = decisions[..., columns]
            drawn[..., columns] = draw(own, resamples=size, seed=[*seeds, place, begun])
        yield counts.with_decisions(drawn)
        begun += size


def _find_strata(metric: Metric, classes: int) -> list[list[int]]:
    """The columns of decisions among whose rows groups are permuted: those of each label that the metric's rates are
    given, or all."""
    parts = [part for part in (metric.parts or (metric.name,)) if part in _OF_LABEL]
    by_label = _order_by_label(classes)
    if not parts:
        return [_order_by_decision(classes)]
    return by_label if classes else [by_label[_OF_LABEL[part]] for part in parts]


def _order_by_label(classes: int) -> list[list[int]]:
    """Of the decisions of `TaskCounts` the columns of each label, from the first decision to the last."""
    if not classes:
        return [[rates.FN, rates.TP], [rates.TN, rates.FP]]
    return [[label * classes + decided for decided in range(classes)] for label in range(classes)]


def _order_by_decision(classes: int) -> list[int]:
    if not classes:
        return [rates.TN, rates.FN, rates.FP, rates.TP]
    return [label * classes + decided for decided in range(classes) for label in range(classes)]
