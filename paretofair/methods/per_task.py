"""The per-task fairness treatment, "Baseline" in Wang et al. 2021."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from paretofair.methods.losses import cross_entropy, fairness, weighted
from paretofair.methods.method import FAIRNESS_WEIGHT, TASK_WEIGHT, Hyper, Losses, Method, Parameter, Rows
from paretofair.methods.subsets import subsets


class PerTask(Method):
    """Σ_t w_t (L_t + λ_t F_t), for heads and shared layers alike (eq. 9)."""

    parameters: ClassVar[tuple[Parameter, ...]] = (TASK_WEIGHT, FAIRNESS_WEIGHT)

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        settings = self.settings
        unfairness, undefined = fairness(torch.sigmoid(logits), subsets(settings.goal, rows), rows, settings)
        each = cross_entropy(logits, rows, settings) + hyper["fairness_weight"] * unfairness
        return Losses(weighted(hyper["task_weight"], each), undefined=undefined)
