"""What a careful reader takes from the tables of a run, as values: which methods differ, what choosing cost, what
treatment changed. The sentences are `report/findings/`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.comparison import comparison, optimism
from paretofair.analysis.counts import LEAST_ROWS, CellCounts
from paretofair.analysis.relative import UNTREATED
from paretofair.analysis.results import Results, make_once
from paretofair.analysis.rules import choose_points
from paretofair.analysis.tables import audit_points
from paretofair.metrics import rates
from paretofair.metrics.metric import IDENTITY
from paretofair.metrics.registry import GROUP_METRICS
from paretofair.statistics.comparison import LEVEL
from paretofair.statistics.intervals import seed_interval

_CHANGE = ["vanilla", "value", "change", "low", "high", "seeds"]
_WIDE = 1.96  # deviations to both sides hold 95 %
_FPR = ("false_positive_rate", rates.false_positive_rate)
_TPR = ("true_positive_rate", rates.true_positive_rate)
# Of what rates a gap is the difference.
_RATES = {
    "fpr_gap": (_FPR,),
    "tpr_gap": (_TPR,),
    "demographic_parity_gap": (("positive_rate", rates.positive_rate),),
    **dict.fromkeys(("equalized_odds_mean", "equalized_odds_max", "equalized_odds_sum"), (_FPR, _TPR)),
}


def find_differences(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """The pairs of `comparison.comparison` in the order of their differences, the largest first, each with `differs`:
    `yes`, `no`, or `cannot be tested` where so many seeds could not have told. `better` is the method with the larger
    hypervolume on test, in `agree` of the seeds; `seeds_needed` says how many seeds would find the difference."""
    pairs = comparison(results, of)
    first = pairs["difference"] >= 0
    differs = np.select([pairs["p_holm"] <= LEVEL, pairs["testable"].astype(bool)], ["yes", "no"], "cannot be tested")
    volumes = results.hypervolumes_of(of).set_index(["method", "seed"])["test_hypervolume"]
    agree = [
        int((np.sign(volumes[row.method] - volumes[row.against]) == np.sign(row.difference)).sum())
        for row in pairs.itertuples()
    ]
    found = pairs.assign(differs=differs, better=pairs["method"].where(first, pairs["against"]), agree=agree)
    return found.sort_values("difference", key=lambda values: -values.abs(), kind="stable", ignore_index=True)


def find_unequal_searches(results: Results) -> dict[str, pd.Series]:
    """Completed trials of each seed by method, the method with the fewest first; empty where all methods of a seed have
    about as many: the most are at most a tenth above the fewest."""
    counts = results.searched.groupby(["method", "seed"]).size().unstack(fill_value=0)
    if (counts.max() <= 1.1 * counts.min()).all():
        return {}
    return {str(name): counts.loc[name] for name in counts.mean(axis=1).sort_values(kind="stable").index}


def find_cost_of_choosing(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """The rows of `comparison.optimism` whose interval lies above 0, the largest loss first, within each metric: where
    values on test are worse than those that chose the points."""
    table = optimism(results, of)
    worse = table[table["optimism_low"] > 0]
    place = {name: place for place, name in enumerate(dict.fromkeys(table["metric"]))}
    ordered = worse.assign(place=worse["metric"].map(place)).sort_values(
        ["place", "optimism"], ascending=[True, False], kind="stable", ignore_index=True
    )
    return ordered.drop(columns="place")


@make_once
def find_untrained(results: Results) -> dict[str, list[str]]:
    """The tasks that no trial of a method trains, whose weight is 0, by method. What such a method does in them is the
    doing of initial values, so that the comparisons below leave them out."""
    weights = {task: f"task_weight_{task}" for task in results.tasks}
    given = {task: column for task, column in weights.items() if column in results.searched}
    none = results.searched.groupby("method", sort=False)[list(given.values())].max() == 0
    found = {str(name): [task for task, column in given.items() if row[column]] for name, row in none.iterrows()}
    return {name: tasks for name, tasks in found.items() if tasks}


@make_once
def compare_errors(results: Results) -> pd.DataFrame:
    """What the chosen points do to the error of every task on test, against the chosen points of `vanilla` of the same
    seed. Columns `method, task, vanilla, value, change, low, high, seeds`, methods and tasks as they come. Empty
    without `vanilla`."""
    chosen, found = choose_points(results), list[pd.DataFrame]()
    by_seed = chosen.groupby("seed", sort=False) if len(chosen) and not results.settings.pooled else ()
    for _, own in by_seed:
        untreated, others = own[own["method"] == UNTREATED], own[own["method"] != UNTREATED]
        for task in results.tasks if len(untreated) else ():
            values = others[f"test_error_{task}"]
            found.append(
                pd.DataFrame(
                    {
                        "method": others["method"],
                        "task": task,
                        "value": values,
                        "change": values - untreated[f"test_error_{task}"].iloc[0],
                    }
                )
            )
    table = _leave_out_untrained(results, found)
    by = ["method", "task"]
    return _average_changes(table.assign(rows=0, noise=np.nan), by, largest_first=False).drop(columns=["rows", "noise"])


@make_once
def compare_gaps(results: Results) -> pd.DataFrame:
    """What the chosen points do to the gap of the run between the groups of every attribute and intersection, on test,
    against the chosen points of `vanilla`; the largest change for the worse first.

    Columns `method, task, grouping, rows, vanilla, value, change, low, high, noise, seeds`: means over the seeds of
    both, the `seed_interval` of the change, the rows behind the smallest group, and how far rows alone may move the
    change (95 %, at most). Empty without counts and without `vanilla`.
    """
    by = ["method", "task", "grouping"]
    gap = results.settings.gap if results.settings.gap in GROUP_METRICS else "fpr_gap"
    if results.cells is None:
        return _average_changes(pd.DataFrame(), by)
    table = audit_points(results)
    own = table[(table["metric"] == gap) & (table["split"] == "test") & (table["method"] != UNTREATED)]
    own = _leave_out_untrained(results, [own])
    # Two rates of two models, each of which has at most the variance of a coin.
    noise = _WIDE * np.sqrt(2 * 0.25 / own["smallest"].clip(lower=1))
    return _average_changes(own.assign(rows=own["smallest"], noise=noise), by)


@make_once
def compare_groups(results: Results) -> pd.DataFrame:
    """What the chosen points do to the error on the groups of every attribute, on test, against the chosen points of
    `vanilla`; those first that concern most rows. Columns as of `compare_gaps`, `attribute` and `group` in place of
    `grouping`, and `overall`, the change of the error on all rows. Groups of fewer than 50 rows are left out."""
    by = ["method", "task", "attribute", "group"]
    if results.cells is None:
        return _average_changes(pd.DataFrame(), by).assign(overall=np.nan)
    chosen = choose_points(results)
    parts = [
        part
        for _, own in chosen.groupby("seed", sort=False)
        if (own["method"] == UNTREATED).any()
        for part in _measure_groups(own, results.tasks, results.cells)
    ]
    every = _leave_out_untrained(results, parts)
    found = _average_changes(every, by)
    if found.empty:
        return found.assign(overall=np.nan)
    overall = every.groupby(["method", "task"])["overall"].mean()
    found["overall"] = overall.loc[list(zip(found["method"], found["task"], strict=True))].to_numpy()
    concerned = (found["change"] * found["rows"]).sort_values(ascending=False, kind="stable")
    return found.loc[concerned.index].reset_index(drop=True)


@make_once
def compare_rates(results: Results) -> pd.DataFrame:
    """The rates whose difference is the gap of the run, of every group that the losses act on, at the chosen points of
    each method and of `vanilla`, on test.

    Columns `method, task, attribute, group, metric, rows, vanilla, value, change, low, high, noise, seeds`, by method,
    task, rate and group as they come. Empty without counts, without `vanilla`, and where the gap is of other rates.
    """
    by = ["method", "task", "attribute", "group", "metric"]
    cells, sensitive, chosen = results.cells, results.sensitive, choose_points(results)
    found, wanted = list[pd.DataFrame](), _RATES.get(results.settings.gap, ())
    for _, own in chosen.groupby("seed", sort=False) if cells is not None and sensitive is not None else ():
        ids, methods = own["trial_id"].tolist(), own["method"].to_numpy()
        if UNTREATED not in methods or cells is None or sensitive is None:
            continue
        place = int(np.flatnonzero(methods == UNTREATED)[0])
        counts, rows = cells.of(ids).get("test", []), cells.rows_of(ids).get("test", [])
        for task, of_task, of_rows in zip(results.tasks, counts, rows, strict=False):
            attribute = sensitive[task]
            by_group = cells.by_group(of_task, attribute)
            for name, rate in wanted:
                values, behind = by_group.rate(name, rate), cells.by_group(of_rows, attribute).behind(name)
                for number, group in enumerate(cells.group_names(attribute)):
                    line = {"method": methods, "task": task, "attribute": attribute, "group": group, "metric": name}
                    line |= {"value": values[:, number], "change": values[:, number] - values[place, number]}
                    line |= {"rows": behind[place, number], "noise": np.nan}
                    found.append(pd.DataFrame(line)[methods != UNTREATED])
    return _average_changes(_leave_out_untrained(results, found), by, largest_first=False)


def list_changes(results: Results) -> pd.DataFrame:
    """`tables/changes.csv`: `compare_gaps`, `compare_rates` and `compare_groups` in one table, `metric` the gap, a rate
    or `error`, `group` empty for a gap."""
    rates_of = compare_rates(results).rename(columns={"attribute": "grouping"})
    gaps = compare_gaps(results).assign(metric=results.settings.gap, group="")
    groups = compare_groups(results).rename(columns={"attribute": "grouping"}).assign(metric="error")
    columns = ["method", "task", "grouping", "group", "metric", "rows", *_CHANGE, "noise", "overall"]
    parts = [each.reindex(columns=columns) for each in (gaps, rates_of, groups) if len(each)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def constant_errors(results: Results) -> dict[str, float]:
    """The error on test of deciding the same, the most frequent label, for everyone, by task; empty without counts."""
    if results.cells is None or results.searched.empty:
        return {}
    counts = results.cells.of(results.searched["trial_id"].head(1).tolist()).get("test", [])
    found = {}
    for task, of_task, said in zip(results.tasks, counts, results.schema.tasks, strict=False):
        if said.kind == IDENTITY:
            continue  # none is the most frequent
        # Of a binary task true and false positives, true and false negatives; of several classes labels by decisions.
        decisions = of_task.decisions[0].sum(0)
        if of_task.classes:
            of_labels = decisions.reshape(of_task.classes, of_task.classes).sum(1)
        else:
            of_labels = np.array([decisions[0] + decisions[3], decisions[1] + decisions[2]])
        if of_labels.sum() > 0:
            found[task] = float(1 - of_labels.max() / of_labels.sum())
    return found


def _measure_groups(chosen: pd.DataFrame, tasks: Sequence[str], cells: CellCounts) -> list[pd.DataFrame]:
    """The error of every group under the chosen trials of one seed, and how much more it is than under vanilla."""
    ids, methods = chosen["trial_id"].tolist(), chosen["method"].to_numpy()
    counts, rows = cells.of(ids).get("test", []), cells.rows_of(ids).get("test", [])
    vanilla, parts = int(np.flatnonzero(methods == UNTREATED)[0]), []
    for task, of_task, of_rows in zip(tasks, counts, rows, strict=False):
        total = of_task.total.rate("error", rates.error)[:, 0]
        for attribute in cells.attributes:
            errors = cells.by_group(of_task, attribute).rate("error", rates.error)
            counted = cells.by_group(of_rows, attribute).rows[vanilla]
            for place, group in enumerate(cells.group_names(attribute)):
                if counted[place] < LEAST_ROWS:
                    continue
                error = errors[:, place]
                variance = error * (1 - error) + error[vanilla] * (1 - error[vanilla])
                found = {"method": methods, "task": task, "attribute": attribute, "group": group}
                found |= {"value": error, "change": error - error[vanilla], "overall": total - total[vanilla]}
                found |= {"rows": counted[place], "noise": _WIDE * np.sqrt(variance / counted[place])}
                parts.append(pd.DataFrame(found)[methods != UNTREATED])
    return parts


def _leave_out_untrained(results: Results, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of those with columns `method` and `task`."""
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts)
    for method, tasks in find_untrained(results).items():
        table = table[(table["method"] != method) | ~table["task"].isin(tasks)]
    return table


def _average_changes(table: pd.DataFrame, by: Sequence[str], *, largest_first: bool = True) -> pd.DataFrame:
    rows = []
    for key, own in table[table["change"].notna()].groupby(list(by), sort=False) if len(table) else ():
        change = seed_interval(own["change"].to_numpy(float))
        value, noise = float(own["value"].mean()), float(own["noise"].mean())
        of_change = value - change.mean, value, change.mean, change.low, change.high, change.runs
        rows.append((*key, int(own["rows"].min()), *of_change, noise))
    found = pd.DataFrame(rows, columns=[*by, "rows", *_CHANGE, "noise"])
    return found.sort_values("change", ascending=False, kind="stable", ignore_index=True) if largest_first else found
