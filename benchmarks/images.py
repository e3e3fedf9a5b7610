"""Trials on images beside as many ordinary loops one after the other, and what reading, augmenting and GCM cost.

    python benchmarks/images.py [--turns 3] [--steps 4] [--networks cnn resnet18] [--trials 1 4 8]

Pictures drawn by code: 28 x 28 in grey for `cnn`, batches of 128; 64 x 64 in colour for `resnet18`, batches of 32; two
tasks, SGD with momentum, float32, flips and crops in training. On a CPU one thread, the allocator of a training worker,
and seconds of the process; on a GPU in float32 and in bfloat16, and seconds of a clock. K trials of one seed take the
same steps

- in a stack of the package, batches included;
- as K ordinary loops one after the other: torchvision's module (of `cnn` the same layers), torch.optim.SGD, each loop
  with its own batches from the same inputs; as users write them, and with images laid out channels last.

That all take the same steps is checked. They take turns; a ratio is the median over turns of a loop's time over that of
the stack in the same turn, so that 1 is as fast as a loop and more is faster. The share of reading and augmenting is
that of a loop's time. GCM is timed beside vanilla on the same balanced batches, K = 1, with one task and with two.
Memory is the peak of a process that does one thing alone beyond that of one that has made the data.

Writes benchmarks/results/images-<device>.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parent.parent

from paretofair.cluster.connection import WORKER_ENVIRONMENT  # noqa: E402

if any(os.environ.get(name) != value for name, value in WORKER_ENVIRONMENT.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | WORKER_ENVIRONMENT)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from machine import describe  # noqa: E402
from torch.nn.functional import binary_cross_entropy_with_logits  # noqa: E402

from paretofair.data import Dataset, split  # noqa: E402
from paretofair.data.dataset import mark_test_rows  # noqa: E402
from paretofair.data.digest import Digest  # noqa: E402
from paretofair.data.inputs.augmentation import Augmentation  # noqa: E402
from paretofair.data.inputs.images import DeviceImages  # noqa: E402
from paretofair.data.inputs.pictures import PictureForm  # noqa: E402
from paretofair.methods import METHODS, LossSettings, Names  # noqa: E402
from paretofair.methods.row_plan import augmentation_stream  # noqa: E402
from paretofair.models import build_named  # noqa: E402
from paretofair.training import DeviceData, Experiment, TrainingSettings, Trials, to_device  # noqa: E402
from paretofair.training.optimizers import SGD  # noqa: E402
from paretofair.training.stack import Stack  # noqa: E402

SHAPES = {"cnn": (1, 28, 28), "resnet18": (3, 64, 64)}
BATCH = {"cnn": 128, "resnet18": 32}
STACK, PLAIN, LAST = "stack", "loops", "loops, channels last"
MOMENTUM, RATE = 0.9, 0.001


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Raw inputs: noise, as decoded pictures are."""

    shape: tuple[int, int, int]
    rows: int
    categories: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.rows

    def add_to(self, digest: Digest) -> None:
        digest.add("drawn", repr(self))

    def fit(self, rows: np.ndarray) -> Drawn:
        return self

    def on(self, rows: np.ndarray, device: torch.device, dtype: torch.dtype) -> DeviceImages:
        pixels = torch.randint(0, 256, (len(rows), *self.shape), generator=torch.Generator().manual_seed(0))
        middle = torch.full((self.shape[0], 1, 1), 127.5, dtype=dtype, device=device)
        channels, height, width = self.shape
        form = PictureForm(height, width, channels)
        augmentation = Augmentation.model_validate(["flip", "crop"])
        index = torch.arange(len(rows), device=device)
        return DeviceImages(pixels.byte().to(device), index, middle, middle / 2, form, augmentation)


def make_data(name: str, steps: int, device: torch.device, tasks: int = 2) -> DeviceData:
    """As many training rows as so many batches need, with two tasks, or only the first, and two groups."""
    rows, random = 2 * BATCH[name] * steps + 64, np.random.default_rng(0)
    dataset = Dataset(
        name="drawn",
        source="simulated",
        inputs=Drawn(SHAPES[name], rows),
        tasks=("first", "second")[:tasks],
        labels=random.integers(0, 2, (rows, tasks)).astype(np.int8),
        groups={"sex": random.integers(0, 2, rows).astype(np.int8)},
        group_names={"sex": ("a", "b")},
        part=mark_test_rows(np.arange(rows) % 4 == 3),
        checksums={},
    )
    return to_device(split(dataset), dict.fromkeys(dataset.tasks, "sex"), device, torch.float32)


