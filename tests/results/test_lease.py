"""One driver at a time on results at a URL."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretofair.errors import OutageError, RunError
from paretofair.results import Store, lease
from paretofair.results.lease import EXPIRED, LEASE, hold_lease


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "bucket" / "run"


@pytest.fixture
def store(root, monkeypatch) -> Store:
    monkeypatch.setattr(lease, "_SETTLED", 0.0)
    return Store(f"file://{root}")


def of_another(root: Path, *, process: int, host: str | None = None, age: float = 0) -> None:
    """A driver's sign of life."""
    root.mkdir(parents=True, exist_ok=True)
    file = root / LEASE
    # Whole or not at all, as a driver writes it.
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"host": host or socket.gethostname(), "process": process, "id": "another"}))
    os.utime(new, times=(time.time() - age,) * 2)
    new.replace(file)


def test_a_second_driver_is_refused_and_the_place_is_left_as_it_was(store, root):
    with hold_lease(store):
        assert json.loads((root / LEASE).read_text())["process"] == os.getpid()
        who = rf"is in use by process {os.getpid()} on {socket.gethostname()}, whose last sign of life is \d s old"
        with pytest.raises(RunError, match=who), hold_lease(store):
            pass
        assert [path.name for path in root.iterdir()] == [LEASE]
    assert not list(root.iterdir())
    with hold_lease(store):
        pass


def test_a_driver_that_is_silent_for_a_minute_is_taken_for_dead(store, root):
    of_another(root, process=1, host="elsewhere", age=EXPIRED - 20)
    with pytest.raises(RunError, match=r"4\d s old.*the same command works 60 s after that sign"), hold_lease(store):
        pass
    of_another(root, process=1, host="elsewhere", age=EXPIRED + 1)
    with hold_lease(store):
        assert json.loads((root / LEASE).read_text())["process"] == os.getpid()


def test_a_killed_process_of_this_machine_keeps_nobody_waiting(store, root):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    of_another(root, process=ended.pid)
    with hold_lease(store):
        pass
    of_another(root, process=os.getpid())
    with pytest.raises(RunError, match="in use"), hold_lease(store):
        pass


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RunError, match="/file: is no folder, and one is needed there"),
        hold_lease(Store(f"file://{tmp_path}/file/run")),
    ):
        pass


def test_half_a_file_is_a_sign_of_life(store, root):
    of_another(root, process=1)
    (root / LEASE).write_text('{"host": ')
    with pytest.raises(RunError, match="in use by another run"), hold_lease(store):
        pass


def test_a_lease_that_is_lost_ends_the_run(store, root, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED", 0.02)
    ended = []

    def work() -> None:
        with hold_lease(store):
            os.utime(root / LEASE, times=(0, 0))
            wait_until(lambda: (root / LEASE).stat().st_mtime > time.time() - 60)
            try:
                while True:
                    # Again and again: the driver may just be writing.
                    of_another(root, process=1, host="elsewhere")
                    time.sleep(0.01)
            finally:
                ended.append(True)

    with pytest.raises(
        OutageError, match=r"has been taken over by process 1 on elsewhere; this run stops writing there"
    ):
        work()
    assert ended
    assert json.loads((root / LEASE).read_text())["id"] == "another"


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("no answer")])
def test_a_place_that_cannot_be_written_any_more_ends_the_run(store, monkeypatch, caplog, error):
    monkeypatch.setattr(lease, "RENEWED", 0.02)
    monkeypatch.setattr(lease, "EXPIRED", 0.2)

    def fail(*_: object) -> None:
        raise error

    def work() -> None:
        with hold_lease(store):
            monkeypatch.setattr(store, "put", fail)
            time.sleep(600)

    with (
        caplog.at_level(logging.WARNING, "paretofair"),
        pytest.raises(OutageError, match=r"could not be written for \d+ s \(.*\); this run stops, before another"),
    ):
        work()
    assert "could not be written" in caplog.text


def test_a_network_that_comes_back_ends_nothing(store, root, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED", 0.02)
    put, failed = store.put, []

    def fail_twice(*given: object) -> None:
        if len(failed) < 2:
            failed.append(given)
            raise OSError(101, "Network is unreachable")
        put(*given)

    with hold_lease(store):
        monkeypatch.setattr(store, "put", fail_twice)
        os.utime(root / LEASE, times=(0, 0))
        wait_until(lambda: len(failed) == 2 and (root / LEASE).stat().st_mtime > time.time() - 60)


def wait_until(true, seconds: float = 300) -> None:
    """Fails where it does not become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
