"""Widths are measured once and remembered."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from paretofair.runs import widths
from paretofair.runs.build import build_experiment
from paretofair.space.space import load_space
from paretofair.training import Trials

SPACE = """\
name: small
data: {name: lsac}
network: {shared: [8], head: [4], embedding: 2}
parameters: {learning_rate: 0.1, epochs: 5, fairness_weight: 1}
methods: {mtaf: , vanilla: }
stages: {sweep: {trials: 3}}
"""


@pytest.fixture
def ask(tmp_path, monkeypatch, device_data):
    """Asks for the width of so many trials of a method; counts the measurements."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "space.yaml").write_text(SPACE)
    space = load_space(tmp_path / "space.yaml")
    data = device_data(torch.float32)
    measured = []
    measure = widths.measure_width
    monkeypatch.setattr(widths, "measure_width", lambda *a, **k: measured.append(measure(*a, **k)) or measured[-1])

    def width(method: str, count: int) -> int:
        of_method = space.method(method)
        weights = np.full((count, 2), 0.5)
        values = {"task_weight": weights, "fairness_weight": weights, "head_ratio": weights}
        values |= {"learning_rate": np.full(count, 0.1), "epochs": np.full(count, 5)}
        trials = Trials(np.zeros(count, dtype=np.int64), values)
        return widths.stack_width(of_method, build_experiment(of_method, data, compiled=False), trials)

    width.measured = measured  # type: ignore[attr-defined]
    width.space, width.data = space, data  # type: ignore[attr-defined]
    return width


def test_measured_once_for_each_method(ask):
    first = ask("mtaf", 100)
    assert ask("mtaf", 100) == first == ask.measured[0]
    assert len(ask.measured) == 1
    ask("vanilla", 100)
    assert len(ask.measured) == 2


def test_a_few_trials_are_not_measured(ask):
    assert ask("mtaf", 10) == 32
    assert not ask.measured


def test_a_narrowed_width_is_remembered(ask):
    widths.remember(ask.space.method("mtaf"), ask.data, 5)
    assert ask("mtaf", 100) == 5
    assert not ask.measured


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a": 3}'])
def test_a_damaged_memory_is_measured_again(ask, content):
    widths._file().parent.mkdir(parents=True)
    widths._file().write_text(content)
    assert ask("mtaf", 100) == ask.measured[0] == ask("mtaf", 100)


@pytest.mark.parametrize("width", [0, -5, "abc", [1], 10**9, 8.0, True, None])
def test_a_width_that_is_none_is_measured_again(ask, width):
    key = widths._key(ask.space.method("mtaf"), ask.data)
    widths._file().parent.mkdir(parents=True)
    widths._file().write_text(json.dumps({key: width}))
    assert ask("mtaf", 100) == ask.measured[0]
    assert json.loads(widths._file().read_text())[key] == ask.measured[0]
