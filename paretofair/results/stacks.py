"""Reads the Parquet files of a results folder one by one, and says in a sentence what is wrong with one of them."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from paretofair.errors import RunError, first_line
from paretofair.naming import find_fault
from paretofair.results.files import check_file
from paretofair.results.stack_checks import find_stack_fault
from paretofair.results.table_schema import (
    COUNTS,
    KEY,
    PREFIXES,
    TYPES,
    TableSchema,
    choose_columns,
    read_schema,
    spell_out,
)

# What every row of a trial table has.
KEYS = ("trial_id", "stage", "method", "seed", "index", "status", "split_id", "source", "protocol")
# Words of the columns `stage`, in the order of a run, and `status`.
STAGES = ("tune_baselines", "baselines", "points", "tune", "sweep", "confirm")
STATUSES = ("completed", "stopped", "diverged", "failed")
_WORDS = {"stage": STAGES, "status": STATUSES}
# What a repeated training may change.
_OF_THE_TRAINING = {"pack_id", "train_seconds", "stack_width", "written"}


class DamagedFileError(RunError):
    """A file of a results folder that does not hold what it should; `path` is the file, `reason` what is wrong."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class StackFile:
    """A file of trials as it stands there, without its counts."""

    path: Path
    schema: TableSchema
    table: pa.Table


@contextmanager
def open_parquet(path: Path | pa.NativeFile, name: Path | str) -> Iterator[pq.ParquetFile]:
    """A Parquet file; whatever goes wrong with it in the block is a DamagedFileError that calls it by `name`."""
    try:
        if isinstance(path, Path):
            check_file(path)
        with pq.ParquetFile(path) as file:
            yield file
    except DamagedFileError:
        raise
    except RunError as error:
        raise DamagedFileError(name, str(error).removeprefix(f"{path}: ")) from None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise DamagedFileError(name, f"not a readable Parquet file ({first_line(error)})") from None


def read_stack(path: Path, metrics: frozenset[str] | None, *, times: bool = False, counts: bool = False) -> StackFile:
    """One file of the trial table; of the metrics those that are wanted. `times`: with when it was `written`.
    `counts`: with the lists of counts."""
    with open_parquet(path, path) as file:
        found = file.schema_arrow
        schema, names = _plan(tuple(found.names), (found.metadata or {}).get(KEY), metrics)
        for field in found:
            if field.name.startswith(PREFIXES) and pa.types.is_nested(field.type) and field.name not in schema.lists:
                raise DamagedFileError(
                    path, f"column {field.name} is {field.type}, but the metadata name no tasks for it"
                )
        missing = [name for name in KEYS if name not in names]
        if missing:
            raise DamagedFileError(path, f"no trial table: it has no column {', '.join(missing)}")
        if not file.metadata.num_rows:
            raise DamagedFileError(path, "it has no trials")
        fault = find_stack_fault(file, schema) if KEY in (found.metadata or {}) else None
        if fault is not None:
            raise DamagedFileError(path, fault)
        lists = [name for name in found.names if name.startswith(COUNTS)] if counts else []
        table = file.read([*names, *lists]).replace_schema_metadata(None)
    if times:
        table = table.append_column("written", pa.repeat(path.stat().st_mtime, len(table)))
    return StackFile(path, schema, table)


def read_trial_ids(path: Path | pa.NativeFile, name: Path | str) -> list[str]:
    """The trials in a file."""
    with open_parquet(path, name) as file:
        if "trial_id" not in file.schema_arrow.names:
            raise DamagedFileError(name, "no trial table: it has no column trial_id")
        ids: list[str] = file.read(["trial_id"])["trial_id"].cast(pa.string()).to_pylist()
    return ids


def group_alike(stacks: Iterable[StackFile], most: int) -> Iterator[list[StackFile]]:
    """Neighbours with the same columns, at most so many, which are made whole together."""
    alike: list[StackFile] = []
    for stack in stacks:
        same = alike and stack.schema is alike[0].schema and stack.table.schema.equals(alike[0].table.schema)
        if alike and (not same or len(alike) == most):
            yield alike
            alike = []
        alike.append(stack)
    if alike:
        yield alike


