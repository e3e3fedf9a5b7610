"""A run whose space asks for another gap and another set than ARFG and ARE: nothing that it says or writes follows, or
speaks of, false positive rates or ARFG."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points
from paretofair.cli.report import main as report
from paretofair.cli.status import main as status
from paretofair.report.latex import latex_tables

from .conftest import call

SPACE = """\
name: led
data: {name: german, source: simulated, sensitive: sex}
fairness: {goal: tpr}
parameters: {learning_rate: 0.1, epochs: 3, task_weight: simplex, fairness_weight: {uniform: [0, 3]}}
methods: {vanilla: , per_task: }
seeds: [0, 1]
stages: {baselines: {runs: 2}, sweep: {trials: 8}, confirm: {runs: 2}}
frontiers:
  objectives: [{name: ap_odds, of: [average_precision, equalized_odds_sum], reference: [0.5, 1]}]
"""
OTHERS = re.compile(r"FPR|fpr_gap|false positive|ARFG|\bARE\b|\barfg|\bare_|_are\b")

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def done(tmp_path_factory, sweep) -> tuple[Path, str]:
    """The results folder and what the command printed."""
    folder = tmp_path_factory.mktemp("led")
    (folder / "space.yaml").write_text(SPACE)
    ended = sweep("--space", folder / "space.yaml", "--output", folder / "results")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "results", ended.stdout


def test_the_leading_set_is_confirmed_summarised_and_audited(done) -> None:
    results = Results(done[0])
    assert (results.leading, results.settings.gap) == ("ap_odds", "tpr_gap")
    confirmed = pd.read_csv(done[0] / "confirm.csv")
    assert confirmed["on_frontier"].all()
    assert set(confirmed["confirms"]) == set(results.frontier("ap_odds")["trial_id"])
    chosen = choose_points(results)
    assert set(chosen["trial_id"]) <= set(results.frontier("ap_odds")["trial_id"])
    assert set(pd.read_csv(done[0] / "audit.csv")["trial_id"]) == set(chosen["trial_id"])
    summary = pd.read_csv(done[0] / "tables" / "summary.csv").set_index("method")
    of_vanilla = chosen[chosen["method"] == "vanilla"]
    for name in ("average_precision", "equalized_odds_sum"):
        assert summary.loc["vanilla", name] == pytest.approx(of_vanilla[f"test_{name}"].mean())
    per_task = pd.read_csv(done[0] / "tables" / "per_task.csv")
    assert {"error_good_loan", "tpr_gap_good_loan"} <= set(per_task)
    front = pd.read_csv(done[0] / "frontiers" / "all.csv")
    assert set(front["objectives"]) == {"ap_odds"}
    assert front["confirmed_average_precision_mean"].notna().all()


def test_what_commands_print_names_what_was_asked_for(done) -> None:
    folder, printed = done
    assert "best average precision" in printed
    of_status = call(status, folder)
    assert of_status.returncode == 0, of_status.stderr
    assert "hypervolume of frontiers ap_odds (average precision; equalized odds sum)" in of_status.stdout
    best = Results(folder).searched.groupby("method")["validation_average_precision"].max()
    row = next(line.split() for line in of_status.stdout.splitlines()[::-1] if line.split()[:1] == ["vanilla"])
    assert float(row[3]) == pytest.approx(best["vanilla"], abs=5e-4), "the largest is the best"
    for text in (printed, of_status.stdout):
        about_baselines = [line for line in text.splitlines() if "baselines.csv" not in line]
        assert not [line for line in about_baselines if OTHERS.search(line)]


def test_captions_of_figures_and_tables_name_what_was_asked_for(done, tmp_path) -> None:
    folder, _ = done
    ended = call(report, folder, "--output", tmp_path, "--only", "figures,latex")
    assert ended.returncode == 0, ended.stderr
    tables = latex_tables(Results(folder))
    assert {"summary", "per_task", "ap_odds/hypervolume"} <= set(tables)
    for name in ("summary", "per_task", "ap_odds/hypervolume", "ap_odds/selected", "ap_odds/comparison"):
        assert not OTHERS.search(tables[name].replace("\\_", "_")), name
