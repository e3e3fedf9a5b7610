from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.data.reading.loans import change_schema


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"tasks": {}}, "tasks", "at least 1 item"),
        ({"tasks": {"x": "amount ** 2 > 3"}}, "tasks.x", r"expression 'amount \*\* 2 > 3', position 1"),
        ({"test": 1.0}, "test", "less than 1"),
        ({"test_seed": -1}, "test_seed", "greater than or equal to 0"),
        ({"separator": "||"}, "separator", r"found '\|\|'; expected one character"),
        ({"inputs": {"numeric": "age"}}, "inputs.numeric", "found 'age'; expected auto or a list of columns"),
        ({"inputs": {"numeric": ["age", 3]}}, "inputs.numeric", r"found \['age', 3\]; expected auto or a list"),
        ({"inputs": {"exclude": ["id", "id"]}}, "inputs.exclude", "'id' stands in the list more than once"),
        ({"missing": {"inputs": "mask"}}, "missing.inputs", "'fill' or 'error'"),
        ({"sensitive": {"age": {"column": "age", "bins": [2, 1]}}}, "sensitive.age.bins", "must ascend"),
        (
            {"sensitive": {"age": {"column": "age", "bins": [1], "groups": {"1": "x"}}}},
            "sensitive.age",
            "bins and groups exclude each other",
        ),
    ],
)
def test_a_schema_checks_itself(changes: dict[str, object], key: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        change_schema(**changes)
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [key]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"column": "part", "train": ["a"]}, "the cells of training and of test rows are given together"),
        ({"column": "part", "validation": ["a"]}, "the cells of training and of test rows are given together"),
        ({"column": "part", "train": ["a"], "test": ["a"]}, "'a' stands in the list more than once"),
        ({"train": ["a"], "test": ["b"]}, "Field required"),
        (3, "found 3; expected a column, or a mapping with the key column"),
    ],
)
def test_wrong_splits(given: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        change_schema(split=given)
