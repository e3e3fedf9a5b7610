"""Which pack comes next, and what becomes of one that fails."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import ray
from ray.tune.search import Searcher

from paretofair.cluster.queue import PackQueue, name_pack
from paretofair.errors import OutageError
from paretofair.runs.jobs import PackList


class FakePack(SimpleNamespace):
    """A pack, as far as the queue looks at it."""

    def __len__(self) -> int:
        return 4


@pytest.fixture
def packs(monkeypatch):
    monkeypatch.setattr(ray, "put", lambda pack: pack)
    return [FakePack(name=name, stage="sweep", method="mtaf") for name in ("a", "b")]


def done(**more: object) -> dict[str, object]:
    return {"worker": "host:1", "time_this_iter_s": 2.5, "paused": False, "storage": "", **more}


def test_a_killed_pack_is_tried_again_at_the_end_and_given_up_after_three_times(packs):
    queue = PackQueue(PackList(packs), None, pytest.fail)
    assert [queue.suggest(str(trial))["pack"] for trial in (1, 2)] == ["a", "b"]
    assert queue.suggest("3") is None, "one that runs may come back"
    queue.on_trial_complete("1", error=True)
    assert name_pack(queue.suggest("3")) == "a-attempt-2"
    queue.on_trial_complete("3", error=True)
    assert name_pack(queue.suggest("4")) == "a-attempt-3"
    assert list(queue.running) == ["2", "4"]
    queue.on_trial_complete("4", error=True)
    assert queue.failed == {"a": packs[0]}
    assert queue.suggest("5") is None
    queue.on_trial_complete("2", done())
    assert queue.seconds == {("sweep", "mtaf"): [2.5]}
    assert queue.suggest("5") == Searcher.FINISHED


def test_the_first_full_disk_ends_the_run(packs):
    ends: list[Exception] = []
    queue = PackQueue(PackList(packs), None, ends.append)
    queue.suggest("1")
    queue.on_trial_complete("1", done(storage="/results/trials: No space left on device"))
    (error,) = ends
    assert isinstance(error, OutageError)
    assert str(error) == "/results/trials: No space left on device"


def test_when_the_time_is_up_nothing_begins(packs):
    queue = PackQueue(PackList(packs), 0.0, pytest.fail)
    assert queue.suggest("1") == Searcher.FINISHED
    assert queue.out_of_time