def make_part(alike: Sequence[StackFile], metrics: Collection[str] | None) -> pa.Table:
    """The rows of files with the same columns, spelled out by task, every column of its type.

    Raises DamagedFileError for the first file with other content.
    """
    try:
        return _make_rows(pa.concat_tables([each.table for each in alike]), alike[0].schema, metrics)
    except (ValueError, pa.ArrowException):
        for each in alike:
            try:
                _make_rows(each.table, each.schema, metrics)
            except (ValueError, pa.ArrowException) as error:
                raise DamagedFileError(each.path, first_line(error)) from None
        raise


def join_tables(tables: Sequence[pa.Table], paths: Sequence[Path]) -> pa.Table:
    """Tables with whichever columns as one, each from the file of its place. Raises DamagedFileError for the first file
    with a column of another type than those before."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException:
        types = pa.schema([])
        for table, path in zip(tables, paths, strict=True):
            types = merge_types(types, table, path)
        raise


def merge_types(types: pa.Schema, table: pa.Table, path: Path) -> pa.Schema:
    """The columns of earlier files and of the one of this table. Raises DamagedFileError where they do not fit."""
    try:
        return pa.unify_schemas([types, table.schema], promote_options="permissive")
    except pa.ArrowException as error:
        raise DamagedFileError(path, f"its columns do not fit those of other files ({first_line(error)})") from None


def find_other_values(frame: pd.DataFrame) -> str | None:
    """A trial that stands in several rows with other results, although it was trained on the same path and machine.

    Elsewhere another training may have other last bits, and the first one counts.
    """
    rows = frame[frame["trial_id"].duplicated(keep=False)]
    same = [name for name in ("trial_id", "device", "dtype", "path", "numerics", "torch_version") if name in rows]
    values = [name for name in rows if name not in _OF_THE_TRAINING and name not in same]
    different = rows.drop_duplicates([*same, *values])
    if "device" in different:
        different = different[different["device"] == "cpu"]
    again = different[different.duplicated(same)]
    return str(again["trial_id"].iloc[0]) if len(again) else None


@functools.lru_cache(maxsize=256)
def _plan(
    names: tuple[str, ...], written: bytes | None, metrics: frozenset[str] | None
) -> tuple[TableSchema, tuple[str, ...]]:
    """The schema of a file, and its columns that are read: the same for all stacks of a method."""
    schema = read_schema(names, written)
    return schema, tuple(choose_columns(names, schema, metrics))


def _make_rows(table: pa.Table, schema: TableSchema, metrics: Collection[str] | None) -> pa.Table:
    whole = spell_out(table, schema, metrics)
    for place, field in enumerate(whole.schema):
        kind = _find_type(field)
        if kind != field.type:
            try:
                whole = whole.set_column(place, field.name, whole[field.name].cast(kind))
            except pa.ArrowException as error:
                raise ValueError(
                    f"column {field.name} is {field.type}, expected {kind} ({first_line(error)})"
                ) from None
    for name in KEYS:
        if whole[name].null_count:
            raise ValueError(
                f"column {name} has an empty cell in row {pc.index(whole[name].is_null(), True).as_py() + 1}"
            )
    for name, accepted in _WORDS.items():
        unknown = [found for found in pc.unique(whole[name]).to_pylist() if found not in accepted]
        if unknown:
            raise ValueError(f"found {name} {unknown[0]!r}; accepted: {', '.join(accepted)}")
    # A point that is trained again has the number -1, -2, ...
    numbered = whole.filter(pc.not_equal(whole["stage"], "confirm"))
    for name, rows in (("seed", whole), ("index", numbered)):
        least = pc.min(rows[name]).as_py()
        if least is not None and least < 0:
            raise ValueError(f"found {name} {least}; expected a number from 0")
    # They become names of files.
    for method in pc.unique(whole["method"]).to_pylist():
        fault = find_fault(method)
        if fault is not None:
            raise ValueError(f"found the method {method!r}, {fault}")
    return whole


def _find_type(field: pa.Field) -> pa.DataType:
    """What the column should be."""
    if field.name in TYPES:
        return TYPES[field.name]
    if field.name.startswith(PREFIXES) and not pa.types.is_floating(field.type):
        return pa.float64()
    return field.type
