"""Successive halving on vectors of objectives: which trials of a bracket go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from paretofair.metrics.metric import Metric
from paretofair.pareto.halving import halving_ranks


@dataclass(frozen=True)
class WeightedMetric:
    """What is compared: the sum over tasks of a metric times `weights`, as a loss; tasks of weight 0 are left out."""

    metric: Metric
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Halving:
    """At each of the epochs `rungs` one in `eta` of the trials of a bracket that are still in training goes on.

    They are chosen by `pareto.halving.halving_ranks` of the `objectives` on the split that chooses.
    """

    eta: int
    rungs: tuple[int, ...]
    objectives: tuple[WeightedMetric, ...]

    def survivors(self, values: Callable[[Metric], np.ndarray], brackets: np.ndarray) -> np.ndarray:
        """Mask of the trials that go on, from the `values` `(n, tasks)` of each metric and the number of each one's
        bracket.

        A bracket of n keeps n / eta of them, rounded up; of equal trials those that come first.
        """
        losses = np.stack([_loss(objective, values(objective.metric)) for objective in self.objectives], 1)
        kept = np.zeros(len(brackets), dtype=bool)
        for bracket in np.unique(brackets):
            members = np.flatnonzero(brackets == bracket)
            order = np.argsort(halving_ranks(losses[members]), kind="stable")
            kept[members[order[: -(-len(members) // self.eta)]]] = True
        return kept


def _loss(objective: WeightedMetric, values: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(objective.weights)
    if objective.metric.of_joint_rows is not None:
        return objective.metric.loss(objective.metric.average(values[:, used]))
    return objective.metric.loss(values[:, used] @ np.array(objective.weights)[used])
