"""What ends a run that cannot go on."""

from __future__ import annotations

import socket
from collections import defaultdict
from types import SimpleNamespace

import pytest

from paretofair.cluster import watch
from paretofair.cluster.watch import AT_LEAST, TIMES, UNKNOWN, PackWatch
from paretofair.errors import OutageError


@pytest.fixture
def head():
    """A port that answers, as far as connecting goes."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


@pytest.fixture
def queue():
    pack = SimpleNamespace(name="sweep-mtaf-0-0-3", stage="sweep", method="mtaf")
    return SimpleNamespace(running={"1": pack}, seconds=defaultdict(list))


@pytest.fixture
def look(queue, tmp_path, head, clock):
    (tmp_path / "run" / "trials").mkdir(parents=True)
    found = PackWatch(queue, tmp_path / "run", f"127.0.0.1:{head.getsockname()[1]}")
    found.look()
    return found.look


def test_a_head_that_has_ended(look, head):
    look()
    head.close()
    look()
    look()
    with pytest.raises(OutageError, match=r"Ray's head at 127.0.0.1:\d+ has ended"):
        look()


def test_a_folder_that_was_deleted_or_replaced(look, tmp_path):
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(OutageError, match="run has been deleted or replaced while the run wrote there"):
        look()
    (tmp_path / "run" / "trials").mkdir(parents=True)
    with pytest.raises(OutageError, match="deleted or replaced"):
        look()


def test_a_pack_that_stands_still_is_named(look, queue, clock, tmp_path):
    clock.seconds = UNKNOWN
    look()
    clock.seconds = UNKNOWN + 1
    with pytest.raises(
        OutageError, match=r"nothing has been heard of sweep-mtaf-0-0-3 for 60 min: a worker or Ray stands"
    ):
        look()
    # A stack that is written is a sign of life, and so is a pack that ends.
    (tmp_path / "run" / "trials" / "a.parquet").touch()
    look()
    queue.seconds["sweep", "mtaf"] += [3.0, AT_LEAST]
    look()
    clock.seconds += TIMES * AT_LEAST
    look()
    clock.seconds += 1
    with pytest.raises(OutageError, match="for 50 min"):
        look()


def test_packs_of_another_kind_say_nothing_of_this_one(look, queue, clock):
    queue.seconds["baselines", "single_task"].append(1.0)
    look()
    clock.seconds = UNKNOWN
    look()
    queue.seconds["sweep", "mtaf"].append(1.0)
    look()
    clock.seconds += AT_LEAST + 1
    with pytest.raises(OutageError, match="for 10 min"):
        look()


def test_a_queue_without_running_packs_is_not_waited_for(look, queue, clock):
    queue.running.clear()
    clock.seconds = 10 * UNKNOWN
    look()
