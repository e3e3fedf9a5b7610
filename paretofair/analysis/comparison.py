"""Tables that compare methods over seeds, under a set of objectives `of`: by default the ARFG-ARE frontiers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results, make_once
from paretofair.analysis.rules import select_trials
from paretofair.metrics.objectives import Objective, ObjectiveSet
from paretofair.pareto.indicators import share_dominated
from paretofair.statistics.comparison import LEVEL, count_needed_seeds, holm, least_p_value, paired_comparison
from paretofair.statistics.intervals import seed_interval


@make_once
def volumes(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """`tables/volumes.csv`: mean hypervolume of each method over seeds, maximised.

    Columns `method, hypervolume, hypervolume_low, hypervolume_high, test_hypervolume, …_low, …_high, seeds, trials`;
    low and high are the ends of the 95 % `seed_interval`, NaN for one seed (and for pooled seeds).
    """
    rows = []
    for method, own in _by_method(results, results.hypervolumes_of(of)):
        row: dict[str, object] = {"method": method}
        for name in ("hypervolume", "test_hypervolume"):
            row |= _interval(name, own[name].to_numpy(float))
        rows.append(row | {"seeds": len(own), "trials": int(own["trials"].sum())})
    columns = ["method", *_ends("hypervolume"), *_ends("test_hypervolume"), "seeds", "trials"]
    return _stamp_table(results, pd.DataFrame(rows, columns=columns))


@make_once
def comparison(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """`tables/comparison.csv`: whether methods differ in test hypervolume over the same seeds, a row for each pair.

    Columns `method, against, difference, difference_low, difference_high, p_value, p_holm, seeds, testable,
    seeds_needed`: the mean of method less against (positive: `method` is better), its 95 % `seed_interval`, the p-value
    of a sign-flip test and that adjusted for the number of pairs (Holm). `testable` is whether so many seeds could have
    brought `p_holm` to .05 or less: `p_value` is never below 2 / 2**seeds. `seeds_needed` is how many seeds would find
    the observed difference with 80 % power, were it the true one. Nothing where seeds are pooled.
    """
    columns = ["method", "against", *_ends("difference"), "p_value", "p_holm", "seeds", "testable", "seeds_needed"]
    pairs, compared, differences = [], [], []
    if not results.settings.pooled:
        table = results.hypervolumes_of(of).pivot(index="seed", columns="method", values="test_hypervolume")
        pairs = list(combinations([name for name in results.methods if name in table], 2))
        compared = [paired_comparison(table[one], table[other]) for one, other in pairs]
        differences = [(table[one] - table[other]).to_numpy(float) for one, other in pairs]
    found = pd.DataFrame(
        [(*names, *each) for names, each in zip(pairs, compared, strict=True)],
        columns=["method", "against", *_ends("difference"), "p_value", "seeds"],
    )
    # The first step of Holm's, which decides whether any pair differs.
    tests = max(1, int(found["p_value"].notna().sum()))
    adjusted = holm(found["p_value"].to_numpy(float))
    testable = [least_p_value(each.pairs) * tests <= LEVEL for each in compared]
    needed = [count_needed_seeds(each, level=LEVEL / tests) for each in differences]
    added = {"p_holm": adjusted, "testable": testable, "seeds_needed": needed}
    return _stamp_table(results, found.assign(**added)[columns])


@make_once
def dominance(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """`tables/dominance.csv`: the share of each method's front that another method's dominates, for ordered pairs.

    Columns `method, by, share, share_low, share_high, seeds`: mean over the seeds of both, with its 95 %
    `seed_interval`. Points as chosen, values on test; minimised. The shares of a pair do not add up to 1.
    """
    fronts, objectives = results.fronts_of(of), results.objective_set(of)
    rows = []
    for one, other in permutations(fronts, 2):
        both = [seed for seed in fronts[one] if seed in fronts[other]]
        shares = [
            share_dominated(*(_take_losses(fronts[name][seed], objectives, "test") for name in (one, other)))
            for seed in both
        ]
        rows.append({"method": one, "by": other, **_interval("share", np.array(shares)), "seeds": len(both)})
    return _stamp_table(results, pd.DataFrame(rows, columns=["method", "by", *_ends("share"), "seeds"]))


@make_once
def optimism(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """`tables/optimism.csv`: what the points of frontiers lose from the split that chose them to test.

    Columns `method, metric, chosen, test, optimism, optimism_low, optimism_high, confirmed, seeds`. Values are means
    over the points of each seed, then over seeds; `optimism` is how much worse test is, with its 95 %
    `seed_interval`: test less chosen for what is minimised, chosen less test for what is maximised as
    `hypervolume`, the difference of distances for what is best at 0 or 1, and NaN where points are chosen on test.
    `confirmed` is the mean on test of the same points trained again with fresh seeds, free of the choice of lucky runs;
    NaN where they were not. ARFG and ARE divide by single-task means of the same
    split.
    """
    columns = ["method", "metric", "chosen", "test", *_ends("optimism"), "confirmed", "seeds"]
    rows = []
    metrics = _shown_metrics(results, of)
    chosen_on, fronts_of = results.settings.selected_on, results.fronts_of(of)
    table = results.rows_of(
        trial for fronts in fronts_of.values() for each in fronts.values() for trial in each["trial_id"]
    )
    again = _average_confirmations(results)
    for method, fronts in fronts_of.items():
        for metric in metrics:
            names = [f"{chosen_on}_{metric.name}", f"test_{metric.name}"]
            points_of = [table.loc[points["trial_id"], names] for points in fronts.values()]
            chosen, test = np.array([own.mean().to_numpy(float) for own in points_of]).T
            lost = np.array([own.apply(metric.metric.loss).mean().to_numpy(float) for own in points_of])
            fresh = again.get(f"test_{metric.name}", pd.Series(dtype=float))
            confirmed = [fresh.reindex(points["trial_id"]).mean() for points in fronts.values()]
            rows.append(_optimism(method, metric.name, chosen, test, lost[:, 1] - lost[:, 0], confirmed))
        volumes_of = results.hypervolumes_of(of)
        volume = volumes_of[volumes_of["method"] == method]
        chosen, test = volume["hypervolume"].to_numpy(float), volume["test_hypervolume"].to_numpy(float)
        rows.append(_optimism(method, "hypervolume", chosen, test, chosen - test, []))
    found = pd.DataFrame(rows, columns=columns)
    if chosen_on == "test":
        found[_ends("optimism")] = np.nan
    return _stamp_table(results, found)


@make_once
def selected(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """`tables/selected.csv`: test values of the trials that each rule selects, over seeds.

    Columns `rule, method`, then for every objective (of ARFG-ARE also every task's error and gap) mean, `_std`,
    `_low` and `_high` (95 % `seed_interval`), `seeds` and `without`, the number of seeds where no point
    keeps the rule's bound: their means do not speak of all seeds.
    """
    trials = select_trials(results, of=of)
    table = results.rows_of(trials["trial_id"].dropna())
    metrics = [each.name for each in _shown_metrics(results, of)]
    rows = []
    for (name, method), own in trials.groupby(["rule", "method"], sort=False):
        ids = own["trial_id"].dropna()
        row = {"rule": name, "method": method}
        for metric in metrics:
            values = table.loc[ids, f"test_{metric}"].to_numpy(float)
            mean, std, low, high, _ = seed_interval(values)
            row |= {metric: mean, f"{metric}_std": std, f"{metric}_low": low, f"{metric}_high": high}
        rows.append(row | {"seeds": len(ids), "without": len(own) - len(ids)})
    ends = [f"{metric}{end}" for metric in metrics for end in ("", "_std", "_low", "_high")]
    return _stamp_table(results, pd.DataFrame(rows, columns=["rule", "method", *ends, "seeds", "without"]))


def _shown_metrics(results: Results, of: str) -> list[Objective]:
    """The objectives; of ARFG-ARE frontiers also what they divide, task by task."""
    objectives, settings = results.objective_set(of).objectives, results.settings
    if of != "arfg_are":
        return list(objectives)
    return [
        *objectives,
        *(Objective(settings.metrics[name], task) for task in results.tasks for name in ("error", settings.gap)),
    ]


def _by_method(results: Results, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for method in results.methods:
        own = table[table["method"] == method]
        if len(own):
            yield method, own


def _take_losses(points: pd.DataFrame, objectives: ObjectiveSet, split: str) -> np.ndarray:
    return objectives.losses(points[[f"{split}_{name}" for name in objectives.names]].to_numpy(float))


def _average_confirmations(results: Results) -> pd.DataFrame:
    """Means over fresh seeds of every test metric, by the trial that was trained again; empty without any."""
    trials = results.trials
    columns = [name for name in results.schema.results_on("test") if name in trials]
    if "confirms" not in trials:
        return pd.DataFrame(columns=columns, dtype=float)
    runs = trials[(trials["stage"] == "confirm") & (trials["status"] == "completed")]
    return runs.groupby("confirms")[columns].mean()


def _optimism(
    method: str, metric: str, chosen: np.ndarray, test: np.ndarray, lost: np.ndarray, again: list[float]
) -> dict[str, object]:
    means = {"chosen": chosen.mean(), "test": test.mean()}
    confirmed = float(np.nanmean(again)) if np.isfinite(again).any() else np.nan
    return {"method": method, "metric": metric, **means, **_interval("optimism", lost)} | {
        "confirmed": confirmed,
        "seeds": len(lost),
    }


def _interval(name: str, values: np.ndarray) -> dict[str, float]:
    found = seed_interval(values)
    return dict(zip(_ends(name), (found.mean, found.low, found.high), strict=True))


def _ends(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def _stamp_table(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    settings = results.settings
    return table.assign(selected_on=settings.selected_on, source=results.source, protocol=settings.protocol)