def make_experiment(name: str, data: DeviceData, method: str, *, half: bool) -> Experiment:
    """The same training for every way."""
    network = build_named(name, data.shape, len(data.tasks), half=half)
    kind = METHODS[method]
    options = kind.Options(**({"balance_task": "first"} if method == "gcm" else {}))
    own = kind(LossSettings(reduction="mean"), options, Names(data.tasks, (("a", "b"),) * len(data.tasks)))
    return Experiment(data, network, own, TrainingSettings(BATCH[name], SGD(MOMENTUM)))


def make_trials(count: int, method: str, tasks: int = 2) -> Trials:
    """Trials of one seed whose rates differ."""
    values = {"learning_rate": RATE * np.linspace(1, 2, count), "epochs": np.ones(count, dtype=int)}
    values["task_weight"] = np.full((count, tasks), 0.5)
    if method == "gcm":
        values |= {"fairness_weight": np.full((count, tasks), 0.5), "temperature": np.full(count, 2.0)}
    return Trials(np.zeros(count, dtype=np.int64), values)


def take_steps(experiment: Experiment, trials: Trials, steps: int) -> tuple[float, torch.Tensor]:
    """Seconds of so many steps of a stack, batches included, and the parameters that they lead to."""
    stack = Stack(experiment, trials, len(trials))
    synchronise(experiment.device)
    started = now()
    for _, rows in zip(range(steps), stack._batches.epoch(0, stack._state.of_samples), strict=False):
        stack._take_step(rows, stack._state.memory)
    synchronise(experiment.device)
    return now() - started, stack._state.network.parameters


def loop(experiment: Experiment, trials: Trials, steps: int, *, last: bool) -> tuple[float, float, torch.Tensor]:
    """Seconds of as many ordinary loops, those among them of reading and augmenting, and the parameters."""
    network, data, device = experiment.network, experiment.data, experiment.device
    form = torch.channels_last if last else torch.contiguous_format
    half: bool = network.half  # type: ignore[attr-defined]
    plan = experiment.method.row_plan(experiment.training_rows, experiment.settings.batch_size, False)
    train = data.splits["train"]
    total = reading = 0.0
    found = []
    for k in range(len(trials)):
        module = network.module(network.initial([0], data.dtype)[0]).to(device).train().to(memory_format=form)
        optimizer = torch.optim.SGD(module.parameters(), trials.values["learning_rate"][k], MOMENTUM)
        synchronise(device)
        started = now()
        every = torch.from_numpy(plan.rows(0, 0)).to(device)
        for step in range(steps):
            own = every[step]
            own = own[own >= 0]
            before = now()
            images = train.inputs.take(own, [augmentation_stream(0, 0, step)]).contiguous(memory_format=form)
            reading += now() - before
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logits = module(images)
            loss = 0.5 * binary_cross_entropy_with_logits(logits.float().T, train.labels[:, own], reduction="none")
            optimizer.zero_grad()
            loss.mean(1).sum().backward()
            optimizer.step()
        synchronise(device)
        total += now() - started
        found.append(torch.cat([each.detach().flatten() for each in module.parameters()]))
    return total, reading, torch.stack(found)


