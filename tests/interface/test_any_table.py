"""Tables of every kind become the same Arrow table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from paretofair.errors import DataError
from paretofair.interface.any_table import is_column, to_column, to_table

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, np.nan, 1.5]})


class Streamed:
    """As polars, DuckDB and others give themselves."""

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.Table.from_pandas(FRAME).__arrow_c_stream__(requested_schema)


class Interchanged:
    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True):
        return pa.table({"a": FRAME["a"], "c": FRAME["c"]}).__dataframe__()


@pytest.mark.parametrize("data", [FRAME, pa.Table.from_pandas(FRAME), Streamed(), FRAME.to_dict("list")])
def test_one_table_from_many(data):
    found = to_table(data)
    assert found.column_names == ["a", "b", "c"]
    assert found.column("a").to_pylist() == [1, 2, 3]
    assert found.column("b").to_pylist() == ["x", None, "z"]
    assert found.column("c").to_pylist()[::2] == [0.5, 1.5]


def test_the_interchange_protocol_and_arrays():
    assert to_table(Interchanged()).column_names == ["a", "c"]
    assert to_table(np.eye(2)).to_pydict() == {"x0": [1.0, 0.0], "x1": [0.0, 1.0]}


def test_a_column_of_several_types_becomes_texts():
    assert to_table(pd.DataFrame({"a": [1, "x", None, True]}))["a"].to_pylist() == ["1", "x", None, "True"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "found NoneType; expected a pandas, polars or Arrow table"),
        (np.zeros(3), r"found an array of the shape \(3,\)"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns of the name 'a'"),
        (pd.DataFrame({"a": []}), "has 0 rows"),
    ],
)
def test_what_is_no_table(data, words):
    with pytest.raises(DataError, match=words):
        to_table(data)


SEXES = ["f", "m"]


class Series:
    """A column of polars: it has a type, and gives itself as an Arrow stream that is no table."""

    dtype = "String"

    def __len__(self):
        return len(SEXES)

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.chunked_array([SEXES]).__arrow_c_stream__(requested_schema)

    def to_pandas(self):
        return pd.Series(SEXES)


@pytest.mark.parametrize(
    "values",
    [
        *(SEXES, tuple(SEXES), np.array(SEXES), pd.Series(SEXES), pd.Index(SEXES), pd.Categorical(SEXES)),
        *(pa.array(SEXES), pa.chunked_array([SEXES]), Series()),
    ],
)
def test_a_column_of_any_library(values):
    assert is_column(values)
    assert to_column(values, "sex", 2).tolist() == SEXES


@pytest.mark.parametrize("table", [FRAME, pa.Table.from_pandas(FRAME), {"a": [1]}, np.zeros((2, 1)), Streamed()])
def test_a_table_is_no_column(table):
    assert not is_column(table)


def test_columns():
    assert to_column(pa.array([1, 2]), "y").tolist() == [1, 2]
    assert to_column(np.array([[1], [2]]), "y").tolist() == [1, 2]
    with pytest.raises(DataError, match="y has 2 values, the data have 3 rows"):
        to_column([1, 2], "y", 3)
    with pytest.raises(DataError, match="y: found str"):
        to_column("text", "y")
