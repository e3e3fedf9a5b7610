"""Trials from points of a cube: how many numbers a trial takes, and what they mean for its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretofair.sampling.distributions import Distribution, Distributions, Fixed, Simplex, parts, settle


def count_dimensions(parameters: Distributions, tasks: Sequence[str]) -> int:
    """How many numbers between 0 and 1 a trial takes: shares one fewer than they are, a fixed value none."""
    return sum(_count(names, distribution) for names, distribution in parts(parameters, tasks))


def place_points(parameters: Distributions, tasks: Sequence[str], points: np.ndarray) -> dict[str, np.ndarray]:
    """The hyperparameters of trials by column, `(n,)`, from points `(n, dimensions)` strictly between 0 and 1."""
    coordinates = iter(points.T)
    values: dict[str, np.ndarray] = {}
    for names, distribution in parts(parameters, tasks):
        own = [next(coordinates) for _ in range(_count(names, distribution))]
        if isinstance(distribution, Simplex):
            values |= dict(zip(names, share_out(own, len(points)), strict=True))
        else:
            values[names[0]] = distribution.values(own[0] if own else np.full(len(points), 0.5))
    return settle(parameters, tasks, values)


def share_out(uniforms: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Shares that sum to 1, uniform over all such vectors, from one number fewer: the gaps between them in order."""
    if not uniforms:
        return [np.ones(count)]
    cuts = np.sort(np.stack([np.zeros(count), *uniforms, np.ones(count)]), axis=0)
    return list(np.diff(cuts, axis=0))


def _count(names: Sequence[str], distribution: Distribution | Simplex) -> int:
    return 0 if isinstance(distribution, Fixed) else len(names) - isinstance(distribution, Simplex)
