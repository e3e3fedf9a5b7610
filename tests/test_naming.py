"""What names may be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.metrics.objectives import objective_sets
from paretofair.metrics.registry import METRICS
from paretofair.naming import (
    MOST,
    RESERVED_TASKS,
    find_attribute_faults,
    find_fault,
    find_shared_columns,
    find_task_faults,
    find_text_fault,
    find_twins,
)


@pytest.mark.parametrize("name", ["pass_bar", "default in 30 d", "größer", "=1+1", "[b]", "$x^2$", "a.b", "x" * MOST])
def test_names_that_may_be(name):
    assert find_fault(name, RESERVED_TASKS) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "an empty name; give one"),
        ("x" * (MOST + 1), "which has 101 characters; at most 100"),
        *((name, "a name is no path") for name in ("a/b", "../x", "a\\b", "..", ".hidden", "a..b", "/etc")),
        *((name, "another control character") for name in ("a\nb", "a\x00", "a\u2028b", "a\u202eb", "\ud800", "\x7f")),
        *((name, "begins or ends with a space") for name in (" a", "a ", "\u00a0a")),
        *((name, "a set of objectives") for name in (*RESERVED_TASKS, "All", "ARE", "ａｌｌ")),
        (3, "which is no text"),
        (None, "which is no text"),
    ],
)
def test_names_that_may_not_be(name, words):
    assert words in find_fault(name, RESERVED_TASKS)


def test_every_set_of_objectives_is_reserved():
    assert set(objective_sets(["x", "y"])) - {"x", "y"} <= set(RESERVED_TASKS)


def test_groups_may_have_signs_of_paths():
    assert find_text_fault("Asian/Pacific islander") is None
    assert find_text_fault("a\nb") is not None


def test_names_that_one_disk_does_not_tell_apart():
    found = find_twins(["a", "b", "A", "e\u0301", "\u00e9", "stra\u00dfe", "STRASSE"])
    earlier = {"A": "a", "\u00e9": "e\u0301", "STRASSE": "stra\u00dfe"}
    assert list(found) == list(earlier)
    assert all(f"from {other!r} by case" in found[name] for name, other in earlier.items())
    assert find_twins(["a", "a_", "b"]) == {}


@pytest.mark.parametrize(
    ("short", "long"),
    [(one, two) for one, two in itertools.permutations(METRICS, 2) if two.startswith(f"{one}_")],
)
def test_all_pairs_of_metrics_of_which_one_begins_with_the_other(short, long):
    task = long.removeprefix(f"{short}_") + "_x"
    assert "x" in find_task_faults(METRICS, [task, "x"])
    assert task in find_task_faults(METRICS, ["x", task])


@pytest.mark.parametrize("end", ["low", "high", "mean", "std", "by_sex"])
def test_ends_that_reports_put_behind_a_name(end):
    assert "shares the column" in find_task_faults(METRICS, ["x", f"x_{end}"], ["sex"])[f"x_{end}"]


def test_attributes():
    assert find_shared_columns(["fpr_gap"], ["x", "x_by_a"], ["b", "a_by_b"])["x_by_a"][0] == "x"
    assert find_attribute_faults(["a", "b", "a_x_b"]) == {"a_x_b": "the intersection of a and b"}
    assert find_attribute_faults(["a_x_b", "c"]) == {}
    of_the_file = ["cell", "code_sex", "rows_test", "independent_train"]
    assert list(find_attribute_faults(["sex", *of_the_file])) == of_the_file


@given(st.lists(st.text(alphabet="ax_", min_size=1, max_size=6), min_size=2, max_size=4, unique=True))
def test_what_is_left_makes_no_column_twice(tasks):
    metrics = ["a", "a_x", "x"]
    faults = find_task_faults(metrics, tasks)
    kept = [task for task in tasks if task not in faults]
    columns = [f"{metric}_{task}" for metric in metrics for task in kept]
    assert len(columns) == len(set(columns))


def test_eighty_tasks_and_thirty_attributes():
    tasks = [f"task_{each:02d}" for each in range(80)]
    assert find_task_faults(METRICS, tasks, [f"attribute_{each}" for each in range(30)]) == {}
