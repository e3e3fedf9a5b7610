"""Sets of points as arrays."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_rows(points: ArrayLike, name: str, /) -> NDArray[Any]:
    """The points as an array `(n, objectives)` of floats; `(0, 0)` for an empty sequence.

    Raises:
        ValueError: points that are not two-dimensional (an empty sequence is fine); `name` is what it calls them.

    >>> as_rows([[0, np.nan]], "points")
    array([[ 0., nan]])
    """
    values = np.asarray(points, dtype=float)
    if values.ndim == 1 and values.size == 0:
        return values.reshape(0, 0)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"got {name} of shape {values.shape}, expected (n, objectives)")
    return values


def finite_rows(points: ArrayLike, name: str, /) -> NDArray[Any]:
    """As `as_rows`, without the rows that have a NaN or an infinity.

    >>> finite_rows([[0, 1], [0, np.nan]], "points")
    array([[0., 1.]])
    """
    values = as_rows(points, name)
    return values[np.isfinite(values).all(axis=1)]


def check_objectives(expected: int, **sets: NDArray[Any]) -> None:
    """Raises ValueError unless every set of points with a row has the expected number of objectives."""
    for name, points in sets.items():
        if len(points) and points.shape[1] != expected:
            raise ValueError(f"got {name} with {points.shape[1]} objectives, expected {expected}")
