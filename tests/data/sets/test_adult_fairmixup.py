"""Adult as Fair Mixup reads it: what its published code gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.data import load
from paretofair.data.sets.adult_fairmixup import BINS, NUMBERS, ask_questions, cut_numbers
from paretofair.data.splits import split


@pytest.mark.real_data
def test_rows_and_inputs(real_folder):
    """45,222 rows; five numbers in ten bins and 35 questions with two answers are 120 inputs."""
    real_folder("adult_fairmixup")
    data = load("adult_fairmixup", source="real")
    names = data.inputs.categorical_names
    assert data.labels.shape == (45_222, 1)
    assert (data.inputs.numeric_names, names[:5]) == ((), NUMBERS)
    assert len(names) == 40
    assert BINS * 5 + 2 * 35 == 120
    assert all(table == ("no", "yes") for table in data.inputs.tables[5:])
    assert not {"sex=Male", "native-country", "fnlwgt"} & set(names)
    cut = split(data, validation=0.25, test_seed=3)
    sizes = [len(cut.train), len(cut.validation), len(cut.test)]
    np.testing.assert_allclose(np.array(sizes) / 45_222, [0.6, 0.2, 0.2], atol=1e-4)
    assert cut.inputs.shape[0] - 40 <= 120  # but for empty bins, and a column of each input for what is unknown


def test_every_number_is_cut_at_the_edges_of_age():
    ages = np.linspace(17, 90, 74)
    people = pd.DataFrame({name: ages if name == "age" else np.arange(74.0) for name in NUMBERS})
    people["capital-gain"] = np.where(np.arange(74) == 0, 99_999.0, 0.0)
    found = cut_numbers(people)
    expected = pd.cut(ages, BINS, labels=False, right=False)
    np.testing.assert_array_equal(found["age"].astype(int)[:-1], expected[:-1])
    assert found["age"][-1] == "9"
    assert found["capital-gain"][0] == "9"
    scores = (people["capital-gain"] - people["capital-gain"].mean()) / people["capital-gain"].std(ddof=0)
    edges = np.linspace(*np.quantile((ages - ages.mean()) / ages.std(), [0, 1]), BINS + 1)
    assert edges[int(found["capital-gain"][1])] <= scores[1] < edges[int(found["capital-gain"][1]) + 1]


def test_every_category_is_a_question():
    columns = {"workclass": ["a", "b"], "marital-status": ["c", "c"], "occupation": ["d", "e"]}
    people = pd.DataFrame({**columns, "relationship": ["f", "f"], "race": ["White", "Black"]})
    found = ask_questions(people)
    assert found["workclass=a"].tolist() == ["yes", "no"]
    assert found["marital-status=c"].tolist() == ["yes", "yes"]
    assert found["race=White"].tolist() == ["yes", "no"]
    assert len(found) == 7
