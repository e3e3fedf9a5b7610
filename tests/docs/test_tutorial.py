"""The tutorial, from its first line to its last."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from ..launch.processes import TIMEOUT
from .test_examples import blocks


@pytest.mark.ray
def test_the_tutorial(tmp_path, ray_address):
    make, use = blocks("tutorial.md", "python")
    (space,) = blocks("tutorial.md", "yaml")
    commands = [
        each.replace("paretofair ", f"{sys.executable} -m paretofair ") for each in blocks("tutorial.md", "bash")
    ]
    (tmp_path / "loans.yaml").write_text(space)
    own = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "PARETOFAIR_OFFLINE": "1"}
    own["RAY_ADDRESS"] = ray_address

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, timeout=TIMEOUT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-c", make)
    said = [run("bash", "-euc", command) for command in commands]
    assert "nothing was trained" in said[0]
    assert "trained now" in said[1]
    assert "loans in results/loans" in said[2]
    assert "report.html" in said[4]
    results = tmp_path / "results" / "loans"
    for name in ("report.html", "tables/summary.tex", "figures/fronts.pdf", "figures/captions.md"):
        assert (results / name).stat().st_size > 0, name
    assert set(pd.read_csv(results / "tables" / "summary.csv")["trials"]) == {7 * 80}
    probabilities = run(sys.executable, "-c", use)
    assert "repaid" in probabilities
    assert "large" in probabilities
    assert (tmp_path / "fair_model" / "README.md").exists()
