"""Tasks of several classes as losses on groups see them: every class against the rest, as if it were a task."""

from __future__ import annotations

import torch
from torch import Tensor

from paretofair.methods.method import Rows
from paretofair.tasks.known import split_outputs


def score_against_rest(logits: Tensor, rows: Rows) -> tuple[Tensor, Rows]:
    """Scores `(K, S, B)` of all labels of all tasks that have one, and the rows as S binary tasks see them: label 1
    where it is that label. A binary task has one score, that of label 1, and stays as it is."""
    if not rows.tasks:
        return torch.sigmoid(logits), rows
    scores, labels, of_task = [], [], []
    for place, (task, outputs) in enumerate(zip(rows.tasks, split_outputs(logits, rows.tasks), strict=True)):
        scores.append(task.scores(outputs))
        own = rows.labels[..., place, :]
        labels += [torch.where(own >= 0, (own == label).to(own.dtype), own) for label in task.scored]
        of_task += [place] * len(task.scored)
    index = torch.tensor(of_task, device=logits.device)
    seen = rows._replace(
        labels=torch.stack(labels, -2),
        loss_weight=rows.loss_weight.index_select(-2, index),
        penalty_weight=rows.penalty_weight.index_select(-2, index),
        groups=rows.groups.index_select(-2, index),
        tasks=(),
    )
    return torch.cat(scores, 1), seen


def average_over_scores(values: Tensor, rows: Rows) -> Tensor:
    """The mean over the scores of each task, `(K, S)` to `(K, T)`; `rows` are those of the tasks."""
    if not rows.tasks:
        return values
    parts = values.split([len(task.scored) for task in rows.tasks], -1)
    return torch.stack([part.mean(-1) for part in parts], -1)
