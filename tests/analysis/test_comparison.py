"""Tables over seeds, against plain loops over the points of fronts."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from paretofair.analysis.comparison import comparison, dominance, optimism, selected, volumes
from paretofair.analysis.rules import choose_points, select_trials
from paretofair.pareto.hypervolume import hypervolume
from paretofair.statistics.comparison import count_needed_seeds
from paretofair.statistics.intervals import seed_interval


def dominates(one, other) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def fronts(results) -> dict:
    """Rows of the trial table on each front, by brute force."""
    found = {}
    for key, own in results.searched.groupby(["method", "seed"]):
        chosen = own[["validation_arfg", "validation_are"]].to_numpy()
        found[key] = own[[not any(dominates(other, point) for other in chosen) for point in chosen]]
    return found


def test_volumes(made_up_run):
    table = volumes(made_up_run).set_index("method")
    assert table.index.tolist() == ["vanilla", "mtaf", "own_method"]
    for method in table.index:
        own = [front for (name, _), front in fronts(made_up_run).items() if name == method]
        tested = [hypervolume(front[["test_arfg", "test_are"]].to_numpy(), reference=(1.5, 1.1)) for front in own]
        ends = ["test_hypervolume", "test_hypervolume_low", "test_hypervolume_high"]
        expected = seed_interval(tested)
        assert tuple(table.loc[method, ends]) == pytest.approx((expected.mean, expected.low, expected.high))
        assert table.loc[method, "hypervolume_low"] <= table.loc[method, "hypervolume"]
    assert table["seeds"].tolist() == [4, 4, 4]
    assert set(table["source"]) == {"simulated"}


def test_pairs_of_methods(made_up_run):
    table = comparison(made_up_run)
    assert list(zip(table["method"], table["against"], strict=True)) == [
        ("vanilla", "mtaf"),
        ("vanilla", "own_method"),
        ("mtaf", "own_method"),
    ]
    by_seed = made_up_run.hypervolumes.set_index(["method", "seed"])["test_hypervolume"]
    for row in table.itertuples():
        differences = [by_seed[row.method, seed] - by_seed[row.against, seed] for seed in range(4)]
        assert row.difference == pytest.approx(np.mean(differences))
        assert row.difference_low <= row.difference <= row.difference_high
        flipped = [
            abs(np.dot(signs, differences)) >= abs(sum(differences)) - 1e-12
            for signs in itertools.product((1, -1), repeat=4)
        ]
        assert row.p_value == pytest.approx(np.mean(flipped))
        assert row.p_value <= row.p_holm <= 3 * row.p_value
        assert row.seeds_needed == count_needed_seeds(differences, level=0.05 / 3)
        assert not row.testable, "four seeds give no p-value below .125"
    assert (table["seeds"] == 4).all()


def test_dominated_shares(made_up_run):
    table = dominance(made_up_run).set_index(["method", "by"])
    assert len(table) == 6
    own = fronts(made_up_run)
    for (method, by), row in table.iterrows():
        shares = []
        for seed in range(4):
            one, other = (own[name, seed][["test_arfg", "test_are"]].to_numpy() for name in (method, by))
            shares.append(np.mean([any(dominates(rival, point) for rival in other) for point in one]))
        assert row["share"] == pytest.approx(np.mean(shares))


def test_optimism(made_up_run):
    table = optimism(made_up_run).set_index(["method", "metric"])
    own = fronts(made_up_run)
    runs = made_up_run.trials[made_up_run.trials["stage"] == "confirm"]
    for metric in ("arfg", "are", "error_bar", "fpr_gap_grade"):
        chosen = [own["mtaf", seed][f"validation_{metric}"].mean() for seed in range(4)]
        tested = [own["mtaf", seed][f"test_{metric}"].mean() for seed in range(4)]
        row = table.loc["mtaf", metric]
        assert row["chosen"] == pytest.approx(np.mean(chosen))
        assert row["test"] == pytest.approx(np.mean(tested))
        assert row["optimism"] == pytest.approx(np.mean(np.subtract(tested, chosen)))
        again = []
        for seed in range(4):
            means = [
                runs.loc[runs["confirms"] == trial, f"test_{metric}"].mean() for trial in own["mtaf", seed]["trial_id"]
            ]
            again.append(np.nanmean(means))
        assert row["confirmed"] == pytest.approx(np.mean(again))
    lost = made_up_run.hypervolumes.eval("hypervolume - test_hypervolume")[made_up_run.hypervolumes["method"] == "mtaf"]
    assert table.loc[("mtaf", "hypervolume"), "optimism"] == pytest.approx(lost.mean())


def test_every_rule_selects_its_point(made_up_run):
    trials = select_trials(made_up_run).set_index(["rule", "method", "seed"])["trial_id"]
    for (method, seed), front in fronts(made_up_run).items():
        own = front.set_index("trial_id")
        arfg, are = own["validation_arfg"], own["validation_are"]
        assert trials["smallest arfg + are", method, seed] == (arfg + are).idxmin()
        fair = are[arfg <= 0.5]
        assert trials["smallest are, arfg <= 0.5", method, seed] == (fair.idxmin() if len(fair) else None)
        accurate = arfg[are <= 1]
        assert trials["smallest arfg, are <= 1", method, seed] == (accurate.idxmin() if len(accurate) else None)
    chosen = choose_points(made_up_run)
    assert trials["knee"].to_dict() == chosen.set_index(["method", "seed"])["trial_id"].to_dict()
    assert set(chosen["rule"]) == {"knee"}
    assert (chosen["trials"] == made_up_run.searched.groupby(["method", "seed"]).size().iloc[0]).all()


def test_bad_trials_do_not_move_what_is_shown(made_up_results):
    """The knee follows from the frontier; the midpoint moves with the range of all trials."""
    before = made_up_results()
    table = before.trials.copy()
    worst = table.groupby(["method", "seed"])["validation_are"].idxmax()
    worst = worst[worst.index.get_level_values("method") != "single_task"]
    for split in ("validation", "test"):
        table.loc[worst, [f"{split}_error_grade", f"{split}_fpr_gap_grade"]] = 1.0
    after = type(before).of(
        table.drop(columns=[name for name in table if name.endswith(("_are", "_arfg"))]), before.settings
    )
    assert choose_points(after)["trial_id"].tolist() == choose_points(before)["trial_id"].tolist()
    moved = [select_trials(each, ["midpoint"])["trial_id"].tolist() for each in (before, after)]
    assert moved[0] != moved[1]


def test_the_published_rule_is_kept_under_its_protocol(made_up_results):
    results = made_up_results(protocol="paper")
    assert set(choose_points(results)["rule"]) == {"midpoint"}
    assert select_trials(results)["rule"].iloc[0] == "midpoint"


def test_selected_over_seeds(made_up_run):
    table = selected(made_up_run).set_index(["rule", "method"])
    trials, rows = select_trials(made_up_run), made_up_run.trials.set_index("trial_id")
    for (name, method), own in trials.groupby(["rule", "method"]):
        kept = own["trial_id"].dropna()
        values = rows.loc[kept, "test_fpr_gap_bar"]
        row = table.loc[name, method]
        assert row["seeds"] == len(kept)
        assert row["without"] == 4 - len(kept)
        assert row["fpr_gap_bar"] == pytest.approx(values.mean(), nan_ok=True)
        assert row["fpr_gap_bar_std"] == pytest.approx(values.std(ddof=1), nan_ok=True)


def test_a_bound_that_nobody_keeps(made_up_results):
    results = made_up_results(trials=3)
    results.trials["validation_are"] += 10
    row = selected(results).set_index(["rule", "method"]).loc["smallest arfg, are <= 1", "mtaf"]
    assert row["without"] == 4
    assert np.isnan(row["arfg"])


def test_pooled_seeds_are_one_front(made_up_results):
    results = made_up_results(protocol="paper")
    assert comparison(results).empty
    assert (dominance(results)["seeds"] == 1).all()
    assert optimism(results)["optimism"].isna().all()
    assert set(select_trials(results)["seed"]) == {"all"}
    assert volumes(results)["test_hypervolume_low"].isna().all()
    assert (selected(results)["protocol"] == "paper").all()


def test_a_run_without_baselines(made_up_results):
    results = made_up_results(trials=3)
    bare = type(results).of(results.trials[results.trials["stage"] != "baselines"], results.settings)
    for table in (volumes(bare), comparison(bare), dominance(bare), optimism(bare), selected(bare)):
        assert isinstance(table, pd.DataFrame)
        assert table.empty
        assert "source" in table
