"""A training step of the built-in network beside the same network as a torch module: in a stack, and one at a time.

    python benchmarks/modules.py [--trials 32] [--turns 15]

Simulated LSAC, its shapes (batch 512, shared layer 32, heads 16, embeddings of 10 or none), Adagrad, one thread,
float32, the allocator of a training worker; vanilla and MTA-F. Four ways to take the same step of the same trials: the
built-in network eager and compiled, the module in a stack (`ModuleNetwork`: vmap, uncompiled), and as many ordinary
modules one after the other. That it is the same step is checked. They take turns; a ratio is the median over turns of
a step's time over that of the eager built-in network in the same turn. No way includes the making of batches.

Then the seconds of `measure_width`, which `stack: auto` spends once, for both methods and networks of the space file.
Writes benchmarks/results/modules-<device>.json.
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
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent

from paretofair.cluster.engine import WORKER_ENVIRONMENT  # noqa: E402

if any(os.environ.get(name) != value for name, value in WORKER_ENVIRONMENT.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | WORKER_ENVIRONMENT)

import torch  # noqa: E402
from machine import describe  # noqa: E402
from rivals import correlation  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import binary_cross_entropy_with_logits  # noqa: E402

from paretofair.data import Splits  # noqa: E402
from paretofair.methods import Rows  # noqa: E402
from paretofair.models import ModuleNetwork, MultilayerPerceptron, StackedNetwork  # noqa: E402
from paretofair.runs.build import build_method, build_network, build_settings  # noqa: E402
from paretofair.runs.packs import as_trials  # noqa: E402
from paretofair.runs.run import RunOptions, load_splits  # noqa: E402
from paretofair.runs.stages.sweep import sweep_packs  # noqa: E402
from paretofair.space.method_space import MethodSpace  # noqa: E402
from paretofair.space.space import load_space  # noqa: E402
from paretofair.training import DeviceData, Experiment, TrainingSettings, measure_width, to_device  # noqa: E402
from paretofair.training.batches import Batches  # noqa: E402
from paretofair.training.state import Learner, Memory  # noqa: E402
from paretofair.training.step import make_step  # noqa: E402

TASK_WEIGHT, FAIRNESS_WEIGHT, HEAD_RATIO, LEARNING_RATE = 0.5, 2.0, 1.0, 0.08
EAGER, COMPILED, STACKED, PLAIN = "built-in, eager", "built-in, compiled", "module, stack", "module, one at a time"


class Network(nn.Module):
    """The built-in network of `search_spaces/mtaf_lsac.yaml`, as a user would write it; `embedding` 0 is none."""

    def __init__(self, inputs: int, tasks: int, categories: tuple[int, ...], embedding: int) -> None:
        super().__init__()
        self.columns = [inputs - sum(categories), *categories]
        embedded = categories if embedding else ()
        self.embeddings = nn.ModuleList(nn.Linear(size, embedding, bias=False) for size in embedded)
        self.shared = nn.Linear(self.columns[0] + embedding * len(categories) if embedding else inputs, 32)
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1)) for _ in range(tasks))

    def forward(self, rows: Tensor) -> Tensor:
        if self.embeddings:
            numeric, *codes = rows.split(self.columns, -1)
            embedded = [embedding(code) for embedding, code in zip(self.embeddings, codes, strict=True)]
            rows = torch.cat([numeric, *embedded], -1)
        shared = torch.relu(self.shared(rows))
        return torch.cat([head(shared) for head in self.heads], -1)


class Way(NamedTuple):
    """One way to train the trials: a call that takes a step, and one for their logits `(K, T, B)`."""

    step: Callable[[], object]
    logits: Callable[[], Tensor]


def as_module(network: MultilayerPerceptron, stacked: ModuleNetwork, parameters: Tensor) -> Tensor:
    """The parameters of the built-in network as rows of the module's."""
    values = network.named(parameters)
    named = {"shared.weight": values["weight_0"], "shared.bias": values["bias_0"]}
    for i in range(len(network.categories) if network.embedding else 0):
        named[f"embeddings.{i}.weight"] = values[f"embedding_{i}"].mT
    for t in range(network.tasks):
        for kind in ("weight", "bias"):
            named[f"heads.{t}.0.{kind}"] = values[f"{kind}_1"][:, t]
            named[f"heads.{t}.2.{kind}"] = values[f"{kind}_2"][:, t]
    rows = parameters.new_zeros(len(parameters), stacked.size)
    for name, columns in stacked.slices.items():
        rows[:, columns] = named[name].flatten(1)
    return rows


