import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretofair.pareto.selection import midpoint

values = st.lists(st.integers(0, 40).map(lambda n: n / 8), min_size=1, max_size=20)


@given(values, values)
def test_no_point_is_closer_to_the_middle(front: list[float], others: list[float]) -> None:
    runs = front + others
    middle = (min(runs) + max(runs)) / 2
    chosen = midpoint(front, runs)
    expected = min(range(len(front)), key=lambda i: (abs(front[i] - middle), front[i], i))
    assert chosen == expected
    assert type(chosen) is int


def test_range_is_over_all_runs_not_the_front() -> None:
    assert midpoint([0.9, 1.0, 1.1], [0.9, 1.0, 1.1]) == 1
    assert midpoint([0.9, 1.0, 1.1], [0.9, 1.0, 1.1, 1.3]) == 2


def test_ties_go_to_the_smaller_error_then_to_the_first() -> None:
    assert midpoint([1.25, 0.75, 0.75], [0.0, 2.0]) == 1


def test_nan_is_ignored_and_indices_stay() -> None:
    assert midpoint([np.nan, np.inf, 1.0, 3.0], [np.nan, 0.0, 2.0, np.inf]) == 2


def test_nothing_to_choose_from() -> None:
    with pytest.raises(ValueError, match="got front without a finite value"):
        midpoint([], [1.0])
    with pytest.raises(ValueError, match="got all_values without a finite value"):
        midpoint([1.0], [np.nan])
    with pytest.raises(ValueError, match=r"got front of shape \(1, 2\)"):
        midpoint([[1.0, 2.0]], [1.0])


def test_inputs_not_mutated() -> None:
    front, runs = np.array([1.0, np.nan]), np.array([0.0, 2.0])
    front.setflags(write=False)
    runs.setflags(write=False)
    midpoint(front, runs)
