"""How much of the bare core's throughput a whole sweep keeps.

    PARETOFAIR_DATA=... python benchmarks/sweep.py [--trials 512]

Runs `launch/sweep.py` for one method on all cores, as a user would, on real or simulated data, then reads the table:
the seconds that the cores spent in stacks (training and evaluation) over the seconds that they were there. Prints and
writes benchmarks/results/sweep-cpu.json: from the start of the command to the first stack on disk and to the end,
trials per second, and the share of the cores' time in stacks, of the whole command and up to the last stack.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent

from machine import describe  # noqa: E402

from paretofair.results import TrialTable  # noqa: E402


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", type=Path, default=ROOT / "search_spaces" / "mtaf_lsac.yaml")
    parser.add_argument("--trials", type=int, default=512, help="trials for each of two seeds")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        command = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--space", str(options.space)]
        command += ["--output", folder, "--trials", str(options.trials), "--seeds", "0,1", "--methods", "mtaf"]
        command += ["--set", "stages.confirm=null", "--set", "resources.compile=true"]
        subprocess.run(command, check=True)
        end = time.time()
        files = sorted(path.stat().st_mtime for path in (Path(folder) / "trials").glob("*.parquet"))
        trials = TrialTable(Path(folder)).read()
    in_stacks = trials["train_seconds"].sum()
    result = {
        "machine": describe(),
        "data": trials["source"].iloc[0],
        "trials": len(trials),
        "mean_epochs": float(trials["epochs"].mean()),
        "command_seconds": end - start,
        "first_stack_seconds": files[0] - start,
        "trials_per_second": len(trials) / (end - start),
        "share_of_command_in_stacks": in_stacks / cores / (end - start),
        "share_of_training_in_stacks": in_stacks / cores / (files[-1] - start),
    }
    print(json.dumps(result, indent=1))
    target = ROOT / "benchmarks" / "results" / "sweep-cpu.json"
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
