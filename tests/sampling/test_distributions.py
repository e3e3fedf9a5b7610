"""Draws: keyed by seed, column and index alone; the right distributions; the same numbers everywhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretofair.metrics.constraints import parse_constraint
from paretofair.sampling.distributions import (
    Choice,
    Distribution,
    Fixed,
    Integers,
    LogUniform,
    Simplex,
    Uniform,
    When,
    draw,
    exp,
    log,
    uniforms,
)

TASKS = ("high_grade", "pass_bar")
SPACE = {
    "learning_rate": LogUniform(0.01, 0.3),
    "epochs": Choice((20, 40, 60)),
    "task_weight": Simplex(),
    "fairness_weight": {"high_grade": Fixed(0.0), "pass_bar": Uniform(0.0, 5.0)},
    "layers": Integers(1, 4),
}
ranges = st.tuples(st.integers(0, 10_000), st.integers(0, 50)).map(lambda pair: (pair[0], sum(pair)))


def test_columns_types_and_lengths() -> None:
    drawn = draw(SPACE, TASKS, seed=0, first=3, last=10)
    assert list(drawn) == [
        "learning_rate",
        "epochs",
        "task_weight_high_grade",
        "task_weight_pass_bar",
        "fairness_weight_high_grade",
        "fairness_weight_pass_bar",
        "layers",
    ]
    assert all(values.shape == (7,) for values in drawn.values())
    assert {name for name, values in drawn.items() if values.dtype == np.int64} == {"epochs", "layers"}
    assert {values.dtype.name for values in drawn.values()} == {"int64", "float64"}


@given(ranges, st.integers(0, 999_999))
@settings(max_examples=50)
def test_a_value_depends_on_its_index_only_not_on_the_range(span: tuple[int, int], seed: int) -> None:
    first, last = span
    part = draw(SPACE, TASKS, seed=seed, first=first, last=last)
    whole = draw(SPACE, TASKS, seed=seed, first=0, last=last)
    for name, values in part.items():
        np.testing.assert_array_equal(values, whole[name][first:])


@given(st.sets(st.sampled_from(sorted(SPACE)), min_size=1), st.integers(0, 999_999))
@settings(max_examples=50)
def test_other_parameters_leave_a_value_alone(names: set[str], seed: int) -> None:
    some = draw({name: SPACE[name] for name in names}, TASKS, seed=seed, first=0, last=20)
    everything = draw(SPACE, TASKS, seed=seed, first=0, last=20)
    for name, values in some.items():
        np.testing.assert_array_equal(values, everything[name])


@given(st.integers(0, 999_999))
@settings(max_examples=50)
def test_ranges_and_sums(seed: int) -> None:
    drawn = draw(SPACE, TASKS, seed=seed, first=0, last=200)
    assert np.all((drawn["learning_rate"] >= 0.01) & (drawn["learning_rate"] <= 0.3))
    assert set(drawn["epochs"]) <= {20, 40, 60}
    assert set(drawn["layers"]) <= {1, 2, 3, 4}
    assert np.all(drawn["fairness_weight_high_grade"] == 0)
    assert np.all((drawn["fairness_weight_pass_bar"] >= 0) & (drawn["fairness_weight_pass_bar"] <= 5))
    shares = np.stack([drawn["task_weight_high_grade"], drawn["task_weight_pass_bar"]])
    assert np.all(shares > 0)
    np.testing.assert_allclose(shares.sum(0), 1, rtol=1e-15)


def test_seeds_columns_and_tasks_have_unrelated_streams() -> None:
    streams = np.stack(
        [uniforms(seed, name, 0, 5000) for seed in (0, 1, 2) for name in ("a_high_grade", "a_pass_bar", "b")]
    )
    correlation = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(correlation).max() < 4 / math.sqrt(5000)


def kolmogorov_smirnov(values: np.ndarray) -> float:
    """Largest distance of the values' distribution from the uniform one, in units of 1/sqrt(n)."""
    ordered, n = np.sort(values), len(values)
    above = np.arange(1, n + 1) / n - ordered
    return float(max(above.max(), (1 / n - above).max()) * math.sqrt(n))


@pytest.mark.parametrize(
    ("distribution", "cumulative"),
    [
        (Uniform(-1.0, 3.0), lambda x: (x + 1) / 4),
        (LogUniform(0.01, 0.3), lambda x: np.log(x / 0.01) / np.log(30)),
        (LogUniform(1e-12, 1e12), lambda x: np.log(x / 1e-12) / np.log(1e24)),
    ],
)
def test_distribution_of_continuous_draws(distribution: Distribution, cumulative) -> None:
    values = draw({"x": distribution}, (), seed=1, first=0, last=20_000)["x"]
    # 1.95: the 0.1 % point; the draws are fixed by the seed.
    assert kolmogorov_smirnov(cumulative(values)) < 1.95


