"""Ray: the one file that reaches into parts of it that have no public name.

What breaks when they move: `ray._private.ray_constants.ENABLE_RAY_CLUSTER` (a Ray that starts here would listen on the
machine's address, where whoever reaches its ports can run programs) and `ray._raylet.setproctitle` (the dashboard and
`ps` would not say which pack a worker trains). `tests/cluster/test_ray_internals.py` fails on a version of Ray where
one of them did.
"""

from __future__ import annotations

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


def name_process(title: str) -> None:
    """What the dashboard and the process list call this worker until the end of its task."""
    from ray._raylet import setproctitle  # type: ignore[attr-defined]

    setproctitle(title)
