"""Time and peak memory of the squared MMD, forward and backward, beside its definition over all pairs of rows.

    python benchmarks/mmd.py

writes benchmarks/results/mmd.json. Give both the allocator of a training worker, without which most of the time of
either is page faults: MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 in the environment.

Each method of each size runs in a process of its own, one thread, in turns with the others, `--repeats` times; a time
is the median over processes of the median within one. Memory is what one call adds to the resident set at its peak
(Linux), in a further process with the allocator's defaults, which hands back large tensors at once and so counts live
ones. `correlation` stands beside them for scale. Unfair to the rival: it is differentiated by autograd, as it was in
the package; its gradient written out by hand would need about half of its memory and time. Fair to it: it computes in
float32, the other in float64.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from paretofair.methods import LossSettings
from paretofair.methods.losses.distances import DISTANCES

RESULTS = Path(__file__).parent / "results" / "mmd.json"
SIZES = [(32, 2, 512), (64, 2, 512), (64, 2, 1024)]  # trials, tasks, rows
DTYPE = torch.float32


def pairwise(probabilities: Tensor, subset: Tensor, member: Tensor, settings: LossSettings) -> Tensor:
    """The definition, as the package computed it before."""
    inside, outside = subset * member, subset * (1 - member)
    contrast = inside / inside.sum(-1, keepdim=True) - outside / outside.sum(-1, keepdim=True)
    distances = (probabilities[..., :, None] - probabilities[..., None, :]) / settings.bandwidth
    kernel = torch.expm1(-(distances * distances))
    return ((kernel * contrast[..., None, :]).sum(-1) * contrast).sum(-1)


METHODS = {"pairwise": pairwise, "mmd": DISTANCES["mmd"], "correlation": DISTANCES["correlation"]}


def forward_backward(method: str, trials: int, tasks: int, rows: int):
    """One step as in training: scores differ by trial, the subset (two thirds) and the groups (a third) do not."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(trials, tasks, rows, generator=generator).to(DTYPE).requires_grad_()
    subset = (torch.rand(tasks, rows, generator=generator) < 2 / 3).to(DTYPE)
    member = (torch.rand(tasks, rows, generator=generator) < 1 / 3).to(DTYPE)
    settings = LossSettings(distance="mmd")

    def step() -> Tensor:
        return torch.autograd.grad(METHODS[method](scores, subset, member, settings).sum(), scores)[0]

    return step


def read_resident(field: str) -> int:
    """Bytes of a field of /proc/self/status: `VmRSS` is now, `VmHWM` the peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def time_of(method: str, shape: tuple[int, int, int]) -> float:
    """Milliseconds, the median of calls over about a second."""
    step = forward_backward(method, *shape)
    step()
    step()
    seconds: list[float] = []
    while len(seconds) < 3 or (sum(seconds) < 1 and len(seconds) < 300):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return 1e3 * statistics.median(seconds)


def memory_of(method: str, shape: tuple[int, int, int]) -> float:
    """Megabytes that a call adds at its peak."""
    forward_backward(method, 1, 1, 32)()  # loads libraries
    step = forward_backward(method, *shape)
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = read_resident("VmRSS")
    step()
    return (read_resident("VmHWM") - before) / 1e6


MEASURES = {"time": time_of, "memory": memory_of}


def run_in_process(measure: str, method: str, shape: tuple[int, int, int]) -> float:
    """The measure, taken in a fresh process."""
    command = [sys.executable, __file__, "--one", measure, method, *map(str, shape)]
    environment = {k: v for k, v in os.environ.items() if measure == "time" or not k.startswith("MALLOC_")}
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout)


def error(shape: tuple[int, int, int]) -> float:
    """Norm-wise relative difference of the two gradients, in float32."""
    mine, theirs = (forward_backward(method, *shape)() for method in ("mmd", "pairwise"))
    return ((mine - theirs).norm() / theirs.norm()).item()


def machine() -> dict:
    cpu = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in cpu if line.startswith("model name")]
    allocator = {name: os.environ.get(name) for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")}
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "threads": 1,
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "dtype": str(DTYPE).removeprefix("torch."),
        "allocator": allocator,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure, method, *numbers = arguments.one
        trials, tasks, rows = map(int, numbers)
        torch.set_num_threads(1)
        print(MEASURES[measure](method, (trials, tasks, rows)))
        return

    here = machine()
    print(json.dumps(here))
    print(f"{'trials x tasks x rows':>22} {'method':>12} {'ms':>9} {'(range)':>18} {'MB':>8}")
    results = []
    for shape in SIZES:
        times: dict[str, list[float]] = {method: [] for method in METHODS}
        for _ in range(arguments.repeats):
            for method in METHODS:
                times[method].append(run_in_process("time", method, shape))
        row: dict = {"trials": shape[0], "tasks": shape[1], "rows": shape[2]}
        for method, milliseconds in times.items():
            row[method] = {
                "milliseconds": round(statistics.median(milliseconds), 3),
                "repeats": [round(value, 3) for value in milliseconds],
                "megabytes": round(run_in_process("memory", method, shape), 1),
            }
            spread = f"{min(milliseconds):.2f}-{max(milliseconds):.2f}"
            name, median, memory = " x ".join(map(str, shape)), row[method]["milliseconds"], row[method]["megabytes"]
            print(f"{name:>22} {method:>12} {median:9.2f} {spread:>18} {memory:8.1f}")
        row["times_faster"] = round(row["pairwise"]["milliseconds"] / row["mmd"]["milliseconds"], 1)
        row["times_less_memory"] = round(row["pairwise"]["megabytes"] / row["mmd"]["megabytes"], 1)
        row["gradient_difference"] = float(f"{error(shape):.1e}")
        print(
            f"{'':>22} mmd is {row['times_faster']} times faster, takes {row['times_less_memory']} times less memory; "
            f"gradients differ by {row['gradient_difference']}"
        )
        results.append(row)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": here, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
