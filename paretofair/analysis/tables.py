"""Summary tables over methods, of the points that `rules.choose_points` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.counts import AUDIT, audit_table
from paretofair.analysis.results import Results, make_once
from paretofair.analysis.rules import choose_points
from paretofair.metrics import rates
from paretofair.metrics.metric import IDENTITY
from paretofair.metrics.objectives import ObjectiveSet
from paretofair.results.table_schema import SPLITS
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


@make_once
def one_group(results: Results, metric: str) -> pd.DataFrame:
    """What a run has measured of single groups (`metrics: {auc_women: {of: auc, group: Female}}`) at the chosen points,
    of a `metric` as `auc`: columns `method, seed, task, attribute, group, split, value`, NaN where it is undefined.
    Empty where fewer than two groups of an attribute were measured."""
    named = {name: each.of for name, each in results.settings.metrics.items() if each.of and each.of.metric == metric}
    if not named or results.sensitive is None or not results.fronts_of(results.leading):
        return pd.DataFrame()
    rows = []
    for _, point in choose_points(results).iterrows():
        for name, of in named.items():
            for task in results.tasks:
                row = {"method": point["method"], "seed": point["seed"], "task": task, "group": of.group}
                row["attribute"] = of.attribute or results.sensitive[task]
                columns = {split: f"{split}_{name}_{task}" for split in SPLITS}
                rows += [
                    row | {"split": split, "value": float(point[column])}
                    for split, column in columns.items()
                    if column in point.index and pd.notna(point[column])
                ]
    found = pd.DataFrame(rows)
    if found.empty:
        return found
    return found[found.groupby(["attribute", "task"])["group"].transform("nunique") > 1].reset_index(drop=True)


def auc_by_group(results: Results) -> pd.DataFrame:
    """`tables/auc_by_group.csv`, in the form of Table 1 of "Technical Challenges": of each attribute, method and task
    (several: and their `average`) the area under the ROC curve of each group on training, validation and test rows and
    the gap between the largest and the smallest, means over seeds; of the gap with its interval.

    Columns `attribute, method, task`, then of every split `<split>_<group>`, `<split>_gap, <split>_gap_low,
    <split>_gap_high`, then `seeds`. Empty where no two groups were measured.
    """
    every = one_group(results, "auc")
    rows = []
    for (attribute, method), own in every.groupby(["attribute", "method"], sort=False) if len(every) else ():
        groups = list(dict.fromkeys(own["group"]))
        tables = {
            task: of_task.pivot_table(index="seed", columns=["split", "group"], values="value")
            for task, of_task in own.groupby("task", sort=False)
        }
        for table in tables.values():
            for split in dict.fromkeys(own["split"]):
                areas = table[split].reindex(columns=groups)
                table[split, "gap"] = areas.max(axis=1, skipna=False) - areas.min(axis=1, skipna=False)
        if len(tables) > 1:
            tables["average"] = sum(tables.values()) / len(tables)
        for task, table in tables.items():
            row: dict[str, object] = {"attribute": attribute, "method": method, "task": task}
            for split in (each for each in SPLITS if each in set(own["split"])):
                row |= {f"{split}_{group}": table[split, group].mean() for group in groups}
                gap = seed_interval(table[split, "gap"].to_numpy(float))
                row |= {f"{split}_gap": gap.mean, f"{split}_gap_low": gap.low, f"{split}_gap_high": gap.high}
            rows.append(row | {"seeds": len(table)})
    return pd.DataFrame(rows)


def identities_by_group(results: Results) -> pd.DataFrame:
    """`tables/identities.csv`, in the form of Table 2 of "Technical Challenges": of each split and method the accuracy
    of each group (of the head on training rows, else rank-1) and the gap between the largest and the smallest; then
    angles, in degrees, of the groups that the run asks for. Means over seeds at the chosen points; of the gap with its
    interval. Empty for other tasks than identities.

    Columns `split, method, accuracy_<group>, accuracy_gap, accuracy_gap_low, accuracy_gap_high, intra_angle_<group>,
    inter_angle_<group>, seeds`.
    """
    cells = results.cells
    is_identity = any(task.kind == IDENTITY for task in results.schema.tasks)
    if not is_identity or cells is None or results.sensitive is None or not results.fronts_of(results.leading):
        return pd.DataFrame()
    chosen, attribute = choose_points(results), results.sensitive[results.tasks[0]]
    groups, rows = cells.group_names(attribute), []
    for split, (of_task,) in cells.of(chosen["trial_id"].tolist()).items():
        accuracy = rates.accuracy(cells.by_group(of_task, attribute).values)
        for method in dict.fromkeys(chosen["method"]):
            of_seeds = accuracy[(chosen["method"] == method).to_numpy()]
            gap = seed_interval(of_seeds.max(1) - of_seeds.min(1))
            row: dict[str, object] = {"split": split, "method": method}
            row |= {f"accuracy_{group}": value for group, value in zip(groups, of_seeds.mean(0), strict=True)}
            row |= {"accuracy_gap": gap.mean, "accuracy_gap_low": gap.low, "accuracy_gap_high": gap.high}
            for metric in ("intra_angle", "inter_angle"):
                angles = one_group(results, metric)
                if len(angles):
                    own = angles[(angles["split"] == split) & (angles["method"] == method)]
                    means = own.groupby("group")["value"].mean()
                    row |= {f"{metric}_{group}": means.get(group, np.nan) for group in groups}
            rows.append(row | {"seeds": len(of_seeds)})
    return pd.DataFrame(rows)


@make_once
def confusion_by_group(results: Results) -> pd.DataFrame:
    """`tables/confusion.csv`: of tasks of several classes how often rows of each label are decided to be of each class,
    for every group of the attribute that the task acts on, at the chosen points.

    Columns `method, task, split, attribute, group, label, decided, share, rows, seeds`: `share` is that of the rows of
    the group and label, a mean over seeds, `rows` how many these are. Empty without such tasks.
    """
    several = any(task.classes for task in results.schema.tasks)
    if not several or results.cells is None or results.sensitive is None or not results.fronts_of(results.leading):
        return pd.DataFrame()
    return pd.DataFrame(_confuse(results, choose_points(results)))


def never_decided(results: Results) -> pd.DataFrame:
    """Of tasks of several classes those that no row on test is decided to be of at any chosen point of a method, and
    that metrics of decided classes, as `prediction_bias`, leave out: columns `method, task, decided`."""
    table = confusion_by_group(results)
    if table.empty:
        return table
    on_test = table[table["split"] == "test"]
    most = on_test.groupby(["method", "task", "decided"], sort=False)["share"].max()
    return most[~(most > 0)].reset_index().drop(columns="share")


def _confuse(results: Results, chosen: pd.DataFrame) -> Iterator[dict[str, object]]:
    assert results.cells is not None
    assert results.sensitive is not None
    for split, of_tasks in results.cells.of(chosen["trial_id"].tolist()).items():
        for task, counts in zip(results.schema.tasks, of_tasks, strict=True):
            if not task.classes or task.name not in results.sensitive:
                continue
            attribute = results.sensitive[task.name]
            hard = results.cells.by_group(counts, attribute).values[..., 0, :, :]  # (trials, groups, labels, decided)
            shares = rates.ratio(hard, np.broadcast_to(hard.sum(-1, keepdims=True), hard.shape))
            for method in dict.fromkeys(chosen["method"]):
                own = (chosen["method"] == method).to_numpy()
                for g, group in enumerate(results.cells.group_names(attribute)):
                    row = {"method": method, "task": task.name, "split": split, "attribute": attribute, "group": group}
                    for i, label in enumerate(task.classes):
                        rows = hard[own, g, i].sum(-1).mean()
                        for j, decided in enumerate(task.classes):
                            yield row | {
                                "label": label,
                                "decided": decided,
                                "share": shares[own, g, i, j].mean(),
                                "rows": rows,
                                "seeds": int(own.sum()),
                            }


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
