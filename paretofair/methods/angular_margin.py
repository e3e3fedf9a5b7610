"""Angular margins of groups for identities ("Technical Challenges", section 6.1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from paretofair.methods.losses.terms import reduce_losses, shape_losses, weighted
from paretofair.methods.method import (
    NO_NAMES,
    TASK_WEIGHT,
    Hyper,
    Losses,
    LossSettings,
    Names,
    Parameter,
    Rows,
)
from paretofair.methods.vanilla import Vanilla
from paretofair.tasks.identity import MARGIN, Identity
from paretofair.tasks.known import split_outputs
from paretofair.tasks.task import MARGINS

_MARGIN = Parameter("margin", per_group=True, low=0.0, high=2.0, default=MARGIN)


class AngularMargin(Vanilla):
    """CosFace with a margin for each group, `margin_<group>`; .35 where none is given, as all other methods have it.

    The paper gives the group with the lower accuracy .75. Rows of unknown group have .35. Means, whatever
    `training.reduction` says.
    """

    parameters = (TASK_WEIGHT, _MARGIN)
    reads = ("loss",)
    needs = frozenset({MARGINS})
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Without names every margin is .35."""
        super().__init__(settings, options, names)

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        each = []
        for place, (task, outputs) in enumerate(zip(rows.tasks, split_outputs(logits, rows.tasks), strict=True)):
            labels, groups = rows.labels[..., place, :], rows.groups[..., place, :]
            margins = torch.full_like(outputs[:, 0], MARGIN)
            for number, group in enumerate(self.names.groups[place] if self.names.groups else ()):
                own = hyper.get(_MARGIN.of_group(group))
                if own is not None:
                    margins = torch.where(groups == number, own[:, None], margins)
            assert isinstance(task, Identity), "the method needs a task with margins"
            each.append(task.row_losses(outputs, labels, margins))
        shaped = shape_losses(torch.stack(each, 1), rows, self.settings)
        return Losses(weighted(hyper["task_weight"], reduce_losses(shaped, rows, self.settings)))
