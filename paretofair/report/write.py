"""Writes every export of a run from its trial table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from paretofair.report.constraints import parsed, within
from paretofair.report.counts import Cells, audit_table, row_intervals, with_intervals
from paretofair.report.frontiers import VOLUMES, WITHIN, candidates, front_hypervolumes, frontier, with_confirmed
from paretofair.report.relative import baselines, tasks_of, unreliable, with_relative
from paretofair.report.tables import midpoints, per_task, summary


@dataclass(frozen=True)
class Report:
    """What was written: the paths, the table with ARE and ARFG, hypervolumes, the split that chose, the tasks whose
    single-task gap makes ARFG unreliable, and metrics without a value with the number of trials kept off frontiers."""

    paths: list[Path]
    trials: pd.DataFrame
    hypervolumes: pd.DataFrame
    selected_on: str
    unreliable: list[str]
    undefined: dict[str, int] = field(default_factory=dict)


def write_report(
    folder: Path,
    trials: pd.DataFrame,
    *,
    objectives: Sequence[str],
    reference: tuple[float, float],
    protocol: str,
    sensitive: Mapping[str, str] | None = None,
    constraints: Sequence[str] = (),
) -> Report:
    """Rewrites `baselines.csv`, `frontiers/`, `tables/`, `audit.csv` and `confirm.csv` in `folder`.

    Where `folder` has a `groups.csv`, the midpoints are audited, and where `sensitive` names the attribute of each
    task, frontier points get intervals of their test metrics.

    Frontiers are chosen on validation and reported on test; under `protocol: paper` they are chosen on test, with the
    seeds of a method pooled. `reference` is the hypervolume's reference point (arfg, are). `constraints`, as in
    `error_income <= 0.16`, keep trials off all frontiers.
    """
    selected_on, pooled = chosen_on(protocol)
    if trials.empty:
        return Report([], trials, pd.DataFrame(columns=VOLUMES), selected_on, [])
    # In one order, whatever the order in which trials finished.
    trials = trials.sort_values(["stage", "method", "seed", "index"], ignore_index=True)
    denominators = baselines(trials)
    table = prepared(trials, denominators, constraints, selected_on)
    stamp = {"source": _only(table, "source"), "protocol": protocol}
    volumes = front_hypervolumes(table, selected_on=selected_on, pooled=pooled, reference=reference)
    volumes = volumes.assign(reference_arfg=reference[0], reference_are=reference[1], **stamp)
    files = {"baselines.csv": denominators.assign(protocol=protocol), "tables/hypervolume.csv": volumes}
    cells = Cells(folder) if (folder / "groups.csv").exists() else None
    fronts = {name: frontier(table, name, selected_on=selected_on, pooled=pooled) for name in objectives}
    if cells is not None and sensitive is not None and any(map(len, fronts.values())):
        ids = pd.concat([points["trial_id"] for points in fronts.values()])
        intervals = row_intervals(table[table["trial_id"].isin(ids)], tasks_of(table), cells, sensitive, denominators)
        fronts = {name: with_intervals(points, intervals) for name, points in fronts.items()}
    every = []
    for name, points in fronts.items():
        points = with_confirmed(points, table)
        every.append(points)
        for method, own in points.groupby("method", sort=False):
            unused = [column for column in own if column not in points.columns[:5] and own[column].isna().all()]
            files[f"frontiers/{method}/{name}.csv"] = own.drop(columns=["method", "objectives", *unused])
        if name == "arfg_are" and len(points):
            chosen = midpoints(table, points)
            files["tables/summary.csv"] = summary(chosen)
            files["tables/per_task.csv"] = per_task(chosen)
            if cells is not None:
                files["audit.csv"] = audit_table(chosen, cells).assign(**stamp)
    if every:
        files["frontiers/all.csv"] = pd.concat(every, ignore_index=True)
    if "confirms" in table:
        confirmed = table[table["stage"] == "confirm"].dropna(axis=1, how="all")
        now = arfg_are_points(table, protocol)["trial_id"]
        files["confirm.csv"] = confirmed.assign(on_frontier=confirmed["confirms"].isin(now))
    paths = [_write(folder / name, frame) for name, frame in files.items()]
    return Report(paths, table, volumes, selected_on, unreliable(denominators), undefined(table, selected_on))


def undefined(trials: pd.DataFrame, selected_on: str) -> dict[str, int]:
    """Errors and gaps that completed trials lack on the split that chooses, with the number of these trials."""
    eligible = candidates(trials)
    names = [f"{metric}_{task}" for task in tasks_of(trials) for metric in ("error", "fpr_gap")]
    counts = {name: int(eligible[f"{selected_on}_{name}"].isna().sum()) for name in names}
    return {name: count for name, count in counts.items() if count}


def chosen_on(protocol: str) -> tuple[str, bool]:
    """The split that chooses frontier points, and whether the seeds of a method are pooled into one frontier."""
    return ("test", True) if protocol == "paper" else ("validation", False)


def arfg_are_points(trials: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Rows of the trial table (with ARE and ARFG) on the ARFG-ARE frontier of any method and seed."""
    selected_on, pooled = chosen_on(protocol)
    points = frontier(trials, "arfg_are", selected_on=selected_on, pooled=pooled)
    return trials[trials["trial_id"].isin(points["trial_id"])]


