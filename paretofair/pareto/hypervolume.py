"""The size of the region that a frontier dominates: one number to compare methods by."""

from typing import Any

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_UP_TO = 4
"""The most objectives whose hypervolumes are exact; of more they are approximated."""

_SAMPLES = 2**18


def hypervolume(points: ArrayLike, /, reference: ArrayLike) -> float:
    """Volume dominated by the points and bounded by the reference point; maximised.

    Only comparable between sets measured with the same reference. Points that are not better than the
    reference in every objective contribute nothing, nor do rows with a NaN or an infinity. Up to four objectives it is
    exact: instant for two and three, seconds for four at 100,000 points. Beyond, where that is out of reach, it is the
    mean over 262,144 fixed directions of how far the points reach, the same for the same points: within a thousandth or
    two of the exact value at eight objectives. Source: Deng and Zhang (2019), "Approximating hypervolume and
    hypervolume contributions using polar coordinate"; directions and computation by moocore (`Rphi-FWE+`).

    Args:
        points: `(n, objectives)`, minimised; dominated and equal points may be among them.
        reference: `(objectives,)` finite.

    Returns:
        The volume in the product of the objectives' units; 0.0 for no points.

    Raises:
        ValueError: points and reference of different dimension, or a reference that is not finite.

    >>> hypervolume([[5, 5], [4, 6], [2, 7], [7, 4]], reference=[10, 10])
    38.0
    """
    values, corner, better = _check_reference(points, reference)
    return _measure(values[better], corner) if better.any() else 0.0


def hypervolume_curve(points: ArrayLike, /, reference: ArrayLike, at: ArrayLike) -> NDArray[np.float64]:
    """Hypervolume against the number of trials: that of the first n points, for each n; maximised.

    Only what no point so far dominates is kept from one n to the next. Up to three objectives that is fast for 100,000
    points; from four on, every place that adds to the front takes as long as the hypervolume of the front so far.

    Args:
        points: `(n, objectives)`, minimised, in the order of trials. Rows with a NaN or an infinity take their place
            and add nothing.
        reference: `(objectives,)` finite.
        at: `(places,)` whole numbers from 0 to n, in any order.

    Returns:
        `(places,)` volumes, as of `hypervolume`.

    Raises:
        ValueError: as `hypervolume`, or a place that is not a number of points.

    >>> hypervolume_curve([[5, 5], [6, 6], [4, 6]], reference=[10, 10], at=[0, 1, 2, 3])
    array([ 0., 25., 25., 29.])
    """
    values, corner, better = _check_reference(points, reference)
    counts = np.asarray(at)
    if counts.ndim != 1 or (counts.size and counts.dtype.kind not in "iu"):
        raise ValueError(f"got places {counts.dtype} of shape {counts.shape}, expected whole numbers (places,)")
    if counts.size and not 0 <= counts.min() <= counts.max() <= len(values):
        raise ValueError(f"got places from {counts.min()} to {counts.max()}, expected 0 to {len(values)}, the points")
    result = np.zeros(len(counts))
    front, done, volume = values[:0], 0, 0.0
    for place in np.argsort(counts):
        new = slice(done, counts[place])
        both = np.concatenate([front, values[new][better[new]]])
        if len(both) > len(front):
            # Of equal rows the first is kept, which is the older one.
            kept = moocore.is_nondominated(both)
            if kept[len(front) :].any():
                front = both[kept]
                volume = _measure(front, corner)
        result[place] = volume
        done = counts[place]
    return result


def _measure(points: NDArray[Any], corner: NDArray[Any]) -> float:
    """The volume of points that are all better than the corner."""
    if points.shape[1] <= EXACT_UP_TO:
        return float(moocore.hypervolume(points, ref=corner))
    # Dominated points change nothing but the time that every direction takes.
    front = points[moocore.is_nondominated(points)]
    # Directions are spread evenly where objectives have one scale; so units do not matter either.
    extent = corner - front.min(axis=0)
    scaled = moocore.hv_approx((corner - front) / -extent, ref=0.0, nsamples=_SAMPLES, method="Rphi-FWE+")
    return float(scaled * np.prod(extent))


def _check_reference(points: ArrayLike, reference: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Points, reference, and which points are finite and better than the reference in every objective."""
    corner = np.asarray(reference, dtype=float)
    if corner.ndim != 1 or not np.isfinite(corner).all():
        raise ValueError(f"got reference {corner.tolist()}, expected one finite number per objective")
    values = np.asarray(points, dtype=float)
    if values.ndim == 1 and values.size == 0:
        values = values.reshape(0, corner.size)
    if values.ndim != 2:
        raise ValueError(f"got points of shape {values.shape}, expected (n, {corner.size})")
    if values.shape[1] != corner.size:
        raise ValueError(f"got a reference with {corner.size} objectives, expected {values.shape[1]} as in the points")
    return values, corner, np.isfinite(values).all(axis=1) & (values < corner).all(axis=1)
