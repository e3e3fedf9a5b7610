from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from paretofair.data import CsvSchema, FittedColumns, InputColumns, Sensitive, split
from paretofair.data.reading.csv_file import read_csv_dataset
from paretofair.data.sets.lsac import LSAC
from paretofair.errors import DataError
from tests.data.reading.loans import NO_ID, SCHEMA, Write, change_schema, loans, with_cell


def test_reading(write: Write) -> None:
    data = read_csv_dataset(SCHEMA, write(loans()))
    assert (data.name, data.source, data.tasks) == ("loans", "real", ("repaid", "large"))
    assert data.inputs.numeric_names == ("age",)
    assert data.inputs.categorical_names == ("gender", "grade", "part")
    assert data.group_names == {"sex": ("f", "m"), "age": ("up_to_25", "25_to_60", "over_60")}
    np.testing.assert_array_equal(data.groups["sex"], np.arange(60) % 2)
    assert np.bincount(data.groups["age"]).tolist() == [6, 35, 19]
    assert data.labels[:, 0].tolist() == [int(row["repaid"]) for row in loans()]
    assert data.labels[:, 1].tolist() == [int(int(row["amount"]) > 2000) for row in loans()]
    assert data.is_test.sum() == 18
    assert list(data.checksums) == ["loans.csv"]
    assert split(data, test_seed=1).validation is not None


def test_another_separator_and_name(write: Write) -> None:
    same = read_csv_dataset(change_schema(separator=";"), write(loans(), ";"))
    assert same.data_id == read_csv_dataset(SCHEMA, write(loans())).data_id
    assert read_csv_dataset(SCHEMA, write(loans()), name="mine").name == "mine"


def test_the_id_follows_from_the_contents(write: Write) -> None:
    ids = {
        read_csv_dataset(schema, write(rows)).data_id
        for schema, rows in (
            (SCHEMA, loans()),
            (SCHEMA, with_cell(0, "grade", "D")),
            (change_schema(test_seed=1), loans()),
            (change_schema(tasks={"repaid": "repaid"}), loans()),
        )
    }
    assert len(ids) == 4
    # What is not read changes nothing.
    assert read_csv_dataset(SCHEMA, write(with_cell(0, "id", "other"))).data_id in ids


def join_banks(first: str = "south", second: str = "north") -> list[dict[str, str]]:
    """40 rows of one bank, where only `repaid` is known, and 20 of another, where only `amount` is."""
    own = [{"repaid": "", "bank": second} if row % 3 == 2 else {"amount": "", "bank": first} for row in range(60)]
    return [row | change for row, change in zip(loans(), own, strict=True)]


def test_joined_data_sets(write: Write) -> None:
    data = read_csv_dataset(change_schema(origin="bank"), write(join_banks()))
    assert data.origin_names == ("north", "south")
    np.testing.assert_array_equal(data.origins, np.arange(60) % 3 != 2)
    np.testing.assert_array_equal(data.labels < 0, np.stack([data.origins == 0, data.origins == 1], axis=1))
    assert "bank" not in data.inputs.categorical_names
    splits = split(data, validation=0.25)
    assert splits.dataset.origin_names == ("north", "south")
    for part, rows in ((splits.train, 31), (splits.validation, 11), (splits.test, 18)):
        assert part is not None
        assert len(part.origins) == rows
        np.testing.assert_array_equal(part.labels < 0, np.stack([part.origins == 0, part.origins == 1], axis=1))
        assert set(part.origins) == {0, 1}
    plain = read_csv_dataset(change_schema(inputs={"exclude": ["id", "bank"]}), write(join_banks()))
    assert plain.origins is None
    assert plain.data_id != data.data_id
    assert read_csv_dataset(change_schema(origin="bank"), write(join_banks("east"))).data_id != data.data_id


def test_origins_may_be_numbers(write: Write) -> None:
    data = read_csv_dataset(change_schema(origin="bank"), write(join_banks("10", "9")))
    assert data.origin_names == ("9", "10")
    assert data.inputs.numeric_names == ("age",)


def test_every_row_needs_an_origin(write: Write) -> None:
    rows = join_banks()
    rows[4]["bank"] = "?"
    with pytest.raises(DataError, match=r"loans\.csv: line 6, column 'bank': origin is missing"):
        read_csv_dataset(change_schema(origin="bank"), write(rows))


def test_groups_named_by_value(write: Write) -> None:
    sensitive = {"grade": {"column": "grade", "groups": {"C": "low", "B": "low", "A": "high"}}}
    data = read_csv_dataset(change_schema(sensitive=sensitive), write(loans()))
    assert data.group_names == {"grade": ("low", "high")}
    some = {"grade": {"column": "grade", "groups": {"A": "A", "B": "B"}}}
    members = read_csv_dataset(change_schema(sensitive=some), write(loans())).groups["grade"]
    assert ((members == -1) == [row["grade"] == "C" for row in loans()]).all()


