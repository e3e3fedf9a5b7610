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
from collections.abc import Iterator
from contextlib import contextmanager


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
        node.kill_all_processes(check_alive=False, allow_graceful=False)


def name_process(title: str) -> None:
    """What the dashboard and the process list call this worker until the end of its task."""
    from ray._raylet import setproctitle  # type: ignore[attr-defined]

    setproctitle(title)
