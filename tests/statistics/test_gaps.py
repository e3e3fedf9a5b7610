"""Tests and intervals of gaps, against closed forms and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from paretofair.statistics.gaps import compare_with_null, gap_interval, relative_interval
from paretofair.statistics.resampling import permute_groups, resample_rows


def rates_of(counts: np.ndarray) -> np.ndarray:
    return counts[..., 1] / counts.sum(-1)


def find_gap(rates: np.ndarray) -> np.ndarray:
    return np.ptp(rates, axis=-1)


def count(positive: list[int], sizes: list[int]) -> np.ndarray:
    return np.stack([np.subtract(sizes, positive), positive], -1)[None]


def compare(counts: np.ndarray, resamples: int = 9_999):
    gaps = find_gap(rates_of(permute_groups(counts, resamples=resamples)))[:, 0]
    return compare_with_null(find_gap(rates_of(counts))[0], gaps, gaps)


@pytest.mark.parametrize("sizes", [(6, 5), (4, 4, 3)])
def test_p_value_is_scipys_permutation_test(sizes: tuple[int, ...]) -> None:
    decisions = np.random.default_rng(3).integers(0, 2, sum(sizes))
    samples = np.split(decisions, np.cumsum(sizes)[:-1])
    exact = stats.permutation_test(
        samples,
        lambda *groups: np.ptp([group.mean() for group in groups]),
        permutation_type="independent",
        alternative="greater",
        n_resamples=np.inf,
    ).pvalue
    found = compare(count([int(group.sum()) for group in samples], list(sizes)))
    assert found.p_value == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 9_999) ** 0.5 + 1e-4)


def test_p_value_is_fishers_for_two_groups_of_one_size() -> None:
    counts = count([14, 5], [40, 40])
    assert compare(counts).p_value == pytest.approx(stats.fisher_exact(counts[0])[1], abs=0.006)


@pytest.mark.parametrize(("sizes", "rate"), [((2000, 3000), 0.2), ((500, 4000), 0.5), ((5000, 5000), 0.1)])
def test_what_can_be_seen_is_the_closed_form_of_two_groups(sizes: tuple[int, int], rate: float) -> None:
    found = compare(count([round(n * rate) for n in sizes], list(sizes)))
    expected = 2.8 * np.sqrt(sum(rate * (1 - rate) / n for n in sizes))
    assert found.detectable == pytest.approx(expected, rel=0.04)
    # The mean size of a normal number is .8 deviations.
    assert found.null_mean == pytest.approx(np.sqrt(2 / np.pi) * expected / 2.8, rel=0.04)


def test_a_gap_as_large_as_can_be_seen_is_seen_four_times_out_of_five() -> None:
    sizes, rate = (800, 900), 0.3
    gap = compare(count([round(n * rate) for n in sizes], list(sizes))).detectable
    random = np.random.default_rng(0)
    drawn = np.stack([random.binomial(n, r, 300) for n, r in zip(sizes, (rate, rate + gap), strict=True)], -1)
    p_values = [compare(count(own.tolist(), list(sizes)), 499).p_value for own in drawn]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.8, abs=0.08)


def test_what_is_not_known_is_nan() -> None:
    assert np.isnan(compare_with_null(float("nan"), [0.1], [0.1])).all()
    assert np.isnan(compare_with_null(0.1, [np.nan], [0.1])).all()
    found = compare_with_null(0.3, [0.1, 0.2, 0.3, 0.4], [np.nan])
    assert (found.p_value, found.null_mean) == pytest.approx((3 / 5, 0.25))
    assert np.isnan(found.detectable)
    assert compare_with_null(0.3, [0.9, 0.9], [0.9, 0.9]).detectable == 1


def test_an_interval_of_two_groups_is_the_usual_one() -> None:
    counts = count([300, 500], [1000, 1200])
    off = find_gap(rates_of(resample_rows(counts, resamples=20_000)) - rates_of(counts))
    low, high = gap_interval(find_gap(rates_of(counts)), off)
    half = 1.96 * np.sqrt(sum(p * (1 - p) / n for p, n in ((0.3, 1000), (5 / 12, 1200))))
    assert [low[0], high[0]] == pytest.approx([5 / 12 - 0.3 - half, 5 / 12 - 0.3 + half], abs=0.002)


@given(hnp.arrays(float, (5, 3), elements=st.floats(0, 1)), hnp.arrays(float, 3, elements=st.floats(0, 1)))
def test_a_gap_is_as_near_to_the_true_one_as_the_gap_of_errors(seen: np.ndarray, true: np.ndarray) -> None:
    """What the intervals stand on."""
    assert (np.abs(find_gap(seen) - find_gap(true)) <= find_gap(seen - true) + 1e-12).all()


def test_relative_gaps_without_deviations_are_their_ratio() -> None:
    none = np.zeros((10, 2, 2))
    low, high = relative_interval([[0.1, 0.2], [0.3, 0.1]], none, [0.2, 0.4], none[:, 0], [0.01, 0.01])
    np.testing.assert_allclose(low, [0.5, (1.5 + 0.25) / 2])
    np.testing.assert_allclose(high, low)


def test_relative_gaps_are_those_of_every_resample() -> None:
    random = np.random.default_rng(0)
    off, single = random.uniform(0, 0.05, (1000, 1, 1)), random.uniform(0, 0.05, (1000, 1))
    low, high = relative_interval([[0.1]], off, [0.2], single, [0.01])
    np.testing.assert_allclose(low, np.quantile((0.1 - off[:, 0]) / (0.2 + single), 0.05), rtol=1e-2)
    np.testing.assert_allclose(high, np.quantile((0.1 + off[:, 0]) / (0.2 - single), 0.95), rtol=1e-2)


def test_a_divisor_that_may_be_luck_leaves_no_upper_end() -> None:
    off, single = np.full((10, 1, 2), 0.01), np.full((10, 2), 0.05)
    low, high = relative_interval([[0.1, 0.1]], off, [0.2, 0.06], single, [0.02, 0.02])
    assert np.isinf(high[0])
    assert low[0] == pytest.approx((0.09 / 0.25 + 0.09 / 0.11) / 2)
    for gaps, alone in (([[np.nan, 0.1]], [0.2, 0.2]), ([[0.1, 0.1]], [0.2, np.nan])):
        assert np.isnan(relative_interval(gaps, off, alone, single, [0.02, 0.02])).all()


def test_inputs_not_mutated() -> None:
    values = np.full((10, 1, 1), 0.1)
    values.setflags(write=False)
    compare_with_null(0.1, values[:, 0, 0], values[:, 0, 0])
    gap_interval(values[0], values)
    relative_interval(values[0], values, values[0, 0], values[:, 0], values[0, 0])
