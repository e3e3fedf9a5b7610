"""How a run stands: the points that are confirmed, hypervolumes so far, a row for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from paretofair.analysis.derived import columns_behind
from paretofair.analysis.frontiers import candidates
from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results
from paretofair.metrics.objectives import Objective, needed_metrics, parse_objective
from paretofair.metrics.relative import GROUP_RISE
from paretofair.results import KEYS, TableSchema


def leading_points(results: Results) -> pd.DataFrame:
    """Rows of the trial table on the frontier of any method and seed under the leading set."""
    return results.rows_of(results.frontier(results.leading)["trial_id"]).reset_index(drop=True)


def hypervolume_so_far(trials: pd.DataFrame, settings: ReportSettings, schema: TableSchema) -> str:
    """A short line: the mean hypervolume of each method under the leading set; empty before there is any, and where
    that would take the counts of all trials (`folders_behind`)."""
    tasks = schema.task_names
    if not tasks or folders_behind(Path(), tasks, settings):
        return ""
    splits, names = (settings.selected_on, "test"), deciding_metrics(tasks, settings)
    needed = {f"{split}_{name}" for split in splits for name in names}
    needed |= {*KEYS, *(f"task_weight_{task}" for task in tasks)}
    # A part of the columns: in a large run every copy of the table counts.
    part = trials[[name for name in trials if name in needed]]
    # What the other sets of the space file need besides is not looked at.
    leading = settings.leading_set(tasks)
    results = Results.of(part, replace(settings, objectives=(leading,)), schema=schema)
    means = results.hypervolumes_of(leading).groupby("method")["hypervolume"].mean()
    return "hypervolume " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()) if len(means) else ""


def deciding_metrics(tasks: Sequence[str], settings: ReportSettings, led_by: Sequence[str] = ()) -> list[str]:
    """The columns, without the split, that a run needs while it goes on, of `deciding_objectives`: what is stored, and
    what is derived from counts."""
    wanted = deciding_objectives(tasks, settings, led_by)
    needed = needed_metrics(wanted, settings.gap, settings.metrics)
    names = [*columns_behind(wanted, tasks, settings), *(f"{each.name}_{task}" for each in needed for task in tasks)]
    return list(dict.fromkeys(names))


def deciding_objectives(tasks: Sequence[str], settings: ReportSettings, led_by: Sequence[str] = ()) -> list[Objective]:
    """ARE, ARFG, the objectives of the leading set, what constraints bound, and the objectives `led_by`."""
    leading = settings.build_set(settings.leading_set(tasks), tasks).names
    names = dict.fromkeys(("arfg", "are", *leading, *settings.bounded, *led_by))
    return [parse_objective(name, tasks, settings.metrics) for name in names]


def folders_behind(folder: Path, tasks: Sequence[str], settings: ReportSettings) -> list[Path]:
    """The results folder where what decides is computed from the counts of all trials, as `group_error_rise` is; else
    nothing, since the table in memory has it."""
    wanted = deciding_objectives(tasks, settings)
    return [folder] if any(each.metric.name == GROUP_RISE for each in wanted) else []


def overview(results: Results, methods: Sequence[str]) -> pd.DataFrame:
    """One row per method: trials, the best value of any trial on the choosing split in each objective of the leading
    set, mean hypervolumes under it.

    Columns `method, trials, diverged`, the names of the objectives, `hypervolume, test_hypervolume`; NaN where there is
    nothing yet.
    """
    leading = results.objective_set(results.leading)
    columns = {each: f"{results.settings.selected_on}_{each.name}" for each in leading.objectives}
    known = [name for name in ("method", *columns.values()) if name in results.trials]
    eligible = candidates(results.trials, known)
    every, rows = results.hypervolumes_of(results.leading), []
    for method in methods:
        own, volumes = eligible[eligible["method"] == method], every[every["method"] == method]
        best = [_find_best(own[column], each) if column in own else np.nan for each, column in columns.items()]
        means = (volumes[name].mean() for name in ("hypervolume", "test_hypervolume"))
        rows.append((method, len(own), _count_diverged(results.trials, method), *best, *means))
    names = ["method", "trials", "diverged", *leading.names, "hypervolume", "test_hypervolume"]
    return pd.DataFrame(rows, columns=names)


def _find_best(values: pd.Series, objective: Objective) -> float:
    known = values.dropna().to_numpy(float)
    return float(known[objective.metric.loss(known).argmin()]) if len(known) else np.nan


def _count_diverged(trials: pd.DataFrame, method: str) -> int:
    return int(((trials["method"] == method) & (trials["status"] == "diverged")).sum())
