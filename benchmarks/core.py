"""The training core against its own matrix products and against trials one at a time.

    PARETOFAIR_DATA=... python benchmarks/core.py [--space search_spaces/mtaf_lsac.yaml] [--widths 8 16 32 64]

First, for each method, path and stack width: time of a step, of the step's bare matrix products, their ratio, trials
per second of one core, peak memory. Then, end to end on all cores through Ray, after Ray has started: packs, one Ray
Tune trial per configuration with actors reused, and with Ray's default; beside each the number of worker processes that
did the work. All with the same allocator settings. Medians of repeats, side by side in one run. Writes
benchmarks/results/core-<device>.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent

from paretofair.cluster.connection import WORKER_ENVIRONMENT, connect  # noqa: E402
from paretofair.cluster.engine import run_packs  # noqa: E402

if any(os.environ.get(name) != value for name, value in WORKER_ENVIRONMENT.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | WORKER_ENVIRONMENT)

import ray  # noqa: E402
import rivals  # noqa: E402
import torch  # noqa: E402
from machine import describe  # noqa: E402
from ray import tune  # noqa: E402

from paretofair.results import TrialTable  # noqa: E402
from paretofair.runs.build import build_method, build_network  # noqa: E402
from paretofair.runs.jobs import Job, PackList  # noqa: E402
from paretofair.runs.run import RunOptions, load_splits  # noqa: E402
from paretofair.runs.stages.sweep import sweep_packs  # noqa: E402
from paretofair.space.space import Space, load_space  # noqa: E402
from paretofair.training import DeviceData, Experiment, TrainingSettings, to_device  # noqa: E402
from paretofair.training.batches import Batches  # noqa: E402
from paretofair.training.optimizers import Adagrad  # noqa: E402
from paretofair.training.state import Learner, Memory  # noqa: E402
from paretofair.training.step import make_step  # noqa: E402


def median_ms(call: Callable[[], object], repeats: int = 30) -> float:
    """Milliseconds of a call, the median after warming up; on a GPU until the device has finished."""
    for _ in range(5):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def bare_products(network: Any, width: int, rows: int, device: torch.device) -> Callable[[], None]:
    """The matrix products of one forward and backward pass and nothing else."""
    torch.manual_seed(0)
    columns = network.numeric + sum(network.categories)
    (hidden,), (head,), tasks = network.shared, network.head, network.tasks

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, device=device)

    x, first = random(rows, columns), random(width * hidden, columns)
    h, second = random(width, hidden, rows), random(width, tasks * head, hidden)
    z, third = random(width * tasks, head, rows), random(width * tasks, 1, head)
    g, whole = random(width * tasks, 1, rows), random(width, tasks * head, rows)

    def products() -> None:
        first @ x.T
        second @ h
        third @ z
        g @ z.mT
        third.mT @ g
        whole @ h.mT
        second.mT @ whole
        h.view(width * hidden, rows) @ x

    return products


def steps(space: Space, data: DeviceData, widths: list[int]) -> list[dict[str, Any]]:
    """A row for each method, path and width."""
    table = []
    train = data.splits["train"]
    for name in space.methods:
        method_space = space.method(name)
        network, method = build_network(method_space, data), build_method(method_space, data)
        batch = method_space.training.batch_size
        per_trial = 60 * -(-len(train) // batch)
        for width in widths:
            rows = next(Batches(Experiment(data, network, method, TrainingSettings(batch)), [0] * width).epoch(0))
            hyper = {
                name: torch.ones(width, len(data.tasks), device=data.device)
                for name in ("task_weight", "fairness_weight", "head_ratio")
            }
            hyper["learning_rate"] = torch.full((width,), 0.01, device=data.device)
            optimizer = Adagrad()
            bare = bare_products(network, width, rows.inputs.shape[0], data.device)
            for compiled in (False, True):
                parameters = network.initial(range(width), data.dtype).to(data.device)
                learner = Learner(parameters, optimizer.state(parameters))
                step = make_step(network, method, optimizer, compiled=compiled, device=parameters.device)
                start = time.perf_counter()
                step(learner, None, Memory({}, {}), rows, hyper)
                first_step = time.perf_counter() - start
                before = median_ms(bare)
                took = median_ms(lambda: step(learner, None, Memory({}, {}), rows, hyper))  # noqa: B023
                products = min(before, median_ms(bare))
                row = {"method": name, "width": width, "path": "compiled" if compiled else "eager"}
                row |= {"step_ms": took, "products_ms": products, "ratio": took / products}
                row |= {"trials_per_second": 1000 * width / took / per_trial, "first_step_s": first_step}
                row["peak_mib"] = peak_mib()
                table.append(row)
                print(
                    f"{name:9} {width:5} {row['path']:9} step {took:7.2f} ms  products {products:7.2f} ms  "
                    f"ratio {row['ratio']:.2f}  {row['trials_per_second']:.2f} trials/s"
                )
    return table


def peak_mib() -> float:
    """Largest memory so far: of the device, or resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def plain_rows(data: DeviceData) -> dict[str, dict[str, torch.Tensor]]:
    """Training and test rows as the rival reads them."""
    rows = {}
    for name in ("train", "test"):
        split = data.splits[name]
        inputs = split.examples()
        codes = inputs[:, data.numeric :].split(data.categories, 1)
        rows[name] = {
            "numeric": inputs[:, : data.numeric].contiguous(),
            "codes": torch.stack([part.argmax(1) for part in codes], 1),
            "labels": split.labels.T.contiguous(),
            "groups": split.groups[0].to(inputs.dtype),
        }
    return rows


