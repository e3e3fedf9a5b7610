"""Which hyperparameters move a metric: the share of its variance that each explains alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from paretofair.analysis.results import Results

BINS = 8
_LEAST = 4  # trials in a bin


def find_varied(trials: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Of the hyperparameters `names` the numeric ones that differ between trials; of two that say the same
    (`task_weight` of two tasks adds up to 1) the first."""
    kept: list[str] = []
    ranks: list[np.ndarray] = []
    for name in (name for name in names if name in trials):
        values = pd.to_numeric(trials[name], errors="coerce")
        if values.isna().any() or values.nunique() < 2:
            continue
        rank = values.rank().to_numpy(float)
        rank = (rank - rank.mean()) / rank.std()
        if not any(abs(np.mean(rank * other)) > 1 - 1e-9 for other in ranks):
            kept.append(name)
            ranks.append(rank)
    return kept


def bins_of(values: np.ndarray) -> np.ndarray:
    """The bin of each value: up to eight of about equal numbers of values, or each value its own where few differ."""
    different = np.unique(values)
    if len(different) <= BINS:
        return np.searchsorted(different, values)
    count = int(np.clip(len(values) // _LEAST, 2, BINS))
    edges = np.unique(np.quantile(values, np.arange(1, count) / count))
    return np.searchsorted(edges, values, side="right")


def measure_explained(values: np.ndarray, metric: np.ndarray) -> float:
    """Share of the metric's variance between the bins of a hyperparameter: epsilon squared, 0 to 1.

    Unlike the plain share it is about 0 where the hyperparameter does nothing (Kelley 1935, "An unbiased correlation
    ratio measure"); what is below 0 by chance is 0. It sees a hyperparameter alone: of effects that only two together
    have it sees nothing. NaN for fewer than two bins or no spare trials.
    """
    bins = bins_of(values)
    counts = np.bincount(bins)
    kept = counts > 0
    n, k = len(metric), int(kept.sum())
    total = ((metric - metric.mean()) ** 2).sum()
    if k < 2 or n <= k or total == 0:
        return float("nan")
    means = np.bincount(bins, metric)[kept] / counts[kept]
    between = (counts[kept] * (means - metric.mean()) ** 2).sum()
    return float(max(0.0, 1 - (total - between) / (n - k) * (n - 1) / total))


def importance(results: Results, metrics: Sequence[str] = ("arfg", "are")) -> pd.DataFrame:
    """Columns `method, hyperparameter, metric, importance, trials`, on the choosing split.

    `importance` is `explained` of the ranks of the metric within each seed, which no outlier and no difference
    between seeds moves. Of random and quasi-random sweeps it is an effect; an adaptive sampler draws hyperparameters
    that depend on each other, and it is not.
    """
    rows = []
    for method in results.methods:
        trials = results.searched[results.searched["method"] == method]
        for metric in metrics:
            column = f"{results.settings.selected_on}_{metric}"
            if column not in trials:
                continue
            own = trials[trials[column].notna()]
            ranks = own.groupby("seed")[column].rank(pct=True).to_numpy(float)
            for name in find_varied(own, results.schema.hyperparameter_columns):
                found = measure_explained(pd.to_numeric(own[name]).to_numpy(float), ranks)
                rows.append((method, name, metric, found, len(own)))
    return pd.DataFrame(rows, columns=["method", "hyperparameter", "metric", "importance", "trials"])
