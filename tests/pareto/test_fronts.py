import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.pareto.fronts import non_dominated, ranks


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def non_dominated_slow(points: np.ndarray) -> list[bool]:
    usable = [bool(np.isfinite(p).all()) for p in points]
    rivals = points[usable]
    return [ok and not any(dominates(q, p) for q in rivals) for p, ok in zip(points, usable, strict=True)]


def ranks_slow(points: np.ndarray) -> list[int]:
    result, left, front = [-1] * len(points), points.copy(), 0
    while any(members := non_dominated_slow(left)):
        for index in np.flatnonzero(members):
            result[index] = front
        left[np.array(members)] = np.nan
        front += 1
    return result


ordinary = st.sampled_from([-1.0, -0.0, 0.0, 0.25, 1.0, 2.0]) | st.floats(-2, 2)
strange = st.sampled_from([np.nan, np.inf, -np.inf])
shapes = st.tuples(st.integers(0, 25), st.integers(1, 5))
point_sets = hnp.arrays(np.float64, shapes, elements=ordinary)
point_sets_with_nan = hnp.arrays(np.float64, shapes, elements=st.one_of(ordinary, ordinary, ordinary, strange))


@given(point_sets_with_nan)
def test_agree_with_brute_force(points: np.ndarray) -> None:
    assert non_dominated(points).tolist() == non_dominated_slow(points)
    assert ranks(points).tolist() == ranks_slow(points)


@given(point_sets_with_nan)
def test_rank_zero_is_the_front(points: np.ndarray) -> None:
    assert (non_dominated(points) == (ranks(points) == 0)).all()


@given(point_sets_with_nan, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(points: np.ndarray, random) -> None:
    order = random.sample(range(len(points)), len(points))
    assert (non_dominated(points[order]) == non_dominated(points)[order]).all()
    assert (ranks(points[order]) == ranks(points)[order]).all()


@given(point_sets_with_nan)
def test_duplicates_share_their_fate(points: np.ndarray) -> None:
    twice = np.concatenate([points, points])
    assert (non_dominated(twice) == np.tile(non_dominated(points), 2)).all()
    assert (ranks(twice) == np.tile(ranks(points), 2)).all()


@given(point_sets, st.integers(-4, 4))
def test_scale_and_units_do_not_matter(points: np.ndarray, power: int) -> None:
    # A power of two: other factors can round unequal numbers to equal ones. Tiny numbers would underflow.
    points = points.round(3)
    factors = 2.0 ** (power * np.arange(points.shape[1]))
    assert (non_dominated(points * factors) == non_dominated(points)).all()
    assert (ranks(points * factors) == ranks(points)).all()


@given(point_sets_with_nan)
def test_strange_rows_change_nothing_else(points: np.ndarray) -> None:
    strange_row = np.full((1, points.shape[1]), -np.inf)
    with_strange = np.concatenate([points, strange_row, strange_row * np.nan])
    assert (non_dominated(with_strange) == [*non_dominated(points), False, False]).all()
    assert (ranks(with_strange) == [*ranks(points), -1, -1]).all()


@pytest.mark.parametrize("empty", [[], np.empty((0, 2))])
def test_empty(empty) -> None:
    assert non_dominated(empty).shape == (0,)
    assert non_dominated(empty).dtype == bool
    assert ranks(empty).shape == (0,)


def test_many_ties_in_one_objective() -> None:
    generator = np.random.default_rng(0)
    points = generator.integers(0, 6, (400, 3)).astype(float)
    assert non_dominated(points).tolist() == non_dominated_slow(points)
    assert ranks(points).tolist() == ranks_slow(points)


@pytest.mark.parametrize("wrong", [[1.0, 2.0], np.zeros((2, 2, 2)), np.zeros((3, 0))])
def test_shape_is_checked(wrong) -> None:
    for function in (non_dominated, ranks):
        with pytest.raises(ValueError, match=r"got points of shape .* expected \(n, objectives\)"):
            function(wrong)


def test_inputs_not_mutated() -> None:
    points = np.array([[1.0, 2.0], [np.nan, 0.0], [0.0, 3.0]])
    points.setflags(write=False)
    non_dominated(points)
    ranks(points)
