"""Hands packs to Ray Tune, and those that failed again."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any

import ray
from ray.tune.search import Searcher

from paretofair.errors import OutageError
from paretofair.runs.jobs import TRIES, Source
from paretofair.runs.packs import Pack

logger = logging.getLogger("paretofair")


def name_pack(config: dict[str, Any]) -> str:
    """Name of a pack in logs and on Ray's dashboard."""
    name = config["pack"]
    return name if config["attempt"] == 1 else f"{name}-attempt-{config['attempt']}"


class PackQueue(Searcher):
    """Hands out the packs of a source until they or the time are used up; one that fails is handed out again, twice.

    `failed`: those that failed every time, by name. `running`: those that are trained now. `seconds`: how long those
    that ended well took, by stage and method. `end` ends the run where it makes no sense to go on: nothing can be
    written any more.
    """

    def __init__(self, source: Source, deadline: float | None, end: Callable[[Exception], None]) -> None:
        super().__init__()
        self._source = source
        self._deadline = deadline
        self._end = end
        self._again: deque[Pack] = deque()
        self.running: dict[str, Pack] = {}
        self.seconds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
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
            return None if self.running else Searcher.FINISHED
        self.running[trial_id] = pack
        self._attempts[pack.name] += 1
        logger.info("%s begins: %d trials, try %d", pack.name, len(pack), self._attempts[pack.name])
        # By reference: Tune writes configurations down again and again.
        return {"pack": pack.name, "trials": ray.put(pack), "attempt": self._attempts[pack.name]}

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        pack = self.running.pop(trial_id)
        if result and result.get("storage"):
            self._end(OutageError(result["storage"]))
        if result and not error:
            self.seconds[pack.stage, pack.method].append(result["time_this_iter_s"])
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
