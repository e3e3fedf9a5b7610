"""The results folder of a run: one driver at a time, and what is said there of packs that failed."""

from __future__ import annotations

import fcntl
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from paretofair.errors import RunError
from paretofair.redaction import redact
from paretofair.results import TRIALS, Store
from paretofair.results.files import ENVIRONMENT, FAILED, check_file, inside, make_folder, open_lock, read_json
from paretofair.results.stacks import DamagedFileError

LOG = "logs/run.log"
DAMAGED = "damaged"
logger = logging.getLogger("paretofair")


def failures(folder: Path) -> dict[str, dict[str, Any]]:
    """What `failed.json` says of every pack that failed: `stage`, `method`, `reason` and the ids of its `trials`."""
    found = read_json(folder / FAILED)
    for pack, each in found.items():
        own = each if isinstance(each, dict) else {}
        texts, trials = [own.get(name) for name in ("stage", "method", "reason")], own.get("trials")
        if not isinstance(trials, list) or not all(isinstance(each, str) for each in (*texts, *trials)):
            raise RunError(f"{folder / FAILED}: {pack}: expected stage, method, reason and a list of trials")
    return found


def read_environment(folder: Path) -> dict[str, Any]:
    """What `environment.json` says that commands go by: `store`, where results at a URL are, the number of `trials`
    that were asked for by stage and method, and of `data` the source. Empty where there is no file."""
    found, path = read_json(folder / ENVIRONMENT), folder / ENVIRONMENT
    if not found:
        return found
    trials, data = found.get("trials", {}), found.get("data", {})
    if not isinstance(found.get("store"), str | None):
        raise RunError(f"{path}: store: expected a URL or null")
    if not isinstance(trials, dict) or not all(
        isinstance(own, dict) and all(type(count) is int and count >= 0 for count in own.values())
        for own in trials.values()
    ):
        raise RunError(f"{path}: trials: expected numbers by stage and method")
    if not isinstance(data, dict) or not isinstance(data.get("source"), str):
        raise RunError(f"{path}: data: expected a mapping with the source")
    return found


def check_place(folder: Path, store: str | None) -> None:
    """Raises RunError where the folder holds copies of results at another URL than `store`, or results of its own where
    they are wanted at a URL: its trials would count as finished there."""
    environment = read_environment(folder)
    there = environment.get("store")
    if environment and there != (store and redact(store)):
        holds = "results of its own" if there is None else f"copies of the results at {there}"
        wanted = f"--output {store}" if store is not None else "a run of its own"
        raise RunError(f"{folder} holds {holds}, which {wanted} must not take for its own; work in another directory")


@contextmanager
def open_folder(folder: Path) -> Iterator[None]:
    """The results folder, made if need be, for this process alone."""
    try:
        make_folder(folder)
        lock = open_lock(inside(folder, ".lock"))
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
    logger, file = logging.getLogger("paretofair"), inside(folder, LOG)
    make_folder(file.parent)
    if file.exists():
        check_file(file)
    handler = logging.FileHandler(file, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    except BaseException as error:
        log_ending(error)
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def log_ending(error: BaseException) -> None:
    """The last words of a run that does not end well."""
    logger.info("ended by %s: %s", type(error).__name__, str(error).partition("\n")[0])


def is_in_use(folder: Path) -> bool | None:
    """Whether a driver on this machine has `opened` the folder; None where that cannot be told."""
    try:
        lock = open(os.open(folder / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))  # noqa: SIM115 (closed)
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


def identify(folder: Path) -> tuple[int, int] | None:
    """Which folder it is, wherever it is moved to; None for none."""
    try:
        about = os.stat(folder)
    except FileNotFoundError:
        return None
    return about.st_dev, about.st_ino


def put_aside(folder: Path, store: Store | None, console: Console) -> Callable[[DamagedFileError], None]:
    """What a run does with a damaged file of its trial table: it says so and moves it to `trials/damaged`, so that its
    trials are trained anew."""

    def move(error: DamagedFileError) -> None:
        path = Path(error.path)
        target = inside(folder, f"{TRIALS}/{DAMAGED}") / f"{path.name}.{uuid.uuid4().hex[:8]}"
        make_folder(target.parent)
        os.rename(path, target)
        if store is not None:
            store.put_aside(TRIALS, path.name)
        words = f"{path}: {error.reason}. It is put aside ({target}), and its trials are trained anew."
        logger.warning(words)
        console.print(words, style="yellow", markup=False, highlight=False, soft_wrap=True)

    return move
