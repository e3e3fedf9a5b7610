"""A table made elsewhere, with any names of tasks and methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd


def write_table(folder: Path, tasks: Sequence[str], methods: Sequence[str]) -> Path:
    """A made-up table of 12 trials of every method and two seeds, and the denominators beside it."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    names = [
        (split, metric, task) for split in ("validation", "test") for metric in ("error", "fpr_gap") for task in tasks
    ]
    table = pd.DataFrame({"method": np.repeat(methods, 12), "seed": np.arange(12 * len(methods)) // 6 % 2})
    drawn = {"_".join(each): random.uniform(0.1, 0.3, len(table)) for each in names}
    table = pd.concat([table.assign(learning_rate=random.uniform(0, 1, len(table))), pd.DataFrame(drawn)], axis=1)
    table.to_csv(folder / "table.csv", index=False)
    alone = pd.DataFrame([(task, split, metric, 0.2) for split, metric, task in names])
    alone.set_axis(["task", "split", "metric", "mean"], axis=1).to_csv(folder / "baselines.csv", index=False)
    return folder / "table.csv"
