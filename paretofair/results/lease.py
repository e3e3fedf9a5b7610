"""One driver at a time on results at a URL, where no file can be locked."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from paretofair.errors import OutageError, RunError, first_line
from paretofair.interruption import end_by_threads, run_beside
from paretofair.results.store import Store

LEASE = ".driver.json"
RENEWED = 15.0  # seconds between two signs of life
EXPIRED = 60.0  # seconds after which nobody waits for the next one
_SETTLED = 1.0  # seconds in which two that begin together see each other
logger = logging.getLogger("paretofair")


@contextmanager
def hold_lease(store: Store) -> Iterator[None]:
    """The place for this process alone: a small file there is written again and again while the block runs.

    The block ends with OutageError as soon as another driver has taken over, or before one may: when nothing could be
    written for most of the time after which this one is taken for dead. Two drivers that slip through all the same, by
    a stopped clock, train the same trials twice and lose none.

    Raises RunError where another driver has shown a sign of life in the last minute, or nothing can be written.
    """
    mine = json.dumps({"host": socket.gethostname(), "process": os.getpid(), "id": uuid.uuid4().hex})
    try:
        _refuse_other(store)
        store.put(LEASE, mine.encode())
        time.sleep(_SETTLED)
        found = store.read(LEASE)
    except (OSError, ValueError) as error:
        raise RunError(f"--output {store} cannot be written: {first_line(error)}") from None
    if found is not None and found[0] != mine:
        raise _make_refusal(store, found[0], 0.0)
    try:
        with end_by_threads() as end, run_beside(lambda ended: _renew(store, mine, ended, end)):
            yield
    finally:
        with suppress(OSError):  # it expires
            found = store.read(LEASE)
            if found is not None and found[0] == mine:
                store.delete(LEASE)


def _renew(store: Store, mine: str, ended: threading.Event, end: Callable[[Exception], None]) -> None:
    renewed = time.monotonic()
    while not ended.wait(RENEWED):
        try:
            found = store.read(LEASE)
            if found is not None and found[0] != mine:
                end(
                    OutageError(
                        f"{store} has been taken over by {_name_driver(found[0])}; this run stops writing there"
                    )
                )
                return
            store.put(LEASE, mine.encode())
            renewed = time.monotonic()
        except Exception as error:  # the network may come back
            logger.warning("%s could not be written: %s", store, error)
            silent = time.monotonic() - renewed
            if silent > EXPIRED - 2 * RENEWED:
                words = f"{store} could not be written for {silent:.0f} s ({first_line(error)})"
                end(OutageError(f"{words}; this run stops, before another takes it for dead"))
                return


def _refuse_other(store: Store) -> None:
    found = store.read(LEASE)
    if found is None:
        return
    text, written = found
    # Both times are of the clock there, which may be another than here.
    probe = f"{LEASE}.{uuid.uuid4().hex[:8]}"
    store.put(probe, b"")
    now = store.read(probe)
    store.delete(probe)
    age = now[1] - written if now is not None else 0.0
    if age < EXPIRED and not _is_dead(text):
        raise _make_refusal(store, text, age)


def _is_dead(text: str) -> bool:
    """Whether the driver was a process of this machine that is no more."""
    try:
        driver = json.loads(text)
        if driver["host"] == socket.gethostname() and type(driver["process"]) is int and driver["process"] > 0:
            os.kill(driver["process"], 0)
    except ProcessLookupError:
        return True
    except (ValueError, KeyError, TypeError, OverflowError, OSError):  # half a file, or somebody else's process
        return False
    return False


def _name_driver(text: str) -> str:
    try:
        driver = json.loads(text)
        return f"process {driver['process']} on {driver['host']}"
    except (ValueError, KeyError, TypeError):
        return "another run"


def _make_refusal(store: Store, text: str, age: float) -> RunError:
    return RunError(
        f"{store} is in use by {_name_driver(text)}, whose last sign of life is {age:.0f} s old. Wait for it, or "
        f"give another --output; if it was killed, the same command works {EXPIRED:.0f} s after that sign"
    )
