"""Which trials no other trial beats, and in which order the rest follow."""

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from paretofair.pareto.arrays import as_rows


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
    values = as_rows(points, "points")
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
    values = as_rows(points, "points")
    ranked = np.isfinite(values).all(axis=1)
    result = np.full(len(values), -1, dtype=np.int64)
    if ranked.any():
        _, result[ranked] = NonDominatedSorting().do(values[ranked], return_rank=True)
    return result
