"""A data set with some of its tasks, and Adult with the one task and all of its inputs."""

from __future__ import annotations

import numpy as np
import pytest

from paretofair.data import load, with_tasks
from paretofair.errors import DataError


def test_tasks_are_chosen_in_the_order_asked_for():
    every = load("lsac", source="simulated")
    found = with_tasks(every, ["pass_bar", "high_grade"])
    assert found.tasks == ("pass_bar", "high_grade")
    np.testing.assert_array_equal(found.labels, every.labels[:, ::-1])
    one = with_tasks(every, ["pass_bar"])
    assert one.labels.shape == (len(every.labels), 1)
    assert len({every.data_id, found.data_id, one.data_id}) == 3
    assert with_tasks(every, every.tasks).data_id == every.data_id


def test_unknown_tasks_are_told():
    every = load("lsac", source="simulated")
    with pytest.raises(DataError, match="no task 'pass_bra'; did you mean 'pass_bar'"):
        with_tasks(every, ["pass_bra"])
    with pytest.raises(DataError, match="no task is chosen"):
        with_tasks(every, [])


@pytest.mark.real_data
def test_adult_income_has_the_rows_of_adult(real_folder):
    real_folder("adult")
    adult, income = load("adult", source="real"), load("adult_income", source="real")
    np.testing.assert_array_equal(income.labels[:, 0], adult.labels[:, 0])
    np.testing.assert_array_equal(income.groups["sex"], adult.groups["sex"])
    assert "capital-gain" in income.inputs.numeric_names
    assert "fnlwgt" not in income.inputs.numeric_names
    assert "relationship" in income.inputs.categorical_names
    assert "sex" not in income.inputs.categorical_names
