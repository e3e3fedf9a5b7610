"""The list of metrics agrees with the functions that compute them."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.methods.losses.subsets import Goal
from paretofair.metrics import rates
from paretofair.metrics.registry import GOAL_GAPS, GROUP_METRICS, HEADLINE, METRICS, OF_TWO_GROUPS, RATES

COUNTS = hnp.arrays(float, (3, 2, 6), elements=st.integers(0, 30).map(float)).map(
    # Sums of scores lie between 0 and the rows that they are of.
    lambda counts: np.concatenate(
        [counts[..., :4], np.minimum(counts[..., 4:], counts[..., [0, 1]] + counts[..., [3, 2]])], -1
    )
)


@given(COUNTS)
def test_what_follows_from_other_metrics_is_what_counts_say(counts: np.ndarray) -> None:
    for metric in METRICS.values():
        if metric.source != "metrics" or metric.of_groups is None:
            continue
        parts = [GROUP_METRICS[name](counts) for name in metric.parts]
        assert all(METRICS[name].source == "rows" for name in metric.parts)
        np.testing.assert_array_equal(metric.combine(*parts), metric.of_groups(counts), err_msg=metric.name)
    accuracy = METRICS["accuracy"].combine(rates.error(counts))
    np.testing.assert_allclose(accuracy, rates.accuracy(counts), atol=1e-15)


@given(COUNTS)
def test_nothing_is_worse_than_the_worst(counts: np.ndarray) -> None:
    for metric in METRICS.values():
        if metric.of_groups is None or metric.worst is None or "opportunity_ratio" in metric.name:
            continue
        losses = metric.loss(metric.of_groups(counts))
        assert (losses[~np.isnan(losses)] <= metric.loss(metric.worst) + 1e-12).all(), metric.name


def test_lists_are_parts_of_the_registry() -> None:
    assert {name for name, metric in METRICS.items() if metric.of_groups is not None and metric.audited} == set(
        GROUP_METRICS
    )
    assert set(GROUP_METRICS) >= OF_TWO_GROUPS
    assert all(METRICS[name].source in ("rows", "metrics", "group") for name in RATES)
    assert all(METRICS[name].is_measured for name in HEADLINE)
    assert set(GOAL_GAPS) == set(get_args(Goal))
    for gap in GOAL_GAPS.values():
        assert METRICS[gap].direction == "minimised"
        assert METRICS[gap].is_of_tasks


@given(COUNTS)
def test_a_gap_is_its_signed_twin_in_size(counts: np.ndarray) -> None:
    for name in ("fpr_gap", "tpr_gap", "demographic_parity_gap"):
        one, other = METRICS[name].of_groups(counts), METRICS[f"{name}_signed"].of_groups(counts)
        both = np.isfinite(one) & np.isfinite(other)
        np.testing.assert_allclose(one[both], np.abs(other[both]), atol=1e-15)
