import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.pareto.attainment import mark_attained
from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.indicators import epsilon_additive, igd_plus, share_dominated


def usable(points: np.ndarray) -> list[np.ndarray]:
    return [row for row in points if np.isfinite(row).all()]


def epsilon_slow(front: np.ndarray, reference: np.ndarray) -> float:
    return max(min((max(p - r) for p in usable(front)), default=np.inf) for r in usable(reference))


def igd_plus_slow(front: np.ndarray, reference: np.ndarray) -> float:
    distances = [
        min((np.sqrt(sum(max(gap, 0) ** 2 for gap in p - r)) for p in usable(front)), default=np.inf)
        for r in usable(reference)
    ]
    return float(np.mean(distances))


def share_slow(front: np.ndarray, by: np.ndarray) -> float:
    dominated = [any((q <= p).all() and (q < p).any() for q in usable(by)) for p in usable(front)]
    return float(np.mean(dominated)) if dominated else np.nan


coordinates = st.sampled_from([-0.0, 0.1, 0.7]) | st.integers(-8, 8).map(lambda n: n / 4)
odd = st.sampled_from([np.nan, np.inf, -np.inf])
elements = st.one_of(*[coordinates] * 6, odd)


def pairs(width: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    one = hnp.arrays(np.float64, st.tuples(st.integers(0, 8), st.just(width)), elements=elements)
    return st.tuples(one, one)


two_sets = st.integers(1, 4).flatmap(pairs)


@given(two_sets)
def test_agree_with_loops(sets) -> None:
    front, reference = sets
    np.testing.assert_equal(share_dominated(front, reference), share_slow(front, reference))
    assume(usable(reference))
    assert epsilon_additive(front, reference) == pytest.approx(epsilon_slow(front, reference), abs=1e-12)
    assert igd_plus(front, reference) == pytest.approx(igd_plus_slow(front, reference), abs=1e-12)


@given(two_sets)
def test_nothing_is_missing_just_where_all_is_attained(sets) -> None:
    front, reference = sets
    assume(usable(reference))
    whole = mark_attained(np.array(usable(reference)), front).all()
    assert (epsilon_additive(front, reference) <= 0) == whole
    assert (igd_plus(front, reference) == 0) == whole


@given(two_sets)
def test_more_points_never_make_a_front_worse(sets) -> None:
    front, other = sets
    assume(usable(other))
    more = np.concatenate([front, other[:2]])
    assert epsilon_additive(more, other) <= epsilon_additive(front, other)
    assert igd_plus(more, other) <= igd_plus(front, other) + 1e-12
    assert share_dominated(other, by=more) >= share_dominated(other, by=front)


@given(two_sets, st.randoms(use_true_random=False), st.integers(-3, 3))
def test_order_does_not_matter_and_units_scale(sets, random, power: int) -> None:
    front, reference = sets
    assume(usable(reference))
    mixed = front[random.sample(range(len(front)), len(front))], reference[::-1]
    factor, shift = 2.0**power, np.arange(front.shape[1]) - 1
    moved = front * factor + shift, reference * factor + shift
    for function in (epsilon_additive, igd_plus):
        value = function(front, reference)
        assert function(*mixed) == pytest.approx(value, abs=1e-12)
        assert function(*moved) == pytest.approx(value * factor, abs=1e-12)
    share = share_dominated(*sets)
    np.testing.assert_equal(share_dominated(*mixed), share)
    # Shifting can round unequal numbers to equal ones.
    np.testing.assert_equal(share_dominated(front * factor, reference * factor), share)


@given(two_sets, st.sampled_from([-1.5, -0.25, 0.0, 0.5, 2.0]))
def test_a_shifted_front(sets, shift: float) -> None:
    front, _ = sets
    assume(usable(front))
    assert epsilon_additive(front + shift, front) == pytest.approx(shift)
    own = front[non_dominated(front)]
    assert share_dominated(own, by=own) == 0
    assert share_dominated(own + 0.5, by=own) == 1
    assert share_dominated(own, by=own + 0.5) == 0


def test_closed_forms() -> None:
    along = np.linspace(0, 1, 11)
    line = np.column_stack([along, 1 - along])
    assert epsilon_additive([[1, 1]], line) == 1
    assert epsilon_additive([[0.5, 0.5]], line) == 0.5
    assert epsilon_additive([[-1, -1]], line) == -1
    assert igd_plus([[0.5, 0.5]], line) == pytest.approx(np.abs(along - 0.5).mean())
    assert igd_plus([[-1, -1]], line) == 0
    assert igd_plus([[4, 5]], [[1, 1]]) == 5
    assert share_dominated(line, by=[[0.45, 0.25]]) == pytest.approx(3 / 11)
    assert share_dominated([[0, 1], [0, 1], [1, 0], [1, 1]], by=[[0, 1]]) == 0.25


def test_neither_side_dominates_equal_points() -> None:
    assert share_dominated([[0.0, 1.0]], by=[[-0.0, 1.0]]) == 0
    assert share_dominated([[0.0, 1.0]], by=[[0.0, 1.0], [0.0, 0.5]]) == 1


@pytest.mark.parametrize("empty", [[], np.empty((0, 2)), [[np.nan, 0.0]]])
def test_nothing_to_compare(empty) -> None:
    assert epsilon_additive(empty, [[0, 1]]) == igd_plus(empty, [[0, 1]]) == np.inf
    for function in (epsilon_additive, igd_plus):
        with pytest.raises(ValueError, match="got reference_front without a finite point"):
            function([[0, 1]], empty)
    assert share_dominated([[0, 1]], by=empty) == 0
    assert np.isnan(share_dominated(empty, by=[[0, 1]]))
    assert np.isnan(share_dominated(empty, by=empty))


@pytest.mark.parametrize("function", [epsilon_additive, igd_plus, share_dominated])
def test_wrong_input_says_got_and_expected(function) -> None:
    with pytest.raises(ValueError, match=r"got (front|by) with . objectives, expected ."):
        function([[0, 1]], [[0, 1, 2]])
    with pytest.raises(ValueError, match=r"got front of shape \(2,\), expected \(n, objectives\)"):
        function([0, 1], [[0, 1]])
    with pytest.raises(ValueError, match=r"got (by|reference_front) of shape \(2,\), expected \(n, objectives\)"):
        function([[0, 1]], [0, 1])


@pytest.mark.parametrize("function", [epsilon_additive, igd_plus, share_dominated])
def test_inputs_not_mutated(function) -> None:
    front, other = np.array([[1.0, 0.0], [np.nan, 0.0]]), np.array([[1.0, 1.0], [np.nan, 0.0]])
    front.setflags(write=False)
    other.setflags(write=False)
    assert type(function(front, other)) is float
