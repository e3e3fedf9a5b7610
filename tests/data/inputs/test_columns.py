import pickle

import numpy as np
import pytest
import torch

from paretofair.data import Columns
from paretofair.data.inputs import find_strata
from paretofair.errors import DataError


def make() -> Columns:
    return Columns.of(
        {"age": np.arange(6.0), "same": np.full(6, 0.1)},
        {"colour": np.array(["red", "blue", "red", "", "blue", "tan"])},
    )


def test_texts_are_kept_as_numbers() -> None:
    columns = make()
    assert columns.tables == (("", "blue", "red", "tan"),)
    assert columns.categorical[:, 0].tolist() == ["red", "blue", "red", "", "blue", "tan"]
    assert pickle.loads(pickle.dumps(columns)).categorical.tolist() == columns.categorical.tolist()


def test_an_example_is_its_scores_and_one_hot_blocks() -> None:
    fitted = make().fit(np.array([0, 1, 2]))
    assert fitted.encoding.categories == (("blue", "red"),)
    assert fitted.categories == (3,)
    assert fitted.shape == (5,)
    ages = (np.arange(6) - 1) / np.std([0, 1, 2])
    expected = [[age, 0, *np.eye(3)[code]] for age, code in zip(ages, (2, 1, 2, 0, 1, 0), strict=True)]
    np.testing.assert_allclose(fitted.encode(np.arange(6)), expected)


def test_rows_are_encoded_in_float64_and_cast() -> None:
    fitted = make().fit(np.arange(6))
    found = fitted.on(np.array([4, 1]), torch.device("cpu"), torch.float32).take(torch.tensor([1, 0, 1]))
    np.testing.assert_array_equal(found.numpy(), fitted.encode(np.array([1, 4, 1])).astype(np.float32))


def test_what_stands_for_missing_numbers() -> None:
    numbers = {"age": np.array([5.0, 3.0]), "age_missing": np.array([0.0, 1.0])}
    assert Columns.of(numbers, {}, {"age": 3.0}).fills == {"age": 3.0}
    assert Columns.of(numbers, {}).fills == {}


@pytest.mark.parametrize(
    ("numeric", "categorical", "message"),
    [
        ({"a": np.zeros(3), "b": np.zeros(4)}, {}, r"inputs have \[3, 4\] rows"),
        ({}, {}, "inputs have no rows"),
        ({"a": np.zeros(3)}, {"a": np.array(["x"] * 3)}, "names occur twice: a"),
        ({"a": np.array([0, np.inf])}, {}, "input 'a' is inf in row 1; inputs must be finite"),
    ],
)
def test_wrong_columns(numeric: dict[str, np.ndarray], categorical: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Columns.of(numeric, categorical)


def test_strata_are_values_or_fifths() -> None:
    columns = Columns.of(
        {"tier": np.array([3.0, 1, 3, 2, 1]), "age": np.array([50.0, 20, 60, 30, 40])},
        {"town": np.array(["b", "a", "b", "c", "a"])},
    )
    assert find_strata(columns, "tier").tolist() == [2, 0, 2, 1, 0]
    assert find_strata(columns, "town").tolist() == [1, 0, 1, 2, 0]
    many = Columns.of({"age": np.arange(100.0)[::-1]}, {})
    assert find_strata(many, "age").tolist() == np.repeat(np.arange(5), 20)[::-1].tolist()
    with pytest.raises(DataError, match="given 'size', which is no column of the inputs; accepted: tier, age, town"):
        find_strata(columns, "size")
    with pytest.raises(DataError, match="these inputs have no columns"):
        find_strata(object(), "size")
