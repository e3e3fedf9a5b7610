"""Fairness carried from tasks whose groups are known to tasks whose groups are not."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from paretofair.methods.method import FAIRNESS, Hyper, Losses, Parameter, Rows
from paretofair.methods.mtaf import PerTask
from paretofair.methods.row_plan import RowPlan, TrainingRows, balance_rows, draw_once

KNOWN_SHARE = Parameter("known_share", per_task=True, low=0.0, high=1.0, default=1.0)


class Transfer(PerTask):
    """Σ_t w_t (L_t + λ_t F_t), F_t on the rows whose group is known in training; shared layers carry it to the others.

    A row of task t shows its group with probability `known_share`, decided once for a training and nested over shares;
    evaluation knows every group. Batches draw equally from the joined data sets. Means, whatever `training.reduction`
    says.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (*PerTask.parameters, KNOWN_SHARE)
    reads = FAIRNESS

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        plan = super().row_plan(train, batch_size, holdout)
        if len(train.origin_names) > 1:
            names = [f"origin = {name}" for name in train.origin_names]
            plan = balance_rows(train.origins, names, batch_size, train.weights, train.together, holdout=holdout)
        return replace(plan, draw=draw_once)

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        assert rows.uniform is not None
        known = rows.uniform < hyper["known_share"][..., None]
        return super().losses(logits, rows._replace(groups=torch.where(known, rows.groups, -1)), hyper)