def test_groups_of_numbers_are_in_their_order(write: Write) -> None:
    rows = [row | {"gender": str(number % 3 * 5)} for number, row in enumerate(loans())]
    assert read_csv_dataset(SCHEMA, write(rows)).group_names["sex"] == ("0", "5", "10")


def test_a_bin_without_rows_is_no_group(write: Write) -> None:
    schema = change_schema(sensitive={"age": {"column": "age", "bins": [10, 25, 90]}})
    data = read_csv_dataset(schema, write(loans()))
    assert data.group_names["age"] == ("10_to_25", "25_to_90")
    assert set(data.groups["age"]) == {0, 1}


def test_sensitive_columns_can_be_left_out(write: Write) -> None:
    data = read_csv_dataset(change_schema(inputs=NO_ID | {"sensitive": False}), write(loans()))
    assert (data.inputs.numeric_names, data.inputs.categorical_names) == ((), ("grade", "part"))


def test_lists_of_inputs_are_exact(write: Write) -> None:
    rows = [row | {"zip": str(number % 5)} for number, row in enumerate(loans())]
    data = read_csv_dataset(change_schema(inputs=NO_ID | {"categorical": ["zip", "grade"]}), write(rows))
    assert (data.inputs.numeric_names, data.inputs.categorical_names) == (("age",), ("zip", "grade"))
    data = read_csv_dataset(change_schema(inputs=NO_ID | {"numeric": ["zip"], "categorical": []}), write(rows))
    assert (data.inputs.numeric_names, data.inputs.categorical_names) == (("zip",), ())


def test_a_column_without_a_name_is_no_input(write: Write) -> None:
    rows = [{"": str(number)} | row for number, row in enumerate(loans())]
    assert read_csv_dataset(SCHEMA, write(rows)).inputs.numeric_names == ("age",)


@pytest.mark.parametrize("cell", ["", "?", "NA", "NaN"])
def test_missing_cells(write: Write, cell: str) -> None:
    rows = loans()
    for row, column in enumerate(("gender", "age", "amount", "grade", "repaid")):
        rows[row][column] = cell
    data = read_csv_dataset(SCHEMA, write(rows))
    assert data.groups["sex"][0] == data.groups["age"][1] == data.labels[2, 1] == data.labels[4, 0] == -1
    assert data.inputs.categorical[0, 0] == data.inputs.categorical[3, 1] == "missing"
    assert data.inputs.numeric_names == ("age", "age_missing")
    ages = data.inputs.numeric[~data.is_test & (np.arange(60) != 1), 0]
    assert data.inputs.numeric[1].tolist() == [np.median(ages), 1]


@pytest.mark.parametrize(
    ("kind", "column", "message"),
    [
        ("labels", "amount", r"line 7, task 'large' \(amount > 2000\) has no label"),
        ("groups", "gender", "line 7, column 'gender': no known group of 'sex'"),
        ("inputs", "age", "line 7, column 'age': input is missing"),
        ("inputs", "grade", "line 7, column 'grade': input is missing"),
    ],
)
def test_missing_cells_as_errors(write: Write, kind: str, column: str, message: str) -> None:
    schema = change_schema(missing={kind: "error"})
    read_csv_dataset(schema, write(loans()))
    with pytest.raises(DataError, match=rf"loans\.csv: {message}"):
        read_csv_dataset(schema, write(with_cell(5, column, "?")))


