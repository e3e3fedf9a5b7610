"""A connected Ray: one that starts here and is closed to everybody else, or a cluster that is there."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import ray

from paretofair.cluster.ray_internals import (
    asks_for_token,
    kill_processes,
    listen_on_loopback,
    require_token,
)
from paretofair.errors import OutageError, RunError, first_line
from paretofair.interruption import keep_handler

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
# Ray keeps sockets in FOLDER/session_<time>_<process>/sockets, and a socket's path has at most 107 bytes.
_SESSION = len("/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.9")
_LONGEST = 107 - _SESSION - len("/pf12345678/r")
PATIENCE = 60.0  # seconds that a Ray has to end when it is asked to
# The folders of Rays that this process has started and not yet ended.
_folders: set[Path] = set()
# Whether the Ray of this process stands still: its ports still take connections, and whatever asks it waits for good.
_stands_still = threading.Event()


@contextmanager
def connect(address: str | None) -> Iterator[None]:
    """Ray at `address` or `RAY_ADDRESS`, else one that starts here and ends with the block.

    A process that has called `ray.init` itself keeps its Ray, which is used. Raises RunError where there is none, and
    OutageError where it ends while it starts.
    """
    if ray.is_initialized():
        if address:
            raise RunError(
                f"this process is connected to a Ray already; leave the address {address} out, or call ray.shutdown()"
            )
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    _stands_still.clear()
    with ExitStack() as entered:
        if address:
            _probe(address)
            _start({"address": address}, address)
            entered.callback(_end)
            if not asks_for_token():
                words = "Ray at %s asks for no token: whoever reaches its ports can run programs as you."
                logger.warning(f"{words} docs/cluster.md says how to close it.", address)
        else:
            folder = entered.enter_context(_make_folder())
            entered.enter_context(require_token())
            with listen_on_loopback():
                # Without a word Ray would join whatever `ray start` has left on this machine.
                _start({"address": "local", "include_dashboard": False, "_temp_dir": str(folder)}, "this machine")
            entered.callback(_end)
        yield


def _start(where: dict[str, object], place: str) -> None:
    try:
        # Ray puts a handler of its own in place, which would end the program without a word on how to go on.
        with keep_handler(signal.SIGTERM):
            ray.init(
                log_to_driver=logger.isEnabledFor(logging.DEBUG),
                logging_level=logging.ERROR,
                runtime_env={"env_vars": WORKER_ENVIRONMENT},
                **where,  # type: ignore[arg-type]
            )
    except Exception as error:  # as Ray raises it where its raylet does not come up
        with _ignore_interrupts():
            ray.shutdown()
        refused = isinstance(error, OSError | ValueError) and not isinstance(error, TimeoutError)
        # A Ray that dies or stands still while it starts is an outage: nothing that was asked for is wrong.
        raise (RunError if refused else OutageError)(f"Ray at {place} cannot be reached: {first_line(error)}") from None


def _end() -> None:
    with _ignore_interrupts():
        if not _stands_still.is_set() and may_answer(ray.get_runtime_context().gcs_address):
            # A raylet that stands still lets workers train, and whoever takes leave of it waits for good.
            impatient = threading.Timer(PATIENCE, kill_processes)
            impatient.daemon = True
            impatient.start()
            try:
                ray.shutdown()
            finally:
                # It would end a Ray that this process starts later.
                impatient.cancel()
            return
        # Ray would wait for its head for a minute, then end this process without a word; also when Python ends.
        atexit.unregister(ray.shutdown)
        kill_processes()


def give_up() -> None:
    """Says that this process's Ray stands still: it is then ended without being asked."""
    _stands_still.set()


def abandon() -> None:
    """Ends what this process has started of a Ray that is dead or stands still, without asking it, and removes its
    folder."""
    kill_processes()
    for folder in tuple(_folders):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _make_folder() -> Iterator[Path]:
    """A folder for Ray's sockets and logs that this user alone can enter, until the end of the block.

    It is in `RAY_TMPDIR` or `TMPDIR` where their paths are short enough for sockets, else in `/tmp`.
    """
    tried = []
    for parent in _list_parents([os.environ.get("RAY_TMPDIR"), os.environ.get("TMPDIR"), "/tmp"]):
        try:
            folder = Path(tempfile.mkdtemp(prefix="pf", dir=parent))
        except OSError as error:
            tried.append(f"{parent}: {error.strerror}")
            if error.errno == errno.ENOSPC:
                break
            continue
        _folders.add(folder)
        try:
            # Ray opens its own folder to everybody; it is in one that it does not know.
            (folder / "r").mkdir()
            yield folder / "r"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _folders.remove(folder)
        return
    words = "Ray has no folder for its sockets and logs"
    raise RunError(f"{words} ({', '.join(tried)}); set RAY_TMPDIR to one with a path of at most {_LONGEST} bytes")


def _list_parents(wanted: Sequence[str | None]) -> list[str]:
    """Those of some folders whose paths are short enough."""
    given = [os.path.abspath(each) for each in wanted if each]
    return [each for each in dict.fromkeys(given) if len(os.fsencode(each)) <= _LONGEST]


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """No Ctrl-C in the block: a second one in the second that Ray needs to end could crash its native code."""
    with keep_handler(signal.SIGINT):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        yield


def _probe(address: str) -> None:
    """Fails within seconds, as Ray does not, where nothing listens at `[ray://]host:port`."""
    if address.startswith(("http://", "https://")):
        raise RunError(
            f"found Ray address {address!r}, which is that of the dashboard and of jobs; the one of the cluster is "
            "host:port with the port of its head, mostly host:6379 (--address or RAY_ADDRESS)"
        )
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        if address not in ("auto", "local"):
            raise RunError(f"found Ray address {address!r}; write host:port, ray://host:port or auto")
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise RunError(f"no Ray answers at {address}: {error.strerror or error}") from None


def may_answer(address: str) -> bool:
    """Whether something listens at `host:port`, or may: a busy machine or network is no dead one."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return False
    except (OSError, ValueError):
        return True
    return True
