"""Tests of single-task gaps, against groups permuted row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.chance.counted_gaps import compare_gap, draw_deviations, follows_from_decisions, merge_worth
from paretofair.analysis.chance.reliability import find_unreliable, with_gap_tests
from paretofair.analysis.relative import find_single_task
from paretofair.analysis.results import Results
from paretofair.metrics import rates
from paretofair.metrics.counts.task_counts import TaskCounts
from paretofair.metrics.objectives import measure_counts
from paretofair.metrics.registry import METRICS
from paretofair.statistics.gaps import GapTest

GAPS = ["fpr_gap", "tpr_gap", "equalized_odds_sum", "equalized_odds_max", "equalized_odds_mean"]
GAPS += ["demographic_parity_gap", "accuracy_gap"]
# Logarithms of rates, whose means over permutations vary more than the test of the others allows.
EPSILONS = ["epsilon_fpr", "epsilon_tpr", "epsilon_odds", "epsilon_parity"]


def count_rows(
    labels: np.ndarray, decisions: np.ndarray, groups: np.ndarray, n_groups: int, classes: int
) -> np.ndarray:
    """Counts by group, and one more without rows, of rows whose labels and decisions are 0, 1, …: `(groups + 1, …)`."""
    found = np.zeros((n_groups + 1, max(classes, 2), max(classes, 2)))
    np.add.at(found, (groups, labels, decisions), 1)
    if classes:
        return np.stack([found, np.zeros_like(found)], 1)
    six = np.stack([found[:, 1, 1], found[:, 0, 1], found[:, 0, 0], found[:, 1, 0]], -1)
    return np.concatenate([six, np.zeros((n_groups + 1, 2))], -1)


def draw_rows(random: np.random.Generator, classes: int, apart: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, decisions and groups; `apart` of the decisions in group 0 are the last one, whatever the label."""
    groups = random.choice(3, 300, p=[0.5, 0.3, 0.2])
    labels = random.integers(0, max(classes, 2), 300)
    decisions = np.where(random.random(300) < 0.7, labels, random.integers(0, max(classes, 2), 300))
    decisions[(groups == 0) & (random.random(300) < apart)] = max(classes, 2) - 1
    return labels, decisions, groups


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", GAPS)
def test_as_with_groups_permuted_row_by_row(name, classes):
    random, metric = np.random.default_rng(5), METRICS[name]
    labels, decisions, groups = draw_rows(random, classes, 0.15)
    counts = TaskCounts(count_rows(labels, decisions, groups, 3, classes)[None], classes)
    gap = float(measure_counts(metric, TaskCounts(counts.values[:, :3], classes))[0])
    drawn = []
    for _ in range(1500):
        moved = groups.copy()
        # Of rates given the label within it; of the others among all rows.
        strata = [labels == each for each in np.unique(labels)] if name in GAPS[:5] else [np.full(300, True)]
        for rows in strata:
            moved[rows] = random.permutation(groups[rows])
        drawn.append(count_rows(labels, decisions, moved, 3, classes)[:3])
    null = measure_counts(metric, TaskCounts(np.stack(drawn), classes))
    found = compare_gap(metric, counts, gap)
    share = np.mean(null >= gap - 1e-12)
    assert found.p_value == pytest.approx(share, abs=4 * (share * (1 - share) / 1500) ** 0.5 + 2e-3)
    assert found.null_mean == pytest.approx(null.mean(), rel=0.04)
    assert found.detectable > np.quantile(null, 0.95) * 0.95


@pytest.mark.parametrize("classes", [0, 3])
def test_what_is_there_is_found(classes):
    random = np.random.default_rng(0)
    for apart, resolved in ((0.0, False), (0.5, True)):
        counts = TaskCounts(count_rows(*draw_rows(random, classes, apart), 3, classes)[None], classes)
        own = TaskCounts(counts.values[:, :3], classes)
        for name in GAPS[:6]:
            gap = float(measure_counts(METRICS[name], own)[0])
            assert (compare_gap(METRICS[name], counts, gap).p_value <= 0.05) == resolved, name


def test_which_gaps_follow_from_decisions():
    assert [name for name in METRICS if follows_from_decisions(METRICS[name])] == [*GAPS, *EPSILONS]


def test_deviations_are_gaps_of_what_rates_differ_by():
    random = np.random.default_rng(1)
    for classes in (0, 3):
        counts = TaskCounts(count_rows(*draw_rows(random, classes, 0.2), 3, classes)[None], classes)
        share = counts.rows / counts.rows.sum(-1, keepdims=True)
        errors, of_gap = draw_deviations(METRICS["accuracy_gap"], counts, 400, 0, share)
        assert errors.shape == of_gap.shape == (400, 1)
        own = counts.total.rate("error", rates.error)[0, 0]
        assert errors.mean() == pytest.approx(0, abs=0.01)
        assert errors.std() == pytest.approx(np.sqrt(own * (1 - own) / 300), rel=0.25)
        assert (of_gap >= 0).all()
        both = [draw_deviations(METRICS[name], counts, 50, 0, share)[1] for name in GAPS[:4]]
        np.testing.assert_allclose(both[2], both[0] + both[1])
        np.testing.assert_allclose(both[3], np.maximum(both[0], both[1]))
    assert not draw_deviations(None, counts, 10, 0, share)[1].size


