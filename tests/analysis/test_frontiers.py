"""Baselines, frontiers and tables on a small table written by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.frontiers import (
    front_hypervolumes,
    frontier,
    with_confirmed,
)
from paretofair.analysis.overview import hypervolume_so_far, leading_points, overview
from paretofair.analysis.relative import baselines, find_weak, with_relative
from paretofair.analysis.results import ReportSettings, Results
from paretofair.analysis.rules import choose_points, select_trials
from paretofair.analysis.tables import summary
from paretofair.metrics.objectives import ObjectiveSet, objective_names, objective_sets
from paretofair.report.figures import write_figures
from paretofair.report.latex import write_latex
from paretofair.report.page import write_page
from paretofair.report.write import write_report
from paretofair.results.table_schema import read_spelling

NAN = math.nan
TASKS = ["grade", "bar"]


def sets(name: str) -> ObjectiveSet:
    """A set of objectives of these tasks."""
    return ReportSettings().build_set(name, ["grade", "bar"])


def row(trial: str, stage: str, method: str, seed: int, index: int, grade: tuple, bar: tuple, **more) -> dict:
    """A trial with (error, signed FPR gap) of each task, the same on validation and test but for test's +.01."""
    values = {
        "trial_id": trial,
        "stage": stage,
        "method": method,
        "seed": seed,
        "index": index,
        "status": "completed",
        "split_id": "s0",
        "source": "simulated",
        "protocol": "validation",
        "task_weight_grade": 0.5,
        "task_weight_bar": 0.5,
        "learning_rate": 0.1,
    }
    for task, (error, gap) in (("grade", grade), ("bar", bar)):
        for split, shift in (("validation", 0), ("test", 0.01)):
            values[f"{split}_error_{task}"] = error + shift
            values[f"{split}_fpr_gap_{task}"] = abs(gap)
            values[f"{split}_fpr_gap_signed_{task}"] = gap
    return values | more


def alone(trial: str, task: str, run: int, error: float, gap: float) -> dict:
    """A single-task run: the other task's metrics are NaN."""
    own, other = (error, gap), (NAN, NAN)
    weights = {"task_weight_grade": float(task == "grade"), "task_weight_bar": float(task == "bar")}
    pair = (own, other) if task == "grade" else (other, own)
    return row(trial, "baselines", "single_task", run, 0, *pair, **weights)


@pytest.fixture
def trials() -> pd.DataFrame:
    """ARE is (e/.4 + e'/.04) / 2 as in MTA-F Table 2; ARFG has denominators .1 and .02."""
    return pd.DataFrame(
        [
            alone("g0", "grade", 0, 0.41, -0.0995),
            alone("g1", "grade", 1, 0.39, -0.1005),
            alone("b0", "bar", 0, 0.05, 0.03),
            alone("b1", "bar", 1, 0.03, -0.01),
            row("A", "sweep", "mtaf", 0, 0, (0.40, 0.1), (0.02, 0.02)),
            row("B", "sweep", "mtaf", 0, 1, (0.38, 0.05), (0.04, 0.01)),
            row("worse", "sweep", "mtaf", 0, 2, (0.41, 0.1), (0.05, 0.02)),
            row("C", "points", "mtaf", 0, 0, (0.44, 0.0), (0.044, 0.0)),
            row("stopped", "sweep", "mtaf", 0, 3, (0.1, 0.0), (0.01, 0.0), status="stopped"),
            row("diverged", "sweep", "mtaf", 0, 4, (NAN, NAN), (NAN, NAN), status="diverged"),
            row("undefined", "sweep", "mtaf", 0, 5, (0.1, NAN), (0.01, NAN)),
            row("other", "sweep", "mtaf", 1, 0, (0.40, 0.1), (0.04, 0.02)),
            row("V", "sweep", "vanilla", 0, 0, (0.36, 0.1), (0.04, 0.04)),
            row("c0", "confirm", "mtaf", 1_000_000, 0, (0.40, 0.1), (0.02, 0.04), confirms="A"),
            row("c1", "confirm", "mtaf", 2_000_000, 0, (0.44, 0.1), (0.02, 0.02), confirms="A"),
        ]
    )


