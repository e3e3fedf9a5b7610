"""What a hundred thousand trials cost the driver.

    PARETOFAIR_DATA=... python benchmarks/scale.py [--trials 100000] [--packs 1000]

Runs `launch/sweep.py` on German with very short trainings (one epoch, 8 hidden units), so that everything but training
is in plain sight: asking, handing out packs, reading the table, writing exports. While it runs, the driver's resident
memory is read twice a second; afterwards `launch/status.py` is timed on the results. Prints and writes
benchmarks/results/scale.json: memory of the driver at each tenth of the packs, seconds per pack in the first and the
last fifth, seconds from the last stack on disk to the end (exports), and of the status command.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(Path(__file__).parent))

from machine import describe  # noqa: E402

SPACE = """\
name: scale
data: {{name: german, sensitive: sex}}
network: {{shared: [8], head: [4], embedding: 4}}
training: {{batch_size: 128}}
parameters:
  learning_rate: {{log_uniform: [0.01, 0.2]}}
  epochs: 1
  task_weight: simplex
methods: {{vanilla: }}
seeds: [0, 1]
stages:
  baselines: {{runs: 3, parameters: {{learning_rate: 0.06, epochs: 5}}}}
  sweep: {{trials: {trials}}}
frontiers: {{objectives: [arfg_are]}}
resources: {{pack: {pack}, stack: 50, compile: false}}
"""


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--packs", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        space = folder / "scale.yaml"
        space.write_text(SPACE.format(trials=options.trials // 2, pack=options.trials // options.packs))
        output = folder / "output"
        command = [sys.executable, str(ROOT / "launch" / "sweep.py"), "--space", str(space), "--output", str(output)]
        start = time.time()
        with open(folder / "log", "w") as log:
            memory = watch_driver(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT), folder / "log")
        end = time.time()
        written = sorted((output / "trials").glob("sweep-*.parquet"), key=lambda path: path.stat().st_mtime)
        times = np.array([path.stat().st_mtime for path in written])
        packs = np.linspace(0, len(times) - 1, options.packs + 1).astype(int)
        per_pack = np.diff(times[packs])
        fifth = len(per_pack) // 5
        result: dict[str, Any] = {
            "machine": describe(),
            "trials": options.trials,
            "packs": options.packs,
            "files": len(written),
            "seconds": end - start,
            "driver_mib_at_tenths": [at(memory, times[int(i / 10 * (len(times) - 1))]) for i in range(11)],
            "driver_mib_at_most": max(mib for _, mib in memory),
            "seconds_per_pack_first_fifth": float(np.mean(per_pack[:fifth])),
            "seconds_per_pack_last_fifth": float(np.mean(per_pack[-fifth:])),
            "export_seconds": end - times[-1],
            "status_seconds": status_seconds(output),
        }
    print(json.dumps(result, indent=1))
    (ROOT / "benchmarks" / "results" / "scale.json").write_text(json.dumps(result, indent=1) + "\n")


def watch_driver(driver: subprocess.Popen[bytes], log: Path) -> list[tuple[float, float]]:
    """Resident MiB of the driver by time, until it ends. Exits where it fails."""
    found = []
    while driver.poll() is None:
        try:
            lines = Path(f"/proc/{driver.pid}/status").read_text().splitlines()
            found += [(time.time(), int(line.split()[1]) / 1024) for line in lines if line.startswith("VmRSS")]
        except OSError:
            break
        time.sleep(0.5)
    if driver.wait():
        raise SystemExit(log.read_text())
    return found


def at(memory: list[tuple[float, float]], when: float) -> float:
    """The last reading before a moment."""
    return next((mib for moment, mib in reversed(memory) if moment <= when), memory[0][1])


def status_seconds(output: Path) -> float:
    """The median of three."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, str(ROOT / "launch" / "status.py"), str(output)], check=True, stdout=subprocess.DEVNULL
        )
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


if __name__ == "__main__":
    main()