def hypervolume_so_far(
    trials: pd.DataFrame, reference: tuple[float, float], protocol: str, constraints: Sequence[str] = ()
) -> str:
    """A short line: the mean ARFG-ARE hypervolume of each method; empty before there is any."""
    denominators = baselines(trials)
    if denominators.empty:
        return ""
    selected_on, pooled = chosen_on(protocol)
    table = prepared(trials, denominators, constraints, selected_on)
    volumes = front_hypervolumes(table, selected_on=selected_on, pooled=pooled, reference=reference)
    means = volumes.groupby("method")["hypervolume"].mean()
    return "hypervolume " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()) if len(means) else ""


def prepared(
    trials: pd.DataFrame, denominators: pd.DataFrame, constraints: Sequence[str], selected_on: str
) -> pd.DataFrame:
    """The trial table with ARE and ARFG, and with WITHIN where there are constraints."""
    table = with_relative(trials, denominators)
    if not constraints:
        return table
    return table.assign(**{WITHIN: within([parsed(text) for text in constraints], table, selected_on)})


def _only(table: pd.DataFrame, column: str) -> str:
    return ", ".join(sorted(table[column].unique())) if len(table) else ""


def _write(path: Path, frame: pd.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    frame.to_csv(partial, index=False)
    os.replace(partial, path)
    return path


def overview(report: Report, methods: Sequence[str]) -> pd.DataFrame:
    """One row per method: trials, the best ARE and ARFG of any trial on the choosing split, mean hypervolumes.

    Columns `method, trials, diverged, are, arfg, hypervolume, test_hypervolume`; NaN where there is nothing yet.
    """
    eligible = candidates(report.trials)
    rows = []
    for method in methods:
        own = eligible[eligible["method"] == method] if len(eligible) else eligible
        volumes = report.hypervolumes[report.hypervolumes["method"] == method]
        best = [own[f"{report.selected_on}_{name}"].min() if len(own) else float("nan") for name in ("are", "arfg")]
        means = (volumes[name].mean() for name in ("hypervolume", "test_hypervolume"))
        rows.append((method, len(own), _diverged(report.trials, method), *best, *means))
    columns = ["method", "trials", "diverged", "are", "arfg", "hypervolume", "test_hypervolume"]
    return pd.DataFrame(rows, columns=columns)


def _diverged(trials: pd.DataFrame, method: str) -> int:
    if trials.empty:
        return 0
    return int(((trials["method"] == method) & (trials["status"] == "diverged")).sum())