def test_relative_metrics_are_those_of_table_2(trials):
    denominators = baselines(trials, TASKS)
    chosen = denominators.set_index(["split", "metric", "task"])
    assert chosen.loc[("validation", "error", "grade"), "mean"] == pytest.approx(0.40)
    assert chosen.loc[("test", "error", "bar"), "mean"] == pytest.approx(0.05)
    assert chosen.loc[("validation", "fpr_gap_signed", "bar"), "mean"] == pytest.approx(0.01)
    assert chosen.loc[("validation", "fpr_gap", "bar"), "mean"] == pytest.approx(0.02)
    assert (denominators["runs"] == 2).all()
    table = with_relative(trials, denominators, TASKS).set_index("trial_id")
    assert table.loc["A", "validation_are"] == pytest.approx(0.75)
    assert table.loc["B", "validation_are"] == pytest.approx(0.975)
    assert table.loc["B", "validation_arfg"] == pytest.approx(0.5)
    assert np.isnan(table.loc["undefined", "validation_arfg"])


def test_single_task_models_that_untreated_ones_beat_are_named(trials):
    """On validation `grade` alone errs .40 and `bar` .04, with intervals from about .27 and -.09."""

    def find(*vanilla: tuple[float, float, float]) -> list[str]:
        """The weak tasks where trials of `vanilla` have these errors of `grade` and `bar`, and this much more on
        test."""
        own = [
            row(f"v{place}", "sweep", "vanilla", 0, place, (grade, 0.1), (bar, 0.1))
            | {"test_error_grade": grade + more, "test_error_bar": bar + more}
            for place, (grade, bar, more) in enumerate(vanilla)
        ]
        table = find_weak(pd.DataFrame(own), baselines(trials, TASKS), TASKS, "validation")
        for each in table.itertuples():
            assert each.untreated < each.low < each.alone < each.high
        return table["task"].tolist()

    assert find((0.2, 0.02, 0.01)) == ["grade"]
    assert find((0.38, 0.001, 0.0), (0.9, 0.9, 0.0)) == []
    assert find((0.2, 0.02, 0.3)) == [], "it was the smallest by chance"
    assert find((0.5, 0.1, 0.0), (0.2, 0.1, 0.0)) == ["grade"], "the best of all trials"
    assert find_weak(trials[trials["method"] == "vanilla"], baselines(trials, TASKS), TASKS, "validation").empty


def test_every_trial_is_divided_by_the_baselines_of_its_own_split(trials):
    """In s1 single-task errors are half of those in s0, and there is no run of `grade`."""
    own = [alone(f"s{run}", "bar", 1000 + run, 0.02, gap) | {"split_id": "s1"} for run, gap in enumerate((0.04, 0.041))]
    trials = pd.concat([trials, pd.DataFrame(own)], ignore_index=True)
    trials.loc[trials["trial_id"].isin(["other", "c0"]), "split_id"] = "s1"
    denominators = baselines(trials, TASKS)
    means = denominators.set_index(["split_id", "split", "metric", "task"])["mean"]
    assert means["s0", "validation", "error", "bar"] == pytest.approx(0.04)
    assert means["s1", "validation", "error", "bar"] == pytest.approx(0.02)
    table = with_relative(trials, denominators, TASKS).set_index("trial_id")
    assert table.loc["A", "validation_are"] == pytest.approx(0.75)
    # No denominator of one task, no mean over both.
    assert table.loc[["other", "c0"], ["validation_are", "validation_arfg", "test_are"]].isna().all(axis=None)

    more = [alone(f"h{run}", "grade", 1000 + run, 0.2, 0.3) | {"split_id": "s1"} for run in range(2)]
    denominators = baselines(pd.concat([trials, pd.DataFrame(more)], ignore_index=True), TASKS)
    table = with_relative(trials, denominators, TASKS).set_index("trial_id")
    assert table.loc["other", "validation_are"] == pytest.approx((0.40 / 0.2 + 0.04 / 0.02) / 2)
    assert table.loc["other", "validation_arfg"] == pytest.approx((0.1 / 0.3 + 0.02 / 0.0405) / 2)
    assert table.loc["other", "test_are"] == pytest.approx((0.41 / 0.21 + 0.05 / 0.03) / 2)
    assert table.loc["A", "test_are"] == pytest.approx((0.41 / 0.41 + 0.03 / 0.05) / 2)


