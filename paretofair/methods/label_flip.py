"""Label noise in one group ("Technical Challenges", section 4)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from paretofair.methods.losses import cross_entropy, weighted
from paretofair.methods.method import (
    NO_NAMES,
    TASK_WEIGHT,
    Hyper,
    Losses,
    LossSettings,
    Method,
    Names,
    Options,
    Parameter,
    Rows,
)
from paretofair.methods.penalties import MEANS


class LabelFlipOptions(Options):
    """`group`: whose labels are flipped. `fresh` decides anew in every epoch, `fixed` once for a training."""

    group: str | None = None
    mode: Literal["fresh", "fixed"] = "fresh"


class LabelFlip(Method):
    """Σ_t w_t L_t, with the labels of each row of one group flipped, those of all tasks together, with probability
    `flip`. The paper flips those of the group with the higher accuracy. Means, whatever `training.reduction` says."""

    parameters = (TASK_WEIGHT, Parameter("flip", low=0.0, high=1.0))
    Options = LabelFlipOptions
    uses_fairness = False
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        super().__init__(MEANS, options, names)
        self.noise = self.options.mode
        self._groups = names.indices("group", self.options.group)

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        assert rows.uniform is not None
        chosen = torch.stack([rows.groups[..., t, :] == self._groups[t] for t in range(rows.groups.shape[-2])], -2)
        flipped = chosen & (rows.labels >= 0) & (rows.uniform < hyper["flip"][:, None, None])
        labels = torch.where(flipped, 1 - rows.labels, rows.labels)
        loss = cross_entropy(logits, rows._replace(labels=labels), self.settings)
        return Losses(weighted(hyper["task_weight"], loss))
