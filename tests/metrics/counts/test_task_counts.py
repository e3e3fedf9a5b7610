"""Counts of tasks of any kind against the functions of their own kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.metrics import rates
from paretofair.metrics.counts import class_counts
from paretofair.metrics.counts.task_counts import TaskCounts, count_size

CELLS = 4
GROUPS = np.array([0, 1, 1, -1])


def make_flat(seed, classes, trials=3):
    random = np.random.default_rng(seed)
    return random.integers(0, 20, (trials, sum(CELLS * count_size(each) for each in classes))).astype(float)


@given(st.integers(0, 100), st.lists(st.sampled_from([0, 3, 4]), min_size=1, max_size=4))
def test_lists_are_taken_apart_by_task(seed, classes):
    flat = make_flat(seed, classes)
    parts = TaskCounts.split(flat, CELLS, classes)
    assert [part.classes for part in parts] == classes
    np.testing.assert_array_equal(np.concatenate([part.values.reshape(3, -1) for part in parts], 1), flat)
    with pytest.raises(ValueError, match="expected"):
        TaskCounts.split(flat[:, 1:], CELLS, classes)


@given(st.integers(0, 100))
def test_binary_tasks_have_what_rates_says(seed):
    (counts,) = TaskCounts.split(make_flat(seed, [0]), CELLS, [0])
    groups = counts.merge(GROUPS, 2)
    plain = rates.merge(counts.values, GROUPS, 2)
    np.testing.assert_array_equal(groups.measure("fpr_gap", rates.fpr_gap), rates.fpr_gap(plain))
    np.testing.assert_array_equal(groups.rate("error", rates.error), rates.error(plain))
    np.testing.assert_array_equal(counts.total.rate("error", rates.error)[:, 0], rates.error(counts.values.sum(1)))
    np.testing.assert_array_equal(counts.rows, counts.values[..., :4].sum(-1))


@given(st.integers(0, 100))
def test_several_classes_have_the_worst_of_each_against_the_rest(seed):
    (counts,) = TaskCounts.split(make_flat(seed, [3]), CELLS, [3])
    groups = counts.merge(GROUPS, 2)
    plain = class_counts.one_against_rest(groups.values)
    every = rates.fpr_gap(plain)
    np.testing.assert_array_equal(groups.measure("fpr_gap", rates.fpr_gap), every.max(1))
    ratios = rates.disparate_impact_ratio(plain)
    found = groups.measure("disparate_impact_ratio", rates.disparate_impact_ratio, "far from 1")
    np.testing.assert_allclose(found, np.where(np.isnan(ratios).any(1), np.nan, ratios.min(1)))
    np.testing.assert_allclose(groups.rate("error", rates.error), class_counts.error(groups.values))
    gap = groups.measure("accuracy_gap", rates.accuracy_gap)
    np.testing.assert_allclose(gap, np.abs(np.diff(class_counts.accuracy(groups.values))[:, 0]))
    np.testing.assert_array_equal(counts.rows, counts.values[..., 0, :, :].sum((-2, -1)))


@given(st.integers(0, 100), st.sampled_from([0, 3]))
def test_decisions_can_be_put_back(seed, classes):
    (counts,) = TaskCounts.split(make_flat(seed, [classes]), CELLS, [classes])
    back = counts.with_decisions(counts.decisions)
    np.testing.assert_array_equal(back.decisions, counts.decisions)
    np.testing.assert_array_equal(back.total.rate("error", rates.error), counts.total.rate("error", rates.error))
    assert back.values.shape == counts.values.shape
