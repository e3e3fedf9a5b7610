"""Rows of the trial table from models of other libraries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from paretofair.data import Splits
from paretofair.results import stack_name, write_stack
from paretofair.results.table_schema import COUNTS, UNWEIGHTED, pack_table
from paretofair.runs.rows import table_schema
from paretofair.space.method_space import trial_id
from paretofair.training import DeviceData
from paretofair.training.measuring.evaluation import measure_split


@dataclass(frozen=True)
class Model:
    """One fitted model of one task: `decisions` (0 or 1) and `scores` (in [0, 1]) for the rows of every split, the
    hyperparameters `values`, and the seconds of its fit. Of a fit that failed, nothing but the `error`."""

    values: Mapping[str, float | str]
    decisions: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    seconds: float
    error: str = ""


def combinations(models: Sequence[int], rows: int, seed: int) -> np.ndarray:
    """Which model of each task stands in each row, `(rows, tasks)`: all combinations of the tasks' `models`, or where
    they are more than `rows`, as many, in which each model of a task stands about equally often.

    >>> combinations([2, 2], 4, 0).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    if math.prod(models) <= rows:
        return np.stack(np.unravel_index(np.arange(math.prod(models)), models), -1)
    columns = []
    for task, size in enumerate(models):
        rounds = range(math.ceil(rows / size))
        # Raw output: the same order with every version of NumPy.
        orders = [np.argsort(np.random.PCG64((seed, task, each)).random_raw(size), kind="stable") for each in rounds]
        columns.append(np.concatenate(orders)[:rows])
    return np.stack(columns, -1)


def trial_ids(space_id: str, split_id: str, method: str, seed: int, rows: int) -> list[str]:
    """The identity of rows 0 to `rows` - 1 of a method and seed."""
    return [trial_id(space_id, split_id, "sweep", method, seed, index) for index in range(rows)]


def write_rows(
    folder: Path,
    models: Sequence[Sequence[Model]],
    places: np.ndarray,
    data: DeviceData,
    splits: Splits,
    *,
    method: str,
    seed: int,
    space_id: str,
    protocol: str,
    path: str,
) -> None:
    """Writes one file to `folder/trials`: a row for each of `places` `(rows, tasks)`, of these models by task.

    Rows are of the stage `sweep`; `threshold` is `own`, since decisions are the library's. `path` names the library.
    """
    n = len(places)
    same = {
        "stage": "sweep",
        "method": method,
        "seed": seed,
        "pack_id": f"{method}-{seed}",
        "space_id": space_id,
        "data_id": splits.dataset.data_id,
        "split_id": splits.split_id,
        "source": splits.dataset.source,
        "protocol": protocol,
        "threshold": "own",
        "penalty_split": "train",
        "device": "cpu",
        "dtype": "float64",
        "path": path,
    }
    columns = {"trial_id": trial_ids(space_id, splits.split_id, method, seed, n), "index": np.arange(n)}
    columns |= {name: [value] * n for name, value in same.items()}
    values = gather_values(models, places)
    table = pack_table(columns | values | evaluate_rows(models, places, data), table_schema(data, values))
    write_stack(folder, stack_name("sweep", method, [seed] * n, range(n)), table)


def gather_values(models: Sequence[Sequence[Model]], places: np.ndarray) -> dict[str, np.ndarray]:
    """The hyperparameters of each row's models, `(rows, tasks)` by name; None where a task's models have none."""
    names = dict.fromkeys(name for of_task in models for name in of_task[0].values)
    rows = {
        name: [[models[t][place].values.get(name) for t, place in enumerate(row)] for row in places] for name in names
    }
    return {name: np.array(values, dtype=object) for name, values in rows.items()}


def evaluate_rows(models: Sequence[Sequence[Model]], places: np.ndarray, data: DeviceData) -> dict[str, Any]:
    """Columns of the trial table for rows of the models (by task) at `places` `(rows, tasks)`: status, metrics and
    counts; NaN where a fit failed. Each task has as many models."""
    tasks = np.arange(len(data.tasks))
    bad = np.array([[bool(model.error) for model in each] for each in models]).T[places, tasks].any(1)
    columns: dict[str, Any] = {
        "status": np.where(bad, "failed", "completed").tolist(),
        "train_seconds": np.full(len(places), sum(model.seconds for each in models for model in each) / len(places)),
    }
    for name, split in data.splits.items():
        shape = (len(models[0]), *split.labels.shape)
        decisions, scores = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.float64)
        for t, each in enumerate(models):
            for row, model in enumerate(each):
                if not model.error:
                    decisions[row, t] = torch.from_numpy(model.decisions[name] == 1)
                    scores[row, t] = torch.from_numpy(model.scores[name])
        found = measure_split(decisions, scores, scores, split, data)
        for metric, values in found.metrics.items():
            columns[f"{name}_{metric}"] = np.where(bad[:, None], np.nan, values[places, tasks])
        for of, by_task in ((name, found.counts), (f"{name}{UNWEIGHTED}", found.unweighted)):
            if by_task:
                counts = np.stack(by_task, 1)[places, tasks].reshape(len(places), -1)
                of_rows = np.where(bad[:, None], np.nan, counts).astype(np.float32)
                columns[f"{COUNTS}{of}"] = pa.array(list(of_rows), pa.list_(pa.float32()))
    return columns
