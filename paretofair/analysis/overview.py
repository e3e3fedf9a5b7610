"""How a run stands: the points that are confirmed, hypervolumes so far, a row for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from paretofair.analysis.derived import columns_behind
from paretofair.analysis.frontiers import candidates
from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.results import Results
from paretofair.metrics.objectives import Objective, needed_metrics, parse_objective
from paretofair.results import KEYS, TableSchema


def arfg_are_points(results: Results) -> pd.DataFrame:
    """Rows of the trial table (with ARE and ARFG) on the ARFG-ARE frontier of any method and seed."""
    return results.rows_of(results.frontier("arfg_are")["trial_id"]).reset_index(drop=True)


def hypervolume_so_far(trials: pd.DataFrame, settings: ReportSettings, schema: TableSchema) -> str:
    """A short line: the mean ARFG-ARE hypervolume of each method; empty before there is any."""
    tasks = schema.task_names
    if not tasks:
        return ""
    splits, names = (settings.selected_on, "test"), deciding_metrics(tasks, settings)
    needed = {f"{split}_{name}" for split in splits for name in names}
    needed |= {*KEYS, *(f"task_weight_{task}" for task in tasks)}
    # A part of the columns: in a large run every copy of the table counts.
    part = trials[[name for name in trials if name in needed]]
    # What the sets of the space file need besides is not looked at.
    results = Results.of(part, replace(settings, objectives=("arfg_are",)), schema=schema)
    means = results.hypervolumes.groupby("method")["hypervolume"].mean()
    return "hypervolume " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()) if len(means) else ""


def deciding_metrics(tasks: Sequence[str], settings: ReportSettings, led_by: Sequence[str] = ()) -> list[str]:
    """The columns, without the split, that a run needs while it goes on, of ARE, ARFG, constraints and the objectives
    `led_by`: what is stored, and what is derived from counts."""
    wanted = deciding_objectives(tasks, settings, led_by)
    needed = needed_metrics(wanted, settings.gap, settings.metrics)
    names = [*columns_behind(wanted, tasks, settings), *(f"{each.name}_{task}" for each in needed for task in tasks)]
    return list(dict.fromkeys(names))


def deciding_objectives(tasks: Sequence[str], settings: ReportSettings, led_by: Sequence[str] = ()) -> list[Objective]:
    """ARE, ARFG, what constraints bound, and the objectives `led_by`."""
    return [parse_objective(name, tasks, settings.metrics) for name in ("arfg", "are", *settings.bounded, *led_by)]


def overview(results: Results, methods: Sequence[str]) -> pd.DataFrame:
    """One row per method: trials, the best ARE and ARFG of any trial on the choosing split, mean hypervolumes.

    Columns `method, trials, diverged, are, arfg, hypervolume, test_hypervolume`; NaN where there is nothing yet.
    """
    chosen_by = [f"{results.settings.selected_on}_{name}" for name in ("are", "arfg")]
    known = [name for name in ("method", *chosen_by) if name in results.trials]
    eligible = candidates(results.trials, known)
    rows = []
    for method in methods:
        own = eligible[eligible["method"] == method]
        volumes = results.hypervolumes[results.hypervolumes["method"] == method]
        best = [own[name].min() if name in own else float("nan") for name in chosen_by]
        means = (volumes[name].mean() for name in ("hypervolume", "test_hypervolume"))
        rows.append((method, len(own), _count_diverged(results.trials, method), *best, *means))
    columns = ["method", "trials", "diverged", "are", "arfg", "hypervolume", "test_hypervolume"]
    return pd.DataFrame(rows, columns=columns)


def _count_diverged(trials: pd.DataFrame, method: str) -> int:
    return int(((trials["method"] == method) & (trials["status"] == "diverged")).sum())
