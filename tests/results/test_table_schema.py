"""The names in a trial table: written once in the metadata, spelled out by the reader."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from paretofair.results import Quantity, TableSchema, TaskSchema
from paretofair.results.table_schema import KEY, choose_columns, pack_table, read_schema, read_spelling, spell_out

TASKS = ("pay", "gap_pay")
SCHEMA = TableSchema(
    tasks=(TaskSchema("pay"), TaskSchema("gap_pay", "multiclass", ("low", "middle", "high"))),
    metrics=(Quantity("error", TASKS), Quantity("auc", ("pay",)), Quantity("macro_f1", ("gap_pay",))),
    hyperparameters=(Quantity("task_weight", TASKS), Quantity("learning_rate")),
    attributes=("sex", "race"),
)
NAN = np.nan


def write() -> pa.Table:
    return pack_table(
        {
            "trial_id": ["a", "b", "c"],
            "task_weight": np.array([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8]]),
            "learning_rate": np.array([0.1, 0.2, 0.3]),
            "test_error": np.arange(6.0).reshape(3, 2),
            "test_auc": np.array([[0.5, NAN], [0.6, NAN], [0.7, NAN]]),
            "test_macro_f1": np.array([[NAN, 0.1], [NAN, 0.2], [NAN, 0.3]]),
            "confusion_test": pa.array([[1.0], [2.0], [3.0]]),
        },
        SCHEMA,
    )


def test_on_disk_a_metric_is_one_column_and_names_stand_in_the_metadata():
    table = write()
    assert table.schema.field("test_error").type == pa.list_(pa.float64())
    assert table["test_error"].to_pylist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert read_schema(table.schema.names, table.schema.metadata[KEY]) == SCHEMA


def test_every_task_has_a_column_behind_the_reader_but_for_metrics_that_it_lacks():
    found = spell_out(write(), SCHEMA)
    assert found.column_names == [
        *("trial_id", "task_weight_pay", "task_weight_gap_pay", "learning_rate", "test_error_pay"),
        *("test_error_gap_pay", "test_auc_pay", "test_macro_f1_gap_pay", "confusion_test"),
    ]
    assert found["test_error_gap_pay"].to_pylist() == [1.0, 3.0, 5.0]
    assert found["test_macro_f1_gap_pay"].to_pylist() == [0.1, 0.2, 0.3]


def test_names_are_looked_up_and_never_taken_apart():
    """Read as names, auc_gap_pay is the AUC gap of one task and the AUC of another."""
    assert SCHEMA.metric_columns["error_gap_pay"] == ("error", "gap_pay")
    assert SCHEMA.hyperparameter_columns == ["task_weight_pay", "task_weight_gap_pay", "learning_rate"]
    assert SCHEMA.results_on("test") == [
        "test_error_pay",
        "test_error_gap_pay",
        "test_auc_pay",
        "test_macro_f1_gap_pay",
    ]
    assert SCHEMA.with_metrics("arfg", "are").metric_columns["are"] == ("are", "")


def test_of_the_metrics_those_that_are_wanted_are_read():
    names, wanted = write().column_names, ["test_error_gap_pay"]
    assert choose_columns(names, SCHEMA, wanted) == ["trial_id", "task_weight", "learning_rate", "test_error"]
    found = spell_out(write().select(choose_columns(names, SCHEMA, wanted)), SCHEMA, wanted)
    assert [name for name in found.column_names if name.startswith("test_")] == wanted
    assert choose_columns(names, SCHEMA) == names[:-1]


def test_tables_that_are_spelled_out_are_read_as_they_are():
    names = ["trial_id", "seed", "task_weight_pay", "validation_error_pay", "test_error_pay", "test_fpr_gap_signed_pay"]
    schema = read_spelling(names)
    assert schema.task_names == ["pay"]
    assert schema.metrics == (Quantity("error", ("pay",)), Quantity("fpr_gap_signed", ("pay",)))
    assert schema.hyperparameter_columns == ["task_weight_pay"]
    table = pa.table({name: [1.0] for name in names})
    assert spell_out(table, schema).equals(table)
    assert choose_columns(names, schema, ["test_error_pay"]) == [*names[:3], "test_error_pay"]


def test_a_missing_list_is_a_missing_value_in_every_column():
    found = spell_out(pa.table({"test_error": pa.array([[0.1, 0.2], None, [0.3, 0.4]])}), SCHEMA)
    assert found["test_error_gap_pay"].to_pylist() == [0.2, None, 0.4]
    assert spell_out(pa.table({"test_error": pa.array([], pa.list_(pa.float64()))}), SCHEMA).num_rows == 0
    sliced = pa.table({"test_error": pa.array([[0.0, 0.1], [0.2, 0.3]])}).slice(1)
    assert spell_out(sliced, SCHEMA)["test_error_pay"].to_pylist() == [0.2]


def test_lists_of_another_length_are_refused():
    with pytest.raises(ValueError, match="test_error has 1 elements in row 2, but there are 2 tasks"):
        spell_out(pa.table({"test_error": pa.array([[0.1, 0.2], [0.3]])}), SCHEMA)


def test_schemas_of_one_table_go_together():
    other = TableSchema(SCHEMA.tasks, SCHEMA.metrics[:1], (Quantity("temperature"),), SCHEMA.attributes)
    merged = SCHEMA.merge(other)
    assert merged.metrics == SCHEMA.metrics
    assert merged.hyperparameter_columns == [*SCHEMA.hyperparameter_columns, "temperature"]
    assert SCHEMA.merge(TableSchema()) == TableSchema().merge(SCHEMA) == SCHEMA
    with pytest.raises(ValueError, match=r"its tasks are pay \(binary\), those of other files pay \(binary\), gap_pay"):
        SCHEMA.merge(TableSchema((TaskSchema("pay"),)))
    with pytest.raises(ValueError, match="its attributes are race, those of other files sex, race"):
        SCHEMA.merge(TableSchema(SCHEMA.tasks, attributes=("race",)))


@pytest.mark.parametrize(
    "written",
    [b"", b"{}", b"[]", b"\xff", b'{"version": 9}', b'{"version": 1, "tasks": [{"name": 3}]}', b'{"version": 1}'],
)
def test_metadata_that_nobody_wrote_are_refused(written):
    with pytest.raises(ValueError, match="its schema"):
        read_schema([], written)
