"""The audit of every attribute and intersection against fairlearn on the rows themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    MetricFrame,
    count,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    false_positive_rate,
)

from paretofair.metrics.audit import AuditLine, audit
from paretofair.metrics.registry import GROUP_METRICS, METRICS, OF_TWO_GROUPS

ATTRIBUTES, SIZES = ("sex", "race", "age"), (2, 3, 2)
GROUPINGS = ["sex", "race", "age", "sex_x_race", "sex_x_age", "race_x_age", "sex_x_race_x_age"]


def sample(seed: int = 0, rows: int = 1500) -> pd.DataFrame:
    """Rows of which a tenth lack each attribute; the third race is rare."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "sex": random.integers(0, 2, rows),
            "race": random.choice(3, rows, p=[0.6, 0.36, 0.04]),
            "age": random.integers(0, 2, rows),
        }
    ).where(random.random((rows, 3)) > 0.1, -1)
    score = random.random(rows)
    table["label"] = (random.random(rows) < score).astype(int)
    table["score"] = score
    table["decision"] = (score > 0.4 + 0.1 * table["sex"] * table["age"]).astype(int)
    return table


def cells_of(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The finest cells and their confusion array."""
    cells, codes = np.unique(table[list(ATTRIBUTES)].to_numpy(), axis=0, return_inverse=True)
    counts = np.zeros((len(cells), 6))
    column = np.where(table.decision, np.where(table.label, 0, 1), np.where(table.label, 3, 2))
    np.add.at(counts, (codes, column), 1)
    np.add.at(counts, (codes, 5 - table.label), table.score)
    return cells, counts


@pytest.mark.parametrize("minimum", [1, 15, 60])
def test_as_fairlearn_on_the_rows(minimum: int) -> None:
    table = sample()
    cells, counts = cells_of(table)
    lines = {
        (line.grouping, line.metric): line for line in audit(counts, cells, ATTRIBUTES, SIZES, minimum_count=minimum)
    }
    assert list(dict.fromkeys(grouping for grouping, _ in lines)) == GROUPINGS
    for grouping in GROUPINGS:
        columns = grouping.split("_x_")
        known = table[(table[columns] >= 0).all(axis=1)]
        sizes = known.groupby(columns)["label"].transform("size")
        rows = known[sizes >= minimum]
        told = {"y_true": rows.label, "y_pred": rows.decision, "sensitive_features": rows[columns]}
        expected = {
            "equalized_odds_max": equalized_odds_difference(**told),
            "demographic_parity_gap": demographic_parity_difference(**told),
            "disparate_impact_ratio": demographic_parity_ratio(**told),
            "fpr_gap": MetricFrame(metrics=false_positive_rate, **told).difference(),
        }
        for metric, value in expected.items():
            line = lines[grouping, metric]
            assert line.value == pytest.approx(value, abs=1e-12), (grouping, metric)
            assert line.groups == rows.groupby(columns).ngroups
            assert line.left_out == known.groupby(columns).ngroups - line.groups
            assert np.isnan(line.change)
            behind = rows[rows.label == 0] if metric == "fpr_gap" else rows
            assert line.rows == len(behind)
            by_group = MetricFrame(
                metrics=count, y_true=behind.label, y_pred=behind.decision, sensitive_features=behind[columns]
            ).by_group
            assert line.smallest == by_group.min()
        tpr_rows = lines[grouping, "tpr_gap"].rows
        assert tpr_rows == (rows.label == 1).sum()


def test_metrics_of_two_groups_only_where_there_are_two() -> None:
    cells, counts = cells_of(sample())
    lines = audit(counts, cells, ATTRIBUTES, SIZES)
    for grouping in GROUPINGS:
        metrics = [line.metric for line in lines if line.grouping == grouping]
        skipped = set() if grouping in ("sex", "age") else OF_TWO_GROUPS
        assert set(metrics) == set(GROUP_METRICS) - skipped
        assert len(metrics) == len(set(metrics))
    assert {line.metric for line in lines} <= set(METRICS)
    assert pd.DataFrame(lines).columns.tolist() == list(lines[0]._fields)


def test_leading_axes_are_independent_and_changes_are_against_vanilla() -> None:
    cells, counts = cells_of(sample())
    random = np.random.default_rng(1)
    vanilla = counts
    trials = random.permuted(np.broadcast_to(counts[..., :4], (3, 2, *counts[..., :4].shape)), axis=-1)
    trials = np.concatenate([trials, np.broadcast_to(counts[..., 4:], (3, 2, len(cells), 2))], -1)
    trials[2, 1] = np.nan
    whole = audit(trials, cells, ATTRIBUTES, SIZES, minimum_count=15, vanilla=vanilla)
    reference = {
        (line.grouping, line.metric): line.value for line in audit(vanilla, cells, ATTRIBUTES, SIZES, minimum_count=15)
    }
    for index in np.ndindex(3, 2):
        alone = audit(trials[index], cells, ATTRIBUTES, SIZES, minimum_count=15)
        of_groups = [line for line in whole if line.metric != "group_harm"]
        for line, mine in zip(of_groups, alone, strict=True):
            assert line[:2] == mine[:2]
            np.testing.assert_array_equal(line.value[index], mine.value)
            np.testing.assert_array_equal(line.change[index], mine.value - reference[line[:2]])
            for field in ("rows", "smallest", "groups", "left_out"):
                assert getattr(line, field)[index] == getattr(mine, field)
            if index == (2, 1):
                assert np.isnan(line.value[index])
                assert line.rows[index] == line.groups[index] == 0


def test_harm_is_the_largest_increase_of_a_groups_error_over_vanilla() -> None:
    cells = np.array([[0], [1], [2]])
    vanilla = np.array([[40, 10, 40, 10, 0, 0], [45, 5, 45, 5, 0, 0], [1, 0, 0, 1, 0, 0]], dtype=float)
    trial = vanilla.copy()
    trial[0, :4], trial[1, :4], trial[2, :4] = [45, 5, 45, 5], [41, 9, 45, 5], [0, 1, 0, 1]

    def harm(**told: object) -> list[AuditLine]:
        return [line for line in audit(trial, cells, ["sex"], [3], **told) if line.metric == "group_harm"]

    (line,) = harm(vanilla=vanilla, minimum_count=50)  # the group of two rows, harmed most, is too small to say
    assert line.value == line.change == pytest.approx(0.04)
    assert (line.rows, line.smallest, line.groups, line.left_out) == (200, 100, 2, 1)
    assert harm(vanilla=vanilla)[0].value == 0.5
    assert harm(vanilla=trial)[0].value == 0
    assert harm() == []


def test_unknown_everywhere_and_nobody_left() -> None:
    cells, counts = np.array([[0, -1], [1, -1]]), np.ones((2, 6))
    for line in audit(counts, cells, ("sex", "race"), (2, 3)):
        assert np.isnan(line.value) == (line.grouping != "sex")
        assert line.groups == (2 if line.grouping == "sex" else 0)
    for line in audit(counts, cells, ("sex", "race"), (2, 3), minimum_count=100):
        assert np.isnan(line.value)
        assert line.left_out == (2 if line.grouping == "sex" else 0)
        assert line.smallest == 0


def test_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"got cell_groups of shape \(2, 1\), 2 attributes"):
        audit(np.ones((2, 6)), [[0], [1]], ("sex", "race"), (2, 2))
    with pytest.raises(ValueError, match="got groups from 0 to 2, expected -1 to 1"):
        audit(np.ones((2, 6)), [[0], [2]], ("sex",), (2,))


def test_inputs_not_mutated() -> None:
    cells, counts = cells_of(sample())
    copies = cells.copy(), counts.copy()
    audit(counts, cells, ATTRIBUTES, SIZES, minimum_count=15, vanilla=counts)
    assert np.array_equal(cells, copies[0])
    assert np.array_equal(counts, copies[1])


def test_thirty_attributes_are_taken_singly_in_pairs_and_together():
    """Not in each of 2 ** 30 combinations, and the finest cells are those that have rows."""
    rng = np.random.default_rng(0)
    cells = np.unique(rng.integers(0, 2, (500, 30)), axis=0)
    names = [f"a{number}" for number in range(30)]
    lines = audit(rng.uniform(1, 9, (len(cells), 6)), cells, names, [2] * 30)
    groupings = {line.grouping for line in lines}
    assert len(groupings) == 30 + 30 * 29 // 2 + 1
    assert "_x_".join(names) in groupings
