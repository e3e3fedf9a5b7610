"""The trial table on disk: one Parquet file per finished stack, written once and never changed."""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import dataset

from paretofair.errors import RunError, first_line
from paretofair.results.files import check_file, inside, write_whole
from paretofair.results.stacks import (
    DamagedFileError,
    StackFile,
    find_other_values,
    group_alike,
    join_tables,
    make_part,
    merge_types,
    open_parquet,
    read_stack,
    read_trial_ids,
)
from paretofair.results.store import Store
from paretofair.results.table_schema import COUNTS, KEY, TableSchema, choose_columns, read_schema, spell_out

TRIALS = "trials"
CURVES = "curves"
_TOGETHER = 200  # files
_ROWS = 5_000
_ALIKE = 20  # files that are spelled out at a time: more leave gaps in memory
# Names of stacks: what the first trial makes of it, and the index of the last one.
STACK_NAME = re.compile(r"(.+-\d+--?\d+)-(-?\d+)\.parquet")


def stack_name(stage: str, method: str, seeds: Sequence[int], indices: Sequence[int]) -> str:
    """File name `<stage>-<method>-<seed>-<first>-<last>.parquet` of a stack.

    The seed and first index are those of the stack's first trial in order of (seed, index). Stacks share no trial,
    so no two have the same first trial and the name is taken once.
    """
    order = sorted(zip(seeds, indices, strict=True))
    return f"{stage}-{method}-{order[0][0]}-{order[0][1]}-{order[-1][1]}.parquet"


def write_stack(folder: Path | Store, name: str, table: pa.Table, into: str = TRIALS) -> None:
    """Writes one stack to `folder/trials/name`, or `into` another folder: the file appears whole or not at all."""
    if isinstance(folder, Store):
        folder.write(into, name, table)
        return
    with write_whole(inside(folder, f"{into}/{name}")) as partial:
        pq.write_table(table, partial, compression="zstd")


class TrialTable:
    """Reads the trial table of a results folder; files are read once, new ones at every call.

    A trial that stands in two files (a worker outlived its driver) is taken once. Threads may read at the same time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        metrics: Collection[str] | None = None,
        derive: Callable[[pa.Table, TableSchema], pa.Table] | None = None,
        times: bool = False,
        store: Store | None = None,
        damaged: Callable[[DamagedFileError], None] | None = None,
    ) -> None:
        """`metrics`: those that are read, as in `test_error_income`, by default all. `derive`: adds columns to rows
        and their lists of counts, which are then forgotten. `times`: whether rows say when
        their file was `written`. `store`: where workers write, if not to `folder`, which then holds copies.
        `damaged`: takes away each file that does not hold what it should; by default an error is raised. A new file of
        that name is read as any other."""
        self._run, self._store, self._times = folder, store, times
        self._folder = folder / TRIALS
        self._metrics = None if metrics is None else frozenset(metrics)
        self._known: set[str] = set()
        self._refused: set[str] = set()
        self._frame = pd.DataFrame({"trial_id": pd.Series(dtype=str)})
        self._lock = threading.Lock()
        self._pulled = -math.inf
        self._schema, self._types = TableSchema(), pa.schema([])
        self._damaged, self._derive = damaged, derive

    @property
    def schema(self) -> TableSchema:
        """The names in the files that were read so far."""
        return self._schema

    def read(self, *, older: float = 0) -> pd.DataFrame:
        """One row per finished trial, spelled out by task, files in order of name, without the lists of counts.

        What stands elsewhere is asked for unless that was done in the last `older` seconds. Raises RunError for a file
        that does not hold what it should.
        """
        with self._lock:
            if self._store is not None and time.monotonic() - self._pulled >= older:
                self._store.pull(self._run)
                self._pulled = time.monotonic()
            return self._read()

    def _read(self) -> pd.DataFrame:
        new = [path for path in _list(self._folder) if path.name not in self._known]
        if not new:
            return self._frame
        self._refused.clear()
        # One conversion for many files: pandas takes longer over a narrow file than Arrow takes to read it.
        parts = list(self._parts(new))
        if not parts:
            return self._frame
        whole = pa.concat_tables(parts, promote_options="permissive")
        del parts
        frame = whole.to_pandas(self_destruct=True)
        del whole
        if len(self._frame):
            frame = pd.concat([self._frame, frame], ignore_index=True)
        repeated = frame["trial_id"].duplicated()
        if repeated.any() and self._find_other(frame):
            return self._read()
        self._frame = frame[~repeated].reset_index(drop=True) if repeated.any() else frame
        self._known.update(path.name for path in new if path.name not in self._refused)
        pa.default_memory_pool().release_unused()
        return self._frame

    def _parts(self, paths: Sequence[Path]) -> Iterator[pa.Table]:
        """What is in the files, in order, in parts that are made whole: thousands of narrow columns in pieces take many
        times the memory of what is in them."""
        pieces: list[pa.Table] = []
        for alike in group_alike(self._stacks(paths), _ALIKE):
            part = self._make_part(alike)
            if part is not None:
                pieces.append(part)
            if len(pieces) == _TOGETHER or sum(map(len, pieces)) >= _ROWS:
                yield pa.concat_tables(pieces, promote_options="permissive").combine_chunks()
                pieces.clear()
        if pieces:
            yield pa.concat_tables(pieces, promote_options="permissive").combine_chunks()

    def _stacks(self, paths: Iterable[Path]) -> Iterator[StackFile]:
        for path in paths:
            try:
                yield read_stack(path, self._metrics, times=self._times, counts=self._derive is not None)
            except DamagedFileError as error:
                self._refuse(error)

    def _make_part(self, alike: list[StackFile]) -> pa.Table | None:
        while alike:
            try:
                part = make_part(alike, self._metrics)
                if self._derive is not None:
                    part = self._derive(part, alike[0].schema)
                    part = part.drop_columns([name for name in part.column_names if name.startswith(COUNTS)])
                types = merge_types(self._types, part, alike[0].path)
                try:
                    self._schema = self._schema.merge(alike[0].schema)
                except ValueError as error:
                    raise DamagedFileError(alike[0].path, str(error)) from None
                self._types = types
                return part
            except DamagedFileError as error:
                self._refuse(error)
                alike = [stack for stack in alike if stack.path != error.path]
        return None

    def _find_other(self, frame: pd.DataFrame) -> bool:
        """Whether a trial stands in several files with other values: these are refused, since nobody knows which are
        right, and the table is to be read again."""
        trial = find_other_values(frame)
        if trial is None:
            return False
        for path in _list(self._folder):
            if trial in read_trial_ids(path, path):
                self._refuse(DamagedFileError(path, f"trial {trial} stands in several files with other values"))
        self._known.clear()
        self._frame, self._schema, self._types = self._frame.iloc[:0], TableSchema(), pa.schema([])
        return True

    def _refuse(self, error: DamagedFileError) -> None:
        if self._damaged is None:
            words = "The same sweep again puts it aside and trains its trials anew"
            raise RunError(f"{error}. {words}; or move it away") from None
        self._damaged(error)
        self._refused.add(Path(error.path).name)


def read_trials_of(folder: Path) -> set[str]:
    """The ids of all finished trials."""
    return {trial for path in _list(folder / TRIALS) for trial in read_trial_ids(path, path)}


def counts_of(folder: Path, trial_ids: Iterable[str]) -> pd.DataFrame:
    """The lists of counts `confusion_<split>` of some trials, indexed by `trial_id`, without reading any other's."""
    files = _list(folder / TRIALS)
    if not files:
        return pd.DataFrame()
    wanted = dataset.field("trial_id").isin(list(trial_ids))
    # A data set keeps what every one of its files says of itself, far more than what is wanted of them.
    parts = [_filter(files[first : first + _TOGETHER], wanted) for first in range(0, len(files), _TOGETHER)]
    found = join_tables(parts, files[::_TOGETHER]).to_pandas()
    pa.default_memory_pool().release_unused()
    return found.drop_duplicates("trial_id").set_index("trial_id")


