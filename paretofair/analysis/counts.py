"""What follows from the counts of the finest cells: the audit of every intersection, and intervals of test metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.analysis.relative import relative_to
from paretofair.errors import RunError
from paretofair.metrics import rates
from paretofair.metrics.audit import audit
from paretofair.metrics.counts.task_counts import TaskCounts, count_size
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import GROUP_METRICS, METRICS
from paretofair.metrics.relative import relative_metrics
from paretofair.results import TRIALS, counts_of
from paretofair.results.files import read_csv
from paretofair.results.table_schema import COUNTS, SPLITS, TaskSchema

GROUPS = "groups.csv"
RESAMPLES = 1000
_OF_ROWS = "_rows"  # ends the names of counts that no weights enter
_LEAST_ROWS = 50  # of a group that the audit compares
_AUDIT = ["method", "seed", "trial_id", "split", "task", "grouping", "metric", "value", "change"]
_AUDIT += ["rows", "smallest", "groups", "left_out"]


def read_groups(folder: Path) -> pd.DataFrame:
    """`groups.csv` of a results folder. Raises RunError for a file that is none."""
    path = folder / GROUPS
    table = read_csv(path, {"cell": int}, keep_default_na=False)
    attributes = [name for name in table if f"code_{name}" in table]
    codes = [f"code_{name}" for name in attributes]
    if not attributes or not len(table) or table["cell"].tolist() != list(range(len(table))):
        raise RunError(f"{path}: expected a row for each cell, and two columns for each attribute")
    for name in codes:
        if not pd.api.types.is_integer_dtype(table[name]) or table[name].min() < -1 or table[name].max() >= len(table):
            raise RunError(f"{path}: column {name}: expected the places of groups, -1 where it is unknown")
    return table


class CellCounts:
    """The counts of trials in the finest cells of all attributes, from `groups.csv` and the trial tables of runs on the
    same data."""

    def __init__(self, *folders: Path, tasks: Sequence[TaskSchema] = ()) -> None:
        """`tasks`: those of the trial tables, in their order; needed where counts are read."""
        self._folders, self._tasks = folders, tuple(tasks)
        self._read = pd.DataFrame()
        self.names = read_groups(folders[0])
        self.attributes = [name for name in self.names if f"code_{name}" in self.names]
        self.groups = self.names[[f"code_{name}" for name in self.attributes]].to_numpy(int)
        self.n_groups = (self.groups.max(0) + 1).tolist()

    def of(self, trial_ids: Sequence[str]) -> dict[str, list[TaskCounts]]:
        """Counts of trials by split and task, `(trials, cells, ...)` each; by weights, where rows have any."""
        lists = self._lists(trial_ids)
        return {split: lists[split] for split in SPLITS if split in lists}

    def rows_of(self, trial_ids: Sequence[str]) -> dict[str, list[TaskCounts]]:
        """The same counts of rows, whatever their weights."""
        lists = self._lists(trial_ids)
        return {name: lists.get(f"{name}{_OF_ROWS}", counts) for name, counts in self.of(trial_ids).items()}

    def _lists(self, trial_ids: Sequence[str]) -> dict[str, list[TaskCounts]]:
        new = [name for name in trial_ids if name not in self._read.index]
        if new:
            found = pd.concat([self._read, *(counts_of(folder, new) for folder in self._folders)])
            self._read = found[~found.index.duplicated()]
        table = self._read.loc[list(trial_ids)]
        names = [name for split in SPLITS for name in (split, f"{split}{_OF_ROWS}")]
        return {name: self._stack(table[f"{COUNTS}{name}"], name) for name in names if f"{COUNTS}{name}" in table}

    def _stack(self, lists: pd.Series, name: str) -> list[TaskCounts]:
        """Raises RunError for counts of other cells or tasks than those that are known."""
        lengths = {len(each) if each is not None else 0 for each in lists}
        classes = [len(task.classes) for task in self._tasks]
        expected = len(self.groups) * sum(map(count_size, classes))
        if lengths - {expected}:
            words = f"{', '.join(map(str, sorted(lengths)))} counts, expected {expected}"
            raise RunError(f"{self._folders[0] / TRIALS}: {COUNTS}{name} has {words}, by {GROUPS} and the tasks")
        flat = np.stack(lists.to_numpy()) if len(lists) else np.zeros((0, expected))
        return TaskCounts.split(flat, len(self.groups), classes)

    def worth(self, trial_ids: Sequence[str], split: str) -> list[np.ndarray] | None:
        """How many independent rows of equal weight the rows of known label are worth in each cell of a split, for
        every task `(trials, cells)`; None where every row is one."""
        if f"independent_{split}" not in self.names:
            return None
        share = (self.names[f"independent_{split}"] / self.names[f"rows_{split}"]).fillna(0).to_numpy()
        return [of_task.rows * share for of_task in self.rows_of(trial_ids)[split]]

    @property
    def against_rest(self) -> list[str]:
        """The names of all binary tasks, and of each class of any other as if it were one: `outcome: low`."""
        return [
            name for task in self._tasks for name in ([f"{task.name}: {each}" for each in task.classes] or [task.name])
        ]

    @staticmethod
    def stack_against_rest(counts: Sequence[TaskCounts]) -> np.ndarray:
        """The six counts of everything in `against_rest`, `(trials, those, cells, 6)`."""
        return np.concatenate([of_task.by_class for of_task in counts], -3)

    def group_names(self, attribute: str) -> list[str]:
        """Names of an attribute's groups, in the schema's order."""
        codes = self.names[f"code_{attribute}"]
        named = dict(zip(codes, self.names[attribute].astype(str), strict=True))
        return [named[code] for code in range(max(codes) + 1)]

    def by_group(self, counts: TaskCounts, attribute: str) -> TaskCounts:
        """Cells merged into the groups of one attribute."""
        column = self.attributes.index(attribute)
        return counts.merge(self.groups[:, column], self.n_groups[column])


def audit_table(chosen: pd.DataFrame, tasks: Sequence[str], cells: CellCounts) -> pd.DataFrame:
    """Every group metric of the trials `chosen` (rows of the trial table) for every attribute and intersection.

    Columns `method, seed, trial_id, split, task, grouping, metric, value, change, rows, smallest, groups, left_out`:
    `change` is against the chosen trial of `vanilla` with the same seed, `rows` are those behind the value, `smallest`
    those of the smallest group compared; groups of fewer than 50 rows are left out and counted.
    """
    found: dict[str, list[np.ndarray]] = {name: [] for name in _AUDIT}
    for seed, own in chosen.groupby("seed", sort=False):
        vanilla = (own["method"] == "vanilla").to_numpy()
        of_trials = {"method": own["method"].to_numpy(), "seed": seed, "trial_id": own["trial_id"].to_numpy()}
        trial_ids = own["trial_id"].tolist()
        rows = cells.rows_of(trial_ids)
        for split, counts in cells.of(trial_ids).items():
            if split == "train":
                continue
            for t, task in enumerate(tasks):
                reference = counts[t].take(np.flatnonzero(vanilla)[:1]) if vanilla.any() else None
                lines = audit(
                    counts[t],
                    cells.groups,
                    cells.attributes,
                    cells.n_groups,
                    minimum_count=_LEAST_ROWS,
                    vanilla=reference,
                    rows=rows[split][t],
                )
                for line in lines:
                    for name, value in (of_trials | {"split": split, "task": task} | line._asdict()).items():
                        found[name].append(np.broadcast_to(value, len(own)))
    # One frame in place of thousands of small ones, which took most of the time of a run's exports.
    return pd.DataFrame({name: np.concatenate(values) if values else [] for name, values in found.items()})


def row_intervals(
    trials: pd.DataFrame,
    tasks: Sequence[str],
    cells: CellCounts,
    sensitive: Mapping[str, str],
    alone: pd.DataFrame,
    gap: str = "fpr_gap",
) -> pd.DataFrame:
    """`test_<metric>_low` and `test_<metric>_high` of `trials` (rows of the trial table), indexed by `trial_id`: 95 %
    intervals of resampled rows. Of errors, of `gap` where it follows from decisions by group, and of ARE and ARFG.

    Rows are drawn with replacement 1,000 times, for each task on its own; models and the denominators `alone`
    (`baselines.csv`) stay as they are. Where rows have weights or stay together as many are drawn as they are worth
    independent rows of equal weight, cell by cell (`independent_test` of `groups.csv`). An absolute gap near 0 can only
    grow by noise: its interval then lies above it.
    """
    trial_ids = trials["trial_id"].tolist()
    worth = cells.worth(trial_ids, "test")
    attributes = [sensitive[task] for task in tasks]
    metrics = _resample_metrics(cells.of(trial_ids)["test"], cells, attributes, gap, worth)
    values = {f"{metric}_{task}": found[:, :, t] for metric, found in metrics.items() for t, task in enumerate(tasks)}
    for name, metric in relative_metrics(gap).items():
        if metric in metrics:
            own = alone[alone["metric"] == metric]
            values[name] = relative_to(own, name, metrics[metric], trials["split_id"], "test", tasks)
    ends = {}
    for name, found in values.items():
        # A resampled group without negatives has no rate; where none has one, neither has the interval.
        known = np.where(np.isnan(found).all(0), 0.0, found)
        low, high = np.nanquantile(known, (0.025, 0.975), axis=0)
        undefined = np.isnan(found).all(0)
        ends[f"test_{name}_low"] = np.where(undefined, np.nan, low)
        ends[f"test_{name}_high"] = np.where(undefined, np.nan, high)
    return pd.DataFrame(ends, index=pd.Index(trial_ids, name="trial_id"))


def with_intervals(points: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Frontier points with the ends of `row_intervals` behind each `test_<objective>`."""
    known = intervals.reindex(points["trial_id"]).set_axis(points.index)
    both = pd.concat([points, known], axis=1)
    return both[[each for name in points for each in (name, f"{name}_low", f"{name}_high") if each in both]]


