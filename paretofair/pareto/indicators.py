"""How far one front is from another: numbers about pairs of fronts."""

import moocore
import numpy as np
from numpy.typing import ArrayLike

from paretofair.pareto.arrays import check_objectives, finite_rows
from paretofair.pareto.attainment import mark_attained
from paretofair.pareto.fronts import non_dominated


def epsilon_additive(front: ArrayLike, /, reference_front: ArrayLike) -> float:
    """The smallest number by which the front, lowered in every objective, attains the whole reference; minimised.

    One number for all objectives, so they should have a common scale. Decided by the one point of the reference
    that the front misses most. Computed by moocore; source: Zitzler, Thiele, Laumanns, Fonseca and Grunert da Fonseca
    (2003), "Performance assessment of multiobjective optimizers".

    Args:
        front: `(m, objectives)`, minimised.
        reference_front: `(r, objectives)`, for example the front of another method, or of all together.

    Returns:
        0.0 for a front that attains the reference and no more, negative for one that is better everywhere, infinite
        for one without points. Rows with a NaN or an infinity are ignored on both sides.

    Raises:
        ValueError: arrays that are not two-dimensional or of different numbers of objectives, or a reference
            without a finite point.

    >>> epsilon_additive([[1, 3], [3, 1]], [[0, 3], [1, 1]])
    2.0
    """
    own, reference = finite_rows(front, "front"), finite_rows(reference_front, "reference_front")
    if len(reference) == 0:
        raise ValueError("got reference_front without a finite point, expected at least one")
    check_objectives(reference.shape[1], front=own)
    return float(moocore.epsilon_additive(own, ref=reference)) if len(own) else float("inf")


def igd_plus(front: ArrayLike, /, reference_front: ArrayLike) -> float:
    """Mean distance from the points of the reference to what the front attains (IGD+); minimised.

    Euclidean, so the objectives should have a common scale. Computed by moocore; source: Ishibuchi, Masuda, Tanigaki
    and Nojima (2015), "Modified distance calculation in generational distance and inverted generational distance".

    Args:
        front: `(m, objectives)`, minimised.
        reference_front: `(r, objectives)`. Every row counts once, equal ones too.

    Returns:
        0.0 for a front that attains every point of the reference, infinite for one without points. Rows with a NaN
        or an infinity are ignored on both sides.

    Raises:
        ValueError: as `epsilon_additive`.

    >>> igd_plus([[1, 3], [3, 1]], [[0, 3], [1, 1]])
    1.5
    """
    own, reference = finite_rows(front, "front"), finite_rows(reference_front, "reference_front")
    if len(reference) == 0:
        raise ValueError("got reference_front without a finite point, expected at least one")
    check_objectives(reference.shape[1], front=own)
    return float(moocore.igd_plus(own, ref=reference)) if len(own) else float("inf")


def share_dominated(front: ArrayLike, /, by: ArrayLike) -> float:
    """Share of the front's points that some point of the other front dominates; minimised.

    A point dominates another if it is nowhere larger and somewhere smaller, so equal points count for neither side.
    The shares of two fronts in each other do not add up to 1. In memory of a few megabytes for any number of points.

    Args:
        front: `(m, objectives)`, minimised.
        by: `(n, objectives)`.

    Returns:
        From 0 to 1; 0.0 if `by` has no points, NaN if `front` has none. Rows with a NaN or an infinity are ignored on
        both sides.

    Raises:
        ValueError: arrays that are not two-dimensional, or of different numbers of objectives.

    >>> share_dominated([[0, 1], [1, 0]], by=[[0, 0.5], [1, 0]])
    0.5
    """
    own, rivals = finite_rows(front, "front"), finite_rows(by, "by")
    if len(own) == 0:
        return float("nan")
    if len(rivals) == 0:
        return 0.0
    check_objectives(own.shape[1], by=rivals)
    rivals = rivals[non_dominated(rivals)]
    # Nothing among non-dominated rivals dominates what equals one of them.
    ties = set(map(tuple, rivals.tolist()))
    different = own[[row not in ties for row in map(tuple, own.tolist())]]
    return float(np.count_nonzero(mark_attained(different, rivals)) / len(own))
