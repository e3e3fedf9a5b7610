from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from paretofair.statistics import comparison
from paretofair.statistics.comparison import (
    count_needed_seeds,
    find_leader,
    holm,
    least_p_value,
    paired_comparison,
)
from paretofair.statistics.intervals import seed_interval

tenths = st.integers(-20, 20)
runs = st.lists(tenths.map(lambda n: n / 10), min_size=2, max_size=12)


def p_value_slow(differences: list[int]) -> float:
    """Exact: how many sign flips have each sum, one pair after the other, in whole numbers."""
    ways = Counter({0: 1})
    for d in differences:
        grown: Counter[int] = Counter()
        for total, count in ways.items():
            grown[total + d] += count
            grown[total - d] += count
        ways = grown
    reached = sum(count for total, count in ways.items() if abs(total) >= abs(sum(differences)))
    return reached / 2 ** len(differences)


def holm_slow(p_values: list[float]) -> list[float]:
    """The closed test of Bonferroni's: over all sets of tests with this one, the largest of size times smallest."""
    everything = range(len(p_values))
    sets = [s for size in range(1, len(p_values) + 1) for s in combinations(everything, size)]
    return [min(1.0, max(len(s) * min(p_values[j] for j in s) for s in sets if i in s)) for i in everything]


@given(st.lists(tenths, min_size=1, max_size=comparison.EXACT_PAIRS))
def test_every_flip_counts_up_to_sixteen_pairs(differences: list[int]) -> None:
    result = paired_comparison(np.array(differences) / 10, np.zeros(len(differences)))
    assert result.p_value == p_value_slow(differences)
    assert result.pairs == len(differences)
    interval = seed_interval(np.array(differences) / 10)
    assert result[:3] == pytest.approx((interval.mean, interval.low, interval.high), nan_ok=True)


@pytest.mark.parametrize("count", [16, 17, 30, 200])
@pytest.mark.parametrize("shift", [0, 2, 5])
def test_random_flips_come_close(count: int, shift: int) -> None:
    differences = np.random.default_rng(count).integers(-20, 21, count) + shift
    exact = p_value_slow(differences.tolist())
    found = paired_comparison(differences / 10, np.zeros(count)).p_value
    assert found == pytest.approx(exact, abs=4 * (exact / comparison.FLIPS) ** 0.5 + 1 / comparison.FLIPS)
    assert (found == exact) == (count <= 16)


@pytest.mark.parametrize("count", [3, 6, 9])
def test_p_value_is_scipys(count: int) -> None:
    a, b = np.random.default_rng(count).normal([[0.7], [0.0]], size=(2, count))
    expected = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert paired_comparison(a, b).p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("count", [5, 20])
def test_neither_order_nor_sides_matter(count: int) -> None:
    random = np.random.default_rng(count)
    a, b = random.normal(size=(2, count))
    result, swapped = paired_comparison(a, b), paired_comparison(b, a)
    order = random.permutation(count)
    assert paired_comparison(a[order], b[order]) == result
    assert swapped.p_value == result.p_value
    assert swapped.difference == pytest.approx(-result.difference)
    assert swapped.low == pytest.approx(-result.high, abs=0.02 * (result.high - result.low))
    assert result.difference == pytest.approx(np.mean(a) - np.mean(b))


def test_smallest_p_values() -> None:
    for count in (1, 2, 6, 16):
        assert paired_comparison(np.full(count, 0.3), np.zeros(count)).p_value == 2 / 2**count
    assert paired_comparison(np.full(60, 0.3), np.zeros(60)).p_value == 1 / (2**16 + 1)


@pytest.mark.parametrize("count", [4, 20])
def test_equal_methods(count: int) -> None:
    assert paired_comparison([0.1] * count, [0.1] * count) == (0, 0, 0, 1, count)


def test_pairs_that_miss_a_value_are_left_out() -> None:
    a, b = [0.5, np.nan, 0.7, 0.9, np.inf, 0.2], [0.4, 0.1, np.nan, 0.6, 0.3, 0.5]
    assert paired_comparison(a, b) == paired_comparison([0.5, 0.9, 0.2], [0.4, 0.6, 0.5])
    assert paired_comparison(a, b).pairs == 3
    one = paired_comparison([0.5, np.nan], [0.25, 0.0])
    assert (one.difference, one.p_value, one.pairs) == (0.25, 1, 1)
    assert np.isnan([one.low, one.high]).all()
    none = paired_comparison([np.nan], [0.0])
    assert np.isnan(none[:4]).all()
    assert none.pairs == 0


def test_level_reaches_the_interval() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 10))
    narrow, wide = paired_comparison(a, b, level=0.5), paired_comparison(a, b)
    assert wide.low < narrow.low < narrow.difference < narrow.high < wide.high
    assert wide.p_value == narrow.p_value


p_lists = st.lists(st.integers(0, 64).map(lambda n: n / 64), max_size=7)


@given(p_lists)
def test_holm_is_the_closed_bonferroni_test(p_values: list[float]) -> None:
    assert holm(p_values).tolist() == holm_slow(p_values)


