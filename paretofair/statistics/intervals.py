"""Means over repeated runs with their confidence intervals."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# scipy comes with scikit-learn; scipy.stats gives the same quantile but takes a second to import.
from scipy.special import stdtrit


class Interval(NamedTuple):
    """A mean over runs, as the columns of `baselines.csv`."""

    mean: float
    std: float
    low: float
    high: float
    runs: int

    def contains(self, value: float) -> bool:
        """True unless the interval excludes the value; the unknown interval of one run excludes nothing."""
        return not (value < self.low or value > self.high)


def mean_interval(values: ArrayLike, /, *, level: float = 0.95) -> Interval:
    """Mean of independent runs and its two-sided Student t interval.

    If the interval of a *signed* gap contains 0, that gap may be luck, and whatever is divided by its
    absolute value is unreliable. (An absolute gap cannot be tested so: its interval need not reach 0.)

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
    >>> interval.contains(0.0)
    False
    """
    runs = np.asarray(values, dtype=float)
    if runs.ndim != 1:
        raise ValueError(f"got values of shape {runs.shape}, expected (runs,)")
    if not 0 < level < 1:
        raise ValueError(f"got level {level}, expected a number between 0 and 1")
    runs = runs[~np.isnan(runs)]
    n = len(runs)
    mean = float(runs.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), float("nan"), n)
    std = float(runs.std(ddof=1))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * std / n**0.5
    return Interval(mean, std, mean - half, mean + half, n)
