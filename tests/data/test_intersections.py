from collections.abc import Callable

import numpy as np
import pytest

from paretofair.data import Dataset, split
from paretofair.data.intersections import with_intersection
from paretofair.errors import DataError

Toy = Callable[..., Dataset]


def test_every_row_is_in_the_product_of_its_groups(toy: Toy) -> None:
    data = toy()
    joint = with_intersection(data, "sex_x_race")
    names = joint.group_names["sex_x_race"]
    assert names == tuple(f"{sex} x {race}" for sex in ("Female", "Male") for race in "ABC")
    assert list(joint.groups) == ["sex", "race", "sex_x_race"]
    for row, member in enumerate(joint.groups["sex_x_race"]):
        sex, race = data.groups["sex"][row], data.groups["race"][row]
        if race < 0:
            assert member == -1
        else:
            assert names[member] == f"{('Female', 'Male')[sex]} x {'ABC'[race]}"
    assert list(data.groups) == ["sex", "race"]
    assert with_intersection(joint, "sex_x_race") is joint


def test_the_split_is_the_same_with_an_intersection(toy: Toy) -> None:
    before, after = split(toy()), split(with_intersection(toy(), "race_x_sex"))
    np.testing.assert_array_equal(before.part, after.part)
    assert before.split_id != after.split_id


def test_groups_without_rows_are_left_out(toy: Toy) -> None:
    sex = np.arange(200) % 2
    data = toy(groups={"sex": sex.astype(np.int8), "race": np.where(sex == 0, 2, 0).astype(np.int8)})
    joint = with_intersection(data, "sex_x_race")
    assert joint.group_names["sex_x_race"] == ("Female x C", "Male x A")
    np.testing.assert_array_equal(joint.groups["sex_x_race"], sex)


def test_three_attributes(toy: Toy) -> None:
    base = toy()
    age = (np.arange(200) % 2).astype(np.int8)
    data = toy(groups=base.groups | {"age": age}, group_names=base.group_names | {"age": ("young", "old")})
    joint = with_intersection(data, "sex_x_race_x_age")
    assert len(joint.group_names["sex_x_race_x_age"]) == 12
    assert joint.group_names["sex_x_race_x_age"][1] == "Female x A x old"


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("sex_x_rase", "no attribute 'rase' for the intersection 'sex_x_rase'; did you mean 'race'"),
        ("age", "no attribute 'age'"),
        ("sex_x_sex", "expected two or more different attributes"),
        ("sex_x_", "no attribute ''"),
    ],
)
def test_wrong_names(toy: Toy, attribute: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        with_intersection(toy(), attribute)


def test_too_few_groups(toy: Toy) -> None:
    groups = {"sex": np.zeros(200, dtype=np.int8), "race": np.zeros(200, dtype=np.int8)}
    with pytest.raises(DataError, match="'sex_x_race' has 1 groups with rows; accepted: 2 to 127"):
        with_intersection(toy(groups=groups), "sex_x_race")
