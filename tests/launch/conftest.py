"""Runs the commands as a user does: another process, its output and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .processes import TIMEOUT

ROOT = Path(__file__).parent.parent.parent
SPACE = ROOT / "search_spaces" / "mtaf_lsac.yaml"
# The same space file at smoke size: few short trials, small packs and stacks so that there are several.
SMOKE = [
    *("--trials", "6", "--seeds", "0"),
    *("--set", "parameters.epochs=[1, 2, 3]"),
    *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}"),
    *("--set", "stages.confirm.runs=2"),
    *("--set", "resources.pack=4"),
    *("--set", "resources.stack=2"),
]


def command(*arguments: object) -> list[str]:
    """The command line of `launch/sweep.py`."""
    return [sys.executable, str(ROOT / "launch" / "sweep.py"), *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command: wide output, no download."""
    return os.environ | {"COLUMNS": "200", "PARETOFAIR_OFFLINE": "1"} | changes


@pytest.fixture
def sweep() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `launch/sweep.py` and waits for it."""

    def run(*arguments: object, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments), env=environment(**changes), cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT
        )

    return run
