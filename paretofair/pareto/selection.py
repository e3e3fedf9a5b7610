"""Choosing one trial of a frontier."""

import numpy as np
from numpy.typing import ArrayLike


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
