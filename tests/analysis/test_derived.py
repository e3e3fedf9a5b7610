"""Metrics that the trial table does not store, against plain sums over its counts, and frontiers of any metric."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.analysis.derived import CountedMetrics, columns_behind, counted_metrics, with_objectives
from paretofair.analysis.frontiers import frontier
from paretofair.analysis.reading.settings import read_plain
from paretofair.analysis.relative import SPLITS
from paretofair.analysis.results import ReportSettings, Results
from paretofair.analysis.rules import choose_points, select_trials
from paretofair.errors import ParetofairError
from paretofair.metrics import rates
from paretofair.metrics.objectives import NamedSet, build_set, known_objectives, parse_objective
from paretofair.metrics.registry import METRICS
from paretofair.pareto.hypervolume import hypervolume
from paretofair.results import TrialTable
from paretofair.results.table_schema import TableSchema, TaskSchema, read_spelling

from .conftest import CELLS, SEEDS, TASKS

COUNTED = [metric for metric in METRICS.values() if metric.source == "counts"]


def plain(folder, metric, split: str, task: str) -> pd.Series:
    """A metric of every trial from its counts, one by one."""
    found = {}
    for path in (folder / "trials").glob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            counts = np.array(row[f"confusion_{split}"]).reshape(len(TASKS), len(CELLS), 6)[TASKS.index(task)]
            found[row["trial_id"]] = float(metric.of_groups(rates.merge(counts, CELLS["code_sex"].to_numpy(), 2)))
    return pd.Series(found)


def test_metrics_of_counts(made_up_run, run_folder):
    for metric in COUNTED:
        results = Results(run_folder, sensitive="sex")
        results.derive([parse_objective(f"{metric.name}_bar", TASKS)])
        for split in SPLITS:
            own = results.trials.set_index("trial_id")[f"{split}_{metric.name}_bar"]
            np.testing.assert_allclose(own, plain(run_folder, metric, split, "bar")[own.index], atol=1e-15)


def test_files_are_read_once_and_counts_forgotten(run_folder):
    seen = []
    counted = CountedMetrics(run_folder, tuple(COUNTED), TASKS, dict.fromkeys(TASKS, "sex"))

    def derive(table: pa.Table, schema: TableSchema) -> pa.Table:
        seen.append(len(table))
        return counted(table, schema)

    table = TrialTable(run_folder, derive=derive)
    first = table.read()
    assert table.read() is first
    assert sum(seen) == len(first)
    assert not any(name.startswith("confusion_") for name in first)
    assert {f"test_{metric.name}_{task}" for metric in COUNTED for task in TASKS} <= set(first)


def test_a_trial_without_counts_has_no_value(run_folder):
    counted = CountedMetrics(run_folder, tuple(COUNTED[:1]), TASKS, dict.fromkeys(TASKS, "sex"))
    lists = [None, [1.0] * (2 * len(CELLS) * 6)]
    table = pa.table({"confusion_test": pa.array(lists, pa.list_(pa.float32()))})
    # Counts of rows, which stand beside weighted ones, are no split.
    schema = TableSchema(tuple(map(TaskSchema, TASKS)))
    found = counted(table.append_column("confusion_test_rows", table["confusion_test"]), schema)
    assert not any("test_rows_" in name for name in found.column_names)
    values = found[f"test_{COUNTED[0].name}_bar"].to_numpy()
    assert np.isnan(values[0])
    assert not np.isnan(values[1])


def test_everything_can_be_an_objective(run_folder):
    """Of the made-up run, which stores errors and gaps of false positives alone."""
    results = Results(run_folder, sensitive="sex")
    stored = {"error", "fpr_gap", "fpr_gap_signed"}
    for name in known_objectives(TASKS):
        metric = parse_objective(name, TASKS).metric
        parts = {metric.name} if metric.source == "rows" else set(metric.parts)
        if metric.source in ("rows", "metrics") and not parts <= stored:
            with pytest.raises(ValueError, match=f"the table has no validation_{name}, nor what it follows from; it"):
                results.frontier(name, "error_bar")
            continue
        points = results.frontier(name, "error_bar")
        values = results.searched[[f"validation_{name}", "validation_error_bar"]]
        for (method, seed), own in results.searched.groupby(["method", "seed"]):
            losses = np.column_stack([metric.loss(values.loc[own.index].iloc[:, 0]), values.loc[own.index].iloc[:, 1]])
            members = {
                trial
                for trial, point in zip(own["trial_id"], losses, strict=True)
                if np.isfinite(point).all()
                and not any((other <= point).all() and (other < point).any() for other in losses)
            }
            assert set(points[(points["method"] == method) & (points["seed"] == seed)]["trial_id"]) == members
            # The made-up counts have no scores.
            assert members or name.startswith("soft_")


def test_means_over_tasks(made_up_run):
    points = made_up_run.frontier("error", "worst_group_accuracy")
    trials = made_up_run.trials.set_index("trial_id")
    for name in ("error", "worst_group_accuracy"):
        means = trials[[f"test_{name}_{task}" for task in TASKS]].mean(axis=1)
        np.testing.assert_allclose(points[f"test_{name}"], means[points["trial_id"]])
        # Retrained points have them too.
        assert points[f"confirmed_{name}_mean"].notna().any()
    assert points["rank"].min() == 1


def test_a_table_without_counts_says_so(made_up_results):
    with pytest.raises(ValueError, match="no validation_demographic_parity_gap_bar, nor what it follows from"):
        made_up_results().frontier("demographic_parity_gap_bar", "error_bar")
    assert len(made_up_results().frontier("accuracy", "fpr_gap"))


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=12))
def test_frontiers_of_metrics_that_are_turned_round(rows):
    values = np.array(rows) / 4
    columns = dict(zip(("validation_auc_x", "validation_equal_opportunity_ratio_x"), values.T, strict=False))
    table = pd.DataFrame({"trial_id": [f"{place:02}" for place in range(len(rows))], **columns})
    table = table.assign(validation_fpr_gap_signed_x=values[:, 2], stage="sweep", status="completed", method="m")
    table = table.assign(seed=0, source="real", protocol="validation")
    names = ("auc_x", "equal_opportunity_ratio_x", "fpr_gap_signed_x")
    points = frontier(
        table, read_spelling(table), build_set(NamedSet("s", names), ["x"]), selected_on="validation", pooled=False
    )
    losses = np.column_stack([-values[:, 0], np.abs(values[:, 1] - 1), np.abs(values[:, 2])])
    members = [
        place
        for place, own in enumerate(losses)
        if not any((other <= own).all() and (other < own).any() for other in losses)
    ]
    assert sorted(points["trial_id"]) == [f"{place:02}" for place in members]
    assert points["validation_auc_x"].is_monotonic_decreasing, "the best first objective first"


def test_hypervolumes_of_a_set(made_up_sets):
    searched = made_up_sets.searched
    for row in made_up_sets.hypervolumes_of("fair").itertuples():
        own = searched[(searched["method"] == row.method) & (searched["seed"] == row.seed)]
        losses = np.column_stack(
            [
                -own["validation_worst_group_accuracy"].to_numpy(),
                np.abs(own["validation_disparate_impact_ratio_grade"].to_numpy() - 1),
            ]
        )
        assert row.hypervolume == pytest.approx(hypervolume(losses, [-0.5, 0.5]))
    assert len(made_up_sets.hypervolumes_of("three")) == 3 * len(SEEDS)


def test_gap_of_arfg(run_folder):
    odds = Results(run_folder, sensitive="sex", gap="demographic_parity_gap")
    alone = odds.baselines[odds.baselines["metric"] == "demographic_parity_gap"]
    means = alone[alone["split"] == "test"].set_index("task")["mean"]
    trials = odds.trials
    expected = np.mean([trials[f"test_demographic_parity_gap_{task}"] / means[task] for task in TASKS], axis=0)
    np.testing.assert_allclose(trials["test_arfg"], expected)
    assert list(odds.frontier("grade").filter(regex="^test_[a-z_]*grade$"))[:2] == [
        "test_demographic_parity_gap_grade",
        "test_error_grade",
    ]
    assert np.isfinite(choose_points(odds)["test_arfg"]).all()


def test_the_gap_follows_from_the_goal():
    assert read_plain({}).gap == "fpr_gap"
    assert read_plain({"fairness": {"goal": "odds"}}).gap == "equalized_odds_mean"
    assert read_plain({"fairness": {"goal": "parity"}, "frontiers": {"gap": "auc_gap"}}).gap == "auc_gap"


def test_what_is_read_of_a_table_and_of_counts(run_folder):
    settings = ReportSettings(gap="equalized_odds_mean")
    wanted = [parse_objective(name, TASKS) for name in ("arfg", "auc", "accuracy_gap_bar")]
    assert columns_behind(wanted, TASKS, settings) == [
        f"{name}_{task}" for name in ("fpr_gap", "tpr_gap", "auc") for task in TASKS
    ]
    counted = counted_metrics(run_folder, wanted, TASKS, {}, settings)
    assert [metric.name for metric in counted.metrics] == ["accuracy_gap"]
    assert counted_metrics(run_folder, wanted[:2], TASKS, {}, settings) is None


def test_nothing_is_added_to_a_table_that_has_everything(made_up_run):
    wanted = [parse_objective(name, TASKS) for name in ("arfg", "error_bar")]
    assert with_objectives(made_up_run.trials, made_up_run.tasks, wanted, made_up_run.settings) is made_up_run.trials


def test_rules_on_any_metric(made_up_sets):
    name = "best worst_group_accuracy, demographic_parity_gap_bar <= 0.1"
    chosen = select_trials(made_up_sets, [name, "knee", "best 2 error_bar + accuracy"], "fair")
    table = made_up_sets.trials.set_index("trial_id")
    for row in chosen[chosen["rule"] == name].dropna().itertuples():
        front = made_up_sets.frontier("fair").query(f"method == '{row.method}' and seed == {row.seed}")
        own = table.loc[front["trial_id"]]
        kept = own[own["validation_demographic_parity_gap_bar"] <= 0.1]
        column = "validation_worst_group_accuracy"
        assert table.loc[row.trial_id, column] == kept[column].max()
    assert chosen["trial_id"].notna().any()


def test_a_set_that_is_none(made_up_run):
    with pytest.raises(ValueError, match=r"no metric 'x'"):
        made_up_run.frontier("x")
    with pytest.raises((ValueError, ParetofairError), match="no set 'x'; accepted: arfg_are, grade, bar"):
        made_up_run.settings.build_set("x", TASKS)
