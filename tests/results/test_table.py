"""The trial table on disk: whole files, once, and clear errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretofair.analysis.reading.foreign import read_foreign
from paretofair.errors import RunError
from paretofair.results import Quantity, TableSchema, TaskSchema, TrialTable, counts_of, stack_name, write_stack
from paretofair.results.table import find_finished
from paretofair.results.table_schema import pack_table
from tests.stacks import make_stack


def stack(*ids: str) -> pa.Table:
    return make_stack(*ids, confusion_test=[[1.0, 2.0]] * len(ids))


def test_names_say_what_is_inside():
    assert stack_name("sweep", "mtaf", [0, 0, 0], [9, 3, 5]) == "sweep-mtaf-0-3-9.parquet"
    assert stack_name("confirm", "mtaf", [2_000_001, 1_000_001], [3, 7]) == "confirm-mtaf-1000001-7-3.parquet"


def test_written_whole_and_read_once(tmp_path):
    table = TrialTable(tmp_path)
    assert table.read().empty
    write_stack(tmp_path, "sweep-mtaf-0-0-1.parquet", stack("a", "b"))
    assert table.read()["trial_id"].tolist() == ["a", "b"]
    assert "confusion_test" not in table.read()
    assert counts_of(tmp_path, ["b"])["confusion_test"].map(list).to_dict() == {"b": [1.0, 2.0]}
    write_stack(tmp_path, "sweep-vanilla-0-0-0.parquet", stack("c"))
    assert table.read()["trial_id"].tolist() == ["a", "b", "c"]
    assert sorted(path.name for path in (tmp_path / "trials").iterdir()) == [
        "sweep-mtaf-0-0-1.parquet",
        "sweep-vanilla-0-0-0.parquet",
    ]
    assert find_finished(tmp_path, "sweep", "mtaf", [0, 0, 0], [0, 1, 2]) == {"a", "b"}
    assert find_finished(tmp_path, "sweep", "mtaf", [0, 1], [1, 0]) == set()


def test_a_pack_finds_its_own_stacks(tmp_path):
    """Also where seeds differ and where a confirmed point has an index below 0."""
    seeds, indices = [2_000_000, 1_000_000], [-1, -1]
    write_stack(tmp_path, stack_name("confirm", "mtaf", seeds, indices), stack("a", "b"))
    write_stack(tmp_path, stack_name("confirm", "mtaf", [1_000_000], [-12]), stack("c"))
    write_stack(tmp_path, stack_name("confirm", "mtaf", [1_000_000], [1]), stack("d"))
    assert find_finished(tmp_path, "confirm", "mtaf", seeds, indices) == {"a", "b"}
    assert find_finished(tmp_path, "confirm", "mtaf", [1_000_000], [-12]) == {"c"}
    assert find_finished(tmp_path, "confirm", "mtaf", [1_000_000], [1]) == {"d"}


def test_a_trial_that_stands_in_two_files_counts_once(tmp_path):
    write_stack(tmp_path, "sweep-mtaf-0-0-1.parquet", stack("a", "b"))
    write_stack(tmp_path, "sweep-mtaf-0-1-2.parquet", make_stack("b", "c", index=[1, 2]))
    assert TrialTable(tmp_path).read()["trial_id"].tolist() == ["a", "b", "c"]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="No space left"):
        write_stack(tmp_path, "sweep-mtaf-0-0-1.parquet", stack("a"))
    assert not list((tmp_path / "trials").iterdir())


def test_a_truncated_file_is_named(tmp_path):
    write_stack(tmp_path, "sweep-mtaf-0-0-1.parquet", stack("a"))
    path = tmp_path / "trials" / "sweep-mtaf-0-0-1.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match=r"sweep-mtaf-0-0-1\.parquet: not a readable Parquet file"):
        TrialTable(tmp_path).read()
    with pytest.raises(RunError, match=r"sweep-mtaf-0-0-1\.parquet: not a readable Parquet file"):
        find_finished(tmp_path, "sweep", "mtaf", [0], [0])


def test_a_damaged_stack_that_is_trained_again_is_read(tmp_path):
    """Whether it is alone or beside others, under the name that the damaged one had."""
    table = TrialTable(tmp_path, damaged=lambda error: Path(error.path).unlink())
    for name, trial in (("sweep-mtaf-0-0-0.parquet", "a"), ("sweep-mtaf-0-1-1.parquet", "b")):
        (tmp_path / "trials").mkdir(exist_ok=True)
        (tmp_path / "trials" / name).write_text("half a file")
        before = table.read()["trial_id"].tolist()
        write_stack(tmp_path, f"sweep-vanilla-{trial}.parquet", stack(f"beside {trial}"))
        (tmp_path / "trials" / name).write_text("half a file")
        assert table.read()["trial_id"].tolist() == [*before, f"beside {trial}"]
        write_stack(tmp_path, name, stack(trial))
        assert table.read()["trial_id"].tolist() == [*before, f"beside {trial}", trial]


class TestColumnsOfOtherTypes:
    """A file whose columns are no numbers where those of the others are is named, whoever reads it."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        write_stack(tmp_path, "sweep-mtaf-0-0-0.parquet", stack("a"))
        other = make_stack("b", index=[1], learning_rate=["fast"], confusion_test=[["one", "two"]])
        write_stack(tmp_path, "sweep-mtaf-0-1-1.parquet", other)
        write_stack(
            tmp_path,
            "sweep-mtaf-0-2-2.parquet",
            make_stack("c", index=[2], learning_rate=[0.1], confusion_test=[[3.0, 4.0]]),
        )

    def test_in_a_trial_table(self, tmp_path):
        named = r"sweep-mtaf-0-2-2\.parquet: its columns do not fit .*learning_rate"
        with pytest.raises(RunError, match=named):
            TrialTable(tmp_path).read()
        table = TrialTable(tmp_path, damaged=lambda error: Path(error.path).unlink())
        assert table.read()["trial_id"].tolist() == ["a", "b"]

    def test_in_counts(self, tmp_path):
        with pytest.raises(RunError, match=r"sweep-mtaf-0-1-1\.parquet: its columns do not fit .*confusion_test"):
            counts_of(tmp_path, ["a", "b"])

    def test_in_tables_made_elsewhere(self, tmp_path):
        with pytest.raises(RunError, match=r"sweep-mtaf-0-2-2\.parquet: its columns do not fit .*learning_rate"):
            read_foreign(tmp_path / "trials")


