import contextlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paretofair.data.reading.expressions import column_expression, parse_expression
from paretofair.errors import DataError


class Table:
    """Columns as lists of cells; "" is missing."""

    def __init__(self, columns: dict[str, list[str]]) -> None:
        self.columns = columns

    def texts(self, name: str) -> np.ndarray:
        return np.array(self.columns[name], dtype=object)

    def equals(self, name: str, text: str) -> np.ndarray:
        return np.array([float(cell == text) if cell else np.nan for cell in self.columns[name]])

    def numbers(self, name: str) -> np.ndarray:
        return np.array([float(cell) if cell else np.nan for cell in self.columns[name]])

    def truths(self, name: str) -> np.ndarray:
        return self.numbers(name)

    def is_numeric(self, name: str) -> bool:
        return all(not cell or cell.lstrip("-").isdigit() for cell in self.columns[name])


TABLE = Table(
    {
        "a": ["1", "2", "", "3"],
        "b": ["1", "5", "3", ""],
        "grade": ["A", "B", "C", ""],
        "flag": ["0", "1", "1", ""],
        "capital-gain": ["0", "5", "0", "1"],
        "größe": ["1", "2", "3", "4"],
    }
)


@pytest.mark.parametrize(
    ("text", "columns", "labels"),
    [
        ("a > 1", ["a"], [0, 1, -1, 1]),
        ("  a >\n 1 ", ["a"], [0, 1, -1, 1]),
        ("1 < a <= 2", ["a"], [0, 1, -1, 0]),
        ("not a > 1", ["a"], [1, 0, -1, 0]),
        ("a > 1 and b < 2", ["a", "b"], [0, 0, 0, -1]),
        ("a > 1 or b < 2", ["a", "b"], [1, 1, -1, 1]),
        ('grade == "B"', ["grade"], [0, 1, 0, -1]),
        ("'B' != grade", ["grade"], [1, 0, 1, -1]),
        ('grade in ["A", "B"]', ["grade"], [1, 1, 0, -1]),
        ('grade not in ("A",)', ["grade"], [0, 1, 1, -1]),
        ("a in [1, -3]", ["a"], [1, 0, -1, 0]),
        ("a == b", ["a", "b"], [1, 0, -1, -1]),
        ("a != grade", ["a", "grade"], [1, 1, -1, -1]),
        ("`capital-gain` > 0", ["capital-gain"], [0, 1, 0, 1]),
        ("größe >= 3 and `capital-gain` == 1", ["größe", "capital-gain"], [0, 0, 0, 1]),
        ("-a + b * 2 >= 8 / 4 - 1", ["a", "b"], [1, 1, -1, -1]),
        ("b / (a - 1) > 0", ["b", "a"], [-1, 1, -1, -1]),
        ("flag", ["flag"], [0, 1, 1, -1]),
        ("flag and a > 1", ["flag", "a"], [0, 1, -1, -1]),
        ("a > 1e300 * 1e300", ["a"], [-1, -1, -1, -1]),
    ],
)
def test_labels(text: str, columns: list[str], labels: list[int]) -> None:
    expression = parse_expression(text)
    assert list(expression.columns) == columns
    found = expression.labels(TABLE)
    assert found.dtype == np.int8
    assert found.tolist() == labels


def test_backticks_in_texts_are_left_alone() -> None:
    expression = parse_expression('`it\'s` == "x`y`"')
    assert expression.columns == ("it's",)
    assert expression.labels(Table({"it's": ["x`y`", "x"]})).tolist() == [1, 0]


