"""A SIGKILL in the middle of one long stack: how many epochs are lost, and whether the rows are those without it.

    python benchmarks/checkpoints.py [--epochs 400] [--trials 64] [--every 5s]

Trains one stack of MTA-F on simulated German data twice: undisturbed, and killed (driver and workers) when about half
of the epochs are over, then the same command again. The epoch at the kill follows from the epochs and times of two
checkpoints. Prints and writes benchmarks/results/checkpoints.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent

from machine import describe  # noqa: E402

from paretofair.results import TrialTable  # noqa: E402
from paretofair.results.checkpoints import read_facts  # noqa: E402

MARK = "PARETOFAIR_BENCHMARK"
SPACE = """\
name: long
data: {{name: german, source: simulated, sensitive: sex}}
parameters:
  learning_rate: {{log_uniform: [0.01, 0.3]}}
  epochs: {epochs}
  task_weight: simplex
  fairness_weight: {{uniform: [0, 3]}}
methods: {{mtaf: {{parameters: {{head_ratio: {{uniform: [0, 3]}}}}}}}}
seeds: [0]
stages: {{baselines: {{runs: 1, parameters: {{learning_rate: 0.1, epochs: 2}}}}, sweep: {{trials: {trials}}}}}
resources: {{checkpoint: {every}, stack: {trials}, pack: {trials}}}
"""


def read_epoch(folder: Path) -> tuple[int, float] | None:
    """The epoch of the stack that is kept, and when it was written."""
    for path in (folder / "checkpoints").glob("[!.]*.safetensors"):
        return int(read_facts(path.read_bytes())["epoch"]), path.stat().st_mtime
    return None


def read_rows(folder: Path) -> pd.DataFrame:
    """The trial table without what a repetition may change."""
    table = TrialTable(folder).read()
    return table.set_index("trial_id").sort_index().drop(columns="train_seconds")


def watch_until(process: subprocess.Popen[bytes], folder: Path, epoch: int) -> tuple[float, float]:
    """Waits until about so many epochs are over, by the checkpoints; epochs per second, and the epoch now."""
    seen: dict[int, float] = {}
    while process.poll() is None:
        found = read_epoch(folder)
        if found is not None:
            seen[found[0]] = found[1]
        if len(seen) >= 2:
            (first, then), (last, now) = min(seen.items()), max(seen.items())
            rate = (last - first) / (now - then)
            reached = last + rate * (time.time() - now)
            if reached >= epoch:
                return rate, reached
        time.sleep(0.1)
    raise SystemExit("the run ended before it could be killed; give more --epochs")


def kill_all(folder: Path) -> None:
    """SIGKILL to the driver of a folder and to all that it started, Ray and its workers."""
    wanted = f"{MARK}={folder}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (place / "environ").read_bytes().split(b"\0"):
                os.kill(int(place.name), signal.SIGKILL)
        except OSError:
            continue


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--every", default="5s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        space = Path(place) / "long.yaml"
        space.write_text(SPACE.format(epochs=options.epochs, trials=options.trials, every=options.every))
        whole, killed = Path(place) / "whole", Path(place) / "killed"

        def start(folder: Path) -> subprocess.Popen[bytes]:
            command = [
                sys.executable,
                str(ROOT / "launch" / "sweep.py"),
                "--space",
                str(space),
                "--output",
                str(folder),
            ]
            return subprocess.Popen(command, env=os.environ | {MARK: str(folder)}, stdout=subprocess.DEVNULL)

        begun = time.time()
        if start(whole).wait():
            raise SystemExit("the undisturbed run failed")
        undisturbed = time.time() - begun
        process = start(killed)
        rate, reached = watch_until(process, killed, options.epochs // 2)
        kill_all(killed)
        process.wait()
        kept = read_epoch(killed)
        assert kept is not None
        begun = time.time()
        if start(killed).wait():
            raise SystemExit("the run that went on failed")
        equal = read_rows(killed).equals(read_rows(whole))
        result: dict[str, Any] = {
            "machine": describe(),
            "epochs": options.epochs,
            "trials": options.trials,
            "checkpoint": options.every,
            "epochs_per_second": rate,
            "killed_at_epoch": reached,
            "kept_epoch": kept[0],
            "lost_epochs": max(reached - kept[0], 0),
            "undisturbed_seconds": undisturbed,
            "seconds_after_the_kill": time.time() - begun,
            "rows_equal": equal,
            "checkpoints_left_behind": (killed / "checkpoints").exists(),
        }
    print(json.dumps(result, indent=1))
    (ROOT / "benchmarks" / "results" / "checkpoints.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
