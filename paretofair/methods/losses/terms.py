"""Pieces that the losses of several methods are made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from paretofair.methods.losses.distances import between_groups
from paretofair.methods.method import LossSettings, Rows, avoid_zero


def cross_entropy(logits: Tensor, rows: Rows, settings: LossSettings) -> Tensor:
    """L_t: binary cross-entropy of each task over the batch, `(K, T)`; summed, or averaged over labelled rows."""
    return reduce_losses(row_losses(logits, rows), rows, settings)


def row_losses(logits: Tensor, rows: Rows) -> Tensor:
    """Binary cross-entropy of every row, `(K, T, B)`; of no meaning where the label is unknown."""
    # Above the threshold softplus returns its argument; 50 is where that is exact in float64.
    return softplus(logits, threshold=50) - logits * rows.labels.clamp_min(0)


def reduce_losses(each: Tensor, rows: Rows, settings: LossSettings) -> Tensor:
    """The losses of rows `(K, T, B)` by `rows.loss_weight`, `(K, T)`: summed, or averaged."""
    total = (each * rows.loss_weight).sum(-1)
    if settings.reduction == "mean":
        total = total / avoid_zero(rows.loss_weight.sum(-1))
    return total


def fairness(probabilities: Tensor, parts: list[Tensor], rows: Rows, settings: LossSettings) -> tuple[Tensor, Tensor]:
    """F_t: the distance between groups, summed over `parts`, `(K, T)`; and how many had no value, `(K,)`.

    Under `reduction: sum` a part's distance is multiplied by the weight of its rows.
    """
    total = probabilities.new_zeros(probabilities.shape[:2])
    undefined = probabilities.new_zeros(probabilities.shape[:1])
    for part in parts:
        distance, missing = between_groups(probabilities, part, rows.groups, rows.n_groups, settings)
        if settings.reduction == "sum":
            distance = distance * part.sum(-1)
        total = total + distance
        undefined = undefined + missing.to(undefined.dtype).sum(-1)
    return total, undefined


def weighted(weights: Tensor, losses: Tensor) -> Tensor:
    """Σ_t w_t · loss_t, `(K,)`."""
    return torch.sum(weights * losses, -1)
