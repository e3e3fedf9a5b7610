"""Time and memory of one training step with 10,000 identities and of rank-1 on 10,000 rows, features of 512.

    python benchmarks/identities.py [--identities 10000] [--rows 10000] [--batch 512] [--trials 1]

One core. Each part runs in a process of its own, whose peak memory is told beside that of one that only makes the data.
Prints and writes benchmarks/results/identities.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))

from machine import describe

from paretofair.methods import METHODS, LossSettings, Names, Rows
from paretofair.metrics.rows.recognition import match_nearest, measure_angles
from paretofair.models import CosineNetwork, MultilayerPerceptron
from paretofair.tasks.identity import Identity

WIDTH = 512
PARTS = ("data", "step", "rank")


def measure(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a part, the shorter of two runs, and the peak memory of this process in MiB."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    task = Identity(options.identities)
    body = MultilayerPerceptron(WIDTH, (), 1, (WIDTH,), (), outputs=(WIDTH,))
    network = CosineNetwork(body, WIDTH, options.identities)
    inputs = torch.randn(options.batch, WIDTH)
    parameters = network.initial(range(options.trials), torch.float32) if part == "step" else None
    features, labels = torch.randn(options.rows, WIDTH), torch.arange(options.rows) % (options.rows // 10)
    seconds = []
    for _ in range(0 if part == "data" else 2):
        started = time.perf_counter()
        if parameters is not None:
            own = (torch.arange(options.batch) % options.identities).float()[None]
            weights, groups = torch.ones(1, options.batch), torch.arange(options.batch)[None] % 2
            rows = Rows(inputs, own, weights, weights, groups, 2, tasks=(task,))
            method = METHODS["vanilla"](LossSettings(reduction="mean", loss="focal"), names=Names())
            method.gradient(network, parameters, rows, {"task_weight": torch.ones(options.trials, 1)})
        else:
            match_nearest(features, labels)
            measure_angles(features, labels)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": min(seconds, default=0.0), "peak_mib": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--part", choices=PARTS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(measure(options.part, options)))
        return
    found: dict[str, Any] = {"machine": describe(), "load": os.getloadavg()[0]}
    found |= {name: getattr(options, name) for name in ("identities", "rows", "batch", "trials")}
    for part in PARTS:
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--part", part], capture_output=True, text=True, check=True
        )
        found[part] = json.loads(done.stdout)
    text = json.dumps(found, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "identities.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
