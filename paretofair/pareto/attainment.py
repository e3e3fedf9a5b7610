"""What several fronts, one for each seed, reach together."""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretofair.pareto.arrays import as_rows, check_objectives, finite_rows
from paretofair.pareto.fronts import non_dominated

# Comparisons held in memory at a time, one byte each.
BLOCK = 2**20


def mark_attained(points: ArrayLike, front: ArrayLike, /) -> NDArray[np.bool_]:
    """Which points the front attains: some row of it is nowhere larger (weak dominance).

    Args:
        points: `(n, objectives)`, minimised.
        front: `(m, objectives)`; dominated points may be among them.

    Returns:
        `(n,)` mask; False for rows of points with a NaN or an infinity. Such rows of the front are ignored.

    Raises:
        ValueError: arrays that are not two-dimensional, or of different numbers of objectives.

    >>> mark_attained([[1, 1], [0, 3], [0, 2]], [[1, 0], [0, 2]])
    array([ True,  True,  True])
    >>> mark_attained([[0, 1]], [[1, 0], [0, 2]])
    array([False])
    """
    values, rows = as_rows(points, "points"), finite_rows(front, "front")
    result = np.zeros(len(values), dtype=bool)
    if len(values) == 0 or len(rows) == 0:
        return result
    check_objectives(values.shape[1], front=rows)
    rows = rows[non_dominated(rows)]
    size = max(1, BLOCK // len(rows))
    for begin in range(0, len(values), size):
        block = values[begin : begin + size]
        smaller = np.ones((len(block), len(rows)), dtype=bool)
        for one, other in zip(block.T, rows.T, strict=True):
            smaller &= other <= one[:, None]
        result[begin : begin + size] = smaller.any(axis=1)
    return result & np.isfinite(values).all(axis=1)


def measure_attained_share(fronts: Sequence[ArrayLike], points: ArrayLike, /) -> NDArray[np.float64]:
    """For each point the share of fronts that attain it: the empirical attainment function.

    Estimates the probability that one more seed does at least as well as the point in every objective. Source:
    Grunert da Fonseca, Fonseca and Hall (2001), "Inferential performance assessment of stochastic optimisers and the
    attainment function".

    Args:
        fronts: for each seed `(m, objectives)`, minimised. One without a point counts, and attains nothing.
        points: `(n, objectives)`.

    Returns:
        `(n,)` from 0 to 1; NaN for points with a NaN or an infinity.

    Raises:
        ValueError: no fronts, or as `attained`.

    >>> measure_attained_share([[[0, 1], [1, 0]], [[1, 1]]], [[0, 1], [1, 1], [0, 0]])
    array([0.5, 1. , 0. ])
    """
    if len(fronts) == 0:
        raise ValueError("got no fronts, expected at least one")
    share = np.mean([mark_attained(points, front) for front in fronts], axis=0)
    share[~np.isfinite(as_rows(points, "points")).all(axis=1)] = np.nan
    return share


def attainment_surface(fronts: Sequence[ArrayLike], /, level: float) -> NDArray[np.float64]:
    """Where the region begins that at least a share `level` of the fronts attains; two objectives.

    0.5 is the median front over seeds, 0.25 and 0.75 what a quarter and three quarters of them reach. A point is
    attained by that many fronts just if the surface attains it. Computed by moocore; source: Fonseca, Guerreiro,
    López-Ibáñez and Paquete (2011), "On the computation of the empirical attainment function".

    Args:
        fronts: for each seed `(m, 2)`, minimised; dominated points may be among them. A front without a point
            counts, and attains nothing.
        level: above 0, up to 1. A share between two numbers of fronts is that of the larger.

    Returns:
        `(points, 2)`, the lower corners of the region: no two equal, none dominated, by the first objective
        upwards. No points where too few fronts have any.

    Raises:
        ValueError: no fronts, a front of other than two objectives, or a level outside (0, 1].

    >>> attainment_surface([[[0, 2], [2, 0]], [[1, 1]]], level=1)
    array([[1., 2.],
           [2., 1.]])
    """
    if not 0 < level <= 1:
        raise ValueError(f"got level {level}, expected a share above 0, up to 1")
    if len(fronts) == 0:
        raise ValueError("got no fronts, expected at least one")
    sets = [finite_rows(front, "a front") for front in fronts]
    for rows in sets:
        check_objectives(2, **{"a front": rows})
    sizes = [len(rows) for rows in sets if len(rows)]
    # moocore knows only fronts with points, and takes a percentage of those.
    needed = max(1, int(np.ceil(level * len(sets) - 1e-9)))
    if needed > len(sizes):
        return np.empty((0, 2))
    points = np.concatenate([rows for rows in sets if len(rows)])
    which = np.repeat(np.arange(len(sizes)), sizes)
    surface = moocore.eaf(points, which, percentiles=[100 * needed / len(sizes)])[:, :2]
    return surface[np.argsort(surface[:, 0])]
