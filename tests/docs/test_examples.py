"""The examples of the pages on adding things: they run, and they are short."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretofair.metrics.registry import METRICS
from tests.stacks import read_rows

ROOT = Path(__file__).parents[2]
SMOKE = ["--trials", "3", "--set", "parameters.epochs=1", "--set", "seeds=[0]"]
SMOKE += ["--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 1}}"]


def blocks(page: str, kind: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


def run(folder: Path, *arguments: str, **changes: str) -> None:
    environment = os.environ | {"PARETOFAIR_OFFLINE": "1"} | changes
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def sweep(folder: Path, ray_address: str, *arguments: str) -> None:
    """`launch/sweep.py` at smoke size."""
    run(folder, str(ROOT / "launch" / "sweep.py"), *SMOKE, *arguments, RAY_ADDRESS=ray_address)


@pytest.mark.ray
def test_add_a_method(tmp_path, ray_address):
    method, contract = blocks("add_a_method.md", "python")
    assert method.count("\n") < 40
    (tmp_path / "mine.py").write_text(method)
    (tmp_path / "test_mine.py").write_text(contract)
    (tmp_path / "own_method.yaml").write_text(blocks("add_a_method.md", "yaml")[0])
    run(tmp_path, "-m", "pytest", "-q", "test_mine.py")
    sweep(tmp_path, ray_address, "--space", "own_method.yaml", "--set", "data.source=simulated")
    table = read_rows((tmp_path / "results/own_method/trials").glob("*.parquet"))
    own = table[table["method"] == "squared_gap"]
    assert len(own) == 3
    assert (own["strength"] > 0).all()
    assert (own["status"] == "completed").all()


@pytest.mark.ray
def test_add_a_csv_file(tmp_path, ray_address):
    random = np.random.default_rng(0)
    rows = 300
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "status": random.choice(["paid", "late"], rows),
            "amount": random.integers(100, 5000, rows),
            "gender": random.choice(["f", "m"], rows),
            "age": random.integers(18, 80, rows),
            "purpose": random.choice(["car", "house"], rows),
        }
    )
    frame.to_csv(tmp_path / "loans.csv", index=False)
    space = blocks("add_a_data_set.md", "yaml")[0]
    assert space.count("\n") < 40
    (tmp_path / "loans.yaml").write_text(space)
    sweep(tmp_path, ray_address, "--space", "loans.yaml")
    front = pd.read_csv(tmp_path / "results" / "loans" / "frontiers" / "all.csv")
    assert set(front["objectives"]) >= {"arfg_are", "repaid", "large"}


def test_add_a_kind_of_input(tmp_path):
    kind, contract = blocks("add_a_kind_of_input.md", "python")
    assert kind.count("\n") < 80
    (tmp_path / "embeddings.py").write_text(kind)
    (tmp_path / "test_embeddings.py").write_text(contract)
    run(tmp_path, "-m", "pytest", "-q", "test_embeddings.py")


def test_add_a_data_set(tmp_path):
    source, contract = blocks("add_a_data_set.md", "python")
    assert source.count("\n") < 40
    (tmp_path / "coin.py").write_text(source)
    (tmp_path / "test_coin.py").write_text(contract)
    run(tmp_path, "-m", "pytest", "-q", "test_coin.py")


@pytest.mark.ray
def test_add_a_kind_of_task(tmp_path, ray_address):
    kind, contract = blocks("add_a_kind_of_task.md", "python")
    assert sum(bool(line.strip()) for line in kind.splitlines()) < 30
    (tmp_path / "ordinal.py").write_text(kind)
    (tmp_path / "test_ordinal.py").write_text(contract)
    run(tmp_path, "-m", "pytest", "-q", "test_ordinal.py")
    random = np.random.default_rng(0)
    sex, age = random.choice(["f", "m"], 400), random.normal(size=400)
    income = np.array(["low", "middle", "high"])[np.digitize(age + random.normal(size=400), [-0.7, 0.7])]
    pd.DataFrame({"sex": sex, "age": age, "income": income}).to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "own_task.yaml").write_text(blocks("add_a_kind_of_task.md", "yaml")[0])
    sweep(tmp_path, ray_address, "--space", "own_task.yaml")
    table = read_rows((tmp_path / "results/own_task/trials").glob("*.parquet"))
    own = table[table["method"] == "per_task"]
    assert (own["test_fpr_gap_income"] >= 0).all()


@pytest.mark.ray
def test_add_a_sampler(tmp_path, ray_address):
    sampler, contract = blocks("add_a_sampler.md", "python")
    assert sampler.count("\n") < 30
    (tmp_path / "halton.py").write_text(sampler)
    (tmp_path / "test_halton.py").write_text(contract)
    (tmp_path / "own_sampler.yaml").write_text(blocks("add_a_sampler.md", "yaml")[0])
    run(tmp_path, "-m", "pytest", "-q", "test_halton.py")
    sweep(tmp_path, ray_address, "--space", "own_sampler.yaml", "--set", "data.source=simulated")
    table = read_rows((tmp_path / "results/own_sampler/trials").glob("*.parquet"))
    assert len(table[table["stage"] == "sweep"]) == 6


@pytest.mark.ray
def test_add_an_indicator(tmp_path, ray_address):
    indicator, use, contract = blocks("add_an_indicator.md", "python")
    (tmp_path / "shortfall.py").write_text(indicator)
    (tmp_path / "compare.py").write_text(use)
    (tmp_path / "test_shortfall.py").write_text(contract)
    run(tmp_path, "-m", "pytest", "-q", "test_shortfall.py")
    space = ROOT / "search_spaces" / "mtaf_lsac.yaml"
    small = ["--methods", "vanilla,mtaf", "--set", "data.source=simulated", "--set", "stages.confirm=null"]
    sweep(tmp_path, ray_address, "--space", str(space), "--output", "out", *small)
    run(tmp_path, "compare.py", "out")


def test_objectives_list_every_metric():
    """The table of the page is what the registry says."""
    sources = {"rows": "the trial table", "metrics": "other metrics", "counts": "counts by group"}
    sources["baselines"] = "single-task models"
    page = (ROOT / "docs" / "objectives.md").read_text()
    rows = [
        f"| `{metric.name}` | {metric.words} | {metric.direction} | "
        f"{'rows, if asked for' if metric.is_asked_for else sources[metric.source]} |"
        for metric in METRICS.values()
        if metric.is_measured
    ]
    assert "\n".join(rows) in page


@pytest.mark.ray
def test_a_metric_of_your_own(tmp_path, ray_address):
    metrics, contract = blocks("objectives.md", "python")
    (tmp_path / "mine.py").write_text(metrics)
    (tmp_path / "test_mine.py").write_text(contract)
    run(tmp_path, "-m", "pytest", "-q", "test_mine.py")
    (tmp_path / "own_metric.yaml").write_text(blocks("objectives.md", "yaml")[0])
    settings = ["--set", "data.source=simulated", "--set", "stages.confirm={runs: 2}"]
    sweep(tmp_path, ray_address, "--space", "own_metric.yaml", *settings)
    folder = tmp_path / "results" / "own_metric"
    front = pd.read_csv(folder / "frontiers" / "all.csv")
    assert set(front["objectives"]) == {"arfg_are", "missed", "ap_odds"}
    assert pd.read_csv(folder / "tables" / "missed" / "hypervolume.csv")["test_hypervolume"].between(0, 1).all()
    run(tmp_path, str(ROOT / "launch" / "report.py"), str(folder))
    captions = (folder / "figures" / "captions.md").read_text()
    assert "false positive" not in captions.replace("false and true positive", "")
    page = (folder / "report.html").read_text()
    assert '"gap":"tpr_gap"' in page
    assert '"name":"missed","label":"missed","objectives":["missed_gap","absolute_error"]' in page
    table = read_rows((folder / "trials").glob("*.parquet"))
    # Of all groups with positives the share of missed ones is what the true positive rate leaves.
    for task in ("high_grade", "pass_bar"):
        own = table[f"test_missed_gap_{task}"].to_numpy(float)
        np.testing.assert_allclose(own, table[f"test_tpr_gap_{task}"].to_numpy(float), atol=1e-12)
