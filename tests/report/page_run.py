"""A made-up run of any size, for the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from paretofair.analysis.results import Results
from paretofair.metrics import rates
from paretofair.results import write_stack

TASKS = ["grade", "bar"]
SPLITS = ["train", "validation", "test"]
CELLS = pd.DataFrame(
    {
        "cell": range(6),
        "sex": ["Female"] * 3 + ["Male"] * 3,
        "code_sex": [0] * 3 + [1] * 3,
        "race": ["White", "Black", "Other"] * 2,
        "code_race": [0, 1, 2] * 2,
    }
)
ROWS = {"train": 10_000, "validation": 2_500, "test": 4_000}
SHARES = np.array([0.35, 0.04, 0.008, 0.5, 0.03, 0.072])
SPACE = """name: made_up
protocol: {protocol}
data: {{name: made_up, sensitive: sex}}
threshold: base_rate
methods: {methods}
"""


def make_run(
    folder: Path,
    trials: int,
    *,
    methods: tuple[str, ...] = ("vanilla", "mtaf"),
    source: str = "simulated",
    protocol: str = "validation",
    prefix: str = "t",
) -> Results:
    """A results folder of made-up trials of two seeds, ten single-task runs, and two fresh seeds of sixty trials."""
    random = np.random.default_rng(0)
    shared = {"status": "completed", "split_id": "s0", "data_id": "d0", "source": source, "protocol": protocol}
    searched = pd.DataFrame(
        {
            "trial_id": [f"{prefix}{number:06d}" for number in range(trials)],
            "stage": "sweep",
            "method": np.array(methods)[np.arange(trials) % len(methods)],
            "seed": np.arange(trials) // len(methods) % 2,
            "index": np.arange(trials),
            "epochs": random.choice([20, 40, 60], trials),
            "optimizer": random.choice(["adagrad", "adam"], trials),
            "learning_rate": random.uniform(0.01, 0.3, trials),
            **{
                f"{name}_{task}": random.uniform(0, 5, trials)
                for name in ("fairness_weight", "task_weight")
                for task in TASKS
            },
        }
    )
    alone = pd.DataFrame(
        {
            "trial_id": [f"b{number}" for number in range(20)],
            "stage": "baselines",
            "method": "single_task",
            "seed": np.arange(20) + 900,
            "index": 0,
            **{f"task_weight_{task}": (np.arange(20) % 2 == t).astype(float) for t, task in enumerate(TASKS)},
        }
    )
    again = searched.iloc[: min(trials, 60)].loc[lambda own: own.index.repeat(2)]
    again = again.assign(
        confirms=again["trial_id"], stage="confirm", seed=5, trial_id=[f"{prefix}c{n}" for n in range(len(again))]
    )
    tables = {"sweep": searched, "baselines": alone, "confirm": again}
    for stage, table in ((stage, table) for stage, table in tables.items() if len(table)):
        write_stack(folder, f"{stage}.parquet", pa.Table.from_pandas(add_metrics(table.assign(**shared), random)))
    sizes = {f"rows_{split}": np.rint(rows * SHARES).astype(int) for split, rows in ROWS.items()}
    CELLS.assign(**sizes).to_csv(folder / "groups.csv", index=False)
    written = SPACE.format(methods=json.dumps({name: {} for name in methods}), protocol=protocol)
    (folder / "space.yaml").write_text(written)
    (folder / "environment.json").write_text(json.dumps({"git_commit": "abc", "data": {"sha256": {"a.csv": "12"}}}))
    return Results(folder)


def add_metrics(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The table with counts by cell, and the metrics that follow from them: the fairer, the more errors."""
    fair, luck = random.random((2, len(table), len(TASKS), 1))
    skill = 0.9 - 0.2 * fair**2 - 0.2 * luck
    favour = 0.1 * (1 - fair) * np.where(CELLS["sex"] == "Male", 1, -1)
    added: dict[str, Any] = {}
    for split, rows in ROWS.items():
        behind = np.rint(np.stack([0.4 * SHARES, 0.6 * SHARES]) * rows).astype(int)
        shift = favour + random.normal(0, 0.02, favour.shape)
        tp = random.binomial(behind[0], np.clip(skill + shift, 0, 1))
        fp = random.binomial(behind[1], np.clip(0.5 * (1 - skill) + shift, 0, 1))
        zeros = np.zeros(tp.shape)
        counts = np.stack([tp, fp, behind[1] - fp, behind[0] - tp, zeros, zeros], -1).astype(float)
        by_sex = np.stack([counts[:, :, :3].sum(2), counts[:, :, 3:].sum(2)], 2)
        for t, task in enumerate(TASKS):
            added[f"{split}_error_{task}"] = rates.error(counts[:, t].sum(1))
            added[f"{split}_fpr_gap_{task}"] = rates.fpr_gap(by_sex[:, t])
            added[f"{split}_fpr_gap_signed_{task}"] = rates.fpr_gap_signed(by_sex[:, t])
            added[f"{split}_tpr_gap_{task}"] = rates.tpr_gap(by_sex[:, t])
            for name in (
                "realised_positive_rate",
                "average_precision",
                "auc",
                "soft_fpr_gap",
                "soft_tpr_gap",
                "auc_gap",
            ):
                added[f"{split}_{name}_{task}"] = random.random(len(table))
        added[f"confusion_{split}"] = list(counts.reshape(len(table), -1).astype(np.float32))
    return table.assign(**added)
