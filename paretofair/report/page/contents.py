"""What the page holds, as one JSON object."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretofair.analysis.counts import CellCounts
from paretofair.analysis.frontiers import confirmed_moments
from paretofair.analysis.results import Results
from paretofair.analysis.rules import choose_points, default_rule
from paretofair.analysis.tables import auc_by_group, confusion_by_group, identities_by_group, per_task, summary
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.metrics.rates import FN, FP, TN, TP
from paretofair.naming import JOINT
from paretofair.pareto.hypervolume import EXACT_UP_TO
from paretofair.report.captions import join_names, join_some
from paretofair.report.drawing.choice import drawn_tasks
from paretofair.report.drawing.style import LINES, looks_of
from paretofair.report.figures.by_group.confusion import MOST_CLASSES
from paretofair.report.labels import Labels
from paretofair.report.page.packed import pack_column, pack_numbers
from paretofair.results.files import ENVIRONMENT, SPACE, read_json, read_text
from paretofair.results.table import read_trials_of
from paretofair.results.table_schema import SPLITS

# Of the counts by group in base64; where those of all trials are more, the page has them for frontier points only.
COUNTS_LIMIT = 20e6
# Of metrics and hyperparameters in base64; of many tasks some have fewer of them, or none, where they are more.
COLUMNS_LIMIT = 60e6
_COUNTED = ("test_hypervolume", "split_id")
_TRAINED = ["stage", "index", "epochs_trained", "train_seconds", "threshold", "penalty_split", "split_id"]
_TRAINED += ["device", "dtype", "path", "torch_version"]

# The markers of figures as plotly names them, and as signs.
_SYMBOLS = {
    "o": ("circle", "●"),
    "s": ("square", "■"),
    "^": ("triangle-up", "▲"),
    "D": ("diamond", "◆"),
    "v": ("triangle-down", "▼"),
    "P": ("cross", "✚"),
    "X": ("x", "✖"),
    "<": ("triangle-left", "◀"),
    ">": ("triangle-right", "▶"),
}
# The lines of figures, as plotly names them.
_DASHES = ("solid", "dash", "dashdot", "dot")


def contents_of(results: Results, findings: Sequence[str] = ()) -> dict[str, Any]:
    """Trials that were searched (`results.searched`) column by column, stored frontiers as rows of these, the counts
    by group, and what is said about the runs. Numbers are rounded to float32."""
    labels = Labels.of(results)
    trials = results.searched.reset_index(drop=True)
    place = pd.Series(trials.index, index=trials["trial_id"])
    settings = results.settings
    few = set(drawn_tasks(results))
    columns, hyperparameters, complete = _choose_columns(results, few, len(trials))
    metrics = _metrics(results, trials, columns)
    chosen_by = {metric["name"] for metric in metrics if settings.selected_on in metric["splits"]}
    fronts = _fronts(results, place, chosen_by)
    names = [folder.resolve().name for folder in results.folders]
    return {
        "title": ", ".join(names) or "trial table",
        "trials": len(trials),
        "trial_ids": trials["trial_id"].astype(str).tolist(),
        "method": pack_column(trials["method"].astype(str)),
        "seed": pack_numbers(trials["seed"]),
        "run": pack_numbers(_run_of(results, trials)),
        "methods": list(map(str, results.methods)),
        "labels": {
            "methods": {str(name): labels.method(str(name)) for name in results.methods},
            "tasks": {task: labels.task(task) for task in results.tasks},
        },
        "findings": list(findings),
        "looks": {
            str(name): {
                "colour": look.colour,
                "symbol": _SYMBOLS.get(look.marker, _SYMBOLS["o"]),
                "dash": _DASHES[LINES.index(look.line)],
            }
            for name, look in looks_of(results).items()
        },
        "tasks": results.tasks,
        "few_tasks": [task for task in results.tasks if task in few],
        "complete": complete,
        "metrics": metrics,
        "hyperparameters": [
            each | {"label": labels.hyperparameter(each["name"]), "task": labels.find_owner(each["name"])}
            for each in _columns(trials, hyperparameters)
        ],
        "trained": _columns(trials, _TRAINED),
        "fronts": fronts,
        "compared": [_describe(results.objective_set(name), labels) for name in results.compared_sets],
        "confirmed": _collect_confirmed(results, place),
        "groups": _groups(results, trials, fronts),
        "tables": _tables(results),
        "folds": [{"caption": caption, **_rows(results, table)} for caption, table in _tables_by_group(results)],
        "runs": [_run(folder) for folder in results.folders],
        "settings": {
            "protocol": settings.protocol,
            "selected_on": settings.selected_on,
            "pooled": settings.pooled,
            "threshold": settings.threshold,
            "rule": default_rule(settings),
            "leading": join_names(list(map(labels.objective, results.objective_set(results.leading).objectives))),
            "gap": settings.gap,
            "reference": dict(zip(("arfg", "are"), settings.reference, strict=True)),
            "constraints": list(settings.constraints),
            "sensitive": _name_attributes(results),
        },
        "source": results.source,
        "left_out": _count_left_out(results),
    }


def _describe(objectives: ObjectiveSet, labels: Labels) -> dict[str, Any]:
    """A set by which methods are compared, and where and how its hypervolume is measured."""
    exact = len(objectives.objectives) <= EXACT_UP_TO
    ends = list(objectives.reference or ())
    label = labels.front(objectives.name)
    return {"name": objectives.name, "label": label, "objectives": objectives.names, "reference": ends, "exact": exact}


def _name_attributes(results: Results) -> str | None:
    """What the losses act on: one attribute, or each with its tasks."""
    labels, tasks_of = Labels.of(results), dict[str, list[str]]()
    for task, attribute in (results.sensitive or {}).items():
        tasks_of.setdefault(labels.attribute(attribute), []).append(labels.task(task))
    if len(tasks_of) < 2:
        return next(iter(tasks_of), None)
    return "; ".join(f"{attribute}: {join_some(tasks)}" for attribute, tasks in tasks_of.items())


def _choose_columns(results: Results, few: set[str], trials: int) -> tuple[list[str], list[str], bool]:
    """The metrics and the hyperparameters that the page has, and whether these are all. Where they would be too large,
    tasks beyond the `few` have error and gap alone, and where that is too large nothing."""
    labels, main = Labels.of(results), ("error", results.settings.gap)
    needed = {name for each in results.settings.named for name in results.objective_set(each.name).names}
    measured, parameters = results.schema.metric_columns, results.schema.hyperparameter_columns

    for level in ("all", "main", "few"):
        metrics = [
            name
            for name, (metric, task) in measured.items()
            if level == "all"
            or not task
            or name in needed
            or labels.find_task(task) in few
            or (level == "main" and metric in main and task in results.tasks)
        ]
        own = [name for name in parameters if level == "all" or (labels.find_owner(name) or "") in {"", *few}]
        if trials * (len(metrics) * len(SPLITS) + len(own)) * 4 * 4 / 3 <= COLUMNS_LIMIT:
            break
    return metrics, own, level == "all"


def _metrics(results: Results, trials: pd.DataFrame, kept: Collection[str]) -> list[dict[str, Any]]:
    """Every metric that is `kept` and has a value on any split: ARFG and ARE first, the others in the order of the
    table."""
    described, labels = [], Labels.of(results)
    for name in kept:
        metric, task = results.schema.metric_columns[name]
        columns = {split: f"{split}_{name}" for split in SPLITS if f"{split}_{name}" in trials}
        splits = {
            split: pack_numbers(trials[column].to_numpy(float))
            for split, column in columns.items()
            if pd.api.types.is_numeric_dtype(trials[column]) and trials[column].notna().any()
        }
        known = results.settings.metrics
        better = known[metric].direction if metric in known else "minimised"
        texts = {"label": labels.quantity(metric, task), "short": labels.metric(metric)}
        texts |= {"name": name, "metric": metric, "direction": better}
        described.append({**texts, "task": task, "owner": labels.find_task(task or ""), "splits": splits})
    return [each for each in described if each["splits"]]


def _columns(trials: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    present = [name for name in names if name in trials and trials[name].notna().any()]
    return [{"name": name, "values": pack_column(trials[name])} for name in present]


def _fronts(results: Results, place: pd.Series, metrics: set[str]) -> list[dict[str, Any]]:
    """The stored frontiers whose objectives have values."""
    fronts = []
    for name in results.settings.objectives:
        objectives = results.objective_set(name).names
        if metrics.issuperset(objectives):
            rows = place[results.frontier(name)["trial_id"]]
            label = Labels.of(results).front(name)
            fronts.append({"name": name, "label": label, "objectives": objectives, "rows": rows.tolist()})
    return fronts


def _collect_confirmed(results: Results, place: pd.Series) -> dict[str, Any]:
    """By row of a trial the number of its runs with fresh seeds, and of every metric on test mean and deviation."""
    trials = results.trials
    if "confirms" not in trials:
        return {}
    columns = {name: f"test_{name}" for name in results.schema.metric_columns if f"test_{name}" in trials}
    measured = [name for name, column in columns.items() if pd.api.types.is_numeric_dtype(trials[column])]
    moments = confirmed_moments(trials, measured)
    return {
        str(place[trial]): {
            "runs": int(own["runs"]),
            "metrics": {name: [_number(own[f"{name}_{kind}"]) for kind in ("mean", "std")] for name in measured},
        }
        for trial, own in moments[moments.index.isin(place.index)].iterrows()
    }


def _groups(results: Results, trials: pd.DataFrame, fronts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """True and false positives of every cell, `(trials, tasks, cells)` by split, and the rows behind them, which many
    trials share: `(kinds, tasks, cells, 2)` positives and negatives, and the `kind` of each trial. Each of several
    classes stands there as a task, against the rest."""
    cells = results.cells
    if cells is None or trials.empty:
        return None
    labels = Labels.of(results)
    owners = [task for task in results.schema.tasks for _ in task.classes or ("",)]
    size = len(trials) * len(cells.against_rest) * len(cells.groups) * len(SPLITS) * 2 * 2 * 4 / 3
    everything = size <= COUNTS_LIMIT
    rows = np.arange(len(trials)) if everything else np.unique([row for front in fronts for row in front["rows"]])
    splits = {}
    for split, of_tasks in cells.of(trials["trial_id"].iloc[rows].tolist()).items():
        counts = cells.stack_against_rest(of_tasks)
        behind = np.rint(np.stack([counts[..., TP] + counts[..., FN], counts[..., FP] + counts[..., TN]], -1))
        kinds, kind = np.unique(behind.reshape(len(rows), -1), axis=0, return_inverse=True)
        splits[split] = {"tp": pack_numbers(counts[..., TP]), "fp": pack_numbers(counts[..., FP])}
        splits[split] |= {"rows": pack_numbers(kinds), "kind": pack_numbers(kind)}
    return {
        "trials": None if everything else pack_numbers(rows),
        "tasks": [
            {"name": name, "label": labels.task(name), "task": task.name}
            for name, task in zip(cells.against_rest, owners, strict=True)
        ],
        "cells": len(cells.groups),
        "groupings": list(_groupings(cells, labels)),
        "splits": splits,
    }


def _groupings(cells: CellCounts, labels: Labels) -> Iterator[dict[str, Any]]:
    """Each attribute, each pair and all of them, as in the audit, with the cells of every group."""
    columns = range(len(cells.attributes))
    whole = [tuple(columns)] if len(columns) > 2 else []
    for chosen in [*itertools.combinations(columns, 1), *itertools.combinations(columns, 2), *whole]:
        codes, names = cells.groups[:, chosen], cells.names[[cells.attributes[column] for column in chosen]]
        known = np.flatnonzero((codes >= 0).all(axis=1))
        groups: dict[str, list[int]] = {}
        for cell in sorted(known, key=lambda cell: tuple(codes[cell])):
            groups.setdefault(" × ".join(labels.group(str(name)) for name in names.iloc[cell]), []).append(int(cell))
        yield {
            "name": labels.attribute(JOINT.join(names)),
            "groups": [{"name": name, "cells": members} for name, members in groups.items()],
        }


def _tables(results: Results) -> dict[str, Any]:
    tables = {"hypervolume": results.hypervolumes, "baselines": results.tested_baselines}
    leading = results.objective_set(results.leading)
    if results.fronts_of(leading.name) and len(chosen := choose_points(results)):
        tables |= {
            "summary": summary(chosen, leading),
            "per_task": _turn_tasks(results, chosen),
        }
    said = ["selected_on", "measured_on", "source", "protocol"]
    tables |= {f"hypervolume {name}": results.hypervolumes_of(name) for name in results.compared_sets}
    return {name: _rows(results, frame.drop(columns=said, errors="ignore")) for name, frame in tables.items()}


def _tables_by_group(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """Captions and tables of what only some runs have, as `tables/auc_by_group.csv` and others have it."""
    labels, spread = Labels.of(results), ("_gap_low", "_gap_high")
    areas = auc_by_group(results)
    for attribute, own in areas.groupby("attribute", sort=False) if len(areas) else ():
        shown = own.drop(columns="attribute").dropna(axis=1, how="all")
        words = f"Area under the ROC curve by {labels.attribute(str(attribute))} on all splits at the same points"
        yield words, _name_rows(labels, shown.loc[:, [name for name in shown if not name.endswith(spread)]])
    people = identities_by_group(results)
    if len(people):
        shown = people.loc[:, [name for name in people if not name.endswith(spread)]]
        yield "Accuracy (rank-1 but on training rows) and angles by group at the same points", _name_rows(labels, shown)
    confusion = confusion_by_group(results)
    for task in dict.fromkeys(confusion["task"]) if len(confusion) else ():
        own = confusion[(confusion["task"] == task) & (confusion["split"] == "test")]
        if own["label"].nunique() > MOST_CLASSES:
            continue
        index = ["method", "group", "label"]
        shares = own.pivot_table(index=index, columns="decided", values="share", sort=False, dropna=False)
        words = f"{labels.task(str(task))}: what rows of each group and label are decided to be, shares on test"
        yield f"{words} at the same points", _name_rows(labels, shares.reset_index())


def _name_rows(labels: Labels, table: pd.DataFrame) -> pd.DataFrame:
    """Tasks and groups as people read them; methods are named by the page, which would fold a column `task`."""
    texts = {"task": labels.task, "group": labels.group}
    named = table.assign(**{name: table[name].map(text) for name, text in texts.items() if name in table})
    return named.rename(columns={"task": "of task"})


def _turn_tasks(results: Results, chosen: pd.DataFrame) -> pd.DataFrame:
    """The table by task with a row for each task, and a column for each metric and method."""
    labels, gap = Labels.of(results), results.settings.gap
    table = per_task(chosen, results.tasks, gap).set_index("method")
    rows = []
    for task in results.tasks:
        row: dict[str, Any] = {"task": task}
        for metric in ("error", gap):
            for method in [name for name in results.methods if name in table.index]:
                head = f"{labels.metric(metric)}, {labels.method(method)}"
                row |= {f"{head}{end}": table.loc[method, f"{metric}_{task}{end}"] for end in ("", "_std")}
        rows.append(row)
    return pd.DataFrame(rows)


def _rows(results: Results, frame: pd.DataFrame) -> dict[str, Any]:
    """Columns, the texts above them, and rows."""
    known, labels = {*results.settings.metrics, *_COUNTED}, Labels.of(results)
    heads = [labels.metric(name) if name in known else name for name in frame]
    values = [[_number(value) for value in row] for row in frame.itertuples(index=False)]
    return {"columns": list(frame), "heads": heads, "rows": values}


def _number(value: Any) -> Any:
    """A value as JSON has it: NaN and infinities are null."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _run(folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "environment": read_json(folder / ENVIRONMENT) or None,
        "space": read_text(folder / SPACE),
    }


def _run_of(results: Results, trials: pd.DataFrame) -> np.ndarray:
    """The number of each trial's run, -1 for trials of tables without a folder."""
    found = np.full(len(trials), -1)
    for number, folder in enumerate(results.folders):
        found[trials["trial_id"].isin(read_trials_of(folder)) & (found < 0)] = number
    return found


def _count_left_out(results: Results) -> dict[str, int]:
    """Trials of methods that no frontier considers, by what became of them."""
    trials = results.trials
    if "stage" not in trials or "status" not in trials:
        return {}
    others = trials[~trials["trial_id"].isin(results.searched["trial_id"])]
    what = others["stage"].where(others["status"] == "completed", others["status"]).astype(str)
    what = what.where(~what.isin(["points", "sweep"]), "beyond the constraints")
    return {str(name): int(count) for name, count in what.value_counts().items()}
