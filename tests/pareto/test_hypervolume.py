from itertools import combinations

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.hypervolume import EXACT_UP_TO, hypervolume, hypervolume_curve


def hypervolume_slow(points: np.ndarray, reference: np.ndarray) -> float:
    """Inclusion-exclusion over all subsets of boxes."""
    boxes = [p for p in points if np.isfinite(p).all() and (p < reference).all()]
    volume = 0.0
    for size in range(1, len(boxes) + 1):
        for subset in combinations(boxes, size):
            volume -= (-1) ** size * np.prod(reference - np.max(subset, axis=0))
    return float(volume)


coordinates = st.integers(0, 12).map(lambda n: n / 8)
odd = st.sampled_from([np.nan, np.inf, -np.inf])
shapes = st.tuples(st.integers(0, 7), st.integers(1, 4))
point_sets = hnp.arrays(np.float64, shapes, elements=st.one_of(coordinates, coordinates, coordinates, odd))


@given(point_sets)
def test_agrees_with_inclusion_exclusion(points: np.ndarray) -> None:
    reference = np.ones(points.shape[1])
    assert hypervolume(points, reference) == pytest.approx(hypervolume_slow(points, reference), abs=1e-12)


@given(point_sets, st.randoms(use_true_random=False))
def test_only_the_front_matters_in_any_order(points: np.ndarray, random) -> None:
    reference = np.ones(points.shape[1])
    whole = hypervolume(points, reference)
    order = random.sample(range(len(points)), len(points))
    assert hypervolume(points[order], reference) == pytest.approx(whole)
    assert hypervolume(np.concatenate([points, points]), reference) == pytest.approx(whole)
    assert hypervolume(points[non_dominated(points)], reference) == pytest.approx(whole)


@given(point_sets, st.integers(-4, 4))
def test_volume_scales_with_the_units(points: np.ndarray, power: int) -> None:
    factors = 2.0 ** (power * np.arange(points.shape[1]))
    scaled = hypervolume(points * factors, factors)
    assert scaled == pytest.approx(hypervolume(points, np.ones(len(factors))) * factors.prod())


def test_closed_form_of_a_staircase() -> None:
    n = 1000
    steps = np.arange(n) / n
    points = np.column_stack([steps, 1 - 1 / n - steps])
    assert hypervolume(points, reference=[1, 1]) == pytest.approx((n + 1) / (2 * n))


def test_points_at_or_beyond_the_reference_contribute_nothing() -> None:
    assert hypervolume([[1.0, 0.0], [0.0, 1.0], [2.0, -5.0], [-5.0, 2.0]], reference=[1, 1]) == 0.0
    assert hypervolume([[0.5, 0.5], [2.0, -5.0]], reference=[1, 1]) == 0.25


@pytest.mark.parametrize("empty", [[], np.empty((0, 2)), [[np.nan, 0.0]]])
def test_nothing_has_no_volume(empty) -> None:
    assert hypervolume(empty, reference=[1, 1]) == 0.0


@given(point_sets, st.lists(st.integers(0, 7), max_size=9))
def test_curve_is_the_hypervolume_of_the_first_points(points: np.ndarray, at: list[int]) -> None:
    at = [n for n in at if n <= len(points)]
    reference = np.ones(points.shape[1])
    curve = hypervolume_curve(points, reference, at)
    assert curve.tolist() == pytest.approx([hypervolume(points[:n], reference) for n in at], abs=1e-12)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_curve_of_many_points(objectives: int) -> None:
    random = np.random.default_rng(objectives)
    points = random.normal(0.5, 0.4, (500, objectives))
    points[random.random(500) < 0.1] = np.nan
    points[random.random(500) < 0.2] = points[7]
    at, reference = random.permutation(501)[:80], np.ones(objectives)
    curve = hypervolume_curve(points, reference, at)
    assert curve == pytest.approx([hypervolume(points[:n], reference) for n in at])
    assert (np.diff(curve[np.argsort(at)]) >= -1e-12).all()


