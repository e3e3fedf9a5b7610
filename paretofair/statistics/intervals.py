"""Means over repeated runs (seeds) with their confidence intervals; `seed_interval` is the one that is shown."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# scipy comes with scikit-learn; scipy.stats gives the same quantiles but takes a second to import.
from scipy.special import ndtr, stdtrit

# From so many runs on intervals are bootstrapped.
ENOUGH = 6


class Interval(NamedTuple):
    """A mean over runs, their deviation, the ends of the mean's interval, and how many runs there are: the columns of
    `baselines.csv`."""

    mean: float
    std: float
    low: float
    high: float
    runs: int


def seed_interval(values: ArrayLike, /, *, level: float = 0.95, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Mean over seeds and its interval, as every table and figure shows it: Student's t below six seeds, bootstrapped
    from six on.

    Of few runs a bootstrap interval is too narrow, because no resample goes beyond their extremes: of three it holds
    the mean three times out of four. Student's holds it 95 times out of 100 for values that are about normal
    (`benchmarks/simulations.py` counts both). From six runs on the bootstrap comes as close, and follows skewed values.

    Args:
        values: `(seeds,)`, in any order. NaN and infinite values are left out.
        level, resamples, seed: of `mean_interval` and `bootstrap_interval`.

    Returns:
        Mean, standard deviation, both ends, and the number of seeds; the ends are NaN for one seed.

    >>> round(seed_interval([.10, .12, .14]).high, 4)
    0.1697
    >>> seed_interval([.1, .1, .1, .1, .1, .1])[2:]
    (0.1, 0.1, 6)
    """
    runs = np.asarray(values, dtype=float)
    if runs.ndim == 1 and np.isfinite(runs).sum() < ENOUGH:
        return mean_interval(runs[np.isfinite(runs)], level=level)
    return bootstrap_interval(runs, level=level, resamples=resamples, seed=seed)


def name_interval(seeds: int) -> str:
    """What `seed_interval` gives for so many seeds, as captions say it.

    >>> name_interval(5), name_interval(6)
    ("95 % Student's t interval", '95 % bootstrap interval')
    """
    return "95 % bootstrap interval" if seeds >= ENOUGH else "95 % Student's t interval"


def mean_interval(values: ArrayLike, /, *, level: float = 0.95) -> Interval:
    """Mean of independent runs and its two-sided Student t interval.

    Args:
        values: `(runs,)`. NaN runs are left out; `runs` of the result says how many were used.
        level: coverage, between 0 and 1.

    Returns:
        Mean, standard deviation (n - 1 in the denominator), both ends of the interval and the number of runs.
        All but the mean are NaN for one run, the mean also for none.

    Raises:
        ValueError: values that are not one-dimensional, or a level outside (0, 1).

    >>> interval = mean_interval([.10, .12, .14])
    >>> [round(number, 4) for number in interval]
    [0.12, 0.02, 0.0703, 0.1697, 3]
    """
    runs = np.asarray(values, dtype=float)
    if runs.ndim != 1:
        raise ValueError(f"got values of shape {runs.shape}, expected (runs,)")
    _check_level(level)
    runs = runs[~np.isnan(runs)]
    n = len(runs)
    mean = float(runs.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), float("nan"), n)
    std = float(runs.std(ddof=1))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * std / n**0.5
    return Interval(mean, std, mean - half, mean + half, n)


def bootstrap_interval(
    values: ArrayLike, /, *, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Mean of independent runs and its bootstrap interval, for numbers that need not be normal, as hypervolume.

    The expanded percentile interval of Hesterberg (2015), "What teachers should know about the bootstrap" (arXiv
    1411.5279): percentiles of the means of resampled runs, so far out that symmetric runs get about Student's t. Plain
    percentiles and BCa are too narrow: of 5 and 10 normal runs their 95 % intervals hold the mean 85 and 90 % of the
    time, these 93 and 95 %. No resample goes beyond the extremes of the runs, so an interval of 2 or 3 runs holds it
    only 50 or 75 % of the time.

    Args:
        values: `(runs,)`, in any order. NaN and infinite values are left out.
        level: coverage, between 0 and 1.
        resamples: how many means are drawn.
        seed: what they are drawn from; the same runs have the same interval.

    Returns:
        Mean, standard deviation, both ends and the number of runs. All but the mean are NaN for one run, the mean also
        for none; mean and ends are equal for equal runs.

    Raises:
        ValueError: values that are not one-dimensional, a level outside (0, 1), or no resamples.

    >>> mean, _, low, high, _ = bootstrap_interval([.10, .12, .14, .15, .11])
    >>> round(mean, 3), bool(.10 <= low < mean < high <= .15)
    (0.124, True)
    """
    runs = np.asarray(values, dtype=float)
    if runs.ndim != 1:
        raise ValueError(f"got values of shape {runs.shape}, expected (runs,)")
    _check_level(level)
    if resamples < 1:
        raise ValueError(f"got {resamples} resamples, expected at least one")
    runs = np.sort(runs[np.isfinite(runs)])
    n = len(runs)
    if n < 2:
        return Interval(float(runs[0]) if n else float("nan"), float("nan"), float("nan"), float("nan"), n)
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    means = np.append(runs[drawn].mean(axis=1), runs.mean()).clip(runs[0], runs[-1])
    tail = ndtr(stdtrit(n - 1, (1 - level) / 2) * (n / (n - 1)) ** 0.5)
    low, high = np.quantile(means[:-1], [tail, 1 - tail])
    # Equal runs deviate by nothing, not by what their mean was rounded.
    std = float(runs.std(ddof=1)) if runs[0] < runs[-1] else 0.0
    return Interval(float(means[-1]), std, float(low), float(high), n)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"got level {level}, expected a number between 0 and 1")
