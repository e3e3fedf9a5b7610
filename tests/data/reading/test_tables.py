from pathlib import Path

import pytest

from paretofair.data import read_table
from paretofair.data.reading.tables import drop_columns, read_header
from paretofair.errors import DataError


@pytest.fixture
def write(tmp_path: Path):
    def _write(content: str | bytes) -> Path:
        path = tmp_path / "loans.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def test_reads_the_named_columns_in_the_order_asked(write) -> None:
    table = read_table(write("a,b,c\n1,x,2.5\n-1e3, y z ,.1\n"), numeric=["c", "a"], text=["b"])
    assert list(table.columns) == ["c", "a", "b"]
    assert table["c"].tolist() == [2.5, 0.1]
    assert table["a"].tolist() == [1.0, -1000.0]
    assert table["b"].tolist() == ["x", "y z"]
    assert table.index.tolist() == [2, 3]


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n\n2,y\n\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\n1,x\n2,y",
        "\ufeffa, b\n1, x\n2, y\n",
        'a,b\n1,"x"\n"2",y\n',
    ],
)
def test_line_ends_empty_lines_quotes_and_byte_order_marks(write, content: str) -> None:
    table = read_table(write(content), numeric=["a"], text=["b"])
    assert table["a"].tolist() == [1.0, 2.0]
    assert table["b"].tolist() == ["x", "y"]


def test_without_header_and_with_another_separator(write) -> None:
    table = read_table(write("1 x\n2 y\n"), numeric=["a"], text=["b"], separator=" ", header=("a", "b"))
    assert table["a"].tolist() == [1.0, 2.0]
    assert table.index.tolist() == [1, 2]


def test_spaces_at_the_end_of_lines_of_a_table_with_spaces(write) -> None:
    table = read_table(write("1 x \n2 y\n"), numeric=["a"], text=["b"], separator=" ", header=("a", "b"))
    assert table["b"].tolist() == ["x", "y"]


def test_skipped_lines_are_counted(write) -> None:
    path = write("|no table\na\n1\nx\n")
    with pytest.raises(DataError, match="line 4, column 'a': expected a number, found 'x'"):
        read_table(path, numeric=["a"], skip_lines=1)
    assert read_table(path, text=["a"], header=("a",), skip_lines=2).index.tolist() == [3, 4]


def test_missing_numbers_are_nan(write) -> None:
    table = read_table(write("a,b\n1,?\n,?\n"), numeric=["a"], text=["b"], missing=("", "?"))
    assert table["a"].iloc[0] == 1
    assert table["a"].isna().tolist() == [False, True]
    assert table["b"].tolist() == ["?", "?"]


def test_header(write) -> None:
    assert read_header(write("\ufeffa; b;a\n1;2;3\n"), ";") == ["a", "b", "a"]
    with pytest.raises(DataError, match="is empty"):
        read_header(write(""))


def test_dropping_columns_leaves_the_rest(write) -> None:
    path = write('a,name,b,a\n1,x,"p, ""q""",2\n3,y,,4\n')
    drop_columns(path, ("name",))
    assert path.read_bytes() == b'a,b,a\n1,"p, ""q""",2\n3,,4\n'


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv", numeric=["a"])
    with pytest.raises(DataError, match="can't be read"):
        read_table(tmp_path, numeric=["a"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("age,income\n", "has no rows"),
        ("aeg,income\n1,2\n", "has no column 'age'; did you mean 'aeg'"),
        ("Age,income\n1,2\n", "has no column 'age'; did you mean 'Age'"),
        ("x,income\n1,2\n", "has no column 'age'; known: x, income"),
        ("age,income,age\n1,2,3\n", "has 2 columns of the name 'age'"),
        ("age,income\n1,2\n3\n", "line 3: 1 fields, expected 2"),
        ("age,income\n1,2\n\n3,4,5\n", "line 4: 3 fields, expected 2"),
        ("age,income\n1,2\nold,4\n", "line 3, column 'age': expected a number, found 'old'"),
        ("age,income\n1,\n", "line 2, column 'income': expected a number, found an empty cell"),
        ("age,income\nnan,2\n", "found 'nan'"),
        ("age,income\n1,inf\n", "found 'inf'"),
        ("age,income\n1,1_000\n", "found '1_000'"),
        ('age,income\n"1\n",2\nx,2\n', "line 4, column 'age'"),
        ('age,income\n1,2\n3,"4\n', "line 3: unexpected end of data"),
        (b"age,income\n1,\xff\n", "is not UTF-8 text"),
    ],
)
def test_malformed_tables_name_file_line_and_column(write, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_table(write(content), numeric=["age", "income"])
    assert "loans.csv" in str(caught.value)
