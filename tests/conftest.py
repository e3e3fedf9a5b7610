"""Data that several tests train on: small, made up, with unknown labels and groups."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from paretofair.data import Columns, Dataset, Splits, split
from paretofair.data.dataset import mark_test_rows
from paretofair.tasks import BINARY, TaskKind
from paretofair.training import DeviceData, to_device
from paretofair.training.compiler import forget_compiled

from .launch.processes import start_ray

# A background job of a script starts with SIGINT ignored, one of nohup with SIGHUP, and what is ignored is inherited:
# commands could not be interrupted. A handler that does nothing is not inherited; this process goes on as it began.
for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# Ray's workers give way to every other process, 15 steps of niceness. Here they would wait for the tests beside them.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (so Ray spells it)

# No test asserts a time: how long an example takes is up to the machine and to what else runs there.
settings.register_profile("any_machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")


@pytest.fixture(autouse=True, scope="module")
def nothing_compiled() -> None:
    """A file's tests find no steps that other files have compiled, whichever ran before them in this process: the
    compiler bounds how many there may be."""
    if "torch._dynamo" in sys.modules:
        forget_compiled()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Workers are single-threaded; so are tests of what they compute."""
    torch.set_num_threads(1)


def make_dataset(rows: int = 500, tasks: int = 2, unknown: float = 0.0, seed: int = 0, classes: int = 0) -> Dataset:
    """Tasks that depend on the inputs and, through them, on a sensitive attribute of two groups and one of three. With
    `classes` a last task has so many."""
    random = np.random.default_rng(seed)
    sex = random.integers(0, 2, rows)
    race = random.integers(0, 3, rows)
    numeric = random.normal(size=(rows, 4)) + 0.7 * sex[:, None] * np.array([1, 0, -1, 0.5])
    kind = random.choice(["a", "b", "c"], rows)
    direction = random.normal(size=(4, tasks))
    logits = numeric @ direction + (kind == "a")[:, None] + random.logistic(size=(rows, tasks))
    labels = (logits > np.median(logits, 0)).astype(np.int8)
    labels[random.random(labels.shape) < unknown] = -1
    sex = np.where(random.random(rows) < unknown, -1, sex)
    kinds = [BINARY] * tasks
    if classes:
        scores = numeric @ random.normal(size=(4, classes)) + random.gumbel(size=(rows, classes))
        several = np.where(random.random(rows) < unknown, -1, scores.argmax(1))
        labels = np.concatenate([labels, several[:, None].astype(np.int8)], 1)
        kinds.append(TaskKind("multiclass", tuple(f"class_{c}" for c in range(classes))))
    return Dataset(
        name="made_up",
        source="simulated",
        inputs=Columns.of(dict(zip("uvwx", numeric.T, strict=True)), {"kind": kind}),
        tasks=tuple(f"task_{t}" for t in range(len(kinds))),
        kinds=tuple(kinds),
        labels=labels,
        groups={"sex": sex.astype(np.int8), "race": race.astype(np.int8)},
        group_names={"sex": ("Female", "Male"), "race": ("White", "Black", "Other")},
        part=mark_test_rows(np.arange(rows) % 4 == 3),
        checksums={},
    )


@pytest.fixture(scope="session")
def small_splits() -> Splits:
    """375 training rows before the validation cut, 125 of test."""
    return split(make_dataset())


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """Every kind of device; a GPU where there is one."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    return request.param


@pytest.fixture(scope="session")
def device_data() -> Callable[..., DeviceData]:
    """Made-up data, by type, shape and device."""

    def make(
        dtype: torch.dtype = torch.float64, *, sensitive: str = "sex", device: str = "cpu", **shape: float
    ) -> DeviceData:
        splits = split(make_dataset(**shape))  # type: ignore[arg-type]
        return to_device(splits, dict.fromkeys(splits.tasks, sensitive), torch.device(device), dtype)

    return make


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    """Where the Ray is found that the tests of this process share, but for those that are about starting one.

    It has one CPU: another process tests at the same time, and a worker takes longer to start than to train."""
    with start_ray(1, os.environ) as (address, _):
        yield address


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that start Ray come first: they take longest, and short ones are the better rest to share."""
    long = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests read real data, so that nobody takes a run without them for a full one."""
    counts = {
        outcome: sum("real_data" in getattr(report, "keywords", {}) for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "skipped")
    }
    terminalreporter.write_line(f"real data: {counts['passed']} tests passed, {counts['skipped']} skipped")
