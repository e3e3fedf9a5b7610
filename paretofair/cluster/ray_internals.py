"""Ray: the one file that reaches into parts of it that have no public name.

What breaks when they move: `ray._private.ray_constants.ENABLE_RAY_CLUSTER` (a Ray that starts here would listen on the
machine's address, where whoever reaches its ports can run programs), `ray._raylet.Config`, `AuthenticationTokenLoader`
and `get_authentication_mode` (other users of the machine could run programs as this one), `_global_node` (processes
would be left behind when a head dies) and `ray._raylet.setproctitle` (the dashboard and `ps` would not say which pack a
worker trains). `tests/cluster/test_ray_internals.py` fails on a version of Ray where one of them did.
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


@contextmanager
def listen_on_loopback() -> Iterator[None]:
    """A Ray that starts in the block listens on 127.0.0.1 alone, as it does by itself on other systems than Linux."""
    from ray._private import ray_constants

    several_nodes = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = several_nodes


@contextmanager
def require_token() -> Iterator[None]:
    """A Ray that starts in the block asks for a new token, until its end.

    The token stands in the environment of this process and of those that it starts, which other users cannot read. In
    a file, as Ray itself would leave it, they could.
    """
    before = {name: os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")}
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    _read_token_again()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        _read_token_again()


def asks_for_token() -> bool:
    """Whether the Ray that this process is connected to does."""
    from ray._raylet import AuthenticationMode, get_authentication_mode  # type: ignore[attr-defined]

    return bool(get_authentication_mode() == AuthenticationMode.TOKEN)


def _read_token_again() -> None:
    """Ray has read both variables when it was imported."""
    from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def kill_processes() -> None:
    """Ends the processes of a Ray that was started here, without asking its head."""
    from ray._private import worker

    node = worker._global_node
    if node is not None:
        own = [each.process.pid for processes in node.all_processes.values() for each in processes]
        with hold_processes(find_descendants(own)) as below:
            node.kill_all_processes(check_alive=False, allow_graceful=False)
            # Agents of a raylet that stood still do not notice its end.
            for process in below:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)


@contextmanager
def hold_processes(pids: Iterable[int]) -> Iterator[list[int]]:
    """Descriptors of those of some processes that are there: by its number a process that has ended in the meantime may
    be another one. None where the system has no such descriptors."""
    with ExitStack() as entered:
        found = []
        for pid in pids if hasattr(os, "pidfd_open") else ():
            with suppress(OSError):
                found.append(os.pidfd_open(pid))
                entered.callback(os.close, found[-1])
        yield found


def find_descendants(pids: Iterable[int]) -> list[int]:
    """The processes that others have started, and those that these have started; none where the system has no /proc."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # Behind the name of the program, which may have spaces and parentheses in it: state and parent.
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found, left = list[int](), list(pids)
    while left:
        own = children.get(left.pop(), [])
        found += own
        left += own
    return found


def name_process(title: str) -> None:
    """What the dashboard and the process list call this worker until the end of its task."""
    from ray._raylet import setproctitle  # type: ignore[attr-defined]

    setproctitle(title)
