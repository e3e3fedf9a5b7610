from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paretofair.pareto.fronts import non_dominated
from paretofair.pareto.hypervolume import hypervolume


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
