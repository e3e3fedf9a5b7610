"""Writes every export of a run from its trial table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from paretofair.analysis.chance.row_intervals import row_intervals, with_intervals
from paretofair.analysis.comparison import comparison, dominance, optimism, selected, volumes
from paretofair.analysis.findings import list_changes
from paretofair.analysis.overview import leading_points
from paretofair.analysis.relative import BASELINES, find_single_task
from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points, default_rule
from paretofair.analysis.tables import (
    auc_by_group,
    audit_points,
    confusion_by_group,
    identities_by_group,
    per_task,
    summary,
)
from paretofair.pareto.hypervolume import EXACT_UP_TO
from paretofair.report.findings import CHANGES, write_findings
from paretofair.report.output import place_file, replace_earlier
from paretofair.results.files import inside, write_csv

_COMPARED = (volumes, comparison, dominance, optimism, selected)
_OF_A_SET = ("hypervolume", *(table_of.__name__ for table_of in _COMPARED))
# What only some runs have: several groups measured alone, identities, several classes.
_BY_GROUP = {"auc_by_group": auc_by_group, "identities": identities_by_group, "confusion": confusion_by_group}
_TABLES = ("summary", "per_task", "changes", *_BY_GROUP, *_OF_A_SET)
_NAMES = (
    "audit.csv",
    "confirm.csv",
    "frontiers/all.csv",
    "frontiers/*/*.csv",
    *(f"tables/{name}.csv" for name in _TABLES),
    *(f"tables/*/{name}.csv" for name in _OF_A_SET),
)


def write_report(results: Results, folder: Path) -> list[Path]:
    """Rewrites `baselines.csv`, `frontiers/`, `tables/`, `audit.csv`, `confirm.csv` and `findings.md` in `folder`;
    files of an earlier report that this one does not have are removed.

    Where runs have a `groups.csv`, the points that the default rule chooses under the leading set are audited, and
    where the attribute of each task is known, frontier points get intervals of their test metrics.

    Frontiers are chosen on validation and reported on test; under `protocol: paper` they are chosen on test, with the
    seeds of a method pooled. Returns the paths of what was written, nothing for an empty table.
    """
    settings, table = results.settings, results.trials
    if table.empty:
        return []
    stamp = {"source": results.source, "protocol": settings.protocol}
    files = {BASELINES: results.tested_baselines.assign(protocol=settings.protocol)}
    for name in ("arfg_are", *results.compared_sets):
        under = "tables" if name == "arfg_are" else f"tables/{name}"
        files |= {f"{under}/{table}.csv": frame for table, frame in tables_of(results, name).items()}
    fronts = {name: results.frontier(name) for name in settings.objectives}
    cells = results.cells
    if cells is not None and results.sensitive is not None and any(map(len, fronts.values())):
        ids = pd.concat([points["trial_id"] for points in fronts.values()])
        of_points = results.rows_of(ids)
        baselines, alone = results.tested_baselines, find_single_task(table)
        intervals = row_intervals(of_points, results.tasks, cells, results.sensitive, baselines, alone, settings.gap)
        fronts = {name: with_intervals(points, intervals) for name, points in fronts.items()}
    chosen = choose_points(results)
    for name, points in fronts.items():
        for method, own in points.groupby("method", sort=False):
            empty = own.columns[own.isna().all()]
            unused = [column for column in empty if column not in points.columns[:5]]
            files[f"frontiers/{method}/{name}.csv"] = own.drop(columns=["method", "objectives", *unused])
        if name == results.leading and len(points):
            files["tables/summary.csv"] = summary(chosen, results.objective_set(name))
            files["tables/per_task.csv"] = per_task(chosen, results.tasks, settings.gap)
            if cells is not None:
                rule = {"rule": default_rule(settings)}
                files[CHANGES] = list_changes(results).assign(**rule, **stamp)
                files["audit.csv"] = audit_points(results).assign(**rule, **stamp)
            by_group = {name: table_of(results) for name, table_of in _BY_GROUP.items()}
            files |= {f"tables/{name}.csv": own.assign(**stamp) for name, own in by_group.items() if len(own)}
    if fronts:
        files["frontiers/all.csv"] = pd.concat(fronts.values(), ignore_index=True)
    confirmed = table[table["stage"] == "confirm"]
    if "confirms" in table and len(confirmed):
        on_frontier = confirmed["confirms"].isin(leading_points(results)["trial_id"])
        of_rule = confirmed["confirms"].isin(chosen["trial_id"])
        files["confirm.csv"] = confirmed.dropna(axis=1, how="all").assign(on_frontier=on_frontier, chosen=of_rule)
    if inside(folder, BASELINES).resolve() in results.inputs:
        del files[BASELINES]
    written = [write_csv(place_file(results, folder, name), frame) for name, frame in files.items()]
    replace_earlier(folder, _NAMES, written)
    return [*written, write_findings(results, folder)]


def tables_of(results: Results, of: str) -> dict[str, pd.DataFrame]:
    """By name the tables that compare methods under a set of objectives; nothing but an empty one of hypervolumes where
    it has no values."""
    settings, volumes_of, objectives = results.settings, results.hypervolumes_of(of), results.objective_set(of)
    assert objectives.reference is not None, "sets without one are refused when they are read"
    ends = dict(zip((f"reference_{name}" for name in objectives.names), objectives.reference, strict=True))
    found = {"hypervolume": volumes_of.assign(**ends, source=results.source, protocol=settings.protocol)}
    if of != "arfg_are":
        found["hypervolume"]["exact"] = len(objectives.objectives) <= EXACT_UP_TO
    if len(volumes_of):
        found |= {table_of.__name__: table_of(results, of) for table_of in _COMPARED}
    return found
