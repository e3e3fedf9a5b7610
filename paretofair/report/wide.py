"""The trial table with every rate of every group spelled out: over a thousand columns, for those who ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike

from paretofair.analysis.counts import CellCounts
from paretofair.analysis.results import Results
from paretofair.errors import RunError
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import GROUP_METRICS, METRICS, OF_TWO_GROUPS, RATES
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import write_whole
from paretofair.results.table_schema import TaskSchema

WIDE = "wide.parquet"
_TOGETHER = 2_000  # trials


def write_wide(results: Results, folder: Path) -> Path:
    """Writes `wide.parquet`: the columns of the trial table, then `<split>_<rate>_<task>_<group>` for all of
    `registry.RATES` (a group's name is preceded by its attribute where two attributes share it), and
    `<split>_<metric>_<task>_by_<attribute>` for all of `registry.GROUP_METRICS`. NaN where a rate is undefined.

    Raises RunError for runs without counts of cells.
    """
    cells = results.cells
    if cells is None:
        raise RunError("the wide table needs groups.csv and the counts confusion_<split>, which are missing")
    # Of the whole table: a part of it may have no value in a column at all.
    known = pa.Schema.from_pandas(results.trials, preserve_index=False).remove_metadata()
    writer: pq.ParquetWriter | None = None
    with write_whole(place_file(results, folder, WIDE)) as partial:
        for first in range(0, len(results.trials), _TOGETHER):
            some = results.trials.iloc[first : first + _TOGETHER]
            # Counts are kept by the cells that read them; these are needed once.
            own = CellCounts(*results.folders, tasks=results.schema.tasks).of(some["trial_id"].tolist())
            added = compute_group_metrics(own, cells, results.schema.tasks)
            if writer is None:
                schema = pa.schema([*known, *(pa.field(name, pa.float64()) for name in added)])
                writer = pq.ParquetWriter(partial, schema, compression="zstd")
            wide = pd.concat([some.reset_index(drop=True), added], axis=1)
            writer.write_table(pa.Table.from_pandas(wide, schema=writer.schema, preserve_index=False))
        assert writer is not None, "runs without trials are refused when they are read"
        writer.close()
    replace_earlier(folder, [WIDE], [folder / WIDE])
    return folder / WIDE


def compute_group_metrics(
    counts: dict[str, list[TaskCounts]], cells: CellCounts, tasks: Sequence[TaskSchema]
) -> pd.DataFrame:
    """Rates and group metrics of trials by column, from their `counts` by split and task. Of several classes each has
    rates of its own, `<split>_<rate>_<task>_<class>_<group>`; error and accuracy are those of the task."""
    names = {attribute: cells.group_names(attribute) for attribute in cells.attributes}
    every = [name for own in names.values() for name in own]
    columns: dict[str, np.ndarray] = {}

    def add(name: str, values: np.ndarray) -> None:
        if name in columns:
            raise RunError(f"the wide table would have two columns {name}; rename a task, an attribute or a group")
        columns[name] = values

    for split, of_split in counts.items():
        for attribute, groups in names.items():
            for of_task, task in zip(of_split, tasks, strict=True):
                merged = cells.by_group(of_task, attribute)
                found = {
                    (name, each): values
                    for name, rate in RATES.items()
                    if METRICS[name].is_for(task.kind)
                    for each, values in _rates_of_classes(merged, task, name, rate)
                }
                for g, group in enumerate(groups):
                    label = group if every.count(group) == 1 else f"{attribute}_{group}"
                    for (name, each), values in found.items():
                        add(f"{split}_{name}_{task.name}{each}_{label}", values[:, g])
                for metric in GROUP_METRICS:
                    of_two = metric in OF_TWO_GROUPS and len(groups) != 2
                    if of_two or not METRICS[metric].is_for(task.kind):
                        continue
                    add(f"{split}_{metric}_{task.name}_by_{attribute}", measure_counts(METRICS[metric], merged))
    return pd.DataFrame(columns)


def _rates_of_classes(
    counts: TaskCounts, task: TaskSchema, name: str, rate: Callable[[ArrayLike], np.ndarray]
) -> list[tuple[str, np.ndarray]]:
    """A rate of every group `(trials, groups)`, of several classes of each, with what the column's name says of it."""
    if not task.classes or name in ("error", "accuracy"):
        return [("", counts.rate(name, rate))]
    of_classes = rate(counts.by_class)
    return [(f"_{each}", of_classes[:, place]) for place, each in enumerate(task.classes)]
