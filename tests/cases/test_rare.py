"""Three of three thousand rows are positive: told before training, and why there is no ARFG after it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from paretofair.cli.data.data_sheet import _share
from paretofair.cli.sweep import main
from paretofair.results.files import ENVIRONMENT

from ..launch import conftest as launch

SPACE = """\
name: rare
data:
  csv: {path: data.csv, tasks: {fraud: fraud}, sensitive: {sex: sex}, test: 0.3}
  sensitive: sex
network: {shared: [16], head: [8], embedding: 4}
training: {batch_size: 256}
parameters: {learning_rate: 0.1, epochs: 2, task_weight: simplex, fairness_weight: {uniform: [0, 5]}}
methods: {vanilla: , mtaf: {parameters: {head_ratio: 1}}}
seeds: [0]
stages: {baselines: {runs: 2, parameters: {learning_rate: 0.08}}, sweep: {trials: 4}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    rows = 3000
    frame = pd.DataFrame({"sex": random.choice(["f", "m"], rows), "age": random.integers(18, 80, rows)})
    frame["purpose"] = random.choice(["car", "house", "[red]study[/red]", ""], rows)
    frame["fraud"] = np.isin(np.arange(rows), [7, 70, 700]).astype(int)
    frame.to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def test_the_data_sheet(folder, capsys):
    assert main(["--space", str(folder / "space.yaml"), "--dry-run", "--output", str(folder / "out")]) == 0
    said = capsys.readouterr().out
    assert "data (real data)" in said
    assert "1,680" in said
    assert "inputs: 1 numeric (age), 2 categorical (categories of sex: 2, purpose: 4)" in said
    assert f"missing cells of inputs: purpose {(pd.read_csv(folder / 'data.csv')['purpose'].isna()).sum():,}" in said
    assert "Task fraud has few rows of label 1 (" in said
    assert "estimated time: " in said
    assert "nothing was trained (--dry-run)" in said
    assert not (folder / "out").exists()


def test_the_estimated_time_of_a_run_on_a_gpu_is_not_known(folder, capsys):
    arguments = ["--space", str(folder / "space.yaml"), "--dry-run", "--output", str(folder / "out")]
    assert main([*arguments, "--set", "resources.gpus=1"]) == 0
    assert "estimated time: unknown until the first stack" in capsys.readouterr().out


def test_a_sheet_of_many_labels_and_groups_stays_short(folder, capsys):
    frame = pd.read_csv(folder / "data.csv")
    frame["grade"] = [f"g{row % 40}" for row in range(len(frame))]
    frame["country"] = [f"c{row % 19}" for row in range(len(frame))]
    frame.loc[::9, "country"] = ""
    frame.to_csv(folder / "data.csv", index=False)
    space = yaml.safe_load(SPACE)
    space["data"]["csv"]["tasks"]["grade"] = {"column": "grade", "kind": "multiclass"}
    space["data"]["csv"]["sensitive"]["country"] = "country"
    space["methods"] = {"vanilla": None}
    del space["parameters"]["fairness_weight"]
    (folder / "space.yaml").write_text(yaml.safe_dump(space))
    assert main(["--space", str(folder / "space.yaml"), "--dry-run", "--output", str(folder / "out")]) == 0
    said = capsys.readouterr().out
    assert "29 with more rows" in said
    assert "8 with more rows" in said
    assert "unknown" in said


@pytest.mark.ray
def test_why_there_is_no_arfg(folder, ray_address):
    arguments = ("--space", folder / "space.yaml", "--output", folder / "out")
    done = launch.call(main, *arguments, RAY_ADDRESS=ray_address)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    (caution,) = [line for line in lines if line.startswith("Task fraud has few rows of label 1 (")]
    (reason,) = [line for line in lines if line.startswith("ARFG has no value: ")]
    assert "the single-task FPR gap of fraud is 0 on validation (419 negatives, 1 positive; no positive in" in reason
    assert reason.endswith("; no ARFG-ARE frontier.")
    assert "is better than that" not in done.stdout
    assert "not known to differ from 0" not in done.stdout
    assert not [line for line in lines if line.lstrip().startswith(("vanilla", "mtaf")) and "-" not in line.split()]
    assert caution in (folder / "out" / "logs" / "run.log").read_text()
    sheet = json.loads((folder / "out" / ENVIRONMENT).read_text())["data"]["sheet"]
    assert sheet["rows"] == {"train": 1680, "validation": 420, "test": 900}
    assert sum(sheet["labels"]["fraud"]["1"].values()) == 3
    written = pd.read_csv(folder / "out" / "tables" / "hypervolume.csv")
    assert written.empty, "0 would be the hypervolume of points that are worse than the reference"
    report = launch.run(folder / "out", script="report.py")
    assert report.returncode == 0, report.stderr
    assert reason in report.stdout.splitlines()


@pytest.mark.parametrize(
    ("count", "rows", "words"),
    [
        (0, 1_000_000, "0.0 %"),
        (1, 1_000_000, "< 0.001 %"),
        (1, 20_000, "0.005 %"),
        (999_999, 1_000_000, "> 99.999 %"),
        (5, 5, "100.0 %"),
    ],
)
def test_a_share_is_none_or_all_only_where_it_is(count, rows, words):
    assert _share(count, rows) == words
