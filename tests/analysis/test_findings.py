"""What is taken from the tables, against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.comparison import comparison, optimism
from paretofair.analysis.findings import (
    compare_gaps,
    compare_groups,
    compare_rates,
    find_cost_of_choosing,
    find_differences,
    list_changes,
)
from paretofair.analysis.rules import choose_points
from paretofair.metrics import rates
from paretofair.statistics.intervals import seed_interval


def test_which_methods_differ(made_up_run):
    found, pairs = find_differences(made_up_run), comparison(made_up_run)
    assert found["difference"].abs().tolist() == sorted(pairs["difference"].abs(), reverse=True)
    assert set(found["differs"]) == {"cannot be tested"}
    volumes = made_up_run.hypervolumes.groupby("method")["test_hypervolume"].mean()
    for row in found.itertuples():
        other = row.against if row.better == row.method else row.method
        assert volumes[row.better] >= volumes[other]


@pytest.mark.parametrize(
    ("p_holm", "testable", "expected"), [(0.04, True, "yes"), (0.2, True, "no"), (0.3, False, "cannot be tested")]
)
def test_what_is_said_of_a_pair(made_up_run, monkeypatch, p_holm, testable, expected):
    pairs = comparison(made_up_run).assign(p_holm=p_holm, testable=testable)
    monkeypatch.setattr("paretofair.analysis.findings.comparison", lambda results, of: pairs)
    assert set(find_differences(made_up_run)["differs"]) == {expected}


def test_what_choosing_cost(made_up_run):
    found, table = find_cost_of_choosing(made_up_run), optimism(made_up_run)
    kept = table[table["optimism_low"] > 0]
    assert len(found) == len(kept) > 0
    assert set(zip(found["method"], found["metric"], strict=True)) == set(
        zip(kept["method"], kept["metric"], strict=True)
    )
    for _, own in found.groupby("metric"):
        assert own["optimism"].is_monotonic_decreasing


def find_vanilla(chosen: pd.DataFrame, seed: int) -> str:
    return chosen.loc[(chosen["method"] == "vanilla") & (chosen["seed"] == seed), "trial_id"].iloc[0]


def test_what_becomes_of_gaps(made_up_run):
    found, chosen = compare_gaps(made_up_run), choose_points(made_up_run)
    assert found["change"].is_monotonic_decreasing
    assert "vanilla" not in set(found["method"])
    np.testing.assert_allclose(found["value"] - found["vanilla"], found["change"])
    codes, expected = {"sex": [0, 0, 1, 1], "race": [0, 1, 0, 1], "sex_x_race": [0, 1, 2, 3]}, {}
    for method in ("mtaf", "own_method"):
        for t, task in enumerate(made_up_run.tasks):
            for grouping, code in codes.items():
                changes = []
                for row in chosen[chosen["method"] == method].itertuples():
                    counts = made_up_run.cells.of([row.trial_id, find_vanilla(chosen, row.seed)])["test"][t].values
                    gaps = rates.fpr_gap(rates.merge(counts, np.array(code), max(code) + 1))
                    changes.append(gaps[0] - gaps[1])
                expected[method, task, grouping] = seed_interval(changes)
    rows = found.set_index(["method", "task", "grouping"])
    assert set(rows.index) == set(expected)
    for key, interval in expected.items():
        assert tuple(rows.loc[key, ["change", "low", "high"]]) == pytest.approx(
            (interval.mean, interval.low, interval.high)
        )
        assert rows.loc[key, "seeds"] == 4


def test_what_becomes_of_groups(made_up_run):
    found, chosen = compare_groups(made_up_run), choose_points(made_up_run)
    assert (found["change"] * found["rows"]).is_monotonic_decreasing
    assert {(row.attribute, row.group) for row in found.itertuples()} <= {
        *(("sex", name) for name in ("Female", "Male")),
        *(("race", name) for name in ("White", "Black")),
    }
    cells = {"Female": [0, 1], "Male": [2, 3], "White": [0, 2], "Black": [1, 3]}
    for row in found.itertuples():
        t, errors = made_up_run.tasks.index(row.task), []
        for own in chosen[chosen["method"] == row.method].itertuples():
            counts = made_up_run.cells.of([own.trial_id, find_vanilla(chosen, own.seed)])["test"][t].values
            errors.append(rates.error(counts[:, cells[row.group]].sum(1)))
        value, vanilla = np.mean(errors, 0)
        assert (row.value, row.vanilla) == pytest.approx((value, vanilla))


def test_the_rates_behind_the_treated_gap(made_up_run):
    found, chosen, cells = compare_rates(made_up_run), choose_points(made_up_run), {"Female": [0, 1], "Male": [2, 3]}
    assert len(found) == 2 * 2 * 2
    for row in found.itertuples():
        t, measured = made_up_run.tasks.index(row.task), []
        for own in chosen[chosen["method"] == row.method].itertuples():
            counts = made_up_run.cells.of([own.trial_id, find_vanilla(chosen, own.seed)])["test"][t].values
            measured.append(rates.false_positive_rate(counts[:, cells[row.group]].sum(1)))
        assert (row.attribute, row.metric) == ("sex", "false_positive_rate")
        assert (row.value, row.vanilla) == pytest.approx(tuple(np.mean(measured, 0)))


def test_every_change_stands_in_one_table(made_up_run):
    table = list_changes(made_up_run)
    parts = [compare_gaps(made_up_run), compare_rates(made_up_run), compare_groups(made_up_run)]
    assert len(table) == sum(map(len, parts))
    assert set(table["metric"]) == {"fpr_gap", "false_positive_rate", "error"}
    np.testing.assert_allclose(table["change"], np.concatenate([each["change"] for each in parts]))


def test_nothing_to_find(made_up_results):
    bare = made_up_results(trials=3)
    for found in (compare_gaps(bare), compare_groups(bare)):
        assert found.empty
        assert "change" in found
    pooled = made_up_results(protocol="paper")
    assert find_differences(pooled).empty
    assert find_cost_of_choosing(pooled).empty
    none = type(bare).of(bare.trials[bare.trials["stage"] != "baselines"], bare.settings)
    assert find_differences(none).empty
    assert find_cost_of_choosing(none).empty
