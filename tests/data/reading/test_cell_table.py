from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from paretofair.data.reading.cell_table import CellTable, RawTable, convert_table, read_raw_table
from paretofair.data.reading.cells import CellRules
from paretofair.errors import DataError

ROW = [1.0, 0.0, np.nan]


def make(rules: CellRules | None = None, texts: tuple[int, ...] = (), **columns: list[str]) -> CellTable:
    places = range(2, 2 + len(next(iter(columns.values()))))
    raw = RawTable(list(columns), list(columns.values()), places, texts=frozenset(texts))
    return CellTable(Path("t.csv"), raw, rules or CellRules())


def read(path: Path, text: str, separator: str = ",") -> CellTable:
    path.write_text(text)
    return CellTable(path, read_raw_table(path, separator, None), CellRules())


def test_one_meaning_of_missing_everywhere() -> None:
    table = make(a=["1", "0", "NULL"], b=["x", "y", ""])
    np.testing.assert_array_equal(table.numbers("a"), ROW)
    np.testing.assert_array_equal(table.truths("a"), ROW)
    np.testing.assert_array_equal(table.equals("a", "1"), ROW)
    np.testing.assert_array_equal(table.equals("b", "x"), ROW)
    assert table.texts("a").tolist() == ["1", "0", ""]
    assert table.values("b") == ["x", "y"]
    assert table.notes == ("1 cell of a is 'NULL' and counts as missing.",)


def test_equal_numbers_are_one_value() -> None:
    table = make(a=["1", "1.0", "01", "10", "2", ""])
    assert table.texts("a").tolist() == ["1", "1", "1", "10", "2", ""]
    assert table.values("a") == ["1", "2", "10"]
    assert table.equals("a", "1.00")[:5].tolist() == [1, 1, 1, 0, 0]
    assert table.notes == ("Equal numbers in a are one value: '1.0' as '1', '01' as '1'.",)
    alone = make(a=["2.00", "1.50", "00501"])
    assert alone.values("a") == ["1.50", "2.00", "00501"]
    assert alone.notes == ()
    texts = make(a=["1", "1.0", "x"])
    assert texts.values("a") == ["1", "1.0", "x"]
    assert texts.equals("a", "1").tolist() == [1, 0, 0]


def test_texts_by_the_types_of_a_file() -> None:
    table = make(texts=(0,), a=["01", "1", "10", "9"])
    assert not table.is_numeric("a")
    assert table.values("a") == ["01", "1", "9", "10"]
    assert table.find_odd_cell("a") is None
    assert table.numbers("a").tolist() == [1, 1, 10, 9]


def test_truths_in_words() -> None:
    np.testing.assert_array_equal(make(a=["Yes", "no", "?"]).truths("a"), ROW)
    with pytest.raises(DataError, match=r"t\.csv: line 3, column 'a': found 'maybe'; accepted by itself as a label"):
        make(a=["yes", "maybe"]).truths("a")


def test_numbers_say_what_to_do() -> None:
    with pytest.raises(
        DataError, match=r"line 3, column 'a': expected a number, found '1,000', a number with thousands"
    ):
        make(a=["1", "1,000"]).numbers("a")
    with pytest.raises(DataError, match=r"found 'True'; a truth is no number: compare it as a text, as in == 'True'"):
        make(a=["1", "True"]).numbers("a")
    with pytest.raises(DataError, match=r"found 'unknown'; if it stands for a missing value, write missing: \{add:"):
        make(a=["1", "unknown"]).numbers("a")
    assert make(CellRules(thousands=","), a=["1", "1,000"]).numbers("a").tolist() == [1, 1000]


@pytest.mark.parametrize(
    ("cells", "odd"),
    [
        (["1"] * 9 + ["x"], "x"),
        (["1"] * 8 + ["x", "y"], None),
        (["1,5", "2,5"], "1,5"),
        (["2013-01-01", "2013-01-02"], "2013-01-01"),
        (["35,446", "950", "1"], "35,446"),
        (["5%", "6%"], "5%"),
        (["1"] * 9 + ["NULL"], None),
        (["a", "b"], None),
        ([""], None),
    ],
)
def test_odd_cells(cells: list[str], odd: str | None) -> None:
    assert make(a=cells).find_odd_cell("a") == odd


def test_a_text_that_counts_as_missing_is_no_value() -> None:
    with pytest.raises(
        DataError, match=r"'NA' counts as a missing value; where it is a value, write missing: \{remove:"
    ):
        make(a=["NA", "x"]).equals("a", "NA")
    assert make(CellRules(frozenset()), a=["NA", "x"]).equals("a", "NA").tolist() == [1, 0]


def test_repeated_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table = read(path, "a,b,a,,b,\n1,x,1,5,y,6\n2,y,2,5,z,6\n")
    assert table.header == ["a", "b"]
    table.require("a", "it")
    assert table.notes == ("The 2 columns of the name a are equal and count once.",)
    with pytest.raises(DataError, match=r"has 2 columns of the name 'b' \(columns 2, 5\) with different cells: rename"):
        table.require("b", "it")
    with pytest.raises(DataError, match=r"has no column 'c', named by it; known: a, b$"):
        table.require("c", "it")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b;c\n1,5;2;3\n", "the header has 2 ';' and no ','; write separator: ';'"),
        ("a\tb\n1\t2\n", r'the header has 1 "\\t" and no'),
        ("39,x\n40,y\n41,x\n", "the first line \\('39', 'x'\\) looks like the rows below it; a file needs a header"),
        ("3,5\n1,2\n", "the first line"),
        ("a,b\n1,2\na,b\n", "line 3 repeats the header"),
        ("a;b,c;d\n1;2,3;4\n", "';' stands in these names: is it the separator"),
        (",\n1,2\n", "no column has a name"),
    ],
)
def test_headers_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "t.csv", text).require("d", "it")


def test_headers_of_numbers(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "0,1,2\n5,6,7\n").header == ["0", "1", "2"]
    table = read(tmp_path / "t.csv", "39,Ann\n40,Bob\n")
    with pytest.raises(DataError, match=r"the first line may be a row \('39' is a number\): a file needs a header"):
        table.require("age", "it")


def test_a_row_that_looks_like_numbered_columns_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("0,1,2\n5,6,7\n0,1,2\n")
    table = read_raw_table(tmp_path / "t.csv", ",", None)
    assert [list(column) for column in table.columns] == [["5", "0"], ["6", "1"], ["7", "2"]]


def test_typed_tables_keep_their_values() -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 2**60], dtype="Int64"),
            "real": [1.0, 0.5, np.nan],
            "truth": [True, False, True],
            "code": ["00501", "1", None],
            "kind": pd.Categorical([3, 4, 3]),
            "day": pd.to_datetime(["2013-01-31", None, "2013-02-01"]),
        },
        index=[7, 8, 9],
    )
    raw = convert_table(pa.Table.from_pandas(frame))
    table = CellTable(Path("t.parquet"), raw, CellRules(decimal=",", thousands="."))
    assert table.header == list(frame.columns)
    assert table.place(1) == "row 2"
    assert table.texts("whole").tolist() == ["1", "", str(2**60)]
    np.testing.assert_array_equal(table.numbers("real"), frame["real"])
    assert table.truths("truth").tolist() == [1, 0, 1]
    assert table.texts("code").tolist() == ["00501", "1", ""]
    assert table.values("kind") == ["3", "4"]
    assert [name for name in table.header if table.is_numeric(name)] == ["whole", "real"]
    assert table.find_odd_cell("day") == "2013-01-31 00:00:00"
