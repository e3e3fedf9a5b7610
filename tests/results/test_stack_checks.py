"""A file of trials must have what its metadata call for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretofair.results import Quantity, TableSchema, TaskSchema
from paretofair.results.stack_checks import find_stack_fault
from paretofair.results.table_schema import SPLITS, pack_table

TASKS = ("loan", "loan_late")
SCHEMA = TableSchema(
    tuple(map(TaskSchema, TASKS)), (Quantity("error", TASKS), Quantity("auc", TASKS[:1])), (Quantity("epochs"),)
)


def write(path: Path, splits: tuple[str, ...] = SPLITS, **changes: object) -> Path:
    """Two trials as a run writes them; a change of None takes a column out."""
    columns: dict[str, object] = {name: ["x", "x"] for name in ("space_id", "data_id", "threshold", "device", "dtype")}
    columns |= {"path": ["eager", "eager"], "epochs": np.array([1, 2])}
    for split in splits:
        columns |= {f"{split}_error": np.array([[0.1, 1.0], [0.0, np.nan]]), f"{split}_auc": np.full((2, 2), 0.5)}
        columns[f"confusion_{split}"] = pa.array([[1.0, 0.0, 3.0]] * 2, pa.list_(pa.float32()))
    kept = {name: values for name, values in (columns | changes).items() if values is not None}
    pq.write_table(pack_table(kept, SCHEMA), path)
    return path


def find(path: Path) -> str | None:
    with pq.ParquetFile(path) as file:
        return find_stack_fault(file, SCHEMA)


@pytest.mark.parametrize("splits", [SPLITS, ("train", "test")])
def test_a_whole_file_has_no_fault(tmp_path, splits):
    assert find(write(tmp_path / "a.parquet", splits)) is None


def test_values_that_are_all_unknown_are_no_fault(tmp_path):
    assert find(write(tmp_path / "a.parquet", test_error=np.full((2, 2), np.nan))) is None


@pytest.mark.parametrize("name", ["data_id", "test_error", "train_auc", "validation_error", "confusion_test", "epochs"])
def test_a_column_that_is_not_there_is_named(tmp_path, name):
    assert find(write(tmp_path / "a.parquet", **{name: None})) == (
        f"it has no column {name}, which its metadata call for"
    )


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("test_error", np.array([[0.1, 31], [0.2, 0.3]]), "column test_error: found 31; an error is between 0 and 1"),
        ("train_error", np.array([[0.1, -1], [0.2, 0.3]]), "column train_error: found -1; an error is"),
        ("validation_error", np.array([[np.inf, 0], [0.2, 0.3]]), "column validation_error: found inf; an error is"),
        ("confusion_test", [[-1.0, 0, 3]] * 2, "column confusion_test: found -1; counts are numbers from 0"),
        ("confusion_test", [[1.0, 0, np.inf]] * 2, "column confusion_test: found inf; counts are"),
        ("confusion_test", [[1.0, 0]] * 2, "confusion_train, confusion_validation, confusion_test have 6, 6, 4 counts"),
        ("confusion_test", [[1.0, 0, 0], []], "have 6, 6, 4 counts, expected as many"),
    ],
)
def test_numbers_that_cannot_be_are_named(tmp_path, name, values, words):
    given = pa.array(values, pa.list_(pa.float32())) if name.startswith("confusion") else values
    found = find(write(tmp_path / "a.parquet", **{name: given}))
    assert found is not None
    assert words in found
