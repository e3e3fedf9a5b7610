"""Other forms of the LSAC data against the published counts and rates."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from paretofair.data import DATASETS, Dataset, split

NAMES = ("lsac_full", "law_school_clean", "law_data", "bar_pass_prediction")

# Rows in which both labels are known, rates of the grade and of the bar; None where no rate is published.
RATES = [
    ("lsac_full", "sex", "Female", 9665, 0.5117, 0.9426),
    ("lsac_full", "sex", "Male", 12392, 0.5489, 0.9530),
    ("lsac_full", "race", "Black", 1304, 0.1756, 0.7753),
    ("lsac_full", "race", "White", 18447, 0.5815, 0.9672),
    ("law_school_clean", "sex", "Female", 9123, 0.5135, 0.8779),
    ("law_school_clean", "sex", "Male", 11675, 0.5508, 0.8990),
    ("law_school_clean", "race", "White", 17491, 0.5816, 0.9213),
    ("law_school_clean", "race", "Non-White", 3307, 0.2852, 0.7230),
    ("law_data", "sex", "Female", 9537, 0.5117, 0.8763),
    ("law_data", "sex", "Male", 12254, 0.5503, 0.8979),
    ("law_data", "race", "White", 18285, 0.5816, 0.9203),
    ("law_data", "race", "Black", 1282, 0.1763, 0.6178),
]

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def real(real_folder: Callable[[str], Path]) -> Callable[[str], Dataset]:
    return cache(lambda name: DATASETS[name].read(real_folder(name)))


@pytest.mark.parametrize(("name", "attribute", "group", "rows", "graded", "passed"), RATES)
def test_rates(
    real: Callable[[str], Dataset], name: str, attribute: str, group: str, rows: int, graded: float, passed: float
) -> None:
    data = real(name)
    chosen = data.groups[attribute] == data.group_names[attribute].index(group)
    chosen &= (data.labels >= 0).all(axis=1)
    assert chosen.sum() == rows
    np.testing.assert_allclose(data.labels[chosen].mean(axis=0), [graded, passed], atol=5.1e-5)


def test_the_form_without_a_published_grade_rate(real: Callable[[str], Dataset]) -> None:
    data = real("bar_pass_prediction")
    rates = [data.labels[data.groups["sex"] == sex, 1].mean() for sex in (0, 1)]
    assert [(data.groups["sex"] == sex).sum() for sex in (0, 1)] == [9826, 12576]
    np.testing.assert_allclose(rates, [0.9422, 0.9522], atol=5.1e-5)


@pytest.mark.parametrize(
    ("name", "rows", "unknown_labels", "unknown_groups"),
    [
        ("lsac_full", 27478, [2154, 4375], [6, 20]),
        ("law_school_clean", 20798, [0, 0], [0, 0]),
        ("law_data", 21791, [0, 0], [0, 0]),
        ("bar_pass_prediction", 22407, [984, 0], [5, 16]),
    ],
)
def test_unknown_labels_and_groups(
    real: Callable[[str], Dataset], name: str, rows: int, unknown_labels: list[int], unknown_groups: list[int]
) -> None:
    data = real(name)
    assert len(data) == rows
    assert abs(data.is_test.mean() - 0.3) < 1e-4
    assert (data.labels < 0).sum(axis=0).tolist() == unknown_labels
    assert [(data.groups[attribute] < 0).sum() for attribute in ("sex", "race")] == unknown_groups


def test_missing_numbers_are_counted_by_an_input(real: Callable[[str], Dataset]) -> None:
    data = real("lsac_full")
    counts = {
        name: int(data.inputs.numeric[:, column].sum())
        for column, name in enumerate(data.inputs.numeric_names)
        if name.endswith("_missing")
    }
    assert counts == {
        "index6040_missing": 372,
        "fam_inc_missing": 363,
        "ugpa_missing": 239,
        "lsat_missing": 160,
        "tier_missing": 158,
        "DOB_yr_missing": 69,
    }
    assert (data.inputs.categorical == "missing").sum(axis=0).tolist() == [6, 20, 45]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_came_later_is_an_input(real: Callable[[str], Dataset], name: str) -> None:
    data = real(name)
    known = {"lsat", "ugpa", "index6040", "sander_index", "tier", "fam_inc", "dob_yr", "sex", "race", "part_time"}
    inputs = {
        input_.removesuffix("_missing").lower() for input_ in data.inputs.numeric_names + data.inputs.categorical_names
    }
    assert inputs <= known
    assert split(data, test_seed=3).validation is not None
