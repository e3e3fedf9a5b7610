"""What ends a run that cannot go on: Ray's head or the results folder are gone, or nothing happens any more."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from paretofair.cluster.connection import abandon, give_up, may_answer
from paretofair.cluster.queue import PackQueue
from paretofair.errors import OutageError
from paretofair.interruption import run_beside
from paretofair.results import TRIALS, Store
from paretofair.results.checkpoints import CHECKPOINTS
from paretofair.runs.folder import identify, log_ending
from paretofair.runs.jobs import Job
from paretofair.runs.packs import Pack

logger = logging.getLogger("paretofair")

EVERY = 2.0  # seconds between two looks
GRACE = 10.0  # seconds in which a run ends by itself
_SILENT_LOOKS = 3  # of a head that refuses connections
# A pack stands still when nothing has been heard for so many times the longest of its stage and method, and for at
# least so many seconds; where none has ended yet, for so many. And for so many times longer than it may go on unheard.
TIMES, AT_LEAST, UNKNOWN, UNHEARD = 5.0, 600.0, 3600.0, 2.0


class StandstillError(OutageError):
    """Nothing happens any more: a worker or Ray stands still."""


@contextmanager
def watch_packs(queue: PackQueue, job: Job, end: Callable[[Exception], None]) -> Iterator[None]:
    """Looks every two seconds, while the block runs, whether it can go on, and calls `end` with an error if not."""
    watch = PackWatch(queue, job, ray.get_runtime_context().gcs_address)

    def look(ended: threading.Event) -> None:
        while not ended.wait(EVERY):
            try:
                watch.look()
            except OutageError as error:
                stands_still = isinstance(error, StandstillError)
                if stands_still:
                    give_up()
                end(error)
                # What waits for a dead head cannot be interrupted, and after a minute Ray would end this process
                # itself; what asks one that stands still would wait for good.
                if not ended.wait(GRACE) and (stands_still or not watch.head_answers()):
                    log_ending(error)
                    print(f"error: {error}", file=sys.stderr, flush=True)
                    abandon()
                    os._exit(1)
                return
            except Exception as error:  # a look that fails says nothing about the run
                logger.warning("the run could not be looked at: %s", error)

    with run_beside(look):
        yield


class PackWatch:
    """What is known of a run from outside of Ray."""

    def __init__(self, queue: PackQueue, job: Job, head: str) -> None:
        self._queue, self._job, self._folder, self._head = queue, job, job.folder, head
        self._store = None if job.store is None else Store(job.store)
        self._place = identify(self._folder)
        self._refused = 0
        self._seen: object = None
        self._seen_there: dict[str, int | None] = {}
        self._heard = time.monotonic()

    def look(self) -> None:
        """Raises OutageError where the run cannot go on."""
        if identify(self._folder) != self._place:
            raise OutageError(f"{self._folder} has been deleted or replaced while the run wrote there")
        self._refused = 0 if self.head_answers() else self._refused + 1
        if self._refused >= _SILENT_LOOKS:
            raise OutageError(f"Ray's head at {self._head} has ended")
        self._listen()

    def head_answers(self) -> bool:
        """Whether Ray's head can be connected to."""
        return may_answer(self._head)

    def _listen(self) -> None:
        """Anything that begins, ends or is written is a sign of life."""
        running = dict(self._queue.running)
        seen = (
            sorted(running),
            sum(map(len, self._queue.seconds.values())),
            [_count_files(self._folder / into) for into in (TRIALS, CHECKPOINTS)],
        )
        if seen != self._seen or not running:
            self._seen, self._heard = seen, time.monotonic()
            return
        silent = time.monotonic() - self._heard
        if silent > max(map(self._wait, running.values())) and not self._is_heard_there():
            names = ", ".join(sorted(pack.name for pack in running.values()))
            raise StandstillError(
                f"nothing has been heard of {names} for {silent / 60:.0f} min: a worker or Ray stands still"
            )

    def _is_heard_there(self) -> bool:
        """Whether stacks in training were saved at a URL since this was asked last. It takes a look over the network,
        and what is saved has no copy here."""
        if self._store is None:
            return False
        saved = self._store.files(CHECKPOINTS)
        if saved == self._seen_there:
            return False
        self._seen_there, self._heard = saved, time.monotonic()
        return True

    def _wait(self, pack: Pack) -> float:
        """The seconds after which a pack that is not heard of stands still; for ever where nothing says how long it may
        take."""
        known = self._queue.seconds.get((pack.stage, pack.method))
        if self._job.checkpoint is None or self._job.halving_of(pack) is not None:
            # Nothing is saved, or at rungs alone.
            return max(UNKNOWN, TIMES * max(known)) if known else math.inf
        return (max(AT_LEAST, TIMES * max(known)) if known else UNKNOWN) + UNHEARD * self._job.checkpoint


def _count_files(folder: Path) -> tuple[int, float]:
    """The number of files, and when the last one came or went."""
    try:
        return len(os.listdir(folder)), os.stat(folder).st_mtime
    except FileNotFoundError:
        return 0, 0.0
