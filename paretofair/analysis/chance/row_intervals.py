"""Intervals of the test metrics of trials, by rows drawn anew from the counts of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from paretofair.analysis.chance.counted_gaps import draw_deviations, follows_from_decisions, merge_worth
from paretofair.analysis.counts import CellCounts
from paretofair.analysis.relative import relative_to
from paretofair.metrics import rates
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import METRICS
from paretofair.metrics.relative import relative_metrics
from paretofair.statistics.gaps import gap_interval, relative_interval

RESAMPLES = 1000
_BLOCK = 100  # trials
_OF_POINTS, _OF_SINGLE_TASK = 0, 1  # what rows are drawn for: their draws are independent


def row_intervals(
    trials: pd.DataFrame,
    tasks: Sequence[str],
    cells: CellCounts,
    sensitive: Mapping[str, str],
    baselines: pd.DataFrame,
    single_task: pd.DataFrame,
    gap: str = "fpr_gap",
) -> pd.DataFrame:
    """`test_<metric>_low` and `test_<metric>_high` of `trials` (rows of the trial table), indexed by `trial_id`: 95 %
    intervals over the choice of test rows. Of errors, of `gap` where it is one of decisions, and of ARE and ARFG.

    Rows are drawn 1,000 times with replacement within each group and label, for each task on its own; models stay.
    Where rows have weights or stay together as many are drawn as they are worth independent rows of equal weight. Gaps
    have a `gap_interval`, ARFG a `relative_interval`: the rows of the `single_task` trials, by whose means in
    `baselines` it divides, are drawn anew as well, the same for all of them, but not the same as those of `trials`,
    since counts do not tell which rows models agree on. That makes intervals of ARFG rather too wide. ARE divides by
    errors that stay as they are: trials and single-task models err on much the same rows.
    """
    metric = METRICS[gap] if gap in METRICS and follows_from_decisions(METRICS[gap]) else None
    divisors = _draw_divisors(metric, trials["split_id"].unique(), tasks, cells, sensitive, baselines, single_task)
    denominators = baselines[baselines["metric"] == relative_metrics(gap)["are"]]
    # A thousand draws of many points and tasks would be gigabytes.
    blocks = [trials.iloc[start : start + _BLOCK] for start in range(0, len(trials), _BLOCK)] or [trials]
    return pd.concat([_bound(metric, each, tasks, cells, sensitive, denominators, divisors) for each in blocks])


def with_intervals(points: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Frontier points with the ends of `row_intervals` behind each `test_<objective>`."""
    for column in list(points):
        for name in (f"{column}_high", f"{column}_low"):
            if name in intervals:
                points.insert(points.columns.get_loc(column) + 1, name, points["trial_id"].map(intervals[name]))
    return points


def _take_quantiles(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return low, high


class _Divisor(NamedTuple):
    """The single-task gaps of a split of the data, `(tasks,)`: their means, how far rows drawn anew move them
    `(resamples, tasks)`, and what permuted groups have (`floor`)."""

    means: np.ndarray
    deviations: np.ndarray
    floor: np.ndarray


def _draw_divisors(
    metric: Metric | None,
    split_ids: Sequence[str],
    tasks: Sequence[str],
    cells: CellCounts,
    sensitive: Mapping[str, str],
    baselines: pd.DataFrame,
    single_task: pd.DataFrame,
) -> dict[str, _Divisor]:
    """By split of the data. Where there are no counts of single-task models their gaps stay as they are."""
    found = dict[str, _Divisor]()
    if metric is None:
        return found
    of_gap = baselines[(baselines["metric"] == metric.name) & (baselines["split"] == "test")]
    for split_id in split_ids:
        rows = of_gap[of_gap["split_id"] == split_id].set_index("task").reindex(list(tasks))
        off = np.zeros((RESAMPLES, len(tasks)))
        for t, task in enumerate(tasks):
            of_task = single_task[(single_task["split_id"] == split_id) & (single_task[f"task_weight_{task}"] == 1)]
            ids = of_task["trial_id"].tolist()
            if ids:
                whole, share = _merge(cells, ids, t, sensitive[task])
                off[:, t] = draw_deviations(metric, whole, RESAMPLES, (t, _OF_SINGLE_TASK), share)[1].mean(-1)
        floor = rows["null_mean"].to_numpy(float) if "null_mean" in rows else np.full(len(tasks), np.nan)
        found[split_id] = _Divisor(rows["mean"].to_numpy(float), off, floor)
    return found


def _merge(cells: CellCounts, ids: Sequence[str], place: int, attribute: str) -> tuple[TaskCounts, np.ndarray]:
    """The test rows of a task by group, as many as they are worth, and the share of all weight that groups have."""
    counts, worth = cells.of(ids)["test"][place], cells.worth(ids, "test")
    plain = merge_worth(counts, None, cells, attribute)
    rows = plain if worth is None else merge_worth(counts, worth[place], cells, attribute)
    return rows, plain.rows / plain.rows.sum(-1, keepdims=True)


def _bound(
    metric: Metric | None,
    trials: pd.DataFrame,
    tasks: Sequence[str],
    cells: CellCounts,
    sensitive: Mapping[str, str],
    denominators: pd.DataFrame,
    divisors: Mapping[str, _Divisor],
) -> pd.DataFrame:
    """`row_intervals` of a few trials. Each draws on its own, so that it does not depend on the others."""
    ids, counts = trials["trial_id"].tolist(), cells.of(trials["trial_id"].tolist())["test"]
    errors = np.empty((RESAMPLES, len(ids), len(tasks)))
    gaps, deviations = np.full((len(ids), len(tasks)), np.nan), np.full(errors.shape, np.nan)
    for t, task in enumerate(tasks):
        if metric is not None:
            gaps[:, t] = measure_counts(metric, cells.by_group(counts[t], sensitive[task]))
        error = counts[t].total.rate("error", rates.error)[:, 0]
        for k, trial in enumerate(ids):
            rows, share = _merge(cells, [trial], t, sensitive[task])
            more, off = draw_deviations(metric, rows, RESAMPLES, (t, _OF_POINTS), share)
            errors[:, k, t] = error[k] + more[:, 0]
            if metric is not None:
                deviations[:, k, t] = off[:, 0]
    ends = dict[str, tuple[np.ndarray, np.ndarray]]()
    for t, task in enumerate(tasks):
        ends[f"error_{task}"] = _take_quantiles(errors[..., t])
        if metric is not None:
            ends[f"{metric.name}_{task}"] = gap_interval(gaps[:, t], deviations[..., t])
    ends["are"] = _take_quantiles(relative_to(denominators, "are", errors, trials["split_id"], "test", tasks))
    if metric is not None:
        ends["arfg"] = _bound_arfg(trials["split_id"], gaps, deviations, divisors)
    columns = {
        f"test_{name}_{end}": found
        for name, both in ends.items()
        for end, found in zip(("low", "high"), both, strict=True)
    }
    return pd.DataFrame(columns, index=pd.Index(ids, name="trial_id"))


def _bound_arfg(
    split_ids: pd.Series, gaps: np.ndarray, deviations: np.ndarray, divisors: Mapping[str, _Divisor]
) -> tuple[np.ndarray, np.ndarray]:
    """Every trial is divided by the single-task means of its own split of the data."""
    low, high = np.full(len(gaps), np.nan), np.full(len(gaps), np.nan)
    for split_id in split_ids.unique():
        own, by = (split_ids == split_id).to_numpy(), divisors[split_id]
        low[own], high[own] = relative_interval(gaps[own], deviations[:, own], by.means, by.deviations, by.floor)
    return low, high
