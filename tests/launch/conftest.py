"""Runs the commands as a user does and gives their output and exit code, in this process or in one of their own."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from paretofair.cli.sweep import main as sweep_main

from .processes import TIMEOUT, Marked

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

Sweep = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: object, script: str = "sweep.py") -> list[str]:
    """The command line of `launch/sweep.py`, or of another script beside it."""
    return [sys.executable, str(ROOT / "launch" / script), *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command: wide output, no download."""
    return os.environ | {"COLUMNS": "200", "PARETOFAIR_OFFLINE": "1"} | changes


def run(
    *arguments: object, script: str = "sweep.py", cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Runs `launch/sweep.py`, or another script beside it, in a process of its own and waits for it."""
    return subprocess.run(
        command(*arguments, script=script),
        env=environment(**changes),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def call(
    main: Callable[[list[str]], int], *arguments: object, cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Calls a command in this process, which has PyTorch and Ray imported, and leaves nothing of it behind."""
    words = [str(argument) for argument in arguments]
    output, errors = StringIO(), StringIO()
    loggers = {name: logging.getLogger(name) for name in ("", "paretofair", "ray.tune")}
    before = {name: (each.level, each.handlers) for name, each in loggers.items()}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    loggers[""].handlers = []
    try:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            for name, value in environment(**changes).items():
                patch.setenv(name, value)
            if cwd is not None:
                patch.chdir(cwd)
            try:
                code = main(words)
            except SystemExit as ended:
                code = ended.code or 0
    finally:
        for name, (level, own) in before.items():
            loggers[name].setLevel(level)
            loggers[name].handlers = own
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(words, code, output.getvalue(), errors.getvalue())


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[Marked]:
    """Commands in processes of their own, which are killed with all that they have started at the end of the test."""
    (tmp_path / "output").mkdir()
    found = Marked(tmp_path / "output", environment())
    yield found
    found.clean()


@pytest.fixture(scope="session")
def sweep(ray_address: str) -> Sweep:
    """Calls `sweep` in this process, on the Ray that tests share."""

    def sweep(*arguments: object, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
        return call(sweep_main, *arguments, cwd=cwd, RAY_ADDRESS=ray_address, **changes)

    return sweep
