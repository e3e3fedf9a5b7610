"""Files that were read otherwise than their owners meant them: silently, or with the wrong advice."""

from __future__ import annotations

import copy
import gzip
import itertools
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from paretofair.cli.sweep import main as sweep
from paretofair.data import CsvSchema, Dataset, read_csv_dataset
from paretofair.errors import DataError

ROWS = 300
SPACE: dict[str, Any] = {
    "name": "reading",
    "network": {"shared": [4], "head": [4], "embedding": 2},
    "training": {"batch_size": 64},
    "parameters": {"learning_rate": 0.1, "epochs": 1, "task_weight": "simplex"},
    "methods": {"vanilla": None},
    "seeds": [0],
    "stages": {"baselines": {"runs": 2, "parameters": {"learning_rate": 0.1}}, "sweep": {"trials": 2}},
}
GIVEN: dict[str, Any] = {"path": "data.csv", "tasks": {"repaid": "repaid"}, "sensitive": {"sex": "sex"}, "test": 0.3}
Columns = dict[str, Sequence[str]]
Read = Callable[..., Dataset]


def loans() -> dict[str, list[str]]:
    random = np.random.default_rng(0)
    return {
        "sex": random.choice(["f", "m"], ROWS).tolist(),
        "age": [str(age) for age in random.integers(20, 90, ROWS)],
        "income": [f"{income}.0" for income in random.integers(9_000, 70_000, ROWS)],
        "purpose": random.choice(["car", "house", "study"], ROWS).tolist(),
        "repaid": random.choice(["0", "1"], ROWS).tolist(),
    }


