"""The estimator in scikit-learn's and fairlearn's company."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from paretofair import FairClassifier
from paretofair.results import TrialTable

SMALL = {
    "methods": ["vanilla", "reweigh"],
    "trials": 2,
    "settings": {"parameters": {"epochs": 30, "learning_rate": 0.02}, "network": {"shared": [8], "head": []}},
}
# A row of weight two is drawn as often as any other: its losses count double, which other batches do not.
NOT_HELD = dict.fromkeys(
    ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"),
    "batches of other rows are drawn for other rows",
)
QUICK = (
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_estimators_unfitted",
    "check_classifiers_one_label",
    "check_estimators_overwrite_params",
    "check_all_zero_sample_weights_error",
    "check_estimator_sparse_tag",
    "check_fit2d_1sample",
    "check_classifiers_regression_target",
)


@pytest.fixture(scope="module")
def parts(loans):
    return loans.drop(columns=["repaid", "large"]), loans["repaid"], loans["sex"]


@pytest.fixture(scope="module")
def fitted(parts):
    inputs, labels, groups = parts
    return FairClassifier(**SMALL).fit(inputs, labels, sensitive_features=groups)


def test_it_predicts_the_labels_it_was_given(fitted, parts):
    inputs, labels, _ = parts
    assert fitted.classes_.tolist() == ["bad", "good"]
    decided, probabilities = fitted.predict(inputs), fitted.predict_proba(inputs)
    assert probabilities.shape == (len(inputs), 2)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(1)], decided)
    assert fitted.score(inputs, labels) == (decided == labels).mean() > 0.6
    assert list(fitted.feature_names_in_) == list(inputs)


def test_it_keeps_the_frontier_and_its_models(fitted, parts):
    front = fitted.frontier_
    assert list(fitted.models_) == front["trial_id"].tolist()
    assert fitted.chosen_ in fitted.models_
    assert not [name for name in front if name.startswith("test_")]
    assert front["validation_error"].is_monotonic_increasing or len(front) > 1
    for model in fitted.models_.values():
        assert len(model.predict_proba(parts[0])) == len(parts[0])


def test_a_rule_takes_its_point(parts, tmp_path):
    inputs, labels, groups = parts
    model = FairClassifier(**SMALL, rule="best error, equalized_odds_max <= 1", output=tmp_path / "run")
    model.fit(inputs, labels, sensitive_features=groups)
    least = model.frontier_.set_index("trial_id")["validation_error"]
    assert least[model.chosen_] == least.min()
    assert model.chosen_ in set(TrialTable(tmp_path / "run").read()["trial_id"])


def test_clones_and_pickles(fitted, parts):
    assert clone(fitted).get_params() == fitted.get_params()
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(parts[0]), fitted.predict(parts[0]))


def test_in_a_pipeline_and_a_metric_frame(parts):
    inputs, labels, groups = parts
    prepared = make_column_transformer(
        (OneHotEncoder(), ["sex", "purpose"]), (StandardScaler(), ["income", "years"]), sparse_threshold=0
    )
    pipeline = make_pipeline(prepared, FairClassifier(**SMALL))
    pipeline.fit(inputs, labels, fairclassifier__sensitive_features=groups)
    frame = MetricFrame(
        metrics=accuracy_score, y_true=labels, y_pred=pipeline.predict(inputs), sensitive_features=groups
    )
    assert frame.overall > 0.6
    assert set(frame.by_group.index) == {"f", "m"}


def test_thresholds_by_group_need_the_groups(parts):
    inputs, labels, groups = parts
    model = FairClassifier(**SMALL | {"methods": ["threshold_frontier"]})
    model.fit(inputs, labels, sensitive_features=groups)
    assert set(model.predict(inputs, sensitive_features=groups)) <= {"good", "bad"}
    with pytest.raises(ValueError, match=r"a threshold for each group: predict\(X, sensitive_features"):
        model.predict(inputs)
    assert model.score(inputs, labels, sensitive_features=groups) > 0.6


def test_all_methods_predict_without_groups(parts):
    inputs, labels, groups = parts
    found = FairClassifier(**SMALL | {"methods": "all", "trials": 1}).fit(inputs, labels, sensitive_features=groups)
    assert found.score(inputs, labels) > 0.5


def test_sparse_inputs_are_those_of_a_frame(parts):
    inputs, labels, groups = parts
    words = inputs.select_dtypes(exclude="number").columns.tolist()
    encode = make_column_transformer((OneHotEncoder(), words), sparse_threshold=1)
    encoded = encode.fit_transform(inputs)
    assert sparse.issparse(encoded)
    one, other = (
        FairClassifier(**SMALL).fit(each, labels, sensitive_features=groups) for each in (encoded, encoded.toarray())
    )
    np.testing.assert_array_equal(one.predict_proba(encoded), other.predict_proba(encoded.toarray()))


def test_a_rule_may_name_a_metric_of_ones_own(parts):
    own = {"metrics": {"mine": {"function": "tests.interface.test_classifier:measure_mine", "direction": "minimised"}}}
    model = FairClassifier(**SMALL | {"settings": SMALL["settings"] | own}, rule="smallest mine")
    model.fit(*parts[:2], sensitive_features=parts[2])
    assert model.chosen_ in model.models_


def measure_mine(counts):
    """A metric of counts by group: the share of rows that are decided wrong in the first group."""
    first = counts[..., 0, :]
    return (first[..., 1] + first[..., 3]) / first[..., :4].sum(-1)


def test_a_wrong_rule_is_told_before_anything_is_trained(parts):
    with pytest.raises(ValueError, match="found the rule 'smalest error'; accepted: knee; midpoint; best error"):
        FairClassifier(**SMALL, rule="smalest error").fit(*parts[:2], sensitive_features=parts[2])


def test_columns_may_have_any_name(fitted, parts):
    inputs, labels, groups = parts
    named = inputs.rename(columns={"income": "label", "purpose": "group"})
    model = FairClassifier(**SMALL).fit(named, labels, sensitive_features=groups)
    # The order of columns, on which the first weights depend, is the same.
    np.testing.assert_array_equal(model.predict(named), fitted.predict(inputs))


def test_numbers_become_two_groups(parts):
    inputs, labels, _ = parts
    model = FairClassifier(**SMALL, sensitive="years").fit(inputs, labels)
    assert len(model.frontier_)
    with pytest.raises(ValueError, match="sensitive: found 'yeas'; accepted: sex, income"):
        FairClassifier(**SMALL, sensitive="yeas").fit(inputs, labels)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "say whose groups are compared"),
        ({"sensitive_features": ["f"] * 3}, "sensitive_features has 3 rows, X has 400"),
        ({"sensitive_features": ["f"] * 400}, "at least two must occur"),
    ],
)
def test_what_does_not_fit_is_a_value_error(parts, change, words):
    with pytest.raises(ValueError, match=words):
        FairClassifier(**SMALL).fit(*parts[:2], **change)


def test_the_quick_checks_of_scikit_learn():
    checks = list(estimator_checks_generator(FairClassifier(**SMALL, sensitive=0), mark=None))
    names = {getattr(check, "func", check).__name__ for _, check in checks}
    assert set(QUICK) <= names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for estimator, check in checks:
            if getattr(check, "func", check).__name__ in QUICK:
                check(estimator)


@pytest.mark.slow
def test_every_check_of_scikit_learn():
    """A minute: each fit is a search. Groups are made of the first column."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(FairClassifier(**SMALL, sensitive=0), expected_failed_checks=NOT_HELD)
    assert {each["check_name"] for each in found if each["status"] == "xfail"} <= set(NOT_HELD)


def test_frames_of_other_libraries(parts):
    arrow = pytest.importorskip("pyarrow")
    inputs, labels, groups = parts
    table = arrow.Table.from_pandas(inputs, preserve_index=False)
    model = FairClassifier(**SMALL).fit(table, labels, sensitive_features=groups)
    pd.testing.assert_index_equal(pd.Index(model.predict(table)), pd.Index(model.predict(inputs)))
