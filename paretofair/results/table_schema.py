"""What the columns of a trial table are: its tasks, metrics, hyperparameters and attributes.

On disk a metric, or a hyperparameter of which each task has its own, is one column of lists with one element per task:
`test_error: [0.21, 0.05]`. The names of the tasks stand once, in the metadata of the file. Everything behind the reader
sees these columns spelled out by task: `test_error_income`, `test_error_capital_gain`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SPLITS = ("train", "validation", "test")
# What names of metrics, and of all results, begin with.
PREFIXES = tuple(f"{split}_" for split in SPLITS)
COUNTS = "confusion_"
RESULTS = (*PREFIXES, COUNTS)
# Columns that say which trial a row is, what it was made with and what became of it.
IDENTITY = frozenset(
    (
        *("trial_id", "stage", "method", "seed", "index", "pack_id", "space_id", "data_id", "split_id", "status"),
        *("epochs_trained", "kept_epoch", "train_seconds", "undefined_losses", "source", "protocol", "threshold"),
        "penalty_split",
        *("within_constraints", "device", "dtype", "path", "stack_width", "torch_version", "confirms", "numerics"),
    )
)
# Under which the metadata of a Parquet file have the schema.
KEY = b"paretofair"
_VERSION = 1


@dataclass(frozen=True)
class TaskSchema:
    """A task as the table has it. `classes` are the names of what it predicts, none for a binary one."""

    name: str
    kind: str = "binary"
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quantity:
    """A metric without its split, or a hyperparameter: `tasks` are those that have it, none where the trial has one."""

    name: str
    tasks: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """How it is spelled out."""
        return [f"{self.name}_{task}" for task in self.tasks] or [self.name]


@dataclass(frozen=True)
class TableSchema:
    """The names in a trial table; a table need not have every column that follows from them."""

    tasks: tuple[TaskSchema, ...] = ()
    metrics: tuple[Quantity, ...] = ()
    hyperparameters: tuple[Quantity, ...] = ()
    attributes: tuple[str, ...] = ()

    @functools.cached_property
    def task_names(self) -> list[str]:
        """Those of the tasks, in the order of every list."""
        return [task.name for task in self.tasks]

    @functools.cached_property
    def metric_columns(self) -> dict[str, tuple[str, str]]:
        """Of every metric, spelled out without its split, the metric and the task (empty: of the trial as a whole).

        >>> TableSchema(metrics=(Quantity("auc_gap", ("pay",)), Quantity("arfg"))).metric_columns
        {'auc_gap_pay': ('auc_gap', 'pay'), 'arfg': ('arfg', '')}
        """
        return {
            column: (each.name, task)
            for each in self.metrics
            for column, task in zip(each.columns, each.tasks or ("",), strict=True)
        }

    @functools.cached_property
    def hyperparameter_columns(self) -> list[str]:
        """Hyperparameters, spelled out."""
        return list(dict.fromkeys(column for each in self.hyperparameters for column in each.columns))

    @functools.cached_property
    def lists(self) -> dict[str, tuple[dict[str, int], bool]]:
        """The columns of lists that a file may have: how each is spelled out, with the place of the task in the list,
        and whether it is a metric."""
        place = {name: place for place, name in enumerate(self.task_names)}
        of_metrics = {f"{split}{each.name}": (each, True) for split in PREFIXES for each in self.metrics}
        # What is measured while trials train need not be of a split.
        of_curves = {each.name: (each, True) for each in self.metrics}
        of_trials = {each.name: (each, False) for each in self.hyperparameters}
        return {
            name: ({f"{name}_{task}": place[task] for task in each.tasks}, is_metric)
            for name, (each, is_metric) in (of_curves | of_metrics | of_trials).items()
            if each.tasks
        }

    def results_on(self, split: str) -> list[str]:
        """The columns of all metrics on a split."""
        return [f"{split}_{name}" for name in self.metric_columns]

    def with_metrics(self, *names: str) -> TableSchema:
        """The same with metrics of the trial as a whole, in front."""
        return replace(self, metrics=tuple(dict.fromkeys((*map(Quantity, names), *self.metrics))))

    def add_metrics(self, new: Iterable[Quantity]) -> TableSchema:
        """The same with more metrics behind its own."""
        return replace(self, metrics=tuple(dict.fromkeys((*self.metrics, *new))))

    def merge(self, other: TableSchema) -> TableSchema:
        """The names of two tables together. Raises ValueError where they differ in their tasks or attributes."""
        if other == self or not other.tasks:
            return self
        if not self.tasks:
            return other
        if other.tasks != self.tasks:
            raise ValueError(f"its tasks are {_spell_tasks(other)}, those of other files {_spell_tasks(self)}")
        if self.attributes and other.attributes and other.attributes != self.attributes:
            own, others = ", ".join(other.attributes), ", ".join(self.attributes)
            raise ValueError(f"its attributes are {own}, those of other files {others}")
        return TableSchema(
            self.tasks,
            tuple(dict.fromkeys((*self.metrics, *other.metrics))),
            tuple(dict.fromkeys((*self.hyperparameters, *other.hyperparameters))),
            self.attributes or other.attributes,
        )


def _spell_tasks(schema: TableSchema) -> str:
    return ", ".join(" ".join((task.name, task.kind, *task.classes)) for task in schema.tasks)


def pack_table(columns: Mapping[str, Any], schema: TableSchema) -> pa.Table:
    """A table as it is written: arrays `(rows, tasks)` become lists, and the schema goes into the metadata."""
    packed = {name: _pack(values) for name, values in columns.items()}
    return pa.table(packed).replace_schema_metadata({KEY: json.dumps(_write(schema)).encode()})


def read_schema(names: Iterable[str], written: bytes | None) -> TableSchema:
    """The schema of a file with columns of these names: what is `written` in its metadata under `KEY`, or what the
    names say where it was made without.

    Raises ValueError for metadata that nobody here has written.
    """
    return read_spelling(names) if written is None else _read_written(written)


def read_spelling(names: Iterable[str]) -> TableSchema:
    """The schema of a table whose columns are spelled out, an older one or one made elsewhere: the one place where
    tasks and metrics are taken from names of columns.

    >>> read_spelling(["trial_id", "test_error_a", "test_auc_a", "learning_rate"]).metrics
    (Quantity(name='error', tasks=('a',)), Quantity(name='auc', tasks=('a',)))
    """
    names = [str(name) for name in names]
    starts = tuple(f"{split}error_" for split in PREFIXES)
    errors = [name.partition("error_")[2] for name in names if name.startswith(starts)]
    tasks = list(dict.fromkeys(task for task in errors if task))
    by_length = sorted(tasks, key=len, reverse=True)
    metrics: dict[str, list[str]] = {}
    for split in PREFIXES:
        for name in (name.removeprefix(split) for name in names if name.startswith(split)):
            task = next((task for task in by_length if name.endswith(f"_{task}")), None)
            own = metrics.setdefault(name if task is None else name.removesuffix(f"_{task}"), [])
            if task is not None and task not in own:
                own.append(task)
    others = [name for name in names if name not in IDENTITY and not name.startswith(RESULTS)]
    return TableSchema(
        tuple(map(TaskSchema, tasks)),
        tuple(Quantity(name, tuple(task for task in tasks if task in own)) for name, own in metrics.items()),
        tuple(map(Quantity, others)),
    )


def spell_out(table: pa.Table, schema: TableSchema, wanted: Iterable[str] | None = None) -> pa.Table:
    """The table with a column for every task in place of each list of one element per task. `wanted`: these metrics
    alone (`test_error_income`), by default all that there are.

    Raises ValueError for a list of another length.
    """
    keep = None if wanted is None else {*wanted}
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        spelled, is_metric = schema.lists.get(name, ({}, False))
        if not spelled or not _is_list(column.type):
            columns[name] = column
            continue
        whole = column.combine_chunks()
        starts = _find_starts(name, whole, len(schema.tasks))
        for target, place in spelled.items():
            if keep is None or not is_metric or target in keep:
                columns[target] = whole.values.take(pc.add(starts, place))
    return pa.table(columns)


def choose_columns(names: Iterable[str], schema: TableSchema, wanted: Iterable[str] | None = None) -> list[str]:
    """The columns of a file that hold any of the metrics `wanted`, and all that are neither metrics nor counts."""
    others = [name for name in names if not name.startswith(COUNTS)]
    if wanted is None:
        return others
    keep = {*wanted}
    metrics = {f"{split}{name}" for split in PREFIXES for name in schema.metric_columns}

    def is_read(name: str) -> bool:
        spelled, is_metric = schema.lists.get(name, ({}, False))
        return not keep.isdisjoint(spelled) if is_metric else name not in metrics or name in keep

    return [name for name in others if is_read(name)]


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _find_starts(name: str, lists: pa.ListArray, length: int) -> pa.Array:
    """Where each list begins among the values; null where there is none."""
    offsets = lists.offsets.to_numpy()
    lengths, known = np.diff(offsets), lists.is_valid().to_numpy(zero_copy_only=False)
    wrong = known & (lengths != length)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name} has {lengths[row]} elements in row {row + 1}, but there are {length} tasks")
    return pa.array(offsets[:-1], pa.int64(), mask=~known)


def _pack(values: Any) -> Any:
    if not isinstance(values, np.ndarray) or values.ndim != 2:
        return values
    if values.dtype == object:
        return pa.array(values.tolist())
    rows, width = values.shape
    ends = np.arange(0, rows * width + 1, width, dtype=np.int32) if width else np.zeros(rows + 1, np.int32)
    return pa.ListArray.from_arrays(ends, np.ascontiguousarray(values).ravel())


def _write(schema: TableSchema) -> dict[str, Any]:
    """As JSON: null stands for all tasks."""
    every = tuple(schema.task_names)

    def write(quantities: Sequence[Quantity]) -> dict[str, Any]:
        return {each.name: None if each.tasks == every else list(each.tasks) for each in quantities}

    tasks = [{key: value for key, value in asdict(task).items() if value} for task in schema.tasks]
    return {
        "version": _VERSION,
        "tasks": tasks,
        "metrics": write(schema.metrics),
        "hyperparameters": write(schema.hyperparameters),
        "attributes": list(schema.attributes),
    }


@functools.lru_cache(maxsize=1024)
def _read_written(written: bytes) -> TableSchema:
    try:
        found = json.loads(written)
        if found["version"] != _VERSION:
            raise ValueError(f"its schema has the version {found['version']}; this program reads {_VERSION}")
        tasks = tuple(
            TaskSchema(
                _text(task["name"]), _text(task.get("kind", "binary")), tuple(map(_text, task.get("classes", ())))
            )
            for task in found["tasks"]
        )
        every = tuple(task.name for task in tasks)

        def read(part: Mapping[str, Any]) -> tuple[Quantity, ...]:
            quantities = {name: every if own is None else tuple(map(_text, own)) for name, own in part.items()}
            if any(not set(own) <= set(every) for own in quantities.values()):
                raise ValueError("its schema names tasks that it does not have")
            return tuple(Quantity(name, own) for name, own in quantities.items())

        metrics, hyperparameters = read(found["metrics"]), read(found["hyperparameters"])
        return TableSchema(tasks, metrics, hyperparameters, tuple(map(_text, found["attributes"])))
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError("its schema cannot be read") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
