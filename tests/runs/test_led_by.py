"""Any metric leads a search: what halving compares, what samplers are told, which weights are kept, what is read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.reading.settings import ReportSettings
from paretofair.metrics.objectives import NamedSet, build_set
from paretofair.metrics.registry import METRICS
from paretofair.runs.build import build_halving
from paretofair.runs.rows import choose_weights
from paretofair.runs.session import choose_metrics, derive_columns, kept_objectives
from paretofair.runs.stages.studies import tell_rows
from paretofair.runs.stages.tune import compare_settings
from paretofair.space.space import load_space

SPACE = """\
name: led
data: {name: lsac}
fairness: {goal: parity}
parameters: {learning_rate: {uniform: [0.01, 0.1]}, epochs: [5, 9], task_weight: simplex}
methods: {vanilla: , max_min: }
stages:
  baselines: {parameters: {learning_rate: 0.06, epochs: 5}}
  sweep:
    trials: 12
    successive_halving:
      bracket: 4
      rungs: [2]
      objectives: [arfg, auc, worst_group_accuracy_pass_bar, disparate_impact_ratio]
"""


SET = ["frontiers.objectives=[{name: a, of: [average_precision, worst_group_accuracy]}]"]


@pytest.fixture
def load(tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE)
    return lambda *overrides: load_space(tmp_path / "space.yaml", overrides)


def test_halving_by_any_metric(load):
    space = load().method("vanilla")
    means = {("demographic_parity_gap", "high_grade"): 0.1, ("demographic_parity_gap", "pass_bar"): 0.4}
    rows = [("s", "validation", metric, task, mean) for (metric, task), mean in means.items()]
    denominators = pd.DataFrame(rows, columns=["split_id", "split", "metric", "task", "mean"])
    halving = build_halving(space, denominators, "s")
    random = np.random.default_rng(0)
    values = {each.metric.name: random.random((8, 2)) for each in halving.objectives}
    kept = halving.survivors(lambda metric: values[metric.name], np.repeat([0, 1], 4))
    losses = np.column_stack(
        [
            (values["demographic_parity_gap"] / [0.1, 0.4]).mean(1),
            -values["auc"].mean(1),
            -values["worst_group_accuracy"][:, 1],
            np.abs(values["disparate_impact_ratio"].mean(1) - 1),
        ]
    )
    for own in (slice(0, 4), slice(4, 8)):
        for row, goes_on in zip(losses[own], kept[own], strict=True):
            beaten = any((other <= row).all() and (other < row).any() for other in losses[own])
            assert not (goes_on and beaten)
    assert kept.reshape(2, 4).sum(1).tolist() == [2, 2]


def test_samplers_are_told_losses():
    told = []
    sampler = SimpleNamespace(
        options=SimpleNamespace(objectives=("auc_x", "equal_opportunity_ratio_x", "error")),
        columns=["w"],
        tell=lambda *what: told.append(what),
    )
    rows = pd.DataFrame({"w": [1.0, 2.0], "validation_auc_x": [0.7, 0.8], "validation_error": [0.2, 0.1]})
    rows = rows.assign(validation_equal_opportunity_ratio_x=[1.2, 0.9], validation_auc=[0.5, 0.6])
    tell_rows(sampler, rows, np.arange(2), ReportSettings(constraints=("auc >= 0.55",)), ["x"])
    _, values, losses, missed = told[0]
    assert values["w"].tolist() == [1.0, 2.0]
    np.testing.assert_allclose(losses, [[-0.7, 0.2, 0.2], [-0.8, 0.1, 0.1]])
    np.testing.assert_allclose(missed, [[0.05], [-0.05]])


def test_weights_are_kept_that_any_set_may_want(load):
    sets = "[arfg_are, accuracies, {name: a, of: [auc, error]}, {name: b, of: [error, auc_pass_bar]}]"
    kept = kept_objectives(load(f"frontiers.objectives={sets}"))
    assert [[metric.name for metric in each] for each in kept] == [
        ["demographic_parity_gap", "error"],
        ["auc", "error"],
    ]
    auc = np.array([[0.9, 0.9], [0.5, 0.8], [0.6, 0.6], [0.7, 0.99]])
    error = np.array([[0.2, 0.2], [0.1, 0.3], [0.3, 0.3], [0.1, 0.1]])
    values = {"auc": auc, "error": error, "demographic_parity_gap": np.array([[0.1, 0.1]] * 3 + [[0.2, 0.2]])}
    stack = SimpleNamespace(
        evaluation=SimpleNamespace(values_of=lambda metric, split, data: values[metric.name].copy()),
        status=np.array(["completed"] * 4),
        parameters=np.arange(8.0).reshape(4, 2),
    )
    data = SimpleNamespace(selection_split="validation")

    class Part(SimpleNamespace):
        def __len__(self) -> int:
            return 4

    part = Part(trial_ids=list("abcd"), stage="sweep")

    def choose(objectives, models="frontier"):
        found = choose_weights(part, stack, SimpleNamespace(models=models, objectives=objectives), data)
        assert all((row == stack.parameters["abcd".index(trial)]).all() for trial, row in found.items())
        return "".join(found)

    assert choose(kept[:1]) == "abd"
    assert choose(kept[1:]) == "ad"
    assert choose(kept) == "abd"
    stack.status[3] = "diverged"
    assert choose(kept, "all") == "abc"
    assert choose(kept, "none") == ""
    part.stage = "baselines"
    assert choose(kept, "all") == ""


def test_weights_are_kept_where_a_task_has_no_value():
    """The task of the group has no amplification, an object that is never predicted neither; means go over the rest."""
    nan = np.nan
    away = np.array(
        [[0.3, 0.1, nan], [0.2, 0.2, nan], [0.3, nan, nan], [0.3, 0.3, nan], [nan, nan, nan], [0.0, nan, nan]]
    )
    error = np.array([[0.3] * 3, [0.3] * 3, [0.2] * 3, [0.4] * 3, [0.1] * 3, [0.5] * 3])
    values = {"bias_amplification": away, "error": error}
    stack = SimpleNamespace(
        evaluation=SimpleNamespace(values_of=lambda metric, split, data: values[metric.name].copy()),
        status=np.array(["completed"] * 6),
        parameters=np.zeros((6, 2)),
    )

    class Part(SimpleNamespace):
        def __len__(self) -> int:
            return 6

    part, data = Part(trial_ids=list("abcdef"), stage="sweep"), SimpleNamespace(selection_split="validation")
    objectives = [(METRICS["bias_amplification"], METRICS["error"])]
    found = "".join(choose_weights(part, stack, SimpleNamespace(models="frontier", objectives=objectives), data))
    assert found == "abcf"


def test_what_a_driver_reads(load, tmp_path):
    space = load("constraints=[auc >= 0.5]")
    wanted = choose_metrics(space)
    assert {"validation_auc_pass_bar", "train_demographic_parity_gap_high_grade"} <= wanted
    assert "validation_fpr_gap_pass_bar" not in wanted
    derived = derive_columns(space, tmp_path)
    assert [metric.name for metric in derived.metrics] == ["demographic_parity_gap"]
    assert derive_columns(load("fairness.goal=odds"), tmp_path) is None
    tuned = load("stages.tune={parameters: [learning_rate], settings: 2, trials: 2, objectives: a}", *SET)
    assert "validation_average_precision_pass_bar" in choose_metrics(tuned)
    assert {metric.name for metric in derive_columns(tuned, tmp_path).metrics} == {
        *("demographic_parity_gap", "worst_group_accuracy")
    }
    odds = choose_metrics(load("fairness.goal=odds"))
    assert {"test_fpr_gap_pass_bar", "test_tpr_gap_pass_bar"} <= odds


def test_tuning_by_any_set(load):
    tune = "stages.tune={parameters: [learning_rate], settings: 2, trials: 2, seeds: [77], objectives: high_grade}"
    space = load(tune, "stages.sweep={trials: 4}")
    assert space.stages.tune.objectives == "high_grade"
    own = build_set(NamedSet("own", ("auc_pass_bar", "error"), (0.5, 0.5)), space.tasks)
    rows = pd.DataFrame({"seed": 77, "index": range(4), "status": "completed"})
    rows = rows.assign(validation_auc_pass_bar=[0.6, 0.7, 0.9, 0.4], validation_error=[0.4, 0.3, 0.1, 0.1])
    found = compare_settings(space.method("vanilla"), rows, [], own)
    assert found["hypervolume"].tolist() == pytest.approx([0.04, 0.16])
    assert found["chosen"].tolist() == [False, True]
