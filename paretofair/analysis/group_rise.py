"""How much more often a trial errs about any group than single-task models do: the objective `group_error_rise`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.counts import CellCounts
from paretofair.analysis.relative import find_single_task
from paretofair.metrics.rates import error
from paretofair.metrics.relative import GROUP_RISE, group_harm
from paretofair.results.table_schema import SPLITS

_TOGETHER = 2_000  # trials whose counts are in memory


def with_group_rise(
    trials: pd.DataFrame, read: Callable[[], CellCounts], tasks: Sequence[str], sensitive: Mapping[str, str]
) -> pd.DataFrame:
    """The trial table with `<split>_group_error_rise`: the largest rise of the error of any group of any task over the
    mean of that task's single-task models on the same split of the data. Minimised; at most 0 where no group is harmed.

    `sensitive` is the attribute of each task. `read` opens the counts anew, since those of all trials are too many to
    be kept. NaN for a trial that did not complete, or without single-task models on its split of the data.
    """
    reference = _measure_single_task(find_single_task(trials), read, tasks, sensitive)
    completed = trials[trials["status"] == "completed"]
    parts = [
        _measure_rise(completed.iloc[first : first + _TOGETHER], reference, read, tasks, sensitive)
        for first in range(0, len(completed), _TOGETHER)
    ]
    found = pd.concat(parts) if parts else pd.DataFrame()
    columns = [f"{split}_{GROUP_RISE}" for split in SPLITS if f"{split}_{GROUP_RISE}" in found]
    others = trials.drop(columns=columns, errors="ignore")
    return pd.concat([others, found.reindex(trials.index)[columns]], axis=1)


def _measure_single_task(
    alone: pd.DataFrame, read: Callable[[], CellCounts], tasks: Sequence[str], sensitive: Mapping[str, str]
) -> dict[tuple[str, str, str], np.ndarray]:
    """Means over runs of the errors of groups `(groups,)` by split of the data, split and task."""
    found = {}
    for split_id, own in alone.groupby("split_id"):
        for split, errors in _measure_groups(own["trial_id"], read, tasks, sensitive).items():
            for task in tasks:
                runs = errors[task][(own[f"task_weight_{task}"] == 1).to_numpy()]
                # A group without rows has none in any run.
                found[str(split_id), split, task] = (
                    runs.mean(0) if len(runs) else np.full(errors[task].shape[1], np.nan)
                )
    return found


def _measure_rise(
    trials: pd.DataFrame,
    reference: Mapping[tuple[str, str, str], np.ndarray],
    read: Callable[[], CellCounts],
    tasks: Sequence[str],
    sensitive: Mapping[str, str],
) -> pd.DataFrame:
    columns = {}
    for split, errors in _measure_groups(trials["trial_id"], read, tasks, sensitive).items():
        rises = []
        for task in tasks:
            unknown = np.full(errors[task].shape[1], np.nan)
            alone = [reference.get((split_id, split, task), unknown) for split_id in trials["split_id"]]
            rises.append(group_harm(errors[task], np.stack(alone)))
        # Unknown in one task is unknown.
        columns[f"{split}_{GROUP_RISE}"] = np.max(rises, axis=0)
    return pd.DataFrame(columns, index=trials.index)


def _measure_groups(
    trial_ids: Iterable[str], read: Callable[[], CellCounts], tasks: Sequence[str], sensitive: Mapping[str, str]
) -> dict[str, dict[str, np.ndarray]]:
    """Errors of trials in every group of a task's attribute, `(trials, groups)` by split and task."""
    cells = read()
    return {
        split: {
            task: cells.by_group(counts, sensitive[task]).rate("error", error)
            for task, counts in zip(tasks, of_tasks, strict=True)
        }
        for split, of_tasks in cells.of(list(trial_ids)).items()
    }
