"""Label noise in one group ("Technical Challenges", section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
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
    `flip`; of several classes to any other one, of identities to any other of the same group. The paper flips those of
    the group with the higher accuracy. Means, whatever `training.reduction` says."""

    parameters = (TASK_WEIGHT, Parameter("flip", low=0.0, high=1.0, search={"uniform": [0, 0.5]}))
    Options = LabelFlipOptions
    reads = ("loss",)
    holdout = False

    def __init__(self, settings: LossSettings, options: Any = None, names: Names = NO_NAMES) -> None:
        """Without names it cannot be trained."""
        super().__init__(settings, options, names)
        self._groups = names.indices("group", self.options.group) if names.tasks else ()

    def row_plan(self, train: TrainingRows, batch_size: int, holdout: bool) -> RowPlan:
        draw = draw_each_epoch if self.options.mode == "fresh" else draw_once
        return replace(super().row_plan(train, batch_size, holdout), draw=draw)

    def trial_state(self, train: TrainingRows) -> Mapping[str, np.ndarray]:
        """Of identities: in which order they stand group by group (`flip_order`), and for each its place in that order
        (`flip_place`) and where its group begins and how large it is (`flip_first`, `flip_size`). Nothing of it changes
        in training."""
        if not any(task.own_groups for task in self.names.predicted):
            return {}
        (labels,), (groups,) = train.labels, train.groups
        own = np.full(len(train.classes[0]), -1)
        known = labels >= 0
        own[labels[known]] = groups[known]
        order = np.argsort(own, kind="stable")
        first = np.searchsorted(own[order], own, side="left")
        size = np.searchsorted(own[order], own, side="right") - first
        return {"flip_order": order, "flip_place": np.argsort(order), "flip_first": first, "flip_size": size}

    def losses(self, logits: Tensor, rows: Rows, hyper: Hyper) -> Losses:
        assert rows.uniform is not None
        chosen = torch.stack([rows.groups[..., t, :] == group for t, group in enumerate(self._groups)], -2)
        # Where a task's attribute has no such group its index is -1, as the group of a row is where it is unknown.
        chosen = chosen & (rows.groups >= 0) & (rows.labels >= 0)
        flipped = chosen & (rows.uniform < hyper["flip"][:, None, None])
        labels = torch.where(flipped, self._other_labels(rows, hyper), rows.labels)
        return super().losses(logits, rows._replace(labels=labels), hyper)

    def _other_labels(self, rows: Rows, hyper: Hyper) -> Tensor:
        """What the labels are flipped to. Of several classes, the number of a row that is below `flip` also says by how
        many places its label moves on, each as likely as any other."""
        if not rows.tasks:
            return 1 - rows.labels
        assert rows.uniform is not None
        flip = hyper["flip"]
        share = (rows.uniform / flip[:, None, None]).clamp(0, 1)[..., 0, :]
        moved = []
        for place, task in enumerate(rows.tasks):
            if task.own_groups:
                moved.append(_move_in_group(rows.labels[..., place, :], share, hyper))
                continue
            steps = 1 + (share * (task.classes - 1)).floor().clamp_max(task.classes - 2)
            moved.append((rows.labels[..., place, :] + steps) % task.classes)
        return torch.stack(moved, -2)


def _move_in_group(labels: Tensor, share: Tensor, hyper: Hyper) -> Tensor:
    """Other identities of the same group, `(K, B)`, each as likely as any other where `share` `(K, B)` is uniform on
    [0, 1); the same one where it is the only one of its group."""
    own = labels.long().clamp_min(0).expand_as(share)
    place, first, size = (hyper[f"flip_{name}"].gather(1, own) for name in ("place", "first", "size"))
    steps = 1 + (share * (size - 1)).floor().long()
    steps = torch.minimum(steps, (size - 1).clamp_min(1)) * (size > 1)
    moved = first + (place - first + steps) % size
    return hyper["flip_order"].gather(1, moved).to(labels.dtype)
