"""Runs packs as Ray Tune trials, on a local Ray or an existing cluster."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

# Ray reads these when it is imported. Our own table replaces Tune's per-trial logs, and our own driver handles Ctrl-C.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import tune
from ray.tune import CheckpointConfig, FailureConfig, RunConfig, TuneConfig, Tuner
from ray.tune.search import Searcher

from paretofair.cluster.ray_internals import listen_on_loopback
from paretofair.cluster.worker import NAME, PackTrainable
from paretofair.errors import RunError
from paretofair.results import Store
from paretofair.runs.jobs import TRIES, Job, Outcome, Source
from paretofair.runs.packs import Pack

logger = logging.getLogger("paretofair")
# Without these the allocator returns and refaults the pages of every step, half of its time.
WORKER_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 26),
    # One code path of the matrix products, whatever the alignment of their operands.
    "MKL_CBWR": "AUTO",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_FULL = 1 << 16  # bytes
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RayEngine:
    """The engine of every run: packs are Ray Tune trials, on the cluster at `address` or on a Ray that starts here."""

    address: str | None = None

    def connect(self) -> AbstractContextManager[None]:
        return cluster(self.address)

    def run_packs(
        self, job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None
    ) -> Outcome:
        return run_packs(job, source, cpus=cpus, gpus=gpus, deadline=deadline)


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """A connected Ray: the cluster at `address` or `RAY_ADDRESS`, else a local one that ends with the block."""
    address = address or os.environ.get("RAY_ADDRESS")
    # Without a word Ray would join whatever `ray start` has left on this machine.
    where = {"address": address} if address else {"address": "local", "include_dashboard": False}
    if address:
        _probe(address)
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        with nullcontext() if address else listen_on_loopback():
            ray.init(
                log_to_driver=logger.isEnabledFor(logging.DEBUG),
                logging_level=logging.ERROR,
                runtime_env={"env_vars": WORKER_ENVIRONMENT},
                **where,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RunError(f"Ray at {address or 'this machine'} cannot be reached: {error}") from None
    if threading.current_thread() is threading.main_thread():
        # Ray has put its own in place, which would end the program without a word on how to go on.
        signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        with _ignore_interrupts():
            ray.shutdown()


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """No Ctrl-C in the block: a second one in the second that Ray needs to end could crash its native code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _probe(address: str) -> None:
    """Fails within seconds, as Ray does not, where nothing listens at `[ray://]host:port`."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        if address not in ("auto", "local"):
            raise RunError(f"found Ray address {address!r}; write host:port, ray://host:port or auto")
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise RunError(f"no Ray answers at {address}: {error.strerror or error}") from None


def run_packs(job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None) -> Outcome:
    """Trains every pack of `source`, in order, as many at a time as the cluster has room for.

    `cpus` and `gpus` are those of one pack. After `deadline` (`time.monotonic()`) no new pack begins and the running
    ones finish. A pack that fails is tried twice more. Raises OSError (ENOSPC) where the disk is full.
    """
    queue = _Queue(source, deadline)
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
            trial_name_creator=lambda trial: _name_pack(trial.config),
            trial_dirname_creator=lambda trial: _name_pack(trial.config),
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
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(job.folder)) from error
        raise
    ended = [results[i] for i in range(len(results))]
    reasons = {each.config["pack"]: each.error for each in ended if each.error is not None and each.config}
    last = {name: str(reasons[name]).strip().splitlines()[-1] for name in queue.failed}
    if not last:
        shutil.rmtree(logs, ignore_errors=True)
        if store is not None:
            store.remove(f"logs/{logs.name}")
    metrics = [result.metrics for result in ended if result.error is None and result.metrics]
    workers = {each["worker"] for each in metrics}
    narrowed = min((each["narrowed"] for each in metrics if each["narrowed"]), default=0)
    return Outcome(queue.failed, last, len(workers), queue.out_of_time, narrowed)


def _name_pack(config: dict[str, Any]) -> str:
    """Name of a pack in logs and on Ray's dashboard."""
    name = config["pack"]
    return name if config["attempt"] == 1 else f"{name}-attempt-{config['attempt']}"


class _Queue(Searcher):
    """Hands out the packs of a source until they or the time are used up; one that fails is handed out again, twice.

    `failed`: those that failed every time, by name.
    """

    def __init__(self, source: Source, deadline: float | None) -> None:
        super().__init__()
        self._source = source
        self._deadline = deadline
        self._again: deque[Pack] = deque()
        self._running: dict[str, Pack] = {}
        self._attempts: Counter[str] = Counter()
        self.failed: dict[str, Pack] = {}
        self.out_of_time = False

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        pack = None
        late = self._deadline is not None and time.monotonic() > self._deadline
        if not late:
            pack = self._source.next() or (self._again.popleft() if self._again else None)
        elif self._again or not self._source.empty():
            self.out_of_time = True
        if pack is None:
            # A pack that runs may fail and come back, or let a sampler go on.
            return None if self._running else Searcher.FINISHED
        self._running[trial_id] = pack
        self._attempts[pack.name] += 1
        logger.info("%s begins: %d trials, try %d", pack.name, len(pack), self._attempts[pack.name])
        # By reference: Tune writes configurations down again and again.
        return {"pack": pack.name, "trials": ray.put(pack), "attempt": self._attempts[pack.name]}

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        pack = self._running.pop(trial_id)
        by = "" if error or not result else f" by {result['worker']} in {result['time_this_iter_s']:.1f} s"
        logger.info("%s %s%s", pack.name, "failed" if error else "ended", by)
        if error and self._attempts[pack.name] < TRIES:
            self._again.append(pack)
            return
        if result and result.get("paused"):
            self.out_of_time = True
        if error:
            self.failed[pack.name] = pack
        self._source.ended(pack)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune keeps a copy of its searcher on disk, with all that the source knows."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Resuming reads the trial table."""

    def restore(self, checkpoint_path: str) -> None:
        """Resuming reads the trial table."""


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
