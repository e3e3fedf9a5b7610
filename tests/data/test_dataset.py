import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from paretofair.data import Dataset
from paretofair.data.dataset import VALIDATION, group_indices, mark_test_rows
from paretofair.errors import DataError
from tests.data.conftest import change_columns

Toy = Callable[..., Dataset]


def test_data_id_is_16_hexadecimal_digits_and_repeatable(toy: Toy) -> None:
    assert toy().data_id == toy().data_id
    assert len(toy().data_id) == 16
    int(toy().data_id, 16)


def test_data_id_ignores_checksums_and_the_type_of_text(toy: Toy) -> None:
    toy_data = toy()
    assert toy(checksums={"other.csv": "0" * 64}).data_id == toy_data.data_id
    inputs = toy_data.inputs
    assert toy(inputs=change_columns(inputs, categorical=inputs.categorical.astype(str))).data_id == toy_data.data_id
    assert toy(inputs=change_columns(inputs, numeric=np.asfortranarray(inputs.numeric))).data_id == toy_data.data_id


@pytest.mark.parametrize(
    "changed",
    [
        lambda data: {"name": "other"},
        lambda data: {"source": "simulated"},
        lambda data: {"tasks": ("first", "third")},
        lambda data: {"inputs": change_columns(data.inputs, numeric=data.inputs.numeric + 1e-9)},
        lambda data: {"inputs": dataclasses.replace(data.inputs, numeric_names=("row", "other"))},
        lambda data: {"inputs": dataclasses.replace(data.inputs, tables=(("blue", "green", "pink"),))},
        lambda data: {"inputs": dataclasses.replace(data.inputs, categorical_names=("color",))},
        lambda data: {"labels": np.abs(data.labels)},
        lambda data: {"groups": data.groups | {"sex": 1 - data.groups["sex"]}},
        lambda data: {"groups": dict(reversed(data.groups.items()))},
        lambda data: {"group_names": data.group_names | {"race": ("A", "B", "D")}},
        lambda data: {"part": mark_test_rows(~data.is_test)},
        lambda data: {"part": np.where(np.arange(200) < 5, VALIDATION, data.part)},
        lambda data: {"weights": np.arange(200.0)},
        lambda data: {"together": np.arange(200)},
    ],
)
def test_data_id_changes_with_everything_else(toy: Toy, changed: Callable[[Dataset], dict[str, object]]) -> None:
    data = toy()
    assert dataclasses.replace(data, **changed(data)).data_id != data.data_id  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "made up"}, "source is 'made up'; accepted: real, simulated"),
        ({"tasks": ("first",)}, r"labels has shape \(200, 2\), expected \(200, 1\)"),
        ({"tasks": ("first", "first")}, "names occur twice: first"),
        ({"part": np.full(200, 3)}, r"part is int64 of shape \(200,\); accepted: \(rows,\) of 0 \(train\), 1"),
        ({"part": np.zeros(199)}, "inputs have 200 rows, part has 199"),
        ({"weights": np.full(200, -1.0)}, "weight is -1.0 in row 0; accepted: numbers from 0"),
        ({"weights": np.ones(3)}, r"weights has shape \(3,\), expected \(200,\)"),
        ({"together": np.zeros(200)}, r"rows 0 \(\w+\) and \d+ \(\w+\) must stay together"),
        ({"labels": np.full((200, 2), 2)}, "label 'first' is 2 in row 0; accepted: 0, 1, -1"),
        ({"group_names": {"sex": ("F", "M")}}, "groups are given for"),
        ({"group_names": {"sex": ("F",), "race": ("A", "B", "C")}}, "group 'sex' is 1 .* accepted: 0 to 0"),
    ],
)
def test_wrong_values_are_named(toy: Toy, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        toy(**changes)


def test_group_indices() -> None:
    assert group_indices(["b", "a", "?", "b"], ("a", "b")).tolist() == [1, 0, -1, 1]
    assert group_indices([], ("a",)).dtype == np.int8