def test_baselines_are_tested(made_up_run):
    table = made_up_run.tested_baselines
    assert list(table)[:14] == [
        *("split_id", "task", "split", "metric", "mean", "std", "low", "high", "runs", *GapTest._fields, "source")
    ]
    assert made_up_run.unreliable == {}
    tested = table[table["p_value"].notna()]
    assert set(zip(tested["split"], tested["metric"], strict=True)) == {
        (split, "fpr_gap") for split in ("validation", "test")
    }
    assert (tested["p_value"] == 1 / 10_000).all()
    # The negatives of each sex, about half of 1,100 and 1,240 rows; decisions .16 apart around .24.
    row = tested.query("split == 'test' and task == 'bar'").iloc[0]
    assert row["detectable"] == pytest.approx(2.8 * np.sqrt(0.23 * 0.77 * (1 / 550 + 1 / 620)), rel=0.1)
    pd.testing.assert_frame_equal(table.drop(columns=list(GapTest._fields)), made_up_run.baselines)


def test_an_attribute_without_a_gap_is_not_resolved(run_folder):
    """Decisions follow from sex alone; intersections have a gap again, among four groups."""
    results = Results(run_folder, sensitive="race")
    # The stored gaps are those between the sexes: what is tested is the gap that the table says.
    cells, alone = results.cells, find_single_task(results.trials)
    ids = alone.loc[alone["task_weight_bar"] == 1, "trial_id"].tolist()
    counts = merge_worth(cells.of(ids)["test"][1], None, cells, "race")
    gap = float(measure_counts(METRICS["fpr_gap"], TaskCounts(counts.values[:, :-1])).mean())
    assert compare_gap(METRICS["fpr_gap"], counts, gap).p_value > 0.05


def test_rows_that_are_worth_less_show_less(made_up_run):
    cells, alone = made_up_run.cells, find_single_task(made_up_run.trials)
    ids = alone.loc[alone["task_weight_bar"] == 1, "trial_id"].tolist()
    counts = cells.of(ids)["test"][1]
    whole, quarter = merge_worth(counts, None, cells, "sex"), merge_worth(counts, counts.rows / 4, cells, "sex")
    assert quarter.rows.sum() == pytest.approx(whole.rows.sum() / 4, rel=0.01)
    full, less = (compare_gap(METRICS["fpr_gap"], each, 0.16) for each in (whole, quarter))
    assert less.null_mean == pytest.approx(2 * full.null_mean, rel=0.1)
    assert less.detectable == pytest.approx(2 * full.detectable, rel=0.1)


def test_rows_of_no_group_stand_behind_the_groups(made_up_run):
    cells, alone = made_up_run.cells, find_single_task(made_up_run.trials)
    counts = cells.of(alone["trial_id"].tolist()[:1])["test"][0]
    cells.groups[0] = -1
    try:
        merged = merge_worth(counts, None, cells, "sex")
    finally:
        cells.groups[0] = 0
    assert merged.rows[0, -1] == counts.rows[0, 0]
    assert merged.rows.sum() == counts.rows.sum()


def make_table(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["split_id", "task", "split", "metric", "p_value"])


def test_which_tasks_are_named():
    rows = [
        ("s0", "grade", split, "fpr_gap", p) for split, p in (("train", np.nan), ("validation", 0.01), ("test", 0.05))
    ]
    rows += [
        ("s0", "bar", split, "fpr_gap", p) for split, p in (("train", np.nan), ("validation", 0.2), ("test", 0.06))
    ]
    rows += [("s0", "bar", "test", "tpr_gap", 0.001), ("s0", "third", "test", "fpr_gap", np.nan)]
    assert find_unreliable(make_table(rows)) == {"bar": "validation, test", "third": "not tested"}
    assert find_unreliable(make_table(rows), "tpr_gap") == {}
    other = [("s1", "bar", split, "fpr_gap", 0.001) for split in ("validation", "test")]
    assert find_unreliable(make_table(rows[3:6] + other)) == {
        "bar": "validation in 1 of 2 splits, test in 1 of 2 splits"
    }


def test_a_table_without_counts_is_not_tested(made_up_results):
    assert made_up_results(trials=3).unreliable == {"grade": "not tested", "bar": "not tested"}
    given = made_up_results(trials=3).baselines
    assert find_unreliable(given) == {"grade": "not tested", "bar": "not tested"}
    assert with_gap_tests(given, pd.DataFrame(), ["grade", "bar"])["p_value"].isna().all()
