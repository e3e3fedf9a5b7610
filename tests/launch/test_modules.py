"""The example of docs/networks.md through the command, and what is told when a module cannot be stacked."""

from __future__ import annotations

import re

import pytest

from tests.stacks import read_rows

from .conftest import ROOT, SMOKE, SPACE, run

EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "networks.md").read_text(), re.DOTALL).group(1)
SIMULATED = ("--set", "data.source=simulated")


@pytest.mark.ray
def test_a_module_is_trained_and_a_changed_one_refused(ray_address, tmp_path):
    (tmp_path / "nets.py").write_text(EXAMPLE)
    arguments = (
        "--space",
        SPACE,
        *SMOKE,
        *SIMULATED,
        "--set",
        "network={module: nets:Network, arguments: {hidden: 9}}",
    )
    done = run(*arguments, "--output", "results", cwd=tmp_path, RAY_ADDRESS=ray_address)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = read_rows((tmp_path / "results" / "trials").glob("*.parquet"))
    assert set(trials["path"]) == {"vmap"}
    assert set(trials["status"]) == {"completed"}
    (tmp_path / "nets.py").write_text(EXAMPLE.replace("0.1", "0.2"))
    refused = run(*arguments, "--output", "results", cwd=tmp_path)
    assert refused.returncode == 2
    assert "network.code: " in refused.stderr


def test_what_cannot_be_stacked_is_told_first(tmp_path):
    (tmp_path / "nets.py").write_text(
        EXAMPLE.replace("shared = self.shared(rows)", "shared = self.shared(rows) / self.heads[0].weight.sum().item()")
    )
    done = run("--space", SPACE, *SIMULATED, "--set", "network={module: nets:Network}", cwd=tmp_path)
    assert done.returncode == 2
    assert "nets:Network cannot be trained by single_task" in done.stderr
    assert re.search(r"nets.py, line \d+: shared = self.shared\(rows\) / ", done.stderr)
    assert "Traceback" not in done.stderr