def now() -> float:
    """Seconds of this process, which others on the machine disturb less than those of a clock; on a GPU of a clock."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def synchronise(device: torch.device) -> None:
    """Waits for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def compare(name: str, count: int, turns: int, steps: int, device: torch.device, *, half: bool) -> dict[str, Any]:
    """Images per second and ratios of K trials of a network."""
    data = make_data(name, steps, device)
    experiment, trials = make_experiment(name, data, "vanilla", half=half), make_trials(count, "vanilla")
    _, _, expected = loop(experiment, trials, 2, last=False)
    _, found = take_steps(experiment, trials, 2)
    torch.testing.assert_close(found[:, : expected.shape[1]], expected, rtol=1e-2 if half else 1e-3, atol=1e-3)
    times: dict[str, list[float]] = {STACK: [], PLAIN: [], LAST: []}
    shares = []
    for turn in range(turns):
        ways = [STACK, PLAIN, LAST]
        for way in ways[turn % 3 :] + ways[: turn % 3]:
            if way == STACK:
                times[way].append(take_steps(experiment, trials, steps)[0])
            else:
                seconds, reading, _ = loop(experiment, trials, steps, last=way == LAST)
                times[way].append(seconds)
                shares.append(reading / seconds)
    images = count * steps * BATCH[name]
    ratios = {way: [one / own for one, own in zip(times[way], times[STACK], strict=True)] for way in (PLAIN, LAST)}
    return {
        "network": name,
        "precision": "bf16" if half else "float32",
        "trials": count,
        "batch": BATCH[name],
        "image": list(SHAPES[name]),
        "images_per_second": {way: round(images / statistics.median(each)) for way, each in times.items()},
        "ratio": {way: round(statistics.median(each), 3) for way, each in ratios.items()},
        "ratio_range": {way: [round(min(each), 3), round(max(each), 3)] for way, each in ratios.items()},
        "share_of_reading": round(statistics.median(shares), 4),
    }


def compare_gcm(tasks: int, turns: int, steps: int, device: torch.device) -> dict[str, Any]:
    """A step of GCM on `cnn` over one of vanilla, balanced batches of GCM both, with one task or two."""
    data = make_data("cnn", steps, device, tasks)
    experiment = make_experiment("cnn", data, "gcm", half=False)
    plain = dataclasses.replace(experiment, method=PlainLosses(experiment.method))
    trials, ratios = make_trials(1, "gcm", tasks), []
    take: Callable[[Experiment], float] = lambda own: take_steps(own, trials, steps)[0]  # noqa: E731
    for _ in range(turns):
        one, other = take(plain), take(experiment)
        ratios.append(other / one)
    span = [round(min(ratios), 2), round(max(ratios), 2)]
    ratio = round(statistics.median(ratios), 2)
    return {"network": "cnn", "trials": 1, "tasks": tasks, "ratio": ratio, "ratio_range": span}


class PlainLosses(METHODS["vanilla"]):  # type: ignore[misc]
    """Vanilla on the batches of another method."""

    def __init__(self, other: Any) -> None:
        super().__init__(LossSettings(reduction="mean"), None, other.names)
        self.row_plan = other.row_plan


def measure_memory(name: str, count: int, way: str) -> float:
    """MiB that a process needs beyond one that has made the data, which this file starts."""
    peaks = []
    for what in ("nothing", way):
        arguments = ["--memory", name, str(count), what]
        done = subprocess.run(
            [sys.executable, __file__, *arguments], check=True, capture_output=True, text=True, env=dict(os.environ)
        )
        peaks.append(float(done.stdout.split()[-1]))
    return round(peaks[1] - peaks[0])


def tell_peak(name: str, count: int, way: str) -> None:
    """Prints the peak memory of this process, MiB, after two steps one way."""
    data = make_data(name, 4, torch.device("cpu"))
    experiment, trials = make_experiment(name, data, "vanilla", half=False), make_trials(count, "vanilla")
    if way == STACK:
        take_steps(experiment, trials, 2)
    elif way != "nothing":
        loop(experiment, trials, 2, last=way == LAST)
    # Not of getrusage, which knows the peak of the process that started this one as well.
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    """Measures and writes the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--networks", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--trials", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--without-memory", action="store_true")
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory is not None:
        tell_peak(options.memory[0], int(options.memory[1]), options.memory[2])
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    load = os.getloadavg()[0]
    rows = []
    for name in options.networks:
        for half in (False, True) if device.type == "cuda" else (False,):
            for count in options.trials:
                rows.append(compare(name, count, options.turns, options.steps, device, half=half))
                if device.type == "cpu" and not options.without_memory:
                    rows[-1]["memory_mib"] = {way: measure_memory(name, count, way) for way in (STACK, LAST)}
                print(json.dumps(rows[-1]), flush=True)
    gcm = [compare_gcm(tasks, options.turns, options.steps, device) for tasks in (1, 2)]
    print(json.dumps(gcm), flush=True)
    loads = [round(each, 2) for each in (load, os.getloadavg()[0])]
    found = {"machine": describe() | {"load_average": loads}, "turns": options.turns, "steps_of_a_turn": options.steps}
    found |= {"steps": rows, "gcm": gcm}
    file = ROOT / "benchmarks" / "results" / f"images-{device.type}.json"
    file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