def _filter(files: list[Path], wanted: dataset.Expression) -> pa.Table:
    """Trials and counts of some files. Raises DamagedFileError."""
    with open_parquet(files[0], files[0]) as first:
        names = [name for name in first.schema_arrow.names if name.startswith(COUNTS)]
    try:
        return _select(files, ["trial_id", *names], wanted)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        parts = []
        for path in files:
            with open_parquet(path, path):
                parts.append(_select([path], ["trial_id", *names], wanted))
        join_tables(parts, files)
        raise RunError(f"{files[0].parent}: {first_line(error)}") from None


def _select(files: list[Path], names: list[str], wanted: dataset.Expression) -> pa.Table:
    for path in files:
        check_file(path)
    return dataset.dataset(files, format="parquet").to_table(columns=names, filter=wanted).replace_schema_metadata(None)


def read_curves(folder: Path, metrics: Collection[str]) -> pd.DataFrame:
    """What was measured while trials trained, of the `metrics` (`validation_error_income`): one row per trial and
    epoch, spelled out by task; empty where nothing was."""
    table, _ = read_tables(_list(folder / CURVES), metrics)
    return table[[name for name in table if name in ("trial_id", "epoch", *metrics)]]


def read_tables(paths: Sequence[Path], metrics: Collection[str] | None = None) -> tuple[pd.DataFrame, TableSchema]:
    """Parquet files with columns as in a trial table, but with whichever of them, spelled out by task; and what their
    names are. `metrics`: those that are read, by default all.

    Raises RunError for a file that cannot be read, or whose columns are of other types than those of the others.
    """
    parts, schema = [], TableSchema()
    for path in paths:
        with open_parquet(path, path) as file:
            found = file.schema_arrow
            own = read_schema(found.names, (found.metadata or {}).get(KEY))
            table = file.read(choose_columns(found.names, own, metrics)).replace_schema_metadata(None)
            parts.append(spell_out(table, own, metrics))
            schema = schema.merge(own)
    return join_tables(parts, paths).to_pandas() if parts else pd.DataFrame(), schema


def find_finished(
    folder: Path | Store, stage: str, method: str, seeds: Sequence[int], indices: Sequence[int]
) -> set[str]:
    """Trial ids of the stacks in the table that begin with one of these trials, without reading any other stack.

    Raises RunError for a file that cannot be read.
    """
    firsts = {f"{stage}-{method}-{seed}-{index}" for seed, index in zip(seeds, indices, strict=True)}
    there = folder.names(TRIALS) if isinstance(folder, Store) else [path.name for path in _list(folder / TRIALS)]
    found: set[str] = set()
    for name in there:
        parts = STACK_NAME.fullmatch(name)
        if parts is not None and parts[1] in firsts:
            file = folder.open(TRIALS, name) if isinstance(folder, Store) else folder / TRIALS / name
            found.update(read_trial_ids(file, f"{TRIALS}/{name}"))
    return found


def find_file(folder: Path, trial_id: str) -> Path:
    """The file of a results folder that a trial stands in, for messages; the folder of all where none is found."""
    files = _list(folder / TRIALS)
    return next((path for path in files if trial_id in read_trial_ids(path, path)), folder / TRIALS)


def _list(folder: Path) -> list[Path]:
    """The stacks of a folder, in order of name. Raises RunError where something else has its name."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise RunError(f"{folder}: is no folder, and files of trials stand in one; move it away")
    return sorted(folder.glob("*.parquet"))
