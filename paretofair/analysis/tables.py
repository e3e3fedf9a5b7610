"""Summary tables over methods."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from paretofair.analysis.frontiers import candidates
from paretofair.metrics.objectives import Objective, ObjectiveSet
from paretofair.pareto.selection import midpoint


def midpoints(
    trials: pd.DataFrame, front: pd.DataFrame, last: Objective, *, selected_on: str, pooled: bool
) -> pd.DataFrame:
    """The trial that the midpoint rule of Wang et al. 2021 (Table 3) takes from each frontier, by its `last` objective.

    `front` are the points of `frontiers.frontier` with the same `selected_on` and `pooled`, `trials` the table with the
    objectives. One full row of the trial table per method and seed (per method where seeds
    are pooled), with `selected_on` and the number of `trials` that it was chosen from.
    """
    column = f"{selected_on}_{last.name}"
    eligible = candidates(trials, [name for name in ("method", "seed", column) if name in trials])
    chosen, counts = [], []
    for _, points in front.groupby("method" if pooled else ["method", "seed"], sort=False):
        method, seed = points["method"].iloc[0], points["seed"].iloc[0]
        runs = eligible[(eligible["method"] == method) & (pooled | (eligible["seed"] == seed))]
        losses = (last.metric.loss(each[column].to_numpy(float)) for each in (points, runs))
        place = midpoint(*losses)
        chosen.append(points["trial_id"].iloc[place])
        counts.append(len(runs))
    rows = trials[trials["trial_id"].isin(chosen)].set_index("trial_id", drop=False).loc[chosen]
    return rows.assign(selected_on=selected_on, trials=counts).reset_index(drop=True)


def summary(chosen: pd.DataFrame, objectives: ObjectiveSet) -> pd.DataFrame:
    """`tables/summary.csv`: the leading `objectives` on test at the midpoint, mean and deviation over seeds (as
    Table 3)."""
    return _over_seeds(chosen, {name: f"test_{name}" for name in objectives.names})


def per_task(chosen: pd.DataFrame, tasks: Sequence[str], gap: str = "fpr_gap") -> pd.DataFrame:
    """`tables/per_task.csv`: error and `gap` of every task on test at the midpoint (as Table 4)."""
    names = [f"{metric}_{task}" for task in tasks for metric in ("error", gap)]
    return _over_seeds(chosen, {name: f"test_{name}" for name in names})


def _over_seeds(chosen: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    grouped = chosen.groupby("method", sort=False)
    table = {name: grouped[column].mean() for name, column in columns.items()}
    table |= {f"{name}_std": grouped[column].std(ddof=1) for name, column in columns.items()}
    table |= {"seeds": grouped.size(), "trials": grouped["trials"].sum()}
    said = {name: grouped[name].first() for name in ("selected_on", "source", "protocol")}
    whole = pd.DataFrame(table).assign(measured_on="test", **said)
    return whole.reset_index()
