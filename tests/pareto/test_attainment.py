from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.pareto import attainment
from paretofair.pareto.attainment import attainment_surface, mark_attained, measure_attained_share
from paretofair.pareto.fronts import non_dominated


def attains(front: np.ndarray, point: np.ndarray) -> bool:
    usable = [row for row in front if np.isfinite(row).all()]
    return bool(np.isfinite(point).all()) and any((row <= point).all() for row in usable)


def surface_slow(fronts: list[np.ndarray], needed: int) -> list[tuple[float, float]]:
    """Every crossing of a first with a second objective that enough fronts attain, and of those the lowest."""
    rows = [row for front in fronts for row in front if np.isfinite(row).all()]
    crossings = {(float(x), float(y)) for x, _ in rows for _, y in rows}
    reached = [c for c in crossings if sum(attains(front, np.array(c)) for front in fronts) >= needed]
    return sorted(c for c in reached if not any(o != c and o[0] <= c[0] and o[1] <= c[1] for o in reached))


coordinates = st.integers(-4, 4).map(float)
odd = st.sampled_from([np.nan, np.inf, -np.inf])
elements = st.one_of(*[coordinates] * 6, odd)


def sets(width: int, most: int = 6) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float64, st.tuples(st.integers(0, most), st.just(width)), elements=elements)


def several(width: int) -> st.SearchStrategy[list[np.ndarray]]:
    return st.lists(sets(width), min_size=1, max_size=5)


fronts_and_points = st.integers(1, 4).flatmap(lambda width: st.tuples(several(width), sets(width, 12)))
levels = st.sampled_from([0.01, 0.2, 0.25, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.75, 0.8, 1.0])


@given(fronts_and_points)
def test_agree_with_loops(drawn) -> None:
    fronts, points = drawn
    expected = np.array([[attains(front, point) for point in points] for front in fronts], dtype=bool)
    for front, one in zip(fronts, expected, strict=True):
        assert mark_attained(points, front).tolist() == one.tolist()
    shares = np.where(np.isfinite(points).all(axis=1), expected.mean(axis=0), np.nan)
    np.testing.assert_array_equal(measure_attained_share(fronts, points), shares)


