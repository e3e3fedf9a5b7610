"""Pieces that the losses of several methods are made of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from paretofair.methods.losses.distances import between_groups
from paretofair.methods.losses.running import compare_counts, is_running
from paretofair.methods.method import Hyper, LossSettings, Rows, avoid_zero
from paretofair.tasks.binary import binary_cross_entropy
from paretofair.tasks.known import split_outputs

COUNTS = "group_counts"
_PLAIN = LossSettings()


def cross_entropy(logits: Tensor, rows: Rows, settings: LossSettings) -> Tensor:
    """L_t: cross-entropy of each task over the batch, `(K, T)`; summed, or averaged over labelled rows."""
    return reduce_losses(row_losses(logits, rows, settings), rows, settings)


def row_losses(logits: Tensor, rows: Rows, settings: LossSettings = _PLAIN) -> Tensor:
    """The loss of every row and task, `(K, T, B)`; of no meaning where the label is unknown."""
    if not rows.tasks:
        return shape_losses(binary_cross_entropy(logits, rows.labels), rows, settings)
    parts = zip(rows.tasks, split_outputs(logits, rows.tasks), rows.labels.unbind(-2), strict=True)
    each = torch.stack([task.row_losses(outputs, labels) for task, outputs, labels in parts], 1)
    return shape_losses(each, rows, settings)


def shape_losses(each: Tensor, rows: Rows, settings: LossSettings) -> Tensor:
    """What `training.loss` makes of the cross-entropies of rows, `(K, T, B)`.

    `cross_entropy` leaves them. `focal`: (1 - p)² times each, p = exp(-cross-entropy) being the probability of the
    label (Lin et al. 2017, γ = 2). `weighted`: those of label 1 times the batch's weight of label 0 over that of label
    1, all 0 where it has no label 1 ("Technical Challenges", appendix A). `focal_of_mean` leaves them too: it is made
    of their means (`shape_means`).
    """
    if settings.loss == "focal":
        # Of a loss that rounds to below 0 the probability is 1.
        return (-torch.expm1(-each.clamp_min(0))).square() * each
    if settings.loss == "weighted":
        positives = (rows.loss_weight * (rows.labels == 1)).sum(-1, keepdim=True)
        negatives = (rows.loss_weight * (rows.labels == 0)).sum(-1, keepdim=True)
        factor = torch.where(rows.labels == 1, negatives / avoid_zero(positives), 1)
        return torch.where(positives > 0, factor, 0) * each
    return each


def shape_means(means: Tensor, settings: LossSettings) -> Tensor:
    """What `training.loss` makes of mean cross-entropies, of a batch or of a group in it: under `focal_of_mean`
    (1 - p)² times each, p = exp(-mean), as published code has it, which averages first; nothing otherwise."""
    if settings.loss == "focal_of_mean":
        return (-torch.expm1(-means.clamp_min(0))).square() * means
    return means


def reduce_losses(each: Tensor, rows: Rows, settings: LossSettings) -> Tensor:
    """The losses of rows `(K, T, B)` by `rows.loss_weight`, `(K, T)`: summed, or averaged; with `shape_means` of their
    mean, which a sum has as often as there are rows."""
    total = (each * rows.loss_weight).sum(-1)
    if settings.reduction == "sum" and settings.loss != "focal_of_mean":
        return total
    weight = rows.loss_weight.sum(-1)
    mean = shape_means(total / avoid_zero(weight), settings)
    return mean if settings.reduction == "mean" else mean * weight


class Unfairness(NamedTuple):
    """F_t `(K, T)`, how many distances had no value `(K,)`, and new values of the counts that run over batches."""

    distances: Tensor
    undefined: Tensor
    state: Mapping[str, Tensor] = MappingProxyType({})


def fairness(
    probabilities: Tensor, parts: list[Tensor], rows: Rows, settings: LossSettings, hyper: Hyper, counts: str = COUNTS
) -> Unfairness:
    """F_t: the distance between groups, summed over `parts`.

    Under `reduction: sum` a part's distance is multiplied by the weight of its rows. Where the distance is of running
    counts, they are found in `hyper` under the name `counts`.
    """
    if is_running(settings):
        found = compare_counts(probabilities, parts, rows, settings, hyper, counts)
        return Unfairness(found.distances, found.undefined, {counts: found.counts})
    total = probabilities.new_zeros(probabilities.shape[:2])
    undefined = probabilities.new_zeros(probabilities.shape[:1])
    for part in parts:
        distance, missing = between_groups(probabilities, part, rows.groups, rows.n_groups, settings)
        if settings.reduction == "sum":
            distance = distance * part.sum(-1)
        total = total + distance
        undefined = undefined + missing.to(undefined.dtype).sum(-1)
    return Unfairness(total, undefined)


def weighted(weights: Tensor, losses: Tensor) -> Tensor:
    """Σ_t w_t · loss_t, `(K,)`."""
    return torch.sum(weights * losses, -1)
