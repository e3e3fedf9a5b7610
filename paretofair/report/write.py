"""Writes every export of a run from its trial table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from paretofair.report.comparison import comparison, dominance, optimism, selected, volumes
from paretofair.report.constraints import parsed
from paretofair.report.counts import audit_table, row_intervals, with_intervals
from paretofair.report.earlier import remove_earlier
from paretofair.report.frontiers import candidates
from paretofair.report.relative import BASELINES, RELATIVE
from paretofair.report.results import KEYS, ReportSettings, Results
from paretofair.report.tables import per_task, summary
from paretofair.results.files import write_csv

_COMPARED = (volumes, comparison, dominance, optimism, selected)
_TABLES = ("summary", "per_task", "hypervolume", *(table_of.__name__ for table_of in _COMPARED))
_NAMES = (
    "audit.csv",
    "confirm.csv",
    "frontiers/all.csv",
    "frontiers/*/*.csv",
    *(f"tables/{name}.csv" for name in _TABLES),
)


def write_report(results: Results, folder: Path) -> list[Path]:
    """Rewrites `baselines.csv`, `frontiers/`, `tables/`, `audit.csv` and `confirm.csv` in `folder`; files of an earlier
    report that this one does not have are removed.

    Where runs have a `groups.csv`, the midpoints are audited, and where the attribute of each task is known, frontier
    points get intervals of their test metrics.

    Frontiers are chosen on validation and reported on test; under `protocol: paper` they are chosen on test, with the
    seeds of a method pooled. Returns the paths of what was written, nothing for an empty table.
    """
    settings, table = results.settings, results.trials
    if table.empty:
        return []
    stamp = {"source": results.source, "protocol": settings.protocol}
    reference = settings.reference
    of_seeds = results.hypervolumes.assign(reference_arfg=reference[0], reference_are=reference[1], **stamp)
    files = {BASELINES: results.baselines.assign(protocol=settings.protocol), "tables/hypervolume.csv": of_seeds}
    fronts = {name: results.frontier(name) for name in settings.objectives}
    cells = results.cells
    if cells is not None and results.sensitive is not None and any(map(len, fronts.values())):
        ids = pd.concat([points["trial_id"] for points in fronts.values()])
        of_points = results.rows_of(ids)
        intervals = row_intervals(of_points, results.tasks, cells, results.sensitive, results.baselines)
        fronts = {name: with_intervals(points, intervals) for name, points in fronts.items()}
    for name, points in fronts.items():
        for method, own in points.groupby("method", sort=False):
            unused = [column for column in own if column not in points.columns[:5] and own[column].isna().all()]
            files[f"frontiers/{method}/{name}.csv"] = own.drop(columns=["method", "objectives", *unused])
        if name == "arfg_are" and len(points):
            files["tables/summary.csv"] = summary(results.midpoints)
            files["tables/per_task.csv"] = per_task(results.midpoints)
            if cells is not None:
                files["audit.csv"] = audit_table(results.midpoints, cells).assign(**stamp)
    if len(results.hypervolumes):
        for table_of in _COMPARED:
            files[f"tables/{table_of.__name__}.csv"] = table_of(results)
    if fronts:
        files["frontiers/all.csv"] = pd.concat(fronts.values(), ignore_index=True)
    confirmed = table[table["stage"] == "confirm"]
    if "confirms" in table and len(confirmed):
        on_frontier = confirmed["confirms"].isin(arfg_are_points(results)["trial_id"])
        files["confirm.csv"] = confirmed.dropna(axis=1, how="all").assign(on_frontier=on_frontier)
    written = [write_csv(folder / name, frame) for name, frame in files.items()]
    remove_earlier(folder, _NAMES, written)
    return written


def arfg_are_points(results: Results) -> pd.DataFrame:
    """Rows of the trial table (with ARE and ARFG) on the ARFG-ARE frontier of any method and seed."""
    return results.rows_of(results.frontier("arfg_are")["trial_id"]).reset_index(drop=True)


def hypervolume_so_far(trials: pd.DataFrame, settings: ReportSettings) -> str:
    """A short line: the mean ARFG-ARE hypervolume of each method; empty before there is any."""
    bounds = [parsed(text).name for text in settings.constraints]
    metrics = [metric for metric, _ in RELATIVE.values()]
    ends = tuple(f"{split}_{name}" for split in (settings.selected_on, "test") for name in (*metrics, *bounds))
    # A part of the columns: in a large run every copy of the table counts.
    needed = [name for name in trials if name in KEYS or str(name).startswith((*ends, "task_weight_"))]
    means = Results.of(trials[needed], settings).hypervolumes.groupby("method")["hypervolume"].mean()
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
        rows.append((method, len(own), _diverged(results.trials, method), *best, *means))
    columns = ["method", "trials", "diverged", "are", "arfg", "hypervolume", "test_hypervolume"]
    return pd.DataFrame(rows, columns=columns)


def _diverged(trials: pd.DataFrame, method: str) -> int:
    return int(((trials["method"] == method) & (trials["status"] == "diverged")).sum())
