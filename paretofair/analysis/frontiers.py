"""Frontiers of a trial table: for each method and seed, the trials that no other beats under named objectives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from paretofair.metrics.constraints import Constraint
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.hypervolume import hypervolume
from paretofair.results.table_schema import WITHIN, TableSchema

SEARCHED = ("points", "sweep")
VOLUMES = ["method", "seed", "trials", "hypervolume", "test_hypervolume"]
_IDENTITY = ["method", "objectives", "seed", "rank", "selected_on", "trial_id", "source", "protocol"]


def candidates(trials: pd.DataFrame, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """The trials that may enter a frontier: searched, trained to their full budget, within the constraints. Of large
    tables `columns` alone."""
    own = trials if columns is None else trials[list(columns)]
    may = trials["stage"].isin(SEARCHED) & (trials["status"] == "completed")
    return own[may & trials[WITHIN]] if WITHIN in trials else own[may]


def keep_constraints(constraints: Sequence[Constraint], trials: pd.DataFrame, selected_on: str) -> np.ndarray:
    """Mask of the trials that keep all constraints on a split; a metric without a value keeps none."""
    kept = [
        constraint.violations(trials[f"{selected_on}_{constraint.name}"].to_numpy(float)) <= 0
        for constraint in constraints
    ]
    return np.all(kept, axis=0) if kept else np.ones(len(trials), dtype=bool)


def frontier(
    trials: pd.DataFrame, schema: TableSchema, objectives: ObjectiveSet, *, selected_on: str, pooled: bool
) -> pd.DataFrame:
    """Frontier points of every method and seed under `objectives`, chosen on the split `selected_on`.

    `trials` has the columns `<split>_<objective>` (see `relative.with_relative` and `derived.with_objectives`); only
    completed trials of a search are considered. `pooled` makes one frontier of all seeds of a method (`protocol:
    paper`). One row per point with `rank`, its place from the best first objective on, 1 the first; ties are kept. Each
    objective is reported on validation and on test, then every hyperparameter.
    """
    names = objectives.names
    shown = [f"{split}_{name}" for split in ("validation", "test") for name in names]
    # A frontier may hold a classifier that calls nobody positive: that must be seen.
    rates = [f"realised_positive_rate_{task}" for task in schema.task_names]
    shown += [f"{split}_{name}" for split in ("validation", "test") for name in rates]
    shown = [column for column in shown if column in trials]
    chosen_by = [f"{selected_on}_{name}" for name in names]
    places, ranks = [np.empty(0, dtype=int)], [np.empty(0, dtype=int)]
    numbered = trials.set_axis(pd.RangeIndex(len(trials)))
    # A table without such trials need not have their metrics.
    eligible = candidates(numbered, ["method", "seed", "trial_id", *(name for name in chosen_by if name in trials)])
    for _, group in eligible.groupby("method" if pooled else ["method", "seed"], sort=False):
        losses = objectives.losses(group[chosen_by].to_numpy(float))
        member = non_dominated(losses)
        own = group.loc[member, "trial_id"]
        front = pd.DataFrame(losses[member], columns=chosen_by, index=own.index).assign(trial_id=own)
        places.append(front.sort_values([*chosen_by, "trial_id"], kind="stable").index.to_numpy())
        ranks.append(np.arange(1, len(front) + 1))
    points = trials.iloc[np.concatenate(places)]
    points = points.assign(rank=np.concatenate(ranks), objectives=objectives.name, selected_on=selected_on)
    own = [name for name in schema.hyperparameter_columns if name in trials]
    return points[[*_IDENTITY[:5], *shown, *_IDENTITY[5:], *own]].reset_index(drop=True)


def with_confirmed(points: pd.DataFrame, trials: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """Points of a frontier under these objectives with `confirmed_<objective>_mean` and `_std`, on test, over their
    runs with fresh seeds.

    NaN for points that were not confirmed.
    """
    if "confirms" not in trials or points.empty:
        return points
    moments = confirmed_moments(trials, [name for name in objectives if f"test_{name}" in points])
    added = moments.reindex(points["trial_id"]).set_axis(points.index)
    added["runs"] = added["runs"].fillna(0).astype(int)
    place = points.columns.get_loc("trial_id")
    for offset, name in enumerate(added):
        points.insert(place + offset, f"confirmed_{name}", added[name])
    return points


def confirmed_moments(trials: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Of every trial that was trained again with fresh seeds `<metric>_mean` and `<metric>_std` (of a single run) on
    test, and the number of its `runs`, the completed trials of the stage `confirm`."""
    runs = trials[(trials["stage"] == "confirm") & (trials["status"] == "completed")]
    grouped = runs.groupby("confirms")[[f"test_{name}" for name in metrics]]
    mean, deviation = grouped.mean(), grouped.std(ddof=1)
    columns = {
        f"{name}_{kind}": values[f"test_{name}"]
        for name in metrics
        for kind, values in (("mean", mean), ("std", deviation))
    }
    return pd.DataFrame(columns, index=mean.index).assign(runs=runs.groupby("confirms").size())


def front_hypervolumes(
    trials: pd.DataFrame, objectives: ObjectiveSet, *, selected_on: str, pooled: bool
) -> pd.DataFrame:
    """Hypervolume of every method and seed under `objectives` to their reference point, maximised.

    Columns `method, seed, trials, hypervolume, test_hypervolume`. `hypervolume` is of the front on the split that
    chose it, `test_hypervolume` of the same points on test: the difference is the optimism of choosing. A method and
    seed without a trial that has every objective have no row, and no `test_hypervolume` where no point has all of them
    on test: 0 is the hypervolume of points that are worse than the reference.
    """
    rows = []
    chosen_by, measured = ([f"{split}_{name}" for name in objectives.names] for split in (selected_on, "test"))
    eligible = candidates(trials, dict.fromkeys(["method", "seed", *chosen_by, *measured]))
    for key, group in eligible.groupby("method" if pooled else ["method", "seed"], sort=False):
        chosen = objectives.losses(group[chosen_by].to_numpy(float))
        if np.isnan(chosen).any(1).all():
            continue
        on_test = objectives.losses(group.loc[non_dominated(chosen), measured].to_numpy(float))
        method, seed = (key, "all") if pooled else key
        volumes = [hypervolume(points, reference=objectives.corner) for points in (chosen, on_test)]
        if np.isnan(on_test).any(1).all():
            volumes[1] = np.nan
        rows.append((method, seed, len(group), *volumes))
    return pd.DataFrame(rows, columns=VOLUMES)
