"""What is right, and each attack makes wrong in one place: a space file with its data, a trial table, commands."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import yaml

SPACE: dict[str, Any] = {
    "name": "attacked",
    "data": {"csv": {"path": "data.csv", "tasks": {"x": "one", "y": "two"}, "sensitive": {"sex": "sex"}}},
    "network": {"shared": [4], "head": [4], "embedding": 2},
    "training": {"batch_size": 64},
    "parameters": {"learning_rate": 0.1, "epochs": 1, "task_weight": "simplex"},
    "methods": {"vanilla": None},
    "seeds": [0],
    "stages": {"baselines": {"runs": 2, "parameters": {"learning_rate": 0.1}}, "sweep": {"trials": 2}},
    "resources": {"stack": 3, "pack": 3, "compile": False},
}
SWEEP = ("sweep", "--space", "space.yaml", "--output", "out")
REPORT = ("report", "table.csv", "--output", "out", "--only", "tables,page")


def make_data(rows: int = 120, attributes: int = 0) -> pd.DataFrame:
    """Two tasks, a number and a sensitive column, and `attributes` more of those."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.integers(0, 2, (rows, 3)), columns=["one", "two", "age"])
    frame["sex"] = np.where(random.random(rows) < 0.5, "f", "m")
    more = {f"attribute_{number}": random.integers(0, 2, rows) for number in range(attributes)}
    return frame.assign(**more)


DATA = make_data().to_csv(index=False)
FILES = {"space.yaml": yaml.safe_dump(SPACE, sort_keys=False), "data.csv": DATA}


def edit(**values: Any) -> str:
    """The text of the space with values at keys, dots in which are written `__`."""
    space = copy.deepcopy(SPACE)
    for dotted, value in values.items():
        *above, last = dotted.split("__")
        parent: Any = space
        for key in above:
            parent = parent.setdefault(key, {})
        parent[last] = value
    return yaml.safe_dump(space, sort_keys=False, allow_unicode=True)


def show(value: object) -> str:
    """A value in a name, not too long."""
    text = repr(value)
    return text if len(text) < 50 else f"{text[:45]}… ({len(text):,} characters)"


_METRICS = [f"{split}_{metric}_x" for split in ("validation", "test") for metric in ("error", "fpr_gap")]


def make_trials(**columns: object) -> str:
    """A trial table made elsewhere."""
    table = pd.DataFrame({"method": ["m", "m"], "seed": [0, 0], **{name: [0.1, 0.2] for name in _METRICS}})
    return table.assign(**columns).to_csv(index=False)