def test_a_category_unseen_in_training_has_code_0(write: Write) -> None:
    data = read_csv_dataset(change_schema(split="part"), write(with_cell(3, "grade", "Z")))
    splits = split(data)
    fitted = splits.inputs
    assert isinstance(fitted, FittedColumns)
    # The block of the second categorical input, whose first column is code 0.
    examples = fitted.encode(splits.test.rows)
    start = 1 + fitted.categories[0]
    np.testing.assert_array_equal(examples[:, start], np.arange(len(examples)) == 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": {"x": "amout > 3"}}, "has no column 'amout', named by task 'x' .*; did you mean 'amount'"),
        ({"tasks": {"x": "repaid-x > 0"}}, "has no column 'x', .*isn't a plain word goes in backticks"),
        ({"tasks": {"x": "grade > 3"}}, r"line 2, column 'grade': expected a number, found '[ABC]'"),
        ({"tasks": {"x": "amount"}}, r"line 2, column 'amount': found '\d+'; accepted by itself as a label: 0, 1"),
        ({"tasks": {"x": "amount > -3"}}, r"task 'x' \(amount > -3\): every known label is 1; both 0 and 1"),
        ({"tasks": {"x": "amount / 0 > 1"}}, "task 'x' .*: no label is known"),
        ({"sensitive": {"s": "sex"}}, "has no column 'sex', named by sensitive attribute 's'"),
        ({"sensitive": {"s": "amount"}}, r"'amount' has \d+ values; accepted: 2 to 20 groups; give bins"),
        ({"sensitive": {"s": {"column": "age", "bins": [99]}}}, r"groups are \['up_to_99'\]; at least two"),
        ({"sensitive": {"s": {"column": "grade", "bins": [1]}}}, "line 2, column 'grade': expected a number"),
        (
            {"sensitive": {"s": {"column": "grade", "groups": {"A": "x", "Bb": "y"}}}},
            "no cell of column 'grade' is 'Bb'; did you mean 'B'",
        ),
        (
            {"sensitive": {"s": {"column": "grade", "groups": {"A": "x", "B": "x"}}}},
            r"groups are \['x'\]; at least two",
        ),
        (
            {"inputs": {}},
            r"column 'id' has 60 different values in 60 rows \(accepted: 50\): .* identifier: exclude it",
        ),
        ({"inputs": {"exclude": ["idd"]}}, "has no column 'idd', named by excluded inputs; did you mean 'id'"),
        ({"inputs": {"numeric": ["agee"]}}, "has no column 'agee', named by inputs; did you mean 'age'"),
        ({"inputs": {"numeric": ["amount"]}}, "'amount' can't be an input: it makes the labels of 'amount > 2000'"),
        ({"inputs": NO_ID | {"categorical": ["id"]}}, "'id' can't be an input: it is excluded"),
        ({"inputs": {"numeric": ["age"], "sensitive": False}}, "'age' can't be an input: it is sensitive"),
        ({"inputs": {"categorical": ["part"]}, "split": "part"}, "'part' can't be an input: it says which part"),
        ({"inputs": {"numeric": ["age"], "categorical": ["age"]}}, "'age' is named twice among the inputs"),
        ({"inputs": NO_ID | {"numeric": ["grade"]}}, "line 2, column 'grade': expected a number"),
        ({"inputs": {"numeric": [], "categorical": []}}, "no inputs are left"),
        ({"inputs": {"categorical": ["part"]}, "origin": "part"}, "'part' can't be an input: it says which data set"),
        ({"origin": "parts"}, "has no column 'parts', named by origin; did you mean 'part'"),
        ({"origin": "age"}, "origin: column 'age' has 60 different values; accepted: 2 to 20 joined data sets"),
        ({"split": "parts"}, "has no column 'parts', named by split; did you mean 'part'"),
        (
            {"split": "grade"},
            "line 2, column 'grade': found '[ABC]'; accepted: train, validation, val, valid",
        ),
        ({"test": 0.001}, "of 60 rows are 60 train, 0 validation, 0 test; training and test rows must occur"),
        ({"path": "none.csv"}, r"none\.csv: no such file"),
    ],
)
def test_wrong_schemas_and_tables(write: Write, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_csv_dataset(change_schema(**changes), write(loans()))
    assert ".csv: " in str(caught.value)


@pytest.mark.parametrize(
    ("row", "column", "cell", "message"),
    [
        (8, "amount", "much", "line 10, column 'amount': expected a number, found 'much'"),
        (8, "repaid", "2", "line 10, column 'repaid': found '2'; accepted by itself as a label: 0, 1"),
        (8, "age", "1_0", "line 10, column 'age': expected a number, found '1_0'"),
    ],
)
def test_wrong_cells(write: Write, row: int, column: str, cell: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"loans\.csv: {message}"):
        read_csv_dataset(SCHEMA, write(with_cell(row, column, cell)))


def test_too_few_rows(write: Write) -> None:
    with pytest.raises(DataError, match="has 29 rows; at least 30 are needed"):
        read_csv_dataset(SCHEMA, write(loans(29)))
    read_csv_dataset(SCHEMA, write(loans(48)))


@pytest.mark.real_data
def test_lsac_as_a_file_of_ones_own(real_lsac_folder: Path) -> None:
    """The 12-column training file through a schema has the labels, groups and inputs of the registry's data set."""
    schema = CsvSchema(
        path="lsac_arl_train.csv",
        tasks={"high_grade": "zfygpa > 0", "pass_bar": "pass_bar == 1"},
        sensitive={
            "sex": Sensitive(column="sex"),
            "race": Sensitive(column="race", groups={r: r for r in ("White", "Black", "Other")}),
        },
        inputs=InputColumns(categorical=("isPartTime", "race", "sex")),
    )
    mine, known = read_csv_dataset(schema, real_lsac_folder), LSAC.read(real_lsac_folder)
    rows = len(mine.labels)
    assert rows == 18585
    np.testing.assert_array_equal(mine.labels, known.labels[:rows])
    assert mine.group_names == known.group_names
    for attribute in known.groups:
        np.testing.assert_array_equal(mine.groups[attribute], known.groups[attribute][:rows])
    assert set(mine.inputs.numeric_names) == set(known.inputs.numeric_names)
    own, theirs = mine.inputs, known.inputs
    for column, name in enumerate(theirs.numeric_names):
        np.testing.assert_array_equal(own.numeric[:, own.numeric_names.index(name)], theirs.numeric[:rows, column])
