"""A run whose results are at a URL: workers write there, the driver keeps copies, and another machine goes on."""

from __future__ import annotations

import os
import re
import socket

import pytest

from paretofair.results import Store
from paretofair.results.lease import hold_lease
from tests.stacks import read_rows

from .conftest import SPACE

SMALL = [
    *("--space", SPACE, "--seeds", "0", "--trials", "4", "--methods", "vanilla"),
    *("--set", "data.source=simulated", "--set", "parameters.epochs=1", "--set", "stages.confirm=null"),
    *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 1}}"),
]


@pytest.mark.slow
@pytest.mark.ray
def test_results_at_a_url(sweep, tmp_path):
    url, here, there = f"file://{tmp_path}/bucket/run", tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    done = sweep(*SMALL, "--output", url, cwd=here)
    assert done.returncode == 0, done.stdout + done.stderr
    bucket = tmp_path / "bucket" / "run"
    names = {path.name for path in (bucket / "trials").iterdir()}
    assert names == {path.name for path in (here / "results" / "run" / "trials").iterdir()}
    assert (bucket / "frontiers" / "all.csv").read_text() == (
        here / "results" / "run" / "frontiers" / "all.csv"
    ).read_text()
    # The copies are of this URL alone.
    for other in (f"file://{tmp_path}/another/run", "results/run"):
        refused = sweep(*SMALL, "--output", other, cwd=here)
        assert refused.returncode == 2
        assert f"holds copies of the results at {url}" in refused.stderr
    planned = sweep(*SMALL, "--trials", "6", "--output", url, "--dry-run", cwd=there)
    assert re.search(r"sweep\s+│ vanilla\s+│ 1\s+│ 6\s+│ 4 ", planned.stdout), planned.stdout
    assert not list(there.iterdir())
    with hold_lease(Store(url)):
        second = sweep(*SMALL, "--trials", "6", "--output", url, cwd=there)
    assert second.returncode == 2
    assert f"{url} is in use by process {os.getpid()} on {socket.gethostname()}" in second.stderr
    more = sweep(*SMALL, "--trials", "6", "--output", url, cwd=there)
    assert more.returncode == 0, more.stdout + more.stderr
    assert "2 trials trained now" in more.stdout
    trials = read_rows((bucket / "trials").iterdir())
    assert trials["trial_id"].is_unique
    assert len(trials) == 4 + 1 + 6
    wrong = sweep(*SMALL, "--output", "nonsense://x", cwd=there)
    assert wrong.returncode == 2
    assert "no file system that pyarrow knows" in wrong.stderr
