"""What ends a run that cannot go on."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from types import SimpleNamespace

import pytest

from paretofair.cluster import watch
from paretofair.cluster.watch import AT_LEAST, TIMES, UNHEARD, UNKNOWN, PackWatch
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
def job(tmp_path):
    """A run that saves its stacks so often that nobody needs to wait for it longer."""
    (tmp_path / "run" / "trials").mkdir(parents=True)
    return SimpleNamespace(folder=tmp_path / "run", store=None, checkpoint=0.0, halving_of=lambda pack: None)


@pytest.fixture
def look(queue, job, head, clock):
    found = PackWatch(queue, job, f"127.0.0.1:{head.getsockname()[1]}")
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


def test_a_stack_that_is_seldom_saved_may_go_on_unheard(look, queue, job, clock):
    """As long as it takes until it is saved, in packs that take longer than those before too."""
    job.checkpoint = 7200.0
    queue.seconds["sweep", "mtaf"].append(1.0)
    look()
    clock.seconds = AT_LEAST + UNHEARD * 7200
    look()
    clock.seconds += 1
    with pytest.raises(OutageError, match="for 250 min"):
        look()


@pytest.mark.parametrize("change", [{"checkpoint": None}, {"halving_of": lambda pack: "by rungs"}])
def test_what_is_never_saved_is_known_by_packs_alone(look, queue, job, clock, change):
    """Nobody knows how long the first one takes."""
    vars(job).update(change)
    clock.seconds = 100 * UNKNOWN
    look()
    queue.seconds["sweep", "mtaf"].append(1.0)
    look()
    clock.seconds += UNKNOWN
    look()
    clock.seconds += 1
    with pytest.raises(OutageError, match="for 60 min"):
        look()


def test_stacks_that_are_saved_at_a_url_are_looked_for_there(queue, job, head, clock, tmp_path):
    job.store = f"file://{tmp_path}/bucket/run"
    look = PackWatch(queue, job, f"127.0.0.1:{head.getsockname()[1]}").look
    look()
    saved = tmp_path / "bucket" / "run" / "checkpoints" / "a.safetensors"
    saved.parent.mkdir(parents=True)
    for written in (1, 2):
        saved.touch()
        os.utime(saved, (written, written))
        clock.seconds += UNKNOWN + 1
        look()
    clock.seconds += UNKNOWN + 1
    with pytest.raises(OutageError, match="for 60 min"):
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
