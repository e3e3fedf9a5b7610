"""Runs packs as Ray Tune trials, on a local Ray or an existing cluster."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import ray
from ray import tune
from ray.tune import CheckpointConfig, FailureConfig, Result, RunConfig, TuneConfig, Tuner

from paretofair.cluster.connection import connect
from paretofair.cluster.queue import PackQueue, name_pack
from paretofair.cluster.watch import watch_packs
from paretofair.cluster.worker import NAME, PackTrainable
from paretofair.errors import OutageError, RunError, last_line
from paretofair.interruption import end_by_threads
from paretofair.results import Store
from paretofair.runs.jobs import Job, Outcome, Source

_FULL = 1 << 16  # bytes
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RayEngine:
    """Packs are Ray Tune trials, on the cluster at `address` or on a Ray that starts here."""

    address: str | None = None

    def connect(self, work: Callable[[], float]) -> AbstractContextManager[None]:
        return connect(self.address)

    def run_packs(
        self, job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None
    ) -> Outcome:
        return run_packs(job, source, cpus=cpus, gpus=gpus, deadline=deadline)


def run_packs(job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None) -> Outcome:
    """Trains every pack of `source`, in order, as many at a time as the cluster has room for.

    `cpus` and `gpus` are those of one pack. After `deadline` (`time.monotonic()`) no new pack begins and the running
    ones finish. A pack that fails is tried twice more. Raises OutageError where the disk is full, the results folder or
    Ray's head are gone, or nothing happens any more.
    """
    with end_by_threads() as end:
        queue = PackQueue(source, deadline, end)
        with watch_packs(queue, job, end):
            return _fit(queue, job, cpus, gpus)


def _fit(queue: PackQueue, job: Job, cpus: float, gpus: float) -> Outcome:
    logs = job.folder / "logs" / time.strftime("ray-%Y%m%d-%H%M%S")
    # Tune would print a traceback for a worker that died, which is tried again; what fails for good is in the outcome.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    store = None if job.store is None else Store(job.store)
    worker = tune.with_resources(tune.with_parameters(PackTrainable, job=job), {"cpu": cpus, "gpu": gpus})
    # What Ray's dashboard and the process list call it; while it trains, with the name of its pack.
    worker.__name__ = worker.__qualname__ = NAME
    tuner = Tuner(
        worker,
        tune_config=TuneConfig(
            search_alg=queue,
            num_samples=-1,
            max_concurrent_trials=_slots(cpus, gpus),
            reuse_actors=True,
            trial_name_creator=lambda trial: name_pack(trial.config),
            trial_dirname_creator=lambda trial: name_pack(trial.config),
        ),
        run_config=RunConfig(
            name=logs.name,
            storage_path=str(logs.parent.resolve()) if store is None else store.inside("logs"),
            verbose=0,
            # Tune does not try a pack again whose worker died before it began; the queue does.
            failure_config=FailureConfig(max_failures=0),
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    try:
        results = tuner.fit()
    except Exception as error:
        # On a full disk Tune fails on what it could not write down, with words that do not say so.
        if shutil.disk_usage(job.folder).free < _FULL:
            raise OutageError(f"{job.folder}: {os.strerror(errno.ENOSPC)}") from error
        raise
    ended = [results[i] for i in range(len(results))]
    reasons = _tell_reasons(queue.failed, ended)
    if not reasons:
        shutil.rmtree(logs, ignore_errors=True)
        if store is not None:
            store.remove(f"logs/{logs.name}")
    metrics = [result.metrics for result in ended if result.error is None and result.metrics]
    workers = {each["worker"] for each in metrics}
    narrowed = min((each["narrowed"] for each in metrics if each["narrowed"]), default=0)
    left_out = sum(each["left_out"] for each in metrics)
    return Outcome(queue.failed, reasons, len(workers), queue.out_of_time, narrowed, left_out)


def _tell_reasons(failed: Iterable[str], ended: Iterable[Result]) -> dict[str, str]:
    """Why each of these packs failed in its last try. Ray may have no error of a worker that died."""
    errors = {each.config["pack"]: str(each.error) for each in ended if each.error is not None and each.config}
    return {name: last_line(errors.get(name, "")) for name in failed}


def _slots(cpus: float, gpus: float) -> int:
    """How many packs the cluster holds at once. One is on one node, and on one GPU where it needs a part of one."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(_room(node.get("CPU", 0), node.get("GPU", 0), cpus, gpus) for node in nodes)
    if not room:
        largest = {kind: max((node.get(kind, 0) for node in nodes), default=0) for kind in ("CPU", "GPU")}
        raise RunError(
            f"a pack needs {cpus:g} CPUs and {gpus:g} GPUs (resources in the space file), "
            f"no machine of the cluster has more than {largest['CPU']:g} and {largest['GPU']:g}"
        )
    return room


def _room(have_cpus: float, have_gpus: float, cpus: float, gpus: float) -> int:
    """How many packs one machine holds.

    >>> _room(8, 2, 1, 0.3), _room(8, 4, 3, 2), _room(1, 0, 0.1, 0)
    (6, 2, 10)
    """
    rooms = [int(have_cpus / cpus + _ROUNDING)]
    if gpus:
        rooms.append(int(have_gpus / gpus + _ROUNDING) if gpus >= 1 else int(have_gpus) * int(1 / gpus + _ROUNDING))
    return min(rooms)
