"""Tables that compare methods over seeds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from paretofair.analysis.frontiers import candidates
from paretofair.analysis.results import Results
from paretofair.pareto.comparison import bootstrap_interval, holm, paired_comparison
from paretofair.pareto.indicators import share_dominated
from paretofair.pareto.selection import knee, midpoint, smallest_sum, smallest_under

ARE_BOUND = 1.0  # as good as single-task models
ARFG_BOUND = 0.5  # half of their gaps
_PLANE = ("arfg", "are")


def volumes(results: Results) -> pd.DataFrame:
    """`tables/volumes.csv`: mean ARFG-ARE hypervolume of each method over seeds, maximised.

    Columns `method, hypervolume, hypervolume_low, hypervolume_high, test_hypervolume, …_low, …_high, seeds, trials`;
    low and high are the ends of the 95 % bootstrap interval, NaN for one seed (and for pooled seeds).
    """
    rows = []
    for method, own in _by_method(results, results.hypervolumes):
        row: dict[str, object] = {"method": method}
        for name in ("hypervolume", "test_hypervolume"):
            row |= _interval(name, own[name].to_numpy(float))
        rows.append(row | {"seeds": len(own), "trials": int(own["trials"].sum())})
    columns = ["method", *_ends("hypervolume"), *_ends("test_hypervolume"), "seeds", "trials"]
    return _stamp_table(results, pd.DataFrame(rows, columns=columns))


def comparison(results: Results) -> pd.DataFrame:
    """`tables/comparison.csv`: whether methods differ in test hypervolume over the same seeds, a row for each pair.

    Columns `method, against, difference, difference_low, difference_high, p_value, p_holm, seeds`: the mean of method
    less against (positive: `method` is better), its 95 % bootstrap interval, the p-value of a sign-flip test and that
    adjusted for the number of pairs (Holm). `p_value` is never below 2 / 2**seeds. Nothing where seeds are pooled.
    """
    columns = ["method", "against", *_ends("difference"), "p_value", "p_holm", "seeds"]
    rows = []
    if not results.settings.pooled:
        table = results.hypervolumes.pivot(index="seed", columns="method", values="test_hypervolume")
        for one, other in combinations([name for name in results.methods if name in table], 2):
            rows.append((one, other, *paired_comparison(table[one], table[other])))
    found = pd.DataFrame(rows, columns=[name for name in columns if name != "p_holm"])
    adjusted = holm(found["p_value"].to_numpy(float))
    return _stamp_table(results, found.assign(p_holm=adjusted)[columns])


def dominance(results: Results) -> pd.DataFrame:
    """`tables/dominance.csv`: the share of each method's front that another method's dominates, for ordered pairs.

    Columns `method, by, share, share_low, share_high, seeds`: mean over the seeds of both, with its 95 % bootstrap
    interval. Of the ARFG-ARE frontiers, points as chosen, values on test; minimised. The shares of a pair do not add
    up to 1.
    """
    fronts = _fronts(results)
    rows = []
    for one, other in permutations(fronts, 2):
        both = [seed for seed in fronts[one] if seed in fronts[other]]
        shares = [
            share_dominated(_take_values(fronts[one][seed], "test"), _take_values(fronts[other][seed], "test"))
            for seed in both
        ]
        rows.append({"method": one, "by": other, **_interval("share", np.array(shares)), "seeds": len(both)})
    return _stamp_table(results, pd.DataFrame(rows, columns=["method", "by", *_ends("share"), "seeds"]))


def optimism(results: Results) -> pd.DataFrame:
    """`tables/optimism.csv`: what the points of the ARFG-ARE frontier lose from the split that chose them to test.

    Columns `method, metric, chosen, test, optimism, optimism_low, optimism_high, confirmed, seeds`. Values are means
    over the points of each seed, then over seeds; `optimism` is how much worse test is, with its 95 % bootstrap
    interval over seeds: test less chosen for ARFG, ARE, errors and gaps, chosen less test for `hypervolume`, and NaN
    where points are chosen on test. `confirmed` is the mean on test of the same points trained again with fresh seeds,
    free of the choice of lucky runs; NaN where they were not. ARFG and ARE divide by single-task means of the same
    split.
    """
    columns = ["method", "metric", "chosen", "test", *_ends("optimism"), "confirmed", "seeds"]
    rows = []
    metrics = [*_PLANE, *(f"{name}_{task}" for task in results.tasks for name in ("error", "fpr_gap"))]
    chosen_on, fronts_of = results.settings.selected_on, _fronts(results)
    table = results.rows_of(
        trial for fronts in fronts_of.values() for each in fronts.values() for trial in each["trial_id"]
    )
    again = _average_confirmations(results)
    for method, fronts in fronts_of.items():
        for metric in metrics:
            names = [f"{chosen_on}_{metric}", f"test_{metric}"]
            own = [table.loc[points["trial_id"], names].mean().to_numpy(float) for points in fronts.values()]
            chosen, test = np.array(own).T
            confirmed = [again[f"test_{metric}"].reindex(points["trial_id"]).mean() for points in fronts.values()]
            rows.append(_optimism(method, metric, chosen, test, test - chosen, confirmed))
        volume = results.hypervolumes[results.hypervolumes["method"] == method]
        chosen, test = volume["hypervolume"].to_numpy(float), volume["test_hypervolume"].to_numpy(float)
        rows.append(_optimism(method, "hypervolume", chosen, test, chosen - test, []))
    found = pd.DataFrame(rows, columns=columns)
    if chosen_on == "test":
        found[_ends("optimism")] = np.nan
    return _stamp_table(results, found)


RULES = (
    "midpoint",
    "knee",
    f"smallest arfg, are <= {ARE_BOUND:g}",
    f"smallest are, arfg <= {ARFG_BOUND:g}",
    "smallest arfg + are",
)
_NUMBER = r"(\d+\.?\d*|\.\d+)"
_BOUNDED = re.compile(rf"smallest (arfg|are), (arfg|are) <= {_NUMBER}")
_WEIGHTED = re.compile(rf"smallest (?:{_NUMBER} )?arfg \+ (?:{_NUMBER} )?are")


def rule(name: str) -> Callable[[np.ndarray, np.ndarray], int]:
    """A rule that takes one point of an ARFG-ARE front: from its values `(m, 2)` and the ARE of all trials its place.

    Names are those of `RULES`, with any other bound, and with weights as in `smallest 2 arfg + are`. The rule raises
    ValueError where no point keeps its bound.

    Raises:
        ValueError: a name that is none of these.
    """
    bounded, weights = _BOUNDED.fullmatch(name), _WEIGHTED.fullmatch(name)
    if name == "midpoint":
        return lambda front, are: midpoint(front[:, 1], are)
    if name == "knee":
        return lambda front, are: knee(front)
    if bounded is not None and bounded[1] != bounded[2]:
        one, other, bound = _PLANE.index(bounded[1]), _PLANE.index(bounded[2]), float(bounded[3])
        return lambda front, are: smallest_under(front[:, one], front[:, other], bound)
    if weights is not None:
        of_plane = [float(each or 1) for each in weights.groups()]
        return lambda front, are: smallest_sum(front, of_plane)
    raise ValueError(f"found the rule {name!r}; accepted: {'; '.join(RULES)}; bounds and weights may be others")


def select_trials(results: Results, rules: Sequence[str] = RULES) -> pd.DataFrame:
    """The trial that each rule takes from each ARFG-ARE frontier, on the split that chooses.

    Columns `rule, method, seed, trial_id`; `trial_id` is None where no point keeps the rule's bound. `seed` is `all`
    where seeds are pooled.
    """
    chosen_on, rows = results.settings.selected_on, []
    takes = {name: rule(name) for name in rules}
    searched = candidates(results.trials, ["method", "seed", f"{chosen_on}_are"])
    for method, fronts in _fronts(results).items():
        runs = searched[searched["method"] == method]
        for seed, points in fronts.items():
            own = runs if results.settings.pooled else runs[runs["seed"] == seed]
            are = own[f"{chosen_on}_are"].to_numpy(float)
            for name, take in takes.items():
                try:
                    trial = points["trial_id"].iloc[take(_take_values(points, chosen_on), are)]
                except ValueError:
                    trial = None
                rows.append((name, method, seed, trial))
    order = {name: place for place, name in enumerate(rules)}
    found = pd.DataFrame(rows, columns=["rule", "method", "seed", "trial_id"])
    return found.sort_values("rule", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def selected(results: Results) -> pd.DataFrame:
    """`tables/selected.csv`: test values of the trials that each rule selects, over seeds.

    Columns `rule, method`, then for ARFG, ARE and every task's error and FPR gap mean, `_std`, `_low` and `_high` (95 %
    bootstrap interval) over seeds, `seeds` and `without`, the number of seeds where no point keeps the rule's bound:
    their means do not speak of all seeds.
    """
    trials = select_trials(results)
    table = results.rows_of(trials["trial_id"].dropna())
    metrics = [*_PLANE, *(f"{name}_{task}" for task in results.tasks for name in ("error", "fpr_gap"))]
    rows = []
    for (name, method), own in trials.groupby(["rule", "method"], sort=False):
        ids = own["trial_id"].dropna()
        row = {"rule": name, "method": method}
        for metric in metrics:
            values = table.loc[ids, f"test_{metric}"].to_numpy(float)
            std = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
            mean, low, high = bootstrap_interval(values)
            row |= {metric: mean, f"{metric}_std": std, f"{metric}_low": low, f"{metric}_high": high}
        rows.append(row | {"seeds": len(ids), "without": len(own) - len(ids)})
    ends = [f"{metric}{end}" for metric in metrics for end in ("", "_std", "_low", "_high")]
    return _stamp_table(results, pd.DataFrame(rows, columns=["rule", "method", *ends, "seeds", "without"]))


def _fronts(results: Results) -> dict[str, dict[object, pd.DataFrame]]:
    """Points of the ARFG-ARE frontier by method and seed; one seed `all` where they are pooled."""
    if not len(results.hypervolumes):
        return {}
    points = results.frontier("arfg_are")
    keys = pd.Series("all", index=points.index) if results.settings.pooled else points["seed"]
    return {method: dict(iter(own.groupby(keys.loc[own.index]))) for method, own in _by_method(results, points)}


def _by_method(results: Results, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for method in results.methods:
        own = table[table["method"] == method]
        if len(own):
            yield method, own


def _take_values(points: pd.DataFrame, split: str) -> np.ndarray:
    return points[[f"{split}_{name}" for name in _PLANE]].to_numpy(float)


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
    return dict(zip(_ends(name), bootstrap_interval(values), strict=True))


def _ends(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def _stamp_table(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    settings = results.settings
    return table.assign(selected_on=settings.selected_on, source=results.source, protocol=settings.protocol)
