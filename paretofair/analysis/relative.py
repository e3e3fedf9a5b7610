"""Single-task baselines, and ARE and ARFG of every trial against them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretofair.metrics.relative import RELATIVE, relative_metrics
from paretofair.results.table_schema import SPLITS
from paretofair.statistics.intervals import seed_interval

BASELINES = "baselines.csv"
UNTREATED = "vanilla"
# Of `baselines.csv`, beside those that a space divides by.
_METRICS = ("error", "fpr_gap", "fpr_gap_signed", "tpr_gap", "average_precision", "auc")


def baselines(trials: pd.DataFrame, tasks: Sequence[str], gap: str = "fpr_gap") -> pd.DataFrame:
    """`baselines.csv`: single-task metrics over runs, one row per `split_id`, task, split and metric.

    Columns `split_id, task, split, metric, mean, std, low, high, runs, source`; low and high are the ends of the 95 %
    interval of the mean (`seed_interval`). Runs are the completed trials of the stage `baselines`. `gap` is among the
    metrics.
    """
    columns = ["split_id", "task", "split", "metric", "mean", "std", "low", "high", "runs", "source"]
    if "stage" not in trials:
        return pd.DataFrame(columns=columns)
    runs = find_single_task(trials)
    metrics = dict.fromkeys([*_METRICS, gap])
    rows = []
    for split_id, own in runs.groupby("split_id", sort=False):
        for task in tasks:
            alone = own[own[f"task_weight_{task}"] == 1]
            for split in SPLITS:
                for metric in metrics:
                    name = f"{split}_{metric}_{task}"
                    if name in alone and len(alone):
                        interval = seed_interval(alone[name].to_numpy())
                        rows.append((split_id, task, split, metric, *interval, alone["source"].iloc[0]))
    return pd.DataFrame(rows, columns=columns)


def find_single_task(trials: pd.DataFrame) -> pd.DataFrame:
    """The completed trials of the stage `baselines`; that of a task alone has `task_weight_<task>` 1."""
    return trials[(trials["stage"] == "baselines") & (trials["status"] == "completed")]


def with_relative(
    trials: pd.DataFrame, denominators: pd.DataFrame, tasks: Sequence[str], gap: str = "fpr_gap"
) -> pd.DataFrame:
    """The trial table with `<split>_are` and `<split>_arfg`, NaN where there is no denominator (eq. 5); `gap` is what
    ARFG divides."""
    added = {}
    for split in SPLITS:
        for name, metric in relative_metrics(gap).items():
            columns = [f"{split}_{metric}_{task}" for task in tasks]
            if tasks and all(column in trials for column in columns):
                values = trials[columns].to_numpy(float)
                own = denominators[denominators["metric"] == metric]
                added[f"{split}_{name}"] = relative_to(own, name, values, trials["split_id"], split, tasks)
    others = trials.drop(columns=list(added), errors="ignore")
    return pd.concat([others, pd.DataFrame(added, index=trials.index)], axis=1)


def relative_to(
    denominators: pd.DataFrame, name: str, values: np.ndarray, split_ids: pd.Series, split: str, tasks: Sequence[str]
) -> np.ndarray:
    """ARE or ARFG (`name`) of errors or gaps `(..., trials, tasks)` on `split`: `(..., trials)`; `denominators` are the
    rows of `baselines.csv` of that metric.

    Every trial is divided by the single-task means of its own split of the data, `split_ids` (trials,).
    """
    means = denominators.set_index(["split_id", "split", "task"])["mean"]
    result = np.empty(values.shape[:-1])
    for split_id in split_ids.unique():
        own = (split_ids == split_id).to_numpy()
        alone = [means.get((split_id, split, task), float("nan")) for task in tasks]
        result[..., own] = RELATIVE[name](values[..., own, :], alone)
    return result


def find_weak(searched: pd.DataFrame, denominators: pd.DataFrame, tasks: Sequence[str], chosen_on: str) -> pd.DataFrame:
    """Tasks whose single-task models err clearly more than untreated multi-task models, so that ARE flatters.

    Columns `task, untreated, alone, low, high`, errors on the split `chosen_on`, means over seeds. Of each seed's
    trials of `vanilla` (`searched` are the trials that may enter a frontier) the one with the smallest error of the
    task there is compared with the interval of the single-task mean on its split of the data. A task is named where
    that error lies below the interval there and, since the smallest of many is smaller by chance, on test as well.
    """
    own, rows = searched[searched["method"] == UNTREATED], []
    alone = denominators[denominators["metric"] == "error"].set_index(["split_id", "split", "task"])
    for task in tasks:
        columns = {split: f"{split}_error_{task}" for split in dict.fromkeys((chosen_on, "test"))}
        if not all(column in own for column in columns.values()):
            continue
        known = own.dropna(subset=list(columns.values()))
        best = known.loc[known.groupby("seed")[columns[chosen_on]].idxmin()]
        found = {}
        for split, column in columns.items():
            ends = alone.reindex([(split_id, split, task) for split_id in best["split_id"]])
            found[split] = best[column].mean(), *ends[["mean", "low", "high"]].mean()
        if all(untreated < low for untreated, _, low, _ in found.values()):
            rows.append((task, *found[chosen_on]))
    return pd.DataFrame(rows, columns=["task", "untreated", "alone", "low", "high"])
