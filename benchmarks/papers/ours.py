"""Our numbers of a table, one for each seed, read from the trials of finished units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from papers.by_group import METRICS
from papers.ledger import SECONDS, TRIALS
from papers.numbers import AP, EOR_ENDS, GCM_COMPAS, ODDS, PARITY
from paretofair.analysis.relative import find_single_task
from paretofair.analysis.results import Results
from paretofair.analysis.rules import MIDPOINT, select_trials
from paretofair.metrics.objectives import parse_objective
from paretofair.results.table_schema import SPLITS
from paretofair.space.numbering import decode_seed

# Method, row, metric, and a value for each seed, which is the index.
Numbers = Iterator[tuple[str, str, str, pd.Series]]
# Method, seed, the plane that a front lies in, and its points `(m, 2)`.
Fronts = Iterator[tuple[str, int, str, np.ndarray]]


def read_trials(results: Results) -> Numbers:
    """How many trials each method and seed has, and how long they trained."""
    for method, own in results.searched.groupby("method"):
        yield method, method, TRIALS, own.groupby("seed").size()
        yield method, method, SECONDS, own.groupby("seed")["train_seconds"].sum()


def read_points(results: Results) -> Numbers:
    """Average precision and minus the sum of gaps of GCM's methods, one model a seed."""
    trials, task = _with_odds(results)
    for method, own in trials.groupby("method"):
        for row, metric, values in _pair(method, own.set_index("seed"), task):
            yield method, row, metric, values


def read_eor_ends(results: Results) -> Numbers:
    """The fairest trial of a seed with at least the published average precision at each end of EOR's curve, on
    validation; the most precise one where none has that."""
    trials, task = _with_odds(results)
    precision = trials[f"validation_{AP}_{task}"]
    for row, (least, _) in EOR_ENDS.items():
        enough = trials[precision >= least]
        fairest = enough.loc[enough.groupby("seed")[f"validation_odds_{task}"].idxmin()]
        others = trials[~trials["seed"].isin(fairest["seed"])]
        precise = others.loc[others.groupby("seed")[f"validation_{AP}_{task}"].idxmax()]
        for name, metric, values in _pair(row, pd.concat([fairest, precise]).set_index("seed"), task):
            yield "eor", name, metric, values


def read_compas(results: Results) -> Numbers:
    """What GCM's paper says of COMPAS: gaps of odds, and of parity with average precision."""
    (task,) = results.tasks
    results.derive([parse_objective(f"demographic_parity_gap_{task}", results.tasks)])
    trials, _ = _with_odds(results)
    for method, own in trials.groupby("method"):
        of_seed = own.set_index("seed")
        values = {
            AP: of_seed[f"test_{AP}_{task}"],
            ODDS: -of_seed[f"test_odds_{task}"],
            PARITY: -of_seed[f"test_demographic_parity_gap_{task}"],
        }
        for metric, found in values.items():
            if (method, metric) in GCM_COMPAS:
                yield method, method, metric, found


def read_alone_and_together(results: Results) -> Numbers:
    """Errors and gaps of single-task and of multi-task models; run r of a single-task model goes with seed r."""
    alone = find_single_task(results.trials)
    runs = pd.Series(decode_seed("baselines", alone["seed"].to_numpy())[1], index=alone.index)
    trials = results.searched
    together = trials[trials["stage"] == "points"].set_index("seed")
    for task in results.tasks:
        own = alone[f"task_weight_{task}"] == 1
        by_run = alone[own].set_index(runs[own])
        for metric in ("error", "fpr_gap"):
            column = f"test_{metric}_{task}"
            yield "vanilla", "together", f"{metric}_{task}", together[column]
            yield "vanilla", "alone", f"{metric}_{task}", by_run[column].reindex(together.index)


def read_midpoints(results: Results) -> Numbers:
    """MTA-F's tables at the midpoint of every front, chosen on validation, and the front's hypervolume on test."""
    chosen = select_trials(results, [MIDPOINT]).set_index("trial_id")
    rows = results.trials.set_index("trial_id").loc[chosen.index]
    metrics = ["arfg", "are", *(f"{metric}_{task}" for task in results.tasks for metric in ("error", "fpr_gap"))]
    for method, own in rows.groupby("method"):
        for metric in metrics:
            yield method, method, metric, own.set_index("seed")[f"test_{metric}"]
    for method, own in results.hypervolumes.groupby("method"):
        yield method, method, "hypervolume", own.set_index("seed")["test_hypervolume"]


def read_by_group(results: Results) -> Numbers:
    """AUC by group and its gap on every split, and the values of the penalties."""
    for method, own in results.searched.groupby("method"):
        of_seed = own.set_index("seed")
        for task in results.tasks:
            for metric in ("auc_gap", "error", *METRICS):
                for split in SPLITS:
                    yield method, method, f"{split}_{metric}_{task}", of_seed[f"{split}_{metric}_{task}"]


def read_fronts(results: Results) -> Fronts:
    """Figures 5 and 6 of MTA-F: every seed's points on test of the fronts that validation chose, of each task and of
    ARFG and ARE."""
    for plane in ("arfg_are", *results.tasks):
        points, names = results.frontier(plane), results.objective_set(plane).names
        for (method, seed), own in points.groupby(["method", "seed"]):
            yield method, int(seed), plane, own[[f"test_{name}" for name in names]].to_numpy(float)


def read_accuracy_fronts(results: Results) -> Fronts:
    """Figure 2 of MTA-F: the front of the errors, where its points stand in the gaps, and the front of these."""
    of_errors = results.frontier("accuracies")
    gaps = [f"fpr_gap_{task}" for task in results.tasks]
    of_gaps = results.frontier(*gaps)
    trials = results.trials.set_index("trial_id")
    for plane, points, metrics in (
        ("errors", of_errors, [f"error_{task}" for task in results.tasks]),
        ("gaps of the front of errors", of_errors, gaps),
        ("gaps", of_gaps, gaps),
    ):
        columns = [f"test_{name}" for name in metrics]
        for (method, seed), own in points.groupby(["method", "seed"]):
            yield method, int(seed), plane, trials.loc[own["trial_id"], columns].to_numpy(float)


def _with_odds(results: Results) -> tuple[pd.DataFrame, str]:
    """The searched trials with the sum of the two gaps, hard at the space's threshold, and their task."""
    (task,) = results.tasks
    trials = results.searched
    sums = {
        f"{split}_odds_{task}": trials[f"{split}_fpr_gap_{task}"] + trials[f"{split}_tpr_gap_{task}"]
        for split in ("validation", "test")
    }
    return trials.assign(**sums), task


def _pair(row: str, of_seed: pd.DataFrame, task: str) -> Iterator[tuple[str, str, pd.Series]]:
    yield row, AP, of_seed[f"test_{AP}_{task}"]
    yield row, ODDS, -of_seed[f"test_odds_{task}"]
