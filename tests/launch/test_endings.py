"""How a run ends when what it needs goes away: one sentence, the right exit code, and the same command goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SPACE, command
from .processes import TIMEOUT, files, kill, raw, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ADVICE = "Finished trials are kept; the same command goes on from them."
LONG = [
    *("--methods", "mtaf", "--seeds", "0", "--trials", "16", "--set", "data.source=simulated"),
    *("--set", "parameters.epochs=[12]", "--set", "stages.confirm=null"),
    *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}"),
    *("--set", "resources.pack=4", "--set", "resources.stack=2", "--set", "resources.engine=ray"),
]


@pytest.fixture
def disturb(tmp_path, marked) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Starts a run, waits for its first rows, disturbs it, and waits for its end."""

    def run(disturbance: Callable[[subprocess.Popen[bytes]], object]) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "out"
        process = marked.start(command("--space", SPACE, *LONG, "--output", folder))
        assert wait_for(lambda: process.poll() is not None or len(files(folder)) >= 2)
        assert process.poll() is None, marked.finish(process)
        disturbance(process)
        done = marked.finish(process, TIMEOUT)
        print(done.returncode, done.stdout, done.stderr, sep="\n")
        assert "Traceback" not in done.stdout + done.stderr
        assert not os.listdir(marked.temporary)
        return done

    return run


def read_last_words(folder: Path) -> str:
    """The end of the log of a run, without its time."""
    return (folder / "logs" / "run.log").read_text().splitlines()[-1].partition(" INFO ")[2]


def test_a_terminal_that_is_closed(disturb, tmp_path):
    done = disturb(lambda process: kill(process.pid, signal.SIGHUP))
    assert done.returncode == 130
    words = "Interrupted. Every finished stack is on disk; the same command goes on from there."
    assert done.stderr.strip() == words
    assert read_last_words(tmp_path / "out").startswith("ended by KeyboardInterrupt: ")
    assert len(raw(tmp_path / "out"))


def test_a_head_that_is_killed(disturb, marked, tmp_path):
    def kill_head(process: subprocess.Popen[bytes]) -> None:
        (head,) = (pid for pid, name in marked.alive(process).items() if name == "gcs_server")
        kill(head)

    done = disturb(kill_head)
    assert done.returncode == 1
    said, *advice = done.stderr.strip().splitlines()
    assert re.fullmatch(r"error: Ray's head at 127\.0\.0\.1:\d+ has ended", said)
    assert advice in ([], [ADVICE])
    assert read_last_words(tmp_path / "out") == f"ended by OutageError: {said.removeprefix('error: ')}"
    assert len(raw(tmp_path / "out"))
    assert wait_for(lambda: not marked.alive(), 120), "processes are left behind"


def test_a_folder_that_is_deleted(disturb, tmp_path):
    done = disturb(lambda _: shutil.move(tmp_path / "out", tmp_path / "elsewhere"))
    assert done.returncode == 1
    words = f"{tmp_path / 'out'} has been deleted or replaced while the run wrote there"
    assert done.stderr.strip().splitlines() == [f"error: {words}", ADVICE]
    assert read_last_words(tmp_path / "elsewhere") == f"ended by OutageError: {words}"


def test_a_process_with_a_ray_of_its_own(tmp_path, marked):
    code = f"""
import ray
import paretofair

ray.init(address="local", include_dashboard=False, logging_level="ERROR")
overrides = ["seeds=[0]", "data.source=simulated", "parameters.epochs=[1]"]
overrides += ["stages.confirm=null", "stages.sweep.trials=4"]
overrides += ["stages.baselines={{runs: 2, parameters: {{learning_rate: 0.08, epochs: 1}}}}"]
space, output = {str(SPACE)!r}, {str(tmp_path / "out")!r}
found = paretofair.sweep(space, output, overrides=overrides, methods=["vanilla"], quiet=True)
print(len(found.trials), ray.is_initialized())
"""
    done = marked.run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["9", "True"]


def test_a_long_folder_for_temporary_files(tmp_path, marked):
    folder = tmp_path / "/".join(["slurm_jobdir"] * 8)
    folder.mkdir(parents=True)
    short = [*("--methods", "vanilla", "--seeds", "0", "--trials", "0", "--set", "data.source=simulated")]
    short += [*("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 1}}")]
    arguments = command("--space", SPACE, *short, "--set", "stages.confirm=null", "--output", tmp_path / "out")
    arguments += ["--set", "resources.engine=ray"]
    # A Ray of its own, which looks there first.
    done = marked.run(arguments, TMPDIR=str(folder), RAY_TMPDIR="", RAY_ADDRESS="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.listdir(folder) == []
