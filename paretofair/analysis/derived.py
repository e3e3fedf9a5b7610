"""Metrics of trials that the trial table does not store: from other columns, or from the counts by cell."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from paretofair.analysis.counts import CellCounts
from paretofair.analysis.reading.settings import ReportSettings
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.metric import Metric
from paretofair.metrics.objectives import Objective, measure_counts, needed_metrics, stored_metrics, values_of_tasks
from paretofair.results.table_schema import COUNTS, SPLITS, Quantity, TableSchema


def with_objectives(
    trials: pd.DataFrame, tasks: Sequence[str], objectives: Iterable[Objective], settings: ReportSettings
) -> pd.DataFrame:
    """The trial table with the columns `<split>_<objective>` that it lacks and that follow from columns that it has; of
    ARE and ARFG those that they divide."""
    added = dict[str, np.ndarray]()
    objectives = list(objectives)

    def measured(name: str) -> np.ndarray | None:
        columns = [f"{split}_{name}_{task}" for task in tasks]
        if not all(column in trials or column in added for column in columns):
            return None
        return np.stack([added[each] if each in added else trials[each].to_numpy(float) for each in columns], -1)

    for split in SPLITS:
        for metric in needed_metrics(objectives, settings.gap, settings.metrics):
            columns = [f"{split}_{metric.name}_{task}" for task in tasks]
            if all(column in trials for column in columns):
                continue
            values = values_of_tasks(metric, measured, metrics=settings.metrics)
            if values is not None:
                added |= {column: values[:, t] for t, column in enumerate(columns)}
        for each in objectives:
            column = f"{split}_{each.name}"
            if each.task is None and each.metric.source != "baselines" and column not in trials:
                values = measured(each.metric.name)
                if values is not None:
                    added[column] = each.metric.average(values)
    return pd.concat([trials, pd.DataFrame(added, index=trials.index)], axis=1) if added else trials


def derived_quantities(
    objectives: Iterable[Objective], tasks: Sequence[str], settings: ReportSettings
) -> list[Quantity]:
    """What the columns are of that objectives add to a table: metrics of every task, and averaged ones."""
    objectives = list(objectives)
    of_tasks = [
        Quantity(metric.name, tuple(tasks)) for metric in needed_metrics(objectives, settings.gap, settings.metrics)
    ]
    averaged = [Quantity(each.name) for each in objectives if each.task is None and each.metric.source != "baselines"]
    return [*of_tasks, *averaged]


def columns_behind(objectives: Iterable[Objective], tasks: Sequence[str], settings: ReportSettings) -> list[str]:
    """The stored columns, without the split, that objectives follow from."""
    metrics = settings.metrics
    stored = stored_metrics(needed_metrics(objectives, settings.gap, metrics), metrics)
    return [f"{name}_{task}" for name in stored for task in tasks]


def counted_metrics(
    folder: Path,
    objectives: Iterable[Objective],
    tasks: Sequence[str],
    sensitive: Mapping[str, str],
    settings: ReportSettings,
) -> CountedMetrics | None:
    """What a trial table must derive from its counts for these objectives; None for nothing."""
    wanted = needed_metrics(objectives, settings.gap, settings.metrics)
    found = tuple(metric for metric in wanted if metric.source == "counts")
    return CountedMetrics(folder, found, tuple(tasks), sensitive) if found else None


@dataclass(frozen=True)
class CountedMetrics:
    """Metrics that follow from counts by group, as columns `<split>_<metric>_<task>` of files of the trial table, whose
    counts are then forgotten: what a `TrialTable` derives. `sensitive` is the attribute that each task acts on."""

    folder: Path
    metrics: tuple[Metric, ...]
    tasks: tuple[str, ...]
    sensitive: Mapping[str, str]

    def __call__(self, table: pa.Table, schema: TableSchema) -> pa.Table:
        """The table with these columns; NaN for a trial without counts."""
        for split in [split for split in SPLITS if f"{COUNTS}{split}" in table.column_names]:
            lists = table[f"{COUNTS}{split}"].combine_chunks()
            known = lists.is_valid().to_numpy(zero_copy_only=False)
            flat = lists.drop_null().flatten().to_numpy(zero_copy_only=False).astype(float)
            classes = [len(task.classes) for task in schema.tasks]
            counts = TaskCounts.split(flat.reshape(int(known.sum()), -1), len(self._cells.groups), classes)
            found = self.measure({split: counts})
            for column, values in found.items():
                whole = np.full(len(table), np.nan)
                whole[known] = values
                table = table.append_column(column, pa.array(whole))
        return table

    def measure(self, counts: Mapping[str, Sequence[TaskCounts]]) -> dict[str, np.ndarray]:
        """The columns of trials with these counts by split and task."""
        columns: dict[str, np.ndarray] = {}
        for split, own in counts.items():
            for task, of_task in zip(self.tasks, own, strict=True):
                place = self._cells.attributes.index(self.sensitive[task])
                groups = of_task.merge(self._cells.groups[:, place], self._cells.n_groups[place])
                columns |= {f"{split}_{metric.name}_{task}": measure_counts(metric, groups) for metric in self.metrics}
        return columns

    @functools.cached_property
    def _cells(self) -> CellCounts:
        # Read when the first file is: a run writes it before its first trial.
        return CellCounts(self.folder)
