"""How a run stands: the points that are confirmed, hypervolumes so far, a row for each method."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from paretofair.analysis.frontiers import candidates
from paretofair.analysis.results import Results
from paretofair.analysis.settings import ReportSettings
from paretofair.metrics.constraints import parse_constraint
from paretofair.metrics.relative import RELATIVE
from paretofair.results import KEYS, TableSchema


def arfg_are_points(results: Results) -> pd.DataFrame:
    """Rows of the trial table (with ARE and ARFG) on the ARFG-ARE frontier of any method and seed."""
    return results.rows_of(results.frontier("arfg_are")["trial_id"]).reset_index(drop=True)


def hypervolume_so_far(trials: pd.DataFrame, settings: ReportSettings, schema: TableSchema) -> str:
    """A short line: the mean ARFG-ARE hypervolume of each method; empty before there is any."""
    bounds = [parse_constraint(text).name for text in settings.constraints]
    metrics = [metric for metric, _ in RELATIVE.values()]
    metrics = [f"{metric}_{task}" for metric in metrics for task in schema.task_names]
    needed = {f"{split}_{name}" for split in (settings.selected_on, "test") for name in (*metrics, *bounds)}
    needed |= {*KEYS, *(f"task_weight_{task}" for task in schema.task_names)}
    # A part of the columns: in a large run every copy of the table counts.
    means = (
        Results.of(trials[[name for name in trials if name in needed]], settings, schema=schema)
        .hypervolumes.groupby("method")["hypervolume"]
        .mean()
    )
    return "hypervolume " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()) if len(means) else ""


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
