"""Which trials no other trial beats, and in which order the rest follow."""

from typing import Any

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting


def non_dominated(points: ArrayLike, /) -> NDArray[np.bool_]:
    """Members of the frontier: rows that no other row dominates.

    A row dominates another if it is nowhere larger and somewhere smaller. Equal rows do not dominate each
    other, so ties are kept. A row with a NaN or an infinity is never a member and dominates nothing.

    Args:
        points: `(n, objectives)`, minimised. Maximised objectives (accuracy, AUC) must be negated.

    Returns:
        `(n,)` mask. O(n log n) up to three objectives (moocore).

    Raises:
        ValueError: points that are not two-dimensional (an empty sequence is fine).

    >>> non_dominated([[1, 1], [0, 1], [1, 0], [1, 0], [0, np.nan]])
    array([False,  True,  True,  True, False])
    """
    values = _points(points)
    member = np.isfinite(values).all(axis=1)
    if member.any():
        member[member] = moocore.is_nondominated(values[member], keep_weakly=True)
    return member


def ranks(points: ArrayLike, /) -> NDArray[np.int64]:
    """Front number of every row by non-dominated sorting: 0 for the frontier, 1 for the next one, and so on.

    Equal rows share a front. A row with a NaN or an infinity is in none and gets -1.

    Args:
        points: `(n, objectives)`, minimised.

    Returns:
        `(n,)` integers.

    Raises:
        ValueError: as `non_dominated`.

    >>> ranks([[1, 1], [0, 1], [2, 2], [0, np.nan]])
    array([ 1,  0,  2, -1])
    """
    values = _points(points)
    ranked = np.isfinite(values).all(axis=1)
    result = np.full(len(values), -1, dtype=np.int64)
    if ranked.any():
        _, result[ranked] = NonDominatedSorting().do(values[ranked], return_rank=True)
    return result


def _points(points: ArrayLike) -> NDArray[Any]:
    values = np.asarray(points, dtype=float)
    if values.ndim == 1 and values.size == 0:
        return values.reshape(0, 1)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"got points of shape {values.shape}, expected (n, objectives)")
    return values
