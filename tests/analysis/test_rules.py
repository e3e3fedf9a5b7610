"""Rules by their names, against plain searches through a front."""

from __future__ import annotations

import numpy as np
import pytest

from paretofair.analysis.reading.settings import ReportSettings
from paretofair.analysis.rules import parse_rule

TASKS = ["grade", "bar"]
ARFG_ARE = ReportSettings().build_set("arfg_are", TASKS)


def take(name: str, front: np.ndarray, runs: np.ndarray | None = None) -> int:
    """The place that a rule takes in a front whose columns are ARFG and ARE."""
    rule = parse_rule(name, ARFG_ARE, TASKS)
    columns = [["arfg", "are"].index(each.name) for each in rule.reads]
    return rule.take(front[:, columns], (front if runs is None else runs)[:, columns])


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("midpoint", 1),
        ("knee", 1),
        ("smallest arfg, are <= 1", 1),
        ("smallest arfg, are <= 1.3", 2),
        ("smallest arfg, are<=13e-1", 2),
        ("smallest arfg, are >= -1", 2),
        ("smallest are, arfg <= 0.5", 1),
        ("smallest are, arfg <= .25", 2),
        ("smallest arfg + are", 1),
        ("smallest arfg + 10 are", 1),
        ("smallest arfg + 100 are", 0),
        ("smallest 0.01 arfg + are", 0),
        ("smallest are", 0),
        ("best arfg", 2),
    ],
)
def test_rules_by_their_names(name, place):
    front = np.array([[1.0, 0.9], [0.4, 0.95], [0.2, 1.2]])
    assert take(name, front, np.array([[0.0, 0.9], [0.0, 1.0]])) == place


@pytest.mark.parametrize("name", ["", "midpoints", "smallest arfg, arfg <= 1", "smallest arfg, are < 1", "smalest are"])
def test_no_rule(name):
    with pytest.raises(ValueError, match="accepted: knee; midpoint; smallest arfg, are <= 1"):
        parse_rule(name, ARFG_ARE, TASKS)


def test_words_that_do_not_fit_the_metric():
    for name, words in (
        ("largest are", "are is minimised: write best"),
        ("smallest auc", "auc is maximised: write best"),
    ):
        with pytest.raises(ValueError, match=words):
            parse_rule(name, ARFG_ARE, TASKS)
    assert parse_rule("largest auc", ARFG_ARE, TASKS).take(np.array([[0.6], [0.8]]), np.zeros((0, 1))) == 1


def test_a_bound_that_nothing_keeps():
    with pytest.raises(ValueError, match=r"0\.5"):
        take("smallest arfg, are <= 0.5", np.array([[1.0, 0.9]]))
