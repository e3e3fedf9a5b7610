"""Successive halving on vectors of objectives: which trials of a bracket go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from paretofair.pareto.halving import halving_ranks


@dataclass(frozen=True)
class Objective:
    """What is compared: the sum over tasks of a headline metric times `weights`; tasks of weight 0 are left out."""

    metric: str
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Halving:
    """At each of the epochs `rungs` one in `eta` of the trials of a bracket that are still in training goes on.

    They are chosen by `pareto.halving.halving_ranks` of the `objectives` on the split that chooses, all minimised.
    """

    eta: int
    rungs: tuple[int, ...]
    objectives: tuple[Objective, ...]

    def survivors(self, metrics: Mapping[str, np.ndarray], brackets: np.ndarray) -> np.ndarray:
        """Mask of the trials that go on, from headline metrics `(n, tasks)` and the number of each one's bracket.

        A bracket of n keeps n / eta of them, rounded up; of equal trials those that come first.
        """
        values = np.stack([_value(objective, metrics[objective.metric]) for objective in self.objectives], 1)
        kept = np.zeros(len(brackets), dtype=bool)
        for bracket in np.unique(brackets):
            members = np.flatnonzero(brackets == bracket)
            order = np.argsort(halving_ranks(values[members]), kind="stable")
            kept[members[order[: -(-len(members) // self.eta)]]] = True
        return kept


def _value(objective: Objective, values: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(objective.weights)
    return np.asarray(values[:, used] @ np.array(objective.weights)[used])
