"""Errors and gaps of a model relative to others: single-task ones (MTA-F Definition 1, eq. 5), or an untreated one."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def are(errors: ArrayLike, single_task_errors: ArrayLike) -> Array:
    """Average relative error: the mean over tasks of error / single-task error; minimised.

    Below 1, training the tasks together made fewer errors, on the relative average, than training each alone
    with the same architecture and no fairness treatment.

    Args:
        errors: `(..., tasks)`.
        single_task_errors: `(tasks,)` denominators, normally the mean over several single-task runs.

    Returns:
        `(...)` float64; NaN where any task's error is NaN, and everywhere if a denominator is NaN or not
        positive.

    Raises:
        ValueError: another number of tasks.

    The two models of MTA-F Table 2, which have the same mean error:

    >>> are([[.40, .02], [.38, .04]], [.40, .04]).round(6)
    array([0.75 , 0.975])
    """
    return _mean_ratio(errors, single_task_errors)


def arfg(gaps: ArrayLike, single_task_gaps: ArrayLike) -> Array:
    """Average relative fairness gap: the mean over tasks of gap / single-task gap; minimised.

    MTA-F's gap is that of false positive rates; a space names its own. Arguments and result are those of `are`,
    with unsigned gaps. Where a single-task gap is not more than permuted groups have, the value is luck.
    """
    return _mean_ratio(gaps, single_task_gaps)


def group_harm(errors: ArrayLike, untreated_errors: ArrayLike) -> Array:
    """Largest increase of the error of any group over that of an untreated model; minimised. At most 0 where no group
    is harmed.

    Args:
        errors: `(..., groups)`; NaN for a group without rows, which is left out.
        untreated_errors: `(..., groups)` of the other model on the same rows, broadcastable against `errors`.

    Returns:
        `(...)` float64; NaN where no group has both.

    >>> group_harm([.2, .35], [.25, .3]).round(6).item()
    0.05
    """
    increase = np.asarray(errors, dtype=float) - np.asarray(untreated_errors, dtype=float)
    known = ~np.isnan(increase)
    largest = np.where(known, increase, -np.inf).max(axis=-1, initial=-np.inf)
    return np.where(known.any(axis=-1), largest, np.nan)


RELATIVE = {"are": are, "arfg": arfg}
GROUP_RISE = "group_error_rise"
"""The largest `group_harm` of any task over its single-task models, whose errors are means over their runs: what an
objective can be, since these models are there before any trial. `group_harm` of an audit is over another trial."""


def relative_metrics(gap: str) -> dict[str, str]:
    """By name of a relative metric the metric of a task that it divides; `gap` is that of ARFG."""
    return {"are": "error", "arfg": gap}


def _mean_ratio(values: ArrayLike, denominators: ArrayLike) -> Array:
    numerator = np.asarray(values, dtype=float)
    denominator = np.asarray(denominators, dtype=float)
    if denominator.ndim != 1 or denominator.size == 0 or numerator.shape[-1:] != denominator.shape:
        raise ValueError(
            f"got values of shape {numerator.shape} and single-task values of shape {denominator.shape}, "
            "expected (..., tasks) and (tasks,)"
        )
    usable = np.where(denominator > 0, denominator, np.nan)
    return np.asarray((numerator / usable).mean(axis=-1))
