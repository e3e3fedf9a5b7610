"""The results folder of a run: one driver at a time, and what is said there of packs that failed."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paretofair.errors import RunError
from paretofair.redaction import redact
from paretofair.results.files import ENVIRONMENT, FAILED, read_json

LOG = "logs/run.log"


def failures(folder: Path) -> dict[str, dict[str, Any]]:
    """What `failed.json` says of every pack that failed: `stage`, `method`, `reason` and the ids of its `trials`."""
    return read_json(folder / FAILED)


def check_place(folder: Path, store: str | None) -> None:
    """Raises RunError where the folder holds copies of results at another URL than `store`, or results of its own where
    they are wanted at a URL: its trials would count as finished there."""
    environment = read_json(folder / ENVIRONMENT)
    there = environment.get("store")
    if environment and there != (store and redact(store)):
        holds = "results of its own" if there is None else f"copies of the results at {there}"
        wanted = f"--output {store}" if store is not None else "a run of its own"
        raise RunError(f"{folder} holds {holds}, which {wanted} must not take for its own; work in another directory")


@contextmanager
def open_folder(folder: Path) -> Iterator[None]:
    """The results folder, made if need be, for this process alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")  # noqa: SIM115 (closed below, after what it guards)
    except OSError as error:
        raise RunError(f"--output {folder} cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"{folder} is in use by another run; wait for it or give another --output") from None
        except OSError as error:
            words = f"{folder / '.lock'} cannot be locked: {error.strerror}; two runs could not be kept apart"
            raise RunError(f"{words}. Give an --output on a file system with locks") from None
        yield


@contextmanager
def log_to(folder: Path) -> Iterator[None]:
    """Keeps what the program logs, from INFO on, in `logs/run.log`."""
    logger, file = logging.getLogger("paretofair"), folder / LOG
    file.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(file, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    except BaseException as error:
        logger.info("ended by %s: %s", type(error).__name__, str(error).partition("\n")[0])
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def is_in_use(folder: Path) -> bool | None:
    """Whether a driver on this machine has `opened` the folder; None where that cannot be told."""
    try:
        lock = open(folder / ".lock")  # noqa: SIM115 (closed below)
    except OSError:
        return None
    with lock:
        try:
            # Shared, and given back at once: two that look do not see each other.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
    return False