def test_a_column_of_any_name() -> None:
    expression = column_expression("a > 1")
    assert expression.columns == ("a > 1",)
    assert expression.labels(Table({"a > 1": ["0", "1", ""]})).tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("text", "position", "found", "accepted"),
    [
        ("", 1, "its end", "comparisons"),
        ("a >", 4, "its end", "comparisons"),
        ("a = 1", 3, "'= 1'", "comparisons"),
        ("`a > 1", 1, "'`a > 1'", "in backticks"),
        ("x > 1 and class == 2", 11, "'class == 2'", "in backticks"),
        ("a > 1) or (b", 6, r"'\) or \(b' \(unmatched", "comparisons"),
        ("1 == 1", 1, "'1 == 1'", "at least one column"),
        ("a + b", 1, "'a \\+ b'", "a comparison, or a column of zeros and ones"),
        ("eval('1')", 1, "\"eval\\('1'\\)\"", "a comparison"),
        ("größe > f(a)", 9, "'f\\(a\\)'", "a number, a column"),
        ("a ** 2 > 1", 1, "'a \\*\\* 2'", "a number, a column"),
        ("a.b > 1", 1, "'a.b'", "a number, a column"),
        ("a[0] > 1", 1, "'a\\[0\\]'", "a number, a column"),
        ("a == True", 6, "'True'", "a number, a column"),
        ("a < 'x'", 5, "\"'x'\"", "texts are compared by ==, !=, in and not in"),
        ("a == ''", 6, "\"''\"", "a text that isn't empty"),
        ("a + 1 == 'x'", 1, "'a \\+ 1'", "a text in quotes"),
        ("a is 1", 6, "'1'", "==, !=, <"),
        ("a in b", 6, "'b'", "a list of numbers or of texts"),
        ("a in []", 6, "'\\[\\]'", "a list of numbers or of texts"),
        ("a in [1, 'x']", 7, "'1'", "a text in quotes"),
        ("a in [b]", 7, "'b'", "a number"),
        ("(a > 1) == 1", 2, "'a > 1'", "a number, a column"),
        ("[a]", 1, "'\\[a\\]'", "a comparison"),
        ("lambda: a", 1, "'lambda: a'", "a comparison"),
        ("a > 1 if b else a", 1, "'a > 1 if b else a'", "a comparison"),
        ("(a := 1) > 0", 2, "'a := 1'", "a number, a column"),
        ("f'{a}' == b", 1, "\"f'{a}'\"", "a number, a column"),
        ("a > 1e999", 5, "'1e999'", "a finite number"),
        ("a > " + "9" * 400, 5, "'9+'", "a finite number"),
        ("'\\d' == a", 1, r".*invalid escape sequence", "comparisons"),
        ("a > " + "-" * 500 + "1", 1, "parts nested 50. deep", "at most 100"),
        ("(" * 300 + "a" + ")" * 300, 201, ".*too many nested parentheses", "comparisons"),
        ("a > 1 or " * 200 + "a > 1", 1, "1805 characters", "at most 1000"),
    ],
)
def test_errors_say_where_what_and_what_is_accepted(text: str, position: int, found: str, accepted: str) -> None:
    with pytest.raises(DataError, match=rf"position {position}: found {found}.*; accepted: .*{accepted}") as caught:
        parse_expression(text)
    assert repr(text) in str(caught.value)


NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "1", "2.5", "0"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"-{part}"),
    ),
    max_leaves=4,
)
TRUTHS = st.recursive(
    st.one_of(
        st.tuples(NUMBERS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), NUMBERS).map(" ".join),
        st.sampled_from(['grade == "A"', 'grade != "B"', 'grade in ["A", "C"]', "a not in (1, 2)", "0 < a <= b"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"not ({part})"),
    ),
    max_leaves=5,
)
ROW = st.tuples(st.sampled_from(["-1", "0", "1", "2"]), st.sampled_from(["0", "1", "3"]), st.sampled_from("ABC"))


def table_of(rows: list[tuple[str, ...]]) -> Table:
    return Table(dict(zip(("a", "b", "grade"), ([*column] for column in zip(*rows, strict=True)), strict=True)))


@settings(max_examples=150)
@given(text=TRUTHS, rows=st.lists(ROW, min_size=1, max_size=5))
def test_labels_are_what_python_says(text: str, rows: list[tuple[str, ...]]) -> None:
    # Python itself is the oracle: of this test's own grammar, never of a user's text.
    expected = [int(eval(text, {"a": float(a), "b": float(b), "grade": grade})) for a, b, grade in rows]
    expression = parse_expression(f"({text}) and (a == a)")  # so that at least one column is in it
    assert expression.labels(table_of(rows)).tolist() == expected


@settings(max_examples=150)
@given(text=TRUTHS, row=ROW, missing=st.sets(st.integers(0, 2)))
def test_a_known_label_does_not_depend_on_missing_cells(text: str, row: tuple[str, ...], missing: set[int]) -> None:
    expression = parse_expression(f"({text}) and (a == a or a != a)")
    holed = tuple("" if column in missing else cell for column, cell in enumerate(row))
    (whole,), (label,) = (expression.labels(table_of([cells])).tolist() for cells in (row, holed))
    assert label in (-1, whole)


@settings(max_examples=300)
@given(text=st.text(st.sampled_from("ab1.'\"`()[]<>=!+-*/ ,\n\\änotdri:"), max_size=30))
@example("a == 1\x00")
@example("\ud800 == 1")
def test_any_text_is_an_expression_or_a_data_error(text: str) -> None:
    with contextlib.suppress(DataError):
        assert parse_expression(text).columns


def test_names_and_spaces_of_more_than_one_byte() -> None:
    expression = parse_expression("`größe` > 1\u00a0and `a\u00a0b` == 'x\u00a0y'")
    assert expression.columns == ("größe", "a\u00a0b")
    assert expression.constants == {"a\u00a0b": ("x\u00a0y",)}
    with pytest.raises(DataError, match="position"):
        parse_expression("a == 1 and \u2028~é")
