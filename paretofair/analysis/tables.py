"""Summary tables over methods, of the points that `rules.choose_points` takes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from paretofair.analysis.counts import AUDIT, audit_table
from paretofair.analysis.results import Results, make_once
from paretofair.analysis.rules import choose_points
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.statistics.intervals import seed_interval


def summary(chosen: pd.DataFrame, objectives: ObjectiveSet) -> pd.DataFrame:
    """`tables/summary.csv`: the leading `objectives` on test of the chosen points over seeds (as Table 3 of Wang et al.
    2021)."""
    return _over_seeds(chosen, {name: f"test_{name}" for name in objectives.names})


def per_task(chosen: pd.DataFrame, tasks: Sequence[str], gap: str = "fpr_gap") -> pd.DataFrame:
    """`tables/per_task.csv`: error and `gap` of every task on test of the chosen points (as Table 4)."""
    names = [f"{metric}_{task}" for task in tasks for metric in ("error", gap)]
    return _over_seeds(chosen, {name: f"test_{name}" for name in names})


@make_once
def audit_points(results: Results) -> pd.DataFrame:
    """`audit.csv`: `counts.audit_table` of the chosen points; empty where cells are not counted, or nothing is
    chosen."""
    if results.cells is None:
        return pd.DataFrame(columns=AUDIT)
    return audit_table(choose_points(results), results.tasks, results.cells)


def _over_seeds(chosen: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Mean of each column over the seeds of a method, its `_std`, and the ends `_low` and `_high` of its interval."""
    rows = []
    for method, own in chosen.groupby("method", sort=False):
        found = {name: seed_interval(own[column].to_numpy(float)) for name, column in columns.items()}
        row: dict[str, object] = {"method": method, **{name: each.mean for name, each in found.items()}}
        for end in ("std", "low", "high"):
            row |= {f"{name}_{end}": getattr(each, end) for name, each in found.items()}
        row |= {"seeds": len(own), "trials": own["trials"].sum(), "rule": own["rule"].iloc[0], "measured_on": "test"}
        rows.append(row | {name: own[name].iloc[0] for name in ("selected_on", "source", "protocol")})
    return pd.DataFrame(rows)