@pytest.mark.parametrize("tasks", [("a", "b"), ("a", "b", "c")])
def test_simplex_is_uniform(tasks: tuple[str, ...]) -> None:
    drawn = draw({"task_weight": Simplex()}, tasks, seed=0, first=0, last=20_000)
    for task in tasks:
        # A share of the flat Dirichlet distribution is Beta(1, T - 1).
        assert kolmogorov_smirnov(1 - (1 - drawn[f"task_weight_{task}"]) ** (len(tasks) - 1)) < 1.95


@pytest.mark.parametrize("distribution", [Choice((1, 2, 3, 4, 5)), Integers(1, 5)])
def test_discrete_draws_have_equal_chances(distribution: Distribution) -> None:
    values = draw({"x": distribution}, (), seed=0, first=0, last=20_000)["x"]
    _, counts = np.unique(values, return_counts=True)
    assert len(counts) == 5
    # Chi-squared with 4 degrees of freedom: 18.5 is the 0.1 % point.
    assert ((counts - 4000) ** 2 / 4000).sum() < 18.5


def test_one_task_has_the_whole_share() -> None:
    drawn = draw({"task_weight": Simplex()}, ("only",), seed=0, first=0, last=5)
    np.testing.assert_array_equal(drawn["task_weight_only"], np.ones(5))


def test_draws_stay_what_they_are() -> None:
    """Exact values: a change here changes what every published space file means."""
    drawn = draw(SPACE, TASKS, seed=0, first=0, last=2)
    assert {name: values.tolist() for name, values in drawn.items()} == {
        "learning_rate": [0.01551582438459374, 0.01209028921049716],
        "epochs": [60, 40],
        "task_weight_high_grade": [0.2525349910588411, 0.4989396407135223],
        "task_weight_pass_bar": [0.747465008941159, 0.5010603592864779],
        "fairness_weight_high_grade": [0.0, 0.0],
        "fairness_weight_pass_bar": [2.2214228303605217, 4.759014200374186],
        "layers": [1, 3],
    }


def test_exp_and_log_agree_with_the_library() -> None:
    x = np.linspace(-690, 690, 100_001)
    np.testing.assert_allclose(exp(x), np.exp(x), rtol=1e-15)
    u = np.concatenate([np.geomspace(1e-300, 1e300, 100_001), 1 + np.linspace(-0.5, 1, 10_001)])
    np.testing.assert_allclose(log(u), np.log(u), rtol=1e-15)
    assert log(np.array([1.0]))[0] == 0
    assert log(np.array([1 - 2.0**-53]))[0] == -(2.0**-53)


@given(st.integers(0, 2**52 - 1), st.integers(1, 10_000))
def test_largest_uniform_number_stays_below_one_and_below_every_count(k: int, count: int) -> None:
    u = (k + 0.5) * 2.0**-52
    assert 0 < u < 1
    assert math.floor(u * count) < count


def test_negative_ranges_of_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="first <= last, got 5 and 4"):
        uniforms(0, "x", 5, 4)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (Fixed(3), 3),
        (Choice((60, 20, 40)), 40),
        (Choice((20, 40, 60, 80)), 40),
        (Uniform(1.0, 4.0), 2.5),
        (LogUniform(0.01, 100.0), 1.0),
        (Integers(1, 4), 2),
    ],
)
def test_centre_is_the_median(distribution: Distribution, expected: float) -> None:
    assert distribution.centre == pytest.approx(expected, rel=1e-15)
    drawn = distribution.values(uniforms(0, "x", 0, 4001))
    assert np.mean(drawn <= distribution.centre) >= 0.47
    assert np.mean(drawn >= distribution.centre) >= 0.47


@pytest.mark.parametrize(
    ("distribution", "outside"),
    [
        (Fixed(0.5), [0.4, 1.0]),
        (Choice((20, 40, 60)), [30, 61]),
        (Uniform(0.0, 5.0), [-0.1, 5.1]),
        (LogUniform(0.01, 0.3), [0.009, 0.31]),
        (Integers(1, 4), [0, 2.5, 5]),
        (When(parse_constraint("epochs >= 40"), Uniform(0.0, 1.0), -1.0), [-0.5, 1.1]),
    ],
)
def test_a_distribution_covers_what_it_draws(distribution: Distribution, outside: list[float]) -> None:
    drawn = distribution.values(uniforms(0, "a", 0, 100))
    assert distribution.covers(drawn).all()
    assert not distribution.covers(np.array([*outside, math.nan])).any()
