"""A connected Ray: closed to everybody else, and one sentence where there is none."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from paretofair.cluster import connection
from paretofair.cluster.connection import connect
from paretofair.errors import OutageError, RunError

NOBODY = 65534


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def addresses() -> set[str]:
    """Those by which other machines reach this one, as far as it knows."""
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way_out:
        try:
            way_out.connect(("192.0.2.1", 9))
            found.add(way_out.getsockname()[0])
        except OSError:  # no network
            pass
    return {each for each in found if not each.startswith("127.")}


@pytest.mark.ray
def test_a_local_ray_listens_on_loopback_alone():
    with connect(None):
        (node,) = ray.nodes()
        ports = [node["NodeManagerPort"], node["ObjectManagerPort"]]
        ports.append(int(ray.get_runtime_context().gcs_address.rpartition(":")[2]))
        assert node["NodeManagerAddress"] == "127.0.0.1"
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            for address in addresses():
                with pytest.raises((ConnectionError, TimeoutError)):
                    socket.create_connection((address, port), timeout=5)


def look_as(user: int, token: str, **environment: str) -> dict[str, str]:
    """What a user of this machine comes to."""
    context = ray.get_runtime_context()
    folder = ray._private.worker._global_node.get_session_dir_path()
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).parent / "stranger.py",
            *map(str, (user, context.gcs_address, folder, os.getpid())),
        ],
        input=token,
        env={name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


@pytest.mark.ray
@pytest.mark.system
def test_a_local_ray_is_closed_to_other_users():
    if os.geteuid():
        pytest.skip("needs root, to become another user")
    with connect(None):
        token = os.environ["RAY_AUTH_TOKEN"]
        found = look_as(NOBODY, token)
        assert found["folder"].startswith("PermissionError")
        assert found["environment"].startswith("PermissionError")
        assert found["command lines"] == "no token"
        assert found["ray"].startswith("AuthenticationError")
        # Whoever has the token comes in, and only with it: the ways are ways.
        own = look_as(os.getuid(), token, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token)
        assert not [words for words in own.values() if "Error" in words]
        wrong = look_as(os.getuid(), token, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64)
        assert wrong["ray"].startswith("AuthenticationError")
        folder = Path(ray._private.worker._global_node.get_session_dir_path())
        assert not [path for path in folder.rglob("*") if path.is_file() and token in path.read_text(errors="replace")]
        private = folder.parents[1]
        assert private.stat().st_mode & 0o777 == 0o700
    assert not private.exists()
    assert "RAY_AUTH_TOKEN" not in os.environ


@pytest.mark.ray
def test_a_ray_of_ones_own_is_used_and_stays():
    with connect(None):
        with connect(None):
            assert ray.is_initialized()
        assert ray.is_initialized()
        with pytest.raises(RunError, match=r"to a Ray already; leave the address 10\.0\.0\.1:6379 out"):
            connect("10.0.0.1:6379").__enter__()
    assert not ray.is_initialized()


@pytest.mark.ray
def test_a_cluster_without_a_token_is_told(monkeypatch, caplog):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        with caplog.at_level(logging.WARNING, "paretofair"), connect(nodes.address):
            assert (
                f"Ray at {nodes.address} asks for no token: whoever reaches its ports can run programs" in caplog.text
            )
    finally:
        nodes.shutdown()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:8265", r"'http://127.0.0.1:8265', which is that of the dashboard .* mostly host:6379"),
        ("https://user:secret@head:8265", r"'https://\*\*\*@head:8265', which is that of the dashboard"),
        ("head", r"found Ray address 'head'; write host:port"),
        ("127.0.0.1:1", r"no Ray answers at 127.0.0.1:1: Connection refused"),
    ],
)
def test_addresses_that_are_none(monkeypatch, address, message):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(RunError, match=message):
        connect(None).__enter__()


@pytest.mark.parametrize(
    "error",
    [
        OSError("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes"),
        OSError(28, "No space left on device"),
        PermissionError(13, "Permission denied"),
        ConnectionError("Could not find any running Ray instance"),
        ValueError("Can't find a `node_ip_address.json` file"),
        RuntimeError("Failed to start the dashboard\nwith a log of many lines"),
        TimeoutError("timed out"),
        Exception("The current node timed out during startup. This could happen because of the raylet"),
    ],
)
def test_what_ray_says_when_it_cannot_start_is_one_sentence(monkeypatch, error):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(ray, "init", fail)
    refused = isinstance(error, OSError | ValueError) and not isinstance(error, TimeoutError)
    with pytest.raises(RunError if refused else OutageError) as failure:
        connect(None).__enter__()
    words = str(error).splitlines()[0]
    assert str(failure.value) == f"Ray at this machine cannot be reached: {words}"
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_a_short_folder_in_place_of_a_long_one(tmp_path, monkeypatch):
    long = tmp_path / "/".join(["slurm_jobdir"] * 8)
    long.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    with connection._make_folder() as folder:
        assert folder.parents[1] == Path("/tmp")
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        session = folder / "session_2026-01-01_00-00-00_000000_4194304" / "sockets" / "plasma_store.9"
        assert len(os.fsencode(session)) <= 107
    assert not folder.parent.exists()
    own = Path("/tmp") / f"p{os.getpid()}"
    own.mkdir()
    try:
        monkeypatch.setenv("RAY_TMPDIR", str(own))
        with connection._make_folder() as folder:
            assert folder.parents[1] == own
    finally:
        shutil.rmtree(own)


def test_a_folder_is_removed_before_a_process_ends_at_once():
    with connection._make_folder() as folder:
        (folder / "session").touch()
        connection.abandon()
        assert not folder.parent.exists()


def test_no_folder_at_all(monkeypatch):
    def full(**_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    monkeypatch.setattr(connection.tempfile, "mkdtemp", full)
    with pytest.raises(
        RunError, match=r"no folder for its sockets and logs \(/tmp: No space left on device\); set RAY_TMPDIR"
    ):
        connect(None).__enter__()


STOPPED = """
import os, signal, time
from pathlib import Path
from paretofair.cluster import connection
from paretofair.cluster.ray_internals import find_descendants

connection.PATIENCE = 3.0
with connection.connect(None):
    for pid in find_descendants([os.getpid()]):
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\\0")[0].endswith(b"/raylet"):
            os.kill(pid, signal.SIGSTOP)
            print("stopped")
print("ended")
"""


@pytest.mark.ray
@pytest.mark.system
def test_a_raylet_that_stands_still_is_not_waited_for():
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["stopped", "ended"], done.stderr
