"""The step of group contribution matching beside a vanilla step: eager, compiled, and differentiated twice by autograd.

    python benchmarks/gcm.py [--widths 16 32] [--repeats 15]

100 inputs, one layer of 200 units, one task, batches of 2,000 rows, Adagrad, one thread, float32, two groups; the
allocator of a training worker. Steps take turns, and a ratio is the median over repeats of a step's time over that of
the vanilla step of the same turn and path: eager against eager, compiled against compiled, autograd against eager.
`ordered` rows stand in the order of their four cells, as in cell-balanced batches; `shuffled` ones do not, and every
cell is computed over all of them. `products` is the least that the closed form can take, its four products of the
first layer, over those two of a vanilla step. Writes benchmarks/results/gcm-<device>.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
RESULTS = Path(__file__).parent / "results"
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "OMP_NUM_THREADS": "1",
}

if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ALLOCATOR)

import torch  # noqa: E402
from machine import describe  # noqa: E402

from paretofair.methods import LossSettings, Method, Rows  # noqa: E402
from paretofair.methods.gcm import GCM  # noqa: E402
from paretofair.methods.vanilla import Vanilla  # noqa: E402
from paretofair.models import MultilayerPerceptron, align_length  # noqa: E402
from paretofair.training.optimizers import Adagrad  # noqa: E402
from paretofair.training.state import Learner, Memory  # noqa: E402
from paretofair.training.step import make_step  # noqa: E402

INPUTS, UNITS, BATCH, CELLS = 100, 200, 2000, 4
NETWORK = MultilayerPerceptron(INPUTS, (), 1, (UNITS,), ())


class DifferentiatedTwice(GCM):
    """The same method as if the network had no closed form."""

    def gradient(self, *arguments: Any) -> Any:
        return self._differentiate_twice(*arguments[:4])


def make_rows(device: torch.device, *, ordered: bool) -> Rows:
    """Cells of one size, and what fills a batch up to whole vectors."""
    torch.manual_seed(0)
    place = torch.arange(align_length(BATCH))
    size = BATCH // CELLS
    cell = (place // size).clamp_max(CELLS - 1)
    if not ordered:
        cell[:BATCH] = cell[:BATCH][torch.randperm(BATCH)]
    real = (place < BATCH).float()[None].to(device)
    bounds = tuple((c * size, (c + 1) * size) for c in range(CELLS))
    return Rows(
        inputs=torch.randn(len(place), INPUTS).to(device),
        labels=(cell % 2).float()[None].to(device),
        loss_weight=real,
        penalty_weight=real,
        groups=(cell // 2)[None].to(device),
        n_groups=2,
        cells=bounds if ordered else (),
    )


def make_call(method: Method, rows: Rows, width: int, *, compiled: bool) -> Callable[[], object]:
    """A training step of a stack of its own."""
    device = rows.inputs.device
    hyper = {
        "task_weight": torch.ones(width, 1, device=device),
        "fairness_weight": torch.ones(width, 1, device=device),
        "temperature": torch.ones(width, device=device),
        "learning_rate": torch.full((width,), 1e-3, device=device),
    }
    parameters = NETWORK.initial(range(width), torch.float32).to(device)
    optimizer = Adagrad()
    learner = Learner(parameters, optimizer.state(parameters))
    step = make_step(NETWORK, method, optimizer, compiled=compiled, device=device)
    return lambda: step(learner, None, Memory({}, {}), rows, hyper)


def make_products(rows: Rows, width: int, *, forward: int, backward: int) -> Callable[[], object]:
    """So many products of the first layer, forward and for its weights."""
    weight = torch.randn(width * UNITS, INPUTS, device=rows.inputs.device)
    errors = torch.randn(width * UNITS, len(rows.inputs), device=rows.inputs.device)

    def call() -> None:
        for _ in range(forward):
            weight @ rows.inputs.T
        for _ in range(backward):
            errors @ rows.inputs

    return call


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start)


def measure(width: int, repeats: int, device: torch.device) -> list[dict[str, Any]]:
    """A row for each step, with the one that it is compared with."""
    ordered, shuffled = make_rows(device, ordered=True), make_rows(device, ordered=False)
    vanilla, gcm = Vanilla(LossSettings(reduction="mean")), GCM(LossSettings())
    calls: dict[str, tuple[str, Callable[[], object]]] = {}
    for path in ("eager", "compiled"):
        for name, method, rows in (
            ("vanilla", vanilla, ordered),
            ("gcm, ordered", gcm, ordered),
            ("gcm, shuffled", gcm, shuffled),
        ):
            call = make_call(method, rows, width, compiled=path == "compiled")
            calls[f"{name}, {path}"] = (f"vanilla, {path}", call)
    twice = make_call(DifferentiatedTwice(LossSettings()), ordered, width, compiled=False)
    calls["gcm, differentiated twice, eager"] = ("vanilla, eager", twice)
    calls["products, vanilla"] = ("products, vanilla", make_products(ordered, width, forward=1, backward=1))
    calls["products, gcm"] = ("products, vanilla", make_products(ordered, width, forward=2, backward=2))
    for _, call in calls.values():
        for _ in range(3):
            milliseconds(call)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, (_, call) in calls.items():
            times[name].append(milliseconds(call))
    table = []
    for name, (against, _) in calls.items():
        ratios = [own / other for own, other in zip(times[name], times[against], strict=True)]
        row = {"trials": width, "step": name, "milliseconds": round(statistics.median(times[name]), 3)}
        row |= {"against": against, "ratio": round(statistics.median(ratios), 3)}
        row["ratio_range"] = [round(min(ratios), 3), round(max(ratios), 3)]
        table.append(row)
        print(f"{width:4} trials  {name:34} {row['milliseconds']:9.2f} ms  {row['ratio']:6.2f} x {against}")
    return table


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = [row for width in options.widths for row in measure(width, options.repeats, device)]
    target = RESULTS / f"gcm-{device.type}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"machine": describe(), "steps": steps}, indent=1) + "\n")
    print(f"written: {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
