"""Single-task baselines, and ARE and ARFG of every trial against them."""

from __future__ import annotations

import pandas as pd

from paretofair.metrics.intervals import mean_interval
from paretofair.metrics.relative import are, arfg

SPLITS = ("train", "validation", "test")
_METRICS = ("error", "fpr_gap", "fpr_gap_signed", "tpr_gap", "average_precision", "auc")


def tasks_of(trials: pd.DataFrame) -> list[str]:
    """The tasks of a trial table, from its column names."""
    return [name.removeprefix("test_error_") for name in trials if name.startswith("test_error_")]


def baselines(trials: pd.DataFrame) -> pd.DataFrame:
    """`baselines.csv`: single-task metrics over runs, one row per task, split and metric.

    Columns `task, split, metric, mean, std, low, high, runs, source`; low and high are the ends of the 95 % interval
    of the mean (Student's t). Runs are the completed trials of the stage `baselines`.
    """
    columns = ["task", "split", "metric", "mean", "std", "low", "high", "runs", "source"]
    if "stage" not in trials:
        return pd.DataFrame(columns=columns)
    runs = trials[(trials["stage"] == "baselines") & (trials["status"] == "completed")]
    rows = []
    for task in tasks_of(runs):
        alone = runs[runs[f"task_weight_{task}"] == 1]
        for split in SPLITS:
            for metric in _METRICS:
                name = f"{split}_{metric}_{task}"
                if name in alone and len(alone):
                    interval = mean_interval(alone[name].to_numpy())
                    rows.append((task, split, metric, *interval, alone["source"].iloc[0]))
    return pd.DataFrame(rows, columns=columns)


def with_relative(trials: pd.DataFrame, denominators: pd.DataFrame) -> pd.DataFrame:
    """The trial table with `<split>_are` and `<split>_arfg`, NaN where there is no denominator (eq. 5)."""
    tasks = tasks_of(trials)
    means = denominators.set_index(["split", "metric", "task"])["mean"]
    added = {}
    for split in SPLITS:
        for name, metric, relative in (("are", "error", are), ("arfg", "fpr_gap", arfg)):
            columns = [f"{split}_{metric}_{task}" for task in tasks]
            if tasks and all(column in trials for column in columns):
                denominator = [means.get((split, metric, task), float("nan")) for task in tasks]
                added[f"{split}_{name}"] = relative(trials[columns].to_numpy(float), denominator)
    # The copy puts columns that came one by one side by side: what follows takes half as long.
    return trials.assign(**added).copy()


def unreliable(denominators: pd.DataFrame) -> list[str]:
    """Tasks whose single-task FPR gap is not known to differ from 0 on some evaluated split, as `<task> (<split>)`.

    An absolute gap has no interval that reaches 0, so the interval of the signed gap decides; ARFG divides by it. Where
    there is no such interval (one run, or more than two groups) nothing is known, and the task is named.
    """
    signed = denominators[(denominators["metric"] == "fpr_gap_signed") & (denominators["split"] != "train")]
    contains = signed[~((signed["low"] > 0) | (signed["high"] < 0))]
    return [f"{row.task} ({row.split})" for row in contains.itertuples()]
