"""The data sheet: what is counted of a split."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from paretofair.data.assemble import assemble
from paretofair.data.sheet import describe_data
from paretofair.data.splits import split
from paretofair.tasks import TaskKind


def test_everything_is_counted():
    random = np.random.default_rng(0)
    rows = 300
    labels = random.integers(-1, 2, rows)
    outcome = random.integers(0, 3, rows)
    sex = random.integers(-1, 2, rows)
    age = np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows))
    job = random.choice(["", "a", "b"], rows)
    data = assemble(
        "made",
        "simulated",
        labels={"good": labels, "outcome": outcome},
        kinds={"outcome": TaskKind("multiclass", ("low", "mid", "high"))},
        numeric={"age": age, "height": random.normal(size=rows)},
        categorical={"job": job},
        groups={"sex": sex},
        group_names={"sex": ("f", "m")},
        checksums={},
    )
    splits = split(data)
    sheet = describe_data(splits)
    assert json.loads(json.dumps(asdict(sheet))) == asdict(sheet)
    for place, part in enumerate(("train", "validation", "test")):
        own = splits.part == place
        assert sheet.rows[part] == own.sum()
        assert sheet.labels["good"]["1"][part] == (labels[own] == 1).sum()
        assert sheet.labels["outcome"]["high"][part] == (outcome[own] == 2).sum()
        assert sheet.groups["sex"]["m"][part] == (sex[own] == 1).sum()
        assert sheet.unknown["good"][part] == (labels[own] == -1).sum()
        assert sheet.unknown["sex"][part] == (sex[own] == -1).sum()
    assert set(sheet.unknown) == {"good", "sex"}
    assert (sheet.numeric, sheet.categorical) == (["age", "height"], {"job": 3})
    assert sheet.filled == {"age": np.isnan(age).sum(), "job": (job == "").sum()}
    assert set(describe_data(split(data, validation=0)).rows) == {"train", "test"}
