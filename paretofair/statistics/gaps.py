"""Whether a gap between groups is more than luck, and how far it may be from the truth, from gaps drawn anew (numpy).

A gap is the largest difference of a rate between groups, or made of such: it is never below 0, so that its interval
over seeds or resampled rows never reaches 0, and it grows with the number of groups.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.statistics.comparison import LEVEL

PERMUTATIONS = 9_999
_POWER_80 = 0.8416212335729143  # the quantile .8 of the normal distribution


class GapTest(NamedTuple):
    """A gap against what chance alone gives, columns of `baselines.csv`: its p-value, the mean gap of permuted groups
    (the floor of an absolute gap), and the smallest gap between any two groups that is found with 80 % power."""

    p_value: float
    null_mean: float
    detectable: float


def compare_with_null(gap: float, null: ArrayLike, pair: ArrayLike, /, *, most: float = 1.0) -> GapTest:
    """A gap against gaps of permuted groups.

    The p-value is (1 + how many of them are at least as large) / (1 + their number), exact whatever the number of
    groups (Phipson and Smyth 2010). A gap is found where it is above their quantile .95. A true gap between two groups
    is found with 80 % power where it is as far above that as .84 deviations of the difference of these two: for two
    groups 2.8 √(Σ p (1 - p) / n).

    Args:
        gap: the observed one; of several models their mean.
        null: `(resamples,)` the same of permuted groups.
        most: the largest value that a gap can have.
        pair: `(resamples,)` the gap between the two groups with the fewest rows alone, whose difference is known worst.

    Returns:
        All NaN where the gap or all of `null` are NaN; `detectable` is at most `most`.
    """
    drawn, of_pair = (np.asarray(each, dtype=float) for each in (null, pair))
    drawn, of_pair = drawn[~np.isnan(drawn)], of_pair[~np.isnan(of_pair)]
    if np.isnan(gap) or not len(drawn):
        return GapTest(float("nan"), float("nan"), float("nan"))
    # Gaps that tie with the observed one can differ from it by rounding.
    reached = np.count_nonzero(drawn >= gap - 1e-12)
    spread = float(np.sqrt((of_pair**2).mean())) if len(of_pair) else float("nan")
    found = float(np.quantile(drawn, 1 - LEVEL)) + _POWER_80 * spread
    return GapTest((1 + reached) / (1 + len(drawn)), float(drawn.mean()), min(found, most))


def gap_interval(gap: ArrayLike, deviations: ArrayLike, /, *, level: float = 0.95) -> tuple[NDArray[Any], NDArray[Any]]:
    """The ends of an interval of a gap: the gap less and plus the quantile `level` of its deviations, not below 0.

    A deviation is the gap of errors, of the rates of resampled rows less those of the rows themselves. A gap is
    sublinear: it differs from the true one by at most the gap of the errors. So the interval holds the true gap with
    the level or more, also one of 0, which an interval of resampled gaps never holds. For two groups it is the usual
    one of a difference.

    Args:
        gap: `(...)`.
        deviations: `(resamples, ...)`.
        level: coverage.
    """
    value, reach = (
        np.asarray(gap, dtype=float),
        np.quantile(np.asarray(deviations, dtype=float), level, axis=0, method="higher"),
    )
    return np.maximum(value - reach, 0), value + reach


def relative_interval(
    gaps: ArrayLike,
    deviations: ArrayLike,
    alone: ArrayLike,
    alone_deviations: ArrayLike,
    floor: ArrayLike,
    /,
    *,
    level: float = 0.95,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The ends of an interval of relative gaps, the mean over tasks of gap / gap of single-task models.

    As `gap_interval`, with deviations of both: in every resample the largest and the smallest mean ratio that they
    allow, of which the quantiles `level` and 1 - `level` are taken, not below 0. Where the interval of a single-task
    gap reaches what chance alone gives (`floor`), the divisor may be nothing, and there is no upper end.

    Args:
        gaps: `(trials, tasks)`.
        deviations: `(resamples, trials, tasks)`.
        alone: `(tasks,)` mean gaps of single-task models.
        alone_deviations: `(resamples, tasks)`.
        floor: `(tasks,)` the mean of their gaps under permuted groups (`GapTest.null_mean`).

    Returns:
        `(trials,)` twice. NaN where a gap or a divisor is NaN, infinite upper ends where there is none.
    """
    own, single = np.asarray(gaps, dtype=float), np.asarray(alone, dtype=float)
    off, off_single = np.asarray(deviations, dtype=float), np.asarray(alone_deviations, dtype=float)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        # Not cut at 0 task by task: luck in one task then makes up for none in another.
        low = np.quantile(((own - off) / (single + off_single)).mean(-1), 1 - level, axis=0, method="lower")
        below = single - off_single
        ratios = np.where(below > 0, (own + off) / np.where(below > 0, below, 1), np.inf)
        # Infinities have no quantile by interpolation.
        high = np.quantile(ratios.mean(-1), level, axis=0, method="higher")
    unknown = np.isnan(own).any(-1) | np.isnan(single).any()
    least, _ = gap_interval(single, np.asarray(alone_deviations, dtype=float), level=level)
    unbounded = (least <= np.asarray(floor, dtype=float)).any()
    return np.where(unknown, np.nan, np.maximum(low, 0)), np.where(unknown, np.nan, np.inf if unbounded else high)