def test_frontiers_per_method_and_seed(trials):
    table = with_relative(trials, baselines(trials, TASKS), TASKS)
    points = frontier(table, read_spelling(table), sets("arfg_are"), selected_on="validation", pooled=False)
    found = points.groupby(["method", "seed"])["trial_id"].agg(list).to_dict()
    assert found == {("mtaf", 0): ["C", "B", "A"], ("mtaf", 1): ["other"], ("vanilla", 0): ["V"]}
    assert points["rank"].tolist() == [1, 2, 3, 1, 1]
    assert points.loc[1, "test_are"] == pytest.approx((0.39 / 0.41 + 0.05 / 0.05) / 2)
    pooled = frontier(table, read_spelling(table), sets("arfg_are"), selected_on="validation", pooled=True)
    assert pooled.groupby("method")["trial_id"].agg(list)["mtaf"] == ["C", "B", "A"]
    assert read_spelling(table).hyperparameter_columns == ["task_weight_grade", "task_weight_bar", "learning_rate"]


def test_every_set_of_objectives(trials):
    assert objective_sets(["x", "y"]) == ["arfg_are", "x", "y", "accuracies", "all"]
    assert objective_sets(["x"]) == ["arfg_are", "x"]
    assert objective_names("arfg_are", ["x", "y"]) == ["arfg", "are"]
    assert objective_names("x", ["x", "y"]) == ["fpr_gap_x", "error_x"]
    assert objective_names("accuracies", ["x", "y"]) == ["error_x", "error_y"]
    assert objective_names("all", ["x", "y"]) == ["fpr_gap_x", "fpr_gap_y", "error_x", "error_y"]
    table = with_relative(trials, baselines(trials, TASKS), TASKS)
    accuracies = frontier(table, read_spelling(table), sets("accuracies"), selected_on="validation", pooled=False)
    # An undefined gap does not matter to errors.
    assert accuracies[accuracies["seed"] == 0]["trial_id"].tolist() == ["undefined", "V"]


def test_confirmed_columns(trials):
    table = with_relative(trials, baselines(trials, TASKS), TASKS)
    points = frontier(table, read_spelling(table), sets("arfg_are"), selected_on="validation", pooled=False)
    points = with_confirmed(points, table, ["arfg", "are"])
    confirmed = points.set_index("trial_id")
    assert confirmed["confirmed_runs"].to_dict() == {"C": 0, "B": 0, "A": 2, "other": 0, "V": 0}
    each = [(0.41 / 0.41 + 0.03 / 0.05) / 2, (0.45 / 0.41 + 0.03 / 0.05) / 2]
    assert confirmed.loc["A", "confirmed_are_mean"] == pytest.approx(np.mean(each))
    assert confirmed.loc["A", "confirmed_are_std"] == pytest.approx(np.std(each, ddof=1))
    assert confirmed.loc["A", "confirmed_arfg_mean"] == pytest.approx((1 + 2 + 1 + 1) / 4)


def test_hypervolume_and_chosen_points(trials):
    table = with_relative(trials, baselines(trials, TASKS), TASKS)
    volumes = front_hypervolumes(table, sets("arfg_are"), selected_on="validation", pooled=False)
    # (0, 1.1) is on the reference's edge; (.5, .975) and (1, .75) span two rectangles.
    expected = (1.0 - 0.5) * (1.1 - 0.975) + (1.5 - 1.0) * (1.1 - 0.75)
    assert volumes.set_index(["method", "seed"]).loc[("mtaf", 0), "hypervolume"] == pytest.approx(expected)
    results = Results.of(trials, ReportSettings())
    # ARE of mtaf's seed 0 goes from .25 ("undefined" has errors) to 1.1375: the middle is nearest to A.
    middle = select_trials(results, ["midpoint"])
    assert middle["trial_id"].tolist() == ["A", "other", "V"]
    # From C (0, 1.1) to A (1, .75): B (.5, .975) lies above the line between them.
    chosen = choose_points(results)
    assert chosen["trial_id"].tolist() == ["C", "other", "V"]
    table = summary(chosen, sets("arfg_are")).set_index("method")
    assert table.loc["mtaf", ["seeds", "trials"]].tolist() == [2, 6]
    assert set(table["rule"]) == {"knee"}
    assert table.loc["mtaf", "are_low"] < table.loc["mtaf", "are"] < table.loc["mtaf", "are_high"]
    pooled = Results.of(trials.assign(protocol="paper"), ReportSettings(protocol="paper"))
    assert choose_points(pooled)["method"].tolist() == ["mtaf", "vanilla"]


