"""Seconds and peak memory of fronts, hypervolumes and comparisons of fronts, at the sizes of a large sweep.

    python benchmarks/fronts.py [--repeats 5]

Each call in a process of its own, one after the other; a time is the median of `--repeats` calls after one that does
not count, memory the peak of the whole process, with Python, numpy, moocore and the points. Points of a `cloud` are
uniform, few of them on the front, as in a random search; those of a `shell` lie on a sphere around the reference point,
all of them on the front; those of a `chain` each dominate the next, so there are as many fronts. A hypervolume curve of
a shell in four objectives is left out: it takes a hypervolume of the front so far at every place. Writes
benchmarks/results/fronts.json and says whether the targets are met: the front of 100,000 trials in 0.1 s for two
objectives and 5 s for four, and nothing above 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from paretofair.pareto.attainment import attainment_surface, measure_attained_share
from paretofair.pareto.fronts import non_dominated, ranks
from paretofair.pareto.hypervolume import hypervolume, hypervolume_curve
from paretofair.pareto.indicators import epsilon_additive, igd_plus, share_dominated

RESULTS = Path(__file__).parent / "results" / "fronts.json"
TRIALS = 100_000
SECONDS = {2: 0.1, 4: 5.0}
MIB = 1024


def cloud(random: np.random.Generator, count: int, objectives: int) -> np.ndarray:
    """Uniform points."""
    return random.random((count, objectives))


def shell(random: np.random.Generator, count: int, objectives: int) -> np.ndarray:
    """Points at distance 1 from (1, 1, ...), none dominated."""
    direction = np.abs(random.normal(size=(count, objectives)))
    return 1 - direction / np.linalg.norm(direction, axis=1, keepdims=True)


def chain(random: np.random.Generator, count: int, objectives: int) -> np.ndarray:
    """Points each of which dominates the next, in random order."""
    return np.repeat(random.permutation(count)[:, None] / count, objectives, axis=1)


POINTS = {"cloud": cloud, "shell": shell, "chain": chain}


def one_set(function: Callable[[np.ndarray], object]) -> Callable[..., Any]:
    """A call on the points of all trials."""
    return lambda make: (function, make(TRIALS))


def two_sets(function: Callable[[np.ndarray, np.ndarray], object]) -> Callable[..., Any]:
    """A call on 10,000 points and 10,000 others."""
    return lambda make: (function, make(10_000), make(10_000))


def runs(function: Callable[[list[np.ndarray]], object]) -> Callable[..., Any]:
    """A call on ten runs of 2,000 points."""
    return lambda make: (function, [make(2000) for _ in range(10)])


def reference(points: np.ndarray) -> np.ndarray:
    return np.ones(points.shape[1])


def curve(points: np.ndarray) -> np.ndarray:
    places = np.arange(1, 101) * len(points) // 100
    return hypervolume_curve(points, reference(points), places)


def share_of_grid(fronts: list[np.ndarray]) -> np.ndarray:
    side = np.linspace(0, 1, 100)
    return measure_attained_share(fronts, np.stack(np.meshgrid(side, side), -1).reshape(-1, 2))


CALLS: dict[str, tuple[Callable[..., Any], list[tuple[str, int]]]] = {
    "non_dominated": (one_set(non_dominated), [("cloud", 2), ("shell", 2), ("chain", 2), ("cloud", 4), ("shell", 4)]),
    "ranks": (one_set(ranks), [("cloud", 2), ("shell", 2), ("chain", 2), ("cloud", 4), ("shell", 4)]),
    "hypervolume": (
        one_set(lambda points: hypervolume(points, reference(points))),
        [("cloud", 2), ("shell", 2), ("cloud", 4), ("shell", 4)],
    ),
    "hypervolume_curve, 100 places": (one_set(curve), [("cloud", 2), ("shell", 2), ("cloud", 4)]),
    "attainment_surface, 10 x 2,000": (
        runs(lambda fronts: attainment_surface(fronts, 0.5)),
        [("cloud", 2), ("shell", 2)],
    ),
    "attained_share, 10 x 2,000, 10,000 points": (runs(share_of_grid), [("cloud", 2), ("shell", 2)]),
    "share_dominated, 10,000 x 10,000": (
        two_sets(share_dominated),
        [("cloud", 2), ("shell", 2), ("cloud", 4), ("shell", 4)],
    ),
    "epsilon_additive, 10,000 x 10,000": (two_sets(epsilon_additive), [("shell", 2), ("shell", 4)]),
    "igd_plus, 10,000 x 10,000": (two_sets(igd_plus), [("shell", 2), ("shell", 4)]),
}


def measure(name: str, kind: str, objectives: int, repeats: int) -> dict[str, Any]:
    """Seconds of each call, and the peak memory of this process in MiB."""
    random = np.random.default_rng(0)
    function, *inputs = CALLS[name][0](lambda count: POINTS[kind](random, count, objectives))
    function(*inputs)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*inputs)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """Largest resident memory of this process so far (Linux; getrusage would count that of the parent too)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, kind, objectives = options.one
        print(json.dumps(measure(name, kind, int(objectives), options.repeats)))
        return

    from machine import describe  # with PyTorch, which no measured process needs

    machine = describe() | {"load_average": os.getloadavg()[0]}
    table: list[dict[str, Any]] = []
    for name, (_, cases) in CALLS.items():
        for kind, objectives in cases:
            command = [
                sys.executable,
                __file__,
                "--repeats",
                str(options.repeats),
                "--one",
                name,
                kind,
                str(objectives),
            ]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            seconds = found["seconds"]
            row = {
                "call": name,
                "points": kind,
                "objectives": objectives,
                "seconds": round(statistics.median(seconds), 4),
            }
            row |= {"range": [round(min(seconds), 4), round(max(seconds), 4)], "peak_mib": round(found["peak_mib"])}
            table.append(row)
            spread = f"{row['seconds']:8.3f} s ({row['range'][0]:.3f}-{row['range'][1]:.3f})"
            print(f"{name:42} {kind:6} {objectives} objectives {spread:26} {row['peak_mib']:5} MiB", flush=True)
    slowest = {
        objectives: max(
            row["seconds"] for row in table if (row["call"], row["objectives"]) == ("non_dominated", objectives)
        )
        for objectives in SECONDS
    }
    targets = {f"front_{k}_objectives_s": {"target": SECONDS[k], "found": slowest[k]} for k in SECONDS}
    targets["peak_mib"] = {"target": MIB, "found": max(row["peak_mib"] for row in table)}
    for name, row in targets.items():
        row["met"] = row["found"] <= row["target"]
        print(f"{name}: {row['found']} of {row['target']}: {'met' if row['met'] else 'missed'}")
    written = {"machine": machine, "trials": TRIALS, "repeats": options.repeats, "targets": targets, "calls": table}
    RESULTS.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
