"""Kept weights: written whole, read one trial at a time, and what a damaged file is told by."""

from __future__ import annotations

import re

import numpy as np
import pytest
import safetensors.numpy

from paretofair.errors import RunError
from paretofair.results import Store, find_weights, weights_of
from paretofair.results.weights import count_bytes, write_weights

ROWS = np.arange(8.0).reshape(2, 4)


def test_weights_are_read_as_they_were_written(tmp_path):
    size = write_weights(tmp_path, "sweep-mtaf-0-0-1.parquet", ["a", "b"], ROWS)
    write_weights(tmp_path, "sweep-mtaf-0-2-2.parquet", ["c"], ROWS[:1] + 9)
    assert write_weights(tmp_path, "sweep-mtaf-0-3-3.parquet", [], ROWS[:0]) == 0
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [
        "sweep-mtaf-0-0-1.safetensors",
        "sweep-mtaf-0-2-2.safetensors",
    ]
    np.testing.assert_array_equal(weights_of(tmp_path, "b"), ROWS[1])
    assert weights_of(tmp_path, "b").dtype == np.float32
    np.testing.assert_array_equal(weights_of(tmp_path, "c"), ROWS[0] + 9)
    assert weights_of(tmp_path, "d") is None
    assert find_weights(tmp_path, "c") == tmp_path / "models" / "sweep-mtaf-0-2-2.safetensors"
    assert find_weights(tmp_path, "d") == tmp_path / "models"
    assert size < count_bytes(tmp_path) < 2 * size
    assert count_bytes(tmp_path / "nowhere") == 0


def test_elsewhere_too(tmp_path):
    (tmp_path / "bucket").mkdir()
    store = Store(f"file://{tmp_path}/bucket/run")
    assert count_bytes(store) == 0
    size = write_weights(store, "sweep-mtaf-0-0-1.parquet", ["a", "b"], ROWS)
    assert count_bytes(store) == size
    store.pull(tmp_path / "copies")
    np.testing.assert_array_equal(weights_of(tmp_path / "copies", "a"), ROWS[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no tensors", "not readable safetensors"),
        (b"", "not readable safetensors"),
        ({"a": np.float32([1, np.nan])}, "the weights of trial a are not finite"),
        ({"a": ROWS.astype(np.float32)}, "expected one row"),
        ({"a": ROWS[0]}, "the weights of trial a are float64 (4,); expected one row"),
    ],
)
def test_damaged_files_are_told(tmp_path, content, words):
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "sweep-mtaf-0-0-1.safetensors"
    file.write_bytes(content if isinstance(content, bytes) else safetensors.numpy.save(content))
    with pytest.raises(RunError, match=re.escape(words)) as error:
        weights_of(tmp_path, "a")
    assert str(file) in str(error.value)


def test_a_trial_with_two_rows_of_weights_is_refused(tmp_path):
    write_weights(tmp_path, "sweep-mtaf-0-0-1.parquet", ["a", "b"], ROWS)
    write_weights(tmp_path, "sweep-mtaf-0-0-0.parquet", ["a"], ROWS[:1])
    np.testing.assert_array_equal(weights_of(tmp_path, "a"), ROWS[0])
    write_weights(tmp_path, "sweep-mtaf-0-0-0.parquet", ["b"], ROWS[:1])
    with pytest.raises(RunError, match="trial b stands in several files with other weights"):
        weights_of(tmp_path, "b")
