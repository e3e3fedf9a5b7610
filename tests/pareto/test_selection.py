from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.selection import knee, midpoint, smallest_sum, smallest_under

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


odd = st.sampled_from([np.nan, np.inf, -np.inf])
whole = st.one_of(*[st.integers(0, 9).map(float)] * 8, odd)


def rows_of(width: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(width)), elements=whole)


planes = rows_of(2).filter(lambda rows: np.isfinite(rows).all(axis=1).any())
any_rows = st.integers(1, 4).flatmap(rows_of).filter(lambda rows: np.isfinite(rows).all(axis=1).any())


def knee_slow(front: np.ndarray) -> int:
    """In whole numbers: the cross product of the line between the ends with the way from one end to the point."""
    members = [i for i in range(len(front)) if non_dominated(front)[i]]
    own = {i: tuple(Fraction(float(value)) for value in front[i]) for i in members}
    (left, top), (right, bottom) = min(own.values()), max(own.values())

    def depth(i: int) -> Fraction:
        x, y = own[i]
        return (right - left) * (top - y) - (top - bottom) * (x - left)

    return min(members, key=lambda i: (-depth(i), own[i][0], i))


@given(planes)
def test_knee_is_farthest_below_the_line(front: np.ndarray) -> None:
    chosen = knee(front)
    assert chosen == knee_slow(front)
    assert type(chosen) is int


@given(planes, st.randoms(use_true_random=False))
def test_knee_does_not_depend_on_order_units_or_dominated_points(front: np.ndarray, random) -> None:
    chosen = front[knee(front)].tolist()
    order = random.sample(range(len(front)), len(front))
    assert front[order][knee(front[order])].tolist() == chosen
    assert front[knee(front * [0.3, 700] + [1.1, -30])].tolist() == chosen
    assert knee(np.concatenate([front, [[10, 10], [10, 1000]]])) == knee(front)


def test_knee_of_a_hyperbola_is_its_middle() -> None:
    x = np.geomspace(0.1, 10, 41)
    assert knee(np.column_stack([x, 1 / x])) == 20


def test_knee_of_fronts_without_a_bulge() -> None:
    assert knee([[3, 4]]) == 0
    assert knee([[np.nan, 0], [3, 4], [3, 4]]) == 1
    assert knee([[5, 0], [0, 1]]) == knee([[0, 1], [5, 0]]) + 1 == 1
    along = np.linspace(0, 1, 101)
    assert knee(np.column_stack([along, 0.3 - 0.7 * along])) == 0
    assert knee(np.column_stack([along, 1 - along**2])[::-1]) == 100


@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=12), st.integers(-1, 10))
def test_smallest_under_agrees_with_a_loop(pairs: list[tuple[float, float]], bound: int) -> None:
    minimise, bounded = zip(*pairs, strict=True)
    finite = [i for i, pair in enumerate(pairs) if np.isfinite(pair).all()]
    assume(finite)
    within = [i for i in finite if bounded[i] <= bound]
    if within:
        chosen = smallest_under(minimise, bounded, bound)
        assert chosen == min(within, key=lambda i: (minimise[i], bounded[i], i))
        assert type(chosen) is int
        rows = np.array(pairs)
        assert not any((rows[i] <= rows[chosen]).all() and (rows[i] < rows[chosen]).any() for i in finite)
    else:
        closest = min(bounded[i] for i in finite)
        with pytest.raises(ValueError, match=f"got bound {bound}, expected at least {closest}"):
            smallest_under(minimise, bounded, bound)


def test_smallest_under_the_bound_itself_and_no_bound() -> None:
    assert smallest_under([3, 1, 2], [0.1, 0.3, 0.2], 0.2) == 2
    assert smallest_under([3, 1, 2], [0.1, 0.3, 0.2], np.nextafter(0.2, 0)) == 0
    assert smallest_under([3, 1, 2], [0.1, 0.3, 0.2], np.inf) == 1
    assert smallest_under([1, 1, 1, 1], [0.3, 0.2, 0.1, 0.1], 1) == 2
    assert smallest_under(minimise=[1, np.nan], bounded=[5, 0], bound=5) == 0


@given(any_rows, st.data())
def test_weighted_agrees_with_a_loop(front: np.ndarray, data: st.DataObject) -> None:
    width = front.shape[1]
    weights = data.draw(st.lists(st.integers(0, 3), min_size=width, max_size=width).filter(any))
    finite = [i for i, row in enumerate(front) if np.isfinite(row).all()]
    chosen = smallest_sum(front, weights)
    assert chosen == min(finite, key=lambda i: (sum(front[i] * weights), *front[i], i))
    assert type(chosen) is int
    assert non_dominated(front)[chosen]
    assert smallest_sum(front, np.array(weights) * 0.125) == chosen


def test_weights_are_of_raw_values() -> None:
    front = [[0, 1000], [3, 500], [9, 0]]
    assert [smallest_sum(front, w) for w in ([1, 0], [0, 1], [1, 1], [100, 1], [1000, 1])] == [0, 2, 2, 1, 0]


def test_equal_sums_go_by_the_first_objective_then_the_second() -> None:
    assert smallest_sum([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], [1, 1, 1]) == 2
    assert smallest_sum([[1, 0], [0, 1]], [1, 1]) == 1
    assert smallest_sum([[0, 3], [0, 2]], [1, 0]) == 1


def test_rules_with_nothing_to_choose_from() -> None:
    for empty in ([], np.empty((0, 2)), [[np.nan, 0], [0, np.inf]]):
        for rule in (knee, lambda front: smallest_sum(front, [1, 1])):
            with pytest.raises(ValueError, match="got front without a finite row, expected at least one"):
                rule(empty)
    for minimise, bounded in (([], []), ([np.nan, 1], [0, np.inf])):
        with pytest.raises(ValueError, match="got no point that is finite in both"):
            smallest_under(minimise, bounded, 1)


def test_knee_of_three_objectives() -> None:
    corners = np.eye(3)
    assert knee([*corners, [0.25, 0.25, 0.25], [0.2, 0.2, 0.5]]) == 3
    assert knee([*corners * [2, 50, 7], [0.5, 12.5, 1.75], [0.4, 10, 3.5]]) == 3


def test_rules_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="got front with 1 objective, expected 2 or more"):
        knee([[1], [2]])
    for rule in (knee, lambda front: smallest_sum(front, [1, 1])):
        with pytest.raises(ValueError, match=r"got front of shape \(2,\), expected \(n, objectives\)"):
            rule([1, 2])
    for minimise, bounded in (([1], [1, 2]), ([[1]], [[1]])):
        with pytest.raises(ValueError, match=r"got shapes .* expected \(m,\) twice"):
            smallest_under(minimise, bounded, 1)
    with pytest.raises(ValueError, match="got bound nan"):
        smallest_under([1], [1], float("nan"))
    for weights in ([1], [1, 1, 1], 1, [[1, 1]]):
        with pytest.raises(ValueError, match=r"got weights of shape .* expected \(2,\)"):
            smallest_sum([[1, 2]], weights)
    for weights in ([0, 0], [1, -1], [1, np.nan], [np.inf, 1]):
        with pytest.raises(ValueError, match="expected finite ones, not negative, not all 0"):
            smallest_sum([[1, 2]], weights)


def test_rules_do_not_mutate() -> None:
    front, values = np.array([[1.0, 2.0], [np.nan, 1.0], [2.0, 1.0]]), np.array([1.0, 2.0])
    front.setflags(write=False)
    values.setflags(write=False)
    knee(front)
    smallest_sum(front, values)
    smallest_under(values, values, 2)
