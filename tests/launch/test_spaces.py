"""Every space file at smoke size."""

from __future__ import annotations

import pandas as pd
import pytest

import paretofair
from paretofair.cli.spaces import main as spaces_main
from paretofair.data import DATASETS
from paretofair.space.space import load_space
from tests.stacks import read_rows

from .conftest import ROOT, call

# test_sweep.py runs those of LSAC.
SPACES = [path for path in sorted((ROOT / "search_spaces").glob("*.yaml")) if not path.stem.startswith("mtaf_lsac")]
SMOKE = [
    *("stages.sweep.trials=1", "seeds=[0]", "parameters.epochs=1", "stages.confirm=null"),
    "stages.baselines={runs: 2, parameters: {learning_rate: 0.01, epochs: 1}}",
    "resources={compile: false}",
]


def mark_real_data(path):
    simulated = DATASETS[load_space(path).data.name].simulate is not None
    return pytest.param(path, id=path.stem, marks=() if simulated else pytest.mark.real_data)


@pytest.mark.ray
@pytest.mark.parametrize("path", [mark_real_data(path) for path in SPACES])
def test_a_space_file_runs(path, tmp_path, request, ray_address):
    real = any(mark.name == "real_data" for mark in request.node.own_markers)
    source = "real" if real else "simulated"
    # In this process: a command would import PyTorch and Ray once more for every file.
    overrides = [*SMOKE, f"data.source={source}"]
    for name, method in load_space(path).methods.items():
        if "bias_alignment" in (name, method.class_):
            overrides += [f"methods.{name}.weight_updates=2", f"methods.{name}.filter_updates=1"]
    network, training = load_space(path).network, load_space(path).training
    if training.steps is not None or network.named or training.batch_size <= 128:
        overrides.append("training.steps=2")
    if network.named and network.name != "cnn":
        overrides.append("network.width=0.05")
    if load_space(path).data.options.get("size", 0) > 64:
        overrides.append("data.options.size=32")
    paretofair.sweep(path, tmp_path, overrides=overrides, address=ray_address, quiet=True)
    trials = read_rows((tmp_path / "trials").glob("*.parquet"))
    space = load_space(path)
    assert set(trials["method"]) == {*space.methods, "single_task"}
    assert set(trials["status"]) <= {"completed", "diverged"}
    points = pd.read_csv(tmp_path / "frontiers" / "all.csv")
    objectives = points.filter(regex="^validation_(arfg|are|error|fpr_gap)")
    for name, own in points.groupby("objectives"):
        assert not own[objectives.columns].dropna(axis=1, how="all").isna().any(axis=None), f"{name} holds a NaN"


def test_the_shipped_files_are_listed_and_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = call(spaces_main).stdout.splitlines()
    assert {line.split()[0] for line in listed} == {path.stem for path in (ROOT / "search_spaces").glob("*.yaml")}
    assert all(len(line.split()) > 3 for line in listed)
    done = call(spaces_main, "mtaf_lsac", "--output", "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine.yaml").read_text() == (ROOT / "search_spaces" / "mtaf_lsac.yaml").read_text()
    wrong = {("mtaf_lsac", "--output", "mine.yaml"): "mine.yaml exists", ("mtaf_lsa",): "did you mean 'mtaf_lsac'"}
    for words, message in wrong.items():
        done = call(spaces_main, *words)
        assert (done.returncode, message in done.stderr) == (2, True)
