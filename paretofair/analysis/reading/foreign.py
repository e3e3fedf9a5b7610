"""Trial tables that somebody else has made: checked, with defaults for what they need not say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.reading.settings import PROTOCOLS
from paretofair.errors import RunError
from paretofair.metrics.registry import METRICS
from paretofair.metrics.relative import relative_metrics
from paretofair.naming import find_fault, find_task_faults, find_twins
from paretofair.results import STAGES, STATUSES, TableSchema, find_file
from paretofair.results.files import read_csv
from paretofair.results.table import read_tables
from paretofair.results.table_schema import SPLITS, read_spelling

_METHOD = re.compile(r"[\w@+-][\w@+. -]*")
# They may look like numbers.
_WORDS = ("method", "trial_id", "confirms", "split_id", "space_id", "data_id")
_LARGEST = 2**53  # of seeds and indices
_ROUNDING = 1e-6
_ACCEPTED = {"stage": STAGES, "status": STATUSES, "protocol": PROTOCOLS}
_DEFAULTS: dict[str, Any] = {
    "stage": "sweep",
    "seed": 0,
    "status": "completed",
    "split_id": "",
    "source": "unknown",
    "protocol": "validation",
}


def read_foreign(path: Path) -> tuple[pd.DataFrame, TableSchema]:
    """The trial table in a CSV or Parquet file, or in a folder of Parquet files, of one protocol, and its schema.

    Raises RunError for what cannot be read, lacks a column that is needed, or says what nobody knows.
    """
    if path.suffix == ".csv":
        # A copy is one block: pandas warns of every column that is put beside a hundred loose ones.
        table = read_csv(path, {}, dtype=dict.fromkeys(_WORDS, str)).copy()
        schema = read_spelling(table)
    else:
        table, schema = read_tables(sorted(path.glob("*.parquet")) if path.is_dir() else [path])
    for name in [name for name in _WORDS if name in table]:
        table[name] = table[name].convert_dtypes().astype("string").astype(object)
    _check_words(table, path)
    for name, value in _DEFAULTS.items():
        _fill(table, name, value)
    _check_columns(table, schema, path)
    _check_methods(table, path)
    _fill(table, "index", table.groupby(["method", "seed"]).cumcount())
    _fill(table, "trial_id", pd.Series([f"{path.stem}-{row}" for row in range(len(table))], table.index))
    _check_numbers(table, schema, path)
    repeated = table["trial_id"][table["trial_id"].duplicated()]
    if len(repeated):
        raise RunError(f"{path}: the trial_id {repeated.iloc[0]!r} stands in {len(repeated) + 1:,} rows or more")
    return table.copy(), schema


def check_values(table: pd.DataFrame, schema: TableSchema, path: Path, folder: Path | None = None) -> None:
    """Raises RunError where a metric cannot have a value, as an error of 31, or a seed below 0 or of 1e30 stands. Of a
    results `folder` the message names the file and the trial, else the row of the table at `path`."""

    def place(column: str, row: int) -> str:
        if folder is None:
            return f"{path}: column {column}, row {row + 1}"
        trial = str(table["trial_id"].iloc[row])
        return f"{find_file(folder, trial)}: column {column}, trial {trial}"

    for split in SPLITS:
        for name, (metric, _) in schema.metric_columns.items():
            column = f"{split}_{name}"
            ends = METRICS[metric].ends if metric in METRICS and column in table else None
            if ends is None:
                continue
            low, high = ends
            values = table[column].to_numpy(float)
            wrong = ~(np.isnan(values) | ((values >= low - _ROUNDING) & (values <= high + _ROUNDING)))
            if wrong.any():
                row = int(wrong.argmax())
                words = f"found {values[row]:g}; {metric} is between {low:g} and {high:g}"
                raise RunError(f"{place(column, row)}: {words}")
    for name in (name for name in ("seed", "index") if name in table):
        wrong = np.abs(table[name].to_numpy(float)) > _LARGEST
        if name == "seed":
            wrong |= table[name].to_numpy(float) < 0
        if wrong.any():
            row = int(wrong.argmax())
            raise RunError(f"{place(name, row)}: found {table[name].iloc[row]:g}; no {name} is that")


def _fill(table: pd.DataFrame, name: str, value: Any) -> None:
    """Puts the default into empty cells, or into the whole column where there is none."""
    table[name] = table[name].astype(object).where(table[name].notna(), value) if name in table else value


def _check_words(table: pd.DataFrame, path: Path) -> None:
    for name, words in _ACCEPTED.items():
        for found in table[name].dropna().unique() if name in table else ():
            if found not in words:
                raise RunError(f"{path}: found {name} {found!r}; accepted: {', '.join(words)}")


def _check_columns(table: pd.DataFrame, schema: TableSchema, path: Path) -> None:
    """Under protocol `paper` nothing is chosen on validation: test columns are enough."""
    protocols = sorted(table["protocol"].unique())
    if len(protocols) > 1:
        raise RunError(f"{path}: found the protocols {' and '.join(protocols)}; a table has one")
    tasks = schema.task_names
    splits = ("test",) if protocols == ["paper"] else ("validation", "test")
    for task, fault in find_task_faults(METRICS, tasks).items():
        raise RunError(f"{path}: found the task {task!r}, {fault}")
    metrics = relative_metrics("fpr_gap").values()
    needed = ["method", *(f"{split}_{metric}_{task}" for split in splits for metric in metrics for task in tasks)]
    missing = [name for name in needed if name not in table]
    if missing or not tasks:
        words = ", ".join(missing) if tasks else "test_error_<task>"
        raise RunError(f"{path} has no column {words}; docs/reports.md names the columns of a trial table")


def _check_methods(table: pd.DataFrame, path: Path) -> None:
    """A method becomes the name of a folder."""
    if table["method"].isna().any():
        raise RunError(f"{path}: column method, row {int(table['method'].isna().to_numpy().argmax()) + 1}: empty")
    for method in table["method"].unique():
        if not _METHOD.fullmatch(method):
            raise RunError(f"{path}: found the method {method!r}; accepted: letters, digits, _ . @ + - and spaces")
        fault = find_fault(method)
        if fault is not None:
            raise RunError(f"{path}: found the method {method!r}, {fault}")
    for method, fault in find_twins(table["method"].unique()).items():
        raise RunError(f"{path}: found the method {method!r}, {fault}")


def _check_numbers(table: pd.DataFrame, schema: TableSchema, path: Path) -> None:
    """Results become numbers, seeds and indices whole ones."""
    whole = ("seed", "index")
    results = [name for split in SPLITS for name in schema.results_on(split)]
    for name in [name for name in (*whole, *results) if name in table]:
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = (
            ~(numbers.abs() <= _LARGEST) | (numbers % 1 != 0) if name in whole else numbers.isna() & table[name].notna()
        )
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            words = f"found {table[name].iloc[row]!r}; expected a {'whole ' if name in whole else ''}number"
            raise RunError(f"{path}: column {name}, row {row + 1}: {words}")
        table[name] = numbers.astype("int64") if name in whole else numbers
