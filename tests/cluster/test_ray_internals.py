"""The parts of Ray without a public name: they are where they are looked for, and do what they are needed for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from paretofair.cluster.ray_internals import (
    asks_for_token,
    find_descendants,
    hold_processes,
    listen_on_loopback,
    require_token,
)


def test_the_constant_is_one_that_ray_reads():
    from ray._private import ray_constants, services

    before = ray_constants.ENABLE_RAY_CLUSTER
    with listen_on_loopback():
        assert ray_constants.ENABLE_RAY_CLUSTER is False
        assert services.get_node_ip_address() == "127.0.0.1"
    assert before == ray_constants.ENABLE_RAY_CLUSTER


def test_each_ray_has_a_token_of_its_own(monkeypatch):
    from ray._raylet import AuthenticationTokenLoader

    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "mine")
    tokens = []
    for _ in range(2):
        with require_token():
            assert asks_for_token()
            tokens.append(AuthenticationTokenLoader.instance().get_raw_token())
            assert os.environ["RAY_AUTH_TOKEN"] == tokens[-1]
            assert len(tokens[-1]) == 64
        assert os.environ["RAY_AUTH_TOKEN"] == "mine"
        assert "RAY_AUTH_MODE" not in os.environ
        assert not asks_for_token()
    assert tokens[0] != tokens[1]


def test_a_process_gets_its_name():
    code = """
from pathlib import Path
from paretofair.cluster.ray_internals import name_process
name_process("ray::paretofair_packs sweep-mtaf")
print(Path("/proc/self/cmdline").read_text().split(chr(0))[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "ray::paretofair_packs sweep-mtaf", done.stderr


def test_descendants_of_a_process():
    child = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    try:
        grandchild = int(child.stdout.readline())
        assert set(find_descendants([os.getpid()])) >= {child.pid, grandchild}
        assert find_descendants([child.pid]) == [grandchild]
        assert find_descendants([grandchild]) == []
    finally:
        with hold_processes([child.pid, 2**22 + 1, grandchild]) as held:
            assert len(held) == 2
            signal.pidfd_send_signal(held[1], signal.SIGKILL)
            child.wait(30)
            with pytest.raises(ProcessLookupError):
                signal.pidfd_send_signal(held[0], signal.SIGKILL)
        child.stdout.close()
