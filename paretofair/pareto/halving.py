"""The order in which successive halving keeps trials of several objectives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.pareto.fronts import ranks


def halving_ranks(points: ArrayLike, /) -> NDArray[np.int64]:
    """The place of every row: by non-dominated front, and within a front so that the first few are spread over it.

    Within a front the row with the smallest first objective comes first, then always the one that is farthest from
    those before, each objective scaled to its range in the front. Equal rows share a place; rows with a NaN or an
    infinity come last. Places do not depend on the order of rows nor on the units of objectives, and a row never comes
    before one that dominates it.

    Args:
        points: `(n, objectives)`, minimised.

    Returns:
        `(n,)` integers from 0 on, the number of different rows at most.

    >>> halving_ranks([[0, 1], [1, 0], [0.5, 0.5], [1, 1], [1, 1], [0, np.nan]])
    array([0, 1, 2, 3, 3, 4])
    """
    values = np.asarray(points, dtype=float)
    finite = np.isfinite(values).all(axis=1)
    result = np.full(len(values), 0, dtype=np.int64)
    # Sorted by the first objective, then the next: what ties leave open does not depend on the order of rows.
    rows, which = np.unique(values[finite], axis=0, return_inverse=True)
    place = np.empty(len(rows), dtype=np.int64)
    front, begin = ranks(rows), 0
    for each in range(front.max(initial=-1) + 1):
        members = np.flatnonzero(front == each)
        place[members[_farthest_first(rows[members])]] = np.arange(begin, begin + len(members))
        begin += len(members)
    result[finite] = place[which.ravel()]
    result[~finite] = len(rows)
    return result


def _farthest_first(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Row numbers: the first, then always the row whose nearest among those before is farthest."""
    extent = np.ptp(rows, axis=0)
    scaled = (rows - rows.min(axis=0)) / np.where(extent > 0, extent, 1)
    from scipy.spatial.distance import cdist  # half a second, which other runs need not pay

    distance = cdist(scaled, scaled)
    order = np.zeros(len(rows), dtype=np.int64)
    nearest = distance[0].copy()
    nearest[0] = -1
    for place in range(1, len(rows)):
        order[place] = chosen = nearest.argmax()
        np.minimum(nearest, distance[chosen], out=nearest)
        nearest[chosen] = -1
    return order
