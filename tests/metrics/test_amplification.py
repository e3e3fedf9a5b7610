"""Bias amplification against counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.metrics.amplification import Amplification, amplification, bias
from paretofair.metrics.registry import METRICS


@given(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.sampled_from([-1, 0, 1]), st.sampled_from([-1, 0, 1]))))
def test_bias_is_the_share_of_the_group(rows: list[tuple[int, int, int]]) -> None:
    objects, member = np.array([row[:2] for row in rows]).reshape(-1, 2).T, np.array([row[2] for row in rows])
    share, number = bias(objects, member)
    for column in range(2):
        counted = [row[2] for row in rows if row[column] == 1 and row[2] >= 0]
        assert number[column] == len(counted)
        expected = sum(counted) / len(counted) if counted else math.nan
        np.testing.assert_array_equal(share[column], expected)


def test_bias_of_stacks_of_decisions() -> None:
    random = np.random.default_rng(0)
    decisions = random.random((3, 5, 200)) > 0.4
    share, number = bias(decisions[:, :-1], decisions[:, -1])
    assert share.shape == number.shape == (3, 4)
    for trial in range(3):
        one = bias(decisions[trial, :-1].astype(int), decisions[trial, -1])
        assert np.array_equal(share[trial], one[0])
        assert np.array_equal(number[trial], one[1])


def plain(predicted, reference, rows, margin, minimum_count) -> Amplification:
    away, towards, absolute, violations, checked = [], [], [], 0, 0
    for found, wanted, count in zip(predicted, reference, rows, strict=True):
        if math.isnan(found) or math.isnan(wanted):
            continue
        away.append(found - wanted if wanted > 0.5 else wanted - found if wanted < 0.5 else 0.0)
        towards.append(found - wanted)
        absolute.append(abs(found - wanted))
        if count >= minimum_count:
            checked += 1
            violations += abs(found - wanted) > margin
    means = [sum(each) / len(each) if each else math.nan for each in (away, towards, absolute)]
    return Amplification(*map(np.asarray, (*means, len(away), violations, checked)))


shares = st.floats(0, 1) | st.sampled_from([0.5, math.nan])


@given(st.lists(st.tuples(shares, shares, shares, st.integers(0, 200)), max_size=8))
def test_as_counted_object_by_object(objects) -> None:
    columns = np.array(objects, dtype=float).reshape(-1, 4).T
    found = amplification(columns[:2], columns[2], columns[3], margin=0.1, minimum_count=50)
    for trial in range(2):
        expected = plain(columns[trial], columns[2], columns[3], 0.1, 50)
        for name, mine, theirs in zip(found._fields, found, expected, strict=True):
            np.testing.assert_allclose(mine[trial], theirs, rtol=1e-12, atol=1e-15, err_msg=name)


def test_of_the_paper_s_kind() -> None:
    """Tie 88.74 % and handbag 48.64 % men in training; both predicted for men more often."""
    found = amplification([0.95, 0.60], [0.8874, 0.4864], [400, 90])
    assert found.bias_amplification == pytest.approx((0.0626 - 0.1136) / 2)
    assert found.bias_amplification_towards == pytest.approx((0.0626 + 0.1136) / 2)
    assert found.bias_amplification_absolute == pytest.approx((0.0626 + 0.1136) / 2)
    assert (found.objects, found.bias_violations, found.checked) == (2, 1, 1)


def test_every_metric_has_a_direction() -> None:
    assert set(Amplification._fields) - {"objects", "checked"} <= set(METRICS)


def test_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"got predicted bias of shape \(3,\), reference \(2,\) and rows \(2,\)"):
        amplification([0.1, 0.2, 0.3], [0.1, 0.2], [5, 5])
