"""The order of successive halving: its promises as properties, and fronts by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paretofair.pareto.halving import halving_ranks

# Whole numbers: ties are frequent, and scaling by powers of two is exact.
points = st.integers(1, 4).flatmap(
    lambda width: arrays(float, st.tuples(st.integers(1, 30), st.just(width)), elements=st.integers(0, 6).map(float))
)


def dominates(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one <= other).all() and (one < other).any())


def brute_fronts(values: np.ndarray) -> np.ndarray:
    fronts, left, number = np.full(len(values), -1), list(range(len(values))), 0
    while left:
        best = [i for i in left if not any(dominates(values[j], values[i]) for j in left)]
        fronts[best] = number
        left = [i for i in left if i not in best]
        number += 1
    return fronts


@given(points)
def test_fronts_come_one_after_the_other(values):
    place, fronts = halving_ranks(values), brute_fronts(values)
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            assert not dominates(one, other) or place[i] < place[j]
            assert fronts[i] >= fronts[j] or place[i] < place[j]
            assert (place[i] == place[j]) == (one == other).all()
    assert set(place) == set(range(len(np.unique(values, axis=0))))


@given(points, st.randoms(use_true_random=False))
def test_neither_order_nor_units_matter(values, random):
    place = halving_ranks(values)
    shuffled = np.array(random.sample(range(len(values)), len(values)))
    np.testing.assert_array_equal(halving_ranks(values[shuffled]), place[shuffled])
    scales = 2.0 ** np.array([random.randrange(-6, 7) for _ in range(values.shape[1])])
    np.testing.assert_array_equal(halving_ranks(values * scales), place)


def test_the_first_of_a_front_are_spread_over_it():
    along = np.linspace(0, 1, 101)
    place = halving_ranks(np.stack([along, 1 - along], 1))
    assert along[np.argsort(place)[:5]].tolist() == [0, 1, 0.5, 0.25, 0.75]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_comes_last(bad):
    assert halving_ranks([[bad, 0], [2, 2], [1, 1]]).tolist() == [2, 1, 0]
    assert halving_ranks([[bad, 0], [bad, bad]]).tolist() == [0, 0]
    assert halving_ranks(np.empty((0, 2))).tolist() == []
