"""Objectives by their names, and sets of them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.metrics import rates
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.objectives import (
    NamedSet,
    Objective,
    build_set,
    known_objectives,
    measure_counts,
    needed_metrics,
    parse_goal,
    parse_objective,
    stored_metrics,
    values_of_tasks,
)
from paretofair.metrics.registry import METRICS, own_metric

TASKS = ["income", "gap", "x_income"]


def test_every_name_is_read_as_what_it_is() -> None:
    names = known_objectives(TASKS)
    assert len(names) == len(set(names)) + 2, "auc and accuracy of the task gap are named like means of gaps"
    for name in names:
        found = parse_goal(name, TASKS)
        assert found.name == name
        assert found.metric.is_objective
    assert names[:2] == ["arfg", "are"]


def test_the_task_is_found_first() -> None:
    assert parse_objective("auc_gap", TASKS) == Objective(METRICS["auc"], "gap")
    assert parse_objective("auc_gap", ["income"]) == Objective(METRICS["auc_gap"])
    assert parse_objective("error_x_income", TASKS) == Objective(METRICS["error"], "x_income")
    assert parse_objective("fpr_gap_signed_gap", TASKS) == Objective(METRICS["fpr_gap_signed"], "gap")
    mine = {**METRICS, "mine": own_metric("mine", "a:b", "rows", "maximised")}
    assert parse_objective("mine_income", TASKS, mine).metric.own is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "eror_income",
            "no metric 'eror_income'. Did you mean `error_income`? Accepted: arfg, are, group_error",
        ),
        ("arfg_income", "no metric 'arfg_income'"),
        ("hypervolume", "no metric 'hypervolume'"),
        ("positive_rate", "no metric 'positive_rate'"),
        ("equal_opportunity_ratio", "cancel in its mean: name a task"),
        ("realised_positive_rate", "realised_positive_rate is no objective"),
        ("", "no metric ''"),
    ],
)
def test_refusals(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_goal(name, TASKS)


def test_reference_points() -> None:
    worst = build_set(NamedSet("one", ("auc", "error_income", "equalized_odds_sum")), TASKS)
    assert worst.reference == (0.0, 1.0, 2.0)
    assert worst.corner.tolist() == [0.0, 1.0, 2.0]
    relative = build_set(NamedSet("two", ("arfg", "auc")), TASKS, bounds={"arfg": 1.5, "are": 1.1})
    assert relative.reference == (1.5, 0.0)
    given_one = build_set(NamedSet("three", ("auc", "disparate_impact_ratio"), (0.6, 0.8)), TASKS)
    assert given_one.corner == pytest.approx([-0.6, 0.2])
    mine = {**METRICS, "mine": own_metric("mine", "a:b", "rows", "maximised")}
    without = build_set(NamedSet("four", ("mine", "error")), TASKS, mine)
    assert without.reference is None
    with pytest.raises(ValueError, match="the set four needs a reference point: mine has no worst value"):
        without.corner  # noqa: B018


@given(st.integers(0, 2**32 - 1))
def test_values_follow_from_what_is_measured_or_from_counts(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = [random.integers(0, 9, (4, groups, 6)).astype(float) for groups in (2, 3)]
    stored = {name: np.stack([METRICS[name].of_groups(own) for own in counts], -1) for name in ("fpr_gap", "tpr_gap")}
    stored["error"] = random.random((4, 2))
    for metric in METRICS.values():
        if not metric.is_of_tasks:
            continue
        found = values_of_tasks(metric, stored.get, lambda: [TaskCounts(own) for own in counts])
        if metric.source == "counts":
            expected = np.stack([metric.of_groups(own) for own in counts], -1)
            np.testing.assert_array_equal(found, expected)
            assert values_of_tasks(metric, stored.get) is None
        elif metric.name in ("equalized_odds_sum", "equalized_odds_max", "equalized_odds_mean"):
            np.testing.assert_array_equal(found, np.stack([getattr(rates, metric.name)(own) for own in counts], -1))
        elif metric.name in stored:
            assert found is stored[metric.name]
        elif metric.name != "accuracy":
            assert found is None


def test_what_is_needed_for_objectives() -> None:
    wanted = [parse_objective(name, TASKS) for name in ("arfg", "are", "accuracy", "equalized_odds_max_income")]
    needed = needed_metrics(wanted, "demographic_parity_gap")
    assert [each.name for each in needed] == ["demographic_parity_gap", "error", "accuracy", "equalized_odds_max"]
    assert stored_metrics(needed) == ["error", "fpr_gap", "tpr_gap"]


@given(st.integers(0, 2**32 - 1))
def test_of_several_classes_the_worst_counts(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = TaskCounts(random.integers(1, 9, (4, 2, 2, 3, 3)).astype(float), 3)
    for metric in METRICS.values():
        if metric.of_groups is None:
            continue
        found = measure_counts(metric, counts)
        assert found.shape == (4,)
        if metric.direction == "best at 0":
            assert np.isnan(found).all()
        elif metric.combine is not None:
            # As in the trial table: of the worst values of its parts, which need not be those of one class.
            parts = [measure_counts(METRICS[part], counts) for part in metric.parts]
            np.testing.assert_allclose(found, metric.combine(*parts))
        elif metric.name not in ("accuracy_gap", "worst_group_accuracy", "worst_group_error"):
            every = metric.of_groups(counts.by_class)
            np.testing.assert_allclose(metric.loss(found), metric.loss(every).max(-1))


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("equalized_odds_difference", "equalized_odds_max"),
        ("demographic_parity_difference", "demographic_parity_gap"),
        ("accuracy_score", "accuracy"),
    ],
)
def test_names_of_other_libraries_are_led_to_ours(name, ours):
    with pytest.raises(ValueError, match=f"Did you mean `{ours}`"):
        parse_objective(name, ["income"])