@given(p_lists, st.randoms(use_true_random=False))
def test_holm_keeps_places_and_nan(p_values: list[float], random) -> None:
    adjusted = holm(p_values)
    order = random.sample(range(len(p_values)), len(p_values))
    assert (holm(np.array(p_values)[order]) == adjusted[order]).all()
    with_nan = np.array([[np.nan, *p_values], [*p_values, np.nan]])
    twice = holm([*p_values, *p_values])
    expected = np.array([[np.nan, *twice[: len(p_values)]], [*twice[len(p_values) :], np.nan]])
    np.testing.assert_array_equal(holm(with_nan), expected)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.5, 0.001, 0.9]) == pytest.approx([1, 0.003, 1])
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).shape == (0,)
    assert np.isnan(holm([[np.nan]])).all()


def test_wrong_input_says_got_and_expected() -> None:
    for level in (0, 1, 95, float("nan")):
        with pytest.raises(ValueError, match="expected a number between 0 and 1"):
            paired_comparison([0.1], [0.2], level=level)
    for a, b in (([0.1], [0.1, 0.2]), ([[0.1]], [[0.1]]), ([0.1, 0.2], 0.1)):
        with pytest.raises(ValueError, match=r"got shapes .* expected \(seeds,\) twice"):
            paired_comparison(a, b)
    for wrong in ([-0.1], [0.5, 1.1], [np.inf]):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            holm(wrong)


def test_inputs_not_mutated() -> None:
    values = np.array([0.5, 0.1, np.nan])
    values.setflags(write=False)
    count_needed_seeds(values)
    paired_comparison(values, values)
    holm(values)


@given(hnp.arrays(np.float64, st.integers(2, 6), elements=st.floats(-1e150, 1e150)))
def test_extreme_values_give_numbers(values: np.ndarray) -> None:
    assert 0 < paired_comparison(values / 10, np.zeros(len(values))).p_value <= 1


@given(st.integers(1, 60))
def test_the_least_p_value_is_reached(count: int) -> None:
    found = paired_comparison(np.full(count, 0.3), np.zeros(count)).p_value
    assert found >= least_p_value(count)
    assert count > 16 or found == least_p_value(count)


def draw_differences(effect: float) -> np.ndarray:
    """Many with a mean of so many deviations."""
    spread = np.tile([-1.0, 1.0], 500) * np.sqrt(999 / 1000)
    return spread + effect


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_seeds_needed_are_those_of_tables_of_power(effect: float, pairs: int) -> None:
    """Paired t-tests, 80 % power, two-sided at .05: Cohen (1988)."""
    assert count_needed_seeds(draw_differences(effect)) == pairs
    assert count_needed_seeds(-draw_differences(effect)) == pairs


@given(st.floats(0.05, 4), st.sampled_from([0.05, 0.05 / 3, 0.005]))
def test_power_is_scipys(effect: float, level: float) -> None:
    pairs = np.arange(6, 60)
    bound, shift = stats.t.ppf(1 - level / 2, pairs - 1), effect * np.sqrt(pairs)
    exact = stats.nct.sf(bound, pairs - 1, shift) + stats.nct.cdf(-bound, pairs - 1, np.minimum(shift, 3))
    known = np.isfinite(exact)  # SciPy has NaN here and there
    found = comparison._power_of_t_test(pairs, effect, level)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[known], exact[known], atol=0.015)


def test_seeds_needed_at_the_ends() -> None:
    assert count_needed_seeds([0.3, 0.3, 0.3]) == 6, "no sign-flip test of fewer falls below .05"
    assert count_needed_seeds([0.3, 0.3, 0.3], level=0.05 / 3) == 7
    assert count_needed_seeds([1.0, -1.0]) == count_needed_seeds([0.0, 0.0]) == float("inf")
    assert count_needed_seeds([1.001, -1.0, 1.0, -1.0]) == float("inf")
    assert np.isnan(count_needed_seeds([0.1, np.nan]))
    assert count_needed_seeds([0.5, 1.5, 0.5, 1.5]) <= count_needed_seeds([0.5, 1.5, 0.5, 1.5], power=0.95)


def test_who_leads() -> None:
    assert find_leader([0.3, 0.1, 0.2], [0.01, 0.01, 0.01]).tolist() == [False, True, False]
    assert not find_leader([0.3, 0.1, 0.2], [0.01, 0.08, 0.07]).any()
    assert not find_leader([0.1, 0.1], [0.0, 0.0]).any()
    assert not find_leader([0.1, 0.2], [np.nan, 0.01]).any()
    assert not find_leader([0.1, 0.2], [0.01, np.nan]).any()
    assert find_leader([np.nan, 0.1, 0.2], [np.nan, 0.01, 0.01]).tolist() == [False, True, False]
    for nothing in ([], [0.1], [np.nan, np.nan]):
        assert not find_leader(nothing, nothing).any()


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0, 2))
def test_two_lead_by_the_interval_of_their_difference(one: float, other: float, apart: float) -> None:
    assert find_leader([0.0, apart], [one, other])[0] == (apart > np.hypot(one, other))
