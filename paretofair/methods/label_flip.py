"""Label noise in one group ("Technical Challenges", section 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from paretofair.methods.method import (
    NO_NAMES,
    TASK_WEIGHT,
    Hyper,
    Losses,
    LossSettings,
    MethodOptions,
    Names,
    Parameter,
    Rows,
)
from paretofair.methods.row_plan import RowPlan, TrainingRows, draw_each_epoch, draw_once
from paretofair.methods.vanilla import Vanilla


class LabelFlipOptions(MethodOptions):
    """`group`: whose labels are flipped. `fresh` decides anew in every epoch, `fixed` once for a training."""

    group: str
    mode: Literal["fresh", "fixed"] = "fresh"


class LabelFlip(Vanilla):
    """Σ_t w_t L_t, with the labels of each row of one group flipped, those of all tasks together, with probability
    `flip`. The paper flips those of the group with the higher accuracy. Means, whatever `training.reduction` says."""

    parameters = (TASK_WEIGHT, Parameter("flip", low=0.0, high=1.0))
    Options = LabelFlipOptions
    reads = ()
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Without names it cannot be trained."""
        super().__init__(settings, options, names)
        self._groups = names.indices("group", self.options.group) if names.tasks else ()

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        draw = draw_each_epoch if self.options.mode == "fresh" else draw_once
        return replace(super().row_plan(train, batch_size, holdout), draw=draw)

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        assert rows.uniform is not None
        chosen = torch.stack([rows.groups[..., t, :] == group for t, group in enumerate(self._groups)], -2)
        # Where a task's attribute has no such group its index is -1, as the group of a row is where it is unknown.
        chosen = chosen & (rows.groups >= 0) & (rows.labels >= 0)
        flipped = chosen & (rows.uniform < hyper["flip"][:, None, None])
        labels = torch.where(flipped, 1 - rows.labels, rows.labels)
        return super().losses(logits, rows._replace(labels=labels), hyper)