@given(several(2), levels)
def test_surface_agrees_with_all_crossings(fronts: list[np.ndarray], level: float) -> None:
    exact = Fraction(level).limit_denominator(100) * len(fronts)
    surface = attainment_surface(fronts, level)
    assert surface.shape[1:] == (2,)
    assert list(map(tuple, surface.tolist())) == surface_slow(fronts, max(1, -(-exact.numerator // exact.denominator)))


@given(several(2), sets(2, 12), levels)
def test_surface_attains_what_enough_fronts_do(fronts: list[np.ndarray], points: np.ndarray, level: float) -> None:
    enough = measure_attained_share(fronts, points) >= level - 1e-9
    assert (mark_attained(points, attainment_surface(fronts, level)) == enough).all()


@given(several(2), st.sampled_from([(0.25, 0.5), (0.5, 0.75), (0.1, 1.0)]))
def test_fewer_fronts_reach_farther(fronts: list[np.ndarray], pair: tuple[float, float]) -> None:
    easy, hard = (attainment_surface(fronts, level) for level in pair)
    assert mark_attained(hard, easy).all()


@given(several(2), levels, st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_nor_units_matter(fronts: list[np.ndarray], level: float, random) -> None:
    surface = attainment_surface(fronts, level)
    shuffled = [np.repeat(front, 2, axis=0)[::-1] for front in random.sample(fronts, len(fronts))]
    assert (attainment_surface(shuffled, level) == surface).all()
    factors, shift = np.array([2.0, 0.25]), np.array([3.0, -1.0])
    assert (attainment_surface([front * factors + shift for front in fronts], level) == surface * factors + shift).all()


@given(sets(2, 10))
def test_surface_of_one_front_is_the_front(points: np.ndarray) -> None:
    front = np.unique(points[non_dominated(points)], axis=0)
    for level in (0.01, 0.5, 1.0):
        assert (attainment_surface([points], level) == front).all()


def test_quarters_of_four_fronts() -> None:
    fronts = [[[0, 4], [4, 0]], [[1, 3], [3, 1]], [[2, 2]], [[5, 5]]]
    assert attainment_surface(fronts, 0.25).tolist() == [[0, 4], [1, 3], [2, 2], [3, 1], [4, 0]]
    assert attainment_surface(fronts, 0.5).tolist() == [[1, 4], [2, 3], [3, 2], [4, 1]]
    assert attainment_surface(fronts, 0.75).tolist() == [[2, 4], [4, 2]]
    assert attainment_surface(fronts, 1).tolist() == [[5, 5]]


def test_shares_are_not_rounded_up_by_one_front() -> None:
    fronts = [[[i, i]] for i in range(100)]
    for count in range(1, 101):
        assert attainment_surface(fronts, count / 100).tolist() == [[count - 1, count - 1]]
    assert attainment_surface(fronts, 0.071).tolist() == [[7, 7]]


@pytest.mark.parametrize("nothing", [[], np.empty((0, 2)), [[np.nan, 0.0]]])
def test_a_front_without_points_counts_and_attains_nothing(nothing) -> None:
    fronts = [nothing, [[1, 1]], nothing, [[0, 2]]]
    assert measure_attained_share(fronts, [[1, 2], [1, 1], [0, 0]]).tolist() == [0.5, 0.25, 0]
    assert attainment_surface(fronts, 0.5).tolist() == [[1, 2]]
    assert attainment_surface(fronts, 0.51).shape == (0, 2)
    assert attainment_surface([nothing], 1.0).shape == (0, 2)
    assert mark_attained([[0, 0]], nothing).tolist() == [False]
    assert mark_attained([], nothing).shape == (0,)
    assert measure_attained_share([nothing, [[1, 1]]], []).shape == (0,)


@pytest.mark.parametrize("block", [1, 3, 20, 21])
def test_blocks_do_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    points, front = random.integers(0, 6, (23, 3)), random.integers(0, 6, (9, 3))
    expected = [attains(front, point) for point in points]
    assert len(set(expected)) == 2
    monkeypatch.setattr(attainment, "BLOCK", block)
    assert mark_attained(points, front).tolist() == expected


def test_wrong_input_says_got_and_expected() -> None:
    with pytest.raises(ValueError, match="got a front with 3 objectives, expected 2"):
        attainment_surface([[[0, 1]], [[1, 2, 3]]], 0.5)
    with pytest.raises(ValueError, match="got a front with 1 objectives, expected 2"):
        attainment_surface([[[0]]], 0.5)
    with pytest.raises(ValueError, match=r"got a front of shape \(2,\)"):
        attainment_surface([[0, 1]], 0.5)
    for level in (0, -0.5, 1.01, 50, float("nan")):
        with pytest.raises(ValueError, match="expected a share above 0, up to 1"):
            attainment_surface([[[0, 1]]], level)
    for function in (lambda: attainment_surface([], 0.5), lambda: measure_attained_share([], [[0, 1]])):
        with pytest.raises(ValueError, match="got no fronts"):
            function()
    with pytest.raises(ValueError, match="got front with 3 objectives, expected 2"):
        mark_attained([[0, 1]], [[0, 1, 2]])
    with pytest.raises(ValueError, match=r"got points of shape \(2,\)"):
        measure_attained_share([[[0, 1]]], [0, 1])


def test_inputs_not_mutated() -> None:
    front, points = np.array([[1.0, 0.0], [np.nan, 0.0]]), np.array([[1.0, 1.0], [np.nan, 0.0]])
    front.setflags(write=False)
    points.setflags(write=False)
    measure_attained_share([front], points)
    surface = attainment_surface([front], 0.5)
    surface += 1
