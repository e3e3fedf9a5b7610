"""Looks, axes, steps, and which tasks are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.report.drawing.choice import drawn_tasks, tell_left_out
from paretofair.report.drawing.planes import steps
from paretofair.report.drawing.style import is_logarithmic, looks, view

NAMES = st.lists(st.text("abc_", min_size=1, max_size=4), unique=True, max_size=25)


@given(NAMES, NAMES)
def test_looks_depend_on_the_order_alone(first, second):
    longer = list(dict.fromkeys([*first, *second]))
    some, all_of_them = looks(first), looks(longer)
    assert {name: all_of_them[name] for name in first} == some
    assert len(set(all_of_them.values())) == len(longer)
    known = looks([*first, "mtaf", "per_task", "vanilla"])
    assert {name: known[name] for name in first} == some
    assert known["vanilla"] == looks(["vanilla"])["vanilla"]
    assert len(set(known.values())) == len(known)


def test_equal_colours_have_other_lines():
    found = list(looks([f"m{place}" for place in range(25)]).values())
    assert len({(look.colour, str(look.line)) for look in found}) == 25


def test_one_bad_trial_does_not_squeeze_a_front():
    values = np.append(np.linspace(0, 1, 30), 1000.0)
    low, high = view([values])
    assert low == pytest.approx(-0.15, abs=0.2)
    assert 1 <= high < 4
    assert view([np.array([2.0, 2.0])]) == pytest.approx((1.9, 2.1))
    assert view([np.array([]), np.array([np.nan])]) == (0, 1)


def test_steps_are_the_points_that_none_dominates():
    points = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 2.0], [2.0, 2.0]])
    assert steps(points).tolist() == [[0, 3], [1, 2], [2, 1]]
    assert steps(np.empty((0, 2))).shape == (0, 2)


def test_logarithmic_axes():
    random = np.random.default_rng(0)
    assert is_logarithmic(np.exp(random.uniform(-5, 0, 200)))
    assert not is_logarithmic(random.uniform(0.001, 5, 200))
    assert not is_logarithmic(np.array([0.0, 1.0, 100.0]))
    assert not is_logarithmic(np.array([np.nan]))


def test_of_many_tasks_those_with_the_largest_gaps_are_drawn(made_up_run, monkeypatch):
    assert drawn_tasks(made_up_run) == made_up_run.tasks
    assert tell_left_out(made_up_run) == ""
    monkeypatch.setattr("paretofair.report.drawing.choice.MOST_TASKS", 1)
    gaps = {task: made_up_run.searched[f"test_fpr_gap_{task}"].mean() for task in made_up_run.tasks}
    assert drawn_tasks(made_up_run) == [max(gaps, key=gaps.get)]
    assert tell_left_out(made_up_run) == "Of 2 tasks the 1 with the largest gaps are drawn; tables have all."
