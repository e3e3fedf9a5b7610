"""What is told of data before training: that it is told, and that nothing is told of ordinary data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from paretofair.data import load
from paretofair.data.assemble import assemble
from paretofair.data.cautions import find_cautions
from paretofair.data.splits import split
from paretofair.tasks import TaskKind

ROWS = 1000
LEAST = 50


def find(changes: Mapping[str, Mapping[str, np.ndarray]], **others: Any) -> list[str]:
    """What is told of ordinary data with these columns besides."""
    random = np.random.default_rng(0)
    columns: dict[str, dict[str, np.ndarray]] = {
        "labels": {"good": random.integers(0, 2, ROWS)},
        "numeric": {"age": random.integers(18, 80, ROWS).astype(float), "income": random.lognormal(10, 1, ROWS)},
        "categorical": {"job": random.choice(["a", "b", "c"], ROWS), "sex": np.array(["f", "m"] * (ROWS // 2))},
        "groups": {"sex": np.array([0, 1] * (ROWS // 2))},
    }
    names = {"sex": ("f", "m")} | others.pop("group_names", {})
    for kind, own in changes.items():
        columns[kind] = columns[kind] | dict(own)
    data = assemble("made", "simulated", **columns, group_names=names, checksums={}, kinds=others.pop("kinds", None))
    return find_cautions(split(data), LEAST, **others)


def good() -> np.ndarray:
    """The labels of the ordinary task."""
    return np.random.default_rng(0).integers(0, 2, ROWS)


def test_ordinary_data_are_not_spoken_of():
    assert find({}) == []


@pytest.mark.parametrize("name", ["lsac", "adult"])
def test_nor_are_large_data_sets_but_for_their_small_groups(name):
    found = find_cautions(split(load(name, source="simulated")), LEAST)
    assert all("few rows" in line or "fewer than 50 rows" in line for line in found)


def test_rows_without_a_label_or_a_group_are_told_where_all_are_meant_to_have_them():
    labels, groups = good(), np.array([0, 1] * (ROWS // 2))
    labels[:30], groups[:200] = -1, -1
    changes = {"labels": {"good": labels}, "groups": {"sex": groups}}
    assert not any("has no" in line for line in find(changes))
    told = find(changes, whole=True)
    assert "Task good has no label in 30 of 1,000 rows, which neither train nor measure it." in told
    assert any(line.startswith("Attribute sex has no group in 200 of 1,000 rows: they train") for line in told)


def test_a_label_that_occurs_a_handful_of_times():
    rare = np.zeros(ROWS, dtype=int)
    rare[:9] = 1
    (line,) = find({"labels": {"fraud": rare}})
    assert line.startswith("Task fraud has few rows of label 1 (")
    counts = [int(word.split()[0]) for word in line.split("(")[1].split(")")[0].split(", ")]
    assert sum(counts) == 9
    assert "train" in line
    assert "validation" in line
    assert "test" in line


def test_a_class_that_occurs_a_handful_of_times():
    kind = TaskKind("multiclass", ("low", "mid", "high"))
    labels = good()
    labels[::99] = 2
    (line,) = find({"labels": {"outcome": labels}}, kinds={"outcome": kind})
    assert line.startswith("Task outcome has few rows of label high (")


def test_a_label_that_is_rare_in_one_group():
    labels = good()
    labels[1::2] = 0  # of the group m
    labels[1:25:2] = 1
    (line,) = find({"labels": {"good": labels}})
    assert line.startswith("Task good has few rows of label 1 in sex m (")
    assert line.endswith("gaps between groups are luck there.")


def test_an_attribute_that_no_row_with_a_label_knows_has_no_rare_labels():
    """As where a task stands in one file and the attribute in another."""
    labels, race = good(), np.array([0, 1] * (ROWS // 2))
    labels[: ROWS // 2], race[ROWS // 2 :] = -1, -1
    names = {"group_names": {"race": ("a", "b")}}

    def rare() -> list[str]:
        found = find({"labels": {"good": labels}, "groups": {"race": race}}, **names)
        return [line for line in found if "few rows of" in line]

    assert rare() == []
    race[ROWS // 2 : ROWS // 2 + 60] = 0
    assert len(rare()) == 1


def test_a_small_group():
    race = np.zeros(ROWS, dtype=int)
    race[::8], race[::30] = 1, 2
    (line,) = find({"groups": {"race": race}}, group_names={"race": ("w", "b", "o")})
    assert line.startswith("Groups of race with fewer than 50 rows: ")
    assert "b (" in line
    assert "o (" in line
    assert "w (" not in line


def test_an_attribute_that_is_a_label():
    found = find({"groups": {"known": 1 - good()}}, group_names={"known": ("a", "b")})
    words = "in some group all labels are one, so that gaps have no value."
    assert found == [f"Attribute known and the labels of good tell each other: {words}"]
    five = np.where(good() == 1, np.arange(ROWS) % 3, 3 + np.arange(ROWS) % 2)
    found = find({"groups": {"known": five}}, group_names={"known": tuple("abcde")})
    assert any("Attribute known and the labels of good tell each other" in line for line in found)


def test_two_tasks_with_the_same_labels():
    assert find({"labels": {"same": good()}}) == ["Tasks good and same have the same labels."]


@pytest.mark.parametrize(
    "column",
    [
        {"numeric": {"copy": good().astype(float)}},
        {"numeric": {"copy": 10 - 3.0 * good()}},
        {"numeric": {"copy": 100.0 * good() + np.random.default_rng(1).uniform(0, 99, ROWS)}},
        {"categorical": {"copy": np.where(good() == 1, "yes", "no")}},
        {"categorical": {"copy": np.where(good() == 1, np.array(["p", "q"])[np.arange(ROWS) % 2], "r")}},
    ],
)
def test_an_input_that_tells_a_label(column):
    assert find(column) == ["Input copy tells the labels of good without an error: a leak?"]
    both = {kind: own | {"again": own["copy"]} for kind, own in column.items()}
    assert find(both) == ["Inputs copy, again tell the labels of good without an error: a leak?"]


def test_an_input_that_tells_a_group_is_a_leak_where_the_groups_own_column_is_no_input():
    race = np.arange(ROWS) // 2 % 2
    of_race = {"groups": {"race": race}, "categorical": {"colour": np.array(["w", "b"])[race]}}
    names = {"race": ("w", "b")}
    assert find(of_race, group_names=names) == ["Input colour tells the groups of race without an error: a leak?"]
    assert find(of_race, group_names=names, own_columns={"race": "colour"}) == []
    of_race["categorical"] |= {"race": np.array(["w", "b"])[race]}
    assert find(of_race, group_names=names) == []


def test_many_values_tell_nothing_by_chance():
    code = np.array([f"{row // 3}" for row in range(ROWS)])
    labels = np.arange(ROWS) // 3 % 2
    assert find({"labels": {"good": labels}, "categorical": {"code": code}}) == []


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        (np.arange(1, ROWS + 1), True),
        (np.random.default_rng(0).permutation(ROWS), True),
        (np.cumsum(np.random.default_rng(0).integers(1, 9, ROWS)), True),
        (np.arange(ROWS) * 0.5, False),
        (np.random.default_rng(0).choice(10**6, ROWS, replace=False), False),
    ],
)
def test_an_identifier_among_the_numbers(values, is_told):
    told = ["Inputs that number the rows: id; exclude identifiers (data.csv.inputs.exclude)."]
    assert find({"numeric": {"id": values.astype(float)}}) == (told if is_told else [])


def test_a_line_stays_short():
    kind = TaskKind("multiclass", tuple(f"class {number}" for number in range(150)))
    labels = np.arange(ROWS) % 150
    (line,) = find({"labels": {"who": labels}}, kinds={"who": kind})
    assert "and 147 more" in line
    assert len(line) < 300
