"""Every method on a table of forty rows, in which a group has no negatives: counted, told, and never a number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.stacks import read_rows

SPACE = """\
name: tiny
data:
  csv: {path: tiny.csv, tasks: {y: y, z: z}, sensitive: {g: g, h: h}, test: 0.3}
  sensitive: g
network: {shared: [8], head: [4], embedding: 2}
training: {optimizer: adam, batch_size: 16, reduction: mean}
parameters:
  learning_rate: {log_uniform: [0.001, 0.1]}
  epochs: [1, 2]
  task_weight: simplex
  fairness_weight: {uniform: [0, 5]}
  penalty_weight: {uniform: [0, 5]}
methods:
  vanilla:
  per_task:
  mtaf: {fairness: {goal: odds}}
  mtaf_mmd: {class: mtaf, fairness: {distance: mmd}}
  differential: {class: per_task, fairness: {distance: differential}}
  eor:
  eor_holdout: {class: eor, penalty_split: holdout}
  equal_loss:
  odds_penalty:
  disparate_impact:
  max_min:
  label_flip: {group: f, parameters: {flip: 0.1}}
  oversample: {balance_task: z}
  reweigh:
  gcm: {balance_task: z}
  transfer:
  threshold_frontier: {parameters: {tolerance: {uniform: [0, 0.3]}}}
seeds: [0]
stages: {baselines: {runs: 2, parameters: {learning_rate: 0.01, epochs: 2}}, sweep: {trials: 3}}
"""


@pytest.fixture
def folder(tmp_path):
    """No woman has y = 0; the category `s` stands in the last rows alone."""
    random = np.random.default_rng(0)
    rows = ["a,b,y,z,g,h"]
    for i in range(40):
        g = random.choice(["f", "m"])
        y = 1 if g == "f" else random.integers(0, 2)
        b = random.choice(["p", "q", "r"]) if i < 38 else "s"
        rows.append(f"{random.normal():.3f},{b},{y},{random.integers(0, 2)},{g},{random.choice(['u', 'v', 'w'])}")
    (tmp_path / "tiny.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "tiny.yaml").write_text(SPACE)
    return tmp_path


@pytest.mark.ray
def test_what_has_no_value_is_told_and_enters_no_frontier(folder, sweep):
    done = sweep("--space", folder / "tiny.yaml", "--output", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The FPR gap of y has no value on validation in 51 of 51 trials (" in done.stdout
    assert "ARFG has no value: the single-task FPR gap of y has no value on validation (" in done.stdout
    assert "no negative in g f)" in done.stdout
    trials = read_rows((folder / "out" / "trials").glob("*.parquet"))
    searched = trials[trials["stage"] == "sweep"]
    assert (searched["status"] == "completed").all()
    assert searched["test_fpr_gap_y"].isna().all()
    assert searched["test_error_y"].notna().all()
    points = pd.read_csv(folder / "out" / "frontiers" / "all.csv")
    assert set(points["objectives"]) == {"z", "accuracies"}
    for name, columns in (("z", ["fpr_gap_z", "error_z"]), ("accuracies", ["error_y", "error_z"])):
        own = points[points["objectives"] == name]
        assert own[[f"validation_{column}" for column in columns]].notna().all(axis=None)


def test_bad_tables_are_told_before_any_work(folder, sweep):
    text = (folder / "tiny.csv").read_text().splitlines()
    cases = {
        "one_class": ([text[0], *(f"{row.rsplit(',', 4)[0]},1,1,f,u" for row in text[1:])], "every known label is 1"),
        "few": (text[:20], "at least 30 are needed"),
        "words": ([*text[:5], "three,p,1,0,f,u", *text[5:]], "csv.inputs"),
    }
    for name, (rows, words) in cases.items():
        (folder / "tiny.csv").write_text("\n".join(rows) + "\n")
        numbers = ["--set", "data.csv.inputs={numeric: [a]}"]
        done = sweep("--space", folder / "tiny.yaml", "--output", folder / name, *numbers)
        assert done.returncode == 2, name
        assert (words if name != "words" else "line 6, column 'a': expected a number, found 'three'") in done.stderr
        assert "Traceback" not in done.stderr


SURVEY = SPACE.replace(
    "sensitive: {g: g, h: h}, test: 0.3}",
    "sensitive: {g: g, h: h}, split: {column: fold, train: [0, 1], validation: [2], test: [3]}, weights: w, "
    "keep_together: who}",
)


@pytest.mark.ray
def test_a_survey_with_weights_parts_of_its_own_and_people_that_stay_together(tmp_path, sweep):
    """Every method trains; the table has counts by weight and of rows, and intervals know what the rows are worth."""
    random = np.random.default_rng(1)
    rows = 240
    frame = pd.DataFrame(
        {
            "a": random.normal(size=rows).round(3),
            "b": random.choice(["p", "q"], rows),
            "y": random.integers(0, 2, rows),
            "z": random.integers(0, 2, rows),
            "g": random.choice(["f", "m"], rows),
            "h": random.choice(["u", "v"], rows),
            "w": random.integers(0, 5, rows) / 2,
            "who": [f"n{row // 2}" for row in range(rows)],
            "fold": np.arange(rows) // 2 % 4,
        }
    )
    frame.to_csv(tmp_path / "tiny.csv", index=False)
    (tmp_path / "tiny.yaml").write_text(SURVEY)
    done = sweep("--space", tmp_path / "tiny.yaml", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "120 training, 60 validation, 60 test rows" in done.stdout
    trials = read_rows((tmp_path / "out" / "trials").glob("*.parquet"))
    searched = trials[trials["stage"] == "sweep"]
    assert (searched["status"] == "completed").all()
    test = frame[frame["fold"] == 3]
    mean = frame.loc[frame["fold"] < 2, "w"].mean()
    for name, expected in (("confusion_test", test["w"].sum() / mean), ("confusion_test_rows", 60)):
        counts = np.stack(searched[name].to_numpy()).reshape(len(searched), 2, -1, 6)[..., :4]
        np.testing.assert_allclose(counts.sum((2, 3)), expected, rtol=1e-4)
    cells = pd.read_csv(tmp_path / "out" / "groups.csv")
    assert (cells["independent_test"] <= cells["rows_test"] + 1e-9).all()
    assert pd.read_csv(tmp_path / "out" / "frontiers" / "all.csv")["test_error_y_low"].notna().any()
