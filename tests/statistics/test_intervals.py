import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from paretofair.statistics.intervals import ENOUGH, bootstrap_interval, mean_interval, seed_interval

tenths = st.integers(-20, 20)
runs = st.lists(tenths.map(lambda n: n / 10), min_size=2, max_size=12)
values_of_runs = st.lists(st.integers(-1000, 1000).map(lambda n: n / 1000), min_size=2, max_size=20)


@given(values_of_runs, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_as_scipy(values: list[float], level: float) -> None:
    found = mean_interval(values, level=level)
    assert found.runs == len(values)
    assert (found.mean, found.std) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    if found.std > 0:
        expected = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
        assert (found.low, found.high) == pytest.approx(expected)


def test_one_run_has_no_interval() -> None:
    found = mean_interval([0.2])
    assert found.mean == 0.2
    assert found.runs == 1
    assert all(math.isnan(value) for value in (found.std, found.low, found.high))


def test_nan_runs_are_left_out_and_counted_out() -> None:
    assert mean_interval([0.1, math.nan, 0.3]) == mean_interval([0.1, 0.3])
    nothing = mean_interval([math.nan])
    assert math.isnan(nothing.mean)
    assert nothing.runs == 0
    assert mean_interval([]).runs == 0


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
    mean, _, low, high, _ = bootstrap_interval(values, level=level, resamples=500, seed=seed)
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
    found = bootstrap_interval(values, resamples=200)
    expected = np.array([found.mean, found.low, found.high]) * factor + shift
    assert (moved.mean, moved.low, moved.high) == pytest.approx(expected, rel=1e-9, abs=1e-12 * max(1, factor))


@given(runs)
def test_higher_levels_are_wider(values: list[float]) -> None:
    ends = [bootstrap_interval(values, level=level, resamples=200)[2:4] for level in (0.5, 0.9, 0.99)]
    assert ends[0][0] >= ends[1][0] >= ends[2][0]
    assert ends[0][1] <= ends[1][1] <= ends[2][1]


@pytest.mark.parametrize(
    ("count", "least", "most"), [(2, 0.46, 0.54), (3, 0.72, 0.78), (5, 0.91, 0.95), (10, 0.93, 0.97)]
)
def test_coverage_is_as_the_docstring_says(count: int, least: float, most: float) -> None:
    samples = np.random.default_rng(1).normal(size=(2000, count))
    intervals = [bootstrap_interval(sample, resamples=1000) for sample in samples]
    assert least <= np.mean([low <= 0 <= high for _, _, low, high, _ in intervals]) <= most


def test_interval_of_many_runs_is_about_students() -> None:
    sample = np.random.default_rng(0).normal(3, 2, 60)
    mean, _, low, high, _ = bootstrap_interval(sample)
    half = stats.t.ppf(0.975, 59) * stats.sem(sample)
    assert [low, high] == pytest.approx([mean - half, mean + half], abs=0.1 * half)


def test_interval_of_few_runs() -> None:
    assert bootstrap_interval([1.0, 4.0]) == pytest.approx((2.5, 4.5**0.5, 1.0, 4.0, 2))
    for values in ([0.1, np.nan], [0.1]):
        mean, _, low, high, _ = bootstrap_interval(values)
        assert mean == 0.1
        assert np.isnan([low, high]).all()
    for nothing in ([], [np.nan, np.inf]):
        assert np.isnan(bootstrap_interval(nothing)[:4]).all()
    for count in (2, 3, 10, 33):
        assert bootstrap_interval([0.1] * count) == (0.1, 0.0, 0.1, 0.1, count)


def test_interval_is_drawn_from_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=12)
    assert bootstrap_interval(values) == bootstrap_interval(values, seed=0, resamples=10_000, level=0.95)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


@given(st.lists(tenths.map(lambda n: n / 10), min_size=1, max_size=12))
def test_what_is_shown_is_students_below_six_seeds(values: list[float]) -> None:
    expected = mean_interval(values) if len(values) < 6 else bootstrap_interval(values)
    found = seed_interval([*values, math.nan, math.inf])
    assert found == pytest.approx(expected, nan_ok=True)
    assert ENOUGH == 6


@pytest.mark.parametrize("count", [2, 3, 5, 6, 10])
def test_what_is_shown_holds_the_mean_as_often_as_it_says(count: int) -> None:
    samples = np.random.default_rng(1).normal(size=(2000, count))
    intervals = [seed_interval(sample, resamples=1000) for sample in samples]
    assert 0.92 <= np.mean([each.low <= 0 <= each.high for each in intervals]) <= 0.97


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match=r"got values of shape \(1, 2\), expected \(runs,\)"):
        mean_interval([[0.1, 0.2]])
    with pytest.raises(ValueError, match="got level 95, expected a number between 0 and 1"):
        mean_interval([0.1, 0.2], level=95)
    for find in (bootstrap_interval, seed_interval):
        with pytest.raises(ValueError, match=r"got values of shape \(1, 2\), expected \(runs,\)"):
            find([[0.1, 0.2]])
        for level in (0, 1, 95, float("nan")):
            with pytest.raises(ValueError, match="expected a number between 0 and 1"):
                find([0.1] * 6, level=level)
    with pytest.raises(ValueError, match="got 0 resamples, expected at least one"):
        bootstrap_interval([0.1, 0.2], resamples=0)


def test_inputs_not_mutated() -> None:
    values = np.array([0.1, math.nan, 0.2])
    values.setflags(write=False)
    mean_interval(values)
    bootstrap_interval(values)


@given(hnp.arrays(np.float64, st.integers(2, 6), elements=st.floats(-1e300, 1e300)))
def test_extreme_values_give_numbers(values: np.ndarray) -> None:
    found = bootstrap_interval(values / 1e150, resamples=50)
    assert np.isfinite(found).all()
