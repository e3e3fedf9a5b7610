"""Which part a row of a CSV file belongs to, how much it counts, and what stays together."""

from __future__ import annotations

import numpy as np
import pytest

from paretofair.data import split
from paretofair.data.reading.csv_file import read_csv_dataset
from paretofair.errors import DataError
from tests.data.reading.loans import SCHEMA, Write, change_schema, loans, with_cell


def test_a_given_split_is_no_input(write: Write) -> None:
    data = read_csv_dataset(change_schema(split="part"), write(loans()))
    np.testing.assert_array_equal(data.is_test, np.arange(60) % 4 == 3)
    assert "part" not in data.inputs.categorical_names


def test_a_split_needs_a_word_in_every_row_and_both_words(write: Write) -> None:
    schema = change_schema(split="part")
    with pytest.raises(DataError, match="line 3, column 'part': found a missing value; accepted: train, val"):
        read_csv_dataset(schema, write(with_cell(1, "part", "?")))
    with pytest.raises(DataError, match="of 60 rows are 0 train, 0 validation, 60 test"):
        read_csv_dataset(schema, write([row | {"part": "test"} for row in loans()]))


PARTS_3 = {"column": "fold", "train": [0, "1"], "validation": [2], "test": [3]}


def in_folds(rows: int = 60) -> list[dict[str, str]]:
    return [row | {"fold": str((number + number // 8) % 4)} for number, row in enumerate(loans(rows))]


def test_validation_rows_of_its_own(write: Write) -> None:
    data = read_csv_dataset(change_schema(split=PARTS_3), write(in_folds()))
    parts = [int(row["fold"]) for row in in_folds()]
    np.testing.assert_array_equal(data.part, np.array([0, 0, 1, 2])[parts])
    assert "fold" not in data.inputs.numeric_names
    words = [row | {"part": ("Train", "train", "DEV", "test")[part]} for part, row in zip(parts, loans(), strict=True)]
    same = read_csv_dataset(change_schema(split="part"), write(words))
    np.testing.assert_array_equal(same.part, data.part)
    splits = split(data, validation=0.3)
    np.testing.assert_array_equal(splits.part, data.part)
    # No share and no seed: nothing is cut.
    assert split(data, validation=0.1, split_seed=5).split_id == splits.split_id
    whole = split(data, validation=0, scale_with_test=True)
    assert whole.validation is None
    np.testing.assert_array_equal(whole.part == 2, data.part == 2)
    with pytest.raises(DataError, match="has validation rows of its own, so that test rows can't be drawn anew"):
        split(data, test_seed=1)


def test_weights(write: Write) -> None:
    rows = [row | {"survey": str(number % 5)} for number, row in enumerate(loans())]
    data = read_csv_dataset(change_schema(weights="survey"), write(rows))
    assert data.weights is not None
    np.testing.assert_array_equal(data.weights, np.arange(60) % 5)
    assert "survey" not in data.inputs.numeric_names
    splits = split(data)
    assert splits.weights is not None
    assert splits.train.weights is not None
    np.testing.assert_allclose(splits.train.weights.values.mean(), 1, rtol=1e-6)
    assert read_csv_dataset(SCHEMA, write(rows)).data_id != data.data_id


def test_rows_that_stay_together(write: Write) -> None:
    rows = [row | {"person": f"p{number // 3}"} for number, row in enumerate(loans())]
    data = read_csv_dataset(change_schema(keep_together="person"), write(rows))
    assert data.together is not None
    assert "person" not in data.inputs.categorical_names
    for seed in (None, 0, 1):
        part = split(data, test_seed=seed).part.reshape(20, 3)
        assert (part == part[:, :1]).all()
        assert set(part.ravel()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("changes", "cells", "message"),
    [
        ({"weights": "weight"}, {"weight": "-1"}, "line 7, column 'weight': found -1; accepted: numbers from 0"),
        ({"weights": "weight"}, {"weight": ""}, "line 7, column 'weight': found a missing value; accepted: numbers"),
        ({"weights": "weight"}, {"weight": "much"}, "line 7, column 'weight': expected a number, found 'much'"),
        ({"weights": "wait"}, {}, "has no column 'wait', named by weights; did you mean 'weight'"),
        ({"inputs": {"numeric": ["weight"]}, "weights": "weight"}, {}, "can't be an input: it says how much a row"),
        (
            {"inputs": {"categorical": ["who"]}, "keep_together": "who"},
            {},
            "can't be an input: it says which rows stay",
        ),
        ({"keep_together": "who"}, {"who": "?"}, "line 7, column 'who': found a missing value"),
        (
            {"keep_together": "who", "split": "part"},
            {"who": "a3", "part": "train"},
            r"column 'who': rows of 'a3' are in test \(line 5\) and train \(line 7\); accepted: one part",
        ),
        (
            {"split": {"column": "who", "train": ["a1"], "test": ["a2"]}},
            {},
            "line 2, column 'who': found 'a0'; accepted: a1, a2",
        ),
    ],
)
def test_wrong_cells_of_weights_and_parts(
    write: Write, changes: dict[str, object], cells: dict[str, str], message: str
) -> None:
    rows = [row | {"weight": "1.5", "who": f"a{number % 4}"} for number, row in enumerate(loans())]
    rows[5] |= cells
    with pytest.raises(DataError, match=message):
        read_csv_dataset(change_schema(**changes), write(rows))


def test_weights_that_are_all_0(write: Write) -> None:
    rows = [row | {"weight": "0"} for row in loans()]
    with pytest.raises(DataError, match="column 'weight': every weight is 0; some must be greater"):
        read_csv_dataset(change_schema(weights="weight"), write(rows))
    rows = [row | {"weight": str(int(row["part"] == "train"))} for row in loans()]
    data = read_csv_dataset(change_schema(weights="weight", split="part"), write(rows))
    with pytest.raises(DataError, match="all 15 test rows have the weight 0"):
        split(data)


def test_people_of_long_ids_stay_together_each_alone(write: Write) -> None:
    rows = [row | {"person": str(10**17 + number // 2)} for number, row in enumerate(loans())]
    data = read_csv_dataset(change_schema(keep_together="person"), write(rows))
    assert len(np.unique(data.together)) == 30


def test_a_byte_order_mark_is_no_part_of_a_name(write: Write) -> None:
    folder = write(loans())
    (folder / "loans.csv").write_bytes(b"\xef\xbb\xbf" + (folder / "loans.csv").read_bytes())
    for encoding in (None, "utf-8", "UTF8"):
        assert len(read_csv_dataset(change_schema(encoding=encoding), folder)) == 60
