"""Choosing one trial of a frontier."""

import numpy as np
from numpy.typing import ArrayLike

from paretofair.pareto.arrays import as_rows
from paretofair.pareto.fronts import non_dominated

# Depths below the line that differ by less are taken for equal, as on a straight front.
DEPTH = 1e-12


def midpoint(front: ArrayLike, all_values: ArrayLike, /) -> int:
    """The midpoint rule of MTA-F Table 3: the front point in the middle of what the method covers.

    The middle is that of the range, (smallest + largest) / 2, of the average relative error (ARE) over *all*
    runs of the method, on the front or not; the chosen point is the one whose own ARE is closest to it.

    Args:
        front: `(m,)` ARE of the front's points.
        all_values: `(n,)` ARE of all runs of the method.

    Returns:
        Index into `front`. Of two points at equal distance the one with the smaller ARE, of equal values the
        first. NaN and infinite values are ignored on both sides.

    Raises:
        ValueError: arrays that are not one-dimensional, or without any finite value.

    >>> midpoint([.95, 1.0, 1.1], [.95, 1.0, 1.1, 1.2, np.nan])
    2
    """
    own = np.asarray(front, dtype=float)
    runs = np.asarray(all_values, dtype=float)
    for name, values in (("front", own), ("all_values", runs)):
        if values.ndim != 1:
            raise ValueError(f"got {name} of shape {values.shape}, expected one-dimensional values")
        if not np.isfinite(values).any():
            raise ValueError(f"got {name} without a finite value, expected at least one")
    runs = runs[np.isfinite(runs)]
    middle = (runs.min() + runs.max()) / 2
    candidates = np.flatnonzero(np.isfinite(own))
    distance = np.abs(own[candidates] - middle)
    # lexsort is stable and its last key counts first.
    return int(candidates[np.lexsort((own[candidates], distance))[0]])


def knee(front: ArrayLike, /) -> int:
    """The point of a front where it bulges most: farthest below the line between its ends, or the plane through them.

    Each objective is scaled to its range in the front, so units do not matter. Source: Das (1999), "On characterizing
    the knee of the Pareto curve based on normal-boundary intersection"; of three and more objectives the ends are taken
    to be worst in all objectives but one, so that the depth is 1 less the sum of scaled objectives.

    Args:
        front: `(m, objectives)`, two or more, minimised. Dominated points change nothing.

    Returns:
        Index into `front`. Of points at equal distance the one with the smaller first objective, of equal rows the
        first; so one of two points, of points on a line, or of a front without any point below it, is the end with
        the smaller first objective. Rows with a NaN or an infinity are ignored.

    Raises:
        ValueError: fewer than two objectives, or an array without a finite row.

    >>> knee([[0, 10], [1, 4], [2, 3], [10, 0]])
    1
    """
    rows = as_rows(front, "front")
    if len(rows) and rows.shape[1] < 2:
        raise ValueError(f"got front with {rows.shape[1]} objective, expected 2 or more")
    members = np.flatnonzero(non_dominated(rows)) if len(rows) else np.array([], dtype=int)
    if len(members) == 0:
        raise ValueError("got front without a finite row, expected at least one")
    own = rows[members]
    extent = np.ptp(own, axis=0)
    depth = 1 - ((own - own.min(axis=0)) / np.where(extent > 0, extent, 1)).sum(axis=1)
    deepest = depth >= depth.max() - DEPTH
    return int(members[deepest][own[deepest, 0].argmin()])


def smallest_under(minimise: ArrayLike, bounded: ArrayLike, bound: float) -> int:
    """The best point in one objective that keeps a bound on another: the smallest gap under an error, or the reverse.

    Args:
        minimise: `(m,)` what is to be small.
        bounded: `(m,)` what may not be above the bound; equal to it is fine.
        bound: in the units of `bounded`.

    Returns:
        Index into both. Of equal values the one with the smaller `bounded`, of equal ones the first. Points with a
        NaN or an infinity in either are ignored.

    Raises:
        ValueError: arrays that are not one-dimensional or not of the same length, no point that is finite in both,
            a bound that is NaN, or one that no point keeps; the message says how close the best comes.

    >>> smallest_under([.01, .03, .02], [.30, .20, .25], .25)
    2
    """
    own, limited = np.asarray(minimise, dtype=float), np.asarray(bounded, dtype=float)
    if own.ndim != 1 or own.shape != limited.shape:
        raise ValueError(f"got shapes {own.shape} and {limited.shape}, expected (m,) twice")
    if np.isnan(bound):
        raise ValueError("got bound nan, expected a number")
    finite = np.isfinite(own) & np.isfinite(limited)
    if not finite.any():
        raise ValueError("got no point that is finite in both, expected at least one")
    candidates = np.flatnonzero(finite & (limited <= bound))
    if len(candidates) == 0:
        best = float(limited[finite].min())
        raise ValueError(f"got bound {bound}, expected at least {best}: no point is below that")
    return int(candidates[np.lexsort((limited[candidates], own[candidates]))[0]])


def smallest_sum(front: ArrayLike, /, weights: ArrayLike) -> int:
    """The point with the smallest weighted sum of objectives.

    Sums are of raw values: a weight says how much a unit of its objective costs. To weigh objectives by their ranges,
    divide the weights by those. Points in dents of a front are the smallest for no weights.

    Args:
        front: `(m, objectives)`, minimised.
        weights: `(objectives,)` finite, not negative, not all 0.

    Returns:
        Index into `front`. Of equal sums the row with the smaller first objective, then second, and so on; of equal
        rows the first. Rows with a NaN or an infinity are ignored.

    Raises:
        ValueError: a front that is not two-dimensional or has no finite row, or weights that are not as above.

    >>> smallest_sum([[0, 10], [1, 4], [10, 0]], [1, 3])
    2
    """
    rows, factors = as_rows(front, "front"), np.asarray(weights, dtype=float)
    finite = np.flatnonzero(np.isfinite(rows).all(axis=1))
    if len(finite) == 0:
        raise ValueError("got front without a finite row, expected at least one")
    if factors.shape != rows.shape[1:]:
        raise ValueError(f"got weights of shape {factors.shape}, expected {rows.shape[1:]}, one for each objective")
    if not np.isfinite(factors).all() or (factors < 0).any() or not factors.any():
        raise ValueError(f"got weights {factors.tolist()}, expected finite ones, not negative, not all 0")
    sums = (rows[finite] * factors).sum(axis=1)
    # lexsort's last key counts first.
    return int(finite[np.lexsort((*rows[finite].T[::-1], sums))[0]])
