"""Which engine a run gets."""

from __future__ import annotations

import pytest

from paretofair.cluster.engine import RayEngine
from paretofair.cluster.engine_choice import AutoEngine, choose_engine
from paretofair.errors import RunError
from paretofair.runs.engines.process import ProcessEngine


def test_the_space_file_may_say_which():
    assert isinstance(choose_engine("process", None), ProcessEngine)
    assert choose_engine("ray", "head:6379") == RayEngine("head:6379")
    assert isinstance(choose_engine("auto", None), AutoEngine)


def test_an_address_that_would_not_be_used_is_told():
    with pytest.raises(RunError, match=r"address head:6379 of a Ray, but resources\.engine: process uses none"):
        choose_engine("process", "head:6379")


@pytest.mark.parametrize(
    ("address", "variable", "seconds", "here"),
    [
        (None, None, 1.0, True),
        (None, None, 1000.0, False),
        (None, None, float("inf"), False),
        ("head:6379", None, 1.0, False),
        (None, "head:6379", 1.0, False),
    ],
)
def test_small_runs_are_trained_here_unless_a_ray_is_named(monkeypatch, address, variable, seconds, here):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    if variable is None:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    else:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert AutoEngine(address)._suits_process(lambda: seconds) is here


def test_a_ray_that_this_process_has_is_used(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    assert not AutoEngine(None)._suits_process(lambda: 1.0)
