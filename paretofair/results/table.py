"""The trial table on disk: one Parquet file per finished stack, written once and never changed."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import dataset

from paretofair.errors import RunError
from paretofair.results.files import write_whole
from paretofair.results.store import Store

TRIALS = "trials"
# Words of the columns `stage`, in the order of a run, and `status`.
STAGES = ("baselines", "points", "tune", "sweep", "confirm")
STATUSES = ("completed", "stopped", "diverged", "failed")
CURVES = "curves"
MODELS = "models"
_TOGETHER = 200  # files
_ROWS = 50_000
# Names of stacks: what the first trial makes of it, and the index of the last one.
STACK_NAME = re.compile(r"(.+-\d+--?\d+)-(-?\d+)\.parquet")


def holds_no_counts(name: str) -> bool:
    """Whether a column of the trial table holds no list of counts, by far the larger part of it."""
    return not name.startswith("confusion_")


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
    with write_whole(folder / into / name) as partial:
        pq.write_table(table, partial, compression="zstd")


class TrialTable:
    """Reads the trial table of a results folder; files are read once, new ones at every call.

    A trial that stands in two files (a worker outlived its driver) is taken once. Threads may read at the same time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        columns: Callable[[str], bool] = holds_no_counts,
        derive: Callable[[pa.Table], pa.Table] | None = None,
        store: Store | None = None,
    ) -> None:
        """`columns`: whether to read a column of this name. `derive`: adds columns to what is read of a file and its
        lists of counts, which are then forgotten. `store`: where workers write, if not to `folder`, which then holds
        copies."""
        self._run, self._store, self._derive = folder, store, derive
        self._folder = folder / TRIALS
        self._columns = columns
        self._known: set[str] = set()
        self._frame = pd.DataFrame({"trial_id": pd.Series(dtype=str)})
        self._lock = threading.Lock()
        self._pulled = -math.inf

    def read(self, *, older: float = 0) -> pd.DataFrame:
        """One row per finished trial, files in order of name. Raises RunError for a file that cannot be read.

        What stands elsewhere is asked for unless that was done in the last `older` seconds.
        """
        with self._lock:
            if self._store is not None and time.monotonic() - self._pulled >= older:
                self._store.pull(self._run)
                self._pulled = time.monotonic()
            return self._read()

    def _read(self) -> pd.DataFrame:
        new = sorted(path for path in self._folder.glob("*.parquet") if path.name not in self._known)
        if not new:
            return self._frame
        # One conversion for many files: pandas takes longer over a narrow file than Arrow takes to read it.
        whole = pa.concat_tables(_parts(new, self._read_file), promote_options="permissive")
        frame = whole.to_pandas(self_destruct=True)
        del whole
        if len(self._frame):
            frame = pd.concat([self._frame, frame], ignore_index=True)
        repeated = frame["trial_id"].duplicated()
        self._frame = frame[~repeated].reset_index(drop=True) if repeated.any() else frame
        self._known.update(path.name for path in new)
        pa.default_memory_pool().release_unused()
        return self._frame

    def _read_file(self, path: Path) -> pa.Table:
        if self._derive is None:
            return _read(path, self._columns)
        table = self._derive(_read(path, lambda name: self._columns(name) or not holds_no_counts(name)))
        kept = [name for name in table.column_names if holds_no_counts(name) or self._columns(name)]
        return table.select(kept)


def _parts(paths: Sequence[Path], read: Callable[[Path], pa.Table]) -> Iterator[pa.Table]:
    """What is in the files, in order, in parts that are made whole: thousands of narrow columns in pieces take many
    times the memory of what is in them."""
    pieces: list[pa.Table] = []
    for path in paths:
        pieces.append(read(path))
        if len(pieces) == _TOGETHER or sum(map(len, pieces)) >= _ROWS or path == paths[-1]:
            yield pa.concat_tables(pieces, promote_options="permissive").combine_chunks()
            pieces.clear()


def counts_of(folder: Path, trial_ids: Iterable[str]) -> pd.DataFrame:
    """The lists of counts `confusion_<split>` of some trials, indexed by `trial_id`, without reading any other's."""
    files = sorted((folder / TRIALS).glob("*.parquet"))
    if not files:
        return pd.DataFrame()
    names = [name for name in pq.read_schema(files[0]).names if name.startswith("confusion_")]
    wanted = dataset.field("trial_id").isin(list(trial_ids))
    # A data set keeps what every one of its files says of itself, far more than what is wanted of them.
    parts = [
        dataset.dataset(files[first : first + _TOGETHER], format="parquet").to_table(
            columns=["trial_id", *names], filter=wanted
        )
        for first in range(0, len(files), _TOGETHER)
    ]
    found = pa.concat_tables(parts).to_pandas().drop_duplicates("trial_id").set_index("trial_id")
    pa.default_memory_pool().release_unused()
    return found


def weights_of(folder: Path, trial_id: str) -> np.ndarray | None:
    """The row of parameters of a trial, `(P,)` float32; None where it was not kept."""
    files = sorted((folder / MODELS).glob("*.parquet"))
    if not files:
        return None
    wanted = dataset.field("trial_id") == trial_id
    found = dataset.dataset(files, format="parquet").to_table(columns=["parameters"], filter=wanted)
    return np.array(found["parameters"][0].values) if len(found) else None


def find_finished(
    folder: Path | Store, stage: str, method: str, seeds: Sequence[int], indices: Sequence[int]
) -> set[str]:
    """Trial ids of the stacks in the table that begin with one of these trials, without reading any other stack.

    Raises RunError for a file that cannot be read.
    """
    firsts = {f"{stage}-{method}-{seed}-{index}" for seed, index in zip(seeds, indices, strict=True)}
    found: set[str] = set()
    for name in folder.names(TRIALS) if isinstance(folder, Store) else _names(folder / TRIALS):
        parts = STACK_NAME.fullmatch(name)
        if parts is not None and parts[1] in firsts:
            file = folder.open(TRIALS, name) if isinstance(folder, Store) else folder / TRIALS / name
            found.update(_read(file, "trial_id".__eq__)["trial_id"].to_pylist())
    return found


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.parquet")]


def _read(path: Path | pa.NativeFile, wanted: Callable[[str], bool]) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            return file.read([name for name in file.schema_arrow.names if wanted(name)])
    except (pa.ArrowInvalid, OSError) as error:
        raise RunError(
            f"{path}: not a readable Parquet file ({error}). Move it away and run the same command again: "
            "its trials are trained anew."
        ) from None
