"""A made-up run: three methods, four seeds, two tasks, two attributes, with counts, curves and confirmed points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from paretofair.analysis.results import ReportSettings, Results
from paretofair.metrics import rates
from paretofair.metrics.objectives import NamedSet
from paretofair.results import write_stack

TASKS = ("grade", "bar")
METHODS = ("vanilla", "mtaf", "own_method")
SEEDS = range(4)
TRIALS = 15
CELLS = pd.DataFrame(
    {
        "cell": range(4),
        "sex": ["Female", "Female", "Male", "Male"],
        "code_sex": [0, 0, 1, 1],
        "race": ["White", "Black", "White", "Black"],
        "code_race": [0, 1, 0, 1],
    }
)
_ROWS = np.array([400, 150, 500, 120])


def make_up_trials(methods: tuple[str, ...] = METHODS, trials: int = TRIALS) -> pd.DataFrame:
    """The trial table: metrics follow from counts, which follow from hyperparameters and a draw for each row."""
    random = np.random.default_rng(0)
    rows = []
    for method in ("single_task", *methods):
        for seed in SEEDS:
            for index in range(3 if method == "single_task" else trials):
                weight = random.uniform(0, 4)
                rate = float(np.exp(random.uniform(np.log(0.01), np.log(0.3))))
                trial = {
                    "trial_id": f"{method}-{seed}-{index}",
                    "stage": "baselines" if method == "single_task" else "sweep",
                    "method": method,
                    "seed": 900_000_000 + 10 * seed + index if method == "single_task" else seed,
                    "index": index,
                    "status": "completed",
                    "split_id": "s0",
                    "source": "simulated",
                    "protocol": "validation",
                    "threshold": "base_rate",
                    "learning_rate": rate,
                    "fairness_weight": weight,
                }
                gap = 0.16 if method == "single_task" else 0.16 / (1 + weight * (0.4 + METHODS_AT.get(method, 0)))
                wrong = 0.15 + 0.01 * weight + 0.02 * abs(np.log(rate / 0.05))
                rows.append(trial | _draw_metrics(random, gap, wrong))
    table = pd.DataFrame(rows)
    # Baselines of each task alone: one weight is 1.
    alone = table["stage"] == "baselines"
    for task in TASKS:
        table[f"task_weight_{task}"] = np.where(alone, float(task == "grade"), 0.5)
    second = table[alone].assign(task_weight_grade=0.0, task_weight_bar=1.0)
    second["trial_id"] += "-bar"
    return pd.concat([table, second], ignore_index=True)


METHODS_AT = {"vanilla": 0.0, "mtaf": 0.5, "own_method": 0.2}


def _draw_metrics(random: np.random.Generator, gap: float, wrong: float) -> dict[str, Any]:
    """Metrics and counts of a trial on every split."""
    values: dict[str, Any] = {}
    for split, share in (("train", 6), ("validation", 1), ("test", 2)):
        tasks = []
        for task in TASKS:
            cells = []
            for cell, rows in enumerate(_ROWS * share):
                positives = random.binomial(rows, 0.5)
                false = random.binomial(rows - positives, np.clip(wrong + (gap if cell < 2 else 0), 0, 1))
                missed = random.binomial(positives, np.clip(wrong, 0, 1))
                cells.append([positives - missed, false, rows - positives - false, missed, 0.0, 0.0])
            counts = np.array(cells, dtype=float)
            by_sex = rates.merge(counts, CELLS["code_sex"].to_numpy(), 2)
            values[f"{split}_error_{task}"] = float(rates.error(counts.sum(0)))
            values[f"{split}_fpr_gap_{task}"] = float(rates.fpr_gap(by_sex))
            signed = rates.false_positive_rate(by_sex)
            values[f"{split}_fpr_gap_signed_{task}"] = float(signed[0] - signed[1])
            tasks.append(counts)
        values[f"confusion_{split}"] = np.concatenate(tasks).ravel().tolist()
    return values


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up run on disk, with two points of every frontier confirmed twice, curves and samples."""
    folder = tmp_path_factory.mktemp("made_up")
    table = make_up_trials()
    points = Results.of(table.drop(columns=_counts(table)), ReportSettings()).frontier("arfg_are")
    chosen = points.groupby(["method", "seed"]).head(2)["trial_id"]
    random = np.random.default_rng(1)
    again = []
    for place, trial in enumerate(chosen):
        for run in (1, 2):
            row = table[table["trial_id"] == trial].iloc[0].to_dict()
            row |= _draw_metrics(random, 0.1, 0.2) | {"stage": "confirm", "confirms": trial, "seed": 1_000_000 * run}
            again.append(row | {"trial_id": f"confirm-{place}-{run}", "index": place})
    whole = pd.concat([table, pd.DataFrame(again)], ignore_index=True)
    write_stack(folder, "sweep-all-0-0-0.parquet", pa.Table.from_pandas(whole, preserve_index=False))
    CELLS.to_csv(folder / "groups.csv", index=False)
    curves = [
        {"trial_id": f"{method}-{seed}-0", "epoch": epoch}
        | {
            f"contribution_ratio_of_sums_{label}_all_{task}": 1 + 0.1 * seed + label + epoch / 10
            for label in (0, 1)
            for task in TASKS
        }
        for method in METHODS
        for seed in SEEDS
        for epoch in (1, 2, 3)
    ]
    write_stack(folder, "sweep-all-0-0-0.parquet", pa.Table.from_pylist(curves), "curves")
    samples = [("mismatch", None, None, 0.012), ("mismatch by chance", None, None, 0.005)]
    samples += [("acceptance", None, None, 0.97), ("response", 0, 0.5, 0.52), ("response", 1, 0.7, 0.69)]
    samples += [("energy", 0.25, 3, 3.1), ("energy", 0.75, 5, 5.2)]
    samples += [("correlation", 10, None, 0.8), ("correlation", 100, None, 0.1)]
    table = pd.DataFrame(samples, columns=["what", "place", "examples", "samples"])
    table.assign(method="mtaf", source="simulated").to_csv(folder / "descriptors.csv", index=False)
    return folder


@pytest.fixture
def made_up_run(run_folder: Path) -> Results:
    """The made-up run as read from its folder."""
    return Results(run_folder, sensitive="sex", methods=METHODS, threshold="base_rate")


@pytest.fixture
def made_up_sets(run_folder: Path) -> Results:
    """The made-up run with two sets of objectives of its own: one of metrics from counts that are turned round or best
    at 1, one of three."""
    own = (
        NamedSet("fair", ("worst_group_accuracy", "disparate_impact_ratio_grade"), (0.5, 0.5)),
        NamedSet("three", ("error_bar", "fpr_gap_bar", "equal_opportunity_ratio_bar")),
    )
    names = ("arfg_are", *TASKS, "accuracies", "all", "fair", "three")
    return Results(run_folder, sensitive="sex", methods=METHODS, threshold="base_rate", objectives=names, named=own)


@pytest.fixture
def made_up_results() -> Callable[..., Results]:
    """The made-up run in memory, without counts, with other settings or methods."""

    def make(methods: tuple[str, ...] = METHODS, trials: int = TRIALS, **changes: Any) -> Results:
        table = make_up_trials(methods, trials)
        settings = replace(ReportSettings(sensitive="sex", methods=methods), **changes)
        table = table.drop(columns=_counts(table)).assign(protocol=settings.protocol)
        return Results.of(table, settings)

    return make


def _counts(table: pd.DataFrame) -> list[str]:
    return [name for name in table if name.startswith("confusion_")]
