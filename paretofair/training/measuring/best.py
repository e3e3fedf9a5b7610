"""Of each trial the epoch that is best on the split that chooses, which is kept in place of the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from paretofair.metrics.metric import Metric


@dataclass(frozen=True)
class EpochChoice:
    """Which epoch of a trial is kept: the first one with the smallest loss of `metric`, counted from the epoch `since`
    on. Of several tasks the mean over those that the trial trains, or of `task` (its place) alone."""

    metric: Metric
    task: int | None = None
    since: int = 1

    def losses(self, values: np.ndarray, hyper: Mapping[str, np.ndarray]) -> np.ndarray:
        """What is compared, `(K,)`, of the metric's values `(K, T)`; NaN where it has no value. `hyper` are the trials'
        hyperparameters: a single-task trial has one task, whatever `task` says."""
        trained = np.ones(values.shape, dtype=bool)
        if "task_weight" in hyper:
            trained = np.asarray(hyper["task_weight"]) > 0
        if self.task is not None:
            alone = np.zeros_like(trained)
            alone[:, self.task] = trained[:, self.task]
            trained = np.where(alone.any(1, keepdims=True), alone, trained)
        if self.metric.of_joint_rows is not None:
            return self.metric.loss(self.metric.average(np.where(trained, values, np.nan)))
        total = np.where(trained, self.metric.loss(values), 0).sum(1)
        return np.asarray(total / np.maximum(trained.sum(1), 1))


class Best(NamedTuple):
    """The best epoch of K trials so far: its loss `(K,)` float64 (infinite before there is one), its number `(K,)` and
    the `parameters` `(K, P)` at its end."""

    loss: Tensor
    epoch: Tensor
    parameters: Tensor

    @staticmethod
    def begin(parameters: Tensor) -> Best:
        """Before the first epoch, of trials with these parameters."""
        loss = torch.full(parameters.shape[:1], torch.inf, dtype=torch.float64, device=parameters.device)
        return Best(loss, torch.zeros_like(loss, dtype=torch.int64), parameters.clone())

    def update(self, losses: np.ndarray, epoch: int, parameters: Tensor) -> Best:
        """After an epoch that ended with these losses `(K,)`, infinite where it does not count, and parameters. While
        none has counted and had a value, the last one is kept."""
        found = torch.from_numpy(losses).to(self.loss)
        better = found < self.loss
        taken = better | torch.isinf(self.loss)
        return Best(
            torch.where(better, found, self.loss),
            torch.where(taken, torch.full_like(self.epoch, epoch), self.epoch),
            torch.where(taken[:, None], parameters, self.parameters),
        )

    def take(self, index: Tensor) -> Best:
        """The trials at `index`."""
        return Best(*(each[index] for each in self))
