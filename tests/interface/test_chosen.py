"""What a chosen model says of rows, against the trial table and plain counting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, equalized_odds_difference, false_positive_rate

import paretofair
from paretofair.errors import DataError
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.space import load_space


@pytest.fixture(scope="module")
def model(comparison):
    return comparison.best("smallest error + equalized_odds_max")


def test_decisions_are_the_words_of_the_data(model, loans):
    decided = model.predict(loans.set_axis(loans.index + 7))
    assert set(decided["repaid"]) <= {"good", "bad"}
    assert decided["large"].map(type).eq(bool).all()
    assert decided.index[0] == 7
    assert list(model.predict_proba(loans)) == ["repaid", "large"]


def test_scores_on_the_test_rows_are_those_of_the_table(comparison, model, loans):
    splits = load_splits(load_space(comparison.folder / "space.yaml"), RunOptions(comparison.folder, ())).of(0)
    rows = loans.iloc[splits.test.rows]
    scores = model.score(rows)
    trial = comparison.trials.set_index("trial_id").loc[model.about["trial_id"]]
    for task in ("repaid", "large"):
        assert scores.overall.loc[task, "error"] == pytest.approx(trial[f"test_error_{task}"], abs=1e-12)
        for name in ("fpr_gap", "tpr_gap"):
            assert scores.gaps.loc[(task, "sex"), name] == pytest.approx(trial[f"test_{name}_{task}"], abs=1e-12)


def test_scores_are_those_of_fairlearn(model, loans):
    truth, decided = loans["repaid"] == "good", model.predict(loans)["repaid"] == "good"
    given = {"sensitive_features": loans["sex"]}
    scores = model.score(loans)
    frame = MetricFrame(metrics=false_positive_rate, y_true=truth, y_pred=decided, **given)
    np.testing.assert_allclose(scores.by_group.loc[("repaid", "sex"), "false_positive_rate"], frame.by_group)
    expected = equalized_odds_difference(truth, decided, **given)
    assert scores.gaps.loc[("repaid", "sex"), "equalized_odds_max"] == pytest.approx(expected)


def test_labels_and_groups_may_be_given(model, loans):
    bare = loans[model.inputs].drop(columns="sex", errors="ignore").assign(sex=loans["sex"])
    labels = pd.DataFrame({"repaid": loans["repaid"], "large": loans["large"].astype(float)})
    given = model.score(bare, labels, sensitive_features=np.array(loans["sex"]))
    pd.testing.assert_frame_equal(given.overall, model.score(loans).overall)
    assert "equalized_odds_max" in given._repr_html_()
    unknown = labels.assign(repaid=labels["repaid"].where(labels.index > 9, None))
    assert model.score(bare, unknown).overall.loc["repaid", "rows"] == len(loans) - 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop(columns="repaid"), "the data have no labels of repaid; give labels"),
        (
            lambda frame: frame.assign(repaid="perhaps"),
            "labels of repaid, row 0: found 'perhaps'; accepted: 'bad', 'good'",
        ),
        (lambda frame: frame.drop(columns="sex"), "the data have no column 'sex'; give sensitive_features"),
    ],
)
def test_what_is_missing_is_told(model, loans, change, words):
    with pytest.raises(DataError, match=words):
        model.score(change(loans))


def test_it_is_saved_as_an_ordinary_model(model, loans):
    again = paretofair.load(model.folder)
    np.testing.assert_array_equal(again.predict_proba(loans), model.predict_proba(loans))
