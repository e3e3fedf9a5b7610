"""Several labels that exclude each other: a logit for each, the softmax of them are the probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from paretofair.metrics import confusion, ranking, rates
from paretofair.metrics.counts import class_counts
from paretofair.tasks.task import CURVATURE, SCORES, LabelledRows, Measured, Task


@dataclass(frozen=True)
class Multiclass(Task):
    """A label 0 to `classes` - 1; a decision is the label of the largest logit, of the first of equal ones.

    What is measured between groups is measured for every class against the rest: the gaps are the largest over classes,
    average precision and AUC their means (macro averages, as scikit-learn's).
    """

    gives: ClassVar[frozenset[str]] = frozenset({SCORES, CURVATURE})

    @property
    def outputs(self) -> int:
        return self.classes

    @property
    def scored(self) -> tuple[int, ...]:
        return tuple(range(self.classes))

    def row_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return -(self._mark(labels, outputs) * outputs.log_softmax(1)).sum(1)

    def scores(self, outputs: Tensor) -> Tensor:
        return outputs.softmax(1)

    def confidence(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return (self._mark(labels, outputs) * outputs.softmax(1)).sum(1)

    def residual(self, scores: Tensor, labels: Tensor, share: Tensor) -> Tensor:
        return share[..., None, :] * (scores - self._mark(labels, scores))

    def curve(self, scores: Tensor, share: Tensor, move: Tensor) -> Tensor:
        along = (scores * move).sum(1, keepdim=True)
        return share[..., None, :] * scores * (move - along)

    def decide(self, outputs: Tensor, scores: Tensor) -> Tensor:
        """The label that is decided for every row, `(K, n)`."""
        return outputs.argmax(1)

    def measure(self, outputs: Tensor, scores: Tensor, rows: LabelledRows) -> Measured:
        decisions = self.decide(outputs, scores)
        counted = decisions, scores, rows.labels, rows.cells, len(rows.group_of_cell)
        counts = confusion.count_classes(*counted, rows.weights).cpu().numpy()
        unweighted = None if rows.weights is None else confusion.count_classes(*counted).cpu().numpy()
        by_group = class_counts.merge(counts, rows.group_of_cell, rows.n_groups)
        against_rest = class_counts.one_against_rest(by_group)  # (K, C, groups, 6)
        labels = one_hot(rows.labels.long().clamp_min(0), self.classes).T
        labels = torch.where(rows.labels >= 0, labels, -1)
        groups = rows.groups.expand(self.classes, -1)
        ranked = ranking.ranking_by_group(scores, labels, groups, rows.n_groups, rows.units)
        average_precision, auc, auc_by_group = (each.cpu().numpy() for each in ranked)
        absent = np.full(len(outputs), np.nan)
        metrics = {"error": class_counts.error(counts.sum(1)), "realised_positive_rate": absent}
        metrics |= {"average_precision": average_precision.mean(1), "auc": auc.mean(1)}
        gaps = (rates.fpr_gap, rates.tpr_gap, rates.soft_fpr_gap, rates.soft_tpr_gap)
        metrics |= {gap.__name__: gap(against_rest).max(1) for gap in gaps}
        metrics["fpr_gap_signed"] = absent
        metrics["auc_gap"] = rates.auc_gap(auc_by_group, against_rest).max(1)
        metrics["macro_f1"] = class_counts.macro_f1(counts.sum(1))
        metrics["prediction_bias"] = class_counts.prediction_bias(by_group)
        return Measured(metrics, counts, unweighted)

    def _mark(self, labels: Tensor, like: Tensor) -> Tensor:
        """1 where a class is the label, `([K,] C, B)` in the type of `like`; 0 everywhere where it is unknown."""
        classes = torch.arange(self.classes, device=labels.device)[:, None]
        return (labels.unsqueeze(-2) == classes).to(like.dtype)