def in_stack(
    space: MethodSpace, data: DeviceData, network: StackedNetwork, parameters: Tensor, *, compiled: bool = False
) -> Way:
    """The package's step."""
    trials, tasks, device = len(parameters), len(data.tasks), parameters.device
    method, settings = build_method(space, data), build_settings(space, compiled)
    rows = first_batch(space, data, network, trials)
    constants = {"task_weight": TASK_WEIGHT, "fairness_weight": FAIRNESS_WEIGHT, "head_ratio": HEAD_RATIO}
    hyper = {name: torch.full((trials, tasks), value, device=device) for name, value in constants.items()}
    hyper["learning_rate"] = torch.full((trials,), LEARNING_RATE, device=device)
    learner = Learner(parameters, settings.optimizer.state(parameters[:, : network.trainable]))
    step = make_step(network, method, settings.optimizer, compiled=compiled, device=device)
    return Way(
        lambda: step(learner, None, Memory({}, {}), rows, hyper),
        lambda: network.forward(parameters, rows.inputs).logits[..., : len(rows.inputs)],
    )


def first_batch(space: MethodSpace, data: DeviceData, network: StackedNetwork, trials: int) -> Rows:
    """The first batch of seed 0, which is a full one."""
    settings = TrainingSettings(space.training.batch_size)
    return next(Batches(Experiment(data, network, build_method(space, data), settings), [0] * trials).epoch(0))


def one_at_a_time(space: MethodSpace, data: DeviceData, network: ModuleNetwork, parameters: Tensor) -> Way:
    """A plain PyTorch step of every module, one after the other."""
    rows = first_batch(space, data, network, 1)
    modules = [network.module(row).to(row.device).train() for row in parameters]
    optimizers = [
        torch.optim.Adagrad(module.parameters(), lr=LEARNING_RATE, initial_accumulator_value=0.1) for module in modules
    ]
    gradient = {"vanilla": vanilla_gradient, "mtaf": mtaf_gradient}[space.method]

    def step() -> None:
        for module, optimizer in zip(modules, optimizers, strict=True):
            optimizer.zero_grad()
            gradient(module, rows)
            optimizer.step()

    return Way(step, lambda: torch.stack([module(rows.inputs).T.detach() for module in modules]))


def vanilla_gradient(module: nn.Module, rows: Rows) -> None:
    """The weighted sum of the tasks' losses."""
    logits = module(rows.inputs)
    (TASK_WEIGHT * binary_cross_entropy_with_logits(logits.T, rows.labels, reduction="sum")).backward()


def mtaf_gradient(module: Any, rows: Rows) -> None:
    """Heads and shared layers apart, as `rivals.train` does."""
    heads = list(module.heads.parameters())
    shared = [*module.embeddings.parameters(), *module.shared.parameters()]
    logits, groups = module(rows.inputs).T, rows.groups[0].float()
    into_heads = into_shared = torch.zeros((), device=groups.device)
    for t, (logit, labels) in enumerate(zip(logits, rows.labels, strict=True)):
        score, negative = torch.sigmoid(logit), labels == 0
        exclusive = negative & (rows.labels[1 - t] == 1)
        accuracy = binary_cross_entropy_with_logits(logit, labels, reduction="sum")
        everywhere = correlation(score[negative], groups[negative])
        own = HEAD_RATIO * correlation(score[exclusive], groups[exclusive])
        into_heads = into_heads + TASK_WEIGHT * (accuracy + FAIRNESS_WEIGHT * own)
        into_shared = into_shared + TASK_WEIGHT * (accuracy + FAIRNESS_WEIGHT * (everywhere - own))
    of_heads = torch.autograd.grad(into_heads, heads, retain_graph=True)
    of_shared = torch.autograd.grad(into_shared, shared)
    for parameter, gradient in zip([*heads, *shared], [*of_heads, *of_shared], strict=True):
        parameter.grad = gradient


