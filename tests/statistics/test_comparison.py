from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from paretofair.statistics import comparison
from paretofair.statistics.comparison import bootstrap_interval, holm, paired_comparison

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


@given(runs, st.sampled_from([0.5, 0.9, 0.95]), st.integers(0, 3))
def test_interval_is_scipys_at_the_expanded_level(values: list[float], level: float, seed: int) -> None:
    n = len(values)
    tail = stats.norm.cdf(stats.t.ppf((1 - level) / 2, n - 1) / np.sqrt(1 - 1 / n))
    expected = stats.bootstrap(
        (np.sort(values),),
        np.mean,
        n_resamples=500,
        confidence_level=1 - 2 * tail,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    mean, low, high = bootstrap_interval(values, level=level, resamples=500, seed=seed)
    assert mean == pytest.approx(np.mean(values), abs=1e-12)
    assert low == pytest.approx(expected.low, abs=1e-12)
    assert high == pytest.approx(expected.high, abs=1e-12)


@given(runs, st.randoms(use_true_random=False))
def test_interval_does_not_depend_on_order_or_missing_runs(values: list[float], random) -> None:
    interval = bootstrap_interval(values, resamples=200)
    mixed = [*random.sample(values, len(values)), np.nan, np.inf, -np.inf]
    assert bootstrap_interval(mixed, resamples=200) == interval
    assert min(values) <= interval.low <= interval.high <= max(values)
    assert min(values) <= interval.mean <= max(values)


@given(runs, st.sampled_from([0.001, 3.0, 1e6]), st.sampled_from([-7.0, 0.0, 2.5]))
def test_interval_goes_with_the_units(values: list[float], factor: float, shift: float) -> None:
    moved = bootstrap_interval(np.array(values) * factor + shift, resamples=200)
    expected = np.array(bootstrap_interval(values, resamples=200)) * factor + shift
    assert moved == pytest.approx(expected, rel=1e-9, abs=1e-12 * max(1, factor))


@given(runs)
def test_higher_levels_are_wider(values: list[float]) -> None:
    ends = [bootstrap_interval(values, level=level, resamples=200)[1:] for level in (0.5, 0.9, 0.99)]
    assert ends[0][0] >= ends[1][0] >= ends[2][0]
    assert ends[0][1] <= ends[1][1] <= ends[2][1]


@pytest.mark.parametrize(
    ("count", "least", "most"), [(2, 0.46, 0.54), (3, 0.72, 0.78), (5, 0.91, 0.95), (10, 0.93, 0.97)]
)
def test_coverage_is_as_the_docstring_says(count: int, least: float, most: float) -> None:
    samples = np.random.default_rng(1).normal(size=(2000, count))
    intervals = [bootstrap_interval(sample, resamples=1000) for sample in samples]
    assert least <= np.mean([low <= 0 <= high for _, low, high in intervals]) <= most


def test_interval_of_many_runs_is_about_students() -> None:
    sample = np.random.default_rng(0).normal(3, 2, 60)
    mean, low, high = bootstrap_interval(sample)
    half = stats.t.ppf(0.975, 59) * stats.sem(sample)
    assert [low, high] == pytest.approx([mean - half, mean + half], abs=0.1 * half)


def test_interval_of_few_runs() -> None:
    assert bootstrap_interval([1.0, 4.0]) == (2.5, 1.0, 4.0)
    for values in ([0.1, np.nan], [0.1]):
        mean, low, high = bootstrap_interval(values)
        assert mean == 0.1
        assert np.isnan([low, high]).all()
    for nothing in ([], [np.nan, np.inf]):
        assert np.isnan(bootstrap_interval(nothing)).all()
    for count in (2, 3, 10, 33):
        assert bootstrap_interval([0.1] * count) == (0.1, 0.1, 0.1)


def test_interval_is_drawn_from_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=12)
    assert bootstrap_interval(values) == bootstrap_interval(values, seed=0, resamples=10_000, level=0.95)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


@given(st.lists(tenths, min_size=1, max_size=comparison.EXACT_PAIRS))
def test_every_flip_counts_up_to_sixteen_pairs(differences: list[int]) -> None:
    result = paired_comparison(np.array(differences) / 10, np.zeros(len(differences)))
    assert result.p_value == p_value_slow(differences)
    assert result.pairs == len(differences)
    assert result[:3] == pytest.approx(bootstrap_interval(np.array(differences) / 10), nan_ok=True)


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
    with pytest.raises(ValueError, match=r"got values of shape \(1, 2\), expected \(runs,\)"):
        bootstrap_interval([[0.1, 0.2]])
    for level in (0, 1, 95, float("nan")):
        with pytest.raises(ValueError, match="expected a number between 0 and 1"):
            bootstrap_interval([0.1, 0.2], level=level)
        with pytest.raises(ValueError, match="expected a number between 0 and 1"):
            paired_comparison([0.1], [0.2], level=level)
    with pytest.raises(ValueError, match="got 0 resamples, expected at least one"):
        bootstrap_interval([0.1, 0.2], resamples=0)
    for a, b in (([0.1], [0.1, 0.2]), ([[0.1]], [[0.1]]), ([0.1, 0.2], 0.1)):
        with pytest.raises(ValueError, match=r"got shapes .* expected \(seeds,\) twice"):
            paired_comparison(a, b)
    for wrong in ([-0.1], [0.5, 1.1], [np.inf]):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            holm(wrong)


def test_inputs_not_mutated() -> None:
    values = np.array([0.5, 0.1, np.nan])
    values.setflags(write=False)
    bootstrap_interval(values)
    paired_comparison(values, values)
    holm(values)


@given(hnp.arrays(np.float64, st.integers(2, 6), elements=st.floats(-1e300, 1e300)))
def test_extreme_values_give_numbers(values: np.ndarray) -> None:
    assert np.isfinite(bootstrap_interval(values / 10, resamples=50)).all()
    assert 0 < paired_comparison(values / 10, np.zeros(len(values))).p_value <= 1
