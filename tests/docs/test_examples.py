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

from tests.stacks import read_rows

ROOT = Path(__file__).parents[2]
SMOKE = ["--trials", "3", "--set", "parameters.epochs=1", "--set", "seeds=[0]"]
SMOKE += ["--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 1}}"]


def blocks(page: str, kind: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


def run(folder: Path, *arguments: str) -> None:
    environment = os.environ | {"PARETOFAIR_OFFLINE": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.ray
def test_add_a_method(tmp_path):
    method, contract = blocks("add_a_method.md", "python")
    assert method.count("\n") < 40
    (tmp_path / "mine.py").write_text(method)
    (tmp_path / "test_mine.py").write_text(contract)
    (tmp_path / "own_method.yaml").write_text(blocks("add_a_method.md", "yaml")[0])
    run(tmp_path, "-m", "pytest", "-q", "test_mine.py")
    simulated = ["--set", "data.source=simulated"]
    run(tmp_path, str(ROOT / "launch" / "sweep.py"), "--space", "own_method.yaml", *SMOKE, *simulated)
    table = read_rows((tmp_path / "results/own_method/trials").glob("*.parquet"))
    own = table[table["method"] == "squared_gap"]
    assert len(own) == 3
    assert (own["strength"] > 0).all()
    assert (own["status"] == "completed").all()


@pytest.mark.ray
def test_add_a_csv_file(tmp_path):
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
    run(tmp_path, str(ROOT / "launch" / "sweep.py"), "--space", "loans.yaml", *SMOKE)
    front = pd.read_csv(tmp_path / "results" / "loans" / "frontiers" / "all.csv")
    assert set(front["objectives"]) >= {"arfg_are", "repaid", "large"}


def test_add_a_data_set(tmp_path):
    source, contract = blocks("add_a_data_set.md", "python")
    assert source.count("\n") < 40
    (tmp_path / "coin.py").write_text(source)
    (tmp_path / "test_coin.py").write_text(contract)
    run(tmp_path, "-m", "pytest", "-q", "test_coin.py")
