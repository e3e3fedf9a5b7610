"""Labels and groups in the words of the caller's data, against what training read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import paretofair
from paretofair.data import Sensitive
from paretofair.data.reading.cells import CellRules
from paretofair.errors import DataError
from paretofair.interface.words import GroupWords

from .conftest import SHORT

MORE = {"trials": 2, "seeds": 1, "settings": SHORT, "engine": "process", "quiet": True}
SEXES = Sensitive(column="sex", groups={"f": "women", "m": "men"})
AGES = Sensitive(column="age", bins=(25, 60))


@pytest.mark.parametrize(
    ("said", "values", "groups"),
    [
        (Sensitive(column="sex"), ["f", " m", None, "?"], ["f", "m", None, None]),
        (
            Sensitive(column="sex", groups={"f": "women", "m": "men"}),
            ["f", "men", "x", None],
            ["women", "men", None, None],
        ),
        (Sensitive(column="code", groups={1: "a", 2: "a", 3: "b"}), [1.0, 2, "3.0", np.nan], ["a", "a", "b", None]),
        (AGES, [25, 25.5, 61, np.nan], ["up_to_25", "25_to_60", "over_60", None]),
        (AGES, ["over_60", "30", "", "up_to_25"], ["over_60", "25_to_60", None, "up_to_25"]),
    ],
)
def test_groups_are_those_of_training(said, values, groups):
    assert GroupWords(said, CellRules()).read(pd.Series(values)) == groups


def test_a_value_that_is_neither_a_number_nor_a_group():
    with pytest.raises(DataError, match="column age, row 1: found 'old'; expected a number"):
        GroupWords(AGES, CellRules()).read(pd.Series(["30", "old"]))


def test_thresholds_of_groups_with_names_of_their_own(loans, tmp_path):
    named = {"sex": {"column": "sex", "groups": {"f": "women", "m": "men"}}, "age": {"column": "years", "bins": [10]}}
    made = paretofair.compare(
        loans, tasks="large", sensitive=named, methods="threshold_frontier", output=tmp_path / "run", **MORE
    )
    model = made.best(method="threshold_frontier")
    thresholds = model.about["thresholds"]["large"]["by_group"]
    assert len(set(thresholds.values())) == 2
    names = loans["sex"].map({"f": "women", "m": "men"})
    logits = np.log(model.predict_proba(loans)["large"]).to_numpy() - np.log1p(-model.predict_proba(loans)["large"])
    expected = logits >= names.map(thresholds)
    np.testing.assert_array_equal(model.predict(loans)["large"], expected)
    given = pd.DataFrame({"sex": names, "age": loans["years"]})
    np.testing.assert_array_equal(model.predict(loans, sensitive_features=given)["large"], expected)
    groups = model.score(loans).by_group.loc["large"]
    assert groups.index.tolist() == [("age", "over_10"), ("age", "up_to_10"), ("sex", "men"), ("sex", "women")]


@pytest.mark.parametrize("words", [(0, 1), ("no", "yes"), (False, True)])
def test_labels_of_a_text_file_are_found(loans, tmp_path, words):
    frame = loans.drop(columns="repaid").assign(large=[words[int(large)] for large in loans["large"]])
    frame.to_csv(tmp_path / "loans.csv", index=False)
    frame = pd.read_csv(tmp_path / "loans.csv")
    made = paretofair.compare(
        tmp_path / "loans.csv", tasks="large", sensitive="sex", methods="vanilla", output=tmp_path / "run", **MORE
    )
    model = made.best()
    decided = model.predict(frame)["large"]
    assert set(decided) <= set(words)
    assert model.score(frame).overall.loc["large", "error"] == (decided != frame["large"]).mean()
