"""Every sentence says what a table says."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.comparison import comparison
from paretofair.analysis.findings import (
    compare_errors,
    compare_gaps,
    compare_groups,
    constant_errors,
    find_unequal_searches,
    find_untrained,
)
from paretofair.analysis.rules import choose_points
from paretofair.report.captions import spell_range
from paretofair.report.findings import FINDINGS, find, write_findings
from paretofair.report.findings.comparison import tell_comparison


def sentences(results) -> list[str]:
    return [each.sentence for each in find(results)]


def ends_of(row) -> set[str]:
    """Of an interval of a difference, turned to the method with the larger value."""
    sign = 1 if row.difference >= 0 else -1
    return {f"{sign * row.difference_low:+.3f}", f"{sign * row.difference_high:+.3f}"}


def numbers(sentence: str) -> set[str]:
    return set(re.findall(r"[+-]?\d+\.\d{3}", sentence))


def test_simulated_data_come_first_and_what_was_compared_next(made_up_run):
    first, second, *_ = sentences(made_up_run)
    assert first == "SIMULATED data: these numbers say nothing about real people."
    expected = "Compared: vanilla, MTA-F and own_method (15 completed trials per method and seed of 4 seeds; "
    assert second.startswith(expected + "tasks grade, bar; treated: sex")


def test_unequal_searches_are_told(made_up_run):
    assert find_unequal_searches(made_up_run) == {}
    searched = made_up_run.searched
    fewer = searched[(searched["method"] != "mtaf") | searched["trial_id"].isin(searched["trial_id"][::2])]
    made_up_run.searched = fewer
    (words,) = [each for each in sentences(made_up_run) if "not searched alike" in each]
    of_seeds = fewer[fewer["method"] == "mtaf"].groupby("seed").size()
    assert f"MTA-F {spell_range(of_seeds)}, own_method 15, vanilla 15." in words


def test_test_rows_that_seeds_draw_anew_are_no_independent_ones(made_up_run, monkeypatch):
    names = pd.DataFrame({"rows_train": [600, 40], "rows_validation": [150, 10], "rows_test": [180, 20]})
    monkeypatch.setattr(made_up_run, "cells", SimpleNamespace(names=names))
    assert not any("these draws overlap" in each.sentence for each in tell_comparison(made_up_run))
    searched = made_up_run.searched
    made_up_run.searched = searched.assign(split_id="split" + searched["seed"].astype(str))
    (own,) = [each for each in tell_comparison(made_up_run) if "these draws overlap" in each.sentence]
    # The root of 1 + 4 seeds x 200 test rows / 640 training rows.
    assert "about 1.5 times as wide" in own.sentence
    assert own.warns


def test_four_seeds_cannot_tell_three_methods_apart(made_up_run):
    (words,) = [each for each in sentences(made_up_run) if each.startswith("With 4 seeds no difference")]
    assert (
        "the least p-value that they can give is 0.375 after Holm for 3 pairs, 0.125 before. 7 seeds are the fewest"
        in words
    )
    for row in comparison(made_up_run).itertuples():
        assert {f"{abs(row.difference):.3f}", *ends_of(row)} <= numbers(words)
        assert f"p = {row.p_value:.3f} before Holm" in words
    volumes = made_up_run.hypervolumes.pivot(index="seed", columns="method", values="test_hypervolume")
    for row in comparison(made_up_run).itertuples():
        agree = int((np.sign(volumes[row.method] - volumes[row.against]) == np.sign(row.difference)).sum())
        assert f", {agree} of 4 seeds agree" in words
    assert not any("are not told apart" in each for each in sentences(made_up_run))


@pytest.mark.parametrize(("p_holm", "words"), [(0.04, "cover more than"), (0.2, "are not told apart")])
def test_pairs_that_could_be_tested(made_up_run, monkeypatch, p_holm, words):
    pairs = comparison(made_up_run).assign(p_holm=p_holm, testable=True)
    monkeypatch.setattr("paretofair.analysis.findings.comparison", lambda results, of: pairs)
    monkeypatch.setattr("paretofair.report.findings.comparison._count_empty", lambda results: {})
    told = [each for each in sentences(made_up_run) if words in each]
    assert len(told) == len(pairs)
    for row in pairs.itertuples():
        wanted = {f"{abs(row.difference):.3f}"} if p_holm < 0.05 else ends_of(row)
        (own,) = [each for each in told if wanted <= numbers(each)]
        assert f"p = {p_holm:.3f} after Holm" in own
        assert ("dominates" in own) == (p_holm < 0.05)


def test_volumes_that_are_zero_compare_nothing(made_up_run, monkeypatch):
    pairs = comparison(made_up_run).assign(p_holm=0.04, testable=True)
    monkeypatch.setattr("paretofair.analysis.findings.comparison", lambda results, of: pairs)
    monkeypatch.setattr("paretofair.report.findings.comparison._count_empty", lambda results: {"vanilla": 3})
    told = [each for each in sentences(made_up_run) if each.startswith("Hypervolumes do not compare")]
    assert len(told) == sum("vanilla" in (row.method, row.against) for row in pairs.itertuples())
    assert all("in 3 of 4 seeds no frontier point of vanilla lies within the reference point" in each for each in told)


def test_what_it_costs_is_told_against_vanilla_and_against_one_decision_for_everyone(made_up_run):
    chosen, told = choose_points(made_up_run), sentences(made_up_run)
    errors = chosen.pivot(index="seed", columns="method", values=[f"test_error_{task}" for task in made_up_run.tasks])
    for method, name in (("mtaf", "MTA-F"), ("own_method", "own_method")):
        (words,) = [each for each in told if each.startswith(f"The error of {name}, from vanilla: ")]
        for task in made_up_run.tasks:
            own = errors[f"test_error_{task}"]
            change = own[method] - own["vanilla"]
            mean = f"{own[method].mean():.3f} ({change.mean():+.3f}, "
            assert f"{task} {own['vanilla'].mean():.3f} to {mean}" in words
    counts = made_up_run.cells.of([made_up_run.searched["trial_id"].iloc[0]])["test"]
    for task, of_task in zip(made_up_run.tasks, counts, strict=True):
        tp, fp, tn, fn = of_task.values[0].sum(0)[:4]
        assert constant_errors(made_up_run)[task] == pytest.approx(min(tp + fn, fp + tn) / (tp + fp + tn + fn))


def test_what_got_worse_and_how_many_places_were_looked_at(made_up_run):
    gaps, groups, told = compare_gaps(made_up_run), compare_groups(made_up_run), sentences(made_up_run)
    others = gaps[gaps["grouping"] != gaps["task"].map(made_up_run.sensitive)]
    (search,) = [each for each in told if "were compared" in each]
    within = int(others["grouping"].str.contains("_x_").sum())
    words = f"{len(others)} gaps that are not treated ({within} of them between intersections with a treated attribute)"
    assert f"{words} and {len(groups)} errors of groups" in search
    worse, better = (int((each(others)).sum() + (each(groups)).sum()) for each in (is_worse, is_better))
    assert f": {worse} got worse beyond their interval, {better} better." in search
    expected = 0.025 * (len(others) + len(groups))
    assert (f"about {expected:.0f} would" if expected >= 1.5 else f"{expected:.1f} would be expected") in search
    named = others[is_worse(others) & (others["change"] > others["noise"])]
    assert sum("which it does not act on" in each for each in told) == min(len(named), 5)
    beyond = groups[is_worse(groups) & (groups["change"] > groups["noise"]) & (groups["low"] > groups["overall"])]
    assert sum("on all rows" in each for each in told) == min(len(beyond), 5)


def is_worse(changes):
    return changes["low"] > 0


def is_better(changes):
    return changes["high"] < 0


def test_the_gap_that_was_treated_is_told_for_every_method(made_up_run):
    gaps = compare_gaps(made_up_run)
    sensitive = made_up_run.sensitive
    for method, name in (("mtaf", "MTA-F"), ("own_method", "own_method")):
        told = f" between groups of sex under {name}, from vanilla: "
        (words,) = [each for each in sentences(made_up_run) if told in each]
        for task in made_up_run.tasks:
            own = gaps[(gaps["method"] == method) & (gaps["task"] == task) & (gaps["grouping"] == sensitive[task])]
            (row,) = own.itertuples()
            assert f"{task} {row.vanilla:.3f} to {row.value:.3f} ({row.change:+.3f}, " in words


def test_nothing_is_said_of_tasks_that_a_method_does_not_train(made_up_run):
    searched = made_up_run.searched
    made_up_run.searched = searched.assign(
        task_weight_grade=np.where(searched["method"] == "mtaf", 0.0, 0.5), task_weight_bar=0.5
    )
    assert find_untrained(made_up_run) == {"mtaf": ["grade"]}
    told = sentences(made_up_run)
    assert "MTA-F does not train grade (weight 0): nothing is said below of what it does there." in told
    for table in (compare_errors(made_up_run), compare_gaps(made_up_run), compare_groups(made_up_run)):
        assert set(table.loc[table["method"] == "mtaf", "task"]) == {"bar"}
        assert set(table.loc[table["method"] == "own_method", "task"]) == {"grade", "bar"}
    (error,) = [each for each in told if each.startswith("The error of MTA-F")]
    assert "grade" not in error


def test_pooled_seeds_are_told(made_up_results):
    told = sentences(made_up_results(protocol="paper"))
    assert "Seeds are pooled, as published, so that no difference between methods can be tested." in told
    assert not any("smaller on test than on validation" in each for each in told)


def test_one_seed_is_told(made_up_run):
    trials = made_up_run.trials[(made_up_run.trials["seed"] == 0) | (made_up_run.trials["stage"] == "baselines")]
    told = sentences(type(made_up_run).of(trials, made_up_run.settings, made_up_run.folders, schema=made_up_run.schema))
    assert any(each.startswith("With 1 seed no difference between methods can be shown") for each in told)
    assert any("With one seed no gap or group is known to have got worse" in each for each in told)


def test_the_file_has_a_line_for_each_with_where_to_check_it(made_up_run, tmp_path):
    path = write_findings(made_up_run, tmp_path)
    assert path == tmp_path / FINDINGS
    lines = [line for line in path.read_text().splitlines() if line.startswith("- ")]
    assert len(lines) == len(find(made_up_run))
    assert any(line.endswith("(tables/comparison.csv)") for line in lines)
    assert any(line.endswith("(tables/changes.csv)") for line in lines)


def test_nothing_yet(made_up_run, tmp_path):
    empty = type(made_up_run).of(made_up_run.trials.iloc[:0], made_up_run.settings, schema=made_up_run.schema)
    assert find(empty) == []
    assert "Nothing is finished yet." in write_findings(empty, tmp_path).read_text()
    assert np.isfinite(compare_gaps(made_up_run)["change"]).all()
