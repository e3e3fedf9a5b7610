import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from paretofair.statistics.intervals import mean_interval

values_of_runs = st.lists(st.integers(-1000, 1000).map(lambda n: n / 1000), min_size=2, max_size=20)


@given(values_of_runs, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_as_scipy(values: list[float], level: float) -> None:
    found = mean_interval(values, level=level)
    assert found.runs == len(values)
    assert (found.mean, found.std) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    if found.std > 0:
        expected = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert (found.low, found.high) == pytest.approx(expected)


def test_one_run_has_no_interval() -> None:
    found = mean_interval([0.2])
    assert found.mean == 0.2
    assert found.runs == 1
    assert all(math.isnan(value) for value in (found.std, found.low, found.high))
    assert found.contains(0.0), "an unknown interval excludes nothing"


def test_nan_runs_are_left_out_and_counted_out() -> None:
    assert mean_interval([0.1, math.nan, 0.3]) == mean_interval([0.1, 0.3])
    nothing = mean_interval([math.nan])
    assert math.isnan(nothing.mean)
    assert nothing.runs == 0
    assert mean_interval([]).runs == 0


def test_is_a_signed_gap_luck() -> None:
    assert mean_interval([0.009, -0.006, 0.002]).contains(0.0)
    assert not mean_interval([-0.062, -0.046, -0.061]).contains(0.0)


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match=r"got values of shape \(1, 2\), expected \(runs,\)"):
        mean_interval([[0.1, 0.2]])
    with pytest.raises(ValueError, match="got level 95, expected a number between 0 and 1"):
        mean_interval([0.1, 0.2], level=95)


def test_inputs_not_mutated() -> None:
    values = np.array([0.1, math.nan, 0.2])
    values.setflags(write=False)
    mean_interval(values)
