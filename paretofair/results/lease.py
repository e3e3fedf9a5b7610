"""One driver at a time on results at a URL, where no file can be locked."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from paretofair.errors import RunError
from paretofair.results.store import Store

LEASE = ".driver.json"
RENEWED = 15.0  # seconds between two signs of life
EXPIRED = 60.0  # seconds after which nobody waits for the next one
_SETTLED = 1.0  # seconds in which two that begin together see each other
logger = logging.getLogger("paretofair")


@contextmanager
def hold_lease(store: Store) -> Iterator[None]:
    """The place for this process alone: a small file there is written again and again while the block runs.

    Two drivers that slip through all the same, by a stopped clock or a broken network, train the same trials twice and
    lose none.

    Raises RunError where another driver has shown a sign of life in the last minute, or nothing can be written.
    """
    mine = json.dumps({"host": socket.gethostname(), "process": os.getpid(), "id": uuid.uuid4().hex})
    try:
        _refuse_other(store)
        store.put(LEASE, mine.encode())
        time.sleep(_SETTLED)
        found = store.read(LEASE)
    except (OSError, ValueError) as error:
        raise RunError(f"--output {store.url} cannot be written: {str(error).splitlines()[0]}") from None
    if found is not None and found[0] != mine:
        raise _make_refusal(store, found[0], 0.0)
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(store, mine, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):  # it expires
            found = store.read(LEASE)
            if found is not None and found[0] == mine:
                store.delete(LEASE)


def _renew(store: Store, mine: str, ended: threading.Event) -> None:
    while not ended.wait(RENEWED):
        try:
            found = store.read(LEASE)
            if found is not None and found[0] != mine:
                logger.warning("%s: another driver has taken over (%s)", store.url, found[0])
                return
            store.put(LEASE, mine.encode())
        except OSError as error:  # the network may come back
            logger.warning("%s could not be written: %s", store.url, error)


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


def _make_refusal(store: Store, text: str, age: float) -> RunError:
    try:
        driver = json.loads(text)
        who = f"process {driver['process']} on {driver['host']}"
    except (ValueError, KeyError, TypeError):
        who = "another run"
    return RunError(
        f"{store.url} is in use by {who}, whose last sign of life is {age:.0f} s old. Wait for it, or give another "
        f"--output; if it was killed, the same command works {EXPIRED:.0f} s after that sign"
    )