def test_stacks_of_an_older_version_and_new_ones_are_one_table(tmp_path):
    """A run that began before the table had a schema goes on with one."""
    old = {"task_weight_x": [0.5], "task_weight_y": [0.5], "test_error_x": [0.1], "test_error_y": [0.2]}
    write_stack(tmp_path, "sweep-mtaf-0-0-0.parquet", make_stack("a", **old))
    tasks = ("x", "y")
    schema = TableSchema(
        tuple(map(TaskSchema, tasks)), (Quantity("error", tasks),), (Quantity("task_weight", tasks),), ("sex",)
    )
    new = make_stack("b", index=[1])
    columns = {name: new[name] for name in new.column_names}
    columns |= {"task_weight": np.array([[0.3, 0.7]]), "test_error": np.array([[0.3, 0.4]])}
    columns |= {name: ["x"] for name in ("space_id", "data_id", "threshold", "device", "dtype", "path")}
    columns |= {"confusion_test": [[1.0, 2.0]]}
    write_stack(tmp_path, "sweep-mtaf-0-1-1.parquet", pack_table(columns, schema))
    table = TrialTable(tmp_path)
    rows = table.read().set_index("trial_id")
    assert rows.loc["a", list(old)].tolist() == [0.5, 0.5, 0.1, 0.2]
    assert rows.loc["b", list(old)].tolist() == [0.3, 0.7, 0.3, 0.4]
    assert table.schema.task_names == ["x", "y"]
    assert set(table.schema.hyperparameter_columns) == {"task_weight_x", "task_weight_y"}
    assert table.schema.metric_columns == {"error_x": ("error", "x"), "error_y": ("error", "y")}
    assert TrialTable(tmp_path, metrics=["test_error_y"]).read().filter(like="error").columns.tolist() == [
        "test_error_y"
    ]
