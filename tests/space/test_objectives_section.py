"""Sets of objectives, the gap and metrics of the user's own in the space file."""

from __future__ import annotations

import sys

import pytest

from paretofair import user_code
from paretofair.analysis.reading.settings import read_plain
from paretofair.errors import SpaceError
from paretofair.runs.rehearsal import rehearse_methods
from paretofair.runs.run import RunOptions, load_splits
from paretofair.space.identity import compare
from paretofair.space.space import dump, load_space

from .conftest import EXAMPLE

SETS = """\
[arfg_are, {name: ap_odds, of: [average_precision, equalized_odds_sum], reference: [0.6, 0.5]},
               {name: two, of: [mine, error_pass_bar]}]"""
METRICS = "metrics: {mine: {function: 'own_metrics:mine', direction: maximised, worst: 0}}\nresources:"
CODE = "def mine(counts):\n    return counts[:, 0, 0] / counts[:, 0, :4].sum(-1)\n"
OWN = EXAMPLE.replace("[arfg_are, high_grade, all]", SETS).replace("resources:", METRICS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a space file and a module that no other test has seen."""
    (tmp_path / "own_metrics.py").write_text(CODE)
    (tmp_path / "space.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield tmp_path
    sys.modules.pop("own_metrics", None)
    user_code.load.cache_clear()


def test_sets_and_metrics_come_back(folder):
    space = load_space(folder / "space.yaml")
    assert space.metrics["mine"].code == user_code.digest("own_metrics:mine")
    (folder / "again.yaml").write_text(dump(space))
    again = load_space(folder / "again.yaml")
    assert again == space
    settings = read_plain(space.model_dump(mode="json", exclude_none=True))
    assert settings.objectives == ("arfg_are", "ap_odds", "two")
    tasks = ["high_grade", "pass_bar"]
    assert settings.build_set("ap_odds", tasks).corner.tolist() == [-0.6, 0.5]
    assert settings.build_set("two", tasks).reference == (0.0, 1.0)
    assert settings.build_set("two", tasks).losses([[0.3, 0.2]]).tolist() == [[-0.3, 0.2]]


ASKED = EXAMPLE.replace("[arfg_are, high_grade, all]", "[arfg_are, {name: b, of: [brier, abroca_pass_bar]}]")


def test_what_is_named_is_asked_for(write):
    assert load_space(write(EXAMPLE)).metrics == {}
    space = load_space(write(ASKED), ["constraints=[calibration_gap <= 0.2]", "metrics={within: {given: tier}}"])
    assert list(space.metrics) == ["within", "brier", "calibration_gap", "abroca"]
    names = [metric.name for metric in space.method("mtaf").own_metrics]
    assert names == ["within", "brier", "calibration_gap", "abroca"]
    assert space.method("mtaf").given == ("tier",)
    assert space.method("mtaf").identity("sweep")["metrics"]["within"] == {"given": "tier"}
    again = load_space(write(dump(space)))
    assert again == space
    settings = read_plain(space.model_dump(mode="json", exclude_none=True))
    assert settings.own_metrics == space.method("mtaf").own_metrics
    assert settings.build_set("b", ["high_grade", "pass_bar"]).reference == (1.0, 1.0)
    assert load_space(write(EXAMPLE), ["frontiers.gap=calibration_gap"]).metrics.keys() == {"calibration_gap"}
    assert load_space(write(EXAMPLE), ["metrics={brier: }"]).metrics.keys() == {"brier"}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("metrics={brierr: }", "metrics.brierr: required: a function, or what is given; without them one of brier"),
        ("metrics={brier: {given: tier}}", "metrics.brier: found 'brier'; it is a metric of ours; choose another name"),
        ("metrics={mine: {given: tier, direction: minimised}}", "metrics.mine: direction belongs to a function"),
        ("metrics={mine: {function: 'a:b', given: tier}}", "metrics.mine: function and given exclude each other"),
        ("metrics={mine: {function: 'a:b'}}", "metrics.mine: direction is required of a function; accepted: minimised"),
    ],
)
def test_metrics_that_are_none(write, override, words):
    with pytest.raises(SpaceError) as caught:
        load_space(write(EXAMPLE), [override])
    assert words in str(caught.value)


def test_the_gap_is_that_of_the_goal(write):
    for goal, gap in (("fpr", "fpr_gap"), ("tpr", "tpr_gap"), ("odds", "equalized_odds_mean")):
        assert load_space(write(EXAMPLE), [f"fairness.goal={goal}"]).frontiers.gap == gap
    space = load_space(write(EXAMPLE), ["fairness.goal=odds", "frontiers.gap=tpr_gap"])
    assert space.frontiers.gap == "tpr_gap"
    of_a_method = load_space(write(EXAMPLE), ["methods.mtaf.fairness.goal=odds"])
    assert of_a_method.frontiers.gap == "fpr_gap"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("frontiers.gap=fpr", "frontiers.gap: found 'fpr'; accepted: "),
        ("frontiers.gap=auc", "frontiers.gap: found 'auc'; accepted: "),
        ("frontiers.objectives=[x]", "frontiers.objectives[0]: found 'x'; accepted: arfg_are, high_grade, pass_bar"),
        ("frontiers.objectives=[3]", "frontiers.objectives[0]: found 3; expected a mapping"),
        ("frontiers.objectives=[{name: a}]", "expected a name, or {name: ap_odds, of: [METRIC, METRIC]}"),
        ("frontiers.objectives=[{name: a, of: [error]}]", "`of` has 1 objectives; a frontier needs at least two"),
        ("frontiers.objectives=[{name: a, of: [error, auc, auc]}]", "'auc' stands in the list more than once"),
        ("frontiers.objectives=[{name: a, of: [error, auk]}]", "of[1]: no metric 'auk'. Did you mean `auc`?"),
        ("frontiers.objectives=[{name: a, of: [error, positive_rate]}]", "no metric 'positive_rate'"),
        ("frontiers.objectives=[{name: all, of: [error, auc]}]", "found 'all', which is a set that every run has"),
        ("frontiers.objectives=[{name: a/b, of: [error, auc]}]", "objectives[0].name: found 'a/b'; accepted: letters"),
        (
            "frontiers.objectives=[{name: a, of: [error, auc], reference: [1]}]",
            "reference has 1 numbers, expected 2 as in `of`",
        ),
        (
            "frontiers.objectives=[{name: a, of: [error, auc]}, {name: a, of: [error, fpr_gap]}]",
            "'a' stands in the list more than once",
        ),
        (
            "stages.tune={parameters: [epochs], settings: 2, trials: 2, objectives: b}",
            "stages.tune.objectives: found 'b'; accepted: arfg_are, high_grade, pass_bar, accuracies, all",
        ),
        ("metrics={auc: {function: 'a:b', direction: minimised}}", "metrics.auc: found 'auc'; it is a metric of ours"),
        ("metrics={a-b: {function: 'a:b', direction: minimised}}", "metrics.a-b: found 'a-b'; it must be letters"),
        ("metrics={m: {function: 'no_such:b', direction: minimised}}", "metrics.m.function: cannot import 'no_such'"),
        ("metrics={m: {function: 'math:pi', direction: minimised}}", "metrics.m.function: math:pi is not callable"),
        ("metrics={m: {function: 'math:sin', direction: up}}", "metrics.m.direction: found 'up'; accepted: minimised"),
    ],
)
def test_what_is_refused(refusal, override, words):
    assert words in refusal(overrides=(override,))


def test_a_metric_without_a_worst_value_needs_a_reference_point(folder):
    (folder / "space.yaml").write_text(OWN.replace(", worst: 0", ""))
    with pytest.raises(SpaceError, match=r"frontiers.objectives\[2\].reference: required: a metric of the set has no"):
        load_space(folder / "space.yaml")


def test_what_is_a_part_of_the_identity(folder, write):
    plain, own = load_space(write(EXAMPLE)), load_space(folder / "space.yaml", ["metrics={}", "frontiers={}"])
    assert compare(plain, own) == []
    gap = load_space(write(EXAMPLE), ["frontiers.gap=tpr_gap"])
    assert compare(plain, gap) == []
    led = ["stages.sweep.sampler=tpe"]
    differs = compare(load_space(write(EXAMPLE), led), load_space(write(EXAMPLE), [*led, "frontiers.gap=tpr_gap"]))
    assert any("gap" in line for line in differs)
    (folder / "space.yaml").write_text(OWN)
    with_metric = load_space(folder / "space.yaml")
    assert with_metric.baselines.identity("baselines")["metrics"].keys() == {"mine"}
    assert "metrics" not in plain.method("mtaf").identity("sweep")
    assert "gap" not in plain.method("mtaf").identity("sweep")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "def mine(counts):\n    return counts.nosuch\n",
            r"AttributeError: .*metrics.py, line 2: return",
        ),
        ("def mine(counts):\n    return 'x'\n", "the metric mine returned str, expected numbers"),
        ("def mine(counts):\n    return 1.0\n", r"returned an array of shape \(\), expected numbers \(2,\)"),
        ("def mine():\n    return 1.0\n", "TypeError"),
    ],
)
def test_errors_of_a_metric_are_told_before_any_training(folder, code, words):
    (folder / "own_metrics.py").write_text(code)
    space = load_space(folder / "space.yaml", ["data.source=simulated", "frontiers={}"])
    splits = load_splits(space, RunOptions(folder, ["vanilla"])).of(0)
    with pytest.raises(SpaceError, match=f"metrics.mine: own_metrics:mine cannot be measured: .*{words}"):
        rehearse_methods([space.baselines], splits)


@pytest.mark.parametrize(
    "override", ["training.keep_epoch={by: brier}", "methods.mtaf.training={keep_epoch: {by: brier_pass_bar}}"]
)
def test_a_metric_by_which_an_epoch_is_kept_is_measured(folder, override):
    (folder / "space.yaml").write_text(EXAMPLE)
    space = load_space(folder / "space.yaml", [override])
    assert [metric.name for metric in space.method("mtaf").own_metrics] == ["brier"]