def _resample_metrics(
    counts: Sequence[TaskCounts],
    cells: CellCounts,
    attributes: Sequence[str],
    gap: str,
    worth: Sequence[np.ndarray] | None,
) -> dict[str, np.ndarray]:
    """Error and `gap`, `(resamples, trials, tasks)`, of the counts of every task `(trials, cells, ...)`: as many rows
    of each cell are drawn as it is `worth` `(trials, cells)`, or as it has."""
    trials, tasks = len(counts[0].values), len(counts)
    # Only decisions are drawn: what needs scores has no interval.
    metric = METRICS[gap] if gap in GROUP_METRICS and not gap.startswith("soft_") else None
    found = {name: np.empty((RESAMPLES, trials, tasks)) for name in ("error", *([gap] if metric is not None else []))}
    for t, (of_task, attribute) in enumerate(zip(counts, attributes, strict=True)):
        for k in range(trials):
            own = of_task.take(k)
            if worth is None:
                groups, rest = _by_group_and_rest(own, cells, attribute)
                every = np.concatenate([groups.decisions, rest[None]])
                drawn = _draw_rows(every)
                of_groups, whole = own.with_decisions(drawn[:, :-1]), own.with_decisions(drawn)
            else:
                whole = own.with_decisions(_draw_rows(own.decisions, worth[t][k]))
                of_groups = cells.by_group(whole, attribute)
            found["error"][:, k, t] = whole.total.rate("error", rates.error)[:, 0]
            if metric is not None:
                found[gap][:, k, t] = measure_counts(metric, of_groups)
    return found


def _by_group_and_rest(counts: TaskCounts, cells: CellCounts, attribute: str) -> tuple[TaskCounts, np.ndarray]:
    """Counts of the groups of an attribute, and the decisions `(n,)` on rows of none, which count for the error."""
    groups = cells.by_group(counts, attribute)
    return groups, counts.decisions.sum(-2) - groups.decisions.sum(-2)


def _draw_rows(decisions: np.ndarray, worth: np.ndarray | None = None) -> np.ndarray:
    """Counts `(parts, n)` of decisions drawn anew, `(resamples, parts, n)`: of every part of the rows as many as it
    counts, or as it is `worth` `(parts,)`, its counts being the same on average."""
    each = np.ones(len(decisions))
    if worth is not None:
        # How much one of the rows that are drawn counts.
        each = np.divide(decisions.sum(-1), worth, out=each, where=worth > 0)
    rows = decisions / np.where(each > 0, each, 1)[:, None]
    # A generator for each trial: a point's interval does not depend on the other points.
    total = rows.sum()
    shares = np.random.default_rng(0).multinomial(int(total), rows.ravel() / total, RESAMPLES)
    return np.asarray(shares.reshape(RESAMPLES, *decisions.shape) * each[:, None])
