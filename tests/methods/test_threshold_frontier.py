"""The vanilla model with thresholds by group, through training, evaluation and the space file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from paretofair.methods import METHODS, LossSettings
from paretofair.methods.threshold_frontier import ThresholdFrontier
from paretofair.metrics import rates
from paretofair.models import MultilayerPerceptron
from paretofair.runs.build import describe_threshold
from paretofair.space.space import load_space
from paretofair.training import Experiment, Threshold, TrainingSettings, Trials, train_pack

TOLERANCES = np.array([[0.0, 1.0], [0.02, 0.05], [0.1, 0.0], [1.0, 1.0]])
GAPS = {
    "fpr": rates.fpr_gap,
    "tpr": rates.tpr_gap,
    "parity": rates.demographic_parity_gap,
    "odds": rates.equalized_odds_max,
}


def train_four(data, method, threshold=Threshold()):  # noqa: B008 (frozen)
    """Four trials of one seed that differ in their tolerances alone."""
    values = {
        "task_weight": np.full((4, 2), 0.5),
        "tolerance": TOLERANCES,
        "learning_rate": np.full(4, 0.1),
        "epochs": np.full(4, 3),
    }
    network = MultilayerPerceptron(data.numeric, data.categories, 2, (16,), (8,), 3)
    trials = Trials(np.zeros(4, dtype=np.int64), values)
    settings = TrainingSettings(batch_size=100)
    (stack,) = train_pack(Experiment(data, network, method, settings, threshold), trials, width=4)
    return stack


def gap_and_errors(stack, data, split, goal):
    """Gap of the attribute that the loss acts on, and wrong decisions about rows of known group, `(K, T)` each."""
    gaps, errors = [], []
    for task, attribute in enumerate(data.acts_on):
        cells, n_groups = data.cells[:, attribute], data.n_groups[attribute]
        by_group = rates.merge(stack.evaluation.confusion[split][task], cells, n_groups)
        gaps.append(GAPS[goal](by_group))
        errors.append(by_group[..., [rates.FP, rates.FN]].sum((-1, -2)))
    return np.stack(gaps, -1), np.stack(errors, -1)


@pytest.mark.parametrize("goal", GAPS)
@pytest.mark.parametrize("sensitive", ["sex", "race"])
def test_trains_as_vanilla_and_keeps_the_gap_in_bounds_where_it_chooses(device_data, goal, sensitive) -> None:
    data = device_data(torch.float32, sensitive=sensitive, rows=1200, unknown=0.1)
    rule = Threshold("least_error")
    stack = train_four(data, ThresholdFrontier(LossSettings(goal=goal)), rule)
    vanilla = train_four(data, METHODS["vanilla"](LossSettings()), rule)
    np.testing.assert_array_equal(stack.parameters, vanilla.parameters)
    for name in ("auc", "average_precision", "soft_fpr_gap"):
        np.testing.assert_array_equal(
            stack.evaluation.metrics[f"test_{name}"], vanilla.evaluation.metrics[f"test_{name}"]
        )
    gaps, errors = gap_and_errors(stack, data, "validation", goal)
    assert (gaps <= TOLERANCES + 1e-9).all()
    # One model, so a wider bound has no more errors; the widest has no more than one threshold for all.
    for task in range(2):
        order = np.argsort(TOLERANCES[:, task], kind="stable")
        assert (np.diff(errors[order, task]) <= 0).all()
    assert (errors[3] <= gap_and_errors(vanilla, data, "validation", goal)[1][3]).all()
    assert not np.array_equal(stack.evaluation.metrics["test_error"], vanilla.evaluation.metrics["test_error"])


@pytest.mark.parametrize("goal", GAPS)
@pytest.mark.parametrize("rule", [Threshold(), Threshold("fixed", 0.4)])
def test_under_another_rule_it_decides_who_is_positive_and_not_how_many(device_data, goal, rule) -> None:
    data = device_data(torch.float32, rows=1200)
    stack = train_four(data, ThresholdFrontier(LossSettings(goal=goal)), rule)
    vanilla = train_four(data, METHODS["vanilla"](LossSettings()), rule)
    rates_of = [each.evaluation.metrics["validation_realised_positive_rate"] for each in (stack, vanilla)]
    np.testing.assert_array_equal(*rates_of)
    gaps, errors = gap_and_errors(stack, data, "validation", goal)
    if goal != "odds":
        assert (gaps <= TOLERANCES + 0.02).all(), "within a row or two"
    for task in range(2):
        order = np.argsort(TOLERANCES[:, task], kind="stable")
        assert (np.diff(errors[order, task]) <= 0).all()
    assert (errors[3] <= gap_and_errors(vanilla, data, "validation", goal)[1][3]).all()


def test_rows_of_unknown_group_take_the_common_threshold(device_data) -> None:
    """In the cells without a group of the attribute the counts are those of vanilla."""
    data = device_data(torch.float32, rows=1200, unknown=0.2)
    unknown = data.cells[:, data.acts_on[0]] < 0
    assert unknown.any()
    for threshold in (Threshold(), Threshold("fixed", 0.4)):
        stack = train_four(data, ThresholdFrontier(LossSettings()), threshold)
        vanilla = train_four(data, METHODS["vanilla"](LossSettings()), threshold)
        for split in ("validation", "test"):
            found, expected = (np.stack(each.evaluation.confusion[split], 1) for each in (stack, vanilla))
            np.testing.assert_array_equal(found[:, :, unknown], expected[:, :, unknown])
            assert not np.array_equal(found[:, :, ~unknown], expected[:, :, ~unknown])


class WithoutWeights(ThresholdFrontier):
    """As a method that was written before rows could have weights."""

    def thresholds(self, logits, labels, groups, n_groups, hyper, common):
        return super().thresholds(logits, labels, groups, n_groups, hyper, common)


class OfBefore(ThresholdFrontier):
    """As a method that was written before thresholds followed the rule of the space file."""

    def thresholds(self, logits, labels, groups, n_groups, hyper):
        return super().thresholds(logits, labels, groups, n_groups, hyper)


def test_a_method_that_knows_no_weights_decides_where_there_are_none(device_data) -> None:
    data = device_data(torch.float32)
    found, expected = (train_four(data, kind(LossSettings())) for kind in (WithoutWeights, ThresholdFrontier))
    for name, values in expected.evaluation.metrics.items():
        np.testing.assert_array_equal(found.evaluation.metrics[name], values)
    chosen = data.selection_split
    weighted = replace(data.splits[chosen], units=torch.ones(len(data.splits[chosen]), dtype=torch.int64))
    with pytest.raises(TypeError, match="weights"):
        train_four(replace(data, splits={**data.splits, chosen: weighted}), WithoutWeights(LossSettings()))


def test_a_method_that_knows_no_common_thresholds_leaves_the_positives_open(device_data) -> None:
    data, rule = device_data(torch.float32), Threshold("least_error")
    found = train_four(data, OfBefore(LossSettings()), Threshold())
    expected = train_four(data, ThresholdFrontier(LossSettings()), rule)
    for name, values in expected.evaluation.metrics.items():
        np.testing.assert_array_equal(found.evaluation.metrics[name], values)


def test_the_space_file_names_tolerances_by_task(tmp_path) -> None:
    document = {
        "name": "mine",
        "data": {"name": "lsac"},
        "parameters": {"learning_rate": 0.1, "epochs": 2, "tolerance": {"uniform": [0, 0.2]}},
        "methods": {"post": {"class": "paretofair.methods.threshold_frontier:ThresholdFrontier"}},
        "stages": {"baselines": {"runs": 1}, "sweep": {"trials": 3}},
    }
    path = tmp_path / "space.yaml"
    path.write_text(yaml.safe_dump(document))
    spaces = {goal: load_space(path, [f"fairness.goal={goal}"]) for goal in ("fpr", "odds")}
    view = spaces["odds"].method("post")
    assert describe_threshold(view) == "base_rate by group", "rows say what rule they have"
    assert describe_threshold(spaces["odds"].baselines) == "base_rate"
    assert describe_threshold(load_space(path, ["threshold={fixed: 0.5}"]).baselines) == "fixed 0.5"
    assert set(view.parameters["tolerance"]) == set(view.tasks)
    assert view.space_id("sweep") != spaces["fpr"].method("post").space_id("sweep")
    assert spaces["odds"].baselines.space_id("baselines") == spaces["fpr"].baselines.space_id("baselines")