SETTINGS = ReportSettings(objectives=("arfg_are", "grade", "all"))


def test_write_report(trials, tmp_path):
    results = Results.of(trials, SETTINGS)
    paths = write_report(results, tmp_path)
    assert tmp_path / "findings.md" in paths
    for path in (each for each in paths if each.suffix == ".csv"):
        frame = pd.read_csv(path)
        assert set(frame["source"]) == {"simulated"}, path
    assert (tmp_path / "frontiers" / "mtaf" / "all.csv").exists()
    both = pd.read_csv(tmp_path / "frontiers" / "all.csv")
    assert set(both["objectives"]) == {"arfg_are", "grade", "all"}
    table = overview(results, ["vanilla", "mtaf", "absent"]).set_index("method")
    assert table.loc["mtaf", "trials"] == 6
    assert table.loc["absent", "trials"] == 0
    assert table["diverged"].to_dict() == {"vanilla": 0, "mtaf": 1, "absent": 0}
    assert pd.read_csv(tmp_path / "confirm.csv")["on_frontier"].tolist() == [True, True]
    shuffled = trials.sample(frac=1, random_state=0)
    before = {path: path.read_text() for path in paths}
    write_report(Results.of(shuffled, SETTINGS), tmp_path)
    assert {path: path.read_text() for path in paths} == before


BOUNDED = replace(SETTINGS, constraints=("error_grade <= 0.5", "arfg <= 2"))


@pytest.mark.parametrize("settings", [SETTINGS, BOUNDED])
@pytest.mark.parametrize("columns", ["trial_id", "all"])
def test_nothing_finished_yet(trials, tmp_path, settings, columns):
    empty = pd.DataFrame({"trial_id": pd.Series(dtype=str)}) if columns == "trial_id" else trials.iloc[:0]
    results = Results.of(empty, settings)
    assert write_report(results, tmp_path) == []
    assert write_latex(results, tmp_path) == write_figures(results, tmp_path) == []
    assert write_page(results, tmp_path).exists()
    table = overview(results, ["mtaf", "vanilla"])
    assert table["method"].tolist() == ["mtaf", "vanilla"]
    assert (table[["trials", "diverged"]] == 0).all(axis=None)
    assert table[["are", "arfg", "hypervolume", "test_hypervolume"]].isna().all(axis=None)
    assert results.methods == []
    assert (results.source, results.unreliable) == ("", {})
    assert hypervolume_so_far(empty, settings, read_spelling(empty)) == ""
    for name in ("arfg_are", "grade", "error_grade"):
        assert results.frontier(name).empty
    assert choose_points(results).empty
    points = leading_points(results)
    assert points[points["method"] == "mtaf"].empty
    assert list(points.groupby(["stage", "seed"])) == []
    assert {"trial_id", "index"} <= set(points)


@pytest.mark.parametrize("status", ["failed", "diverged"])
@pytest.mark.parametrize("settings", [SETTINGS, BOUNDED])
def test_nothing_went_well(trials, tmp_path, settings, status):
    """Every trial, or all but the baselines, came to nothing; and no row has a metric yet."""
    bare = trials[["trial_id", "stage", "method", "seed", "index", "status", "split_id", "source", "protocol"]]
    own = trials["stage"] != "baselines"
    searched = trials[own].assign(status=status)
    for table in (searched, pd.concat([trials[~own], searched]), bare[own].assign(status=status)):
        results = Results.of(table, settings)
        points = leading_points(results)
        assert points[points["method"] == "mtaf"].empty
        assert results.methods == []
        assert hypervolume_so_far(table, settings, read_spelling(table)) == ""
        assert overview(results, ["mtaf"])["trials"].tolist() == [0]
        write_report(results, tmp_path)


def test_no_baselines_yet(trials, tmp_path):
    """A run that was cut short before its baselines still writes the fronts that need none."""
    write_report(Results.of(trials[trials["stage"] != "baselines"], SETTINGS), tmp_path)
    assert pd.read_csv(tmp_path / "frontiers" / "all.csv")["objectives"].unique().tolist() == ["grade", "all"]