def test_curve_counts_trials_that_add_nothing() -> None:
    points = [[np.nan, 0], [0.5, 0.5], [2, 0], [0.75, 0.75], [0.5, 0.5], [0, 0.75]]
    assert hypervolume_curve(points, [1, 1], range(7)).tolist() == [0, 0, 0.25, 0.25, 0.25, 0.25, 0.375]
    assert hypervolume_curve(points, [1, 1], [6, 0, 2, 2]).tolist() == [0.375, 0, 0.25, 0.25]


@pytest.mark.parametrize("empty", [[], np.empty((0, 2)), [[np.nan, 0.0]]])
def test_curve_of_nothing(empty) -> None:
    assert hypervolume_curve(empty, [1, 1], [0, len(empty)]).tolist() == [0, 0]
    assert hypervolume_curve(empty, [1, 1], []).shape == (0,)


def test_curve_at_wrong_places() -> None:
    for at in ([4], [-1], [0, 4]):
        with pytest.raises(ValueError, match=r"got places from .* expected 0 to 3, the points"):
            hypervolume_curve(np.zeros((3, 2)), [1, 1], at)
    for wrong in (2, [[1]], [0.5], [True]):
        with pytest.raises(ValueError, match=r"expected whole numbers \(places,\)"):
            hypervolume_curve(np.zeros((3, 2)), [1, 1], wrong)
    with pytest.raises(ValueError, match="got a reference with 3 objectives, expected 2 as in the points"):
        hypervolume_curve(np.zeros((3, 2)), [1, 1, 1], [3])


def test_wrong_input_says_got_and_expected() -> None:
    with pytest.raises(ValueError, match="got a reference with 3 objectives, expected 2 as in the points"):
        hypervolume([[0.0, 0.0]], reference=[1, 1, 1])
    with pytest.raises(ValueError, match="one finite number per objective"):
        hypervolume([[0.0, 0.0]], reference=[1, np.nan])
    with pytest.raises(ValueError, match="one finite number per objective"):
        hypervolume([[0.0, 0.0]], reference=1.0)
    with pytest.raises(ValueError, match=r"got points of shape \(2,\), expected \(n, 2\)"):
        hypervolume([0.0, 0.0], reference=[1, 1])


def test_inputs_not_mutated() -> None:
    points, reference = np.array([[0.1, 0.2], [np.nan, 0.0]]), np.array([1.0, 1.0])
    points.setflags(write=False)
    reference.setflags(write=False)
    hypervolume(points, reference)
    hypervolume_curve(points, reference, np.array([1, 2]))


@pytest.mark.parametrize("objectives", [5, 6, 8])
def test_more_than_four_objectives_are_approximated(objectives: int) -> None:
    random = np.random.default_rng(objectives)
    points = random.random((40, objectives)) * np.arange(1, objectives + 1)
    reference = 1.1 * np.arange(1, objectives + 1)
    exact = moocore.hypervolume(points, ref=reference)
    found = hypervolume(points, reference)
    assert found == pytest.approx(exact, rel=3e-3)
    assert found == hypervolume(points, reference), "the same for the same points"
    assert found == hypervolume(np.concatenate([points, points[:3] + 1e-3]), reference), "of dominated points too"
    assert found == pytest.approx(hypervolume(points * 7, reference * 7) / 7**objectives), "in other units"
    assert hypervolume_curve(points, reference, [0, 10, 40]).tolist() == [
        0,
        hypervolume(points[:10], reference),
        found,
    ]


def test_four_objectives_are_exact() -> None:
    # Two boxes that overlap in one corner.
    points, reference = [[0.5, 0, 0, 0], [0, 0.5, 0.5, 0.5]], [1, 1, 1, 1]
    assert hypervolume(points, reference) == pytest.approx(0.5 + 0.125 - 0.5 * 0.125)
    assert EXACT_UP_TO == 4