def steps(space: MethodSpace, data: DeviceData, trials: int, turns: int) -> list[dict[str, Any]]:
    """A row for each way to train `trials` with one method."""
    network, stacked = networks(space, data)
    inputs = data.splits["train"].examples()
    start = network.initial(range(trials), inputs.dtype).to(inputs.device)
    rows = as_module(network, stacked, start)
    ways = {
        EAGER: in_stack(space, data, network, start.clone()),
        COMPILED: in_stack(space, data, network, start.clone(), compiled=True),
        STACKED: in_stack(space, data, stacked, rows.clone()),
        PLAIN: one_at_a_time(space, data, stacked, rows),
    }
    agree(ways)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            milliseconds(way.step)  # fills the caches again
            times[name].append(statistics.median(milliseconds(way.step) for _ in range(5)))
    table = []
    for name, own in times.items():
        ratios = [a / b for a, b in zip(own, times[EAGER], strict=True)]
        row = {"method": space.method, "embedding": network.embedding, "trials": trials, "way": name}
        row["milliseconds"] = round(statistics.median(own), 3)
        row["ratio"] = round(statistics.median(ratios), 2)
        row["ratio_range"] = [round(min(ratios), 2), round(max(ratios), 2)]
        table.append(row)
        span = "{:.2f} to {:.2f}".format(*row["ratio_range"])
        what = f"{space.method:8} embedding {network.embedding:2}  {trials} trials  {name:22}"
        print(f"{what} {row['milliseconds']:7.2f} ms  {row['ratio']:5.2f} x  {span}")
    return table


def networks(space: MethodSpace, data: DeviceData) -> tuple[MultilayerPerceptron, ModuleNetwork]:
    """The built-in network of the space, and the module of its shape."""
    network = build_network(space, data)
    assert isinstance(network, MultilayerPerceptron)
    inputs = data.shape[0]
    arguments = (("categories", data.categories), ("embedding", network.embedding))
    return network, ModuleNetwork(Network, inputs, len(data.tasks), arguments)


def agree(ways: dict[str, Way]) -> None:
    """Takes one step and fails where it is not the same. (After several, rounding can cross the kink of a ReLU.)"""
    for way in ways.values():
        way.step()
    expected = ways[EAGER].logits()
    for name, way in ways.items():
        torch.testing.assert_close(
            way.logits(), expected, rtol=1e-4, atol=1e-4, msg=lambda text, n=name: f"{n}: {text}"
        )


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start)


def widths(space: MethodSpace, data: DeviceData, splits: Splits, repeats: int = 3) -> list[dict[str, Any]]:
    """How long the stack width is measured, and what is found, for both networks."""
    method, settings = build_method(space, data), build_settings(space, False)
    (pack,) = sweep_packs(space, splits.split_id, 0, 256, 256)
    trials = as_trials(pack, data.tasks, type(method))
    table = []
    for name, network in zip(("built-in", "module"), networks(space, data), strict=True):
        seconds, found = [], []
        for _ in range(repeats):
            start = time.perf_counter()
            found.append(measure_width(Experiment(data, network, method, settings), trials))
            seconds.append(time.perf_counter() - start)
        row = {"method": space.method, "network": name, "seconds": round(statistics.median(seconds), 2)}
        row |= {"repeats": [round(each, 2) for each in seconds], "widths": found}
        table.append(row)
        print(f"{space.method:8} width measured  {name:9} {row['seconds']:6.2f} s  widths {found}")
    return table


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--turns", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    spaces = [
        load_space(
            ROOT / "search_spaces" / "mtaf_lsac.yaml", ["data.source=simulated", f"network.embedding={embedding}"]
        )
        for embedding in (10, 0)
    ]
    splits = load_splits(spaces[0], RunOptions(Path(), [])).of(0)
    data = to_device(splits, spaces[0].baselines.sensitive, device, torch.float32)
    load = os.getloadavg()[0]
    methods = [space.method(name) for space in spaces for name in ("vanilla", "mtaf")]
    results = {
        "machine": describe() | {"load_average": load},
        "steps": [row for method in methods for row in steps(method, data, options.trials, options.turns)],
        "widths": [row for method in methods[:2] for row in widths(method, data, splits)],
    }
    target = ROOT / "benchmarks" / "results" / f"modules-{device.type}.json"
    target.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
