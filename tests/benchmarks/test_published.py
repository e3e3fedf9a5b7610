"""The published tables at smoke size: what is trained, kept, trained again, and written."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
import published
import pytest
from papers import by_group
from papers.ledger import (
    COLUMNS,
    FRONT_COLUMNS,
    SECONDS,
    TRIALS,
    find_missing,
    fronts_path,
    group_alike,
    keep_settings,
    read_ledger,
    write_ledger,
)
from papers.numbers import AP, ODDS
from papers.ours import read_alone_and_together, read_eor_ends, read_points
from papers.page import lines, show_table, summarise, write_page
from papers.reasons import UNKNOWN, explain, read_reasons
from papers.tables import TABLES, Tuning
from papers.training import Budget, Work

from paretofair.analysis.results import ReportSettings, Results
from paretofair.space.space import load_space
from tests.stacks import read_rows

NOWHERE = Path(__file__).parent / "nowhere"
SMOKE = ("parameters.epochs=1", "stages.baselines={runs: 2, parameters: {learning_rate: 0.02, epochs: 1}}")
SMOKE += ("data.source=simulated", "resources.compile=false")


def make_ledger(units, metric=AP, value=0.75, settings="now"):
    rows = [
        (settings, method, seed, method, name, value) for method, seed in units for name in (metric, TRIALS, SECONDS)
    ]
    return pd.DataFrame(rows, columns=["settings", "method", "seed", "row", "metric", "value"])


def test_units_are_kept_and_missing_ones_are_found(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    assert find_missing(read_ledger(path), ["a", "b"], range(2)) == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    write_ledger(path, make_ledger([("a", 0), ("b", 0), ("a", 1)]))
    ledger = read_ledger(path)
    assert find_missing(ledger, ["a", "b"], range(3)) == [("b", 1), ("a", 2), ("b", 2)]
    assert len(keep_settings(ledger, {"a": "now", "b": "now"})) == len(ledger)
    changed = keep_settings(ledger, {"a": "now", "b": "other"})
    assert find_missing(changed, ["a", "b"], range(2)) == [("b", 0), ("b", 1)]
    assert keep_settings(ledger, {"a": "now"})["method"].unique().tolist() == ["a"]


def test_commands_train_what_is_missing_and_nothing_else():
    missing = [("a", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]
    groups = group_alike(missing, together=2)
    assert groups == [([0], ["a"]), ([1, 2], ["a", "b"]), ([3], ["a", "b"])]
    assert {(method, seed) for seeds, methods in groups for seed in seeds for method in methods} == set(missing)


def test_a_line_agrees_only_with_an_interval_that_holds_the_number():
    table = TABLES["gcm_matching_adult"]
    both = make_ledger([("vanilla", seed) for seed in range(3)])
    both.loc[both["metric"] == AP, "value"] = [0.770, 0.776, 0.782]
    alone = make_ledger([("iga_1", 0), ("iga_1", 1)])
    far = make_ledger([("direct_1", seed) for seed in range(3)], ODDS, -0.2)
    near = make_ledger([("direct_1", seed) for seed in range(3)], AP, 0.74)
    found = {(line.row, line.metric): line for line in lines(table, pd.concat([both, alone, far, near]))}
    assert list(found) == [("vanilla", AP), ("direct_1", AP), ("direct_1", ODDS)]  # two seeds say too little
    assert found["vanilla", AP].agrees
    assert found["vanilla", AP].ours.runs == 3
    assert not found["direct_1", AP].agrees
    assert found["direct_1", AP].is_near(table)
    assert not found["direct_1", ODDS].is_near(table)
    assert found["direct_1", ODDS].difference == pytest.approx(-0.139)


def test_what_disagrees_has_a_reason_and_the_summary_counts():
    table = TABLES["gcm_matching_adult"]
    ledger = pd.concat(
        [
            make_ledger([("vanilla", seed) for seed in range(3)], AP, 0.778),
            make_ledger([("direct_1", seed) for seed in range(3)], ODDS, -0.2),
        ]
    )
    text = show_table(table, ledger)
    assert "| vanilla | average_precision | 0.778 | 0.778 | 0.778 to 0.778 | 3 | +0.000 | ✓ |" in text
    assert "| direct_1 | minus_odds_sum | -0.061 | -0.200 | -0.200 to -0.200 | 3 | -0.139 | [1] |" in text
    assert f"[1] {explain(table.name, 'direct_1', ODDS)}" in text
    summary = summarise(dict.fromkeys(TABLES, read_ledger(NOWHERE)) | {table.name: ledger})
    counts = f"{len(table.published)} | 2 | 1 | 1 | 3 |"
    assert f"| {table.title} | {counts}" in summary
    of_paper = sum(len(each.published) for each in TABLES.values() if each.paper == table.paper)
    assert f"| **{table.paper}** | **{of_paper}** | **2** | **1** | **1** |" in summary
    assert f"- {table.paper}, {table.title}: direct_1 minus_odds_sum (-0.139). {UNKNOWN}" in summary
    few = show_table(table, make_ledger([("iga_1", 0), ("iga_1", 1)]))
    assert few.startswith(
        "2 seeds so far, of 3 that an interval takes: `python benchmarks/published.py --only gcm_match"
    )
    assert show_table(table, read_ledger(NOWHERE)).startswith("Not run yet: `python benchmarks/published.py --only")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_is_of_a_space_and_reads_what_was_published(table):
    space = load_space(Work(table, Budget(), NOWHERE, NOWHERE).space_file, table.changes)
    assert set(table.methods) <= set(space.methods)
    assert {row.split(",")[0] for row, _ in table.published} <= {*table.methods, "alone", "together"}


def test_every_reason_belongs_to_a_table():
    for entry in read_reasons():
        assert set(entry) <= {"table", "row", "metric", "because"}
        assert any(fnmatchcase(name, entry.get("table", "*")) for name in TABLES)
        assert entry["because"].endswith(".")
    assert explain("no table", "no row", "no metric") == UNKNOWN


def make_trials(**columns):
    """A trial table of the sweep; every column a list of equal length."""
    n = len(columns["method"])
    rest = {"stage": "sweep", "status": "completed", "split_id": "one", "source": "real", "index": 0}
    frame = pd.DataFrame({"trial_id": [f"t{place}" for place in range(n)], **columns})
    return Results.of(
        frame.assign(**{name: value for name, value in rest.items() if name not in frame}), ReportSettings()
    )


def numbers_of(read, results):
    return {(row, metric): values.to_dict() for _, row, metric, values in read(results)}


def gcm_columns(precisions, odds):
    """Average precision and two halves of the sum of gaps, the same on validation and test."""
    columns = {}
    for split in ("validation", "test"):
        columns[f"{split}_average_precision_income"] = precisions
        columns[f"{split}_error_income"] = [0.2] * len(precisions)
        columns |= {f"{split}_{gap}_gap_income": [value / 2 for value in odds] for gap in ("fpr", "tpr")}
    return columns


def test_points_are_average_precision_and_minus_the_sum_of_gaps():
    found = numbers_of(read_points, make_trials(method=["a", "a"], seed=[0, 1], **gcm_columns([0.7, 0.8], [0.1, 0.3])))
    assert found == {("a", AP): {0: 0.7, 1: 0.8}, ("a", ODDS): {0: -0.1, 1: -0.3}}


def test_the_ends_of_a_curve_are_the_fairest_that_are_precise_enough_on_validation():
    columns = gcm_columns([0.770, 0.768, 0.750, 0.740, 0.7], [0.2, 0.1, 0.06, 0.01, 0.02])
    columns["test_average_precision_income"] = [0.76, 0.75, 0.74, 0.73, 0.6]
    trials = make_trials(method=["eor"] * 5, seed=[0, 0, 0, 0, 1], index=[0, 1, 2, 3, 0], **columns)
    found = numbers_of(read_eor_ends, trials)
    # Seed 1 has no trial that is precise enough, and shows its most precise one.
    assert found["eor, first end", AP] == {0: 0.75, 1: 0.6}
    assert found["eor, first end", ODDS] == {0: -0.1, 1: -0.02}
    assert found["eor, last end", AP] == {0: 0.74, 1: 0.6}


def test_single_task_models_go_with_the_seed_of_their_run():
    columns = {}
    for task, errors in {"income": [0.1, 0.2, 0.3, 0.4, 0.5], "capital_gain": [0.6, 0.7, 0.8, 0.9, 1.0]}.items():
        columns |= {f"test_error_{task}": errors, f"test_fpr_gap_{task}": errors}
        columns |= {f"validation_error_{task}": errors, f"validation_fpr_gap_{task}": errors}
    trials = make_trials(
        method=["single_task", "single_task", "single_task", "single_task", "vanilla"],
        stage=["baselines"] * 4 + ["points"],
        seed=[900_000_000, 900_000_000, 900_000_001, 900_000_001, 0],
        task_weight_income=[1, 0, 1, 0, 0.5],
        task_weight_capital_gain=[0, 1, 0, 1, 0.5],
        **columns,
    )
    found = numbers_of(read_alone_and_together, trials)
    assert found["alone", "error_income"] == {0: 0.1}
    assert found["alone", "error_capital_gain"] == {0: 0.7}
    assert found["together", "fpr_gap_income"] == {0: 0.5}


def test_metrics_of_one_group():
    labels, groups = np.array([1, 0, 1, 0, 1.0, 0]), np.array([0, 0, 0, 1, 1, 1])
    scores, decisions = np.array([0.9, 0.2, 0.1, 0.5, 0.5, 0.4]), np.zeros(6)
    rows = labels, scores, decisions, groups
    assert by_group.auc_first(*rows) == 0.5
    assert by_group.auc_second(*rows) == 0.75
    losses = -np.log([0.9, 0.8, 0.1, 0.5, 0.5, 0.6])
    assert by_group.equal_loss(*rows) == pytest.approx(abs(losses[:3].mean() - losses[3:].mean()))
    fpr, fnr = 0.2 / 3 - 0.9 / 3, (0.1 + 0.9) / 3 - 0.5 / 3
    assert by_group.odds_penalty(*rows) == pytest.approx(abs(fpr) + abs(fnr))
    assert by_group.disparate_impact(*rows) == pytest.approx(1.2 / 1.4)
    alone = labels[:3], scores[:3], decisions[:3], groups[:3]
    assert np.isnan([by_group.auc_second(*alone), by_group.equal_loss(*alone), by_group.disparate_impact(*alone)]).all()


@pytest.mark.parametrize("planes", [("income", "arfg_are"), ("errors", "gaps of the front of errors", "gaps")])
def test_fronts_are_drawn_beside_their_table(tmp_path, planes):
    rows = [("now", "vanilla", seed, plane, 0.1 + seed, 0.2) for seed in range(2) for plane in planes]
    write_ledger(fronts_path(tmp_path / "mtl_adult.csv"), pd.DataFrame(rows, columns=FRONT_COLUMNS), FRONT_COLUMNS)
    page = tmp_path / "page.md"
    page.write_text("<!-- table: mtl_adult -->\n<!-- end -->\n")
    write_page(page, tmp_path)
    assert "![Fronts of mtl_adult](figures/published_mtl_adult.png)" in page.read_text()
    assert (tmp_path / "figures" / "published_mtl_adult.png").read_bytes().startswith(b"\x89PNG")


def test_areas_and_penalties_have_the_form_of_the_paper():
    rows = [("now", "vanilla", seed, "vanilla", TRIALS, 1) for seed in range(3)]
    for split, value in {"train": 0.9, "validation": 0.8, "test": 0.7}.items():
        for metric in ("auc_gap", "error", *by_group.METRICS):
            for task, less in {"income": 0, "capital_gain": 0.2}.items():
                rows += [
                    ("now", "vanilla", seed, "vanilla", f"{split}_{metric}_{task}", value - less) for seed in range(3)
                ]
    text = show_table(TABLES["challenges_adult"], pd.DataFrame(rows, columns=COLUMNS))
    assert "| vanilla | average | 0.800 | 0.800 | 0.800 | 0.700 | 0.700 | 0.700 | 0.600 | 0.600 | 0.600 |" in text
    assert "| equal_loss | vanilla | 0.8000 | 0.7000 | 0.6000 |" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "mtaf_lsak"], "--only: found 'mtaf_lsak'; accepted: gcm_matching_adult,"),
        (["--only", "mtl_adult", "--methods", "mtaf"], "--methods: found 'mtaf'; accepted: vanilla"),
        (["--seeds", "0"], "--seeds and --budget: expected numbers above 0"),
    ],
)
def test_wrong_options_are_told_before_any_work(arguments, words, capsys):
    assert published.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_the_page_is_written_from_what_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "PAGE", tmp_path / "published.md")
    published.PAGE.write_text((Path(published.ROOT) / "docs" / "published.md").read_text())
    before = published.PAGE.read_text()
    assert published.main(["--page"]) == 0
    assert published.PAGE.read_text() == before, "python benchmarks/published.py --page"


@pytest.mark.ray
def test_a_table_is_tuned_trained_and_goes_on_in_a_fresh_checkout(tmp_path, monkeypatch, ray_address):
    monkeypatch.setenv("RAY_ADDRESS", ray_address)
    whole = TABLES["mtaf_german"]
    table = replace(whole, draws=3, methods=("vanilla", "mtaf"), tuning=Tuning(("learning_rate", "head_ratio"), 2, 2))
    results, runs = tmp_path / "results", tmp_path / "runs"
    work = Work(table, Budget(1, changes=SMOKE, simulated=True), results, runs)
    assert work.untuned() == ["vanilla", "mtaf"]
    assert work.estimate()[0] == 2 * 3 + 2 * 4
    assert work.train(time.time() + 600)
    chosen = pd.read_csv(results / "tuned.csv")
    assert chosen.groupby("method")["parameter"].agg(list).to_dict() == {
        "mtaf": ["head_ratio", "learning_rate"],
        "vanilla": ["learning_rate"],
    }
    first = read_ledger(results / "mtaf_german.csv")
    assert set(first["seed"]) == {0}
    assert {key for key in whole.published if key[0] in table.methods} <= set(
        zip(first["row"], first["metric"], strict=True)
    )
    # What was trained is gone, what was reached is not.
    shutil.rmtree(runs)
    two = Work(table, Budget(2, changes=SMOKE, simulated=True), results, runs)
    assert two.missing() == [("vanilla", 1), ("mtaf", 1)]
    assert two.train(time.time() + 600)
    searched = read_rows((runs / "mtaf_german" / "trials").glob("sweep-*.parquet"))
    assert set(searched["seed"]) == {1}
    both = read_ledger(results / "mtaf_german.csv")
    pd.testing.assert_frame_equal(both[both["seed"] == 0].reset_index(drop=True), first)
    assert two.estimate() == (0, 0)
    # Other draws are another table.
    assert len(Work(table, Budget(2, 2, SMOKE, True), results, runs).missing()) == 4
    page = tmp_path / "page.md"
    page.write_text("<!-- summary -->\n<!-- end -->\nText.\n<!-- table: mtaf_german -->\nold\n<!-- end -->\n")
    write_page(page, results)
    assert "2 seeds so far, of 3 that an interval takes" in page.read_text()
    assert "Text." in page.read_text()
    assert "old" not in page.read_text()
