"""Which engine trains a run: this process where that is over before a Ray would be there, else Ray."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from paretofair.errors import RunError
from paretofair.runs.engines.process import ProcessEngine
from paretofair.runs.jobs import Engine, EngineName, Job, Outcome, Source

RAY_STARTS = 10.0  # seconds, with the imports of its workers


def choose_engine(name: EngineName, address: str | None) -> Engine:
    """The engine of this name (`resources.engine`). An `address` is that of an existing Ray cluster; raises RunError
    where none is to be used."""
    if name == "process":
        if address:
            raise RunError(f"found the address {address} of a Ray, but resources.engine: process uses none")
        return ProcessEngine()
    return _ray(address) if name == "ray" else AutoEngine(address)


class AutoEngine:
    """Looks at the work when it is connected, and leaves it to one of the two engines.

    To Ray, where an address is given, RAY_ADDRESS is set or this process is connected to a Ray already; and where the
    workers of this machine are done sooner, although Ray has to start first.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._chosen: Engine | None = None

    def connect(self, work: Callable[[], float]) -> AbstractContextManager[None]:
        self._chosen = ProcessEngine() if self._suits_process(work) else _ray(self._address)
        return self._chosen.connect(work)

    def run_packs(
        self, job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None
    ) -> Outcome:
        assert self._chosen is not None, "packs are run once it is connected"
        return self._chosen.run_packs(job, source, cpus=cpus, gpus=gpus, deadline=deadline)

    def _suits_process(self, work: Callable[[], float]) -> bool:
        # What was never imported was never connected.
        ray = sys.modules.get("ray")
        if self._address or os.environ.get("RAY_ADDRESS") or (ray is not None and ray.is_initialized()):
            return False
        workers = os.cpu_count() or 1
        return work() * (1 - 1 / max(workers, 2)) <= RAY_STARTS


def _ray(address: str | None) -> Engine:
    from paretofair.cluster.engine import RayEngine

    return RayEngine(address)