def write_text(columns: Columns, separator: str = ",") -> str:
    lines = [separator.join(columns), *(separator.join(cells) for cells in zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def _read(content: Columns | str | bytes, **changes: object) -> Dataset:
        if not isinstance(content, str | bytes):
            content = write_text(content, str(changes.get("separator", ",")))
        (tmp_path / "data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv_dataset(CsvSchema.model_validate(GIVEN | changes), tmp_path)

    return _read


def dry_run(folder: Path, csv: dict[str, Any]) -> int:
    space = copy.deepcopy(SPACE) | {"data": {"csv": csv, "sensitive": next(iter(csv["sensitive"]))}}
    (folder / "space.yaml").write_text(yaml.safe_dump(space, sort_keys=False), encoding="utf-8")
    return sweep(["--space", str(folder / "space.yaml"), "--dry-run", "--output", str(folder / "out")])


def put(cells: list[str], place: slice | int, cell: str) -> list[str]:
    """The cells with others in some places."""
    changed = list(cells)
    for row in range(ROWS)[place] if isinstance(place, slice) else [place]:
        changed[row] = cell
    return changed


# Words for missing values.


def test_null_words_are_missing_and_said(read, tmp_path, capsys):
    columns = loans()
    status = ["paid" if cell == "1" else "late" for cell in columns.pop("repaid")]
    columns |= {"status": put(status, slice(30), "NULL"), "sex": put(columns["sex"], slice(20), "None")}
    data = read(columns, tasks={"repaid": "status == 'paid'"})
    assert data.group_names["sex"] == ("f", "m")
    assert (data.groups["sex"] == -1).tolist() == [row < 20 for row in range(ROWS)]
    assert (data.labels[:, 0] == -1).tolist() == [row < 30 for row in range(ROWS)]
    said = ("30 cells of status are 'NULL' and count as missing.", "20 cells of sex are 'None' and count as missing.")
    assert data.notes == said
    assert dry_run(tmp_path, GIVEN | {"tasks": {"repaid": "status == 'paid'"}}) == 0
    printed = capsys.readouterr().out
    assert all(words in printed for words in said)


@pytest.mark.parametrize("word", ["NULL", "null", "None", "N/A", "n/a", "#N/A", "<NA>", "NaN", "-nan", ".", "?", "NA"])
@pytest.mark.parametrize(
    "label",
    ["status == 'paid'", "status != 'late'", "status in ['paid', 'other']", "status not in ['late']", "amount > 5"],
)
def test_every_word_in_every_label(read, word, label):
    columns = loans()
    repaid = columns.pop("repaid")
    columns |= {"status": put(["paid" if cell == "1" else "late" for cell in repaid], 7, word)}
    columns |= {"amount": put([str(3 + 5 * int(cell)) for cell in repaid], 7, word)}
    labels = read(columns, tasks={"x": label}, inputs={"exclude": ["status", "amount"]}).labels[:, 0]
    assert labels[7] == -1
    assert np.delete(labels, 7).tolist() == [int(cell) for row, cell in enumerate(repaid) if row != 7]


@pytest.mark.parametrize("word", ["NULL", "n/a", ".", "-nan"])
def test_every_word_in_groups_bins_inputs_and_roles(read, word):
    columns = loans()
    for name in columns:
        columns[name] = put(columns[name], 3, word)
    data = read(columns, sensitive={"sex": "sex", "age": {"column": "age", "bins": [40]}})
    assert data.groups["sex"][3] == data.groups["age"][3] == data.labels[3, 0] == -1
    assert data.inputs.numeric_names == ("age", "income", "age_missing", "income_missing")
    assert data.inputs.categorical[3].tolist() == ["missing", "missing"]
    parts = put(["train", "test"] * (ROWS // 2), 5, word)
    for role, accepted in (
        ("split", "found a missing value"),
        ("origin", "origin is missing"),
        ("keep_together", "found a missing value"),
    ):
        with pytest.raises(DataError, match=rf"line 7, column 'part': {accepted}"):
            read(loans() | {"part": parts}, **{role: "part"})
    with pytest.raises(DataError, match="line 7, column 'weight': found a missing value"):
        read(loans() | {"weight": put(["1"] * ROWS, 5, word)}, weights="weight")


def test_words_are_added_and_taken_away(read):
    columns = loans()
    countries = np.array(["NA", "ZA", "-9"], dtype=object)[np.arange(ROWS) % 3].tolist()
    given = {"sensitive": {"country": "country"}}
    assert read(columns | {"country": countries}, **given).group_names["country"] == ("-9", "ZA")
    missing = {"add": [-9, "unknown"], "remove": ["NA"]}
    data = read(columns | {"country": countries}, missing=missing, **given)
    assert data.group_names["country"] == ("NA", "ZA")
    assert data.notes == ("100 cells of country are '-9' and count as missing.",)
    ages = read(columns | {"age": put(columns["age"], 0, "-9.0")}, missing=missing).inputs
    assert ages.numeric_names[-1] == "age_missing"
    words = read(columns | {"country": countries}, missing={"words": ["ZA"]}, **given)
    assert words.group_names["country"] == ("-9", "NA")


def test_a_word_that_counts_as_missing_is_compared_with(read):
    columns = loans() | {"status": np.array(["None", "paid", "late"], dtype=object)[np.arange(ROWS) % 3].tolist()}
    for changes in (
        {"tasks": {"x": "status == 'None'"}},
        {"sensitive": {"status": {"column": "status", "groups": {"None": "none", "paid": "paid"}}}},
        {"tasks": {"x": {"column": "status", "kind": "multiclass", "classes": ["None", "paid", "late"]}}},
    ):
        with pytest.raises(
            DataError, match=r"column 'status': 'None' counts as a missing value; .* missing: \{remove:"
        ):
            read(columns, **changes)
        read(columns, missing={"remove": ["None"]}, **changes)


# Columns of numbers but for a few cells.


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("inf", "which is not finite"),
        ("unknown", r"if it stands for a missing value, write missing: \{add: \['unknown'\]\}"),
        ("35,446", "thousands separators"),
        ("12,5", "a decimal comma; write decimal: ','"),
        ("5%", "a percentage"),
        ("$5", "an amount of money"),
        ("2013-01-31", "a date"),
    ],
)
@pytest.mark.parametrize("every", [False, True])
def test_odd_cells_are_errors(read, cell, words, every):
    if every and cell in ("unknown", "inf"):
        return
    ages = [cell] * ROWS if every else put(loans()["age"], 17, cell)
    quoted = [f'"{age}"' for age in ages]
    line = 2 if every else 19
    with pytest.raises(
        DataError,
        match=rf"data\.csv: line {line}, column 'age': found '.*'.*{words}.*or name this column in inputs.exclude$",
    ):
        read(loans() | {"age": quoted})
    if not every:
        listed = {"categorical": ["purpose", "age"], "numeric": ["income"]}
        with pytest.raises(DataError, match="looks like an identifier"):
            read(loans() | {"age": quoted}, inputs=listed)
        with pytest.raises(DataError, match=f"line {line}, column 'age': expected a number, found"):
            read(loans() | {"age": quoted}, inputs={"numeric": ["age", "income"]})


def test_all_columns_with_odd_cells_are_named(read):
    columns = loans() | {name: ["2013-01-31"] * ROWS for name in ("born", "paid")}
    with pytest.raises(DataError, match=r"column 'born': found '2013-01-31', a date .* \(the same of 'paid'\)$"):
        read(columns)
    names = {name: [f"k{row}" for row in range(ROWS)] for name in ("name", "id")}
    with pytest.raises(DataError, match=r"column 'name' has 300 .* exclude it \(the same of 'id'\)$"):
        read(loans() | names)


def test_odd_cells_where_the_column_is_no_input(read):
    columns = loans() | {"age": put(loans()["age"], 17, "old")}
    assert "age" not in read(columns, inputs={"exclude": ["age"]}).inputs.numeric_names
    codes = put(["1", "2"] * (ROWS // 2), 5, "other")
    data = read(loans() | {"race": codes}, sensitive={"race": "race"})
    assert data.group_names["race"] == ("1", "2", "other")
    assert "race" in data.inputs.categorical_names


def test_many_numbers_that_are_listed_as_categories(read):
    with pytest.raises(
        DataError, match=r"column 'income' has \d+ different values .* its cells are numbers: list it in"
    ):
        read(loans(), inputs={"categorical": ["income"]})
    with pytest.raises(DataError, match="it looks like an identifier: exclude it"):
        read(loans() | {"id": [f"k{row}" for row in range(ROWS)]})


def test_marks_of_other_countries(read):
    plain = read(loans() | {"income": [str(1000 + row / 2) for row in range(ROWS)]})
    other = [f"{1000 + row / 2:,.1f}".translate(str.maketrans(",.", ".,")) for row in range(ROWS)]
    data = read(loans() | {"income": other}, separator=";", decimal=",", thousands=".")
    np.testing.assert_array_equal(data.inputs.numeric, plain.inputs.numeric)
    assert data.data_id == plain.data_id


# Headers.


def test_columns_that_nobody_uses_may_repeat_a_name(read, tmp_path, capsys):
    plain = read(loans())
    lines = write_text(loans()).splitlines()
    assert read("\n".join(f"{line},," for line in lines)).data_id == plain.data_id
    twice = write_text(loans()).replace("age,income", "age,age", 1)
    with pytest.raises(
        DataError, match=r"has 2 columns of the name 'age' \(columns 2, 3\) with different cells: rename"
    ):
        read(twice)
    for inputs in ({"exclude": ["age"]}, {"numeric": [], "categorical": ["purpose"]}):
        assert "age" not in read(twice, inputs=inputs).inputs.numeric_names
    assert dry_run(tmp_path, GIVEN | {"inputs": {"exclude": ["age"]}}) == 0
    again = "\n".join(f"{line},{line.split(',')[1]}" for line in lines)
    data = read(again)
    assert data.data_id == plain.data_id
    assert data.notes == ("The 2 columns of the name age are equal and count once.",)


def test_a_file_without_a_header(read):
    rows = write_text(loans()).split("\n", 1)[1]
    with pytest.raises(DataError, match=r"looks like the rows below it; a file needs a header"):
        read(rows)
    with pytest.raises(DataError, match="the first line may be a row"):
        read("x9,50,7.5,car,0\n" + rows.replace(",car,", ",van,"))


# Bins, groups and labels.


def test_bins_of_long_numbers(read, tmp_path, capsys):
    days = np.random.default_rng(1).integers(20130099, 20130120, ROWS)
    data = read(
        loans() | {"day": [str(day) for day in days]},
        sensitive={"cohort": {"column": "day", "bins": [20130101, 20130108, 20130115]}},
    )
    names = ("up_to_20130101", "20130101_to_20130108", "20130108_to_20130115", "over_20130115")
    assert data.group_names["cohort"] == names
    edges = [0, 20130101, 20130108, 20130115, 99999999]
    counts = [((days > low) & (days <= high)).sum() for low, high in itertools.pairwise(edges)]
    assert np.bincount(data.groups["cohort"]).tolist() == counts
    bins = list(range(1, 200))
    assert dry_run(tmp_path, GIVEN | {"sensitive": {"cohort": {"column": "day", "bins": bins}}}) == 2
    assert "found 199 numbers; accepted: up to 19, which make 20 groups" in capsys.readouterr().err


def test_equal_numbers_are_one_group(read):
    ones = np.array(["1", "1.0", "2", "02"], dtype=object)[np.arange(ROWS) % 4].tolist()
    data = read(loans() | {"race": ones}, sensitive={"race": "race"})
    assert data.group_names["race"] == ("1", "2")
    assert np.bincount(data.groups["race"]).tolist() == [150, 150]
    assert "Equal numbers in race are one value: '1.0' as '1', '02' as '2'." in data.notes
    assert read(loans() | {"race": ones}, tasks={"x": "race == '1.00'"}).labels[:4, 0].tolist() == [1, 1, 0, 0]
    named = read(loans() | {"race": ones}, sensitive={"race": {"column": "race", "groups": {1: "White", 2: "Black"}}})
    assert np.bincount(named.groups["race"]).tolist() == [150, 150]
    parts = np.array(["0.0", "1.0"], dtype=object)[np.arange(ROWS) % 2].tolist()
    split = {"column": "fold", "train": [0], "test": [1]}
    assert read(loans() | {"fold": parts}, split=split).is_test.sum() == 150


@pytest.mark.parametrize("other", ["Female", "FEMALE", "female\u00a0", "\uff46emale"])
def test_groups_and_labels_that_differ_by_case_spaces_or_form(read, other):
    sexes = np.array(["female", "male", "male"], dtype=object)[np.arange(ROWS) % 3].tolist()
    if other.strip() == "female":  # spaces at both ends are no part of a cell
        assert read(loans() | {"sex": put(sexes, 4, other)}).group_names["sex"] == ("female", "male")
        return
    columns = loans() | {"sex": put(sexes, 4, other)}
    words = r"line 6, column 'sex': .* differ by case, spaces or Unicode form alone, for sensitive attribute 'sex'"
    with pytest.raises(DataError, match=words):
        read(columns)
    with pytest.raises(DataError, match=words):
        read(columns, sensitive={"sex": {"column": "sex", "groups": {"female": "f", "male": "m"}}})
    groups = {"female": "f", other: "f", "male": "m"}
    data = read(columns, sensitive={"sex": {"column": "sex", "groups": groups}})
    assert (data.groups["sex"] == 0).sum() == 101
    given = {"sensitive": {"age": {"column": "age", "bins": [50]}}}
    with pytest.raises(DataError, match=r"line 6, column 'sex': .* write them alike, or name each: `sex` in \["):
        read(columns, tasks={"x": "sex == 'female'"}, **given)
    with pytest.raises(DataError, match="differ by case"):
        read(columns, tasks={"x": {"column": "sex", "kind": "multiclass"}}, **given)
    assert read(columns, tasks={"x": f"sex in ['female', '{other}']"}, **given).labels.sum() == 101
    said = read(columns, **given).notes
    assert any(
        "are categories of their own; they differ by case, spaces or Unicode form alone" in note for note in said
    )


def test_a_label_that_no_cell_has_is_said(read):
    data = read(loans(), tasks={"x": "purpose in ['car', 'hose']"})
    assert data.notes == (
        "Task x asks for 'hose', which no cell of purpose is; did you mean 'house'? known: car, house, study.",
    )


@pytest.mark.parametrize("words", [("False", "True"), ("no", "yes"), ("f", "t"), ("N", "Y"), ("0.0", "1.0")])
def test_truths_in_words_are_labels(read, words):
    columns = loans()
    expected = read(columns).labels
    data = read(columns | {"repaid": [words[int(cell)] for cell in columns["repaid"]]})
    np.testing.assert_array_equal(data.labels, expected)


def test_no_column_of_the_users_is_replaced(read):
    columns = loans() | {"age": put(loans()["age"], 0, ""), "age_missing": ["5", "7"] * (ROWS // 2)}
    with pytest.raises(DataError, match="input 'age' has missing values, which an input 'age_missing' tells of"):
        read(columns)
    with pytest.raises(DataError, match="'age_missing' tells of"):
        read(columns | {"age_missing": ["a", "b"] * (ROWS // 2)})
    assert read(columns, inputs={"exclude": ["age_missing"]}).inputs.fills.keys() == {"age"}
    own = read(loans() | {"age_missing": ["5", "7"] * (ROWS // 2)}).inputs
    assert own.fills == {}
    assert set(own.numeric[:, own.numeric_names.index("age_missing")]) == {5, 7}


def test_clusters_that_differ_by_case_are_said(read):
    people = np.array(["p1", "P1", "p2", "p3"], dtype=object)[np.arange(ROWS) // 2 % 4].tolist()
    said = read(loans() | {"person": people}, keep_together="person").notes
    assert said[0].startswith("Rows of 'P1' and 'p1' in person need not stay together (1 such values)")


# Forms of files.


def test_a_file_with_semicolons(read, tmp_path, capsys):
    columns = loans()
    columns["income"] = [cell.replace(".", ",") for cell in columns["income"]]
    text = write_text(columns, ";")
    with pytest.raises(DataError, match=r"the header has 4 ';' and no ','; write separator: ';'"):
        read(text)
    assert dry_run(tmp_path, dict(GIVEN)) == 2
    assert "Traceback" not in capsys.readouterr().err
    with pytest.raises(DataError, match="a decimal comma; write decimal: ','"):
        read(text, separator=";")
    assert read(text, separator=";", decimal=",").data_id == read(loans()).data_id


def test_packed_files_and_other_encodings(read, tmp_path):
    columns = loans() | {"purpose": ["größe" if cell == "car" else cell for cell in loans()["purpose"]]}
    text = write_text(columns)
    expected = read(text).data_id
    assert read("\ufeff" + text).data_id == expected
    assert read(gzip.compress(text.encode())).data_id == expected
    with zipfile.ZipFile(tmp_path / "packed", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", text)
    assert read((tmp_path / "packed").read_bytes()).data_id == expected
    for encoding in ("utf-16", "latin-1"):
        with pytest.raises(DataError, match=f"is not UTF-8 text.*write encoding: {encoding}"):
            read(text.encode(encoding))
        assert read(text.encode(encoding), encoding=encoding).data_id == expected


@pytest.mark.parametrize("form", ["parquet", "feather"])
def test_typed_tables(read, tmp_path, form):
    expected = read(loans())
    frame = pd.DataFrame(loans()).astype({"age": int, "income": float, "purpose": "category", "repaid": int})
    frame["repaid"] = frame["repaid"] == 1
    getattr(frame, f"to_{form}")(tmp_path / "typed")
    data = read((tmp_path / "typed").read_bytes())
    assert data.data_id == expected.data_id
    frame["day"] = pd.Timestamp(2013, 1, 31)
    getattr(frame, f"to_{form}")(tmp_path / "typed")
    with pytest.raises(DataError, match="row 1, column 'day': found '2013-01-31 00:00:00', a date"):
        read((tmp_path / "typed").read_bytes())
