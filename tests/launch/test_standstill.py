"""Workers, and a whole Ray, that stand still while the driver lives: the run ends with one sentence, and goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SPACE
from .processes import Marked, files, kill, raw, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow]

# The command, for which a pack stands still after a minute.
IMPATIENT = """
import sys
from paretofair.cluster import watch
from paretofair.cli.sweep import main

watch.AT_LEAST = watch.UNKNOWN = 60.0
watch.TIMES = 1.0
sys.exit(main(sys.argv[1:]))
"""
LONG = [
    *("--methods", "mtaf", "--seeds", "0", "--trials", "16", "--set", "data.source=simulated"),
    *("--set", "parameters.epochs=[12]", "--set", "stages.confirm=null", "--set", "resources.checkpoint=1s"),
    *("--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}"),
    *("--set", "resources.pack=4", "--set", "resources.stack=2", "--set", "resources.engine=ray"),
]


def find_workers(marked: Marked, process: subprocess.Popen[bytes]) -> list[int]:
    return marked.workers(process)


def find_ray(marked: Marked, process: subprocess.Popen[bytes]) -> list[int]:
    return [pid for pid, name in marked.alive(process).items() if name in ("gcs_server", "raylet")]


def find_head(marked: Marked, process: subprocess.Popen[bytes]) -> list[int]:
    return [pid for pid, name in marked.alive(process).items() if name == "gcs_server"]


# The port of a frozen head still takes connections, so that asking it to end Ray would wait for good.
@pytest.mark.parametrize("find", [find_workers, find_ray, find_head])
def test_what_stands_still_ends_the_run(
    tmp_path: Path, marked: Marked, find: Callable[[Marked, subprocess.Popen[bytes]], list[int]]
) -> None:
    words = [sys.executable, "-c", IMPATIENT, "--space", str(SPACE), *LONG, "--output", str(tmp_path / "out")]
    process = marked.start(words)
    assert wait_for(lambda: process.poll() is not None or (len(files(tmp_path / "out")) >= 2 and find(marked, process)))
    frozen = find(marked, process)
    assert frozen, marked.finish(process)
    for pid in frozen:
        kill(pid, signal.SIGSTOP)
    done = marked.finish(process, 400)
    print(done.returncode, done.stdout, done.stderr, sep="\n")
    assert done.returncode == 1
    assert "error: nothing has been heard of " in done.stderr
    assert "a worker or Ray stands still" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert wait_for(lambda: not marked.alive(process), 60), marked.alive(process)
    before = raw(tmp_path / "out")
    assert len(before)
    again = marked.finish(marked.start(words))
    assert again.returncode == 0, again.stderr
    now = raw(tmp_path / "out")
    assert now.index.is_unique
    assert now.groupby("stage").size().to_dict() == {"baselines": 4, "points": 1, "sweep": 16}
    assert before.index.isin(now.index).all()
