"""Methods over the same seeds: tests of paired differences, many tests at a time, and how many seeds a test needs."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

from paretofair.statistics.intervals import seed_interval

# Up to this many pairs all sign flips are tried, 2**16 of them; beyond, as many random ones.
EXACT_PAIRS = 16
FLIPS = 2**16
MOST_SEEDS = 1000  # that are counted
LEVEL = 0.05  # of the tests whose outcome is told


class PairedComparison(NamedTuple):
    """Two methods on the same seeds: the mean of a - b, its interval, the p-value and the number of pairs."""

    difference: float
    low: float
    high: float
    p_value: float
    pairs: int


def paired_comparison(a: ArrayLike, b: ArrayLike, /, *, level: float = 0.95) -> PairedComparison:
    """Whether two methods differ over the same seeds: sign-flip permutation test of the mean difference, two-sided.

    If the methods were alike, every difference could as well have the other sign. The p-value is the share of sign
    flips whose mean is at least as far from 0 as the real one. All flips are tried up to 16 pairs, then 65,536 random
    ones, always the same, the real one counted among them: Phipson and Smyth (2010), "Permutation p-values should never
    be zero". With n pairs it is never below 2 / 2**n: six pairs at least for .05.

    Args:
        a: `(seeds,)`.
        b: `(seeds,)`, in the order of `a`.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Mean of a - b over the pairs without a NaN or an infinity, its `seed_interval`, the p-value, and the number
        of those pairs. The p-value is 1.0 for one pair, and NaN for none.

    Raises:
        ValueError: arrays that are not one-dimensional or not of the same length, or a level outside (0, 1).

    >>> better = paired_comparison([.1, .2, .3, .4, .5, .6], [.2, .4, .4, .6, .6, .8])
    >>> round(better.difference, 3), better.p_value, better.pairs
    (-0.15, 0.03125, 6)
    """
    one, other = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"got shapes {one.shape} and {other.shape}, expected (seeds,) twice")
    both = np.isfinite(one) & np.isfinite(other)
    differences = one[both] - other[both]
    interval = seed_interval(differences, level=level)
    return PairedComparison(
        interval.mean, interval.low, interval.high, _sign_flip_p_value(differences), len(differences)
    )


def holm(p_values: ArrayLike, /) -> NDArray[np.float64]:
    """p-values adjusted for their number, for a table of many pairs.

    The chance that any test without a true difference gets .05 or less is .05 at most, also of tests that depend on
    each other. Source: Holm (1979), "A simple sequentially rejective multiple test procedure".

    Args:
        p_values: any shape, from 0 to 1. NaN are not tests, and stay.

    Returns:
        Same shape: at least the given values, at most 1, in the same order of size.

    Raises:
        ValueError: values outside [0, 1].

    >>> holm([.01, .04, .03, np.nan])
    array([0.03, 0.06, 0.06,  nan])
    """
    result = np.array(p_values, dtype=float)
    known = ~np.isnan(result)
    values = result[known]
    if ((values < 0) | (values > 1)).any():
        raise ValueError(f"got p-values from {values.min()} to {values.max()}, expected 0 to 1")
    order = np.argsort(values)
    steps = values[order] * np.arange(len(values), 0, -1)
    values[order] = np.maximum.accumulate(steps).clip(max=1)
    result[known] = values
    return result


def find_leader(losses: ArrayLike, reach: ArrayLike, /) -> NDArray[np.bool_]:
    """Mask of the smallest loss where it is smaller than every other beyond their intervals; else of none.

    Two means differ beyond their intervals where they are further apart than the root of the sum of their squared half
    widths: the interval of the difference of independent means. Over the same seeds methods mostly go up and down
    together, so that this is rather too careful.

    Args:
        losses: `(m,)` means, minimised. NaN ones are left out.
        reach: `(m,)` how far the interval of each goes from its mean; NaN for none, from which nothing differs.

    >>> find_leader([.1, .2, .4], [.05, .05, .05]).tolist(), find_leader([.1, .2], [.05, .1]).tolist()
    ([True, False, False], [False, False])
    """
    means, widths = np.asarray(losses, dtype=float), np.asarray(reach, dtype=float)
    mask = np.zeros(len(means), dtype=bool)
    known = np.flatnonzero(~np.isnan(means))
    if len(known) > 1:
        best = known[means[known].argmin()]
        others = known[known != best]
        # Not written as "not closer": a NaN on either side must not lead.
        mask[best] = (means[others] - means[best] > np.hypot(widths[others], widths[best])).all()
    return mask


def least_p_value(pairs: int) -> float:
    """The smallest p-value that `paired_comparison` can have with so many pairs: 2 / 2**pairs.

    >>> least_p_value(5), least_p_value(6)
    (0.0625, 0.03125)
    """
    return 1.0 if pairs < 1 else max(2.0 / 2.0**pairs, 0.0 if pairs <= EXACT_PAIRS else 1 / (1 + FLIPS))


def count_needed_seeds(
    differences: ArrayLike, /, *, level: float = LEVEL, power: float = 0.8, most: int = MOST_SEEDS
) -> float:
    """How many pairs it would take to find a difference as large as the observed one, were it the true one.

    The power of a paired t-test, which a sign-flip test comes close to for differences that are about normal
    (`benchmarks/simulations.py`), and never fewer pairs than the sign-flip test needs to fall below `level` at all.
    Mean and deviation are themselves estimates of few seeds: read the result as an order of size.

    Args:
        differences: `(seeds,)` of paired differences; NaN and infinite ones are left out.
        level: the p-value that is to be reached; of several tests the level of one of them.
        power: how often it is to be reached.
        most: where more pairs are needed the result is infinite.

    Returns:
        A whole number, infinite where it is above `most` and for a mean of 0, NaN for fewer than two pairs.

    >>> count_needed_seeds([.5, 1.5, .5, 1.5, .5, 1.5])
    6.0
    """
    known = np.asarray(differences, dtype=float)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return float("nan")
    mean, deviation = abs(known.mean()), known.std(ddof=1)
    # Differences that are equal but for rounding have no deviation.
    effect = mean / max(deviation, 1e-12 * mean) if mean > 0 else 0.0
    counts = np.arange(2, most + 1)
    reached = (_power_of_t_test(counts, effect, level) >= power) & (2.0 ** (1.0 - counts) <= level)
    return float(counts[reached.argmax()]) if reached.any() else float("inf")


def _power_of_t_test(pairs: NDArray[Any], effect: float, level: float) -> NDArray[Any]:
    """Of a two-sided paired t-test for a mean of `effect` deviations, within .015 from 6 pairs on.

    By the normal approximation to the noncentral t of Johnson and Welch (1940); SciPy's own function is NaN here and
    there.
    """
    free, shift = pairs - 1.0, effect * np.sqrt(pairs)
    bound = stdtrit(free, 1 - level / 2)
    inner, spread = bound * (1 - 1 / (4 * free)), np.sqrt(1 + bound**2 / (2 * free))
    return np.asarray(ndtr((shift - inner) / spread) + ndtr((-shift - inner) / spread))


def _sign_flip_p_value(differences: NDArray[Any]) -> float:
    n = len(differences)
    if n == 0:
        return float("nan")
    # Sizes in order: neither the order of pairs nor which method is called a changes the random flips.
    sizes = np.sort(np.abs(differences))
    # Flips that tie with the real one can differ from it by rounding.
    enough = abs(differences.sum()) - 1e-12 * sizes.sum()
    if n <= EXACT_PAIRS:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ sizes) >= enough))
    random, block, reached = np.random.default_rng(0), 2**12, 0
    for _ in range(FLIPS // block):
        signs = 1 - 2 * random.integers(0, 2, (block, n))
        reached += int(np.count_nonzero(np.abs(signs @ sizes) >= enough))
    return (1 + reached) / (1 + FLIPS)