class OneTrial(tune.Trainable):
    """A Ray Tune trial that trains one configuration."""

    def setup(self, config: dict[str, Any], rows: dict[str, Any]) -> None:  # type: ignore[override]
        torch.set_num_threads(1)
        self._rows = rows

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return True

    def step(self) -> dict[str, Any]:
        trial = self.config["trial"]
        model = rivals.train(self._rows["train"], trial, trial["seed"])
        return {"done": True, "worker": os.getpid(), **rivals.evaluate(model, self._rows["test"])}


def through_ray(space: Space, data: DeviceData, splits: Any, packs_of: int) -> list[dict[str, Any]]:
    """MTA-F at 60 epochs, end to end: packs, one trial at a time with reused actors, and with Ray's default."""
    cores = int(ray.cluster_resources()["CPU"])
    table = []

    def record(what: str, trials: int, seconds: float, workers: int) -> None:
        row = {"what": what, "trials": trials, "seconds": seconds, "workers": workers}
        row["trials_per_second"] = trials / seconds
        table.append(row)
        print(f"{what:40} {trials:5} trials  {seconds:7.1f} s  {trials / seconds:6.2f} trials/s  {workers} workers")

    for reuse, trials in ((True, 12 * cores), (False, 6 * cores)):
        configurations = [
            {"seed": k, "fairness_weight": 0.2 * k, "head_ratio": 0.3, "learning_rate": 0.08}
            | {"epochs": 60, "categories": data.categories}
            for k in range(trials)
        ]
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            results = tune.Tuner(
                tune.with_resources(tune.with_parameters(OneTrial, rows=plain_rows(data)), {"cpu": 1}),
                param_space={"trial": tune.grid_search(configurations)},
                tune_config=tune.TuneConfig(reuse_actors=reuse, max_concurrent_trials=cores),
                run_config=tune.RunConfig(
                    storage_path=folder,
                    verbose=0,
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            ).fit()
            seconds = time.perf_counter() - start
        workers = {results[i].metrics["worker"] for i in range(len(results))}
        what = "one configuration, actors reused" if reuse else "one configuration, Ray's default"
        record(what, trials, seconds, len(workers))
    for repeat in range(2):  # the first compiles, or reads the compiler's cache, as a first run would
        with tempfile.TemporaryDirectory() as folder:
            method = space.method("mtaf")
            packs = [
                pack for seed in range(cores) for pack in sweep_packs(method, splits.split_id, seed, packs_of, packs_of)
            ]
            job = Job(
                spaces={("sweep", "mtaf"): method},
                splits={splits.split_id: splits},
                sensitive=method.sensitive,
                folder=Path(folder),
                store=None,
                device="cuda" if space.resources.gpus else "cpu",
                stack="auto",
                compiled=True,
                tf32=False,
                halving=None,
                curves={},
                models="none",
            )
            start = time.perf_counter()
            outcome = run_packs(job, PackList(packs), cpus=1, gpus=space.resources.gpus)
            seconds = time.perf_counter() - start
            trials = len(TrialTable(Path(folder)).read())
        what = "packs" if repeat else "packs, first time"
        record(what, trials, seconds, outcome.workers)
    return table


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", type=Path, default=ROOT / "search_spaces" / "mtaf_lsac.yaml")
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--pack", type=int, default=192, help="trials of each pack of the end-to-end comparison")
    parser.add_argument("--no-ray", action="store_true", help="only the steps")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    space = load_space(options.space, ["parameters.epochs=60"])
    splits = load_splits(space, RunOptions(Path(), [])).of(space.seeds[0])
    data = to_device(splits, space.baselines.sensitive, device, torch.float32)
    results: dict[str, Any] = {
        "machine": describe(),
        "data": splits.dataset.source,
        "steps": steps(space, data, options.widths),
    }
    if device.type == "cpu":
        rows = plain_rows(data)
        trial = {"fairness_weight": 2.0, "head_ratio": 0.3, "learning_rate": 0.08, "epochs": 60}
        times = []
        for seed in range(3):
            start = time.perf_counter()
            rivals.train(rows["train"], trial | {"categories": data.categories}, seed)
            times.append(time.perf_counter() - start)
        results["plain_loop_seconds"] = statistics.median(times)
        print(f"a plain PyTorch loop of one trial, one core: {results['plain_loop_seconds']:.2f} s")
    if not options.no_ray:
        with connect(None):
            results["end_to_end"] = through_ray(space, data, splits, options.pack)
    target = ROOT / "benchmarks" / "results" / f"core-{device.type}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
