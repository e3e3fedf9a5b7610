"""Trains packs in this process, one after the other: a small run is over before a Ray would have started."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch

from paretofair.errors import OutageError, ParetofairError, RunError, first_line
from paretofair.interruption import end_by_threads, run_beside
from paretofair.redaction import redact
from paretofair.results import Store
from paretofair.results.files import inside, write_text
from paretofair.runs.engines.worker import PackWorker
from paretofair.runs.folder import identify
from paretofair.runs.jobs import TRIES, Job, Outcome, Source
from paretofair.runs.packs import Pack

logger = logging.getLogger("paretofair")
EVERY = 2.0  # seconds between two looks at the folder


class ProcessEngine:
    """The engine of small runs. It gives the rows that `cluster.engine.RayEngine` gives, bit for bit."""

    def connect(self, work: Callable[[], float]) -> AbstractContextManager[None]:
        """There is nothing to connect to."""
        return nullcontext()

    def run_packs(
        self, job: Job, source: Source, *, cpus: float, gpus: float, deadline: float | None = None
    ) -> Outcome:
        """Trains every pack of `source`, in order, one at a time. Raises RunError where there is no GPU for them."""
        known = torch.cuda.device_count()
        if gpus > known:
            raise RunError(f"a pack needs {gpus:g} GPUs (resources in the space file), this machine has {known}")
        place = identify(job.folder)
        again: deque[Pack] = deque()
        tries: Counter[str] = Counter()
        failed: dict[str, Pack] = {}
        reasons: dict[str, str] = {}
        narrowed: list[int] = []
        left_out = 0
        logs = f"logs/process-{time.strftime('%Y%m%d-%H%M%S')}"
        out_of_time = False
        with _watch_folder(job.folder), _keep_settings():
            worker = PackWorker(job)
            while True:
                if deadline is not None and time.monotonic() > deadline:
                    out_of_time |= bool(again) or not source.empty()
                    break
                pack = source.next() or (again.popleft() if again else None)
                if pack is None:
                    break
                tries[pack.name] += 1
                logger.info("%s begins: %d trials, try %d", pack.name, len(pack), tries[pack.name])
                started = time.monotonic()
                try:
                    done = worker.train(pack)
                except Exception as error:
                    if identify(job.folder) != place:
                        raise _gone(job.folder) from error
                    logger.info("%s failed", pack.name)
                    _write_error(job, logs, pack, tries[pack.name])
                    if tries[pack.name] < TRIES:
                        again.append(pack)
                        continue
                    failed[pack.name] = pack
                    reasons[pack.name] = _tell_reason(error)
                else:
                    if done["storage"]:
                        raise OutageError(done["storage"])
                    out_of_time |= done["paused"]
                    left_out += done["left_out"]
                    narrowed += [done["narrowed"]] if done["narrowed"] else []
                    logger.info("%s ended in %.1f s", pack.name, time.monotonic() - started)
                source.ended(pack)
        if not failed:
            if job.store is None:
                shutil.rmtree(inside(job.folder, logs), ignore_errors=True)
            else:
                Store(job.store).remove(logs)
        return Outcome(failed, reasons, 1, out_of_time, min(narrowed, default=0), left_out)


@contextmanager
def _watch_folder(folder: Path) -> Iterator[None]:
    """Ends the block with an OutageError where the folder is deleted or replaced in it."""
    place = identify(folder)

    def look(ended: threading.Event) -> None:
        while not ended.wait(EVERY):
            if identify(folder) != place:
                end(_gone(folder))
                return

    with end_by_threads() as end, run_beside(look):
        yield


def _gone(folder: Path) -> OutageError:
    return OutageError(f"{folder} has been deleted or replaced while the run wrote there")


@contextmanager
def _keep_settings() -> Iterator[None]:
    """What a worker sets of PyTorch in the block, it gives back: the process is the user's."""
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def _tell_reason(error: Exception) -> str:
    """The last line of what a traceback would say."""
    own = isinstance(error, ParetofairError)
    return redact(str(error) if own else f"{type(error).__name__}: {first_line(error)}")


def _write_error(job: Job, logs: str, pack: Pack, attempt: int) -> None:
    """The traceback of a try, where Ray's logs of a pack would have it."""
    name = pack.name if attempt == 1 else f"{pack.name}-attempt-{attempt}"
    file, text = f"{logs}/{name}/error.txt", redact(traceback.format_exc())
    if job.store is None:
        write_text(inside(job.folder, file), text)
    else:
        Store(job.store).put(file, text.encode())
