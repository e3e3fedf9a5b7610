"""Columns of pandas frames, led back to the cells that they were read from."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paretofair.data.reading.cells import CellRules
from paretofair.data.reading.frames import PANDAS_MISSING, Categories, find_column, read_numbers
from paretofair.errors import DataError

RULES = CellRules()


def find(known: list[str], value: Any, rules: CellRules = RULES, are_numbers: bool = False) -> str:
    (found,) = Categories("x", known, rules, are_numbers).read(pd.Series([value], dtype=object))
    return str(found)


def test_what_pandas_takes_for_missing(tmp_path):
    words = sorted(PANDAS_MISSING)
    (tmp_path / "words.csv").write_text("\n".join(["row,word", *(f"{row},{word}" for row, word in enumerate(words))]))
    assert pd.read_csv(tmp_path / "words.csv")["word"].isna().all()
    assert all(map(RULES.is_missing, words))


@pytest.mark.parametrize(
    ("known", "value", "expected"),
    [
        (["00501", "94110"], 501, "00501"),
        (["00501", "94110"], 501.0, "00501"),
        (["00501", "94110"], np.int64(501), "00501"),
        (["00501", "94110"], "00501", "00501"),
        (["00501", "94110"], " 00501 ", "00501"),
        (["00501", "94110"], "501", "501"),
        (["2.00", "1.50"], 2, "2.00"),
        (["1e3"], 1000, "1e3"),
        (["2.00"], Decimal("2"), "2.00"),
        (["1234567", "1234568"], 1234567.0, "1234567"),
        (["TRUE", "FALSE"], True, "TRUE"),
        (["TRUE", "FALSE"], np.bool_(False), "FALSE"),
        (["0", "1"], True, "1"),
        (["yes", "no"], True, "yes"),
        (["up", "down"], True, "True"),
        (["Private"], " Private", "Private"),
        (["a"], "?", "missing"),
        (["?"], "?", "?"),
        (["a"], None, "missing"),
        (["a"], np.nan, "missing"),
        (["a"], pd.NA, "missing"),
        (["a"], pd.NaT, "missing"),
        (["a"], "", "missing"),
        (["2013-01-05"], pd.Timestamp("2013-01-05"), "2013-01-05"),
        (["2013-01-05"], datetime.date(2013, 1, 5), "2013-01-05"),
        (["2013-01-05 12:30"], datetime.datetime(2013, 1, 5, 12, 30), "2013-01-05 12:30"),
        (["a"], 10**400, str(10**400)),
        (["a"], ("a", "tuple"), "('a', 'tuple')"),
    ],
)
def test_the_category_that_a_value_was(known, value, expected):
    assert find(known, value) == expected


def test_equal_numbers_are_one_category_where_all_values_are_numbers():
    assert find(["2", "30"], "2.0", are_numbers=True) == "2"
    assert find(["2", "30"], "2.0") == "2.0"
    assert find(["2,5"], "2,50", CellRules(decimal=","), are_numbers=True) == "2,5"
    assert find(["2,5"], 2.5, CellRules(decimal=",")) == "2,5"


def test_numbers_that_count_as_missing():
    rules = CellRules(frozenset({"-9"}))
    assert find(["a", "1"], -9.0, rules) == "missing"
    assert find(["a", "1"], "-9.0", rules) == "missing"
    assert find(["a", "NA"], "NA", rules) == "NA"
    assert np.isnan(read_numbers(pd.Series([-9, 1]), "x", rules)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("known", "value", "message"),
    [
        (["1", "01"], 1, "found 1, which '1', '01' were before pandas read it"),
        (["True", "TRUE"], True, "found True, which 'True', 'TRUE' were before"),
        (["NA", "a"], None, "found a missing value, which 'NA' was before .*, or write 'NA' for the category and ''"),
        (["05/01/2013"], pd.Timestamp("2013-01-05"), "holds dates, training read texts such as '05/01/2013'"),
    ],
)
def test_what_may_have_been_several(known, value, message):
    with pytest.raises(DataError, match=f"column x:? {message}"):
        find(known, value)
    assert find(known, known[0]) == known[0]


@pytest.mark.parametrize("dtype", [None, "category", "string", "Int64", "Float64", "boolean", "int8", "bool"])
def test_types_of_columns(dtype):
    values = (
        pd.Series([1, 0, 1], dtype=dtype)
        if dtype not in ("category", "string")
        else pd.Series(["1", "0", "1"], dtype=dtype)
    )
    assert Categories("x", ["0", "1"], RULES, True).read(values).tolist() == ["1", "0", "1"]
    assert read_numbers(values, "x", RULES).tolist() == [1, 0, 1]


def test_numbers():
    cells = pd.Series([" 3 ", "?", None, 4, True, Decimal("1.5"), "1e3", pd.NA], dtype=object)
    np.testing.assert_array_equal(read_numbers(cells, "x", RULES), [3, np.nan, np.nan, 4, 1, 1.5, 1000, np.nan])
    marks = CellRules(decimal=",", thousands=".")
    np.testing.assert_array_equal(read_numbers(pd.Series(["1.234,5", "7"]), "x", marks), [1234.5, 7])
    assert read_numbers(pd.Series([], dtype=object), "x", RULES).shape == (0,)
    for value in ("many", float("inf"), 10**400, pd.Timestamp("2020-01-01")):
        with pytest.raises(DataError, match=r"column x, row b: found .*; expected a number"):
            read_numbers(pd.Series([1, value], index=["a", "b"], dtype=object), "x", RULES)


def test_columns_are_found_whatever_spaces_are_around_their_names():
    frame = pd.DataFrame([[1, 2, 3]], columns=[" a", "b", 7])
    for name, value in (("a", 1), ("b", 2), ("7", 3)):
        column = find_column(frame, name)
        assert column is not None
        assert column.iloc[0] == value
    assert find_column(frame, "c") is None
    with pytest.raises(DataError, match="the frame has 2 columns of the name b"):
        find_column(pd.DataFrame([[1, 2]], columns=["b", "b"]), "b")
