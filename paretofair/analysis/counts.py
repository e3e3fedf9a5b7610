"""The counts of trials in the finest cells of all attributes, and the audit of every intersection that follows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.analysis.relative import UNTREATED
from paretofair.errors import RunError
from paretofair.metrics.audit import audit
from paretofair.metrics.counts.task_counts import TaskCounts, count_size
from paretofair.metrics.registry import METRICS
from paretofair.results import TRIALS, counts_of, find_file
from paretofair.results.files import read_csv
from paretofair.results.table_schema import COUNTS, SPLITS, UNWEIGHTED, TaskSchema

GROUPS = "groups.csv"
LEAST_ROWS = 50  # of a group that the audit compares
AUDIT = ["method", "seed", "trial_id", "split", "task", "grouping", "metric", "value", "change"]
AUDIT += ["rows", "smallest", "groups", "left_out"]


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
        return {split: lists.get(f"{split}{UNWEIGHTED}", lists[split]) for split in SPLITS if split in lists}

    def _lists(self, trial_ids: Sequence[str]) -> dict[str, list[TaskCounts]]:
        new = [name for name in trial_ids if name not in self._read.index]
        if new:
            found = pd.concat([self._read, *(counts_of(folder, new) for folder in self._folders)])
            self._read = found[~found.index.duplicated()]
        table = self._read.loc[list(trial_ids)]
        names = [name for split in SPLITS for name in (split, f"{split}{UNWEIGHTED}")]
        return {name: self._stack(table[f"{COUNTS}{name}"], name) for name in names if f"{COUNTS}{name}" in table}

    def _stack(self, lists: pd.Series, name: str) -> list[TaskCounts]:
        """Raises RunError for counts of other cells or tasks than those that are known."""
        lengths = {len(each) if each is not None else 0 for each in lists}
        classes = [len(task.classes) for task in self._tasks]
        expected = len(self.groups) * sum(map(count_size, classes))
        if lengths - {expected}:
            wrong = next(trial for trial, each in lists.items() if each is None or len(each) != expected)
            files = [find_file(folder, str(wrong)) for folder in self._folders]
            place = next((path for path in files if path.name != TRIALS), files[0])
            found = 0 if lists[wrong] is None else len(lists[wrong])
            words = f"{found} counts of trial {wrong}, expected {expected}"
            raise RunError(f"{place}: {COUNTS}{name} has {words}, by {GROUPS} and the tasks")
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

    def kind(self, task: str) -> str:
        """The kind of a task; binary where the table does not say."""
        return next((each.kind for each in self._tasks if each.name == task), "binary")

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
    found: dict[str, list[np.ndarray]] = {name: [] for name in AUDIT}
    for seed, own in chosen.groupby("seed", sort=False):
        vanilla = (own["method"] == UNTREATED).to_numpy()
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
                    minimum_count=LEAST_ROWS,
                    vanilla=reference,
                    rows=rows[split][t],
                )
                for line in lines:
                    if not METRICS[line.metric].is_for(cells.kind(task)):
                        continue
                    for name, value in (of_trials | {"split": split, "task": task} | line._asdict()).items():
                        found[name].append(np.broadcast_to(value, len(own)))
    # One frame in place of thousands of small ones, which took most of the time of a run's exports.
    return pd.DataFrame({name: np.concatenate(values) if values else [] for name, values in found.items()})
