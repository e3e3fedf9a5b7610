"""How near the simulated data sets are to the real ones: rates, errors and gaps of two learners on both.

    python benchmarks/simulation.py
    python benchmarks/simulation.py --weights NAME

For every data set and task a logistic regression and a gradient boosting (scikit-learn) are trained in three folds, on
the real and on the simulated rows, and every row is scored by the model that has not seen it.
`results/simulation.csv` has the error of decisions at a score of one half, the AUC, and the gaps of false and true
positive rates between the groups of at least a hundredth of the rows where as many decisions are positive as labels
are. The real data are needed (`PARETOFAIR_DATA`). Printed: the largest difference between simulated and real ones.
`--weights` prints what `simulation.relabel` draws labels by: the coefficients of one logistic regression for each task
on the real data, rounded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from paretofair.data import Dataset, load
from paretofair.data.sets.simulation import find_term

RESULTS = Path(__file__).parent / "results" / "simulation.csv"
NAMES = ("lsac", "adult", "german", "compas")
FOLDS = 3
LEAST_SHARE = 0.01
# What has no weight: the education of Adult is its number of years; few rows tell two terms of a number apart.
SKIPPED = {"adult": ("education", "native-country", "fnlwgt")}
WITHOUT_LOGARITHMS = ("german",)
# Coefficients of few rows say more than is there: of the German data they are penalised, and of COMPAS shrunk, until
# errors on simulated rows are about those on real ones.
PENALTY = {"german": 0.25}
SHRUNK = {"compas": 0.93}
LEAST = 30  # rows of a category that has a weight of its own
LEAST_EFFECT = 0.04  # of a term that has a weight, in log-odds per deviation
CELL = "cell of groups"
LEARNERS = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=100, learning_rate=0.06, random_state=0),
}


def score_rows(dataset: Dataset, task: int, learner: str) -> np.ndarray:
    """The probability of label 1 of every row, by a model that has not seen it."""
    rows = np.arange(len(dataset))
    examples, labels = dataset.inputs.fit(rows).encode(rows), dataset.labels[:, task]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return cross_val_predict(LEARNERS[learner](), examples, labels, cv=folds, method="predict_proba")[:, 1]


def rate_of_groups(dataset: Dataset, attribute: str, mask: np.ndarray, values: np.ndarray) -> list[float]:
    """The mean of `values` in the rows of the `mask`, for each group that is large enough."""
    groups = dataset.groups[attribute]
    large = [g for g in range(len(dataset.group_names[attribute])) if (groups == g).mean() >= LEAST_SHARE]
    return [float(values[mask & (groups == g)].mean()) for g in large]


def measure(dataset: Dataset, learner: str) -> list[dict[str, object]]:
    """One line for each task and what is measured of it."""
    lines = []
    for t, task in enumerate(dataset.tasks):
        labels, scores = dataset.labels[:, t], score_rows(dataset, t, learner)
        decisions = scores >= np.quantile(scores, 1 - labels.mean())
        found = {"error": np.mean((scores >= 0.5) != labels), "auc": roc_auc_score(labels, scores)}
        for attribute in dataset.attributes:
            for name, label in (("fpr", 0), ("tpr", 1)):
                rates = rate_of_groups(dataset, attribute, labels == label, decisions)
                found[f"{name}_gap {attribute}"] = max(rates) - min(rates)
            rates = rate_of_groups(dataset, attribute, np.ones(len(labels), bool), labels)
            found[f"base_rate_gap {attribute}"] = max(rates) - min(rates)
        lines += [{"task": task, "metric": name, "value": value} for name, value in found.items()]
    return lines


def compare(name: str) -> pd.DataFrame:
    """Of one data set: `data, learner, task, metric, real, simulated, difference`."""
    parts = []
    for learner in LEARNERS:
        tables = {
            source: pd.DataFrame(measure(load(name, source=source), learner)).set_index(["task", "metric"])
            for source in ("real", "simulated")
        }
        both = pd.concat({source: table["value"] for source, table in tables.items()}, axis=1).reset_index()
        parts.append(both.assign(data=name, learner=learner, difference=both["simulated"] - both["real"]))
    return pd.concat(parts)[["data", "learner", "task", "metric", "real", "simulated", "difference"]]


def as_frame(dataset: Dataset) -> pd.DataFrame:
    """Inputs, groups and labels by name."""
    columns = dataset.inputs
    frame = pd.DataFrame(columns.numeric, columns=list(columns.numeric_names))
    texts = dict(zip(columns.categorical_names, columns.categorical.T, strict=True))
    labels = dict(zip(dataset.tasks, dataset.labels.T, strict=True))
    cells = pd.Series([str(row) for row in np.stack(list(dataset.groups.values()), 1)])
    return frame.assign(**texts, **labels, **{CELL: cells})


def fit_weights(dataset: Dataset) -> dict[str, dict[tuple[str, str], float]]:
    """The log-odds of each task, of the second given the first, beside those of cells of groups, which labels have by
    their allocation."""
    frame, found = as_frame(dataset), {}
    cells = [(CELL, cell) for cell in sorted(frame[CELL].unique())]
    terms = []
    inputs, skipped = dataset.inputs, SKIPPED.get(dataset.name, ())
    for name in [name for name in inputs.numeric_names if name not in skipped]:
        # Of the one number that can be negative, 0 stands for a missing one.
        other = "log" if frame[name].min() >= 0 else "0.0"
        terms += [(name, "value")] + ([(name, other)] if dataset.name not in WITHOUT_LOGARITHMS else [])
    for name in inputs.categorical_names:
        if name not in (*dataset.attributes, *skipped):
            terms += [(name, value) for value in sorted(frame[name].unique()) if (frame[name] == value).sum() >= LEAST]
    for t, task in enumerate(dataset.tasks):
        given = [(dataset.tasks[0], "value")] if t else []
        design = np.stack([find_term(frame[name], term) for name, term in [*terms, *cells, *given]], 1)
        scale = design.std(0)
        # Scaled for the fit, and so penalised alike whatever their units.
        fitted = LogisticRegression(C=PENALTY.get(dataset.name, 1.0), max_iter=5000).fit(design / scale, frame[task])
        own = dict(zip(terms, SHRUNK.get(dataset.name, 1.0) * fitted.coef_[0] / scale, strict=False))
        kept = [np.abs(own[term] * size) >= LEAST_EFFECT for term, size in zip(terms, scale, strict=False)]
        found[task] = {term: float(f"{own[term]:.2g}") for term, keep in zip(terms, kept, strict=True) if keep}
    return found


def main() -> None:
    if sys.argv[1:2] == ["--weights"]:
        for task, weights in fit_weights(load(sys.argv[2], source="real")).items():
            print(f"{task}:", ", ".join(f"{column} {term} {value:g}" for (column, term), value in weights.items()))
        return
    table = pd.concat([compare(name) for name in NAMES], ignore_index=True)
    table.round(3).to_csv(RESULTS, index=False, lineterminator="\n")
    kind = table["metric"].str.partition(" ")[0]
    worst = table.assign(kind=kind, size=table["difference"].abs()).groupby(["data", "learner", "kind"])["size"].max()
    print(worst.unstack().round(3).to_string())


if __name__ == "__main__":
    main()
