"""What a careful reader takes from the tables of a run, as values: which methods differ, what choosing cost, what
treatment changed. The sentences are `report/findings.py`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.comparison import comparison, optimism
from paretofair.analysis.counts import LEAST_ROWS, CellCounts, audit_table
from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points
from paretofair.metrics import rates
from paretofair.metrics.registry import GROUP_METRICS
from paretofair.statistics.comparison import LEVEL
from paretofair.statistics.intervals import seed_interval

VANILLA = "vanilla"
_CHANGE = ["vanilla", "value", "change", "low", "high", "seeds"]


def find_differences(results: Results, of: str = "arfg_are") -> pd.DataFrame:
    """The pairs of `comparison.comparison` in the order of their differences, the largest first, each with `differs`:
    `yes`, `no`, or `cannot be tested` where so many seeds could not have told. `better` is the method with the larger
    hypervolume on test; `seeds_needed` says how many seeds would find the difference."""
    pairs = comparison(results, of)
    first = pairs["difference"] >= 0
    differs = np.select([pairs["p_holm"] <= LEVEL, pairs["testable"].astype(bool)], ["yes", "no"], "cannot be tested")
    found = pairs.assign(differs=differs, better=pairs["method"].where(first, pairs["against"]))
    return found.sort_values("difference", key=lambda values: -values.abs(), kind="stable", ignore_index=True)


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


def compare_gaps(results: Results) -> pd.DataFrame:
    """What the chosen points do to the gap of the run between the groups of every attribute and intersection, on test,
    against the chosen points of `vanilla`; the largest change for the worse first.

    Columns `method, task, grouping, vanilla, value, change, low, high, seeds`: means over the seeds of both, and the
    `seed_interval` of the change. Empty without counts and without `vanilla`.
    """
    gap = results.settings.gap if results.settings.gap in GROUP_METRICS else "fpr_gap"
    if results.cells is None:
        return _average_changes(pd.DataFrame(), ["method", "task", "grouping"])
    table = audit_table(choose_points(results), results.tasks, results.cells)
    own = table[(table["metric"] == gap) & (table["split"] == "test") & (table["method"] != VANILLA)]
    return _average_changes(own, ["method", "task", "grouping"])


def compare_groups(results: Results) -> pd.DataFrame:
    """What the chosen points do to the error on the groups of every attribute, on test, against the chosen points of
    `vanilla`; the largest change for the worse first. Columns as of `compare_gaps`, `attribute` and `group` in place of
    `grouping`. Groups of fewer than 50 rows are left out."""
    by = ["method", "task", "attribute", "group"]
    if results.cells is None:
        return _average_changes(pd.DataFrame(), by)
    chosen = choose_points(results)
    parts = [
        part
        for _, own in chosen.groupby("seed", sort=False)
        if (own["method"] == VANILLA).any()
        for part in _measure_groups(own, results.tasks, results.cells)
    ]
    return _average_changes(pd.concat(parts) if parts else pd.DataFrame(), by)


def _measure_groups(chosen: pd.DataFrame, tasks: Sequence[str], cells: CellCounts) -> list[pd.DataFrame]:
    """The error of every group under the chosen trials of one seed, and how much more it is than under vanilla."""
    ids, methods = chosen["trial_id"].tolist(), chosen["method"].to_numpy()
    counts, rows = cells.of(ids).get("test", []), cells.rows_of(ids).get("test", [])
    vanilla, parts = int(np.flatnonzero(methods == VANILLA)[0]), []
    for task, of_task, of_rows in zip(tasks, counts, rows, strict=False):
        for attribute in cells.attributes:
            errors = cells.by_group(of_task, attribute).rate("error", rates.error)
            enough = cells.by_group(of_rows, attribute).rows[vanilla] >= LEAST_ROWS
            for place, group in enumerate(cells.group_names(attribute)):
                if not enough[place]:
                    continue
                found = {"method": methods, "task": task, "attribute": attribute, "group": group}
                found |= {"value": errors[:, place], "change": errors[:, place] - errors[vanilla, place]}
                parts.append(pd.DataFrame(found)[methods != VANILLA])
    return parts


def _average_changes(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    rows = []
    for key, own in table[table["change"].notna()].groupby(list(by), sort=False) if len(table) else ():
        change = seed_interval(own["change"].to_numpy(float))
        value = float(own["value"].mean())
        rows.append((*key, value - change.mean, value, change.mean, change.low, change.high, change.runs))
    found = pd.DataFrame(rows, columns=[*by, *_CHANGE])
    return found.sort_values("change", ascending=False, kind="stable", ignore_index=True)
